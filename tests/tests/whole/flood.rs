//! A small budget, a crowd of commands, and somebody who is denied and goes on asking: effects
//! pass and are recorded, the folder stays within its budget, and what remains proves itself.

use std::fs;
use std::path::Path;
use std::thread::scope;

use interlock_protocols::record::Event;
use interlock_tests::harness::{Ended, Gateway, Modbus, Plc, Rig, Site};

use crate::Told;

const MIB: u64 = 1 << 20;

/// Commands under way in one session of the flood, of the 8 that a conversation may have.
const AT_ONCE: u16 = 8;

/// Denied commands: 12 MiB if each were recorded in full.
const FLOOD: u16 = 20_000;

/// Writers at once, and what each writes: more than the budget in all.
const WRITERS: usize = 4;
const WRITES_EACH: u16 = 2_400;

/// A gateway with a budget of 8 MiB before one PLC.
fn small(logs: &Site, retention_days: u32) -> (Plc, Gateway) {
    let plc = Plc::start(&logs.join("plc.log"), &[]);
    let mut gateway = Rig::gateway(&[plc.address()], "");
    gateway.edit("edge.toml", "budget_mib = 4096", "budget_mib = 8");
    let retention = format!("retention_days = {retention_days}");
    gateway.edit("edge.toml", "retention_days = 365", &retention);
    gateway.start();
    (plc, gateway)
}

/// Bytes of the files of records.
fn segments(gateway: &Gateway) -> u64 {
    let files = fs::read_dir(gateway.site().join("journal")).unwrap();
    let sizes = files.map(|file| {
        let file = file.unwrap();
        let is_segment = file.path().extension().is_some_and(|it| it == "segment");
        // One may be removed between the listing and the look.
        let bytes = file.metadata().map_or(0, |metadata| metadata.len());
        if is_segment { bytes } else { 0 }
    });
    sizes.sum()
}

/// A write of twelve points: some hundred bytes of each in the record.
fn wide(value: u16) -> Vec<u8> {
    let mut pdu = vec![16, 0, 100, 0, 12, 24];
    for register in 0..12 {
        pdu.extend((value.wrapping_add(register)).to_be_bytes());
    }
    pdu
}

/// Asks for what is never granted, several at once.
fn flood(mut modbus: Modbus, count: u16) {
    for first in (0..count).step_by(usize::from(AT_ONCE)) {
        let one = |number: u16| {
            let [high, low] = number.to_be_bytes();
            interlock_tests::harness::adu(number, 1, &[6, 0, 100, high, low])
        };
        let segment: Vec<u8> = (first..first + AT_ONCE).flat_map(one).collect();
        modbus.send(&segment);
        for _ in 0..AT_ONCE {
            let answer = modbus.next(interlock_tests::harness::PATIENCE);
            let interlock_tests::harness::Fate::Answer(answer) = answer else {
                panic!("{answer:?}");
            };
            // Denied, or too many at once; never done.
            assert_eq!(answer[7], 0x86);
            assert!([1, 6].contains(&answer[8]), "{answer:?}");
        }
    }
}

#[test]
fn a_denied_crowd_spends_no_budget_but_its_own() {
    let logs = Site::new();
    // Nothing is ever old enough to be removed.
    let (plc, mut gateway) = small(&logs, 365);
    let before = Told::of(&gateway).number("journal", "used_bytes");
    let intruders: Vec<_> = (0..2)
        .map(|_| gateway.connect("workload/historian", &["rig-1"]))
        .collect();
    let owner = gateway.connect("person/emil", &["rig-1"]);
    let mut modbus = owner.modbus("rig-1");
    scope(|scope| {
        for intruder in &intruders {
            scope.spawn(|| flood(intruder.modbus("rig-1"), FLOOD / 2));
        }
        for value in 0..200 {
            let [high, low] = u16::to_be_bytes(value);
            assert_eq!(
                modbus.ask(1, &[6, 0, 100, high, low]),
                [6, 0, 100, high, low]
            );
        }
    });
    for intruder in intruders {
        assert_eq!(intruder.end(), 0);
    }
    let told = Told::of(&gateway);
    assert_eq!(told.code, 0, "{:#}", told.tree);
    let used = told.number("journal", "used_bytes") - before;
    assert!(used < 2 * MIB, "{used} bytes");
    assert!(segments(&gateway) <= 8 * MIB);
    assert_eq!(owner.end(), 0);
    assert_eq!(gateway.stop(), 0);
    gateway.assert_journal_is_whole();
    let records = gateway.records();
    let told: u64 = records
        .iter()
        .map(|record| match &record.event {
            Event::Denial(_) => 1,
            Event::DenialSummary(summary) => summary.count,
            _ => 0,
        })
        .sum();
    assert_eq!(told, u64::from(FLOOD), "each is counted");
    assert_eq!(Rig::ends_at(&gateway, "rig-1").len(), 200);
    assert_eq!(plc.seen().commands_of(&[6]).len(), 200);
}

#[test]
fn what_is_left_after_retention_proves_itself() {
    let logs = Site::new();
    let (plc, mut gateway) = small(&logs, 0);
    let owner = gateway.connect("person/emil", &["rig-1"]);
    let mut most = 0;
    scope(|scope| {
        let write = || {
            let mut modbus = owner.modbus("rig-1");
            for value in 0..WRITES_EACH {
                assert_eq!(modbus.ask(1, &wide(value)), [16, 0, 100, 0, 12]);
            }
        };
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(write)).collect();
        while !writers.iter().all(|writer| writer.is_finished()) {
            most = most.max(segments(&gateway));
            std::thread::yield_now();
        }
    });
    assert!(most <= 8 * MIB, "{most} bytes of segments");
    let told = Told::until(&gateway, "shorter", |told| {
        told.number("journal", "first_sequence") > 1
    });
    assert_eq!((told.failure(), told.held()), (None, None));
    assert_eq!(owner.end(), 0);
    assert_eq!(gateway.stop(), 0);
    let first = told.number("journal", "first_sequence");
    let last = gateway.records().last().unwrap().sequence;
    assert!(first > 1_000, "{first} to {last}");
    let written = plc.seen().commands_of(&[16]).len();
    assert_eq!(written, WRITERS * usize::from(WRITES_EACH));

    let [journal, key] = ["journal", "keys/journal.vkey"].map(|path| gateway.site().join(path));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let run = |args: &[&str]| -> Ended {
        let ended = gateway.client("person/olga", args);
        assert_eq!(ended.code, 0, "{ended}");
        ended
    };
    let verified = run(&["journal", "verify", &text(&journal), "--key", &text(&key)]);
    assert!(verified.stdout.contains("were removed"), "{verified}");
    // To another place go the proof and the key alone.
    let elsewhere = Site::new();
    let kept = elsewhere.join("journal.vkey");
    fs::copy(&key, &kept).unwrap();
    let oldest = gateway.records().first().unwrap().sequence;
    assert!(oldest >= first);
    for sequence in [oldest, oldest + 300, last - 5] {
        let proof = elsewhere.join(&format!("{sequence}.tlog-proof"));
        let asked = sequence.to_string();
        let (from, out) = (text(&journal), text(&proof));
        run(&["journal", "prove", &asked, "--dir", &from, "--out", &out]);
        let held = run(&["journal", "verify-proof", &out, "--key", &text(&kept)]);
        let said = format!("record {sequence} is in the log");
        assert!(held.stdout.contains(&said), "{held}");
    }
    let gone = ["journal", "prove", "5", "--dir", &text(&journal)];
    let gone = gateway.client("person/olga", &gone);
    assert_eq!(gone.code, 1, "{gone}");
}

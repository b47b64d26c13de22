//! The order of INTENT, disk and PLC, with a disk that waits for the test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs::File;
use std::time::Instant;

use interlock_protocols::record::{CommandResult, Event};
use interlock_tests::harness::{Bench, Connected, Fate, Modbus, PATIENCE, SILENCE, adu};
use rustix::process::Signal;

/// 900 rpm, and the same as a journal record holds it: five bytes of CBOR.
const WRITE: [u8; 5] = [6, 0, 100, 0x23, 0x28];
const IN_RECORD: &str = "450600642328";

const READ: [u8; 5] = [3, 0, 100, 0, 1];

/// A bench whose journal does not flush [`WRITE`] before the lock is gone.
struct HeldBench {
    bench: Bench,
    lock: File,
    connected: Connected,
}

fn held() -> HeldBench {
    let mut lock = None;
    let mut bench = Bench::start_with(|gateway| {
        gateway.run_by("held_edge");
        let file = File::create(gateway.beside("lock")).unwrap();
        file.lock().unwrap();
        lock = Some(file);
        let [path, fails] = ["lock", "fails"].map(|name| gateway.beside(name));
        gateway.set("HELD_BYTES", IN_RECORD);
        gateway.set("HELD_LOCK", path.to_str().unwrap());
        gateway.set("HELD_FAILS", fails.to_str().unwrap());
    });
    let connected = bench.gateway.connect("person/olga", &["press-4"]);
    assert!(bench.gateway.edge().is_running());
    HeldBench {
        bench,
        lock: lock.unwrap(),
        connected,
    }
}

/// Sends the write; when this returns, its INTENT is written and not flushed.
fn write_and_wait(held: &mut HeldBench) -> Modbus {
    let mut writer = held.connected.modbus("press-4");
    writer.send(&adu(1, 1, &WRITE));
    held.bench
        .gateway
        .edge()
        .complaint("that the flush is held", |line| {
            (line == "held").then_some(())
        });
    writer
}

#[test]
fn i2_the_plc_receives_no_byte_of_a_write_before_its_intent_is_on_the_disk() {
    let mut held = held();
    let mut writer = write_and_wait(&mut held);
    let records = held.bench.gateway.records();
    // What the gateway records of itself may share the group.
    let written = records
        .iter()
        .any(|record| matches!(record.event, Event::Intent(_)));
    assert!(written, "written, not flushed: {records:?}");
    assert_eq!(held.bench.press.seen().received(), [0; 0]);
    // Reads make no journal hop: they pass meanwhile, as often as one likes.
    let mut reader = held.connected.modbus("press-4");
    for _ in 0..20 {
        assert_eq!(reader.ask(1, &READ), [3, 2, 0, 0]);
    }
    assert_eq!(writer.next(SILENCE), Fate::Silence);
    assert_eq!(
        held.bench.press.seen().commands(),
        vec![(255, READ.to_vec()); 20]
    );

    held.lock.unlock().unwrap();
    assert_eq!(writer.next(PATIENCE), Fate::Answer(adu(1, 1, &WRITE)));
    assert_eq!(held.bench.press.holding(100), 9000);
    assert_eq!(held.connected.end(), 0);
    let records = held.bench.settle();
    assert_eq!(records.commands.len(), 1);
}

#[test]
fn a_stop_waits_for_a_write_whose_intent_is_on_its_way() {
    let mut held = held();
    let writer = write_and_wait(&mut held);
    let mut reader = held.connected.modbus("press-4");
    assert_eq!(reader.ask(1, &READ), [3, 2, 0, 0]);
    held.bench.gateway.edge().signal(Signal::TERM);
    // The edge takes nothing new from now on, and says so.
    let end = Instant::now() + PATIENCE;
    while reader.ask(1, &READ) != [0x83, 6] {
        assert!(
            Instant::now() < end,
            "it goes on as if nobody had told it to stop"
        );
    }
    // Not even its tool is left.
    drop(writer);
    assert!(held.bench.gateway.edge().is_running());
    held.lock.unlock().unwrap();
    let records = held.bench.settle();
    let [(intent, result)] = &records.commands[..] else {
        panic!("{:?}", records.commands);
    };
    assert_eq!(intent.pdu, WRITE);
    assert!(
        matches!(result, CommandResult::Answered { .. }),
        "{result:?}"
    );
}

#[test]
fn what_the_disk_refuses_is_refused_with_04_and_reads_go_on() {
    let mut held = held();
    let mut writer = write_and_wait(&mut held);
    let fails = held.bench.gateway.beside("fails");
    File::create(&fails).unwrap();
    held.lock.unlock().unwrap();
    assert_eq!(writer.next(PATIENCE), Fate::Answer(adu(1, 1, &[0x86, 4])));
    // From here on nothing with effect passes, whatever it is; everything else does.
    assert_eq!(writer.ask(1, &[5, 0, 0, 0xFF, 0]), [0x85, 4]);
    assert_eq!(writer.ask(1, &READ), [3, 2, 0, 0]);
    assert_eq!(held.bench.press.seen().commands(), [(255, READ.to_vec())]);
    assert_eq!(held.connected.end(), 0);
    held.bench.gateway.stop();

    // The disk is mended. What the INTENT that did reach it came to is on record.
    std::fs::remove_file(fails).unwrap();
    held.bench.gateway.start();
    let written = held
        .bench
        .gateway
        .client("person/olga", &["write", "press-4", "speed_setpoint=700"]);
    assert_eq!(written.code, 0, "{written}");
    assert_eq!(held.bench.gateway.stop(), 0);
    held.bench.gateway.assert_journal_is_whole();
    let seen = held.bench.press.seen();
    seen.assert_nothing_malformed();
    assert_eq!(
        seen.commands_of(&[5, 6]),
        [(255, vec![6, 0, 100, 0x1B, 0x58])]
    );
}

//! Break-glass through real processes: a grant that the site root sealed long before, opened once
//! while a key switch is on. What reached the press is judged by the log of the PLC, and what was
//! decided by the journal. The vendor who brings it may do nothing here by any rule.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod opening;
mod over;

use std::path::{Path, PathBuf};
use std::process::Command;

use interlock_protocols::record::{BreakGlassEnded, BreakGlassOpened, Event};
use interlock_tests::harness::{Connected, Ended, Modbus, PRESS, VICTOR, Works, binary};

pub(crate) const WHY: &str = "the identity provider is down";
const HOUR_MS: i64 = 3_600_000;

/// A gateway with a root and a key switch that is off.
pub(crate) fn with_switch() -> Works {
    Works::start_with(|works| {
        works.gateway.run_by("switch_edge");
        let file = works.gateway.beside("switch");
        works.gateway.set("KEY_SWITCH", file.to_str().unwrap());
        let fails = works.gateway.beside("fails");
        works.gateway.set("HELD_FAILS", fails.to_str().unwrap());
        let section = "\n[break_glass]\nchip = \"/dev/none\"\nline = 17\nactive = \"high\"\n";
        works.gateway.append("edge.toml", section);
        turn(works, "off");
    })
}

/// Turns the key. The edge looks within moments: a test waits for what comes of it.
pub(crate) fn turn(works: &Works, to: &str) {
    let (new, file) = (
        works.gateway.beside("switch.new"),
        works.gateway.beside("switch"),
    );
    std::fs::write(&new, to).unwrap();
    std::fs::rename(new, file).unwrap();
}

/// Turns the key on for the first time since the start, and waits until the edge has seen it.
pub(crate) fn turn_on(works: &mut Works) {
    turn(works, "on");
    works
        .gateway
        .edge()
        .complaint("the key that is on", |line| {
            line.contains("key switch of break-glass is on")
                .then_some(())
        });
}

/// `interlock root seal`: the speed of the press, up to 700 rpm, by function 6, three times.
pub(crate) fn sealed(works: &Works, name: &str) -> PathBuf {
    let key = works.root().join("site-root.key");
    sealed_by(works, &key, "gateway-1", name)
}

/// The same with the key in this file, for this gateway.
pub(crate) fn sealed_by(works: &Works, key: &Path, gateway: &str, name: &str) -> PathBuf {
    sealed_for(works, key, gateway, name, "30m")
}

/// The same, open for this long.
pub(crate) fn sealed_for(
    works: &Works,
    key: &Path,
    gateway: &str,
    name: &str,
    open_for: &str,
) -> PathBuf {
    let plant = works.gateway.site().join("plant.toml");
    let out = works.root().join(name);
    let [from, until] = [-HOUR_MS, 24 * HOUR_MS].map(|ms| works.at(ms));
    let [plant, key, to] = [&plant, key, &out].map(|file| file.to_str().unwrap());
    let mut command = Command::new(binary("client"));
    command.args(["root", "seal", "--gateway", gateway, "--device", PRESS]);
    command.args([
        "--points",
        "speed_setpoint",
        "--functions",
        "write-register",
    ]);
    command.args(["--limit", "speed_setpoint=0..700", "--max-writes", "3"]);
    command.args([
        "--open-for",
        open_for,
        "--valid-from",
        &from,
        "--valid-until",
        &until,
    ]);
    let made = Ended::of(
        "seal",
        command.args(["--plant", plant, "--key", key, "--out", to]),
    );
    assert_eq!(made.code, 0, "{made}");
    out
}

/// `interlock break-glass` of victor.
pub(crate) fn break_glass(works: &Works, sealed: &Path) -> Ended {
    let args = ["break-glass", sealed.to_str().unwrap(), "--reason", WHY];
    works.gateway.client(VICTOR, &args)
}

#[track_caller]
pub(crate) fn assert_opens(works: &Works, sealed: &Path) {
    let opened = break_glass(works, sealed);
    assert_eq!(opened.code, 0, "{opened}");
    assert!(
        opened.stderr.contains("break-glass is open at press-4"),
        "{opened}"
    );
}

/// It is refused for this reason, whoever asked is told what to do, and nothing is recorded as open.
#[track_caller]
pub(crate) fn assert_refused_as(works: &Works, sealed: &Path, why: &str) {
    let before = openings(works).len();
    let refused = break_glass(works, sealed);
    assert_eq!(refused.code, 3, "{refused}");
    assert!(
        refused.stderr.contains(why),
        "{why:?} is not said: {refused}"
    );
    assert_eq!(openings(works).len(), before);
}

/// The speed setpoint of the press, in tenths of a rpm, and what answers a write of it.
pub(crate) fn speed(tenths: u16) -> Vec<u8> {
    [&[6, 0, 100], &tenths.to_be_bytes()[..]].concat()
}

pub(crate) fn tool(victor: &Connected) -> Modbus {
    victor.modbus(PRESS)
}

#[track_caller]
pub(crate) fn assert_passes(works: &Works, tool: &mut Modbus, pdu: &[u8]) {
    assert_eq!(tool.ask(1, pdu), pdu, "the answer to {pdu:02x?}");
    assert_eq!(works.written().last().map(Vec::as_slice), Some(pdu));
}

/// It is answered with exception 01, and the PLC received nothing.
#[track_caller]
pub(crate) fn assert_refused(works: &Works, tool: &mut Modbus, pdu: &[u8]) {
    let before = works.written();
    assert_eq!(tool.ask(1, pdu), [pdu[0] | 0x80, 1], "to {pdu:02x?}");
    assert_eq!(works.written(), before, "what the PLC received");
}

pub(crate) fn openings(works: &Works) -> Vec<(u64, BreakGlassOpened)> {
    let records = works.gateway.records().into_iter();
    let opened = records.filter_map(|record| match record.event {
        Event::BreakGlassOpened(opened) => Some((record.sequence, opened)),
        _ => None,
    });
    opened.collect()
}

/// Waits for the record that says that it is over.
#[track_caller]
pub(crate) fn ended(works: &Works, opened: u64) -> BreakGlassEnded {
    works
        .gateway
        .record("the end of break-glass", |record| match &record.event {
            Event::BreakGlassEnded(ended) if ended.opened == opened => Some(ended.clone()),
            _ => None,
        })
}

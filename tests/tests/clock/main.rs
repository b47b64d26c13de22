//! The gateway's clock, moved by the test while real programs use it: what is in doubt, what goes
//! on all the same, and who ends it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod ending;
mod jumps;
mod late;
mod local;

use interlock_protocols::record::{Event, Record};
use interlock_tests::harness::{Bench, Connected, Ended, Gateway};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A bench whose gateway has clocks of the test's own.
fn bench() -> Bench {
    Bench::start_with(|gateway| {
        gateway.run_by("clock_edge");
        let file = gateway.beside("shift");
        gateway.set("CLOCK_SHIFT", file.to_str().unwrap());
        shift(gateway, 0, 0);
    })
}

/// Moves the system's clock and the monotonic one against the machine's. The next reading of a
/// clock sees it.
fn shift(gateway: &Gateway, system_ms: i64, mono_ms: i64) {
    let (new, file) = (gateway.beside("shift.new"), gateway.beside("shift"));
    std::fs::write(&new, format!("{system_ms} {mono_ms}")).unwrap();
    std::fs::rename(new, file).unwrap();
}

/// `interlock-edge clock ...` beside the running edge.
fn clock(gateway: &Gateway, act: &str, more: &[&str]) -> Ended {
    let site = gateway.site();
    let args = [&["clock", act, site.to_str().unwrap()], more].concat();
    gateway.edge_command(&args)
}

#[track_caller]
fn accept(gateway: &Gateway) {
    let accepted = clock(gateway, "accept", &["--reason", "set by hand, by ann"]);
    assert_eq!(accepted.code, 0, "{accepted}");
    assert!(accepted.stdout.contains("accepted, record"), "{accepted}");
}

/// Writes pass, for a session that is open and for a new one.
#[track_caller]
fn assert_writes_pass(bench: &mut Bench, connected: &Connected, value: u16) {
    let mut modbus = connected.modbus("press-4");
    assert_eq!(modbus.write_holding(1, 100, value), written(value));
    assert_eq!(bench.press.holding(100), value);
}

/// What answers a write that was done.
fn written(value: u16) -> Vec<u8> {
    [&[6, 0, 100], &value.to_be_bytes()[..]].concat()
}

/// Nothing with effect passes, in an open session and in a new one; reads go on in both; whoever
/// asks is told why.
#[track_caller]
fn assert_doubted(bench: &mut Bench, connected: &mut Connected, why: &str) {
    let before = bench.press.holding(100);
    let mut modbus = connected.modbus("press-4");
    assert_eq!(modbus.write_holding(1, 100, 7_770), [0x86, 4]);
    connected.process().complaint("the reason", |line| {
        line.contains("clock is in doubt").then_some(())
    });
    assert_eq!(modbus.read_holding(1, 100, 1), [before]);

    let gateway = &bench.gateway;
    let refused = gateway.client("person/olga", &["write", "press-4", "speed_setpoint=777"]);
    assert_ne!(refused.code, 0, "{refused}");
    assert!(refused.stderr.contains("clock is in doubt"), "{refused}");
    let read = gateway.client("person/olga", &["read", "press-4", "speed_setpoint"]);
    assert_eq!(read.code, 0, "{read}");

    let status = gateway.client("person/adam", &["status"]);
    assert_eq!(status.code, 1, "{status}");
    assert!(status.stdout.contains("IN DOUBT"), "{status}");
    let granted = gateway.client("person/paula", &["policy", "activate"]);
    assert_ne!(granted.code, 0, "{granted}");
    assert!(granted.stderr.contains("clock is in doubt"), "{granted}");
    let shown = clock(gateway, "show", &[]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(shown.stdout.contains(why), "{shown}");
    assert_eq!(bench.press.holding(100), before);
}

fn doubts(records: &[Record]) -> Vec<(i64, i64)> {
    let doubt = |record: &Record| match &record.event {
        Event::ClockDoubted(doubted) => Some((doubted.system_ms, doubted.counted_ms)),
        _ => None,
    };
    records.iter().filter_map(doubt).collect()
}

/// Time does not step back in the log. Tasks that record at once may pass each other.
#[track_caller]
fn assert_goes_on(records: &[Record]) {
    let mut last = i64::MIN;
    for record in records {
        assert!(
            record.time_ms > last.saturating_sub(MINUTE_MS),
            "{record:?}"
        );
        last = last.max(record.time_ms);
    }
}

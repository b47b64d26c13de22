//! Evidence that runs out while a session is open.

use interlock_protocols::record::{Event, Record};
use interlock_tests::harness::{Bench, Connected, Gateway};

use super::{OLGA, RULE, found, healthy};

const LEASE_MS: i64 = 3_600_000;

/// A gateway whose clocks the test moves, for the time of leases is counted by them.
fn bench() -> Bench {
    Bench::start_with(|gateway| {
        gateway.run_by("clock_edge");
        let file = gateway.beside("shift");
        gateway.set("CLOCK_SHIFT", file.to_str().unwrap());
        shift(gateway, 0);
        // A session is to end by nothing else here.
        gateway.append("edge.toml", "\n[session]\nidle_minutes = 600\n");
    })
}

fn shift(gateway: &Gateway, ms: i64) {
    let (new, file) = (gateway.beside("shift.new"), gateway.beside("shift"));
    std::fs::write(&new, format!("{ms} {ms}")).unwrap();
    std::fs::rename(new, file).unwrap();
}

fn connected(bench: &Bench) -> Connected {
    bench.gateway.connect(OLGA, &["press-4"])
}

fn ran_out(record: &Record) -> Option<u64> {
    match &record.event {
        Event::PostureChanged(changed) if changed.posture.is_none() => Some(record.sequence),
        _ => None,
    }
}

fn denied_by_rule(record: &Record) -> Option<u64> {
    match &record.event {
        Event::Denial(denial) if denial.policies.iter().any(|rule| rule == RULE) => {
            Some(record.sequence)
        }
        _ => None,
    }
}

/// The client is still there and tells again too late: the first write after the end of the lease is
/// denied, reads go on, and the record that it ran out stands before that of the denial.
#[test]
fn the_very_next_write_after_the_lease_is_denied() {
    let bench = bench();
    let connected = connected(&bench);
    let mut modbus = connected.modbus("press-4");
    let written = modbus.write_holding(1, 100, 9_000);
    assert_eq!(written.first(), Some(&6), "{written:02x?}");
    // Nothing is waited for: it is the clock of the gateway that counts, and it is read at once.
    shift(&bench.gateway, LEASE_MS);
    let denied = modbus.write_holding(1, 100, 9_100);
    assert_eq!(denied, [0x86, 1]);
    assert_eq!(modbus.read_holding(1, 100, 1), [9_000]);
    let ran_out = bench.gateway.record("evidence that ran out", ran_out);
    let denied = bench.gateway.record("denial", denied_by_rule);
    assert!(ran_out < denied, "{ran_out} {denied}");
    assert_eq!(connected.end(), 0);
}

/// A server that looks again and finds something changes the session that is open, once the machine
/// tells it; nobody has to connect again.
#[test]
fn a_session_that_is_open_is_decided_by_what_is_known_now() {
    let bench = Bench::start_with(|gateway| {
        gateway.edit("edge.toml", "\nlease_s = 3600", "\nlease_s = 2");
    });
    let connected = connected(&bench);
    let mut modbus = connected.modbus("press-4");
    let written = modbus.write_holding(1, 100, 9_000);
    assert_eq!(written.first(), Some(&6), "{written:02x?}");
    let mut worse = healthy(&bench.gateway);
    worse.firewall = Some(false);
    found(&bench.gateway, &worse);
    bench
        .gateway
        .record("report of no firewall", |record| match &record.event {
            Event::PostureChanged(changed) => changed
                .posture
                .as_ref()
                .filter(|posture| posture.firewall == Some(false))
                .map(|_| ()),
            _ => None,
        });
    assert_eq!(modbus.write_holding(1, 100, 9_100), [0x86, 1]);
    assert_eq!(modbus.read_holding(1, 100, 1), [9_000]);
    bench.gateway.record("denial", denied_by_rule);
    assert_eq!(connected.end(), 0);
}

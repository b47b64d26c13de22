//! The walk of a command through real processes: what a person sees, what the PLC received, and
//! what the journal holds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod activation;
mod exits;
mod status;

mod journal_reading;

use interlock_protocols::record::{CommandResult, Event};
use interlock_tests::harness::{Bench, Fate, PATIENCE, adu};
use interlock_tests::plc::log;
use rustix::process::Signal;

#[test]
fn reply_plc_and_journal_agree_on_a_working_day() {
    let mut bench = Bench::start();
    bench.press.order("set holding 100 8500");
    let olga = |args: &[&str]| bench.gateway.client("person/olga", args);

    let read = olga(&["-o", "jsonl", "read", "press-4", "speed_setpoint"]);
    assert_eq!(read.code, 0, "{read}");
    let row: serde_json::Value = serde_json::from_str(&read.stdout).unwrap();
    assert_eq!(row["value"], 850.0, "{read}");
    assert_eq!(row["address"], "holding 100 (40101)");

    let written = olga(&["write", "press-4", "speed_setpoint=900"]);
    assert_eq!(written.code, 0, "{written}");
    assert!(written.stdout.contains("900 rpm"), "{written}");
    let forbidden = olga(&["write", "press-4", "pressure_setpoint=8.5"]);
    assert_eq!(forbidden.code, 3, "{forbidden}");
    assert!(
        forbidden
            .stderr
            .contains("guards.cedar/pressure-is-for-engineers"),
        "{forbidden}"
    );
    let wild = olga(&["write", "press-4", "speed_setpoint=1300"]);
    assert_eq!(wild.code, 3, "{wild}");
    assert!(wild.stderr.contains("0 to 1200 rpm"), "{wild}");
    // An engineer may. The low word comes first on this device.
    let written = bench.gateway.client(
        "person/emil",
        &["write", "press-4", "pressure_setpoint=8.5"],
    );
    assert_eq!(written.code, 0, "{written}");
    // A vendor without a rule sees no device, and asking for one by name is put on record.
    let victor = |args: &[&str]| bench.gateway.client("vendor/acme/victor", args);
    let devices = victor(&["-o", "jsonl", "devices"]);
    assert_eq!(
        (devices.code, devices.stdout.as_str()),
        (0, ""),
        "{devices}"
    );
    let denied = victor(&["read", "press-4", "holding:100"]);
    assert_eq!(denied.code, 3, "{denied}");
    // Somebody who may read the log, and somebody who may not.
    let shown = bench
        .gateway
        .client("person/aida", &["-o", "jsonl", "journal", "show"]);
    assert_eq!(shown.code, 0, "{shown}");
    for words in ["speed_setpoint", "person/olga", "pressure-is-for-engineers"] {
        assert!(shown.stdout.contains(words), "{words}: {shown}");
    }
    let denied = olga(&["journal", "show"]);
    assert_eq!(denied.code, 3, "{denied}");

    assert_eq!(bench.press.holding(100), 9000);
    assert_eq!(bench.press.read("holding", 110, 2), [0, 0x4108]);
    let records = bench.settle();
    let effects: Vec<_> = bench.press.seen().commands_of(&[6, 16]);
    assert_eq!(
        effects,
        [
            (255, vec![6, 0, 100, 0x23, 0x28]),
            (255, vec![16, 0, 110, 0, 2, 4, 0, 0, 0x41, 0x08]),
        ]
    );
    let [(speed, _), (pressure, result)] = &records.commands[..] else {
        panic!("{:?}", records.commands);
    };
    assert_eq!(speed.subject, "spiffe://waterworks/person/olga");
    assert_eq!(speed.policies, ["staff.cedar/operators-write"]);
    assert_eq!(speed.points[0].value, Some(900.0));
    assert_eq!(pressure.subject, "spiffe://waterworks/person/emil");
    assert_eq!(
        *result,
        CommandResult::Answered {
            pdu: vec![16, 0, 110, 0, 2]
        }
    );
    let denials: Vec<_> = records
        .denials
        .iter()
        .map(|denial| {
            (
                denial.subject.rsplit('/').next().unwrap(),
                denial.reason.as_str(),
            )
        })
        .collect();
    assert_eq!(
        denials,
        [
            ("olga", "rule-forbids"),
            ("olga", "value-outside-limits"),
            ("victor", "not-yours"),
            ("olga", "no-rule-permits"),
        ]
    );
    let counted = records.events.iter().any(
        |event| matches!(event, Event::ReadSummary(read) if (read.first, read.count) == (100, 1)),
    );
    assert!(counted, "the read is counted: {:?}", records.events);
}

#[test]
fn nothing_with_effect_passes_a_connection_that_was_not_armed() {
    let mut bench = Bench::start();
    let mut connected = bench.gateway.connect("person/olga", &["pump-2"]);
    let mut tool = connected.modbus("press-4");
    assert_eq!(tool.write_holding(1, 100, 9000), [0x86, 1]);
    assert_eq!(tool.read_holding(1, 100, 1), [0]);
    // The person is told what the exception cannot say.
    connected.process().complaint("how to arm it", |line| {
        line.contains("interlock connect --write").then_some(())
    });
    assert_eq!(
        connected.modbus("pump-2").ask(3, &[6, 0, 20, 0, 40]),
        [6, 0, 20, 0, 40]
    );
    assert_eq!(connected.end(), 0);
    let records = bench.settle();
    assert_eq!(records.denied("not-armed"), 1);
    assert_eq!(bench.press.seen().commands_of(&[6]), []);
    assert_eq!(bench.pump.seen().commands(), [(3, vec![6, 0, 20, 0, 40])]);
}

#[test]
fn a_stop_lets_a_slow_command_finish_and_records_it() {
    let mut bench = Bench::start();
    let connected = bench.gateway.connect("person/olga", &["press-4"]);
    let mut tool = connected.modbus("press-4");
    bench.press.order("delay 500");
    let write = adu(9, 1, &[6, 0, 100, 0x23, 0x28]);
    tool.send(&write);
    bench.press.next_event("write at the PLC", |event| {
        matches!(event, log::Event::Request(_)).then_some(())
    });
    bench.gateway.edge().signal(Signal::TERM);
    assert_eq!(tool.next(PATIENCE), Fate::Answer(write));
    assert_eq!(tool.next(PATIENCE), Fate::Closed);
    let records = bench.settle();
    assert_eq!(records.commands.len(), 1);
    assert!(matches!(
        records.commands[0].1,
        CommandResult::Answered { .. }
    ));
    // Behind the stop stands nothing but the checkpoint over all of it.
    let last: Vec<&Event> = records.events.iter().rev().take(2).collect();
    assert!(
        matches!(last[..], [Event::Checkpointed(_), Event::EdgeStopped(_)]),
        "{last:?}"
    );
    let verified = bench.gateway.site().join("journal");
    let verified = bench.gateway.client(
        "person/aida",
        &["journal", "verify", verified.to_str().unwrap()],
    );
    assert_eq!(verified.code, 0, "{verified}");
}

//! Whole requests at the wrong moment: twice, too many at once, too slowly, and by clients that
//! do not stay.

use std::time::{Duration, Instant};

use interlock_protocols::record::{CommandResult, Event};
use interlock_tests::harness::{Bench, Fate, PATIENCE, SILENCE, adu};
use interlock_tests::plc::log;

use crate::{exchange, hex};

/// 900 rpm and 700 rpm.
const WRITE: &str = "06 0064 2328";
const OTHER: &str = "06 0064 1B58";

fn answered(result: &CommandResult) -> bool {
    matches!(result, CommandResult::Answered { .. })
}

/// Waits until a PLC has taken in a command of this function.
fn arrived(plc: &mut interlock_tests::harness::Plc, function: u8) {
    plc.next_event("command at the PLC", |event| match event {
        log::Event::Request(adu) if adu[7] == function => Some(()),
        _ => None,
    });
}

#[test]
fn a_repeat_under_an_open_id_is_executed_once_and_never_under_the_clients_id() {
    let mut bench = Bench::start();
    let connected = bench.gateway.connect("person/olga", &["press-4"]);
    let mut tool = connected.modbus("press-4");
    bench.press.order("delay 300");
    // Three tries of an impatient client, in one segment.
    let request = adu(0xBEEF, 1, &hex(WRITE));
    tool.send(&request.repeat(3));
    assert_eq!(tool.next(PATIENCE), Fate::Answer(request.clone()));
    assert_eq!(
        tool.next(SILENCE),
        Fate::Silence,
        "one answer serves all three"
    );
    assert_eq!(bench.press.seen().commands_of(&[6]).len(), 1);
    // Once it is answered the id is free, and the same words are a new command.
    tool.send(&request);
    assert_eq!(tool.next(PATIENCE), Fate::Answer(request));
    assert_eq!(connected.end(), 0);
    let records = bench.settle();
    assert_eq!(records.commands.len(), 2);
    for (intent, result) in &records.commands {
        assert_eq!(intent.transaction, 0xBEEF);
        assert!(answered(result), "{result:?}");
    }
    let ids: Vec<_> = bench
        .press
        .seen()
        .requests()
        .iter()
        .map(|adu| [adu[0], adu[1]])
        .collect();
    assert_eq!(ids.len(), 2);
    assert!(
        !ids.contains(&[0xBE, 0xEF]),
        "the client's own id went south: {ids:?}"
    );
}

#[test]
fn another_request_under_an_open_id_closes_the_connection() {
    let mut bench = Bench::start();
    let connected = bench.gateway.connect("person/olga", &["press-4"]);
    let mut tool = connected.modbus("press-4");
    bench.press.order("delay 300");
    let mut segment = adu(7, 1, &hex(WRITE));
    segment.extend(adu(7, 1, &hex(OTHER)));
    tool.send(&segment);
    assert_eq!(tool.next(PATIENCE), Fate::Closed);
    // The first was permitted before; it goes its way and its outcome is recorded.
    bench.gateway.record("outcome", |record| {
        matches!(record.event, Event::Outcome(_)).then_some(())
    });
    assert_eq!(bench.press.holding(100), 9000);
    assert_eq!(connected.end(), 0);
    let records = bench.settle();
    let [(intent, result)] = &records.commands[..] else {
        panic!("{:?}", records.commands);
    };
    assert_eq!(intent.pdu, hex(WRITE));
    assert!(answered(result), "{result:?}");
    let [denial] = &records.denials[..] else {
        panic!("{:?}", records.denials);
    };
    assert_eq!(denial.reason, "transaction-reused");
    assert_eq!((denial.pdu.clone(), denial.exception), (hex(OTHER), None));
}

#[test]
fn the_seventeenth_request_in_flight_is_told_to_wait() {
    let mut bench = Bench::start();
    let connected = bench.gateway.connect("person/olga", &["press-4"]);
    let mut tool = connected.modbus("press-4");
    bench.press.order("delay 300");
    let read = hex("03 0064 0001");
    let segment: Vec<u8> = (1..=17).flat_map(|id| adu(id, 1, &read)).collect();
    tool.send(&segment);
    let mut answers: Vec<_> = (1..=17).map(|_| tool.next(PATIENCE)).collect();
    // The refusal needs no PLC, so it comes first.
    assert_eq!(answers.remove(0), Fate::Answer(adu(17, 1, &[0x83, 6])));
    let all: Vec<_> = (1..=16)
        .map(|id| Fate::Answer(adu(id, 1, &hex("03 02 0000"))))
        .collect();
    assert_eq!(answers, all, "in the order of the one queue");
    assert_eq!(
        exchange(&mut tool, 18, 1, &read),
        Fate::Answer(adu(18, 1, &hex("03 02 0000")))
    );
    assert_eq!(connected.end(), 0);
    let records = bench.settle();
    assert_eq!(records.denials.len(), 1);
    assert_eq!(records.denials[0].reason, "too-many-in-flight");
    assert_eq!(bench.press.seen().commands().len(), 17);
}

#[test]
fn an_adu_of_one_byte_a_second_is_not_waited_for() {
    let mut bench = Bench::start();
    let connected = bench.gateway.connect("person/olga", &["press-4"]);
    let mut tool = connected.modbus("press-4");
    let mut other = connected.modbus("press-4");
    let began = Instant::now();
    // 254 bytes are announced; every second shows that somebody is still there.
    let fate = hex("0001 0000 00FE 01 10")
        .into_iter()
        .chain(std::iter::repeat(0))
        .take(30);
    let fate = fate
        .map(|byte| {
            tool.send(&[byte]);
            tool.next(Duration::from_secs(1))
        })
        .find(|fate| *fate != Fate::Silence);
    assert_eq!(fate, Some(Fate::Closed));
    let took = began.elapsed();
    assert!(
        took >= Duration::from_secs(4),
        "an honest slow line was cut off after {took:?}"
    );
    assert!(took < PATIENCE, "it was waited for {took:?}");
    // A slow one is nobody else's trouble.
    assert_eq!(other.read_holding(1, 100, 1), [0]);
    assert_eq!(connected.end(), 0);
    let records = bench.settle();
    assert_eq!(records.commands.len(), 0);
    assert_eq!(records.denied("too-slow"), 1);
    assert_eq!(bench.press.seen().commands(), [(255, hex("03 0064 0001"))]);
}

#[test]
fn a_tool_that_is_gone_in_the_middle_of_its_write_leaves_one_outcome() {
    let mut bench = Bench::start();
    let connected = bench.gateway.connect("person/olga", &["press-4"]);
    let mut tool = connected.modbus("press-4");
    bench.press.order("delay 300");
    // The write waits behind a slow read; by then its tool is gone.
    let mut segment = adu(1, 1, &hex("03 0064 0001"));
    segment.extend(adu(2, 1, &hex(WRITE)));
    tool.send(&segment);
    arrived(&mut bench.press, 3);
    drop(tool);
    arrived(&mut bench.press, 6);
    // And the next one goes while the PLC is at work on its write.
    bench.press.order("delay 300");
    let mut tool = connected.modbus("press-4");
    tool.send(&adu(3, 1, &hex(OTHER)));
    arrived(&mut bench.press, 6);
    drop(tool);
    bench
        .gateway
        .record("outcome of the second", |record| match &record.event {
            Event::Outcome(outcome) => Some(outcome.intent),
            _ => None,
        });
    assert_eq!(connected.end(), 0);
    let records = bench.settle();
    assert_eq!(records.commands.len(), 2);
    assert!(records.commands.iter().all(|(_, result)| answered(result)));
    assert_eq!(bench.press.holding(100), 7000);
}

#[test]
fn a_client_killed_in_the_middle_of_its_write_leaves_one_outcome() {
    let mut bench = Bench::start();
    let mut connected = bench.gateway.connect("person/olga", &["press-4"]);
    let mut tool = connected.modbus("press-4");
    bench.press.order("delay 300");
    tool.send(&adu(1, 1, &hex(WRITE)));
    arrived(&mut bench.press, 6);
    connected.process().kill();
    let result = bench
        .gateway
        .record("outcome", |record| match &record.event {
            Event::Outcome(outcome) => Some(outcome.result.clone()),
            _ => None,
        });
    assert!(answered(&result), "{result:?}");
    let records = bench.settle();
    assert_eq!(records.commands.len(), 1);
}

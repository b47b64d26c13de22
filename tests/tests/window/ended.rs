//! The end of a window's time while somebody works in it: they are warned, and what was begun is
//! done.

use interlock_protocols::record::{CommandResult, Event};
use interlock_tests::harness::{Fate, PATIENCE, Works, adu};

use crate::{assert_passes, assert_refused, speed, told, tool};

const MINUTE_MS: i64 = 60_000;

#[test]
fn the_holder_is_warned_fifteen_five_and_one_minutes_before_the_end() {
    let works = Works::start_with(|works| works.gateway.move_clocks());
    let window = works.open(&["--from", &works.at(0), "--for", "30m"]);
    let named = format!("window {window}");
    let mut victor = works.victor();
    let mut modbus = tool(&victor);
    assert_passes(&works, &mut modbus, &speed(5_000));
    let warned = |victor: &mut interlock_tests::harness::Connected| {
        let lines = victor.process().stderr();
        lines
            .iter()
            .filter(|line| line.contains("soon") && line.contains(&named))
            .count()
    };
    assert_eq!(warned(&mut victor), 0);
    // Each moment is a little behind the one of a warning.
    for (passes_ms, left) in [
        (15 * MINUTE_MS + 2_000, "in 15 min"),
        (10 * MINUTE_MS, "in 5 min"),
        (4 * MINUTE_MS, "in less than a minute"),
    ] {
        works.gateway.pass(passes_ms);
        told(&mut victor, &["soon", &named, left]);
        // A warning takes nothing away.
        assert_passes(&works, &mut modbus, &speed(5_000));
    }
    assert_eq!(warned(&mut victor), 3, "each once");
    works.gateway.pass(MINUTE_MS);
    assert_refused(&works, &mut modbus, &speed(5_010), 1);
    told(&mut victor, &[&named, "over"]);
}

#[test]
fn the_end_of_time_does_not_cut_a_command_off_between_its_intent_and_its_result() {
    let mut works = Works::start_with(|works| works.gateway.move_clocks());
    let window = works.open(&["--from", &works.at(0), "--for", "20m"]);
    let victor = works.victor();
    let mut modbus = tool(&victor);
    assert_passes(&works, &mut modbus, &speed(5_000));
    works.press.order("delay 600");
    modbus.send(&adu(77, 1, &speed(5_010)));
    works.press.next_event("the write that is under way", |event| {
        matches!(event, interlock_tests::plc::log::Event::Request(adu) if adu[7..] == speed(5_010)).then_some(())
    });
    works.gateway.pass(21 * MINUTE_MS);
    works.until(window, "over");
    match modbus.next(PATIENCE) {
        Fate::Answer(answer) => assert_eq!(answer, adu(77, 1, &speed(5_010))),
        other => panic!("{other:?}"),
    }
    assert_refused(&works, &mut modbus, &speed(5_020), 1);
    drop((victor, modbus));
    assert_eq!(works.gateway.stop(), 0);
    works.gateway.assert_journal_is_whole();
    let answered = works.gateway.records().into_iter().filter(|record| {
        matches!(&record.event, Event::Outcome(it) if matches!(it.result, CommandResult::Answered { .. }))
    });
    assert_eq!(answered.count(), 2);
}

#[test]
fn a_command_that_was_decided_in_time_is_still_sent_when_it_waits_in_the_queue() {
    let mut works = Works::start_with(|works| {
        works.gateway.move_clocks();
        works
            .gateway
            .edit("plant.toml", "timeout_ms = 1000 ", "timeout_ms = 60000 ");
    });
    let window = works.open(&["--from", &works.at(0), "--for", "20m"]);
    works.gateway.pass(19 * MINUTE_MS + 40_000);
    let victor = works.victor();
    let mut modbus = tool(&victor);
    assert_passes(&works, &mut modbus, &speed(5_000));
    works.press.order("delay 700");
    modbus.send(&adu(1, 1, &speed(5_010)));
    works.press.next_event("the first write", |event| {
        matches!(event, interlock_tests::plc::log::Event::Request(adu) if adu[7..] == speed(5_010)).then_some(())
    });
    // Its INTENT is durable, and it waits behind the other.
    modbus.send(&adu(2, 1, &speed(5_020)));
    works.gateway.record("the second intent", |record| {
        matches!(&record.event, Event::Intent(it) if it.pdu == speed(5_020)).then_some(())
    });
    works.gateway.pass(30_000);
    works.until(window, "over");
    for (transaction, value) in [(1, 5_010), (2, 5_020)] {
        match modbus.next(PATIENCE) {
            Fate::Answer(answer) => assert_eq!(answer, adu(transaction, 1, &speed(value))),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(works.written().last(), Some(&speed(5_020)));
    assert_refused(&works, &mut modbus, &speed(5_030), 1);
}

#[test]
fn the_last_write_of_a_window_is_answered_though_it_is_the_last() {
    let works = Works::start();
    let window = works.open(&["--max-writes", "1"]);
    let named = format!("window {window}");
    let mut victor = works.victor();
    let mut modbus = tool(&victor);
    assert_passes(&works, &mut modbus, &speed(5_000));
    assert_refused(&works, &mut modbus, &speed(5_010), 1);
    told(&mut victor, &[&named, "1"]);
    works.until(window, "exhausted");
    // Reading goes on: what is used up are writes.
    assert_eq!(modbus.read_holding(1, 100, 1), [5_000]);
    assert_eq!(works.row(window)["used"], 1);
}

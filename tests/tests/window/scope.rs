//! What passes in a window and what does not: points, functions, values, how often, and that it
//! widens nothing.

use std::sync::Barrier;
use std::time::Instant;

use interlock_protocols::record::{CommandResult, Event};
use interlock_tests::harness::{ARNO, BEA, Fate, PATIENCE, PRESS, Plc, VICTOR, Works, adu};

use crate::{assert_passes, assert_refused, sees, speed, told, tool};

/// The ramp of the press, in rpm/s.
fn ramp(value: u16) -> Vec<u8> {
    [&[6, 0, 101], &value.to_be_bytes()[..]].concat()
}

#[test]
fn what_is_outside_is_refused_with_01_and_a_notice_that_says_why() {
    let works = Works::start();
    let more = [
        "--points",
        "speed_setpoint",
        "--limit",
        "speed_setpoint=200..600",
    ];
    let window = works.open(&more);
    let named = format!("window {window}");
    let mut victor = works.victor();
    let mut modbus = tool(&victor);
    for (what, pdu, why) in [
        ("a point that is not in it", ramp(50), "40102"),
        ("a value above", speed(6_010), "601"),
        ("a value below", speed(1_990), "199"),
        (
            "another function",
            vec![16, 0, 100, 0, 1, 2, 0x13, 0x88],
            "write-multiple-registers",
        ),
        (
            "a mask",
            vec![22, 0, 100, 0xFF, 0xFF, 0, 0],
            "mask-write-register",
        ),
        ("a coil", vec![5, 0, 0, 0, 0], "coil 0"),
        (
            "a block with a point more",
            vec![16, 0, 100, 0, 2, 4, 0x13, 0x88, 0, 50],
            "",
        ),
        ("a read outside", vec![3, 0, 110, 0, 2], "40111"),
        ("an input", vec![4, 0, 0, 0, 1], "30001"),
        ("another unit of reading", vec![3, 0, 100, 0, 2], "40102"),
    ] {
        assert_refused(&works, &mut modbus, &pdu, 1);
        victor
            .process()
            .complaint(&format!("why {what} is refused"), |line| {
                (line.contains(&named) && line.contains(why)).then_some(())
            });
    }
    // Both ends of the range are in it, and reading the point is.
    assert_passes(&works, &mut modbus, &speed(6_000));
    assert_passes(&works, &mut modbus, &speed(2_000));
    assert_eq!(modbus.read_holding(1, 100, 1), [2_000]);
    // Each refusal is in the journal, with the window and none counted.
    assert_eq!(works.row(window)["used"], 2);
    let denied = works
        .gateway
        .records()
        .into_iter()
        .filter_map(|record| match record.event {
            Event::Denial(denial) => Some(denial.reason),
            _ => None,
        });
    let denied: Vec<String> = denied.collect();
    assert!(denied.len() >= 9, "{denied:?}");
}

#[test]
fn a_window_widens_neither_limits_nor_policy() {
    let works = Works::start();
    // For contractors the speed ends at 800 rpm, whatever is asked for.
    let wide = works.request(VICTOR, &["--limit", "speed_setpoint=0..1200"]);
    let window = if wide.code == 0 {
        let window = interlock_tests::harness::number(&wide, "window");
        works.approved(window, &[ARNO]);
        window
    } else {
        works.open(&[])
    };
    works.until(window, "open");
    let mut victor = works.victor();
    let mut modbus = tool(&victor);
    assert_passes(&works, &mut modbus, &speed(8_000));
    for tenths in [8_010, 990, 12_000] {
        assert_refused(&works, &mut modbus, &speed(tenths), 1);
    }
    // The pressure needs a supervisor who says yes: policy makes it so though nobody asked.
    let pressure = works.requested(
        VICTOR,
        &[
            "--points",
            "pressure_setpoint",
            "--functions",
            "write-registers",
        ],
    );
    let row = works.row(pressure);
    assert_eq!(
        (&row["supervised"], &row["hold"]),
        (&true.into(), &true.into())
    );
    // A window for what policy forbids opens nothing of it.
    assert_refused(&works, &mut modbus, &[8, 0, 1, 0, 0], 1);
    told(&mut victor, &["no-programming"]);
    drop(modbus);
    // Nor does it let somebody write whose machine is not in order.
    let profile = interlock::profile::Profile::open(&works.gateway.issue(VICTOR)).unwrap();
    let key = interlock_broker::proof::sha256(profile.device().open().unwrap().spki());
    let mut sick = interlock::demo::Management::healthy(key, works.gateway.now());
    sick.disk_encrypted = Some(false);
    works.gateway.management().state(&profile, &sick).unwrap();
    let mut victor = works.victor();
    assert_refused(&works, &mut tool(&victor), &speed(5_000), 1);
    told(&mut victor, &["healthy-machines-write"]);
}

#[test]
fn a_window_is_its_holders_on_their_machine_at_its_device() {
    let works = Works::start();
    works.open(&["--points", "speed_setpoint,ramp"]);
    // Of the same firm, and on his machine.
    works.gateway.issue_on("vendor/acme/wim", VICTOR);
    assert!(!sees(&works, "vendor/acme/wim", PRESS));
    assert!(!sees(&works, VICTOR, "pump-2"));
    let victor = works.victor();
    assert_passes(&works, &mut tool(&victor), &speed(5_000));
    drop(victor);
    // Himself, at another machine.
    works.gateway.issue_on(VICTOR, "person/olga");
    assert!(!sees(&works, VICTOR, PRESS));
    assert_eq!(works.written().len(), 1);
    assert!(works.pump.seen().commands().is_empty());
}

const SESSIONS: usize = 16;
const EACH: usize = 6;
const WRITES: usize = 20;

/// Sixteen sessions at once, each with a tool of its own that writes as fast as it can: exactly as
/// many writes reach the PLC as the grant says.
#[test]
fn sixteen_sessions_use_exactly_so_many_writes() {
    let mut works = Works::start_with(|works| {
        works.gateway.edit(
            "plant.toml",
            "pause_ms = 5               # rest",
            "pause_ms = 0               # rest",
        );
    });
    let window = works.open(&["--max-writes", &WRITES.to_string()]);
    works.gateway.issue(VICTOR);
    let sessions: Vec<_> = (0..SESSIONS).map(|_| works.victor()).collect();
    let together = Barrier::new(SESSIONS);
    let answers: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let writers: Vec<_> = sessions
            .iter()
            .enumerate()
            .map(|(at, session)| {
                let together = &together;
                scope.spawn(move || {
                    let mut modbus = tool(session);
                    together.wait();
                    let write = |n: usize| {
                        // Each command is another one, so that none is taken for a repeat.
                        let value = u16::try_from(2_000 + 10 * (at * EACH + n)).unwrap();
                        modbus.ask(1, &speed(value))
                    };
                    (0..EACH).map(write).collect::<Vec<_>>()
                })
            })
            .collect();
        writers
            .into_iter()
            .flat_map(|it| it.join().unwrap())
            .collect()
    });
    let passed = answers.iter().filter(|answer| answer[0] == 6).count();
    let refused = answers
        .iter()
        .filter(|answer| answer[..] == [0x86, 1])
        .count();
    assert_eq!(works.written().len(), WRITES, "what the PLC received");
    assert_eq!((passed, refused), (WRITES, SESSIONS * EACH - WRITES));
    works.until(window, "exhausted");
    drop(sessions);
    assert_eq!(works.gateway.stop(), 0);
    works.gateway.assert_journal_is_whole();
    let of = |event: &Event| matches!(event, Event::Intent(it) if it.window == Some(window));
    let records = works.gateway.records();
    let intents = records.iter().filter(|record| of(&record.event)).count();
    assert_eq!(intents, WRITES, "what the journal counts");
}

#[test]
fn a_write_that_was_withheld_is_given_back_and_one_that_the_plc_refused_is_not() {
    let mut works = Works::start();
    let window = works.open(&["--max-writes", "4"]);
    let used = |works: &Works| works.row(window)["used"].as_u64().unwrap();
    let mut victor = works.victor();
    let mut modbus = tool(&victor);
    // Answered, though with an exception: it was sent, and that is what counts.
    works.press.order("exception 4 1");
    assert_eq!(modbus.ask(1, &speed(5_000)), [0x86, 4]);
    assert_eq!(used(&works), 1);
    // The window is there, but the PLC is not. What may have been sent counts; what was not does
    // not, however often it is tried.
    let address = works.press.address().to_string();
    works.press.process().kill();
    let first = modbus.ask(1, &speed(5_010));
    assert!([0x0A, 0x0B].contains(&first[1]), "{first:02x?}");
    let counted = used(&works);
    for _ in 0..5 {
        assert_eq!(modbus.ask(1, &speed(5_020)), [0x86, 0x0A]);
    }
    assert_eq!(used(&works), counted, "what was not sent is given back");
    let withheld = works.gateway.records().into_iter().filter(|record| {
        matches!(&record.event, Event::Outcome(it) if matches!(it.result, CommandResult::Withheld { .. }))
    });
    assert!(withheld.count() <= 6, "no more than were asked");
    works.press = Plc::start_at(&works.log("press"), &address, &[]);
    let end = Instant::now() + PATIENCE;
    while modbus.ask(1, &speed(5_030)) != speed(5_030) {
        assert!(Instant::now() < end, "the device does not come back");
    }
    for value in (5_040..)
        .step_by(10)
        .take(usize::try_from(3 - counted).unwrap())
    {
        assert_passes(&works, &mut modbus, &speed(value));
    }
    assert_eq!(used(&works), 4);
    assert_refused(&works, &mut modbus, &speed(6_000), 1);
    told(&mut victor, &[&format!("window {window}")]);
}

/// I7: behind the acknowledgement nothing of the window is handed to a socket, however much of it
/// waits in the queue of a slow device.
#[test]
fn i7_a_window_that_is_revoked_in_mid_use_sends_nothing_more() {
    let mut works = Works::start_with(|works| {
        works.gateway.edit(
            "plant.toml",
            "pause_ms = 5               # rest",
            "pause_ms = 20              # rest",
        );
    });
    let (window, other) = (
        works.open(&["--max-writes", "1000"]),
        works.requested(VICTOR, &["--points", "ramp"]),
    );
    works.approved(other, &[BEA]);
    works.press.order("delay 20 always");
    let mut victor = works.victor();
    let mut modbus = tool(&victor);
    let ahead = 14_u16;
    let all: Vec<u8> = (1..=ahead)
        .flat_map(|n| adu(n, 1, &speed(2_000 + 10 * n)))
        .collect();
    modbus.send(&all);
    // The device has begun with them.
    let Fate::Answer(first) = modbus.next(PATIENCE) else {
        panic!("no first answer");
    };
    assert_eq!(first[7], 6);
    let number = window.to_string();
    let revoke = [
        "-o",
        "jsonl",
        "revoke",
        "window",
        &number,
        "--reason",
        "stop that",
    ];
    let revoked = works.gateway.client("person/adam", &revoke);
    let behind = std::fs::metadata(works.log("press")).unwrap().len();
    assert_eq!(revoked.code, 0, "{revoked}");
    let row: serde_json::Value =
        serde_json::from_str(revoked.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(row["sessions"].as_array().map(Vec::len), Some(1), "{row}");
    let open = row["open"].as_array().map_or(0, Vec::len);
    let mut refused = 0;
    for _ in 1..ahead {
        let Fate::Answer(answer) = modbus.next(PATIENCE) else {
            panic!("an answer is missing");
        };
        refused += usize::from(answer[7..] == [0x86, 1]);
    }
    assert!(refused > 0, "some of it was still waiting");
    told(&mut victor, &["stop that"]);
    let log = std::fs::read_to_string(works.log("press")).unwrap();
    let after = log[usize::try_from(behind).unwrap()..]
        .lines()
        .filter(|line| line.contains("request"))
        .count();
    assert!(
        after <= open,
        "{after} writes behind an acknowledgement that names {open}"
    );
    // It was this window alone.
    assert_passes(&works, &mut modbus, &ramp(50));
    assert_refused(&works, &mut modbus, &speed(5_000), 1);
    assert_eq!(works.state(window), "revoked");
    works.restart_with(|_| {});
    assert_eq!(works.state(window), "revoked");
}

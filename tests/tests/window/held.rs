//! Writes that wait for the yes of whoever watches, and those that bring the plant to rest.

use interlock_protocols::conduit::Seen;
use interlock_protocols::record::{Event, HoldAnswered};
use interlock_tests::harness::{ADAM, Modbus, OLGA, OTTO, PRESS, VICTOR, VITO, Works};
use serde_json::Value;

use crate::supervised::{BUSY, Watch, held, until};
use crate::watcher::Watcher;
use crate::{assert_passes, assert_refused, speed, told, tool};

/// What the journal says of answers.
fn answers(works: &Works) -> Vec<(u64, HoldAnswered)> {
    let of = |record: interlock_protocols::record::Record| match record.event {
        Event::HoldAnswered(it) => Some((record.sequence, it)),
        _ => None,
    };
    works.gateway.records().into_iter().filter_map(of).collect()
}

#[test]
fn a_write_waits_for_a_yes_that_serves_it_alone_and_once() {
    let works = Works::start();
    let window = held(&works);
    let mut olga = Watch::of(&works, OLGA, PRESS);
    let (mut victor, second) = (works.victor(), works.victor());
    let (mut modbus, mut other) = (tool(&victor), tool(&second));
    // Reads pass, and say what is there before.
    until(&mut modbus, &[3, 0, 100, 0, 1], &[3, 2, 0, 0]);
    assert_refused(&works, &mut modbus, &speed(5_000), BUSY);
    told(&mut victor, &["hold"]);
    let hold = olga.held();
    assert!(
        hold["asked"].as_str().unwrap().contains("speed_setpoint"),
        "{hold}"
    );
    assert_eq!(
        (&hold["window"], &hold["asked_times"]),
        (&window.into(), &1.into())
    );
    let point = &hold["points"][0];
    assert_eq!(
        (&point["value"], &point["before"]),
        (&"500 rpm".into(), &"0 rpm".into()),
        "{hold}"
    );
    // The limits of contractors are in it.
    let limits = point["limits"].as_str().unwrap();
    assert!(limits.contains("100") && limits.contains("800"), "{hold}");

    // Repeats are counted; anything else at the point waits behind it.
    assert_refused(&works, &mut modbus, &speed(5_000), BUSY);
    let again = olga.held();
    assert_eq!(
        (&again["hold"], &again["asked_times"]),
        (&hold["hold"], &2.into())
    );
    assert_refused(&works, &mut modbus, &speed(5_010), BUSY);
    assert_refused(&works, &mut other, &speed(5_000), BUSY);

    assert!(olga.answer(&hold, "y").contains("yes"));
    // The altered repeat, and the same of another session of the same person.
    assert_refused(&works, &mut modbus, &speed(5_010), BUSY);
    assert_refused(&works, &mut modbus, &[16, 0, 100, 0, 1, 2, 0x13, 0x88], 1);
    assert_refused(&works, &mut other, &speed(5_000), BUSY);
    assert_passes(&works, &mut modbus, &speed(5_000));
    // Once.
    assert_refused(&works, &mut modbus, &speed(5_000), BUSY);
    let anew = olga.held();
    assert_ne!(anew["hold"], hold["hold"]);
    assert_eq!(works.written(), [speed(5_000)]);

    // The yes was on the disk before the INTENT, and says to what it was.
    let [(yes, answer)] = &answers(&works)[..] else {
        panic!("{:?}", answers(&works));
    };
    assert!(
        answer.yes && answer.by.ends_with("person/olga"),
        "{answer:?}"
    );
    assert_eq!(
        (answer.window, &answer.pdu, answer.asked),
        (window, &speed(5_000), 2)
    );
    let intent = works.gateway.record("the intent", |record| {
        matches!(&record.event, Event::Intent(it) if it.window == Some(window))
            .then_some(record.sequence)
    });
    assert!(*yes < intent);
    assert_eq!(works.row(window)["used"], 1);
}

#[test]
fn a_no_is_a_no() {
    let works = Works::start();
    held(&works);
    let mut olga = Watch::of(&works, OLGA, PRESS);
    let mut victor = works.victor();
    let mut modbus = tool(&victor);
    assert_refused(&works, &mut modbus, &speed(5_000), BUSY);
    let hold = olga.held();
    assert!(olga.answer(&hold, "n").contains("no"));
    assert_refused(&works, &mut modbus, &speed(5_000), 1);
    told(&mut victor, &["said no"]);
    assert!(works.written().is_empty());
    let yes = works
        .gateway
        .record("the answer", |record| match &record.event {
            Event::HoldAnswered(answer) => Some(answer.yes),
            _ => None,
        });
    assert!(!yes);
    // Another value is another question.
    assert_refused(&works, &mut modbus, &speed(4_000), BUSY);
    let other = olga.held();
    olga.answer(&other, "y");
    assert_passes(&works, &mut modbus, &speed(4_000));
}

#[test]
fn everything_is_decided_again_when_a_yes_is_used() {
    let works = Works::start();
    let window = held(&works);
    let mut olga = Watch::of(&works, OLGA, PRESS);
    let victor = works.victor();
    let mut modbus = tool(&victor);
    let yes = |modbus: &mut Modbus, olga: &mut Watch, tenths: u16| {
        assert_refused(&works, modbus, &speed(tenths), BUSY);
        let hold = olga.held();
        olga.answer(&hold, "y");
    };
    // The supervisor has left since.
    yes(&mut modbus, &mut olga, 5_000);
    olga.end();
    assert_refused(&works, &mut modbus, &speed(5_000), BUSY);
    assert!(works.written().is_empty());
    let mut olga = Watch::of(&works, OLGA, PRESS);
    until(&mut modbus, &speed(5_000), &speed(5_000));
    // The device is frozen since.
    yes(&mut modbus, &mut olga, 5_010);
    let freeze = [
        "-o",
        "jsonl",
        "freeze",
        "device",
        PRESS,
        "--reason",
        "inspection",
    ];
    let frozen = works.gateway.client(ADAM, &freeze);
    assert_eq!(frozen.code, 0, "{frozen}");
    assert_refused(&works, &mut modbus, &speed(5_010), 1);
    let number = interlock_tests::harness::number(&frozen, "restriction").to_string();
    let back = ["reinstate", &number, "--reason", "done"];
    let back = works.gateway.client("person/ada", &back);
    assert_eq!(back.code, 0, "{back}");
    assert_passes(&works, &mut modbus, &speed(5_010));
    // The window is revoked since.
    yes(&mut modbus, &mut olga, 5_020);
    let number = window.to_string();
    let revoke = ["revoke", "window", &number, "--reason", "enough"];
    let revoked = works.gateway.client(ADAM, &revoke);
    assert_eq!(revoked.code, 0, "{revoked}");
    assert_refused(&works, &mut modbus, &speed(5_020), 1);
    assert_eq!(works.written(), [speed(5_000), speed(5_010)]);
}

#[test]
fn a_yes_serves_for_sixty_seconds() {
    let works = Works::start_with(|works| works.gateway.move_clocks());
    works.open(&["--supervised", "--hold", "--from", &works.at(0)]);
    let mut olga = Watch::of(&works, OLGA, PRESS);
    let victor = works.victor();
    let mut modbus = tool(&victor);
    assert_refused(&works, &mut modbus, &speed(5_000), BUSY);
    let hold = olga.held();
    olga.answer(&hold, "y");
    works.gateway.pass(61_000);
    // It is asked about anew, by the number of another hold.
    let anew = loop {
        assert_refused(&works, &mut modbus, &speed(5_000), BUSY);
        let answer = olga.0.stdout().into_iter().rev().find_map(|line| {
            let row: Value = serde_json::from_str(&line).ok()?;
            (row["kind"] == "held" && row["hold"] != hold["hold"]).then_some(row)
        });
        if let Some(anew) = answer {
            break anew;
        }
    };
    assert_eq!(anew["asked"], hold["asked"]);
    assert!(works.written().is_empty());
}

#[test]
fn only_who_supervises_says_yes() {
    let works = Works::start();
    held(&works);
    let mut olga = Watch::of(&works, OLGA, PRESS);
    let vito = Watcher::of(&works, VITO, PRESS);
    let victor = works.victor();
    let mut modbus = tool(&victor);
    until(&mut modbus, &[3, 0, 100, 0, 1], &[3, 2, 0, 0]);
    assert_refused(&works, &mut modbus, &speed(5_000), BUSY);
    let hold = olga.held();
    let number = hold["hold"].as_u64().unwrap();
    // He sees it, and his word is none.
    vito.answer(number, true);
    vito.next("that his answer does not count", |seen| {
        matches!(seen, Seen::Unheard { .. }).then_some(())
    });
    assert_refused(&works, &mut modbus, &speed(5_000), BUSY);
    assert!(answers(&works).is_empty());
    // Nor is a word on what nobody asked.
    vito.answer(number + 1_000, true);
    vito.leave();
    olga.answer(&hold, "y");
    assert_passes(&works, &mut modbus, &speed(5_000));
}

#[test]
fn a_safe_value_waits_for_no_machine_that_is_in_order_and_for_no_yes_but_for_all_else() {
    let mut works = Works::start();
    // Olga's machine is not in order.
    let profile = interlock::profile::Profile::open(&works.gateway.issue(OLGA)).unwrap();
    let key = interlock_broker::proof::sha256(profile.device().open().unwrap().spki());
    let mut sick = interlock::demo::Management::healthy(key, works.gateway.now());
    sick.disk_encrypted = Some(false);
    works.gateway.management().state(&profile, &sick).unwrap();
    let olga = works.gateway.connect(OLGA, &[PRESS]);
    let mut modbus = tool(&olga);
    let (stop, start) = ([5, 0, 0, 0, 0], [5, 0, 0, 0xFF, 0]);
    assert_refused(&works, &mut modbus, &start, 1);
    assert_passes(&works, &mut modbus, &stop);
    // The speed's is 0; a block with it is no safe value, and its half is none either.
    assert_refused(&works, &mut modbus, &speed(10), 1);
    assert_passes(&works, &mut modbus, &speed(0));
    assert_refused(&works, &mut modbus, &[15, 0, 0, 0, 2, 1, 0], 1);
    // A vendor's is held as any other.
    let window = held(&works);
    let victor = works.victor();
    assert_refused(&works, &mut tool(&victor), &stop, 1);
    drop(victor);
    let number = window.to_string();
    works
        .gateway
        .client(VICTOR, &["window", "withdraw", &number]);
    let coil = [
        "--points",
        "run",
        "--functions",
        "write-coil",
        "--supervised",
        "--hold",
    ];
    works.open(&coil);
    let _otto = Watch::of(&works, OTTO, PRESS);
    let victor = works.victor();
    assert_refused(&works, &mut tool(&victor), &stop, BUSY);
    // Frozen is frozen.
    let freeze = ["freeze", "device", PRESS, "--reason", "inspection"];
    let frozen = works.gateway.client(ADAM, &freeze);
    assert_eq!(frozen.code, 0, "{frozen}");
    assert_refused(&works, &mut modbus, &stop, 1);
    works.restart_with(|_| {});
}

//! The one writer of a device: who gets to be it, who takes it from whom, and how it ends.

use interlock_protocols::record::{Event, WriterTaken};
use interlock_tests::harness::{Connected, OLGA, OTTO, PRESS, Process, VICTOR, Works};

use crate::supervised::{BUSY, until};
use crate::{assert_passes, assert_refused, speed, told, tool};

/// `interlock connect` that alone writes to the press.
fn sole(works: &Works, who: &str) -> Process {
    let process = works.going_on(who, &["-o", "json", "connect", "--write", PRESS, "--sole"]);
    process.complaint("that it alone writes", |line| {
        line.contains("you alone write").then_some(())
    });
    process
}

fn taken(works: &Works) -> Vec<WriterTaken> {
    let of = |event| match event {
        Event::WriterTaken(it) => Some(it),
        _ => None,
    };
    let records = works.gateway.records().into_iter();
    records.filter_map(|record| of(record.event)).collect()
}

#[test]
fn one_writer_at_a_time_and_operators_pre_empt_vendors() {
    let works = Works::start();
    works.open(&["--max-writes", "100"]);
    let victor = Connected::sole(&works.gateway.issue(VICTOR), &[PRESS]);
    let mut his = tool(&victor);
    assert_passes(&works, &mut his, &speed(5_000));
    let mut olga = works.gateway.connect(OLGA, &[PRESS]);
    let mut hers = tool(&olga);
    assert_refused(&works, &mut hers, &speed(6_000), BUSY);
    told(&mut olga, &["victor", "alone"]);
    // Reading needs no token.
    assert_eq!(hers.read_holding(1, 100, 1), [5_000]);

    // An operator takes it; that is recorded, with whom it was taken from.
    let otto = sole(&works, OTTO);
    assert_refused(&works, &mut his, &speed(5_010), BUSY);
    assert_refused(&works, &mut hers, &speed(6_000), BUSY);
    works
        .gateway
        .record("that otto took it", |record| match &record.event {
            Event::WriterTaken(it) => it.subject.ends_with("person/otto").then_some(()),
            _ => None,
        });
    let all = taken(&works);
    let last = all.last().unwrap();
    assert!(last.from_subject.ends_with("vendor/acme/victor"), "{all:?}");
    assert_eq!(last.from, all[0].session.into());
    // Nobody of the site takes it from one of the site, and no vendor does.
    for who in [OLGA, VICTOR] {
        let asked = works
            .gateway
            .client(who, &["write", PRESS, "speed_setpoint=500", "--sole"]);
        assert_ne!(asked.code, 0, "{asked}");
    }
    assert_eq!(taken(&works).len(), all.len());
    // It ends with its session.
    drop(otto);
    until(&mut hers, &speed(6_010), &speed(6_010));
    assert_passes(&works, &mut his, &speed(5_030));
}

#[test]
fn the_token_ends_thirty_seconds_after_its_last_use() {
    let works = Works::start_with(|works| works.gateway.move_clocks());
    works.open(&["--from", &works.at(0), "--max-writes", "100"]);
    let olga = Connected::sole(&works.gateway.issue(OLGA), &[PRESS]);
    let (victor, mut hers) = (works.victor(), tool(&olga));
    let mut his = tool(&victor);
    for value in [6_000, 6_010, 6_020] {
        assert_passes(&works, &mut hers, &speed(value));
        assert_refused(&works, &mut his, &speed(5_000), BUSY);
        works.gateway.pass(20_000);
    }
    assert_refused(&works, &mut his, &speed(5_000), BUSY);
    works.gateway.pass(11_000);
    assert_passes(&works, &mut his, &speed(5_010));
}

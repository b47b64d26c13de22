//! Statements that are not about this machine, not of this server, or not of this time: none is
//! believed, each is on record, and the person is told.

use std::fs;

use interlock::demo::Management;
use interlock_protocols::identity::Posture;
use interlock_protocols::record::Event;
use interlock_tests::harness::{Bench, Gateway};

use super::{OLGA, assert_reads_only, assert_writes, found, healthy};

/// What the gateway noted of reports that it did not believe.
fn disbelieved(gateway: &Gateway) -> Vec<String> {
    let records = gateway.records().into_iter();
    let denials = records.filter_map(|record| match record.event {
        Event::Denial(denial) => Some(denial.reason),
        _ => None,
    });
    denials
        .filter(|reason| reason.starts_with("posture-"))
        .collect()
}

#[track_caller]
fn assert_refused(gateway: &Gateway, reason: &str) {
    let before = disbelieved(gateway).len();
    assert_reads_only(gateway);
    gateway.record("refusal of a report", |_| {
        (disbelieved(gateway).len() >= before + 2).then_some(())
    });
    let after = disbelieved(gateway);
    assert!(
        after[before..].iter().all(|code| code == reason),
        "{after:?}"
    );
}

#[test]
fn only_a_statement_of_the_server_about_this_machine_and_this_day_is_believed() {
    let bench = Bench::start();
    let gateway = &bench.gateway;
    let good = healthy(gateway);
    found(gateway, &good);
    assert_writes(gateway);

    // The statement of another machine that is in order, copied.
    let theirs = gateway.issue("person/emil").join("health");
    let ours = gateway.issue(OLGA).join("health");
    fs::copy(theirs, &ours).unwrap();
    assert_refused(gateway, "posture-of-another-machine");

    // Made by somebody who has another key under the same name.
    let impostor = Management::new().expect("a key");
    let statement = impostor.sign(&good);
    fs::write(&ours, statement.encode()).unwrap();
    assert_refused(gateway, "posture-forged");

    // A good one, changed since.
    let mut statement = gateway.management().sign(&good);
    statement.statement = Posture {
        patch_age_days: Some(0),
        ..good.clone()
    }
    .encode();
    fs::write(&ours, statement.encode()).unwrap();
    assert_refused(gateway, "posture-forged");

    // A good one of the day before yesterday.
    let mut old = good.clone();
    old.taken_ms -= 48 * 3_600_000;
    found(gateway, &old);
    assert_refused(gateway, "posture-too-old");

    // A good one of before a worse one that the gateway has seen since.
    let mut worse = good.clone();
    worse.taken_ms += 1;
    worse.firewall = Some(false);
    found(gateway, &worse);
    assert_reads_only(gateway);
    found(gateway, &good);
    assert_refused(gateway, "posture-superseded");

    found(gateway, &healthy(gateway));
    assert_writes(gateway);
}

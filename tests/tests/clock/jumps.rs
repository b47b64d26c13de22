//! The system's clock is set, either way, while the gateway runs and while it is off.

use interlock_protocols::record::Event;

use crate::{
    HOUR_MS, accept, assert_doubted, assert_goes_on, assert_writes_pass, bench, clock, doubts,
    shift,
};

const JUMPED: &str = "was set, or the machine slept";

#[test]
fn a_clock_that_is_set_back_holds_writes_until_it_is_accepted() {
    let mut bench = bench();
    let mut connected = bench.gateway.connect("person/olga", &["press-4"]);
    assert_writes_pass(&mut bench, &connected, 700);

    // By the system's clock olga's certificate is not valid yet: new sessions would be refused in
    // the handshake, were they judged by it.
    shift(&bench.gateway, -30 * HOUR_MS, 0);
    assert_doubted(&mut bench, &mut connected, JUMPED);
    let doubted = bench.gateway.record("doubt", |record| {
        matches!(record.event, Event::ClockDoubted(_)).then_some(record.time_ms)
    });

    // Coming back is not enough: nobody has looked at it.
    shift(&bench.gateway, 0, 0);
    assert_doubted(&mut bench, &mut connected, JUMPED);
    accept(&bench.gateway);
    assert_writes_pass(&mut bench, &connected, 701);
    let status = bench.gateway.client("person/adam", &["status"]);
    assert!(!status.stdout.contains("IN DOUBT"), "{status}");

    assert_eq!(connected.end(), 0);
    bench.settle();
    let records = bench.gateway.records();
    let [(system_ms, counted_ms)] = doubts(&records)[..] else {
        panic!("not one doubt: {:?}", doubts(&records));
    };
    assert!(counted_ms - system_ms > 29 * HOUR_MS);
    let accepted = records.iter().find_map(|record| match &record.event {
        Event::ClockAccepted(accepted) => Some((record.time_ms, accepted.clone())),
        _ => None,
    });
    let (time_ms, accepted) = accepted.unwrap();
    assert!(time_ms >= doubted && time_ms == accepted.system_ms);
    assert_eq!(accepted.reason, "set by hand, by ann");
    let uid = rustix::process::geteuid().as_raw();
    assert!(accepted.by.contains(&format!("uid {uid}")), "{accepted:?}");
    assert_goes_on(&records);
}

#[test]
fn a_clock_that_is_set_forward_ends_no_certificate_before_it_is_accepted() {
    let mut bench = bench();
    let mut connected = bench.gateway.connect("person/olga", &["press-4"]);
    assert_writes_pass(&mut bench, &connected, 700);
    shift(&bench.gateway, 1_000 * HOUR_MS, 0);
    assert_doubted(&mut bench, &mut connected, JUMPED);
    // Whoever accepts that it is 1,000 hours later ends them all.
    accept(&bench.gateway);
    connected.process().complaint("that it is over", |line| {
        line.contains("certificate has ended").then_some(())
    });
    let refused = bench
        .gateway
        .client("person/olga", &["read", "press-4", "speed_setpoint"]);
    assert_eq!(refused.code, 4, "{refused}");
    bench.settle();
}

#[test]
fn a_gateway_that_starts_below_its_journal_reads_and_writes_nothing() {
    let mut bench = bench();
    let connected = bench.gateway.connect("person/olga", &["press-4"]);
    assert_writes_pass(&mut bench, &connected, 700);
    assert_eq!(connected.end(), 0);
    assert_eq!(bench.gateway.stop(), 0);
    let last_ms = bench.gateway.records().last().unwrap().time_ms;

    shift(&bench.gateway, -30 * HOUR_MS, 0);
    bench.gateway.start();
    let mut connected = bench.gateway.connect("person/olga", &["press-4"]);
    assert_doubted(&mut bench, &mut connected, "behind the last record");
    bench.gateway.record("doubt", |record| {
        matches!(record.event, Event::ClockDoubted(_)).then_some(())
    });
    drop(connected);
    bench.gateway.kill();

    // A restart is no acceptance, though the clock is right again, or ahead.
    shift(&bench.gateway, HOUR_MS, 0);
    bench.gateway.start();
    let mut connected = bench.gateway.connect("person/olga", &["press-4"]);
    assert_doubted(&mut bench, &mut connected, "before the restart");
    shift(&bench.gateway, 0, 0);
    accept(&bench.gateway);
    assert_writes_pass(&mut bench, &connected, 701);
    assert_eq!(connected.end(), 0);
    assert_eq!(bench.gateway.stop(), 0);
    bench.gateway.assert_journal_is_whole();
    let records = bench.gateway.records();
    assert!(
        records
            .iter()
            .all(|record| record.time_ms > last_ms - HOUR_MS)
    );
    assert_goes_on(&records);

    bench.gateway.start();
    let shown = clock(&bench.gateway, "show", &[]);
    assert_eq!(shown.code, 0, "{shown}");
}

#[test]
fn a_clock_that_was_never_set_cannot_be_accepted() {
    let mut bench = bench();
    assert_eq!(bench.gateway.stop(), 0);
    shift(&bench.gateway, -50 * 365 * 24 * HOUR_MS, 0);
    bench.gateway.start();
    let mut connected = bench.gateway.connect("person/olga", &["press-4"]);
    assert_doubted(&mut bench, &mut connected, "never set");
    let refused = clock(&bench.gateway, "accept", &["--reason", "looks good"]);
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("set it first"), "{refused}");
    shift(&bench.gateway, 0, 0);
    accept(&bench.gateway);
    assert_writes_pass(&mut bench, &connected, 702);
}

//! Certificates end by the time that is counted, in the middle of a session.

use interlock_protocols::record::Event;

use crate::{HOUR_MS, assert_writes_pass, bench, doubts, shift};

#[test]
fn a_certificate_that_ends_ends_the_session_with_the_reason_said() {
    let mut bench = bench();
    let mut connected = bench.gateway.connect("person/olga", &["press-4"]);
    assert_writes_pass(&mut bench, &connected, 700);
    let mut modbus = connected.modbus("press-4");
    assert_eq!(modbus.read_holding(1, 100, 1), [700]);
    // Nine hours pass; the certificate had eight.
    shift(&bench.gateway, 9 * HOUR_MS, 9 * HOUR_MS);
    // Whichever comes first: the refusal of a command, or the end of all of them.
    connected.process().complaint("that it is over", |line| {
        line.contains("certificate has ended").then_some(())
    });
    let refused = bench
        .gateway
        .client("person/olga", &["write", "press-4", "speed_setpoint=701"]);
    assert_eq!(refused.code, 4, "{refused}");
    assert!(refused.stderr.contains("ended"), "{refused}");
    assert_eq!(bench.press.holding(100), 700);
    let records = bench.settle();
    let told = |event: &Event| {
        matches!(event, Event::SessionEnded(ended)
            if ended.subject.ends_with("person/olga") && ended.reason.contains("certificate has ended"))
    };
    assert!(records.events.iter().any(told), "{:?}", records.events);
    assert_eq!(
        doubts(&bench.gateway.records()),
        [],
        "time that passes is no doubt"
    );
}

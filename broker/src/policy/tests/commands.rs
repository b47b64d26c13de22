//! Requests as they come: the act and the facts that policy makes of them.

use super::*;
use crate::plant::Device;
use interlock_protocols::modbus::Request;

/// Decides the PDU for olga, who is an operator and an engineer, on the press of the sample.
fn decide(rules: &str, pdu: &[u8]) -> Verdict {
    let plant = sample_plant();
    let bundle = bundle(rules);
    let policy = Policy::compile(&bundle, &Estate::from(&plant)).expect("a good policy");
    let device: &Device = plant.device("press-4").expect("the press");
    let request = Request::decode(pdu).expect("a request");
    let unit = UnitId::new(1);
    let touched = device.touched(unit, &request);
    let mut view = View::new(Arc::new(policy), &subject("person/olga"));
    view.decide_command(device, act().circumstances, unit, &request, &touched, None)
}

fn permit(group: &str, when: &str) -> String {
    format!(
        "@id(\"{group}\") permit(principal, action in I::Action::\"{group}\", resource) when {{ {when} }};\n"
    )
}

/// Which act a request is: the rule names it, and no other act passes.
#[test]
fn each_request_is_its_own_act() {
    for (name, pdu) in [
        ("read-coils", &[1, 0, 0, 0, 1][..]),
        ("read-input-registers", &[4, 0, 0, 0, 1]),
        ("write-single-coil", &[5, 0, 0, 0xff, 0]),
        ("write-single-register", &[6, 0, 100, 0, 1]),
        ("diagnostics", &[8, 0, 0, 1, 2]),
        ("control-diagnostics", &[8, 0, 1, 0, 0]),
        ("control-diagnostics", &[8, 0, 4, 0, 0]),
        ("write-multiple-registers", &[16, 0, 100, 0, 1, 2, 0, 1]),
        ("report-server-id", &[17]),
        ("mask-write-register", &[22, 0, 100, 0, 0, 0, 1]),
        ("read-fifo-queue", &[24, 0, 100]),
        ("read-device-identification", &[0x2b, 14, 1, 0]),
    ] {
        let only =
            format!("@id(\"r\") permit(principal, action == I::Action::\"{name}\", resource);");
        assert!(decide(&only, pdu).allow, "{name}");
        let all_but = format!(
            "@id(\"p\") permit(principal, action, resource);
             @id(\"f\") forbid(principal, action == I::Action::\"{name}\", resource);"
        );
        assert_eq!(decide(&all_but, pdu).policies, ["a.cedar/f"], "{name}");
    }
}

#[test]
fn facts_are_those_of_the_request() {
    let passes = |group: &str, when: &str, pdu: &[u8]| decide(&permit(group, when), pdu).allow;
    // speed_setpoint, 9000 steps of 0.1 rpm.
    let speed = &[6, 0, 100, 0x23, 0x28];
    assert!(passes(
        "write",
        r#"context.points == ["speed_setpoint"] && context.all_named && context.unit == 1 &&
           context has value && context.value == decimal("900.0") &&
           context has table && context.table == "holding" &&
           context has first && context.first == 100 && context has last && context.last == 100"#,
        speed,
    ));
    // A coil that is switched on has the value 1.
    let run = &[5, 0, 0, 0xff, 0];
    assert!(passes(
        "write",
        r#"context has value && context.value == decimal("1.0")"#,
        run
    ));
    // Two points: both names and no value.
    let two = &[16, 0, 100, 0, 2, 4, 0, 1, 0, 5];
    assert!(passes(
        "write",
        r#"context.points == ["ramp", "speed_setpoint"] && context.all_named && !(context has value)"#,
        two,
    ));
    // One point and a register without a name: no value, since it would not tell all.
    let beside = &[16, 0, 101, 0, 2, 4, 0, 5, 0, 5];
    assert!(passes(
        "write",
        r#"context.points == ["ramp"] && !context.all_named && !(context has value)"#,
        beside,
    ));
    // Half a float and a mask have a name and no value.
    let half = &[6, 0, 110, 0, 1];
    let mask = &[22, 0, 101, 0, 0, 0, 5];
    assert!(passes(
        "write",
        r#"context.points == ["pressure_setpoint"] && !context.all_named && !(context has value)"#,
        half,
    ));
    assert!(passes(
        "write",
        r#"context.points == ["ramp"] && !(context has value)"#,
        mask
    ));
    // What is read has names too, and never a value.
    let read = &[4, 0, 0, 0, 1];
    assert!(passes(
        "read",
        r#"context.points == ["speed"] && context.all_named && !(context has value)"#,
        read,
    ));
    // What lies outside the tables has neither table nor names.
    let file = &[21, 9, 6, 0, 1, 0, 0, 0, 1, 0, 5];
    assert!(passes(
        "write",
        "context.points.isEmpty() && !context.all_named && !(context has table)",
        file,
    ));
    // A float that is no number is no value that anybody can judge.
    let nan = &[16, 0, 110, 0, 2, 4, 0, 0, 0x7f, 0xc0];
    let verdict = decide(&permit("write", "true"), nan);
    assert_eq!((verdict.allow, verdict.cause()), (false, Cause::Failed));
}

/// Reads `speed_setpoint` and the register without a name after `ramp`, writes `ramp`.
const BOTH: [u8; 12] = [23, 0, 100, 0, 3, 0, 101, 0, 1, 2, 0, 5];

#[test]
fn function_23_must_pass_as_a_read_and_as_a_write() {
    let read = permit("read", "true");
    let write = permit("write", "true");
    assert!(!decide(&read, &BOTH).allow, "read alone");
    assert!(!decide(&write, &BOTH).allow, "write alone");
    let all = [read, write].concat();
    let both = decide(&all, &BOTH);
    assert!(both.allow);
    assert_eq!(both.policies, ["a.cedar/read", "a.cedar/write"]);

    // Each half is judged by its own facts.
    let reads = permit(
        "read",
        r#"context.points == ["ramp", "speed_setpoint"] && !context.all_named &&
           context has last && context.last == 102 && !(context has value)"#,
    );
    let writes = permit(
        "write",
        r#"context.points == ["ramp"] && context.all_named && context has last &&
           context.last == 101 && context has value && context.value == decimal("5.0")"#,
    );
    assert!(decide(&[reads, writes].concat(), &BOTH).allow);

    // A rule about function 3, 16 or 23 stops it, and says so.
    for name in [
        "read-holding-registers",
        "write-multiple-registers",
        "read-write-multiple-registers",
    ] {
        let forbid =
            format!("@id(\"no\") forbid(principal, action == I::Action::\"{name}\", resource);");
        let verdict = decide(&[all.as_str(), &forbid].concat(), &BOTH);
        assert!(!verdict.allow, "{name}");
        assert_eq!(verdict.policies, ["a.cedar/no"], "{name}");
    }
}

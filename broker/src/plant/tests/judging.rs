//! Whether writes stay inside the limits: one table for each rule.

use super::*;
use interlock_protocols::modbus::{Diagnostics, FileWrites};

#[test]
fn a_closed_interval() {
    let device = press(SPEED);
    for (raw, wanted) in [
        (0, "passes"),
        (1, "passes"),
        (8_500, "passes"),
        (12_000, "passes"),
        (12_001, "value-outside-limits"),
        (65_535, "value-outside-limits"),
    ] {
        assert_eq!(judged(&device, &write_one(100, raw)), wanted, "{raw}");
        let value = bytes(&[raw]);
        assert_eq!(
            judged(&device, &write_registers(100, &value)),
            wanted,
            "{raw}"
        );
        let both = read_and_write(100, 100, &value);
        assert_eq!(judged(&device, &both), wanted, "{raw}");
    }
}

/// 3 * 0.1 is more than 0.3 in binary; a plant engineer's 0.3 includes it.
#[test]
fn the_ends_belong_to_the_interval_whatever_the_scale() {
    let device = press(&SPEED.replace("max = 1200", "max = 0.3"));
    assert_eq!(judged(&device, &write_one(100, 3)), "passes");
    assert_eq!(judged(&device, &write_one(100, 4)), "value-outside-limits");
}

#[test]
fn the_end_of_a_float_is_the_nearest_float() {
    let device = press(PRESSURE);
    let highest = 10.1f32.to_bits();
    for (bits, wanted) in [
        (highest, "passes"),
        (highest + 1, "value-outside-limits"),
        (0, "passes"),
        ((-0.0f32).to_bits(), "passes"),
        ((-1e-30f32).to_bits(), "value-outside-limits"),
    ] {
        let registers = bytes(&[bits as u16, (bits >> 16) as u16]);
        assert_eq!(
            judged(&device, &write_registers(110, &registers)),
            wanted,
            "{bits:x}"
        );
    }
}

#[test]
fn negative_numbers_and_scales() {
    let signed = SPEED.replace("u16", "i16").replace("min = 0", "min = -5");
    let device = press(&signed);
    for (raw, wanted) in [
        (-50i16, "passes"),
        (-51, "value-outside-limits"),
        (12_000, "passes"),
    ] {
        assert_eq!(
            judged(&device, &write_one(100, raw as u16)),
            wanted,
            "{raw}"
        );
    }
    let falling = SPEED.replace("scale = 0.1", "scale = -1\noffset = 1200");
    let device = press(&falling);
    for (raw, wanted) in [
        (0, "passes"),
        (1_200, "passes"),
        (1_201, "value-outside-limits"),
    ] {
        assert_eq!(judged(&device, &write_one(100, raw)), wanted, "{raw}");
    }
}

#[test]
fn no_number_is_outside_every_limit() {
    let mut device = Arc::unwrap_or_clone(press(PRESSURE));
    // The reader insists on limits, the judge does not rely on it.
    for bounds in [
        Bounds::Interval {
            min: Some(0.0),
            max: Some(10.0),
        },
        Bounds::Interval {
            min: None,
            max: None,
        },
    ] {
        device.points[0].bounds = bounds;
        for value in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let bits = value.to_bits();
            let registers = bytes(&[bits as u16, (bits >> 16) as u16]);
            let request = write_registers(110, &registers);
            assert_eq!(
                judged(&device, &request),
                "value-not-finite",
                "{value} {bounds:?}"
            );
        }
    }
}

#[test]
fn open_ends_are_for_numbers_only() {
    let open = Bounds::Interval {
        min: None,
        max: None,
    };
    assert!(open.allow(f64::MAX) && open.allow(f64::MIN));
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(!open.allow(value), "{value}");
    }
}

#[test]
fn a_float_legal_in_one_order_and_wild_in_another() {
    let five = 5.0f32.to_be_bytes();
    let [a, b, c, d] = five;
    for (order, big_endian) in [
        ("abcd", [a, b, c, d]),
        ("cdab", [c, d, a, b]),
        ("badc", [b, a, d, c]),
        ("dcba", [d, c, b, a]),
    ] {
        let device = press(&PRESSURE.replace("cdab", order));
        assert_eq!(
            judged(&device, &write_registers(110, &big_endian)),
            "passes",
            "{order}"
        );
    }
    // 0xC1200000 is -10 in ABCD; the same bytes of an allowed 9.03125 in CDAB are wild in ABCD.
    let (low, high) = (0xC120, 0x4110);
    let as_cdab = press(PRESSURE);
    let as_abcd = press(&PRESSURE.replace("cdab", "abcd"));
    let registers = bytes(&[low, high]);
    let request = write_registers(110, &registers);
    assert_eq!(judged(&as_cdab, &request), "passes");
    let broken = verdict(&as_abcd, &request, &[]).expect_err("-10 bar");
    assert_eq!(broken.code(), "value-outside-limits");
    assert!(
        broken.next_step().contains("as cdab"),
        "{}",
        broken.next_step()
    );
}

#[test]
fn a_value_is_written_whole_or_not_at_all() {
    let device = press(&format!("{SPEED}{PRESSURE}"));
    let whole = bytes(&[0, 0x40A0]);
    let one = bytes(&[0x40A0]);
    let straddling = bytes(&[0, 0, 0]);
    for (request, wanted) in [
        (write_registers(110, &whole), "passes"),
        (read_and_write(100, 110, &whole), "passes"),
        (write_registers(110, &one), "part-of-point"),
        (write_registers(111, &one), "part-of-point"),
        (write_one(110, 0), "part-of-point"),
        (write_one(111, 0), "part-of-point"),
        (read_and_write(110, 111, &one), "part-of-point"),
        (mask(110, 0xFFFF, 0), "mask-on-wide-point"),
        (mask(111, 0xFFFF, 0), "mask-on-wide-point"),
        // One register past the float; and one before it.
        (write_registers(110, &straddling), "register-not-named"),
        (write_registers(109, &straddling), "register-not-named"),
    ] {
        assert_eq!(judged(&device, &request), wanted, "{request:?}");
    }
    let unnamed = press(&format!("unnamed_writes = true\n{PRESSURE}"));
    let touching = bytes(&[0, 0]);
    assert_eq!(
        judged(&unnamed, &write_registers(109, &touching)),
        "part-of-point"
    );
    assert_eq!(
        judged(&unnamed, &write_registers(111, &touching)),
        "part-of-point"
    );
    assert_eq!(
        judged(&unnamed, &write_registers(109, &straddling)),
        "passes"
    );
}

#[test]
fn every_point_of_a_write_is_judged() {
    let next = SPEED.replace("'speed'", "'second'").replace("100", "101");
    let read_only = "
[[device.point]]
name = 'counter'
table = 'holding'
address = 102
type = 'u16'
";
    let device = press(&format!("{SPEED}{next}{read_only}"));
    for (words, wanted) in [
        (vec![1, 1], "passes"),
        (vec![1, 12_001], "value-outside-limits"),
        (vec![12_001, 1], "value-outside-limits"),
        (vec![1, 1, 1], "point-read-only"),
        (vec![1, 1, 1, 1], "register-not-named"),
    ] {
        let value = bytes(&words);
        assert_eq!(
            judged(&device, &write_registers(100, &value)),
            wanted,
            "{words:?}"
        );
        let both = read_and_write(100, 100, &value);
        assert_eq!(judged(&device, &both), wanted, "{words:?}");
    }
}

#[test]
fn registers_without_a_name() {
    let strict = press(SPEED);
    let lenient = press(&format!("unnamed_writes = true\n{SPEED}"));
    for (request, when_strict, when_lenient) in [
        (write_one(99, 1), "register-not-named", "passes"),
        (write_one(101, 1), "register-not-named", "passes"),
        (mask(101, 0, 0), "register-not-named", "passes"),
        (coil(7, true), "register-not-named", "passes"),
        // A named point keeps its limits.
        (
            write_one(100, 12_001),
            "value-outside-limits",
            "value-outside-limits",
        ),
    ] {
        assert_eq!(judged(&strict, &request), when_strict, "{request:?}");
        assert_eq!(judged(&lenient, &request), when_lenient, "{request:?}");
    }
}

#[test]
fn coils() {
    let device = press(COILS);
    for (request, wanted) in [
        (coil(0, true), "passes"),
        (coil(0, false), "passes"),
        (coil(1, true), "passes"),
        (coil(1, false), "state-not-allowed"),
        (coil(2, true), "point-read-only"),
        (coil(3, true), "register-not-named"),
        (write_coils(0, &[0b11], 2), "passes"),
        (write_coils(0, &[0b10], 2), "passes"),
        (write_coils(0, &[0b01], 2), "state-not-allowed"),
        (write_coils(1, &[0b1], 1), "passes"),
        (write_coils(0, &[0b011], 3), "point-read-only"),
        (write_coils(1, &[0b1], 3), "register-not-named"),
    ] {
        assert_eq!(judged(&device, &request), wanted, "{request:?}");
    }
}

const SETS: &str = "
[[limit_set]]
name = 'slow'
groups = ['vendors', 'trainees']
points = { 'press-4.speed' = { min = 100, max = 800 }, 'press-4.run' = { allowed = ['off'] } }
[[limit_set]]
name = 'slower'
groups = ['trainees']
points = { 'press-4.speed' = { max = 300 } }
";

#[test]
fn limit_sets_narrow_for_their_groups() {
    let device = press(&format!("{SPEED}{COILS}{SETS}"));
    for (raw, groups, wanted) in [
        (9_000, vec![], "passes"),
        (9_000, vec!["operators"], "passes"),
        (9_000, vec!["operators", "vendors"], "value-outside-limits"),
        (8_000, vec!["vendors"], "passes"),
        (8_000, vec!["trainees"], "value-outside-limits"),
        (3_000, vec!["trainees"], "passes"),
        // Being in a group that is bound less does not help.
        (3_001, vec!["vendors", "trainees"], "value-outside-limits"),
        (999, vec!["trainees"], "value-outside-limits"),
        (1_000, vec!["trainees"], "passes"),
        (12_001, vec![], "value-outside-limits"),
    ] {
        let judged = judged_for(&device, &write_one(100, raw), &groups);
        assert_eq!(judged, wanted, "{raw} {groups:?}");
    }
    assert_eq!(
        judged_for(&device, &coil(0, true), &["vendors"]),
        "state-not-allowed"
    );
    assert_eq!(judged_for(&device, &coil(0, false), &["vendors"]), "passes");
    assert_eq!(judged_for(&device, &mask(100, 0x0FFF, 0), &[]), "passes");
    assert_eq!(
        judged_for(&device, &mask(100, 0x0FFF, 0), &["vendors"]),
        "mask-outside-limits"
    );
}

#[test]
fn what_writes_no_table_is_for_policy() {
    let device = press(SPEED);
    let file = [6, 0, 1, 0, 0, 0, 1, 0xFF, 0xFF];
    let file = FileWrites::new(&file).expect("one group");
    for request in [
        Request::ReadHoldingRegisters(span(0, 125)),
        Request::Diagnostics(Diagnostics::ForceListenOnly),
        Request::WriteFileRecord(file),
        Request::ReportServerId,
    ] {
        assert_eq!(judged(&device, &request), "passes", "{request:?}");
    }
}

/// What the judge is told it touches does not decide what is judged.
#[test]
fn another_requests_touch_changes_nothing() {
    let device = press(SPEED);
    let harmless = device.touched(ITSELF, &Request::ReportServerId);
    let wild = write_one(100, 65_535);
    let judged = device.judge(&harmless, &wild, &[]);
    assert_eq!(
        judged.expect_err("6553.5 rpm").code(),
        "value-outside-limits"
    );
}

#[test]
fn refusals_are_said_in_the_words_of_the_plant() {
    let device = press(&format!("{SPEED}{PRESSURE}{COILS}{SETS}"));
    let said = |request: &Request<'_>, groups: &[&str]| {
        let broken = verdict(&device, request, groups).expect_err("refused");
        format!("{broken} | {}", broken.next_step())
    };
    assert_eq!(
        said(&write_one(100, 15_000), &[]),
        "`speed`, holding 100 (40101): 1500 rpm was asked, allowed is 0 to 1200 rpm | stay inside 0 to 1200 rpm; these limits hold for everybody and are kept in plant.toml"
    );
    assert_eq!(
        said(&write_one(100, 9_000), &["vendors"]),
        "`speed`, holding 100 (40101): 900 rpm was asked, limit set `slow` allows 100 to 800 rpm | stay inside 100 to 800 rpm; limit set `slow` holds for your group, so ask somebody whom it does not bind"
    );
    assert_eq!(
        said(&write_one(111, 9_000), &[]),
        "`pressure`, holding 110 (40111): only a part of its 2 registers would be written | write all 2 registers of the point in one request"
    );
    assert_eq!(
        said(&mask(100, 0xFFFF, 0), &[]),
        "`speed`, holding 100 (40101): the mask could leave anything from 0 rpm to 6553.5 rpm, allowed is 0 to 1200 rpm | a mask passes only where every current value would end inside the limits; write the whole register, 0 to 1200 rpm"
    );
    assert_eq!(
        said(&coil(1, false), &[]),
        "`reset`, coil 1 (00002): off was asked, allowed is only on | stay inside only on; these limits hold for everybody and are kept in plant.toml"
    );
    assert_eq!(
        said(&write_one(7, 1), &[]),
        "holding 7 (40008) of `press-4` is no named point, and only named points may be written | check the address; if it is right, have it named as a point in plant.toml, with its limits"
    );
    let eleven = bytes(&[0x0000, 0x4130]);
    assert!(
        said(&write_registers(110, &eleven), &[])
            .contains("11 bar was asked, allowed is 0 to 10.1 bar")
    );
}

//! What requests touch.

use super::*;
use interlock_protocols::modbus::{Diagnostics, Table};

fn names(points: &[&Point]) -> Vec<String> {
    points.iter().map(|point| point.name().to_owned()).collect()
}

#[test]
fn reads_list_points_touched_in_part() {
    let device = press(&format!("{SPEED}{PRESSURE}{COILS}"));
    for (first, quantity, wanted, all_named) in [
        (100, 1, vec!["speed"], true),
        (99, 1, vec![], false),
        (101, 1, vec![], false),
        (99, 3, vec!["speed"], false),
        (110, 2, vec!["pressure"], true),
        (110, 1, vec!["pressure"], true),
        (111, 1, vec!["pressure"], true),
        (111, 2, vec!["pressure"], false),
        (100, 12, vec!["speed", "pressure"], false),
        (0, 125, vec!["speed", "pressure"], false),
    ] {
        let request = Request::ReadHoldingRegisters(span(first, quantity));
        let touched = device.touched(ITSELF, &request);
        assert_eq!(names(&touched.reads), wanted, "{first}+{quantity}");
        assert_eq!(touched.all_named, all_named, "{first}+{quantity}");
        assert!(touched.writes.is_empty());
        let area = touched.area.expect("a read has an area");
        assert_eq!(area.table, Table::HoldingRegisters);
        assert_eq!(area.range.first().value(), first);
    }
    let same_address_other_table = Request::ReadInputRegisters(span(100, 1));
    let touched = device.touched(ITSELF, &same_address_other_table);
    assert!(touched.reads.is_empty() && !touched.all_named);
    let touched = device.touched(ITSELF, &Request::ReadCoils(span(0, 3)));
    assert_eq!(names(&touched.reads), ["run", "reset", "lamp"]);
    assert!(touched.all_named);
}

#[test]
fn the_ends_of_a_table_are_reached() {
    let device = press(
        "
[[device.point]]
name = 'first'
table = 'input'
address = 0
type = 'u16'
[[device.point]]
name = 'last'
table = 'input'
address = 65535
type = 'u16'
",
    );
    let touched = device.touched(ITSELF, &Request::ReadInputRegisters(span(65_535, 1)));
    assert_eq!(
        (names(&touched.reads), touched.all_named),
        (vec!["last".to_owned()], true)
    );
    let touched = device.touched(ITSELF, &Request::ReadInputRegisters(span(0, 1)));
    assert_eq!(
        (names(&touched.reads), touched.all_named),
        (vec!["first".to_owned()], true)
    );
    let touched = device.touched(ITSELF, &Request::ReadInputRegisters(span(65_534, 2)));
    assert!(!touched.all_named);
}

#[test]
fn writes_carry_decoded_values() {
    let device = press(&format!("{SPEED}{PRESSURE}{COILS}"));
    let float = bytes(&[0x0000, 0x40A0]);
    let wide = bytes(&[0x0000, 0x40A0, 7]);
    let half = bytes(&[0x40A0]);
    for (request, wanted, all_named) in [
        (
            write_one(100, 8_500),
            vec![("speed", Some(850.0), true)],
            true,
        ),
        (write_one(101, 1), vec![], false),
        (
            write_registers(110, &float),
            vec![("pressure", Some(5.0), true)],
            true,
        ),
        (
            write_registers(110, &wide),
            vec![("pressure", Some(5.0), true)],
            false,
        ),
        (
            write_registers(111, &half),
            vec![("pressure", None, false)],
            false,
        ),
        (write_one(110, 0), vec![("pressure", None, false)], false),
        (mask(100, 0, 0), vec![("speed", None, true)], true),
        (coil(0, true), vec![("run", Some(1.0), true)], true),
        (coil(0, false), vec![("run", Some(0.0), true)], true),
        (
            write_coils(0, &[0b010], 3),
            vec![
                ("run", Some(0.0), true),
                ("reset", Some(1.0), true),
                ("lamp", Some(0.0), true),
            ],
            true,
        ),
    ] {
        let touched = device.touched(ITSELF, &request);
        let writes: Vec<_> = touched
            .writes
            .iter()
            .map(|write| (write.point.name(), write.value, write.whole))
            .collect();
        assert_eq!(writes, wanted, "{request:?}");
        assert_eq!(touched.all_named, all_named, "{request:?}");
        assert!(touched.reads.is_empty());
    }
}

#[test]
fn a_unit_that_is_not_routed_touches_nothing() {
    let device = press(SPEED);
    for (unit, touches) in [(0, 1), (1, 1), (255, 1), (2, 0), (247, 0), (254, 0)] {
        let request = write_one(100, 1);
        let touched = device.touched(UnitId::new(unit), &request);
        assert_eq!(touched.writes.len(), touches, "unit {unit}");
        assert_eq!(touched.all_named, touches == 1, "unit {unit}");
        let judged = device.judge(&touched, &request, &[]);
        assert_eq!(judged.is_ok(), touches == 1, "unit {unit}");
    }
}

#[test]
fn the_order_of_the_file_does_not_matter() {
    let device = press(&format!("{COILS}{PRESSURE}{SPEED}"));
    let names: Vec<&str> = device.points().iter().map(Point::name).collect();
    assert_eq!(names, ["run", "reset", "lamp", "speed", "pressure"]);
    let touched = device.touched(ITSELF, &Request::ReadHoldingRegisters(span(100, 20)));
    assert_eq!(touched.reads.len(), 2);
}

/// Function 23 touches both, and policy is shown where it writes.
#[test]
fn read_write_touches_both_and_shows_the_write() {
    let device = press(&format!("{SPEED}{PRESSURE}"));
    let value = bytes(&[8_500]);
    let request = read_and_write(110, 100, &value);
    let touched = device.touched(ITSELF, &request);
    assert_eq!(names(&touched.reads), ["pressure"]);
    assert_eq!(touched.writes.len(), 1);
    assert_eq!(touched.area.expect("an area").range.first().value(), 100);
    assert!(touched.all_named);
    let unnamed_read = read_and_write(500, 100, &value);
    assert!(!device.touched(ITSELF, &unnamed_read).all_named);
    let unnamed_write = read_and_write(110, 500, &value);
    assert!(!device.touched(ITSELF, &unnamed_write).all_named);
}

/// A rule "only named points" must not let through what no name vouches for.
#[test]
fn what_lies_outside_the_tables_is_never_all_named() {
    let device = press(SPEED);
    let queue = Request::ReadFifoQueue {
        address: Address::new(100),
    };
    for request in [
        Request::ReportServerId,
        Request::ReadExceptionStatus,
        Request::Diagnostics(Diagnostics::ForceListenOnly),
        queue,
    ] {
        assert!(!device.touched(ITSELF, &request).all_named, "{request:?}");
    }
}

#[test]
fn each_unit_behind_a_gateway_has_its_own_points() {
    let text = format!(
        "{}{}",
        PRESS.replace(
            "peer = 'direct'",
            "peer = 'gateway'\nunit_ids = [3, { north = 4, south = 17 }]"
        ),
        "
[[device.point]]
name = 'three'
unit_id = 3
table = 'holding'
address = 100
type = 'u16'
access = 'read-write'
min = 0
max = 10
[[device.point]]
name = 'four'
unit_id = 4
table = 'holding'
address = 100
type = 'u16'
access = 'read-write'
min = 0
max = 20
"
    );
    let plant = plant(&text);
    let device = plant.device("press-4").expect("it is there");
    assert_eq!(device.south_unit(UnitId::new(4)), Some(UnitId::new(17)));
    let request = write_one(100, 15);
    for (unit, wanted) in [
        (3, Some("value-outside-limits")),
        (4, None),
        // The number on the line is no way in, nor is broadcast.
        (17, Some("unit-not-routed")),
        (0, Some("unit-not-routed")),
        (255, Some("unit-not-routed")),
    ] {
        let touched = device.touched(UnitId::new(unit), &request);
        let judged = device.judge(&touched, &request, &[]);
        assert_eq!(
            judged.err().map(|broken| broken.code()),
            wanted,
            "unit {unit}"
        );
    }
    assert!(device.touched(UnitId::new(17), &request).writes.is_empty());
}

/// Only one point, written whole with the very value that was declared, is safe.
#[test]
fn a_safe_value_is_one_point_and_that_value() {
    let safe =
        |text: &str, value: &str| text.replace("max = ", &format!("safe_value = {value}\nmax = "));
    let text = format!(
        "{}{}{}",
        safe(SPEED, "0.5"),
        safe(PRESSURE, "10.1"),
        COILS.replacen("access", "safe_value = 'off'\naccess", 1)
    );
    let device = press(&text);
    let declared = |name: &str| device.point(name).and_then(Point::safe_value);
    assert_eq!(declared("speed"), Some(0.5));
    assert_eq!(declared("pressure"), Some(f64::from(10.1_f32)));
    assert_eq!((declared("run"), declared("reset")), (Some(0.0), None));
    let is_safe = |request: &Request<'_>| device.touched(ITSELF, request).is_safe();
    assert!(is_safe(&write_one(100, 5)));
    assert!(!is_safe(&write_one(100, 6)));
    let pair = |bytes: &[u8]| {
        is_safe(&Request::WriteMultipleRegisters(
            RegisterWrite::new(Address::new(110), bytes).unwrap(),
        ))
    };
    assert!(pair(&[0x99, 0x9a, 0x41, 0x21]));
    assert!(!pair(&[0x99, 0x9b, 0x41, 0x21]));
    // Half of it, more than it, and a register beside it.
    assert!(!is_safe(&write_one(110, 0x999a)));
    assert!(!pair(&[0x99, 0x9a, 0x41, 0x21, 0, 0]));
    assert!(is_safe(&coil(0, false)));
    assert!(!is_safe(&coil(0, true)));
    assert!(!is_safe(&coil(1, false)));
    // Two coils, both off: two points.
    assert!(!is_safe(&write_coils(0, &[0], 2)));
    assert!(is_safe(&write_coils(0, &[0], 1)));
    // Reading a safe value is no write, and reading beside the write is more than it.
    assert!(!is_safe(&Request::ReadHoldingRegisters(span(100, 1))));
    assert!(!is_safe(&mask(100, 0, 5)));
    assert!(!is_safe(&read_and_write(110, 100, &[0, 5])));
}

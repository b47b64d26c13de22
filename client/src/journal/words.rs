//! A recorded command in words: tag names and engineering units where the record has them, both
//! forms of the address where it has not.

pub(super) use interlock_broker::digits::hex;
use interlock_protocols::modbus::{Address, AddressRange, Area, FunctionCode, Request, Values};
use interlock_protocols::record::PointValue;

use crate::limits::VALUES_SHOWN_MAX;
use crate::moment;
use crate::point::{number, table_of};

/// What the command asks for. `points` is what it writes, as the edge recorded it.
pub(super) fn command(pdu: &[u8], points: &[PointValue]) -> String {
    let Ok(request) = Request::decode(pdu) else {
        return malformed(pdu);
    };
    if let Some(written) = request.writes() {
        let place = area(&written.area);
        return if points.is_empty() {
            format!("write {place} = {}", values(&written.values))
        } else {
            format!("write {} ({place})", named(points))
        };
    }
    match request.reads() {
        Some(read) => format!("read {}", area(&read)),
        None => request.function().name().to_owned(),
    }
}

/// The same for a screen, in two lines: what in tag names and units, then where and as which bits.
pub(super) fn two_lines(unit: u8, pdu: &[u8], points: &[PointValue]) -> Vec<String> {
    let Ok(request) = Request::decode(pdu) else {
        return vec![malformed(pdu)];
    };
    let Some(written) = request.writes() else {
        return vec![command(pdu, points)];
    };
    let raw = format!("raw {}", raw(&written.values));
    if points.is_empty() {
        return vec![command(pdu, points), format!("unit {unit}, {raw}")];
    }
    let each = points.iter().map(|point| match before(point) {
        Some(before) => format!("{} (was {before})", assigned(point)),
        None => assigned(point),
    });
    vec![
        format!("write {}", some_of(each, points.len())),
        format!("unit {unit}, {}, {raw}", area(&written.area)),
    ]
}

/// The addresses that a command writes, or else those that it reads, and the raw values written.
pub(super) fn place(pdu: &[u8]) -> Option<(Area, Option<String>)> {
    let request = Request::decode(pdu).ok()?;
    match request.writes() {
        Some(written) => Some((written.area, Some(raw(&written.values)))),
        None => request.reads().map(|area| (area, None)),
    }
}

/// What the device held, and how old that is: `6.1 bar, 12 s before`.
fn before(point: &PointValue) -> Option<String> {
    let value = with_unit(point.before?, &point.unit);
    let age = point.before_age_ms.and_then(|age| i64::try_from(age).ok());
    Some(match age {
        Some(age) => format!("{value}, {} before", moment::rough(age)),
        None => value,
    })
}

/// The name of a function, or its number where it has none.
pub(super) fn function(code: u8) -> String {
    FunctionCode::from_code(code)
        .map_or_else(|| format!("function-{code}"), |known| known.name().into())
}

/// Many equal commands, of which only function and range were recorded.
pub(super) fn summary(function: u8, table: Option<u8>, first: u16, last: u16) -> String {
    let code = FunctionCode::from_code(function);
    let name = code.map_or_else(|| format!("function {function}"), |code| code.name().into());
    let range = AddressRange::new(Address::new(first), Address::new(last));
    match (table.and_then(table_of), range) {
        (Some(table), Some(range)) => format!("{name} {}", area(&Area { table, range })),
        _ => name,
    }
}

fn malformed(pdu: &[u8]) -> String {
    let shown: Vec<String> = pdu
        .iter()
        .take(VALUES_SHOWN_MAX)
        .map(|byte| format!("{byte:02X}"))
        .collect();
    let more = if pdu.len() > shown.len() { " …" } else { "" };
    format!(
        "{} bytes that are no request: {}{more}",
        pdu.len(),
        shown.join(" ")
    )
}

/// `holding 100 (40101)`, `holding 100 (40101) to 103 (40104)`.
fn area(area: &Area) -> String {
    let at = |address: Address| address.in_table(area.table).to_string();
    let (first, last) = (area.range.first(), area.range.last());
    if first == last {
        return at(first);
    }
    let last = at(last);
    let last = last
        .strip_prefix(area.table.name())
        .unwrap_or(&last)
        .trim_start();
    format!("{} to {last}", at(first))
}

fn named(points: &[PointValue]) -> String {
    some_of(points.iter().map(assigned), points.len())
}

fn assigned(point: &PointValue) -> String {
    match point.value {
        Some(value) => format!("{} = {}", point.name, with_unit(value, &point.unit)),
        // A mask, or a part of a number of several registers: the value is not known.
        None => format!("{} in part", point.name),
    }
}

fn with_unit(value: f64, unit: &str) -> String {
    format!("{} {unit}", number(value)).trim_end().to_owned()
}

/// As on the wire: registers in hexadecimal.
fn raw(values: &Values<'_>) -> String {
    match values {
        Values::Coil(_) | Values::Coils(_) => self::values(values),
        Values::Register(word) => format!("{word:04X}"),
        Values::Registers(words) => {
            let each = words.iter().map(|word| format!("{word:04X}"));
            some_of(each, words.len())
        }
        Values::Mask { and, or } => format!("and {and:04X} or {or:04X}"),
    }
}

fn values(values: &Values<'_>) -> String {
    let bit = |on: bool| if on { "on" } else { "off" }.to_owned();
    match values {
        Values::Coil(on) => bit(*on),
        Values::Coils(coils) => some_of(coils.iter().map(bit), coils.len()),
        Values::Register(word) => word.to_string(),
        Values::Registers(words) => some_of(words.iter().map(|word| word.to_string()), words.len()),
        Values::Mask { and, or } => format!("current and {and:04X} or {or:04X}"),
    }
}

fn some_of(each: impl Iterator<Item = String>, all: usize) -> String {
    let shown: Vec<String> = each.take(VALUES_SHOWN_MAX).collect();
    match all.saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The beginning of a fingerprint: enough to tell one from another on a screen.
pub(super) fn short_hex(bytes: &[u8]) -> String {
    let (shown, _) = bytes.split_at_checked(6).unwrap_or((bytes, &[]));
    hex(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(name: &str, value: Option<f64>, unit: &str) -> PointValue {
        PointValue {
            name: name.into(),
            value,
            unit: unit.into(),
            before: None,
            before_age_ms: None,
        }
    }

    #[test]
    fn a_command_is_told_in_tag_names_and_engineering_units() {
        let write = [6, 0, 100, 3, 0x84];
        let points = [point("speed_setpoint", Some(900.0), "rpm")];
        assert_eq!(
            command(&write, &points),
            "write speed_setpoint = 900 rpm (holding 100 (40101))"
        );
        let float = [16, 0, 200, 0, 2, 4, 0x40, 0xC3, 0x33, 0x33];
        let points = [point("pressure", Some(f64::from(6.1_f32)), "bar")];
        assert_eq!(
            command(&float, &points),
            "write pressure = 6.1 bar (holding 200 (40201) to 201 (40202))"
        );
        let points = [point("pressure", None, "bar")];
        assert_eq!(
            command(&write, &points),
            "write pressure in part (holding 100 (40101))"
        );
    }

    #[test]
    fn what_has_no_name_is_told_by_its_address() {
        for (pdu, words) in [
            (&[6, 0, 100, 3, 0x84][..], "write holding 100 (40101) = 900"),
            (&[5, 0, 5, 0xFF, 0], "write coil 5 (00006) = on"),
            (
                &[15, 0, 0, 0, 3, 1, 0b101],
                "write coil 0 (00001) to 2 (00003) = on, off, on",
            ),
            (
                &[22, 0, 4, 0xFF, 0, 0, 0xF],
                "write holding 4 (40005) = current and FF00 or 000F",
            ),
            (&[3, 0, 0, 0, 10], "read holding 0 (40001) to 9 (40010)"),
            (&[4, 0, 7, 0, 1], "read input 7 (30008)"),
            (&[17], "report-server-id"),
            (
                &[3, 0, 0, 0, 0],
                "5 bytes that are no request: 03 00 00 00 00",
            ),
            (
                &[90, 1, 2, 3, 4, 5, 6, 7, 8],
                "9 bytes that are no request: 5A 01 02 03 04 05 06 07 …",
            ),
        ] {
            assert_eq!(command(pdu, &[]), words);
        }
    }

    #[test]
    fn a_long_write_is_cut_and_says_so() {
        let mut pdu = vec![16, 0, 0, 0, 10, 20];
        pdu.extend([0, 1].repeat(10));
        let words = command(&pdu, &[]);
        assert!(
            words.ends_with("= 1, 1, 1, 1, 1, 1, 1, 1 and 2 more"),
            "{words}"
        );
    }

    #[test]
    fn a_summary_names_function_and_range() {
        assert_eq!(
            summary(3, Some(4), 0, 9),
            "read-holding-registers holding 0 (40001) to 9 (40010)"
        );
        assert_eq!(summary(17, None, 0, 0), "report-server-id");
        assert_eq!(summary(90, None, 0, 0), "function 90");
    }
}

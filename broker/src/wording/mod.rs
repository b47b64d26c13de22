//! Commands and other events in a plant engineer's words, for notices, listings and collectors.

mod answered;
mod happened;

use std::fmt::Write;

use interlock_protocols::modbus::{Area, Request, UnitId};

use crate::limits::WRITES_SHOWN_MAX;
use crate::plant::Device;
pub use answered::became;
pub use happened::{happened, scope};

/// What a PDU asks of a device: `write speed_setpoint = 900 rpm, holding 100 (40101)`.
pub fn asked(device: &Device, unit: UnitId, pdu: &[u8]) -> String {
    said(device, unit, pdu, true)
}

/// The same in names alone, where names say all of it: `write speed_setpoint = 900 rpm`.
pub fn named(device: &Device, unit: UnitId, pdu: &[u8]) -> String {
    said(device, unit, pdu, false)
}

fn said(device: &Device, unit: UnitId, pdu: &[u8], places: bool) -> String {
    let Ok(request) = Request::decode(pdu) else {
        let function = pdu.first().copied().unwrap_or_default();
        return format!("function {function}, {} bytes", pdu.len());
    };
    let touched = device.touched(unit, &request);
    let mut parts = Vec::new();
    let (shown, more) = touched
        .writes
        .split_at_checked(WRITES_SHOWN_MAX)
        .unwrap_or((&touched.writes, &[]));
    for write in shown {
        let name = write.point.name();
        parts.push(match write.value {
            Some(value) => format!("write {name} = {}", write.point.show(value)),
            None => format!("write {name}"),
        });
    }
    if !more.is_empty() {
        parts.push(format!("write {} more points", more.len()));
    }
    let names: Vec<&str> = touched.reads.iter().map(|point| point.name()).collect();
    match names.as_slice() {
        [] => {}
        [first, _, _, _, ..] => {
            parts.push(format!("read {first} and {} more points", names.len() - 1));
        }
        few => parts.push(format!("read {}", few.join(", "))),
    }
    if parts.is_empty() {
        parts.push(request.function().name().to_owned());
    }
    if touched.all_named && !places {
        return parts.join(", ");
    }
    let written = request.writes().map(|written| written.area);
    for area in [written, request.reads()].into_iter().flatten() {
        parts.push(place(area));
    }
    parts.join(", ")
}

/// `holding 100 (40101)`, or `holding 100 (40101) to 109 (40110)`.
fn place(area: Area) -> String {
    let first = area.range.first();
    let last = area.range.last();
    let mut text = first.in_table(area.table).to_string();
    if first != last {
        let _infallible = write!(text, " to {}", last.in_table(area.table));
    }
    text
}

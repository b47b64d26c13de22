//! `safe_value`, of a point.

use crate::document::{Section, Slot};
use crate::plant::point::{Access, Kind, Point};

/// Reads it into `point`; where the point has another fault, the key is known nonetheless.
pub(super) fn read(section: &mut Section<'_>, point: Option<Point>) -> Option<Point> {
    let slot = section.optional("safe_value");
    let mut point = point?;
    if !slot.is_present() {
        return Some(point);
    }
    let value = value_of(slot, &point)?;
    match held(&point, value) {
        Ok(held) => {
            point.safe_value = Some(held);
            Some(point)
        }
        Err((what, hint)) => {
            section.fault("safe_value", what, hint);
            None
        }
    }
}

fn value_of(slot: Slot<'_>, point: &Point) -> Option<f64> {
    match point.kind() {
        Kind::Bit => slot.word(&[("on", 1.0), ("off", 0.0)]),
        Kind::Number { .. } => slot.number(f64::MIN..=f64::MAX),
    }
}

/// The value as the registers hold it. Only what is written exactly can be told from what is not:
/// a value that is rounded would never be the one that was declared.
fn held(point: &Point, value: f64) -> Result<f64, (String, String)> {
    let shown = point.show(value);
    if point.access() != Access::ReadWrite {
        return Err((
            "`safe_value` is for points that may be written".to_owned(),
            "take it out, or write access = \"read-write\"".to_owned(),
        ));
    }
    let held = match point.kind() {
        Kind::Bit => value,
        Kind::Number { .. } => {
            let wanted = point.holds.as_held(value);
            let registers = point.encode(value);
            let held = registers.and_then(|registers| point.decode(registers.as_slice()));
            held.filter(|held| *held == wanted).ok_or_else(|| {
                (
                    format!(
                        "`safe_value` is {shown}, which the registers of this point cannot hold"
                    ),
                    "write a value that its type, scale and offset can make, without rounding"
                        .to_owned(),
                )
            })?
        }
    };
    if !point.bounds().allow(held) {
        return Err((
            format!("`safe_value` is {shown}, which its limits do not allow"),
            format!("stay inside them: {}", point.show_bounds(&point.bounds())),
        ));
    }
    Ok(held)
}

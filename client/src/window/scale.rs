//! What a grant says in raw values of registers, in the units that people know.

use interlock_protocols::conduit::{DeviceOffer, PointOffer, WindowLimit};
use interlock_protocols::grant::{Grant, Point};

use super::functions;
use crate::failure::{Failure, Kind};
use crate::point::number;

/// Whether a grant lets this point be written at all.
pub(crate) fn is_written(point: &Point) -> bool {
    point
        .functions
        .iter()
        .any(|function| functions::writes(function).is_some())
}

/// The offer of a granted point; `None` where the gateway offers another one under that name.
pub(crate) fn offered<'o>(
    offer: &'o DeviceOffer,
    name: &str,
    point: &Point,
) -> Option<&'o PointOffer> {
    let place = (
        point.table.modicon_digit(),
        point.first.value(),
        point.registers(),
    );
    offer
        .points
        .iter()
        .find(|it| it.name == name && (it.table, it.first, it.registers) == place)
}

/// The least and the greatest value that may be written, in the unit of the point.
pub(crate) fn asked(point: &Point, offer: &PointOffer) -> (f64, f64) {
    let value = |raw: u32| {
        let value = point.number(raw);
        match point.data_type {
            None => value,
            Some(_) => rounded(value * offer.scale + offer.offset),
        }
    };
    let (one, other) = (value(point.raw_min), value(point.raw_max));
    // A negative scale turns them round.
    (one.min(other), one.max(other))
}

/// What was meant: scaling in binary leaves a little over.
fn rounded(value: f64) -> f64 {
    number(value).parse().unwrap_or(value)
}

/// The limits with which the same ranges are asked for again.
pub(super) fn limits(
    grant: &Grant<'_>,
    names: &[String],
    offer: &DeviceOffer,
) -> Result<Vec<WindowLimit>, Failure> {
    if names.len() != grant.points().len() {
        return Err(changed("its points"));
    }
    let written = grant
        .points()
        .zip(names)
        .filter(|(point, _)| is_written(point));
    let limit = |(point, name): (Point, &String)| {
        let offered = offered(offer, name, &point).ok_or_else(|| changed(name))?;
        let (min, max) = asked(&point, offered);
        Ok(WindowLimit {
            point: name.clone(),
            min,
            max,
        })
    };
    written.map(limit).collect()
}

fn changed(what: &str) -> Failure {
    Failure::new(
        Kind::Failed,
        format!(
            "{what}: the gateway describes it otherwise today than when the window was asked for"
        ),
        "ask for a window of its own, with --points and --limit",
    )
}

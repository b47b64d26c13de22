//! Whether a write stays inside the limits of the plant. Pure, and the same for everybody but for
//! the limit sets of their groups.

use super::device::Device;
use super::limit_broken::{Allowed, LimitBroken, Place};
use super::point::{Access, Bounds, Point};
use super::touched::{Asked, Touched, asked, first_unnamed};
use interlock_protocols::modbus::{Request, Values, WordOrder, Written};

impl Device {
    /// Judges the registers and coils that a request would write. `touched` is what
    /// [`Device::touched`] said of the same request; `groups` are those of the subject.
    ///
    /// What writes no register or coil passes: reads, and functions 8 and 21, whose effects no
    /// point describes and which policy alone decides.
    pub fn judge(
        &self,
        touched: &Touched<'_>,
        request: &Request<'_>,
        groups: &[String],
    ) -> Result<(), LimitBroken> {
        let Some(written) = request.writes() else {
            return Ok(());
        };
        if self.south_unit(touched.unit).is_none() {
            return Err(LimitBroken::UnitNotRouted {
                device: self.name.clone(),
                unit: touched.unit,
            });
        }
        // Looked up again rather than taken from `touched`: what is judged is this request, even
        // if a caller should mix two up.
        let points = self.points_in(touched.unit, written.area);
        if !self.unnamed_writes
            && let Some(address) = first_unnamed(written.area, points.iter())
        {
            return Err(LimitBroken::RegisterNotNamed {
                device: self.name.clone(),
                table: written.area.table,
                address,
            });
        }
        points
            .iter()
            .try_for_each(|point| judge_point(point, &written, groups))
    }
}

fn judge_point(point: &Point, written: &Written<'_>, groups: &[String]) -> Result<(), LimitBroken> {
    if point.access != Access::ReadWrite {
        return Err(LimitBroken::PointReadOnly {
            place: Place::of(point),
        });
    }
    let asked = asked(point, written);
    match asked {
        Asked::Part => {
            return Err(LimitBroken::PartOfPoint {
                place: Place::of(point),
                registers: point.area.range.count(),
            });
        }
        Asked::MaskOnWide => {
            return Err(LimitBroken::MaskOnWidePoint {
                place: Place::of(point),
            });
        }
        Asked::Value(value) if !value.is_finite() => {
            return Err(LimitBroken::ValueNotFinite {
                place: Place::of(point),
                meant: meant_order(point, written, groups),
            });
        }
        Asked::State(_) | Asked::Value(_) | Asked::Between(..) => {}
    }
    match narrowest_broken(point, groups, |bounds| inside(bounds, asked)) {
        None => Ok(()),
        Some(allowed) => Err(refusal(point, written, groups, asked, allowed)),
    }
}

/// Whether all that was asked is inside. Limits are intervals: where both ends of what a mask can
/// leave are inside, so is all between.
fn inside(bounds: &Bounds, asked: Asked) -> bool {
    match asked {
        Asked::State(on) => bounds.allow(f64::from(u8::from(on))),
        Asked::Value(value) => bounds.allow(value),
        Asked::Between(lowest, highest) => bounds.allow(lowest) && bounds.allow(highest),
        Asked::Part | Asked::MaskOnWide => false,
    }
}

/// The limits that are broken: the point's own before those of a limit set.
fn narrowest_broken(
    point: &Point,
    groups: &[String],
    inside: impl Fn(&Bounds) -> bool,
) -> Option<Allowed> {
    if !inside(&point.bounds) {
        return Some(Allowed::of(point, &point.bounds, None));
    }
    point
        .narrowings
        .iter()
        .filter(|narrowing| narrowing.applies_to(groups))
        .find(|narrowing| !inside(&narrowing.bounds))
        .map(|narrowing| Allowed::of(point, &narrowing.bounds, Some(narrowing.set.name())))
}

fn refusal(
    point: &Point,
    written: &Written<'_>,
    groups: &[String],
    asked: Asked,
    allowed: Allowed,
) -> LimitBroken {
    let place = Place::of(point);
    match asked {
        Asked::Between(lowest, highest) => LimitBroken::MaskOutsideLimits {
            place,
            lowest: point.show(lowest),
            highest: point.show(highest),
            allowed,
        },
        Asked::State(on) => LimitBroken::StateNotAllowed {
            place,
            asked: point.show(f64::from(u8::from(on))),
            allowed,
        },
        Asked::Value(value) => LimitBroken::ValueOutsideLimits {
            place,
            asked: point.show(value),
            allowed,
            meant: meant_order(point, written, groups),
        },
        // Refused before limits are looked at.
        Asked::Part | Asked::MaskOnWide => LimitBroken::PartOfPoint {
            place,
            registers: point.area.range.count(),
        },
    }
}

/// The one other word order in which the value would have been allowed: the commonest reason for
/// a wild 32-bit value is a tool set to another order. For the hint only; it allows nothing.
fn meant_order(point: &Point, written: &Written<'_>, groups: &[String]) -> Option<WordOrder> {
    let Values::Registers(registers) = written.values else {
        return None;
    };
    let first = written.area.range.first().value();
    let at = usize::from(point.area.range.first().value().checked_sub(first)?);
    let pair = [registers.at(at)?, registers.at(at.checked_add(1)?)?];
    // Its own order is none of them: the value was refused.
    let mut fitting = WordOrder::ALL.into_iter().filter(|other| {
        point.decode_as(*other, &pair).is_some_and(|value| {
            // Most wrong orders of a float are absurdly close to zero; nobody meant those.
            (value == 0.0 || value.abs() > 1e-6)
                && narrowest_broken(point, groups, |bounds| bounds.allow(value)).is_none()
        })
    });
    let meant = fitting.next()?;
    fitting.next().is_none().then_some(meant)
}

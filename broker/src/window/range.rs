//! The raw values that may be written to a point: its limits as the registers hold them. Rounding
//! goes inwards, so that what a grant covers is never wider than what it was made of.

use std::fmt;

use interlock_protocols::conduit::WindowLimit;
use interlock_protocols::grant;
use interlock_protocols::modbus::value::{self, DataType, WordOrder};

use super::resolve::is_bit;
use crate::plant::{Bounds, Kind, Point};

/// Why a limit gives no range.
#[derive(Clone, PartialEq, Debug)]
pub enum NoRange {
    /// Its ends are turned round, or are no numbers.
    NotARange,
    /// The registers have no such value.
    NotHeld {
        /// What was asked for.
        asked: String,
        /// What they hold in its place, if anything is near.
        nearest: Option<String>,
    },
    /// A coil is on or off.
    NotAState,
    /// It goes beyond what may be written.
    Wider {
        /// What may be.
        allowed: String,
        /// The limit set that says so; `None`: the point itself.
        set: Option<String>,
    },
    /// Nothing is inside.
    Empty,
}

impl fmt::Display for NoRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoRange::NotARange => f.write_str("write it as LEAST..GREATEST, two numbers"),
            NoRange::NotHeld {
                asked,
                nearest: Some(nearest),
            } => write!(
                f,
                "its registers cannot hold {asked}; the nearest is {nearest}"
            ),
            NoRange::NotHeld { asked, .. } => write!(f, "its registers cannot hold {asked}"),
            NoRange::NotAState => f.write_str("a coil is 0 or 1: write 0..0, 1..1 or 0..1"),
            NoRange::Wider { allowed, set: None } => {
                write!(f, "the plant allows {allowed}, and a window never more")
            }
            NoRange::Wider {
                allowed,
                set: Some(set),
            } => write!(
                f,
                "the limit set `{set}` allows you {allowed}, and a window never more"
            ),
            NoRange::Empty => f.write_str("no value that its registers hold is inside"),
        }
    }
}

/// What a point holds, as a grant says it; all else of it is left open.
pub(super) fn shape(point: &Point) -> grant::Point {
    let (data_type, order) = match point.kind() {
        Kind::Bit => (None, WordOrder::Abcd),
        Kind::Number {
            data_type, order, ..
        } => (Some(data_type), order),
    };
    grant::Point {
        data_type,
        order,
        ..grant::Point::default()
    }
}

/// The least and the greatest raw value that somebody in these groups may write under a limit.
pub(super) fn raw(
    point: &Point,
    groups: &[String],
    limit: Option<&WindowLimit>,
    shape: &grant::Point,
) -> Result<(u32, u32), NoRange> {
    let asked = limit.map(|limit| asked(point, limit)).transpose()?;
    let narrowed = (point.narrowings().iter())
        .filter(|narrowing| narrowing.applies_to(groups))
        .map(|narrowing| (narrowing.bounds(), Some(narrowing.set().name())));
    let all: Vec<_> = [(point.bounds(), None)]
        .into_iter()
        .chain(narrowed)
        .collect();
    if let Some(asked) = &asked
        && let Some((bounds, set)) = all.iter().find(|(bounds, _)| !bounds.contain(asked))
    {
        return Err(NoRange::Wider {
            allowed: point.show_bounds(bounds),
            set: set.map(str::to_owned),
        });
    }
    let bounds: Vec<Bounds> = all
        .into_iter()
        .map(|(bounds, _)| bounds)
        .chain(asked)
        .collect();
    let allowed = |number: f64| {
        let value = engineering(point, number);
        value.is_some_and(|value| bounds.iter().all(|bounds| bounds.allow(value)))
    };
    let ends = if is_bit(point) {
        [0.0, 1.0]
    } else {
        numbers(point, &bounds).ok_or(NoRange::Empty)?
    };
    let mut inside = ends
        .into_iter()
        .map(|end| inwards(shape.data_type, end, &allowed));
    let (Some(Some(one)), Some(Some(other))) = (inside.next(), inside.next()) else {
        return Err(NoRange::Empty);
    };
    let raw = |number| shape.raw(number).ok_or(NoRange::Empty);
    // A negative scale turns them round.
    Ok((raw(one.min(other))?, raw(one.max(other))?))
}

/// A limit in the form of the point's own.
fn asked(point: &Point, limit: &WindowLimit) -> Result<Bounds, NoRange> {
    let (min, max) = (limit.min, limit.max);
    if !(min.is_finite() && max.is_finite() && min <= max) {
        return Err(NoRange::NotARange);
    }
    if !is_bit(point) {
        return Ok(Bounds::Interval {
            min: Some(held(point, min)?),
            max: Some(held(point, max)?),
        });
    }
    let is_state = |value| value == 0.0 || value == 1.0;
    if !(is_state(min) && is_state(max)) {
        return Err(NoRange::NotAState);
    }
    Ok(Bounds::States {
        on: max == 1.0,
        off: min == 0.0,
    })
}

/// A value as the registers hold it. Whoever asks for what they cannot hold would approve another
/// value than they read; that of a float32 is the nearest, as everywhere.
fn held(point: &Point, value: f64) -> Result<f64, NoRange> {
    let registers = point.encode(value);
    let held = registers.and_then(|registers| point.decode(registers.as_slice()));
    let float = matches!(
        point.kind(),
        Kind::Number {
            data_type: DataType::F32,
            ..
        }
    );
    held.filter(|held| float || *held == value)
        .ok_or_else(|| NoRange::NotHeld {
            asked: point.show(value),
            nearest: held.map(|held| point.show(held)),
        })
}

/// The raw numbers nearest to the ends of what all these allow; where an end is open, that of the
/// type.
fn numbers(point: &Point, bounds: &[Bounds]) -> Option<[f64; 2]> {
    let Kind::Number {
        data_type,
        order,
        scale,
        ..
    } = point.kind()
    else {
        return None;
    };
    let ends = |end: fn(&Bounds) -> Option<f64>| bounds.iter().filter_map(end);
    let min = ends(|bounds| match bounds {
        Bounds::Interval { min, .. } => *min,
        Bounds::States { .. } => None,
    });
    let max = ends(|bounds| match bounds {
        Bounds::Interval { max, .. } => *max,
        Bounds::States { .. } => None,
    });
    let (least, greatest) = reach(data_type);
    let (least, greatest) = if scale < 0.0 {
        (greatest, least)
    } else {
        (least, greatest)
    };
    let number = |value: Option<f64>, open: f64| match value {
        // Beyond the type the end of the type is the nearest.
        Some(value) => point.encode(value).map_or(Some(open), |registers| {
            value::decode(data_type, order, registers.as_slice())
        }),
        None => Some(open),
    };
    Some([
        number(min.reduce(f64::max), least)?,
        number(max.reduce(f64::min), greatest)?,
    ])
}

/// The number itself, or the next one on either side: a limit may lie between two.
fn inwards(
    data_type: Option<DataType>,
    number: f64,
    allowed: &impl Fn(f64) -> bool,
) -> Option<f64> {
    let near = match data_type {
        Some(DataType::F32) => {
            let float = number as f32;
            [float.next_down(), float.next_up()].map(f64::from)
        }
        Some(_) => [number - 1.0, number + 1.0],
        // A coil that may not be off is on.
        None => [1.0 - number; 2],
    };
    let mut near = [number].into_iter().chain(near);
    near.find(|number| allowed(*number))
}

/// What a raw number means.
fn engineering(point: &Point, number: f64) -> Option<f64> {
    match point.kind() {
        Kind::Bit => Some(number),
        Kind::Number {
            data_type, order, ..
        } => {
            let registers = value::encode(data_type, order, number)?;
            point.decode(registers.as_slice())
        }
    }
}

/// The least and the greatest number of a type.
fn reach(data_type: DataType) -> (f64, f64) {
    match data_type {
        DataType::U16 => (0.0, u16::MAX.into()),
        DataType::I16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::U32 => (0.0, u32::MAX.into()),
        DataType::I32 => (i32::MIN.into(), i32::MAX.into()),
        DataType::F32 => (f32::MIN.into(), f32::MAX.into()),
    }
}

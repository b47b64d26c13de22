//! What a grant lets be touched, and whether a request stays within it.

use core::fmt;

use super::point::table_of;
use super::{Functions, Grant, Point};
use crate::modbus::value::{self, DataType, WordOrder};
use crate::modbus::{Address, Area, FunctionCode, Request, Table, UnitId, Values, Written};

/// Why a grant does not cover a request.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum NotCovered {
    /// Nothing of what it does is said by addresses.
    NoAddresses(FunctionCode),
    /// An address belongs to no point of the grant.
    Address {
        /// The unit it was sent to.
        unit: UnitId,
        /// The table.
        table: Table,
        /// The first such address.
        address: Address,
    },
    /// A point may not be touched with this function.
    Function {
        /// The point's place in the grant.
        point: usize,
        /// The function.
        function: FunctionCode,
    },
    /// A part of a point would be written, or bits of a point that has two registers.
    Part {
        /// The point's place in the grant.
        point: usize,
    },
    /// A value is outside the range.
    Value {
        /// The point's place in the grant.
        point: usize,
        /// The value, before scale and offset; of a mask, one that it could leave.
        number: f64,
    },
}

impl fmt::Display for NotCovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotCovered::NoAddresses(function) => {
                write!(f, "{} is not for points", function.name())
            }
            NotCovered::Address {
                unit,
                table,
                address,
            } => write!(
                f,
                "{} of unit {unit} is not in it",
                address.in_table(*table)
            ),
            NotCovered::Function { point, function } => {
                write!(f, "point {point} is not for {}", function.name())
            }
            NotCovered::Part { point } => write!(f, "only a part of point {point} is written"),
            NotCovered::Value { point, number } => {
                write!(f, "{number} is outside the range of point {point}")
            }
        }
    }
}

pub(super) fn covers(
    grant: &Grant<'_>,
    unit: UnitId,
    request: &Request<'_>,
) -> Result<(), NotCovered> {
    let function = request.function();
    if table_of(function).is_none() {
        return Err(NotCovered::NoAddresses(function));
    }
    if let Some(area) = request.reads() {
        // Whoever may read a point with function 3 may do so with the reading half of 23.
        let read = |functions: Functions| {
            let half = function == FunctionCode::ReadWriteMultipleRegisters;
            functions.has(function) || half && functions.has(FunctionCode::ReadHoldingRegisters)
        };
        each(grant, unit, area, |place, point| {
            may(read(point.functions), place, function)
        })?;
    }
    if let Some(written) = request.writes() {
        each(grant, unit, written.area, |place, point| {
            may(point.functions.has(function), place, function)?;
            within(place, point, &written)
        })?;
    }
    Ok(())
}

fn may(may: bool, point: usize, function: FunctionCode) -> Result<(), NotCovered> {
    may.then_some(())
        .ok_or(NotCovered::Function { point, function })
}

/// Judges each point that shares an address with the area. Every address must belong to one; they
/// are in order and do not overlap.
fn each(
    grant: &Grant<'_>,
    unit: UnitId,
    area: Area,
    judge: impl Fn(usize, &Point) -> Result<(), NotCovered>,
) -> Result<(), NotCovered> {
    let mut next = u32::from(area.range.first().value());
    let last = u32::from(area.range.last().value());
    let missing = |next: u32| NotCovered::Address {
        unit,
        table: area.table,
        address: Address::new(u16::try_from(next).unwrap_or(u16::MAX)),
    };
    for (place, point) in grant.points().enumerate() {
        if (point.unit, point.table) != (unit, area.table) {
            continue;
        }
        let (from, to) = point.place();
        let (from, to) = (u32::from(from.2), u32::from(to.2));
        if to < next || next > last {
            continue;
        }
        if from > next {
            break;
        }
        judge(place, &point)?;
        next = to.saturating_add(1);
    }
    if next > last {
        Ok(())
    } else {
        Err(missing(next))
    }
}

/// Whether what is written to a point is all of it, and in its range.
fn within(place: usize, point: &Point, written: &Written<'_>) -> Result<(), NotCovered> {
    let part = NotCovered::Part { point: place };
    let Some(area) = point.area() else {
        return Err(part);
    };
    if !written.area.range.contains(area.range) {
        return Err(part);
    }
    let outside = |number| NotCovered::Value {
        point: place,
        number,
    };
    let judge = |number: f64| {
        if point.allows(number) {
            Ok(())
        } else {
            Err(outside(number))
        }
    };
    let first = written.area.range.first().value();
    let at = usize::from(point.first.value().saturating_sub(first));
    match (point.data_type, written.values) {
        (None, Values::Coil(on)) => judge(f64::from(u8::from(on))),
        (None, Values::Coils(coils)) => judge(f64::from(u8::from(coils.at(at).ok_or(part)?))),
        (Some(data_type), Values::Register(word)) => {
            judge(value::decode(data_type, point.order, &[word]).ok_or(part)?)
        }
        (Some(data_type), Values::Registers(registers)) => {
            let second = at.checked_add(1).and_then(|at| registers.at(at));
            let words = [registers.at(at).ok_or(part)?, second.unwrap_or(0)];
            let count = usize::from(point.registers());
            let words = words
                .get(..count)
                .filter(|_| count == 1 || second.is_some());
            judge(value::decode(data_type, point.order, words.ok_or(part)?).ok_or(part)?)
        }
        (Some(data_type), Values::Mask { and, or }) => {
            for number in masked(data_type, and, or).ok_or(part)? {
                judge(number)?;
            }
            Ok(())
        }
        (None, _) | (Some(_), _) => Err(part),
    }
}

/// The least and the greatest number that a mask can leave in a register; all others lie between.
/// The bits of `and` are unknown, and the highest of an i16 counts the other way round.
fn masked(data_type: DataType, and: u16, or: u16) -> Option<[f64; 2]> {
    let sign = match data_type {
        DataType::U16 => 0,
        DataType::I16 => 0x8000,
        DataType::U32 | DataType::I32 | DataType::F32 => return None,
    };
    let fixed = or & !and;
    let number = |word: u16| value::decode(data_type, WordOrder::Abcd, &[word]);
    Some([
        number(fixed | (and & sign))?,
        number(fixed | (and & !sign))?,
    ])
}

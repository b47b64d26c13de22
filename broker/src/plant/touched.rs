//! What a request touches: named points, and the values it would write to them.

use super::device::Device;
use super::point::{Holds, Point};
use interlock_protocols::modbus::{Area, DataType, Request, UnitId, Values, Written};

/// What a request touches in a device.
#[derive(Clone, PartialEq, Debug)]
pub struct Touched<'d> {
    /// The points read, wholly or in part.
    pub reads: Vec<&'d Point>,
    /// The points written, wholly or in part.
    pub writes: Vec<Write<'d>>,
    /// The addresses shown to policy: those written if any are, else those read.
    pub area: Option<Area>,
    /// Whether every address read belongs to a point, and every address written belongs to a
    /// point that is written whole. False for what touches no table (file records, diagnostics,
    /// identification) or more of it than the request says (a FIFO queue): nothing vouches for
    /// those.
    pub all_named: bool,
    /// The unit id, for the judgement to find the same points again.
    pub(super) unit: UnitId,
}

/// A point that would be written.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Write<'d> {
    /// The point.
    pub point: &'d Point,
    /// The value in engineering units, 1 and 0 for a coil. `None` where only a part of the point
    /// is written, and for a mask, whose result depends on the current value.
    pub value: Option<f64>,
    /// Whether all of the point is inside the request.
    pub whole: bool,
}

/// What a write would make of one point.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Asked {
    /// This coil state.
    State(bool),
    /// This value.
    Value(f64),
    /// Some value from the first to the second, which one depends on the current value.
    Between(f64, f64),
    /// Some registers of several only.
    Part,
    /// A mask on a point of several registers.
    MaskOnWide,
}

impl Device {
    /// What a request to this unit id, as the client wrote it, touches. A unit id that is not
    /// routed touches no point.
    pub fn touched(&self, unit: UnitId, request: &Request<'_>) -> Touched<'_> {
        let read = request.reads();
        let written = request.writes();
        let reads: Vec<&Point> = read
            .map(|area| self.points_in(unit, area))
            .unwrap_or_default()
            .iter()
            .collect();
        let writes: Vec<Write<'_>> = written
            .map(|written| self.points_in(unit, written.area))
            .unwrap_or_default()
            .iter()
            .map(|point| Write::of(point, written.as_ref()))
            .collect();
        let reads_named =
            read.is_none_or(|area| first_unnamed(area, reads.iter().copied()).is_none());
        let writes_named = written.is_none_or(|written| {
            let points = writes.iter().map(|write| write.point);
            first_unnamed(written.area, points).is_none() && writes.iter().all(|write| write.whole)
        });
        let known = read.is_some() || written.is_some();
        let more_than_said = matches!(request, Request::ReadFifoQueue { .. });
        Touched {
            reads,
            writes,
            area: written.map(|written| written.area).or(read),
            all_named: known && !more_than_said && reads_named && writes_named,
            unit,
        }
    }
}

impl Touched<'_> {
    /// Whether it writes its declared safe value to one point, and does nothing else.
    pub fn is_safe(&self) -> bool {
        match self.writes.as_slice() {
            [write] if self.all_named && self.reads.is_empty() => {
                write.value.is_some() && write.value == write.point.safe_value()
            }
            _ => false,
        }
    }
}

impl<'d> Write<'d> {
    fn of(point: &'d Point, written: Option<&Written<'_>>) -> Write<'d> {
        let asked = written.map(|written| asked(point, written));
        Write {
            point,
            value: match asked {
                Some(Asked::Value(value)) => Some(value),
                Some(Asked::State(on)) => Some(f64::from(u8::from(on))),
                _ => None,
            },
            whole: written.is_some_and(|written| written.area.range.contains(point.area.range)),
        }
    }
}

/// The lowest address of the area that belongs to none of the points, which are in the order of
/// their addresses and do not overlap.
pub(super) fn first_unnamed<'p>(
    area: Area,
    points: impl Iterator<Item = &'p Point>,
) -> Option<u16> {
    // 32 bits, so that the address after 65,535 exists.
    let mut next = u32::from(area.range.first().value());
    for point in points {
        if u32::from(point.area.range.first().value()) > next {
            break;
        }
        next = u32::from(point.area.range.last().value()) + 1;
    }
    u16::try_from(next)
        .ok()
        .filter(|next| *next <= area.range.last().value())
}

/// What a write would make of a point that shares an address with it.
pub(super) fn asked(point: &Point, written: &Written<'_>) -> Asked {
    let first = point.area.range.first().value();
    let offset = first.checked_sub(written.area.range.first().value());
    let at = offset.map(usize::from);
    let read = match (point.holds, written.values) {
        (Holds::Bit, Values::Coil(on)) => Some(Asked::State(on)),
        (Holds::Bit, Values::Coils(coils)) => at.and_then(|at| coils.at(at)).map(Asked::State),
        (Holds::Number { .. }, Values::Register(word)) => point.decode(&[word]).map(Asked::Value),
        (Holds::Number { data_type, .. }, Values::Registers(registers)) => {
            let word = |index: usize| registers.at(at?.checked_add(index)?);
            match data_type.registers() {
                1 => word(0).and_then(|word| point.decode(&[word])),
                _ => word(0)
                    .zip(word(1))
                    .and_then(|(first, second)| point.decode(&[first, second])),
            }
            .map(Asked::Value)
        }
        (Holds::Number { data_type, .. }, Values::Mask { and, or }) => {
            return masked(point, data_type, and, or);
        }
        // A bit of a register table, a number of a coil table: the reader makes no such point.
        (Holds::Bit, _) | (Holds::Number { .. }, _) => None,
    };
    read.unwrap_or(Asked::Part)
}

/// The lowest and highest of what a mask can leave in a register. Only the bits of `and` are
/// unknown: all of them clear gives the lowest, all of them set the highest; but the sign bit of
/// an i16 counts the other way round.
fn masked(point: &Point, data_type: DataType, and: u16, or: u16) -> Asked {
    let sign = match data_type {
        DataType::U16 => 0,
        DataType::I16 => 0x8000,
        DataType::U32 | DataType::I32 | DataType::F32 => return Asked::MaskOnWide,
    };
    let fixed = or & !and;
    let lowest = fixed | (and & sign);
    let highest = fixed | (and & !sign);
    // A negative scale turns the two round; each is an end of the interval all the same.
    match (point.decode(&[lowest]), point.decode(&[highest])) {
        (Some(one), Some(other)) => Asked::Between(one.min(other), one.max(other)),
        _ => Asked::Part,
    }
}

//! What a grant lets be touched, and whether a request stays within it.

use core::fmt;

use super::{Grant, POINT_BYTES};
use crate::modbus::value::{self, DataType, WordOrder};
use crate::modbus::{
    Address, AddressRange, Area, FunctionCode, Request, Table, UnitId, Values, Written,
};

/// A set of Modbus functions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Functions(u64);

impl Functions {
    /// None of them.
    pub const NONE: Functions = Functions(0);

    /// This one as well.
    #[must_use]
    pub fn with(self, function: FunctionCode) -> Functions {
        Functions(self.0 | Functions::bit(function.code()))
    }

    /// Whether it is one of them.
    pub fn has(self, function: FunctionCode) -> bool {
        self.0 & Functions::bit(function.code()) != 0
    }

    /// Those that the protocol knows, in order.
    pub fn iter(self) -> impl Iterator<Item = FunctionCode> {
        FunctionCode::ALL
            .into_iter()
            .filter(move |it| self.has(*it))
    }

    /// As a grant writes them: bit *n* is function *n*.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// `None` where a function is unknown, has no addresses, or there is none at all.
    fn from_bits(bits: u64) -> Option<Functions> {
        let known = FunctionCode::ALL
            .into_iter()
            .filter(|function| has_addresses(*function))
            .fold(Functions::NONE, Functions::with);
        (bits != 0 && bits & !known.0 == 0).then_some(Functions(bits))
    }

    fn bit(code: u8) -> u64 {
        1_u64.checked_shl(u32::from(code)).unwrap_or(0)
    }
}

/// Whether all that a function does is said by addresses and values: no point describes a file, a
/// queue or a diagnosis.
const fn has_addresses(function: FunctionCode) -> bool {
    use FunctionCode as F;
    matches!(
        function,
        F::ReadCoils
            | F::ReadDiscreteInputs
            | F::ReadHoldingRegisters
            | F::ReadInputRegisters
            | F::WriteSingleCoil
            | F::WriteSingleRegister
            | F::WriteMultipleCoils
            | F::WriteMultipleRegisters
            | F::MaskWriteRegister
            | F::ReadWriteMultipleRegisters
    )
}

/// One point of a grant. What it is called is not said: addresses are what is sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Point {
    /// The unit id, as it is sent to the device.
    pub unit: UnitId,
    /// Its table.
    pub table: Table,
    /// Its first address.
    pub first: Address,
    /// What it holds; `None` for a coil or an input.
    pub data_type: Option<DataType>,
    /// The order of the bytes of a 32-bit number; ABCD for all others.
    pub order: WordOrder,
    /// The functions that may touch it.
    pub functions: Functions,
    /// The least value that may be written, as the type holds it. 0 or 1 for a coil.
    pub raw_min: u32,
    /// The greatest value that may be written, as the type holds it.
    pub raw_max: u32,
}

impl Default for Point {
    /// A point that nothing may touch.
    fn default() -> Point {
        Point {
            unit: UnitId::new(0),
            table: Table::DiscreteInputs,
            first: Address::new(0),
            data_type: None,
            order: WordOrder::Abcd,
            functions: Functions::NONE,
            raw_min: 1,
            raw_max: 0,
        }
    }
}

const TYPES: [Option<DataType>; 6] = [
    None,
    Some(DataType::U16),
    Some(DataType::I16),
    Some(DataType::U32),
    Some(DataType::I32),
    Some(DataType::F32),
];

impl Point {
    /// `None` where a field says what no point says.
    pub(super) fn read(bytes: &[u8; POINT_BYTES]) -> Option<Point> {
        let (
            &[
                unit,
                table,
                first_high,
                first_low,
                count_high,
                count_low,
                data_type,
                order,
            ],
            rest,
        ) = bytes.split_first_chunk()?;
        let (functions, rest) = rest.split_first_chunk()?;
        let (raw_min, rest) = rest.split_first_chunk()?;
        let raw_max = rest.first_chunk()?;
        let point = Point {
            unit: UnitId::new(unit),
            table: Table::from_modicon_digit(table)?,
            first: Address::new(u16::from_be_bytes([first_high, first_low])),
            data_type: *TYPES.get(usize::from(data_type))?,
            order: *WordOrder::ALL.get(usize::from(order))?,
            functions: Functions::from_bits(u64::from_be_bytes(*functions))?,
            raw_min: u32::from_be_bytes(*raw_min),
            raw_max: u32::from_be_bytes(*raw_max),
        };
        let counted = point.registers() == u16::from_be_bytes([count_high, count_low]);
        (counted && point.is_sound()).then_some(point)
    }

    /// Its bytes in a grant.
    pub fn to_bytes(&self) -> [u8; POINT_BYTES] {
        let place = |found: Option<usize>| found.and_then(|at| u8::try_from(at).ok()).unwrap_or(0);
        let data_type = TYPES.iter().position(|one| *one == self.data_type);
        let order = WordOrder::ALL.iter().position(|one| *one == self.order);
        let mut bytes = [0; POINT_BYTES];
        let fields = [self.unit.value(), self.table.modicon_digit()]
            .into_iter()
            .chain(self.first.value().to_be_bytes())
            .chain(self.registers().to_be_bytes())
            .chain([place(data_type), place(order)])
            .chain(self.functions.bits().to_be_bytes())
            .chain(self.raw_min.to_be_bytes())
            .chain(self.raw_max.to_be_bytes());
        for (byte, field) in bytes.iter_mut().zip(fields) {
            *byte = field;
        }
        bytes
    }

    /// How many registers it takes; 1 for a bit.
    pub fn registers(&self) -> u16 {
        self.data_type.map_or(1, DataType::registers)
    }

    /// The addresses; `None` where they end outside the table.
    pub fn area(&self) -> Option<Area> {
        let range = AddressRange::starting(self.first, self.registers())?;
        Some(Area {
            table: self.table,
            range,
        })
    }

    /// Unit, table and the first and last address, for their order.
    pub(super) fn place(&self) -> ((u8, u8, u16), (u8, u8, u16)) {
        let last = self
            .first
            .value()
            .saturating_add(self.registers().saturating_sub(1));
        let at = |address| (self.unit.value(), self.table.modicon_digit(), address);
        (at(self.first.value()), at(last))
    }

    fn is_sound(&self) -> bool {
        let bits = matches!(self.table, Table::Coils | Table::DiscreteInputs);
        let wide = self.registers() > 1;
        let (min, max) = (self.number(self.raw_min), self.number(self.raw_max));
        bits == self.data_type.is_none()
            && self.area().is_some()
            && (wide || self.order == WordOrder::Abcd)
            && self.is_widened(self.raw_min)
            && self.is_widened(self.raw_max)
            && min.is_finite()
            && max.is_finite()
            && min <= max
    }

    /// Whether a raw value is spelt as its type is.
    fn is_widened(&self, raw: u32) -> bool {
        match self.data_type {
            None => raw <= 1,
            Some(DataType::U16) => u16::try_from(raw).is_ok(),
            Some(DataType::I16) => i16::try_from(raw.cast_signed()).is_ok(),
            // Zero has two spellings in a float; this is the one with a sign.
            Some(DataType::F32) => raw != 0x8000_0000,
            Some(DataType::U32 | DataType::I32) => true,
        }
    }

    /// What a raw value means, before scale and offset.
    pub fn number(&self, raw: u32) -> f64 {
        match self.data_type {
            None | Some(DataType::U16 | DataType::U32) => f64::from(raw),
            Some(DataType::I16 | DataType::I32) => f64::from(raw.cast_signed()),
            Some(DataType::F32) => f64::from(f32::from_bits(raw)),
        }
    }

    /// The reverse of [`Point::number`]; `None` where the type cannot hold it.
    pub fn raw(&self, number: f64) -> Option<u32> {
        let Some(data_type) = self.data_type else {
            return [0.0, 1.0]
                .iter()
                .position(|state| *state == number)?
                .try_into()
                .ok();
        };
        let registers = value::encode(data_type, WordOrder::Abcd, number)?;
        let raw = match *registers.as_slice() {
            [word] if data_type == DataType::I16 => i32::from(word.cast_signed()).cast_unsigned(),
            [word] => u32::from(word),
            [high, low] => u32::from(high).checked_shl(16)? | u32::from(low),
            _ => return None,
        };
        // A float's zero has one spelling here.
        Some(if self.is_widened(raw) { raw } else { 0 })
    }

    fn allows(&self, number: f64) -> bool {
        // NaN is in no range.
        self.number(self.raw_min) <= number && number <= self.number(self.raw_max)
    }
}

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
    if !has_addresses(function) {
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

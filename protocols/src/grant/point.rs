//! One point of a grant: where it is, what it holds, and what may be done with it.

use super::POINT_BYTES;
use crate::modbus::value::{self, DataType, WordOrder};
use crate::modbus::{Address, AddressRange, Area, FunctionCode, Table, UnitId};

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

    /// `None` where a function is not for this table, or there is none at all.
    fn from_bits(bits: u64, table: Table) -> Option<Functions> {
        let known = FunctionCode::ALL
            .into_iter()
            .filter(|function| table_of(*function) == Some(table))
            .fold(Functions::NONE, Functions::with);
        (bits != 0 && bits & !known.0 == 0).then_some(Functions(bits))
    }

    /// Whether one of them writes.
    fn write(self) -> bool {
        self.iter().any(writes)
    }

    fn bit(code: u8) -> u64 {
        1_u64.checked_shl(u32::from(code)).unwrap_or(0)
    }
}

/// The table in which a function reads or writes. `None` where addresses and values do not say all
/// that it does: no point describes a file, a queue or a diagnosis.
pub const fn table_of(function: FunctionCode) -> Option<Table> {
    use FunctionCode as F;
    match function {
        F::ReadCoils | F::WriteSingleCoil | F::WriteMultipleCoils => Some(Table::Coils),
        F::ReadDiscreteInputs => Some(Table::DiscreteInputs),
        F::ReadInputRegisters => Some(Table::InputRegisters),
        F::ReadHoldingRegisters
        | F::WriteSingleRegister
        | F::WriteMultipleRegisters
        | F::MaskWriteRegister
        | F::ReadWriteMultipleRegisters => Some(Table::HoldingRegisters),
        F::ReadExceptionStatus
        | F::Diagnostics
        | F::CommEventCounter
        | F::CommEventLog
        | F::ReportServerId
        | F::ReadFileRecord
        | F::WriteFileRecord
        | F::ReadFifoQueue
        | F::ReadDeviceIdentification => None,
    }
}

/// Whether a function writes to points.
pub const fn writes(function: FunctionCode) -> bool {
    use FunctionCode as F;
    matches!(
        function,
        F::WriteSingleCoil
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
    /// The least value that may be written, as the type holds it. 0 or 1 for a coil; 0 where no
    /// function writes.
    pub raw_min: u32,
    /// The greatest value that may be written, as the type holds it; 0 where no function writes.
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
        let table = Table::from_modicon_digit(table)?;
        let point = Point {
            unit: UnitId::new(unit),
            table,
            first: Address::new(u16::from_be_bytes([first_high, first_low])),
            data_type: *TYPES.get(usize::from(data_type))?,
            order: *WordOrder::ALL.get(usize::from(order))?,
            functions: Functions::from_bits(u64::from_be_bytes(*functions), table)?,
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
        let idle = !self.functions.write();
        let wide = self.registers() > 1;
        let (min, max) = (self.number(self.raw_min), self.number(self.raw_max));
        self.table.is_bits() == self.data_type.is_none()
            && self.area().is_some()
            && (wide || self.order == WordOrder::Abcd)
            && self.is_widened(self.raw_min)
            && self.is_widened(self.raw_max)
            && min.is_finite()
            && max.is_finite()
            && min <= max
            && (!idle || (self.raw_min, self.raw_max) == (0, 0))
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

    pub(super) fn allows(&self, number: f64) -> bool {
        // NaN is in no range.
        self.number(self.raw_min) <= number && number <= self.number(self.raw_max)
    }
}

//! What requests and replies carry: registers, coils, and where they go.

use super::{Address, AddressRange, Quantity, Span, Table};
use crate::limits::{READ_BITS_MAX, READ_REGISTERS_MAX, WRITE_COILS_MAX};

/// Addresses of one table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Area {
    /// The table.
    pub table: Table,
    /// The addresses.
    pub range: AddressRange,
}

/// What a request writes, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Written<'a> {
    /// The addresses written.
    pub area: Area,
    /// What is written there: exactly as many values as the area has addresses.
    pub values: Values<'a>,
}

/// The values of a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Values<'a> {
    /// One coil.
    Coil(bool),
    /// Coils side by side.
    Coils(Coils<'a>),
    /// One register.
    Register(u16),
    /// Registers side by side.
    Registers(Registers<'a>),
    /// One register, of which only some bits are known:
    /// `(current & and) | (or & !and)`.
    Mask {
        /// Bits kept from the current value.
        and: u16,
        /// Bits set where `and` keeps nothing.
        or: u16,
    },
}

/// Up to 125 registers, big-endian as on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Registers<'a>(&'a [u8]);

impl<'a> Registers<'a> {
    /// `None` for an odd number of bytes and for more than 125 registers.
    pub fn new(big_endian: &'a [u8]) -> Option<Registers<'a>> {
        let (pairs, rest) = big_endian.as_chunks::<2>();
        let fits = pairs.len() <= usize::from(READ_REGISTERS_MAX);
        (rest.is_empty() && fits).then_some(Registers(big_endian))
    }

    /// How many registers.
    pub fn len(&self) -> usize {
        self.0.as_chunks::<2>().0.len()
    }

    /// Whether there is none: only a FIFO queue may be empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The register at this place, counted from 0.
    pub fn at(&self, index: usize) -> Option<u16> {
        let pair = self.0.as_chunks().0.get(index)?;
        Some(u16::from_be_bytes(*pair))
    }

    /// All registers in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u16> + DoubleEndedIterator + use<'a> {
        self.0
            .as_chunks()
            .0
            .iter()
            .map(|pair| u16::from_be_bytes(*pair))
    }

    /// Two bytes a register, the high one first.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// 1 to 2,000 coils or discrete inputs, packed from the lowest bit on. The pad bits of the last
/// byte are zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coils<'a> {
    whole: &'a [u8],
    // Apart from the others, so that a device's pad bits can be cleared in borrowed bytes.
    last: u8,
    count: u16,
}

impl<'a> Coils<'a> {
    /// `None` unless there are exactly as many bytes as `count` needs and the pad bits are zero.
    pub fn new(packed: &'a [u8], count: u16) -> Option<Coils<'a>> {
        let coils = Coils::clearing_pad_bits(packed, count)?;
        (packed.last() == Some(&coils.last)).then_some(coils)
    }

    /// As [`Coils::new`], but clears pad bits that are not zero.
    pub(super) fn clearing_pad_bits(packed: &'a [u8], count: u16) -> Option<Coils<'a>> {
        if count > READ_BITS_MAX || packed.len() != usize::from(count).div_ceil(8) {
            return None;
        }
        let (&last, whole) = packed.split_last()?;
        let last = match count % 8 {
            0 => last,
            used => last & !(u8::MAX << used),
        };
        Some(Coils { whole, last, count })
    }

    /// How many coils.
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Never: there is always at least one.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// The same number as the wire has it.
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// The coil at this place, counted from 0.
    pub fn at(&self, index: usize) -> Option<bool> {
        if index >= self.len() {
            return None;
        }
        let byte = self.whole.get(index / 8).unwrap_or(&self.last);
        Some(byte & (1 << (index % 8)) != 0)
    }

    /// All coils in order.
    pub fn iter(&self) -> impl Iterator<Item = bool> + use<'a> {
        let coils = *self;
        (0..coils.len()).map_while(move |index| coils.at(index))
    }

    /// The packed bytes, as two parts that follow each other.
    pub(super) fn packed(&self) -> (&'a [u8], u8) {
        (self.whole, self.last)
    }

    /// How many packed bytes.
    pub(super) fn packed_len(&self) -> usize {
        self.whole.len().saturating_add(1)
    }
}

/// 1 to 1,968 coils and where to write them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CoilWrite<'a> {
    span: Span<WRITE_COILS_MAX>,
    values: Coils<'a>,
}

impl<'a> CoilWrite<'a> {
    /// `None` unless bytes and quantity agree, the pad bits are zero, and the range exists.
    pub fn new(start: Address, packed: &'a [u8], quantity: u16) -> Option<CoilWrite<'a>> {
        CoilWrite::of(start, Coils::new(packed, quantity)?)
    }

    /// `None` for too many coils, and where the range ends outside the table.
    pub fn of(start: Address, values: Coils<'a>) -> Option<CoilWrite<'a>> {
        let span = Span::new(start, Quantity::new(values.count())?)?;
        Some(CoilWrite { span, values })
    }

    /// Where.
    pub const fn span(&self) -> Span<WRITE_COILS_MAX> {
        self.span
    }

    /// What.
    pub const fn values(&self) -> Coils<'a> {
        self.values
    }
}

/// 1 to `MAX` registers and where to write them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegisterWrite<'a, const MAX: u16> {
    span: Span<MAX>,
    values: Registers<'a>,
}

impl<'a, const MAX: u16> RegisterWrite<'a, MAX> {
    /// Takes two bytes a register, the high one first. `None` for an odd number of bytes, for no
    /// register or too many, and where the range ends outside the table.
    pub fn new(start: Address, big_endian: &'a [u8]) -> Option<RegisterWrite<'a, MAX>> {
        RegisterWrite::of(start, Registers::new(big_endian)?)
    }

    /// `None` for no register or too many, and where the range ends outside the table.
    pub fn of(start: Address, values: Registers<'a>) -> Option<RegisterWrite<'a, MAX>> {
        let quantity = u16::try_from(values.len()).ok()?;
        let span = Span::new(start, Quantity::new(quantity)?)?;
        Some(RegisterWrite { span, values })
    }

    /// Where.
    pub const fn span(&self) -> Span<MAX> {
        self.span
    }

    /// What.
    pub const fn values(&self) -> Registers<'a> {
        self.values
    }
}

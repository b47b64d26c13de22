//! Where in a device: unit ids, the four tables, addresses and quantities.
//! None of these types can hold a value that the standard does not allow.

use core::fmt;

/// The unit identifier of the MBAP header, the server address of a serial line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UnitId(u8);

impl UnitId {
    /// Broadcast on a serial line; the device itself towards a direct TCP peer.
    pub const BROADCAST: UnitId = UnitId(0);

    /// Any byte is a unit id on the wire; whether it is routed is for the plant to say.
    pub const fn new(unit: u8) -> UnitId {
        UnitId(unit)
    }

    /// The byte on the wire.
    pub const fn value(self) -> u8 {
        self.0
    }
}

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The transaction identifier of the MBAP header: the client's own, or ours towards a PLC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TransactionId(u16);

impl TransactionId {
    /// Any 16-bit value is a transaction id.
    pub const fn new(id: u16) -> TransactionId {
        TransactionId(id)
    }

    /// The value on the wire.
    pub const fn value(self) -> u16 {
        self.0
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The four primary tables of the Modbus data model; V1.1b3 §4.3.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Table {
    /// Single bits, read and write.
    Coils,
    /// Single bits, read only.
    DiscreteInputs,
    /// 16-bit registers, read and write.
    HoldingRegisters,
    /// 16-bit registers, read only.
    InputRegisters,
}

impl Table {
    /// The word used in configuration, logs and screens.
    pub const fn name(self) -> &'static str {
        match self {
            Table::Coils => "coil",
            Table::DiscreteInputs => "discrete-input",
            Table::HoldingRegisters => "holding",
            Table::InputRegisters => "input",
        }
    }

    /// The reverse of [`Table::name`].
    pub fn from_name(name: &str) -> Option<Table> {
        match name {
            "coil" => Some(Table::Coils),
            "discrete-input" => Some(Table::DiscreteInputs),
            "holding" => Some(Table::HoldingRegisters),
            "input" => Some(Table::InputRegisters),
            _ => None,
        }
    }

    /// The leading digit of the Modicon notation: 0xxxx, 1xxxx, 4xxxx, 3xxxx.
    pub const fn modicon_digit(self) -> u8 {
        match self {
            Table::Coils => 0,
            Table::DiscreteInputs => 1,
            Table::HoldingRegisters => 4,
            Table::InputRegisters => 3,
        }
    }

    /// The reverse of [`Table::modicon_digit`].
    pub const fn from_modicon_digit(digit: u8) -> Option<Table> {
        match digit {
            0 => Some(Table::Coils),
            1 => Some(Table::DiscreteInputs),
            3 => Some(Table::InputRegisters),
            4 => Some(Table::HoldingRegisters),
            _ => None,
        }
    }

    /// Whether an element is one bit and not a 16-bit register.
    pub const fn is_bits(self) -> bool {
        matches!(self, Table::Coils | Table::DiscreteInputs)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A PDU address: an offset from 0, as on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address(u16);

impl Address {
    /// Any 16-bit value is an address.
    pub const fn new(offset: u16) -> Address {
        Address(offset)
    }

    /// The offset on the wire.
    pub const fn value(self) -> u16 {
        self.0
    }

    /// Both forms at once, the way people are shown an address: `holding 100 (40101)`.
    /// The Modicon form takes five digits where five suffice and six where they do not.
    pub fn in_table(self, table: Table) -> impl fmt::Display {
        Both {
            table,
            address: self,
        }
    }
}

struct Both {
    table: Table,
    address: Address,
}

impl fmt::Display for Both {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = u32::from(self.address.0).saturating_add(1);
        let digit = self.table.modicon_digit();
        let width = if number > 9_999 { 5 } else { 4 };
        write!(
            f,
            "{} {} ({digit}{number:0width$})",
            self.table, self.address.0
        )
    }
}

/// How many coils or registers: 1 to `MAX`, the limit of one function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Quantity<const MAX: u16>(u16);

impl<const MAX: u16> Quantity<MAX> {
    /// `None` for zero and for more than the function allows.
    pub const fn new(quantity: u16) -> Option<Quantity<MAX>> {
        if quantity == 0 || quantity > MAX {
            None
        } else {
            Some(Quantity(quantity))
        }
    }

    /// The number on the wire.
    pub const fn value(self) -> u16 {
        self.0
    }
}

/// An inclusive range of addresses: never empty, never past 65,535.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AddressRange {
    first: u16,
    last: u16,
}

impl AddressRange {
    /// `None` where the range is empty.
    pub const fn new(first: Address, last: Address) -> Option<AddressRange> {
        if first.0 > last.0 {
            None
        } else {
            Some(AddressRange {
                first: first.0,
                last: last.0,
            })
        }
    }

    /// One address alone.
    pub const fn single(address: Address) -> AddressRange {
        AddressRange {
            first: address.0,
            last: address.0,
        }
    }

    /// `None` for a quantity of zero, or where start and quantity pass 65,536.
    pub const fn starting(first: Address, quantity: u16) -> Option<AddressRange> {
        let Some(more) = quantity.checked_sub(1) else {
            return None;
        };
        match first.0.checked_add(more) {
            Some(last) => Some(AddressRange {
                first: first.0,
                last,
            }),
            None => None,
        }
    }

    /// The first address.
    pub const fn first(self) -> Address {
        Address(self.first)
    }

    /// The last address, which belongs to the range.
    pub const fn last(self) -> Address {
        Address(self.last)
    }

    /// How many addresses, up to 65,536.
    pub fn count(self) -> u32 {
        // Neither step can wrap: the type holds first <= last <= 65,535.
        u32::from(self.last.saturating_sub(self.first)).saturating_add(1)
    }

    /// Whether `other` lies wholly inside.
    pub const fn contains(self, other: AddressRange) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// Whether the two share an address.
    pub const fn overlaps(self, other: AddressRange) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// A start address and a quantity that together stay inside the 65,536 addresses of a table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Span<const MAX: u16> {
    start: Address,
    quantity: Quantity<MAX>,
}

impl<const MAX: u16> Span<MAX> {
    /// `None` where start and quantity pass 65,536.
    pub const fn new(start: Address, quantity: Quantity<MAX>) -> Option<Span<MAX>> {
        match AddressRange::starting(start, quantity.0) {
            Some(_) => Some(Span { start, quantity }),
            None => None,
        }
    }

    /// The start address.
    pub const fn start(self) -> Address {
        self.start
    }

    /// The quantity.
    pub const fn quantity(self) -> Quantity<MAX> {
        self.quantity
    }

    /// The addresses covered.
    pub const fn range(self) -> AddressRange {
        AddressRange {
            first: self.start.0,
            last: self
                .start
                .0
                .saturating_add(self.quantity.0.saturating_sub(1)),
        }
    }
}

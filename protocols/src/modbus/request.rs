//! One request, typed: what it is, what it touches, and its bytes.

use super::{
    Address, AddressRange, Area, CoilWrite, Coils, Diagnostics, FileReads, FileWrites,
    FunctionCode, IdentificationCode, ObjectId, Pdu, RegisterWrite, Span, Table, Values, Written,
    device_identification,
};
use crate::limits::{
    READ_BITS_MAX, READ_REGISTERS_MAX, READ_WRITE_REGISTERS_MAX, WRITE_REGISTERS_MAX,
};

/// The two values that a coil may be written with; any other is refused.
pub(super) const COIL_ON: u16 = 0xFF00;
pub(super) const COIL_OFF: u16 = 0x0000;

/// A request whose every field is legal: no variant can hold anything else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request<'a> {
    /// Function 1.
    ReadCoils(Span<READ_BITS_MAX>),
    /// Function 2.
    ReadDiscreteInputs(Span<READ_BITS_MAX>),
    /// Function 3.
    ReadHoldingRegisters(Span<READ_REGISTERS_MAX>),
    /// Function 4.
    ReadInputRegisters(Span<READ_REGISTERS_MAX>),
    /// Function 5.
    WriteSingleCoil {
        /// Which coil.
        address: Address,
        /// On or off.
        on: bool,
    },
    /// Function 6.
    WriteSingleRegister {
        /// Which register.
        address: Address,
        /// What to write.
        value: u16,
    },
    /// Function 7.
    ReadExceptionStatus,
    /// Function 8.
    Diagnostics(Diagnostics<'a>),
    /// Function 11.
    CommEventCounter,
    /// Function 12.
    CommEventLog,
    /// Function 15.
    WriteMultipleCoils(CoilWrite<'a>),
    /// Function 16.
    WriteMultipleRegisters(RegisterWrite<'a, WRITE_REGISTERS_MAX>),
    /// Function 17.
    ReportServerId,
    /// Function 20.
    ReadFileRecord(FileReads<'a>),
    /// Function 21.
    WriteFileRecord(FileWrites<'a>),
    /// Function 22: the register becomes `(current & and) | (or & !and)`.
    MaskWriteRegister {
        /// Which register.
        address: Address,
        /// Bits kept from the current value.
        and: u16,
        /// Bits set where `and` keeps nothing.
        or: u16,
    },
    /// Function 23: the device writes first, then reads.
    ReadWriteMultipleRegisters {
        /// What is read.
        read: Span<READ_REGISTERS_MAX>,
        /// What is written.
        write: RegisterWrite<'a, READ_WRITE_REGISTERS_MAX>,
    },
    /// Function 24.
    ReadFifoQueue {
        /// The register that points to the queue.
        address: Address,
    },
    /// Function 43, MEI type 14.
    ReadDeviceIdentification {
        /// Which objects.
        code: IdentificationCode,
        /// The object to begin with.
        object: ObjectId,
    },
}

impl<'a> Request<'a> {
    /// The function, which is also the name of the action in policy.
    pub const fn function(&self) -> FunctionCode {
        match self {
            Request::ReadCoils(_) => FunctionCode::ReadCoils,
            Request::ReadDiscreteInputs(_) => FunctionCode::ReadDiscreteInputs,
            Request::ReadHoldingRegisters(_) => FunctionCode::ReadHoldingRegisters,
            Request::ReadInputRegisters(_) => FunctionCode::ReadInputRegisters,
            Request::WriteSingleCoil { .. } => FunctionCode::WriteSingleCoil,
            Request::WriteSingleRegister { .. } => FunctionCode::WriteSingleRegister,
            Request::ReadExceptionStatus => FunctionCode::ReadExceptionStatus,
            Request::Diagnostics(_) => FunctionCode::Diagnostics,
            Request::CommEventCounter => FunctionCode::CommEventCounter,
            Request::CommEventLog => FunctionCode::CommEventLog,
            Request::WriteMultipleCoils(_) => FunctionCode::WriteMultipleCoils,
            Request::WriteMultipleRegisters(_) => FunctionCode::WriteMultipleRegisters,
            Request::ReportServerId => FunctionCode::ReportServerId,
            Request::ReadFileRecord(_) => FunctionCode::ReadFileRecord,
            Request::WriteFileRecord(_) => FunctionCode::WriteFileRecord,
            Request::MaskWriteRegister { .. } => FunctionCode::MaskWriteRegister,
            Request::ReadWriteMultipleRegisters { .. } => FunctionCode::ReadWriteMultipleRegisters,
            Request::ReadFifoQueue { .. } => FunctionCode::ReadFifoQueue,
            Request::ReadDeviceIdentification { .. } => FunctionCode::ReadDeviceIdentification,
        }
    }

    /// Whether the device may be another one afterwards. Such a command is recorded before it is
    /// sent, and never sent twice.
    pub const fn has_effect(&self) -> bool {
        match self {
            Request::WriteSingleCoil { .. }
            | Request::WriteSingleRegister { .. }
            | Request::WriteMultipleCoils(_)
            | Request::WriteMultipleRegisters(_)
            | Request::WriteFileRecord(_)
            | Request::MaskWriteRegister { .. }
            | Request::ReadWriteMultipleRegisters { .. } => true,
            Request::Diagnostics(diagnostics) => diagnostics.has_effect(),
            // Named one by one, so that a new function cannot be taken for a read by omission.
            Request::ReadCoils(_)
            | Request::ReadDiscreteInputs(_)
            | Request::ReadHoldingRegisters(_)
            | Request::ReadInputRegisters(_)
            | Request::ReadExceptionStatus
            | Request::CommEventCounter
            | Request::CommEventLog
            | Request::ReportServerId
            | Request::ReadFileRecord(_)
            | Request::ReadFifoQueue { .. }
            | Request::ReadDeviceIdentification { .. } => false,
        }
    }

    /// Whether the device answers at all: one that is forced into listen-only mode does not.
    pub const fn answer_expected(&self) -> bool {
        !matches!(self, Request::Diagnostics(Diagnostics::ForceListenOnly))
    }

    /// The addresses read. Function 24 counts as a read of the register that points to its queue;
    /// file records lie outside the tables.
    pub const fn reads(&self) -> Option<Area> {
        let (table, range) = match self {
            Request::ReadCoils(span) => (Table::Coils, span.range()),
            Request::ReadDiscreteInputs(span) => (Table::DiscreteInputs, span.range()),
            Request::ReadHoldingRegisters(span) => (Table::HoldingRegisters, span.range()),
            Request::ReadInputRegisters(span) => (Table::InputRegisters, span.range()),
            Request::ReadWriteMultipleRegisters { read, .. } => {
                (Table::HoldingRegisters, read.range())
            }
            Request::ReadFifoQueue { address } => {
                (Table::HoldingRegisters, AddressRange::single(*address))
            }
            _ => return None,
        };
        Some(Area { table, range })
    }

    /// What is written into the tables, and where.
    pub const fn writes(&self) -> Option<Written<'a>> {
        let (table, range, values) = match self {
            Request::WriteSingleCoil { address, on } => (
                Table::Coils,
                AddressRange::single(*address),
                Values::Coil(*on),
            ),
            Request::WriteSingleRegister { address, value } => (
                Table::HoldingRegisters,
                AddressRange::single(*address),
                Values::Register(*value),
            ),
            Request::WriteMultipleCoils(write) => (
                Table::Coils,
                write.span().range(),
                Values::Coils(write.values()),
            ),
            Request::WriteMultipleRegisters(write) => (
                Table::HoldingRegisters,
                write.span().range(),
                Values::Registers(write.values()),
            ),
            Request::MaskWriteRegister { address, and, or } => (
                Table::HoldingRegisters,
                AddressRange::single(*address),
                Values::Mask { and: *and, or: *or },
            ),
            Request::ReadWriteMultipleRegisters { write, .. } => (
                Table::HoldingRegisters,
                write.span().range(),
                Values::Registers(write.values()),
            ),
            _ => return None,
        };
        Some(Written {
            area: Area { table, range },
            values,
        })
    }

    /// The bytes to send, made from the fields alone. Decoding them gives this request again.
    pub fn encode(&self) -> Pdu {
        let mut pdu = Pdu::starting(self.function().code());
        match self {
            Request::ReadCoils(span) | Request::ReadDiscreteInputs(span) => {
                put_span(&mut pdu, span)
            }
            Request::ReadHoldingRegisters(span) | Request::ReadInputRegisters(span) => {
                put_span(&mut pdu, span);
            }
            Request::WriteSingleCoil { address, on } => {
                pdu.put_word(address.value());
                pdu.put_word(if *on { COIL_ON } else { COIL_OFF });
            }
            Request::WriteSingleRegister { address, value } => {
                pdu.put_word(address.value()).put_word(*value);
            }
            Request::Diagnostics(diagnostics) => diagnostics.encode(&mut pdu),
            Request::WriteMultipleCoils(write) => {
                put_span(&mut pdu, &write.span());
                put_coils(&mut pdu, &write.values());
            }
            Request::WriteMultipleRegisters(write) => put_write(&mut pdu, write),
            Request::ReadFileRecord(reads) => {
                pdu.put_count(reads.as_bytes().len());
                pdu.put(reads.as_bytes());
            }
            Request::WriteFileRecord(writes) => {
                pdu.put_count(writes.as_bytes().len());
                pdu.put(writes.as_bytes());
            }
            Request::MaskWriteRegister { address, and, or } => {
                pdu.put_word(address.value()).put_word(*and).put_word(*or);
            }
            Request::ReadWriteMultipleRegisters { read, write } => {
                put_span(&mut pdu, read);
                put_write(&mut pdu, write);
            }
            Request::ReadFifoQueue { address } => {
                pdu.put_word(address.value());
            }
            Request::ReadDeviceIdentification { code, object } => {
                device_identification::encode(&mut pdu, *code, *object);
            }
            Request::ReadExceptionStatus
            | Request::CommEventCounter
            | Request::CommEventLog
            | Request::ReportServerId => {}
        }
        pdu
    }
}

pub(super) fn put_span<const MAX: u16>(pdu: &mut Pdu, span: &Span<MAX>) {
    pdu.put_word(span.start().value());
    pdu.put_word(span.quantity().value());
}

pub(super) fn put_coils(pdu: &mut Pdu, coils: &Coils<'_>) {
    let (whole, last) = coils.packed();
    pdu.put_count(coils.packed_len()).put(whole).put(&[last]);
}

fn put_write<const MAX: u16>(pdu: &mut Pdu, write: &RegisterWrite<'_, MAX>) {
    put_span(pdu, &write.span());
    let values = write.values();
    pdu.put_count(values.as_bytes().len());
    pdu.put(values.as_bytes());
}

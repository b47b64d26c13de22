//! The answer to a request, typed.

use super::reports::counted;
use super::request::{COIL_OFF, COIL_ON, put_coils, put_span};
use super::{
    Address, Coils, DiagnosticsReply, EventLog, FifoValues, FileRecords, FileWrites, FunctionCode,
    Identification, Mismatch, Pdu, Registers, Request, ServerId, Span,
};
use crate::limits::{WRITE_COILS_MAX, WRITE_REGISTERS_MAX};

/// What a device answers when it does not refuse. Named like the requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Response<'a> {
    /// Function 1. Pad bits that the device left set are cleared: some devices show neighbouring coils
    /// there, which the client may have no right to see.
    ReadCoils(Coils<'a>),
    /// Function 2. Pad bits as for coils.
    ReadDiscreteInputs(Coils<'a>),
    /// Function 3.
    ReadHoldingRegisters(Registers<'a>),
    /// Function 4.
    ReadInputRegisters(Registers<'a>),
    /// Function 5: the request again.
    WriteSingleCoil {
        /// Which coil.
        address: Address,
        /// On or off.
        on: bool,
    },
    /// Function 6: the request again.
    WriteSingleRegister {
        /// Which register.
        address: Address,
        /// What was written.
        value: u16,
    },
    /// Function 7: eight exception status outputs.
    ReadExceptionStatus(u8),
    /// Function 8.
    Diagnostics(DiagnosticsReply<'a>),
    /// Function 11.
    CommEventCounter {
        /// 0xFFFF while a command is being carried out, else 0.
        status: u16,
        /// Commands carried out.
        events: u16,
    },
    /// Function 12.
    CommEventLog(EventLog<'a>),
    /// Function 15: the range written.
    WriteMultipleCoils(Span<WRITE_COILS_MAX>),
    /// Function 16: the range written.
    WriteMultipleRegisters(Span<WRITE_REGISTERS_MAX>),
    /// Function 17.
    ReportServerId(ServerId<'a>),
    /// Function 20.
    ReadFileRecord(FileRecords<'a>),
    /// Function 21: the request again.
    WriteFileRecord(FileWrites<'a>),
    /// Function 22: the request again.
    MaskWriteRegister {
        /// Which register.
        address: Address,
        /// Bits kept.
        and: u16,
        /// Bits set where `and` keeps nothing.
        or: u16,
    },
    /// Function 23: what was read, after the write.
    ReadWriteMultipleRegisters(Registers<'a>),
    /// Function 24.
    ReadFifoQueue(FifoValues<'a>),
    /// Function 43, MEI type 14.
    ReadDeviceIdentification(Identification<'a>),
}

impl<'a> Response<'a> {
    /// `body` is what follows the function code, which has been matched already.
    pub(super) fn decode(request: &Request<'_>, body: &'a [u8]) -> Result<Response<'a>, Mismatch> {
        Ok(match *request {
            Request::ReadCoils(span) => Response::ReadCoils(coils(body, span.quantity().value())?),
            Request::ReadDiscreteInputs(span) => {
                Response::ReadDiscreteInputs(coils(body, span.quantity().value())?)
            }
            Request::ReadHoldingRegisters(span) => {
                Response::ReadHoldingRegisters(registers(body, span.quantity().value())?)
            }
            Request::ReadInputRegisters(span) => {
                Response::ReadInputRegisters(registers(body, span.quantity().value())?)
            }
            Request::WriteSingleCoil { address, on } => {
                echoed(request, body, Response::WriteSingleCoil { address, on })?
            }
            Request::WriteSingleRegister { address, value } => echoed(
                request,
                body,
                Response::WriteSingleRegister { address, value },
            )?,
            Request::ReadExceptionStatus => match *body {
                [status] => Response::ReadExceptionStatus(status),
                _ => return Err(Mismatch::Length),
            },
            Request::Diagnostics(asked) => {
                Response::Diagnostics(DiagnosticsReply::decode(&asked, body)?)
            }
            Request::CommEventCounter => match *body {
                [s0, s1, e0, e1] => Response::CommEventCounter {
                    status: u16::from_be_bytes([s0, s1]),
                    events: u16::from_be_bytes([e0, e1]),
                },
                _ => return Err(Mismatch::Length),
            },
            Request::CommEventLog => Response::CommEventLog(EventLog::decode(body)?),
            Request::WriteMultipleCoils(write) => {
                Response::WriteMultipleCoils(written(write.span(), body)?)
            }
            Request::WriteMultipleRegisters(write) => {
                Response::WriteMultipleRegisters(written(write.span(), body)?)
            }
            Request::ReportServerId => Response::ReportServerId(ServerId::decode(body)?),
            Request::ReadFileRecord(asked) => {
                Response::ReadFileRecord(FileRecords::decode(&asked, body)?)
            }
            Request::WriteFileRecord(asked) => match FileWrites::decode(body) {
                Ok(echo) if echo == asked => Response::WriteFileRecord(echo),
                _ => return Err(Mismatch::Echo),
            },
            Request::MaskWriteRegister { address, and, or } => echoed(
                request,
                body,
                Response::MaskWriteRegister { address, and, or },
            )?,
            Request::ReadWriteMultipleRegisters { read, .. } => {
                Response::ReadWriteMultipleRegisters(registers(body, read.quantity().value())?)
            }
            Request::ReadFifoQueue { .. } => Response::ReadFifoQueue(FifoValues::decode(body)?),
            Request::ReadDeviceIdentification { code, object } => {
                Response::ReadDeviceIdentification(Identification::decode(code, object, body)?)
            }
        })
    }

    /// The function answered.
    pub const fn function(&self) -> FunctionCode {
        match self {
            Response::ReadCoils(_) => FunctionCode::ReadCoils,
            Response::ReadDiscreteInputs(_) => FunctionCode::ReadDiscreteInputs,
            Response::ReadHoldingRegisters(_) => FunctionCode::ReadHoldingRegisters,
            Response::ReadInputRegisters(_) => FunctionCode::ReadInputRegisters,
            Response::WriteSingleCoil { .. } => FunctionCode::WriteSingleCoil,
            Response::WriteSingleRegister { .. } => FunctionCode::WriteSingleRegister,
            Response::ReadExceptionStatus(_) => FunctionCode::ReadExceptionStatus,
            Response::Diagnostics(_) => FunctionCode::Diagnostics,
            Response::CommEventCounter { .. } => FunctionCode::CommEventCounter,
            Response::CommEventLog(_) => FunctionCode::CommEventLog,
            Response::WriteMultipleCoils(_) => FunctionCode::WriteMultipleCoils,
            Response::WriteMultipleRegisters(_) => FunctionCode::WriteMultipleRegisters,
            Response::ReportServerId(_) => FunctionCode::ReportServerId,
            Response::ReadFileRecord(_) => FunctionCode::ReadFileRecord,
            Response::WriteFileRecord(_) => FunctionCode::WriteFileRecord,
            Response::MaskWriteRegister { .. } => FunctionCode::MaskWriteRegister,
            Response::ReadWriteMultipleRegisters(_) => FunctionCode::ReadWriteMultipleRegisters,
            Response::ReadFifoQueue(_) => FunctionCode::ReadFifoQueue,
            Response::ReadDeviceIdentification(_) => FunctionCode::ReadDeviceIdentification,
        }
    }

    /// The bytes of the answer, made from the fields alone.
    pub fn encode(&self) -> Pdu {
        let mut pdu = Pdu::starting(self.function().code());
        match self {
            Response::ReadCoils(values) | Response::ReadDiscreteInputs(values) => {
                put_coils(&mut pdu, values);
            }
            Response::ReadHoldingRegisters(values)
            | Response::ReadInputRegisters(values)
            | Response::ReadWriteMultipleRegisters(values) => {
                pdu.put_count(values.as_bytes().len());
                pdu.put(values.as_bytes());
            }
            Response::WriteSingleCoil { address, on } => {
                pdu.put_word(address.value());
                pdu.put_word(if *on { COIL_ON } else { COIL_OFF });
            }
            Response::WriteSingleRegister { address, value } => {
                pdu.put_word(address.value()).put_word(*value);
            }
            Response::ReadExceptionStatus(status) => {
                pdu.put(&[*status]);
            }
            Response::Diagnostics(reply) => reply.encode(&mut pdu),
            Response::CommEventCounter { status, events } => {
                pdu.put_word(*status).put_word(*events);
            }
            Response::CommEventLog(log) => log.encode(&mut pdu),
            Response::WriteMultipleCoils(span) => put_span(&mut pdu, span),
            Response::WriteMultipleRegisters(span) => put_span(&mut pdu, span),
            Response::ReportServerId(id) => id.encode(&mut pdu),
            Response::ReadFileRecord(records) => {
                pdu.put_count(records.as_bytes().len());
                pdu.put(records.as_bytes());
            }
            Response::WriteFileRecord(writes) => {
                pdu.put_count(writes.as_bytes().len());
                pdu.put(writes.as_bytes());
            }
            Response::MaskWriteRegister { address, and, or } => {
                pdu.put_word(address.value()).put_word(*and).put_word(*or);
            }
            Response::ReadFifoQueue(values) => values.encode(&mut pdu),
            Response::ReadDeviceIdentification(reply) => reply.encode(&mut pdu),
        }
        pdu
    }
}

fn coils(body: &[u8], quantity: u16) -> Result<Coils<'_>, Mismatch> {
    Coils::clearing_pad_bits(counted(body)?, quantity).ok_or(Mismatch::Count)
}

fn registers(body: &[u8], quantity: u16) -> Result<Registers<'_>, Mismatch> {
    Registers::new(counted(body)?)
        .filter(|values| values.len() == usize::from(quantity))
        .ok_or(Mismatch::Count)
}

/// For functions whose reply is their request, byte for byte.
fn echoed<'a>(
    request: &Request<'_>,
    body: &[u8],
    response: Response<'a>,
) -> Result<Response<'a>, Mismatch> {
    match request.encode().as_bytes() {
        [_, asked @ ..] if asked == body => Ok(response),
        _ => Err(Mismatch::Echo),
    }
}

/// The reply to a write of many repeats only where it went.
fn written<const MAX: u16>(span: Span<MAX>, body: &[u8]) -> Result<Span<MAX>, Mismatch> {
    let [s0, s1] = span.start().value().to_be_bytes();
    let [q0, q1] = span.quantity().value().to_be_bytes();
    if body == [s0, s1, q0, q1] {
        Ok(span)
    } else {
        Err(Mismatch::Echo)
    }
}

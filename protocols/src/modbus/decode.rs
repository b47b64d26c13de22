//! Bytes in, exactly one request out, or the reason why not.

use super::request::{COIL_OFF, COIL_ON};
use super::{
    Address, CoilWrite, Coils, Diagnostics, FileReads, FileWrites, FunctionCode, Malformed,
    Quantity, RegisterWrite, Registers, Request, Span, device_identification,
};
use crate::limits::{
    READ_REGISTERS_MAX, READ_WRITE_REGISTERS_MAX, WRITE_COILS_MAX, WRITE_REGISTERS_MAX,
};

impl<'a> Request<'a> {
    /// Judges a PDU in this order: function known, structure, addresses. The length must be
    /// exactly what the function implies: bytes behind a request are how a second, hidden one
    /// is smuggled past a broker.
    pub fn decode(pdu: &'a [u8]) -> Result<Request<'a>, Malformed> {
        let Some((&code @ ..0x80, body)) = pdu.split_first() else {
            return Err(Malformed::NotARequest);
        };
        let function = FunctionCode::from_code(code).ok_or(Malformed::UnknownFunction(code))?;
        Ok(match function {
            FunctionCode::ReadCoils => Request::ReadCoils(span(body)?),
            FunctionCode::ReadDiscreteInputs => Request::ReadDiscreteInputs(span(body)?),
            FunctionCode::ReadHoldingRegisters => Request::ReadHoldingRegisters(span(body)?),
            FunctionCode::ReadInputRegisters => Request::ReadInputRegisters(span(body)?),
            FunctionCode::WriteSingleCoil => single_coil(body)?,
            FunctionCode::WriteSingleRegister => {
                let [address, value] = words(body)?;
                Request::WriteSingleRegister {
                    address: Address::new(address),
                    value,
                }
            }
            FunctionCode::ReadExceptionStatus => alone(body, Request::ReadExceptionStatus)?,
            FunctionCode::Diagnostics => Request::Diagnostics(Diagnostics::decode(body)?),
            FunctionCode::CommEventCounter => alone(body, Request::CommEventCounter)?,
            FunctionCode::CommEventLog => alone(body, Request::CommEventLog)?,
            FunctionCode::WriteMultipleCoils => Request::WriteMultipleCoils(coils(body)?),
            FunctionCode::WriteMultipleRegisters => {
                let (start, values) = registers::<WRITE_REGISTERS_MAX>(body)?;
                let write = RegisterWrite::of(start, values).ok_or(Malformed::Address)?;
                Request::WriteMultipleRegisters(write)
            }
            FunctionCode::ReportServerId => alone(body, Request::ReportServerId)?,
            FunctionCode::ReadFileRecord => Request::ReadFileRecord(FileReads::decode(body)?),
            FunctionCode::WriteFileRecord => Request::WriteFileRecord(FileWrites::decode(body)?),
            FunctionCode::MaskWriteRegister => {
                let [address, and, or] = words(body)?;
                Request::MaskWriteRegister {
                    address: Address::new(address),
                    and,
                    or,
                }
            }
            FunctionCode::ReadWriteMultipleRegisters => read_write(body)?,
            FunctionCode::ReadFifoQueue => {
                let [address] = words(body)?;
                Request::ReadFifoQueue {
                    address: Address::new(address),
                }
            }
            FunctionCode::ReadDeviceIdentification => {
                let (code, object) = device_identification::decode(body)?;
                Request::ReadDeviceIdentification { code, object }
            }
        })
    }
}

/// Exactly `N` words and nothing behind them.
fn words<const N: usize>(body: &[u8]) -> Result<[u16; N], Malformed> {
    let (pairs, rest) = body.as_chunks::<2>();
    match <&[[u8; 2]; N]>::try_from(pairs) {
        Ok(pairs) if rest.is_empty() => Ok(pairs.map(u16::from_be_bytes)),
        _ => Err(Malformed::Structure(
            "the length is not the one that the function has",
        )),
    }
}

fn alone<'a>(body: &[u8], request: Request<'a>) -> Result<Request<'a>, Malformed> {
    words::<0>(body).map(|_| request)
}

fn quantity<const MAX: u16>(value: u16) -> Result<Quantity<MAX>, Malformed> {
    Quantity::new(value).ok_or(Malformed::Structure(
        "the quantity is zero or above the limit of the function",
    ))
}

fn span<const MAX: u16>(body: &[u8]) -> Result<Span<MAX>, Malformed> {
    let [start, count] = words(body)?;
    Span::new(Address::new(start), quantity(count)?).ok_or(Malformed::Address)
}

fn single_coil<'a>(body: &[u8]) -> Result<Request<'a>, Malformed> {
    let [address, value] = words(body)?;
    let on = match value {
        COIL_ON => true,
        COIL_OFF => false,
        _ => {
            return Err(Malformed::Structure(
                "a coil is written with 0x0000 or 0xFF00 alone",
            ));
        }
    };
    Ok(Request::WriteSingleCoil {
        address: Address::new(address),
        on,
    })
}

/// Start, quantity, and as many bytes as the byte count in front of them says.
fn counted(body: &[u8]) -> Result<(Address, u16, &[u8]), Malformed> {
    match body {
        &[s0, s1, q0, q1, count, ref data @ ..] if usize::from(count) == data.len() => Ok((
            Address::new(u16::from_be_bytes([s0, s1])),
            u16::from_be_bytes([q0, q1]),
            data,
        )),
        _ => Err(Malformed::Structure(
            "the byte count is not the number of bytes that follow",
        )),
    }
}

fn coils(body: &[u8]) -> Result<CoilWrite<'_>, Malformed> {
    let (start, count, packed) = counted(body)?;
    quantity::<WRITE_COILS_MAX>(count)?;
    let values = Coils::new(packed, count).ok_or(Malformed::Structure(
        "byte count and quantity of coils disagree, or a pad bit is set",
    ))?;
    CoilWrite::of(start, values).ok_or(Malformed::Address)
}

/// The structure of a register write; its addresses are for the caller to judge.
fn registers<const MAX: u16>(body: &[u8]) -> Result<(Address, Registers<'_>), Malformed> {
    let (start, count, bytes) = counted(body)?;
    quantity::<MAX>(count)?;
    let values = Registers::new(bytes).filter(|values| values.len() == usize::from(count));
    let values = values.ok_or(Malformed::Structure(
        "byte count and quantity of registers disagree",
    ))?;
    Ok((start, values))
}

fn read_write(body: &[u8]) -> Result<Request<'_>, Malformed> {
    let Some((&[s0, s1, q0, q1], rest)) = body.split_first_chunk() else {
        return Err(Malformed::Structure(
            "a read and write names two ranges of registers",
        ));
    };
    let wanted = quantity::<READ_REGISTERS_MAX>(u16::from_be_bytes([q0, q1]))?;
    let (start, values) = registers::<READ_WRITE_REGISTERS_MAX>(rest)?;
    let from = Address::new(u16::from_be_bytes([s0, s1]));
    let read = Span::new(from, wanted).ok_or(Malformed::Address)?;
    let write = RegisterWrite::of(start, values).ok_or(Malformed::Address)?;
    Ok(Request::ReadWriteMultipleRegisters { read, write })
}

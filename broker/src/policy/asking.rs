//! The Modbus request that a case stands for.

use super::cases::{Ask, Case};
use crate::plant::{Device, Kind, Point};
use interlock_protocols::modbus::{Pdu, Quantity, RegisterWrite, Request, Span, Table, UnitId};

impl Case {
    /// The unit id and the request to decide; `None` for an act that is no Modbus command. The
    /// error is a sentence: the case cannot be asked of this device.
    pub fn request(&self, device: &Device) -> Result<Option<(UnitId, Pdu)>, String> {
        match &self.ask {
            Ask::Act(_) => Ok(None),
            Ask::Read { point } => {
                let point = find(device, point)?;
                Ok(Some((point.unit_id(), read(point)?)))
            }
            Ask::Write { point, value } => {
                let point = find(device, point)?;
                Ok(Some((point.unit_id(), write(point, *value)?)))
            }
            Ask::Request { unit, pdu } => {
                let first = || device.unit_ids().first().copied();
                let unit = unit
                    .map(UnitId::new)
                    .or_else(first)
                    .ok_or("the device routes no unit id; name one with `unit`")?;
                let pdu = Pdu::new(pdu).ok_or("a PDU has 1 to 253 bytes")?;
                Ok(Some((unit, pdu)))
            }
        }
    }
}

fn find<'d>(device: &'d Device, name: &str) -> Result<&'d Point, String> {
    device
        .point(name)
        .ok_or_else(|| format!("`{}` has no point `{name}`", device.name()))
}

fn read(point: &Point) -> Result<Pdu, String> {
    let table = point.area().table;
    Ok(match table {
        Table::Coils => Request::ReadCoils(span(point)?),
        Table::DiscreteInputs => Request::ReadDiscreteInputs(span(point)?),
        Table::HoldingRegisters => Request::ReadHoldingRegisters(span(point)?),
        Table::InputRegisters => Request::ReadInputRegisters(span(point)?),
    }
    .encode())
}

fn span<const MAX: u16>(point: &Point) -> Result<Span<MAX>, String> {
    let range = point.area().range;
    u16::try_from(range.count())
        .ok()
        .and_then(Quantity::new)
        .and_then(|quantity| Span::new(range.first(), quantity))
        .ok_or_else(|| format!("`{}` is too wide for one request", point.name()))
}

/// Whether the point may be written at all is for the limits to say; here it is asked.
fn write(point: &Point, value: f64) -> Result<Pdu, String> {
    let area = point.area();
    let address = area.range.first();
    let read_only = || format!("`{}` is in a table that nobody can write", point.name());
    match (area.table, point.kind()) {
        (Table::Coils, Kind::Bit) if value == 0.0 || value == 1.0 => {
            let on = value == 1.0;
            Ok(Request::WriteSingleCoil { address, on }.encode())
        }
        (Table::Coils, _) => Err(format!("`{}` takes on and off, or 1 and 0", point.name())),
        (Table::HoldingRegisters, _) => {
            let registers = point.encode(value).ok_or_else(|| {
                format!("the registers of `{}` cannot hold {value}", point.name())
            })?;
            if let [value] = *registers.as_slice() {
                return Ok(Request::WriteSingleRegister { address, value }.encode());
            }
            RegisterWrite::new(address, registers.as_bytes())
                .map(|write| Request::WriteMultipleRegisters(write).encode())
                .ok_or_else(|| format!("`{}` is too wide for one request", point.name()))
        }
        (Table::DiscreteInputs | Table::InputRegisters, _) => Err(read_only()),
    }
}

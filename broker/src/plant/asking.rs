//! The one request that reads or writes a point, for callers who start from its name.

use super::point::{Kind, Point};
use interlock_protocols::modbus::{Pdu, Quantity, RegisterWrite, Request, Span, Table};

impl Point {
    /// Reads the whole point, with the function of its table. The error is a sentence.
    pub fn read_request(&self) -> Result<Pdu, String> {
        Ok(match self.area().table {
            Table::Coils => Request::ReadCoils(span(self)?),
            Table::DiscreteInputs => Request::ReadDiscreteInputs(span(self)?),
            Table::HoldingRegisters => Request::ReadHoldingRegisters(span(self)?),
            Table::InputRegisters => Request::ReadInputRegisters(span(self)?),
        }
        .encode())
    }

    /// Writes `value`, in engineering units, with the single function where the point is one
    /// element and the multiple one where it is more. The error is a sentence: the point cannot
    /// hold the value. Whether it may be written at all is for the limits to say; here it is
    /// asked.
    pub fn write_request(&self, value: f64) -> Result<Pdu, String> {
        let area = self.area();
        let address = area.range.first();
        match (area.table, self.kind()) {
            (Table::Coils, Kind::Bit) if value == 0.0 || value == 1.0 => {
                let on = value == 1.0;
                Ok(Request::WriteSingleCoil { address, on }.encode())
            }
            (Table::Coils, _) => Err(format!("`{}` takes on and off, or 1 and 0", self.name())),
            (Table::HoldingRegisters, _) => {
                let registers = self.encode(value).ok_or_else(|| {
                    format!("the registers of `{}` cannot hold {value}", self.name())
                })?;
                if let [value] = *registers.as_slice() {
                    return Ok(Request::WriteSingleRegister { address, value }.encode());
                }
                RegisterWrite::new(address, registers.as_bytes())
                    .map(|write| Request::WriteMultipleRegisters(write).encode())
                    .ok_or_else(|| too_wide(self))
            }
            (Table::DiscreteInputs | Table::InputRegisters, _) => Err(format!(
                "`{}` is in a table that nobody can write",
                self.name()
            )),
        }
    }
}

fn span<const MAX: u16>(point: &Point) -> Result<Span<MAX>, String> {
    let range = point.area().range;
    u16::try_from(range.count())
        .ok()
        .and_then(Quantity::new)
        .and_then(|quantity| Span::new(range.first(), quantity))
        .ok_or_else(|| too_wide(point))
}

fn too_wide(point: &Point) -> String {
    format!("`{}` is too wide for one request", point.name())
}

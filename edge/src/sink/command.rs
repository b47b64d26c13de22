//! What the bytes of a recorded command say, in numbers that anybody can compare.

use interlock_protocols::modbus::{Reply, Request, Response, Table, Values};

/// A request as far as it can be read; a denied one may be anything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Command {
    /// Function code.
    pub(crate) code: u8,
    /// The table: the one written where it writes, else the one read.
    pub(crate) table: Option<Table>,
    /// First address, from 0.
    pub(crate) address: Option<u16>,
    /// How many coils or registers.
    pub(crate) quantity: Option<u32>,
    /// What it writes; a coil is 0 or 1.
    pub(crate) values: Option<Vec<u16>>,
    /// The masks of function 22.
    pub(crate) mask: Option<(u16, u16)>,
    /// The sub-function of function 8.
    pub(crate) sub_function: Option<u16>,
}

impl Command {
    /// Reads a request. Of one that is not legal the function code is all there is.
    pub(crate) fn of(pdu: &[u8]) -> Command {
        let mut command = Command {
            code: pdu.first().copied().unwrap_or_default(),
            ..Command::default()
        };
        let Ok(request) = Request::decode(pdu) else {
            return command;
        };
        if let Request::Diagnostics(diagnostics) = request {
            command.sub_function = Some(diagnostics.sub_function());
        }
        let written = request.writes();
        let area = written.map(|written| written.area).or(request.reads());
        if let Some(area) = area {
            command.table = Some(area.table);
            command.address = Some(area.range.first().value());
            command.quantity = Some(area.range.count());
        }
        match written.map(|written| written.values) {
            Some(Values::Mask { and, or }) => command.mask = Some((and, or)),
            Some(Values::Coil(on)) => command.values = Some(vec![u16::from(on)]),
            Some(Values::Coils(coils)) => {
                command.values = Some(coils.iter().map(u16::from).collect());
            }
            Some(Values::Register(value)) => command.values = Some(vec![value]),
            Some(Values::Registers(registers)) => command.values = Some(registers.iter().collect()),
            None => {}
        }
        command
    }

    /// The values in the answer to a request, where it has some.
    pub(crate) fn answered(request: &[u8], answer: &[u8]) -> Option<Vec<u16>> {
        let request = Request::decode(request).ok()?;
        let Ok(Reply::Normal(response)) = Reply::decode(&request, answer) else {
            return None;
        };
        match response {
            Response::WriteSingleCoil { on, .. } => Some(vec![u16::from(on)]),
            Response::WriteSingleRegister { value, .. } => Some(vec![value]),
            Response::ReadWriteMultipleRegisters(registers) => Some(registers.iter().collect()),
            _ => None,
        }
    }
}

//! The Modbus request that a case stands for.

use super::cases::Case;
use super::question::Ask;
use crate::plant::{Device, Point};
use interlock_protocols::modbus::{Pdu, UnitId};

impl Case {
    /// The unit id and the request to decide; `None` for an act that is no Modbus command. The
    /// error is a sentence: the case cannot be asked of this device.
    pub fn request(&self, device: &Device) -> Result<Option<(UnitId, Pdu)>, String> {
        match &self.ask {
            Ask::Act(_) | Ask::Invite { .. } | Ask::Window { .. } => Ok(None),
            Ask::Read { point } => {
                let point = find(device, point)?;
                Ok(Some((point.unit_id(), point.read_request()?)))
            }
            Ask::Write { point, value } => {
                let point = find(device, point)?;
                Ok(Some((point.unit_id(), point.write_request(*value)?)))
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

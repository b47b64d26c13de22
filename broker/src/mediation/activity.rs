//! What a session is doing, for whoever looks at the list of sessions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use interlock_protocols::modbus::tcp::Adu;
use interlock_protocols::modbus::{Pdu, UnitId};

use crate::clock::Now;
use crate::plant::Device;
use crate::wording;

/// See the module.
#[derive(Default, Debug)]
pub(super) struct Activity(Mutex<Doing>);

#[derive(Default, Debug)]
struct Doing {
    ended: bool,
    /// Devices with open conversations, and how many.
    devices: BTreeMap<String, usize>,
    last: Option<Last>,
}

/// The last command, told in words only when somebody asks.
#[derive(Debug)]
struct Last {
    at_ms: i64,
    device: Arc<Device>,
    unit: UnitId,
    /// `None` where it was too long for one.
    pdu: Option<Pdu>,
}

impl Activity {
    pub(super) fn opened(&self, device: &Device) {
        let mut doing = self.doing();
        *doing.devices.entry(device.name().to_owned()).or_default() += 1;
    }

    pub(super) fn closed(&self, device: &Device) {
        let mut doing = self.doing();
        if let Some(open) = doing.devices.get_mut(device.name()) {
            *open -= 1;
            if *open == 0 {
                doing.devices.remove(device.name());
            }
        }
    }

    pub(super) fn asked(&self, device: &Arc<Device>, adu: &Adu<'_>, now: Now) {
        self.doing().last = Some(Last {
            at_ms: now.wall_ms(),
            device: Arc::clone(device),
            unit: adu.unit,
            pdu: Pdu::new(adu.pdu),
        });
    }

    pub(super) fn end(&self) {
        self.doing().ended = true;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.doing().ended
    }

    pub(super) fn devices(&self) -> Vec<String> {
        self.doing().devices.keys().cloned().collect()
    }

    /// When the last command came, and what it was.
    pub(super) fn last(&self) -> Option<(i64, String)> {
        let doing = self.doing();
        let last = doing.last.as_ref()?;
        let bytes = last.pdu.as_ref().map_or(&[][..], Pdu::as_bytes);
        let asked = wording::asked(&last.device, last.unit, bytes);
        Some((last.at_ms, format!("{}: {asked}", last.device.name())))
    }

    fn doing(&self) -> MutexGuard<'_, Doing> {
        // Nothing in here can be left half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What each subject has ever done with each device, as far as the journal goes back: rights that
//! nobody uses are rights to take away.

use std::collections::BTreeMap;

use interlock_protocols::modbus::FunctionCode;
use interlock_protocols::record::{Event, KeptUse};

use crate::limits::{USED_DEVICES_MAX, USERS_MAX};
use crate::policy::Action;

/// What can be done with a device.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Use {
    /// Reading it.
    Read,
    /// Writing it.
    Write,
    /// Diagnosing it.
    Diagnose,
}

impl Use {
    /// All of them.
    pub const ALL: [Use; 3] = [Use::Read, Use::Write, Use::Diagnose];

    /// The word of screens.
    pub const fn name(self) -> &'static str {
        match self {
            Use::Read => "read",
            Use::Write => "write",
            Use::Diagnose => "diagnose",
        }
    }

    /// What a function is used for.
    pub fn of(code: u8) -> Option<Use> {
        let function = FunctionCode::from_code(code)?;
        match Action::of(function, false).group()? {
            "read" => Some(Use::Read),
            "write" => Some(Use::Write),
            "diagnose" => Some(Use::Diagnose),
            _ => None,
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Use::Read => 1,
            Use::Write => 2,
            Use::Diagnose => 4,
        }
    }
}

/// By subject, then by device.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Uses {
    by_subject: BTreeMap<String, BTreeMap<String, u8>>,
}

impl Uses {
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Intent(intent) => {
                let function = intent.pdu.first().copied().unwrap_or_default();
                self.note(&intent.subject, &intent.device, function);
            }
            Event::ReadSummary(summary) => {
                self.note(&summary.subject, &summary.device, summary.function);
            }
            _ => {}
        }
    }

    /// Notes that a function was used.
    pub(super) fn note(&mut self, subject: &str, device: &str, function: u8) {
        if let Some(done) = Use::of(function) {
            self.add(subject, device, done.bit());
        }
    }

    pub(super) fn take(&mut self, used: KeptUse) {
        self.add(&used.subject, &used.device, used.done);
    }

    /// Past the bounds nothing is added: what is shown as never used may have been used then.
    fn add(&mut self, subject: &str, device: &str, bits: u8) {
        if !self.by_subject.contains_key(subject) {
            if self.by_subject.len() >= USERS_MAX {
                return;
            }
            self.by_subject.insert(subject.to_owned(), BTreeMap::new());
        }
        let Some(devices) = self.by_subject.get_mut(subject) else {
            return;
        };
        if let Some(done) = devices.get_mut(device) {
            *done |= bits;
        } else if devices.len() < USED_DEVICES_MAX {
            devices.insert(device.to_owned(), bits);
        }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = KeptUse> {
        self.by_subject.iter().flat_map(|(subject, devices)| {
            devices.iter().map(|(device, done)| KeptUse {
                subject: subject.clone(),
                device: device.clone(),
                done: *done,
            })
        })
    }

    /// Whether the subject has done that with the device.
    pub fn has_done(&self, subject: &str, device: &str, what: Use) -> bool {
        let devices = self.by_subject.get(subject);
        let done = devices.and_then(|devices| devices.get(device));
        done.is_some_and(|done| done & what.bit() != 0)
    }
}

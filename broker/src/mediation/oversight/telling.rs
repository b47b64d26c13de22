//! One command on its way, for those who watch it.

use std::sync::Arc;

use interlock_protocols::conduit::{Seen, SeenCommand};
use interlock_protocols::modbus::{Pdu, UnitId};
use interlock_protocols::record::CommandResult;

use super::feed::{Watcher, tell_all};
use crate::clock::{Mono, Now};
use crate::plant::Device;
use crate::wording;

/// What is told at the end of a permitted command. Dropping it tells that there was no end.
pub(in crate::mediation) struct Telling {
    pub(super) watchers: Vec<Arc<Watcher>>,
    pub(super) device: Arc<Device>,
    pub(super) unit: UnitId,
    pub(super) pdu: Pdu,
    pub(super) decided: Mono,
    /// `None` once it was told.
    pub(super) draft: Option<SeenCommand>,
}

impl Telling {
    /// It came to its end.
    pub(in crate::mediation) fn ended(mut self, result: &CommandResult, now: Now) {
        let Some(mut draft) = self.draft.take() else {
            return;
        };
        draft.result = wording::became(&self.device, self.unit, self.pdu.as_bytes(), result);
        match result {
            CommandResult::Withheld { reason } => draft.decision = reason.clone(),
            _ => {
                let latency = now.mono().since(self.decided).as_micros();
                draft.latency_us = Some(u64::try_from(latency).unwrap_or(u64::MAX));
            }
        }
        tell_all(&self.watchers, &Seen::Command(draft));
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        if let Some(mut draft) = self.draft.take() {
            draft.result = "given up: nobody waited for an answer".to_owned();
            tell_all(&self.watchers, &Seen::Command(draft));
        }
    }
}

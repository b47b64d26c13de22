//! Taking a window away at once, and everything that stands on it.

use interlock_protocols::grant::Grant;
use interlock_protocols::record::KeptWindow;

use super::shut::Shut;
use crate::mediation::broker::Broker;
use crate::register::Register;
use crate::subject::SubjectId;

impl Broker {
    /// Has every window do what the register says. Gives those that were open and are no longer.
    pub(in crate::mediation) fn follow_windows(&self, register: &Register) -> Vec<u64> {
        self.windows
            .follow(register, |kept| self.valid(register, kept))
    }

    /// Whether the signatures under a window open it, as things stand.
    pub(in crate::mediation) fn valid(
        &self,
        _register: &Register,
        kept: &KeptWindow,
    ) -> Result<(), Shut> {
        let grant = Grant::read_unsigned(&kept.requested.grant);
        let quorum = grant.map_err(|_| Shut::Broken)?.quorum;
        if kept.approvals.len() >= usize::from(quorum) {
            Ok(())
        } else {
            Err(Shut::Pending)
        }
    }

    /// The sessions that use these windows: their holders', on their machines, which talk to their
    /// devices.
    pub(in crate::mediation) fn using(&self, windows: &[u64]) -> Vec<u64> {
        if windows.is_empty() {
            return Vec::new();
        }
        let mut open = self.open_sessions();
        open.retain(|present| {
            let whose = &present.whose;
            let Some((machine, session)) = whose.machine.as_ref().zip(present.session.as_ref())
            else {
                return false;
            };
            let devices = session.activity.devices();
            let held = self.windows.of_holder(whose.subject.as_str());
            held.iter().any(|pane| {
                windows.contains(&pane.number())
                    && devices.iter().any(|device| pane.is_for(machine, device))
            })
        });
        open.iter().map(|present| present.whose.session).collect()
    }

    /// Whether there is a window of this number that could open something; gives its number in its
    /// one spelling.
    pub(in crate::mediation) fn known_window(&self, text: &str) -> Result<String, String> {
        let asked: String = text.chars().take(20).collect();
        let number: u64 = text.parse().map_err(|_| {
            format!("`{asked}` is no number of a window; `interlock window list` has them")
        })?;
        let register = self.register();
        match register.windows.numbered(number) {
            None => Err(format!(
                "no window {number} is known; `interlock window list` lists them"
            )),
            Some(kept) => match &kept.ended {
                Some(ended) => Err(format!("window {number} is {} already", ended.end.name())),
                None => Ok(number.to_string()),
            },
        }
    }

    /// Whether somebody is the holder of a window.
    pub(in crate::mediation) fn holds_window(&self, who: &SubjectId, number: &str) -> bool {
        let held = self.windows.of_holder(who.as_str());
        held.iter().any(|pane| pane.number().to_string() == number)
    }
}

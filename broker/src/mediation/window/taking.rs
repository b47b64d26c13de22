//! Taking a window away at once, and everything that stands on it.

use std::sync::Arc;

use interlock_protocols::record::{KeptWindow, WindowEnd};

use super::shut::Shut;
use crate::mediation::broker::Broker;
use crate::register::Register;
use crate::subject::SubjectId;
use crate::window::{Invalid, Valid};

/// In the words of whoever is refused by it.
fn shut(register: &Register, kept: &KeptWindow, why: Invalid) -> Shut {
    match why {
        Invalid::Short { quorum, given, .. } if given < usize::from(quorum) => Shut::Pending,
        Invalid::Short { .. } => Shut::Short,
        Invalid::Outdated => Shut::Outdated,
        Invalid::Refused => Shut::Refused,
        Invalid::Unknown | Invalid::Ended(WindowEnd::Over) => Shut::Over,
        Invalid::Ended(WindowEnd::Lapsed) => Shut::Lapsed,
        Invalid::Ended(WindowEnd::Withdrawn) => Shut::Withdrawn,
        Invalid::Revoked(_) => match register.restraints.window_revoked(kept.number) {
            Some(restraint) => Shut::Revoked(Arc::clone(restraint)),
            None => Shut::Broken,
        },
        Invalid::NoRoot | Invalid::NotAGrant(_) | Invalid::Elsewhere | Invalid::Replayed(_) => {
            Shut::Unjudged(why.to_string())
        }
    }
}

impl Broker {
    /// Has every window do what the register says. Gives those that were open and are no longer.
    pub(crate) fn follow_windows(&self, register: &Register) -> Vec<u64> {
        let valid = |kept: &KeptWindow| self.valid(register, kept).map(drop);
        let shut = self.windows.follow(register, valid);
        self.overseer.shut(&shut);
        shut
    }

    /// Whether the signatures under a window open it, as things stand.
    pub(in crate::mediation) fn valid(
        &self,
        register: &Register,
        kept: &KeptWindow,
    ) -> Result<Valid, Shut> {
        let judged = match self.reliance() {
            Some(reliance) => reliance.judge(register, kept),
            None => Err(Invalid::NoRoot),
        };
        judged.map_err(|why| shut(register, kept, why))
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
            if self.has_opened(whose, windows, &devices) {
                return true;
            }
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
        if let Some(glass) = register.windows.glass(number) {
            return if glass.ended {
                Err(format!("break-glass of record {number} is over already"))
            } else {
                Ok(number.to_string())
            };
        }
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

//! What is known of identities, and what was taken from whom. All of it comes from records of
//! the journal and from nothing else: it is built again from them at each start.
//!
//! It lives in memory, and not in the view on disk: decisions rest on it, and that view may be
//! damaged, behind or gone.

mod beside;
mod identities;
mod invitations;
mod kept;
mod restraints;
#[cfg(test)]
mod tests;
mod trust;
mod uses;
mod windows;

pub use beside::{read_beside, write_beside};
pub use identities::{Identities, enrolment_of, last_there_ms, same_keys};
pub use invitations::{InvitationState, Invitations, state_of};
pub use kept::Parts;
pub use restraints::{Restraint, Restraints, takes_in};
pub use trust::{TakenUp, Trust};
pub use uses::{Use, Uses};
pub use windows::Windows;

use interlock_protocols::record::{Event, kind};

/// The register of one gateway.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Register {
    /// Who may enrol, who has enrolled, and by which keys.
    pub identities: Identities,
    /// What was taken from whom, and not given back.
    pub restraints: Restraints,
    /// Which documents and authorities were taken up last.
    pub trust: Trust,
    /// Maintenance windows, and what was used of them.
    pub windows: Windows,
    /// The last sequence that said anything to it.
    through: u64,
}

impl Register {
    /// Whether records of this type say anything to the register.
    pub fn heeds(number: u64) -> bool {
        Register::needs(number)
            || matches!(
                number,
                kind::EDGE_STARTED
                    | kind::SESSION_OPENED
                    | kind::SESSION_ENDED
                    | kind::INTENT
                    | kind::READ_SUMMARY
            )
    }

    /// Whether records of this type must not be removed before the register was kept: what a
    /// decision may rest on. When somebody was last there is told in some of the others.
    pub fn needs(number: u64) -> bool {
        matches!(
            number,
            kind::INVITED
                | kind::INVITATION_CLOSED
                | kind::ENROLMENT_ASKED
                | kind::ENROLLED
                | kind::CERTIFICATE_ISSUED
                | kind::ASSERTED
                | kind::RESTRICTED
                | kind::REINSTATED
                | kind::TRUST_TAKEN_UP
                | kind::WINDOW_REQUESTED
                | kind::WINDOW_APPROVED
                | kind::WINDOW_REFUSED
                | kind::WINDOW_ENDED
                | kind::BREAK_GLASS_OPENED
                | kind::BREAK_GLASS_ENDED
        )
    }

    /// Takes up one record. They come in order of their sequences, each once.
    pub fn apply(&mut self, sequence: u64, time_ms: i64, event: &Event) {
        if let Event::Outcome(outcome) = event
            && self.windows.awaits(outcome.intent)
        {
            self.knows(sequence);
        }
        self.identities.apply(sequence, time_ms, event);
        self.restraints.apply(sequence, time_ms, event);
        self.trust.apply(event);
        self.windows.apply(sequence, time_ms, event);
        if Register::needs(event.kind()) {
            self.through = self.through.max(sequence);
        }
    }

    /// What this record says was taken up already.
    pub(crate) fn knows(&mut self, sequence: u64) {
        self.through = self.through.max(sequence);
    }

    /// Takes up that a function was used on a device: all that it heeds of an INTENT.
    pub fn note_use(&mut self, subject: &str, device: &str, function: u8) {
        self.identities.uses.note(subject, device, function);
    }

    /// The last sequence that a decision may rest on.
    pub fn through(&self) -> u64 {
        self.through
    }
}

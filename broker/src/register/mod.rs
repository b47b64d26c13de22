//! What is known of identities, and what was taken from whom. All of it comes from records of
//! the journal and from nothing else: it is built again from them at each start.
//!
//! It lives in memory, and not in the view on disk: decisions rest on it, and that view may be
//! damaged, behind or gone.

mod identities;
mod restraints;
mod trust;

pub use identities::Identities;
pub use restraints::Restraints;
pub use trust::{TakenUp, Trust};

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
}

impl Register {
    /// Whether records of this type say anything to the register.
    pub fn heeds(number: u64) -> bool {
        matches!(
            number,
            kind::SESSION_OPENED
                | kind::INVITED
                | kind::INVITATION_CLOSED
                | kind::ENROLMENT_ASKED
                | kind::ENROLLED
                | kind::CERTIFICATE_ISSUED
                | kind::RESTRICTED
                | kind::REINSTATED
                | kind::REGISTER_KEPT
                | kind::TRUST_TAKEN_UP
        )
    }

    /// Takes up one record. They come in order of their sequences, each once.
    pub fn apply(&mut self, sequence: u64, time_ms: i64, event: &Event) {
        self.identities.apply(sequence, time_ms, event);
        self.restraints.apply(sequence, time_ms, event);
        self.trust.apply(event);
    }
}

//! A journal that is behind what others know of it was cut or restored. Nothing with effect passes
//! until an administrator has said, in a record, that this is known.

use aws_lc_rs::rand;
use interlock_protocols::record::{Ahead, Event, JournalAccepted};

use super::refusal::Refusal;
use super::session::Session;
use crate::clock::Now;
use crate::journal::Unrecordable;
use crate::limits::ACT_REASON_MAX_BYTES;
use crate::policy::Action;

/// Why a journal was not accepted. What was held is held still.
#[derive(Debug, thiserror::Error)]
pub enum NotAccepted {
    /// The subject may not.
    #[error("{}: {}", .0.reason().what(), .0.next())]
    Refused(Refusal),
    /// There is nothing to accept.
    #[error(
        "there is nothing to accept: the journal is not behind anything that the gateway knows of, and commands with effect pass"
    )]
    NothingHeld,
    /// The reason is none.
    #[error(
        "a reason has 1 to {ACT_REASON_MAX_BYTES} bytes: say what happened to the journal and who looked at it"
    )]
    NoReason,
    /// It cannot be recorded.
    #[error("it cannot be recorded: {0}")]
    Journal(#[from] Unrecordable),
    /// The system gave no randomness.
    #[error("the system gave no random bytes to mark the journal with; try again")]
    NoRandomness,
}

impl Session {
    /// Accepts that the journal is behind what others know of it: decides, records, waits until
    /// the record is on the disk, and only then lets commands with effect pass again. `held` says
    /// whether there is anything to accept; whoever may not accept is not told. Gives the
    /// sequence of the record.
    pub async fn accept_journal(
        &self,
        reason: &str,
        ahead: Vec<Ahead>,
        held: impl FnOnce() -> bool,
        release: impl FnOnce(),
        now: Now,
    ) -> Result<u64, NotAccepted> {
        self.administer(Action::AcceptJournal, now)
            .map_err(NotAccepted::Refused)?;
        let reason = reason.trim();
        if reason.is_empty() || reason.len() > ACT_REASON_MAX_BYTES {
            return Err(NotAccepted::NoReason);
        }
        if !held() {
            return Err(NotAccepted::NothingHeld);
        }
        let mut lineage = [0; 8];
        rand::fill(&mut lineage).map_err(|_| NotAccepted::NoRandomness)?;
        let accepted = Event::JournalAccepted(JournalAccepted {
            session: self.id(),
            subject: self.subject().to_string(),
            reason: reason.to_owned(),
            ahead,
            lineage,
        });
        let pending = self.broker().journal().commit(now.wall_ms(), accepted)?;
        let sequence = pending.sequence();
        pending.await?;
        release();
        Ok(sequence)
    }
}

//! A clock that was in doubt is accepted: by somebody at the gateway itself, in a record, and only
//! then does anything with effect pass again.

use interlock_protocols::record::{ClockAccepted, ClockDoubted, Event};

use crate::clock::Shown;
use crate::journal::{Journal, Unrecordable};
use crate::limits::ACT_REASON_MAX_BYTES;

/// Why a clock was not accepted. It is doubted still.
#[derive(Debug, thiserror::Error)]
pub enum NotAccepted {
    /// It is not in doubt.
    #[error("there is nothing to accept: the clock is not in doubt")]
    NotInDoubt,
    /// It shows a time that cannot be.
    #[error(
        "the system's clock shows a time before this program was written; set it first, then accept it"
    )]
    Unset,
    /// The reason is none.
    #[error(
        "a reason has 1 to {ACT_REASON_MAX_BYTES} bytes: say what happened to the clock, and by what it was set"
    )]
    NoReason,
    /// It cannot be recorded.
    #[error("it cannot be recorded, so the clock stays in doubt: {0}")]
    Journal(#[from] Unrecordable),
}

/// Accepts what the system's clock shows. `release` has the count follow it, once the record is on
/// the disk. Gives the sequence of the record, whose time is the accepted one: it is the floor
/// from there on, though it be before the records in front of it.
pub async fn accept(
    journal: &Journal,
    shown: &Shown,
    by: &str,
    reason: &str,
    release: impl FnOnce(),
) -> Result<u64, NotAccepted> {
    if shown.doubt.is_none() {
        return Err(NotAccepted::NotInDoubt);
    }
    let reason = reason.trim();
    if reason.is_empty() || reason.len() > ACT_REASON_MAX_BYTES {
        return Err(NotAccepted::NoReason);
    }
    if shown.is_unset() {
        return Err(NotAccepted::Unset);
    }
    let accepted = Event::ClockAccepted(ClockAccepted {
        by: by.to_owned(),
        reason: reason.to_owned(),
        system_ms: shown.system_ms,
        counted_ms: shown.counted.wall_ms(),
    });
    let pending = journal.commit(shown.system_ms, accepted)?;
    let sequence = pending.sequence();
    pending.await?;
    release();
    Ok(sequence)
}

/// Records that the clock is in doubt, durably.
pub async fn doubt(journal: &Journal, shown: &Shown) -> Result<(), Unrecordable> {
    let counted_ms = shown.counted.wall_ms();
    let doubted = Event::ClockDoubted(ClockDoubted {
        system_ms: shown.system_ms,
        counted_ms,
    });
    journal.commit(counted_ms, doubted)?.await
}

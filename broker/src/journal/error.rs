//! What can go wrong with the journal, told apart by what has to be done about it.

use std::io;

use interlock_protocols::limits::RECORD_MAX_BYTES;

/// Why something was not recorded. A command with effect is then refused (I8).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unrecordable {
    /// A write or a flush failed. It is tried again about once a second.
    #[error(
        "the journal cannot be written: {why}; commands with effect are refused until it can, see to the disk"
    )]
    Failed {
        /// The latest failure.
        why: String,
    },
    /// The journal could not be opened, or its thread is gone.
    #[error(
        "the journal records nothing: {why}; see to it and restart the edge, until then commands with effect are refused"
    )]
    Ended {
        /// What happened.
        why: String,
    },
    /// The journal is behind what others know of it; see [`super::Journal::hold`].
    #[error("the journal is held: {why}; an administrator has to accept it first")]
    Held {
        /// Why.
        why: String,
    },
    /// Denials and summaries have had their share of the journal's disk.
    #[error(
        "denials and summaries have used up their share of the journal's budget; what is denied stays denied, without a record"
    )]
    Spent,
    /// Too much waits for the disk.
    #[error("too many records wait for the disk; try again, and look at the disk if this stays")]
    Full,
    /// The record has more than the longest record's bytes.
    #[error("the record has {bytes} bytes and may have {RECORD_MAX_BYTES}; ask for less at once")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// The outcome of an intent that was never accepted, or that has its outcome already (I4).
    #[error("intent {0} awaits no outcome")]
    NoOpenIntent(u64),
    /// The journal was closed.
    #[error("the journal is closed: the edge is about to end")]
    Closed,
}

/// Why a journal cannot be opened for writing.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk or its folder.
    #[error(
        "the journal cannot be opened: {0}; see to its folder, its rights and the space on its disk"
    )]
    Storage(#[from] io::Error),
    /// Records that were durable are damaged. Nothing was changed.
    #[error("{0}; keep the folder as it is, commands with effect are refused")]
    Corrupt(Damage),
    /// The options make no sense.
    #[error("segment_bytes is {0}; it must be a multiple of 512 and at least 131072")]
    SegmentBytes(u64),
    /// The same.
    #[error("budget_bytes is {0}; it must have room for four segments and the reserve")]
    BudgetBytes(u64),
}

/// The first place where the journal is not what was written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the journal is damaged at record {sequence} (segment {segment}, byte {offset}): {what}")]
pub struct Damage {
    /// The segment.
    pub segment: u64,
    /// Byte in that segment.
    pub offset: u64,
    /// Sequence of the first record that cannot be read.
    pub sequence: u64,
    /// What is wrong.
    pub what: String,
}

/// Whether the journal can record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Health {
    /// It can.
    Good,
    /// It cannot.
    Failed {
        /// The latest failure.
        why: String,
        /// Since when, in ms since 1970 UTC, by the clock of those who record. `None` where only
        /// a restart can help.
        since_ms: Option<i64>,
    },
}

/// Reading met damage, or the disk did not answer.
#[derive(Debug)]
pub(super) enum Fault {
    Damage(Damage),
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Io(error)
    }
}

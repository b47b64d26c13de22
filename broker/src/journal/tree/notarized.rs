//! What a notary tells of itself.

use std::io;

use interlock_protocols::record::Ahead;

use super::super::error::Unrecordable;
use super::super::reader::ReadError;

/// Why nothing is signed.
#[derive(Debug, thiserror::Error)]
pub enum NotaryError {
    /// The journal takes no record.
    #[error("a checkpoint cannot be recorded: {0}")]
    Journal(#[from] Unrecordable),
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The tree cannot be read or written.
    #[error(
        "the tree of the journal cannot be kept: {0}; see to the space and the rights of its folder"
    )]
    Store(#[from] io::Error),
    /// Records were removed, and the tiles that stand for them are gone as well.
    #[error(
        "records before {first} were removed, and the tiles that hold their hashes are missing or do not match the last checkpoint; restore the folder `tile` from a backup"
    )]
    TilesLost {
        /// The oldest record that is there.
        first: u64,
    },
}

/// What was found when the notary opened.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Opened {
    /// Records in the tree.
    pub size: u64,
    /// The last checkpoint knows more than the journal, or something else: the journal was
    /// cut, or another was put in its place. Nothing is signed until that is accepted.
    pub ahead: Option<Ahead>,
    /// The chain of keys cannot go on, and why. Nothing is signed until that is accepted.
    pub broken: Option<String>,
    /// The tree was made anew from the records, and why.
    pub rebuilt: Option<String>,
}

/// A checkpoint that was signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notarized {
    /// Records under it: the sequence of the last of them.
    pub size: u64,
    /// When, in ms since 1970 UTC.
    pub signed_ms: i64,
    /// The epoch whose key signed it.
    pub epoch: u64,
    /// The signed note.
    pub note: String,
}

//! The tree over the journal: every record is a leaf of an RFC 6962 Merkle tree, and what was
//! signed over it once cannot be changed, removed or put in another order without a trace.
//!
//! - [`Tree`] grows and knows its root; [`TileStore`] keeps it as C2SP tlog-tiles.
//! - [`Checkpoint`] is a size and a root; [`SignedCheckpoint`] is signed by the gateway's key and by
//!   the key of an epoch, which is gone once that has ended.
//! - [`Notary`] follows the journal and signs.
//!
//! The leaf of a record is its whole encoding, and its index in the tree is its sequence less one.

mod append;
mod batch;
mod compare;
mod consistency;
mod epoch;
mod folder;
mod forgetful;
mod found;
mod hash;
mod history;
mod judge;
mod key;
mod notarized;
mod notary;
mod note;
mod opening;
mod parallel;
mod proof;
mod proving;
mod roots;
mod scan;
mod signatures;
#[cfg(test)]
mod tests;
mod tiles;
mod verify;

pub use append::Tree;
pub use batch::Fault;
pub use consistency::{Consistent, consistency_file, verify_consistency};
pub use folder::TileFolder;
pub use forgetful::MemoryTiles;
pub use found::{Against, Verification};
pub use hash::{HASH_BYTES, Hash};
pub use history::AHEAD;
pub use key::{JournalKey, NotAKey, VerifierKey};
pub use notarized::{Notarized, NotaryError, Opened};
pub use notary::Notary;
pub use note::{Checkpoint, NotACheckpoint, SignedCheckpoint, origin};
pub use proof::{ProofError, Proven, checkpoint_of, prove, verify_proof};
pub use proving::{ProofHash, prove_consistency, prove_inclusion};
pub use tiles::{Tile, TileStore};
pub use verify::{verify, verify_against, verify_kept, verify_storage};

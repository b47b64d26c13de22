//! A proof that a log only grew between two checkpoints: nothing under the older one was changed,
//! removed or put in another order. A text with both checkpoints, that needs no log to be checked.
//!
//! ```text
//! interlock-consistency@v1
//! <hash>
//! ...
//!
//! <older checkpoint>
//!
//! <newer checkpoint>
//! ```

use tlog_tiles::check_tree;

use super::hash::Hash;
use super::key::VerifierKey;
use super::note::{Checkpoint, SignedCheckpoint};
use super::proof::{ProofError, crate_hash, judge_note};
use super::proving::prove_consistency;
use super::tiles::TileStore;
use crate::limits::PROOF_MAX_BYTES;

const HEADER: &str = "interlock-consistency@v1";

/// Makes the proof.
pub fn consistency_file(
    tiles: &dyn TileStore,
    old: &SignedCheckpoint,
    new: &SignedCheckpoint,
) -> Result<String, ProofError> {
    let (first, last) = (old.checkpoint().size, new.checkpoint().size);
    let path = prove_consistency(tiles, first, last);
    let path = path.map_err(|error| ProofError::Tiles(error.to_string()))?;
    let path: Vec<Hash> = path.into_iter().map(Hash::from).collect();
    // What the tiles say may not be what either checkpoint was signed over.
    check(&path, old.checkpoint(), new.checkpoint())?;
    let path: String = path.iter().map(|hash| format!("{hash}\n")).collect();
    Ok(format!("{HEADER}\n{path}\n{}\n{}", old.text(), new.text()))
}

/// Two checkpoints of one log, the first a beginning of the second.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Consistent {
    /// The older one.
    pub old: Checkpoint,
    /// The newer one.
    pub new: Checkpoint,
}

/// Checks a proof with the gateway's key.
pub fn verify_consistency(text: &str, key: &VerifierKey) -> Result<Consistent, ProofError> {
    if text.len() > PROOF_MAX_BYTES {
        return Err(ProofError::malformed("it is too long"));
    }
    let no = || ProofError::malformed(format!("it is not {HEADER}, a path and two checkpoints"));
    let (head, notes) = text.split_once("\n\n").ok_or_else(no)?;
    let path = head.strip_prefix(HEADER).ok_or_else(no)?;
    let path: Option<Vec<Hash>> = path.split('\n').skip(1).map(Hash::parse).collect();
    let path = path.ok_or_else(no)?;
    // A checkpoint is its text, an empty line and its signatures: the second empty line ends it.
    let mut ends = notes.match_indices("\n\n").map(|(at, _)| at + 1);
    let end = ends.nth(1).ok_or_else(no)?;
    let (old, new) = notes.split_at_checked(end).ok_or_else(no)?;
    let new = new.strip_prefix('\n').ok_or_else(no)?;
    let [old, new] = [old, new].map(SignedCheckpoint::parse);
    let (old, new) = (
        old.map_err(ProofError::malformed)?,
        new.map_err(ProofError::malformed)?,
    );
    judge_note(&old, key)?;
    judge_note(&new, key)?;
    check(&path, old.checkpoint(), new.checkpoint())?;
    Ok(Consistent {
        old: old.checkpoint().clone(),
        new: new.checkpoint().clone(),
    })
}

fn check(path: &[Hash], old: &Checkpoint, new: &Checkpoint) -> Result<(), ProofError> {
    if old.origin != new.origin {
        return Err(ProofError::Fails("the checkpoints are of two logs".into()));
    }
    let path = path.iter().copied().map(crate_hash).collect();
    let (old_root, new_root) = (crate_hash(old.root), crate_hash(new.root));
    check_tree(&path, new.size, new_root, old.size, old_root).map_err(|_| {
        ProofError::Fails(format!(
            "the log of {} records is not the beginning of the log of {}: its history was changed between the two",
            old.size, new.size
        ))
    })
}

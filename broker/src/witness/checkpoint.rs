//! Checkpoints as they come: signed notes, read strictly.

use signed_note::{Note, Signature, VerifierList};
use tlog_tiles::Checkpoint;
use tlog_tiles::tlog::{EMPTY_HASH, Hash, check_tree};

use super::key::{CosignerKey, LogKey, time_of};
use crate::limits::TREE_SIZE_MAX;

/// A text is no signed checkpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotACheckpoint {
    /// It is no signed note.
    #[error("it is no signed note")]
    Note,
    /// Its text is no checkpoint.
    #[error("its text is no checkpoint of a log")]
    Checkpoint,
    /// The signature that was looked for is not on it, or is wrong.
    #[error("the signature that was looked for is not on it, or is wrong")]
    Signature,
}

/// A checkpoint with signatures, whoever made them.
#[derive(Debug)]
pub struct SignedCheckpoint {
    note: Note,
    checkpoint: Checkpoint,
}

impl SignedCheckpoint {
    /// Reads one. What does not come out the same when it is written again is none: what is
    /// signed must have one form.
    pub fn parse(bytes: &[u8]) -> Result<SignedCheckpoint, NotACheckpoint> {
        let note = Note::from_bytes(bytes).map_err(|_| NotACheckpoint::Note)?;
        if note.to_bytes() != bytes {
            return Err(NotACheckpoint::Note);
        }
        let checkpoint =
            Checkpoint::from_bytes(note.text()).map_err(|_| NotACheckpoint::Checkpoint)?;
        if checkpoint.to_bytes() != note.text() || checkpoint.size() > TREE_SIZE_MAX {
            return Err(NotACheckpoint::Checkpoint);
        }
        Ok(SignedCheckpoint { note, checkpoint })
    }

    /// The log.
    pub fn origin(&self) -> &str {
        self.checkpoint.origin()
    }

    /// How many records it covers.
    pub fn size(&self) -> u64 {
        self.checkpoint.size()
    }

    /// The hash over all of them.
    pub fn root(&self) -> [u8; 32] {
        self.checkpoint.hash().0
    }

    /// The whole note.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.note.to_bytes()
    }

    /// What was signed.
    pub(super) fn text(&self) -> &[u8] {
        self.note.text()
    }

    /// The signature that this log's key made. Those of others count for nothing.
    pub(super) fn signed_by(&self, key: &LogKey) -> Option<Signature> {
        if key.origin() != self.origin() {
            return None;
        }
        let known = VerifierList::new(vec![key.verifier()]);
        let (verified, _) = self.note.verify(&known).ok()?;
        verified.into_iter().next()
    }

    /// Whether the log has signed it.
    pub fn is_signed_by(&self, key: &LogKey) -> bool {
        self.signed_by(key).is_some()
    }

    /// The cosignature of a witness, and its time in seconds since 1970 UTC.
    fn cosigned_by(&self, key: &CosignerKey) -> Option<(Signature, u64)> {
        let known = VerifierList::new(vec![Box::new(key.clone())]);
        let (verified, _) = self.note.verify(&known).ok()?;
        let signature = verified.into_iter().next()?;
        let time_s = time_of(signature.signature())?;
        Some((signature, time_s))
    }

    /// When this witness cosigned it, in seconds since 1970 UTC.
    pub fn cosigned_s(&self, key: &CosignerKey) -> Option<u64> {
        self.cosigned_by(key).map(|(_, time_s)| time_s)
    }

    /// The checkpoint together with the cosignature that a witness answered with. Other lines of
    /// its answer are left out: what nobody here can verify is not passed on.
    pub fn with_cosignature(
        &self,
        answer: &[u8],
        key: &CosignerKey,
    ) -> Result<SignedCheckpoint, NotACheckpoint> {
        let all = [self.to_bytes().as_slice(), answer].concat();
        let all = SignedCheckpoint::parse(&all)?;
        let (cosignature, _) = all.cosigned_by(key).ok_or(NotACheckpoint::Signature)?;
        let whole = [self.to_bytes(), cosignature.to_bytes()].concat();
        SignedCheckpoint::parse(&whole)
    }
}

/// What a witness keeps of a log: the last checkpoint that it cosigned.
#[derive(Debug)]
pub struct Seen {
    checkpoint: SignedCheckpoint,
}

impl Seen {
    /// Reads what [`Seen::to_bytes`] wrote.
    pub fn parse(bytes: &[u8]) -> Result<Seen, NotACheckpoint> {
        let checkpoint = SignedCheckpoint::parse(bytes)?;
        Ok(Seen { checkpoint })
    }

    /// Only the log's signature and ours are kept: others cannot make what is kept any longer.
    pub(super) fn of(
        asked: &SignedCheckpoint,
        log: &Signature,
        cosignature: &Signature,
    ) -> Option<Seen> {
        let note = Note::new(asked.text(), &[log.clone(), cosignature.clone()]).ok()?;
        Seen::parse(&note.to_bytes()).ok()
    }

    /// What to keep.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.checkpoint.to_bytes()
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

/// Whether a proof shows that a tree holds the whole of an older one, given as size and root
/// (RFC 6962, 2.1.2). Every tree holds the empty one, and that needs no proof.
pub fn is_consistent(old: (u64, [u8; 32]), new: (u64, [u8; 32]), proof: &[[u8; 32]]) -> bool {
    let (old_size, old_root) = old;
    let (new_size, new_root) = new;
    if old_size > new_size || new_size > TREE_SIZE_MAX {
        return false;
    }
    if new_size == 0 && new_root != EMPTY_HASH.0 {
        return false;
    }
    if old_size == 0 {
        return proof.is_empty() && old_root == EMPTY_HASH.0;
    }
    let proof: Vec<Hash> = proof.iter().copied().map(Hash).collect();
    check_tree(&proof, new_size, Hash(new_root), old_size, Hash(old_root)).is_ok()
}

//! The body of `add-checkpoint`: an old size, a proof from there, and a signed checkpoint.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::{NotACheckpoint, SignedCheckpoint};
use crate::limits::CONSISTENCY_PROOF_MAX;

/// Why a request cannot be understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Malformed {
    /// The first line.
    #[error("the first line is not `old` and a size")]
    OldSize,
    /// A line of the proof.
    #[error(
        "a line of the proof is no hash in base64, or there are more than {CONSISTENCY_PROOF_MAX}"
    )]
    Proof,
    /// What follows the proof.
    #[error("no checkpoint follows the proof: {0}")]
    Checkpoint(#[from] NotACheckpoint),
    /// It asks to go back.
    #[error("the old size is greater than that of the checkpoint")]
    Backwards,
}

/// A request to cosign.
#[derive(Debug)]
pub struct AddCheckpoint {
    old: u64,
    proof: Vec<[u8; 32]>,
    checkpoint: SignedCheckpoint,
}

impl AddCheckpoint {
    /// Reads the body.
    pub fn parse(body: &[u8]) -> Result<AddCheckpoint, Malformed> {
        let (first, mut rest) = line(body).ok_or(Malformed::OldSize)?;
        let old = first.strip_prefix("old ").and_then(decimal);
        let old = old.ok_or(Malformed::OldSize)?;
        let mut proof = Vec::new();
        loop {
            let (hash, after) = line(rest).ok_or(Malformed::Proof)?;
            rest = after;
            if hash.is_empty() {
                break;
            }
            let hash = STANDARD.decode(hash).map_err(|_| Malformed::Proof)?;
            let hash = hash.try_into().map_err(|_| Malformed::Proof)?;
            if proof.len() >= CONSISTENCY_PROOF_MAX {
                return Err(Malformed::Proof);
            }
            proof.push(hash);
        }
        let checkpoint = SignedCheckpoint::parse(rest)?;
        if old > checkpoint.size() {
            return Err(Malformed::Backwards);
        }
        Ok(AddCheckpoint {
            old,
            proof,
            checkpoint,
        })
    }

    /// The size that the proof starts from.
    pub fn old(&self) -> u64 {
        self.old
    }

    /// The proof.
    pub fn proof(&self) -> &[[u8; 32]] {
        &self.proof
    }

    /// What is to be cosigned.
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

/// Writes the body of a request.
pub fn to_body(old: u64, proof: &[[u8; 32]], checkpoint: &SignedCheckpoint) -> Vec<u8> {
    let mut body = format!("old {old}\n");
    for hash in proof {
        STANDARD.encode_string(hash, &mut body);
        body.push('\n');
    }
    body.push('\n');
    let mut body = body.into_bytes();
    body.extend(checkpoint.to_bytes());
    body
}

/// The text before the next line break, and what comes after it.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = bytes.split_at_checked(end)?;
    let line = std::str::from_utf8(line).ok()?;
    Some((line, rest.get(1..)?))
}

/// A number in its only form.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

//! What a verification is asked and what it finds.

use super::super::error::Damage;
use super::batch::Fault;
use super::hash::Hash;
use super::key::VerifierKey;
use super::note::{Checkpoint, SignedCheckpoint};

/// What a whole journal was found to be.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Verification {
    /// Segments read.
    pub segments: u64,
    /// Records read.
    pub records: u64,
    /// The sequence behind the last record read.
    pub next_sequence: u64,
    /// Bytes behind the last record that are no record: a torn tail, which the next start cuts,
    /// or what the edge is writing just now.
    pub torn_bytes: u64,
    /// Intents without an outcome: in flight, or to be settled by the next start.
    pub open_intents: Vec<u64>,
    /// Outcomes whose intent has its outcome already, or never was.
    pub stray_outcomes: Vec<u64>,
    /// The first place that is not what was written; nothing behind it was read.
    pub damage: Option<Damage>,
    /// The last sequence that a record says was removed; 0 if none was.
    pub removed_through: u64,
    /// What the tree, its tiles and the signatures show to be wrong, the first record first.
    pub faults: Vec<Fault>,
    /// Epochs that started.
    pub epochs: u64,
    /// Epochs without a checkpoint of their own: the gateway stopped at once, or it was taken out.
    pub silent_epochs: Vec<u64>,
    /// Recorded checkpoints that hold.
    pub checkpoints: u64,
    /// The last of them, or the one in the file `checkpoint`.
    pub last_checkpoint: Option<Checkpoint>,
    /// Checkpoints whose epoch's key was removed with the oldest records.
    pub keyless_checkpoints: u64,
    /// Records behind the last checkpoint: these could be cut without a trace here.
    pub exposed: u64,
    /// Records in which an administrator accepted that the journal is behind.
    pub accepted: Vec<u64>,
    /// The root over all records read; `None` where hashes of removed ones are missing.
    pub root: Option<Hash>,
    /// Whether signatures were held against a key that whoever verifies brought along.
    pub key_known: bool,
}

/// What a verification is held against.
#[derive(Clone, Default, Debug)]
pub struct Against {
    /// The gateway's key. Without it signatures are only checked among themselves.
    pub key: Option<VerifierKey>,
    /// A checkpoint that was kept elsewhere.
    pub checkpoint: Option<SignedCheckpoint>,
}

impl Verification {
    /// Whether all is as it must be.
    pub fn is_sound(&self) -> bool {
        self.damage.is_none() && self.stray_outcomes.is_empty() && self.faults.is_empty()
    }

    /// The first record that is not as it must be.
    pub fn first_bad(&self) -> Option<u64> {
        let damage = self.damage.iter().map(|damage| damage.sequence);
        let faults = self.faults.iter().map(|fault| fault.sequence);
        let strays = self.stray_outcomes.iter().copied();
        damage.chain(faults).chain(strays).min()
    }
}

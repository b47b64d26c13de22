//! What a verification takes from a run of records: their hashes, and the few that have to be
//! looked at whole.

use std::collections::BTreeSet;

use interlock_protocols::record::{Heading, kind};

use super::super::walk::Line;
use super::hash::Hash;
use crate::limits::TREE_TILE_HASHES;

/// Records in a row.
#[derive(Default)]
pub(super) struct Batch {
    /// Sequence of the first.
    pub(super) first: u64,
    pub(super) leaves: Vec<Hash>,
    /// Roots of the whole tiles of leaves among them, if somebody made them already.
    pub(super) tiles: Vec<Hash>,
    /// Intents without an outcome among them.
    pub(super) open: Open,
    /// Outcomes of no intent among them, with the intent that they name.
    pub(super) unmatched: Vec<(u64, u64)>,
    /// Records that say something of the journal itself, whole.
    pub(super) acts: Vec<Line>,
    pub(super) faults: Vec<Fault>,
}

/// Hashes for which room is made ahead: a head may say any size.
const ROOM_MAX: usize = 1 << 20;

/// Something that is not as it must be, and the first record that it touches.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Fault {
    /// The first record that is touched.
    pub sequence: u64,
    /// What is wrong, in words.
    pub what: String,
}

/// Intents without an outcome. Nearly all have theirs a few records on, so the last ones are
/// looked through before the many are.
#[derive(Default)]
pub(super) struct Open {
    last: Vec<u64>,
    many: BTreeSet<u64>,
}

/// Intents that are looked through one by one.
const LAST_MAX: usize = 32;

impl Open {
    fn insert(&mut self, intent: u64) {
        if self.last.len() >= LAST_MAX {
            self.many.extend(self.last.drain(..));
        }
        self.last.push(intent);
    }

    /// Whether it was open.
    pub(super) fn remove(&mut self, intent: u64) -> bool {
        match self.last.iter().rposition(|open| *open == intent) {
            Some(at) => {
                self.last.swap_remove(at);
                true
            }
            None => self.many.remove(&intent),
        }
    }

    /// Takes over all that is open in `other`.
    pub(super) fn append(&mut self, other: &mut Open) {
        self.many.append(&mut other.many);
        self.many.extend(other.last.drain(..));
    }

    /// All of them, in order.
    pub(super) fn into_vec(mut self) -> Vec<u64> {
        self.many.extend(self.last);
        self.many.into_iter().collect()
    }
}

impl Batch {
    /// A batch with room for the records of a segment of `bytes`, most of which are longer than
    /// a hundred.
    pub(super) fn of_segment(first: u64, bytes: u64) -> Batch {
        let records = usize::try_from(bytes / 128).unwrap_or_default();
        Batch {
            leaves: Vec::with_capacity(records.min(ROOM_MAX)),
            ..Batch::new(first)
        }
    }

    pub(super) fn new(first: u64) -> Batch {
        Batch {
            first,
            ..Batch::default()
        }
    }

    /// The sequence behind the last record.
    pub(super) fn next(&self) -> u64 {
        self.first + self.leaves.len() as u64
    }

    /// Adds the record that comes next. `Err` says why it can be none of ours.
    pub(super) fn take(
        &mut self,
        (heading, place): (Heading, (u64, u64)),
        bytes: &[u8],
        leaf: Hash,
    ) -> Result<(), &'static str> {
        let sequence = heading.sequence;
        match heading.kind {
            kind::INTENT => self.open.insert(sequence),
            kind::OUTCOME => {
                let intent = Heading::first_number(bytes).ok_or("the outcome names no intent")?;
                if !self.open.remove(intent) {
                    self.unmatched.push((sequence, intent));
                }
            }
            kind::EPOCH_STARTED
            | kind::CHECKPOINTED
            | kind::RECORDS_REMOVED
            | kind::JOURNAL_ACCEPTED => {
                self.acts.push(Line {
                    sequence,
                    kind: heading.kind,
                    time_ms: heading.time_ms,
                    place,
                    bytes: bytes.to_vec(),
                });
            }
            1..=kind::LAST => {}
            _ => return Err("the record is of a type that this program does not know"),
        }
        self.leaves.push(leaf);
        Ok(())
    }

    /// Leaves before the first tile that is whole among them, and the whole tiles.
    pub(super) fn whole_tiles(&self) -> (usize, impl Iterator<Item = &[Hash]>) {
        let width = TREE_TILE_HASHES as u64;
        let index = self.first.saturating_sub(1);
        let before = usize::try_from(index.next_multiple_of(width) - index).unwrap_or(0);
        let leaves = self.leaves.get(before..).unwrap_or_default();
        let (tiles, _) = leaves.as_chunks::<TREE_TILE_HASHES>();
        (before, tiles.iter().map(<[Hash; _]>::as_slice))
    }
}

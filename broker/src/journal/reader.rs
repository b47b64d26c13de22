//! Reading a journal, also while the edge writes to it. A reader takes no lock and changes
//! nothing. It sees what is written, which may be a moment before it is durable.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use interlock_protocols::record::{Event, Record};

use super::directory::Directory;
use super::error::{Damage, Fault};
use super::storage::Storage;
use super::walk::Walk;

/// Why the next record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The journal is not what was written.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// The disk or its folder.
    #[error(
        "the journal cannot be read: {0}; look at the folder and its rights (the edge's user owns it)"
    )]
    Storage(#[from] io::Error),
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> ReadError {
        match fault {
            Fault::Damage(damage) => ReadError::Damage(damage),
            Fault::Io(error) => ReadError::Storage(error),
        }
    }
}

/// The records of a journal, in order, up to its end as it was met. Ends behind the first error.
pub struct Records {
    walk: Walk,
    from: u64,
    ended: bool,
}

/// Reads the journal in `dir`.
pub fn read(dir: &Path) -> Result<Records, ReadError> {
    read_storage(Box::new(Directory::read_only(dir)))
}

/// Reads a journal kept elsewhere.
pub fn read_storage(storage: Box<dyn Storage>) -> Result<Records, ReadError> {
    // A folder that is not there is no empty journal.
    storage.segments()?;
    Ok(Records {
        walk: Walk::new(storage),
        from: 1,
        ended: false,
    })
}

impl Records {
    /// Begins at record `sequence`; whole segments before it are not read.
    pub fn starting_at(mut self, sequence: u64) -> Result<Records, ReadError> {
        self.walk.skip_to(sequence)?;
        self.from = sequence;
        Ok(self)
    }
}

impl Iterator for Records {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let fault = match self.walk.step() {
                Ok(Some(line)) if line.sequence < self.from => continue,
                Ok(Some(line)) => match Record::decode(&line.bytes) {
                    Ok(record) => return Some(Ok(record)),
                    Err(error) => self.walk.damaged(&line, error.to_string()),
                },
                Ok(None) => {
                    self.ended = true;
                    continue;
                }
                Err(fault) => fault,
            };
            self.ended = true;
            return Some(Err(fault.into()));
        }
        None
    }
}

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
}

impl Verification {
    /// Whether all is as it must be.
    pub fn is_sound(&self) -> bool {
        self.damage.is_none() && self.stray_outcomes.is_empty()
    }
}

/// Reads all of the journal in `dir`: frames, checksums, sequences, durable ends, every record,
/// and that no intent has two outcomes.
pub fn verify(dir: &Path) -> Result<Verification, ReadError> {
    verify_storage(Box::new(Directory::read_only(dir)))
}

/// The same for a journal kept elsewhere.
pub fn verify_storage(storage: Box<dyn Storage>) -> Result<Verification, ReadError> {
    storage.segments()?;
    let mut walk = Walk::new(storage);
    let mut found = Verification::default();
    let mut open = BTreeSet::new();
    let mut removed = 0;
    loop {
        let decoded = match walk.step() {
            Ok(Some(line)) => match Record::decode(&line.bytes) {
                Ok(record) => Ok(Some(record)),
                Err(error) => Err(walk.damaged(&line, error.to_string())),
            },
            Ok(None) => Ok(None),
            Err(fault) => Err(fault),
        };
        match decoded {
            Ok(Some(record)) => {
                found.records += 1;
                match record.event {
                    Event::Intent(_) => {
                        open.insert(record.sequence);
                    }
                    Event::RecordsRemoved(gone) => removed = gone.last,
                    // The intent of one at the beginning may have been removed.
                    Event::Outcome(outcome)
                        if !open.remove(&outcome.intent) && outcome.intent >= walk.first() =>
                    {
                        found.stray_outcomes.push(record.sequence);
                    }
                    _ => {}
                }
            }
            Ok(None) => {
                found.torn_bytes = walk.torn_bytes()?;
                if let Err(Fault::Damage(damage)) = walk.judge_beginning(removed) {
                    found.damage = Some(damage);
                }
                break;
            }
            Err(Fault::Damage(damage)) => {
                found.damage = Some(damage);
                break;
            }
            Err(Fault::Io(error)) => return Err(error.into()),
        }
    }
    found.segments = walk.segment();
    found.next_sequence = walk.next_sequence();
    found.open_intents = open.into_iter().collect();
    Ok(found)
}

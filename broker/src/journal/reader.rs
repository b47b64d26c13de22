//! Reading a journal, also while the edge writes to it. A reader takes no lock and changes
//! nothing. It sees what is written, which may be a moment before it is durable.

use std::io;
use std::path::Path;

use interlock_protocols::record::Record;

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

//! Following a journal that is being written: what forwards it, searches it and signs it reads
//! the same bytes from the same files, each at its own pace, and none stands in the write path.

use std::path::Path;

use super::directory::Directory;
use super::reader::ReadError;
use super::storage::Storage;
use super::walk::{Line, Walk};

/// Reads a journal from some sequence on, and goes on where it stopped.
pub struct Follower {
    walk: Walk,
    from: u64,
}

impl Follower {
    /// Follows the journal in `dir` from record `from` on. Where that is no longer there, from
    /// the oldest that is.
    pub fn new(dir: &Path, from: u64) -> Result<Follower, ReadError> {
        Follower::of(Box::new(Directory::read_only(dir)), from)
    }

    /// Follows a journal kept elsewhere.
    pub fn of(storage: Box<dyn Storage>, from: u64) -> Result<Follower, ReadError> {
        let mut walk = Walk::new(storage);
        walk.skip_to(from)?;
        Ok(Follower { walk, from })
    }

    /// The sequence that comes next, as far as it is known.
    pub fn next_sequence(&self) -> u64 {
        self.from.max(self.walk.next_sequence())
    }

    /// The next records, at most `most` of them and none behind `through`. Give as `through` what
    /// [`super::Journal::durable`] says: a record that a power cut may still take must not be
    /// forwarded.
    pub fn read(&mut self, through: u64, most: usize) -> Result<Vec<Line>, ReadError> {
        let mut lines = Vec::new();
        if self.walk.next_sequence() <= through {
            self.walk.refresh();
        }
        while lines.len() < most && self.walk.next_sequence() <= through {
            match self.walk.step()? {
                Some(line) if line.sequence < self.from => {}
                Some(line) => lines.push(line),
                None => break,
            }
        }
        Ok(lines)
    }
}

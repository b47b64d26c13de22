//! The next segment, made on a thread of its own before it is needed: writing its zeros takes
//! the disk hundreds of times as long as a record.

use std::io;
use std::thread::{self, JoinHandle};

use super::storage::{SegmentFile, Storage};

/// A file of zeros, and its size.
pub(super) type Blank = (Box<dyn SegmentFile>, u64);

#[derive(Default)]
pub(super) enum Next {
    /// Nothing was done for it yet.
    #[default]
    Nothing,
    /// A thread is making it.
    Coming(JoinHandle<io::Result<Blank>>),
    /// It is there.
    Ready(Blank),
}

impl Next {
    /// Begins to make segment `number`.
    pub(super) fn begin(mut maker: Box<dyn Storage>, number: u64, bytes: u64) -> Next {
        let making = thread::Builder::new()
            .name("journal-next".into())
            .spawn(move || Ok((maker.create(number, bytes)?, bytes)));
        // Without a thread it is made when it is needed.
        making.map_or(Next::Nothing, Next::Coming)
    }

    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Next::Nothing)
    }

    /// Gives it out. If it is being made, waits: making it a second time would take no less.
    /// `None` where nothing was begun, an error where making it failed.
    pub(super) fn take(&mut self) -> io::Result<Option<Blank>> {
        match std::mem::take(self) {
            Next::Nothing => Ok(None),
            Next::Ready(blank) => Ok(Some(blank)),
            Next::Coming(thread) => match thread.join() {
                Ok(made) => made.map(Some),
                Err(_) => Err(io::Error::other("making a segment panicked")),
            },
        }
    }

    /// Whether making it has ended, one way or the other.
    pub(super) fn is_settled(&self) -> bool {
        match self {
            Next::Coming(thread) => thread.is_finished(),
            _ => true,
        }
    }
}

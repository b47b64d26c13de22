//! A stream that watches what is done at the gateway.

use interlock_protocols::conduit::{FromWatcher, Opened, Opening, ToWatcher, Watched};
use quinn::SendStream;

use super::frames::{self, Frames};
use super::{Gateway, faults};
use crate::failure::Failure;

/// What is done, as it is done.
#[derive(Debug)]
pub(crate) struct Watching {
    send: SendStream,
    frames: Frames,
    supervises: bool,
}

impl Gateway {
    /// Begins to watch.
    pub(crate) async fn watch(&self, watched: Watched) -> Result<Watching, Failure> {
        match self.line.open(&Opening::Watch(watched)).await? {
            (Opened::Watch { supervises }, send, recv) => Ok(Watching {
                send,
                frames: Frames::new(recv),
                supervises,
            }),
            _ => Err(faults::unexpected("another answer than a watch")),
        }
    }
}

impl Watching {
    /// Whether this watch can supervise what it sees.
    pub(crate) fn supervises(&self) -> bool {
        self.supervises
    }

    /// The next thing to show; `None` where the gateway has ended it. May be dropped at any time.
    pub(crate) async fn next(&mut self) -> Result<Option<ToWatcher>, Failure> {
        self.frames.next::<ToWatcher>().await
    }

    /// Everything up to this number was shown.
    pub(crate) async fn shown(&mut self, through: u64) -> Result<(), Failure> {
        frames::write(&mut self.send, &FromWatcher::Seen { through }).await
    }

    /// Yes or no to a command that is held.
    pub(crate) async fn answer(&mut self, hold: u64, yes: bool) -> Result<(), Failure> {
        frames::write(&mut self.send, &FromWatcher::Answer { hold, yes }).await
    }
}

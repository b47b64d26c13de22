//! Telling everybody who is there.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;

use crate::limits::ANNOUNCEMENTS_WAITING_MAX;
use crate::mediation::session::Session;

/// From whom all sessions hear.
#[derive(Debug)]
pub(super) struct Announcer(broadcast::Sender<Arc<str>>);

impl Default for Announcer {
    fn default() -> Announcer {
        Announcer(broadcast::Sender::new(ANNOUNCEMENTS_WAITING_MAX))
    }
}

impl Announcer {
    pub(super) fn announce(&self, text: &str) {
        // Nobody may be there to hear it: the log has it, and the journal.
        let _nobody = self.0.send(text.into());
    }

    pub(super) fn listen(&self, first: Vec<String>) -> Announced {
        Announced(Mutex::new((first, self.0.subscribe())))
    }
}

/// What one session was not told yet.
#[derive(Debug)]
pub(in crate::mediation) struct Announced(Mutex<(Vec<String>, broadcast::Receiver<Arc<str>>)>);

impl Announced {
    fn take(&self) -> Vec<String> {
        let mut announced = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, later) = &mut *announced;
        let mut all = std::mem::take(first);
        loop {
            match later.try_recv() {
                Ok(text) => all.push(text.to_string()),
                // What was said last is what holds.
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return all,
            }
        }
    }
}

impl Session {
    /// What everybody is to be told, since this was last asked. Call it after [`Session::tick`].
    pub fn announcements(&self) -> Vec<String> {
        self.inner.announced.take()
    }
}

//! Watching commands as they are decided, and what rests on somebody doing so: supervised windows,
//! commands held for a yes. And the one writer of a device.
//!
//! It comes last, after rules and limits, and only ever takes away: a yes is one more condition.

mod answering;
mod feed;
mod hold;
mod overseeing;
mod queue;
mod reason;
mod seen;
mod supervision;
mod telling;
mod token;
mod watch;
mod writer;

use std::sync::{Mutex, MutexGuard, PoisonError};

use interlock_protocols::conduit::Seen;

use self::feed::Feed;
use self::hold::{Gone, Hold, Holds};
use self::writer::Writers;
use crate::clock::Mono;

pub(super) use overseeing::Overseen;
pub use reason::Oversight;
pub(super) use telling::Telling;
pub use token::TookWriter;
pub use watch::Watch;
pub use writer::Writer;

/// What all sessions share of it.
#[derive(Default)]
pub(super) struct Overseer {
    feed: Feed,
    holds: Mutex<Holds>,
    writers: Mutex<Writers>,
}

impl Overseer {
    /// A session is over: its tokens, and what of it was held.
    pub(super) fn left(&self, session: u64) {
        self.writers().left(session);
        let gone = self.holds().left(session);
        self.settle(gone);
    }

    /// Windows are shut: nobody is asked about what was held under them any more.
    pub(super) fn shut(&self, windows: &[u64]) {
        let gone = self.holds().shut(windows);
        self.settle(gone);
    }

    /// A session is revoked, and what it said yes to serves no longer.
    pub(super) fn revoked(&self, session: u64) {
        let gone = self.holds().disown(session);
        self.settle(gone);
    }

    /// Forgets what has run out.
    fn run_out(&self, now: Mono) {
        let gone = self.holds().run_out(now);
        self.settle(gone);
    }

    fn settle(&self, gone: Vec<(Hold, Gone)>) {
        for (hold, how) in gone {
            let what = match how {
                Gone::Unanswered => "nobody answered in time",
                Gone::Unused => "it had a yes, and was not asked again in time",
                Gone::SessionOver => "its session is over",
                Gone::WindowShut => "its window opens nothing any more",
                Gone::Disowned => "whoever said yes was revoked: it must be asked again",
            };
            self.settled(&hold, what.to_owned());
        }
    }

    fn settled(&self, hold: &Hold, what: String) {
        let number = hold.number;
        let settled = || Some(Seen::Settled { hold: number, what });
        self.feed
            .tell(hold.held.session, &hold.held.device, settled);
    }

    fn holds(&self) -> MutexGuard<'_, Holds> {
        // Each of its steps is whole or not begun.
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writers(&self) -> MutexGuard<'_, Writers> {
        // Each of its steps is whole or not begun.
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

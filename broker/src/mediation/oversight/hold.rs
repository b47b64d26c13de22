//! Commands that wait for a yes. Pure: time is an argument.
//!
//! ```text
//!            asked                 yes, being recorded          recorded
//! (nothing) ------> waits ---------------------------> heard ----------> served once, or runs out
//!                     |  \                               |
//!                     |   no: the same is refused for a while, then forgotten
//!                     runs out                           not recorded: waits
//! ```
//!
//! A yes is for one session, one window, one unit and these bytes. For each point one command waits
//! at the most: another one that touches it comes behind.

use std::collections::BTreeMap;

use interlock_protocols::modbus::{Pdu, UnitId};

use crate::clock::Mono;
use crate::limits::{HOLD_SERVES, HOLDS_MAX, HOLDS_PER_SESSION_MAX};
use crate::subject::SubjectId;

/// A command as it is held: a yes is good for an equal one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Held {
    pub(super) session: u64,
    /// Whose the session is.
    pub(super) subject: SubjectId,
    pub(super) window: u64,
    pub(super) device: String,
    /// As the client named it.
    pub(super) unit: UnitId,
    pub(super) pdu: Pdu,
    /// Names of the points that it writes. One that writes none stands in the way of all others at
    /// its device.
    pub(super) points: Vec<String>,
}

impl Held {
    fn meets(&self, other: &Held) -> bool {
        let shared = || self.points.iter().any(|point| other.points.contains(point));
        let unknown = self.points.is_empty() || other.points.is_empty();
        self.device == other.device && (unknown || shared())
    }
}

/// One hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Hold {
    pub(super) number: u64,
    pub(super) held: Held,
    /// How often it was asked.
    pub(super) asked: u64,
    since: Mono,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Waits,
    /// Somebody said yes, and that is not on the disk yet.
    Heard,
    /// Since when, and the session that said it.
    Yes(Mono, u64),
    No(Mono),
}

impl Hold {
    fn has_run_out(&self, now: Mono) -> bool {
        let since = match self.state {
            State::Waits => self.since,
            State::Heard => return false,
            State::Yes(at, _) | State::No(at) => at,
        };
        now.since(since) >= HOLD_SERVES
    }

    /// Whether it still waits for a word.
    pub(super) fn waits(&self) -> bool {
        matches!(self.state, State::Waits | State::Heard)
    }

    /// When it began.
    pub(super) fn since(&self) -> Mono {
        self.since
    }
}

/// What becomes of a command that takes a yes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    /// It waits, and did not before.
    New(u64),
    /// It waits, and was asked so many times now.
    Again(u64, u64),
    /// It has its yes, which is used up now.
    Serves(u64),
    /// It had a no.
    No(u64),
    /// Another one that touches one of its points is held.
    Behind(u64),
    /// There is no room for one more.
    Full,
}

/// How a hold came to its end without a word, or with one that nobody used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Gone {
    /// Nobody said yes or no in time.
    Unanswered,
    /// It was not asked again in time after the yes.
    Unused,
    /// Its session is over.
    SessionOver,
    /// Its window opens nothing any more.
    WindowShut,
    /// Whoever said yes is revoked.
    Disowned,
}

/// All that is held.
#[derive(Default, Debug)]
pub(super) struct Holds {
    by_number: BTreeMap<u64, Hold>,
    last: u64,
}

impl Holds {
    /// A command that takes a yes is asked.
    pub(super) fn ask(&mut self, held: Held, now: Mono) -> Asked {
        let meets = |hold: &&mut Hold| !hold.has_run_out(now) && hold.held.meets(&held);
        // The same one first: it may stand behind none but itself.
        let same = self.by_number.values_mut();
        let same = same.filter(|hold| hold.held == held).find(meets);
        if let Some(hold) = same {
            let number = hold.number;
            hold.asked = hold.asked.saturating_add(1);
            return match hold.state {
                State::Waits | State::Heard => Asked::Again(number, hold.asked),
                State::No(_) => Asked::No(number),
                State::Yes(..) => {
                    self.by_number.remove(&number);
                    Asked::Serves(number)
                }
            };
        }
        // A no stands in the way of what it was said to, and of nothing else.
        let bars = |hold: &&mut Hold| !matches!(hold.state, State::No(_)) && meets(hold);
        if let Some(other) = self.by_number.values_mut().find(bars) {
            return Asked::Behind(other.number);
        }
        let of_session = |hold: &&Hold| hold.held.session == held.session;
        let theirs = self.by_number.values().filter(of_session).count();
        if self.by_number.len() >= HOLDS_MAX || theirs >= HOLDS_PER_SESSION_MAX {
            return Asked::Full;
        }
        self.last = self.last.saturating_add(1);
        let number = self.last;
        let hold = Hold {
            number,
            held,
            asked: 1,
            since: now,
            state: State::Waits,
        };
        self.by_number.insert(number, hold);
        Asked::New(number)
    }

    /// Somebody says yes. It is theirs to have that recorded, and to say [`Holds::serve`] or
    /// [`Holds::let_go`] then. `None` where nothing waits under this number, or somebody else is at
    /// it.
    pub(super) fn hear(&mut self, number: u64, now: Mono) -> Option<Hold> {
        let hold = self.waiting(number, now)?;
        hold.state = State::Heard;
        Some(hold.clone())
    }

    /// The yes is on the disk: the command may pass once. False where it is gone meanwhile.
    pub(super) fn serve(&mut self, number: u64, by: u64, now: Mono) -> bool {
        self.heard(number, State::Yes(now, by))
    }

    /// The yes could not be recorded, and so was none.
    pub(super) fn let_go(&mut self, number: u64) {
        self.heard(number, State::Waits);
    }

    /// Somebody says no.
    pub(super) fn refuse(&mut self, number: u64, now: Mono) -> Option<Hold> {
        let hold = self.waiting(number, now)?;
        hold.state = State::No(now);
        Some(hold.clone())
    }

    /// Forgets what has run out, and gives those that had not been told to be over.
    pub(super) fn run_out(&mut self, now: Mono) -> Vec<(Hold, Gone)> {
        self.forget(|hold| hold.has_run_out(now), Gone::Unanswered)
    }

    /// A session is over, and with it all that it asked for.
    pub(super) fn left(&mut self, session: u64) -> Vec<(Hold, Gone)> {
        self.forget(|hold| hold.held.session == session, Gone::SessionOver)
    }

    /// Windows open nothing any more, and what waits under one of them never will.
    pub(super) fn shut(&mut self, windows: &[u64]) -> Vec<(Hold, Gone)> {
        self.forget(|hold| windows.contains(&hold.held.window), Gone::WindowShut)
    }

    /// A session is revoked: what it said yes to must be asked again.
    pub(super) fn disown(&mut self, session: u64) -> Vec<(Hold, Gone)> {
        let theirs = |hold: &Hold| matches!(hold.state, State::Yes(_, by) if by == session);
        self.forget(theirs, Gone::Disowned)
    }

    /// Those that wait for a word.
    pub(super) fn waiting_ones(&self, now: Mono) -> impl Iterator<Item = &Hold> {
        let waits = move |hold: &&Hold| hold.waits() && !hold.has_run_out(now);
        self.by_number.values().filter(waits)
    }

    fn waiting(&mut self, number: u64, now: Mono) -> Option<&mut Hold> {
        let hold = self.by_number.get_mut(&number)?;
        (hold.state == State::Waits && !hold.has_run_out(now)).then_some(hold)
    }

    fn heard(&mut self, number: u64, then: State) -> bool {
        let hold = self.by_number.get_mut(&number);
        let hold = hold.filter(|hold| hold.state == State::Heard);
        hold.map(|hold| hold.state = then).is_some()
    }

    fn forget(&mut self, over: impl Fn(&Hold) -> bool, how: Gone) -> Vec<(Hold, Gone)> {
        let mut gone = Vec::new();
        self.by_number.retain(|_, hold| {
            if !over(hold) {
                return true;
            }
            let how = match (hold.state, how) {
                (State::No(_), _) => return false,
                (State::Yes(..), Gone::Unanswered) => Gone::Unused,
                _ => how,
            };
            gone.push((hold.clone(), how));
            false
        });
        gone
    }
}

#[cfg(test)]
mod tests;

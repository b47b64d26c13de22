//! Joins what belongs together into one line: a command, its outcome, and whose session it was.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use interlock_protocols::record::{Event, Outcome, Record, SessionOpened};
use jiff::tz::TimeZone;

use super::line::Line;
use crate::gateway::Shown;
use crate::limits::{LINES_HELD_MAX, SESSIONS_KNOWN_MAX};

/// Lines that wait for an outcome, and those behind them.
#[derive(Debug)]
pub(crate) struct Join {
    zone: TimeZone,
    /// Whether outcomes come after their commands, and lines wait for them.
    waits: bool,
    held: VecDeque<Held>,
    /// Outcomes whose commands come after them.
    early: BTreeMap<u64, Outcome>,
    /// Commands that were shown as open.
    open: BTreeSet<u64>,
    sessions: BTreeMap<u64, Origin>,
}

#[derive(Debug)]
struct Held {
    line: Line,
    open: bool,
}

/// From where somebody came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Origin {
    pub(super) peer: String,
    pub(super) certificate: [u8; 32],
}

impl Join {
    /// For records in the order of the journal.
    pub(crate) fn new(zone: TimeZone) -> Join {
        Join {
            zone,
            waits: true,
            held: VecDeque::new(),
            early: BTreeMap::new(),
            open: BTreeSet::new(),
            sessions: BTreeMap::new(),
        }
    }

    /// Whether a line is to wait for an outcome that may yet come.
    pub(super) fn wait(&mut self, waits: bool) {
        self.waits = waits;
    }

    /// Takes what comes next; gives the lines that are complete now.
    pub(crate) fn take(&mut self, shown: Shown) -> Vec<Line> {
        let (record, matches) = match shown {
            Shown::Match(record) => (record, true),
            Shown::Outcome(record) => (record, false),
            Shown::Session(record) => {
                self.note(&record);
                return Vec::new();
            }
        };
        self.note(&record);
        if let Event::Outcome(outcome) = &record.event
            && !self.ends_alone(outcome, matches)
        {
            return self.complete();
        }
        let mut line = Line::of(&record, &self.zone);
        if let Some(origin) = line.session.and_then(|session| self.sessions.get(&session)) {
            line.from(origin);
        }
        let mut open = matches!(record.event, Event::Intent(_));
        if open && let Some(outcome) = self.early.remove(&record.sequence) {
            line.ended(&outcome);
            open = false;
        }
        if open && !self.waits {
            self.shown_open(record.sequence);
            open = false;
        }
        self.held.push_back(Held { line, open });
        self.complete()
    }

    /// Puts an outcome where it belongs; true where it has a line of its own.
    fn ends_alone(&mut self, outcome: &Outcome, matches: bool) -> bool {
        let at = self
            .held
            .binary_search_by_key(&outcome.intent, |held| held.line.sequence);
        if let Some(held) = at.ok().and_then(|at| self.held.get_mut(at)) {
            held.line.ended(outcome);
            held.open = false;
            return false;
        }
        if self.open.remove(&outcome.intent) || matches {
            // Its command was before the first record asked for, or is shown already.
            return true;
        }
        self.early.insert(outcome.intent, outcome.clone());
        if self.early.len() > LINES_HELD_MAX {
            self.early.pop_first();
        }
        false
    }

    /// Remembers from where a session came.
    pub(super) fn note(&mut self, record: &Record) {
        if let Event::SessionOpened(opened) = &record.event {
            self.sessions.insert(opened.session, Origin::of(opened));
            if self.sessions.len() > SESSIONS_KNOWN_MAX {
                self.sessions.pop_first();
            }
        }
    }

    /// What is left at the end; commands without an outcome stay open.
    pub(crate) fn rest(&mut self) -> Vec<Line> {
        let held = std::mem::take(&mut self.held);
        for open in held.iter().filter(|held| held.open) {
            self.shown_open(open.line.sequence);
        }
        held.into_iter().map(|held| held.line).collect()
    }

    fn shown_open(&mut self, intent: u64) {
        self.open.insert(intent);
        if self.open.len() > LINES_HELD_MAX {
            self.open.pop_first();
        }
    }

    fn complete(&mut self) -> Vec<Line> {
        let mut complete = Vec::new();
        while let Some(first) = self.held.front() {
            if first.open && self.held.len() <= LINES_HELD_MAX {
                break;
            }
            let Some(first) = self.held.pop_front() else {
                break;
            };
            if first.open {
                self.shown_open(first.line.sequence);
            }
            complete.push(first.line);
        }
        complete
    }
}

impl Origin {
    fn of(opened: &SessionOpened) -> Origin {
        Origin {
            peer: opened.peer.clone(),
            certificate: opened.certificate,
        }
    }
}

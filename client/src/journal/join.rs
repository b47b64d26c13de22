//! Joins a command's intent and its outcome into one line, in the order of the intents.

use std::collections::VecDeque;

use interlock_protocols::record::{Event, Record};
use jiff::tz::TimeZone;

use super::line::Line;
use crate::limits::LINES_HELD_MAX;

/// Lines that wait for an outcome, and those behind them.
#[derive(Debug)]
pub(crate) struct Join {
    zone: TimeZone,
    held: VecDeque<Held>,
}

#[derive(Debug)]
struct Held {
    line: Line,
    open: bool,
}

impl Join {
    pub(crate) fn new(zone: TimeZone) -> Join {
        Join {
            zone,
            held: VecDeque::new(),
        }
    }

    /// Takes the next record; gives the lines that are complete now.
    pub(crate) fn take(&mut self, record: &Record) -> Vec<Line> {
        if let Event::Outcome(outcome) = &record.event {
            let intent = self
                .held
                .binary_search_by_key(&outcome.intent, |held| held.line.sequence);
            if let Some(held) = intent.ok().and_then(|at| self.held.get_mut(at)) {
                held.line.ended(outcome);
                held.open = false;
                return self.complete();
            }
            // Its intent was before the first record asked for, or is shown already.
        }
        self.held.push_back(Held {
            line: Line::of(record, &self.zone),
            open: matches!(record.event, Event::Intent(_)),
        });
        self.complete()
    }

    /// What is left at the end; commands without an outcome stay open.
    pub(crate) fn rest(&mut self) -> Vec<Line> {
        self.held.drain(..).map(|held| held.line).collect()
    }

    fn complete(&mut self) -> Vec<Line> {
        let mut complete = Vec::new();
        while let Some(first) = self.held.front() {
            if first.open && self.held.len() <= LINES_HELD_MAX {
                break;
            }
            complete.extend(self.held.pop_front().map(|held| held.line));
        }
        complete
    }
}

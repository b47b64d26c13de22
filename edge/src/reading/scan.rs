//! Finding answers without the view, by reading: all records while the view is not there, else
//! those that it has not taken up yet.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use interlock_broker::index::{Found, Place, matches};
use interlock_broker::journal::{Follower, Line};
use interlock_broker::limits::VIEW_READ_RECORDS;
use interlock_protocols::conduit::JournalQuery;
use interlock_protocols::record::{Event, Record};

use super::{Failed, unreadable};
use crate::limits::{SCAN_MATCHES_MAX, SCAN_OUTCOME_RECORDS};

/// What a part of the journal holds that answers a question.
#[derive(Default)]
pub(super) struct Scan {
    /// What matches, oldest first.
    pub(super) found: VecDeque<Found>,
    /// Outcomes of intents that stand before this part.
    pub(super) outcomes: BTreeMap<u64, (u64, Place)>,
    /// Openings of sessions.
    pub(super) sessions: BTreeMap<u64, (u64, Place)>,
    /// Intents found whose outcome was not met yet.
    open: BTreeSet<u64>,
    enough_at: Option<u64>,
}

impl Scan {
    /// Reads what follows up to `through`. Ends when `wanted` says that nobody waits any more.
    pub(super) fn of(
        follower: &mut Follower,
        through: u64,
        query: &JournalQuery,
        wanted: impl Fn() -> bool,
    ) -> Result<Scan, Failed> {
        let start = follower.next_sequence();
        let mut scan = Scan::default();
        while wanted() {
            let lines = follower.read(through, VIEW_READ_RECORDS)?;
            for line in &lines {
                scan.take(line, start, query)?;
            }
            if lines.is_empty() || scan.is_over(follower.next_sequence()) {
                break;
            }
        }
        Ok(scan)
    }

    fn take(&mut self, line: &Line, start: u64, query: &JournalQuery) -> Result<(), Failed> {
        let record = Record::decode(&line.bytes).map_err(|why| unreadable(line.sequence, &why))?;
        let here = (line.sequence, line.place);
        match &record.event {
            Event::SessionOpened(opened) => {
                self.sessions.insert(opened.session, here);
            }
            Event::Outcome(outcome) if outcome.intent < start => {
                self.outcomes.insert(outcome.intent, here);
            }
            Event::Outcome(outcome) if self.open.remove(&outcome.intent) => {
                let at = self
                    .found
                    .binary_search_by_key(&outcome.intent, |found| found.sequence);
                if let Some(found) = at.ok().and_then(|at| self.found.get_mut(at)) {
                    found.outcome = Some(here);
                }
            }
            _ => {}
        }
        if self.enough_at.is_some() || !matches(&record, query) {
            return Ok(());
        }
        if let Event::Intent(_) = record.event {
            self.open.insert(line.sequence);
        }
        self.found.push_back(Found {
            sequence: line.sequence,
            place: line.place,
            outcome: None,
        });
        self.bound(line.sequence, query)
    }

    /// Keeps no more than is asked for.
    fn bound(&mut self, sequence: u64, query: &JournalQuery) -> Result<(), Failed> {
        let limit = query.limit.and_then(|limit| usize::try_from(limit).ok());
        if self.found.len() >= limit.unwrap_or(usize::MAX) && !query.newest_first {
            self.enough_at = Some(sequence);
        }
        if self.found.len() > limit.unwrap_or(usize::MAX)
            && let Some(oldest) = self.found.pop_front()
        {
            self.open.remove(&oldest.sequence);
        }
        if self.found.len() > SCAN_MATCHES_MAX {
            return Err(Failed::TooMany);
        }
        Ok(())
    }

    /// Whether what was asked for is there, outcomes included as far as they come soon.
    fn is_over(&self, next: u64) -> bool {
        self.enough_at
            .is_some_and(|at| self.open.is_empty() || next > at + SCAN_OUTCOME_RECORDS)
    }
}

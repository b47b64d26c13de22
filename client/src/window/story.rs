//! All that the journal has of one window, picked out of the records from its request on.

use std::collections::{BTreeMap, BTreeSet};

use interlock_broker::subject::path;
use interlock_protocols::record::{
    CommandResult, Event, KeptApproval, Outcome, Record, Scope, WindowEnd,
};

use super::granted::{Granted, act};

/// One window.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) granted: Granted,
    pub(super) approvals: Vec<KeptApproval>,
    /// How it ended, in words, where a record says so.
    pub(super) ended: Option<String>,
    pub(super) counts: Counts,
    /// All records that belong to it.
    pub(super) records: BTreeSet<u64>,
    /// Commands without an outcome so far.
    open: BTreeSet<u64>,
    /// Outcomes that came before their commands: a gateway tells them so.
    early: BTreeMap<u64, Record>,
    /// The restrictions that revoked it.
    restrictions: BTreeSet<u64>,
    sessions: BTreeSet<u64>,
}

/// What was done.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Counts {
    pub(super) done: u64,
    pub(super) refused_by_device: u64,
    pub(super) unknown: u64,
    pub(super) withheld: u64,
    pub(super) denied: u64,
    pub(super) reads: u64,
}

impl Story {
    pub(super) fn of(granted: Granted) -> Story {
        Story {
            granted,
            approvals: Vec::new(),
            ended: None,
            counts: Counts::default(),
            records: BTreeSet::new(),
            open: BTreeSet::new(),
            early: BTreeMap::new(),
            restrictions: BTreeSet::new(),
            sessions: BTreeSet::new(),
        }
    }

    /// Commands that were sent, or may have been, and whose outcome nobody has recorded yet.
    pub(super) fn unsettled(&self) -> usize {
        self.open.len()
    }

    /// Takes one record; whether it belongs to the window. That of an outcome may be known only
    /// with its command.
    pub(super) fn take(&mut self, record: &Record) -> bool {
        let belongs = match &record.event {
            Event::Outcome(outcome) => return self.outcome(record, outcome),
            Event::Intent(intent) => self.is(intent.window).inspect(|()| {
                self.sessions.insert(intent.session);
                self.open.insert(record.sequence);
                if let Some(early) = self.early.remove(&record.sequence)
                    && let Event::Outcome(outcome) = &early.event
                {
                    self.outcome(&early, outcome);
                }
            }),
            Event::SessionOpened(opened) => {
                if opened.subject == self.granted.by {
                    self.sessions.insert(opened.session);
                }
                None
            }
            _ => self.act(record).or_else(|| self.acts_at(record)),
        };
        if belongs.is_some() {
            self.records.insert(record.sequence);
        }
        belongs.is_some()
    }

    fn is(&self, window: Option<u64>) -> Option<()> {
        (window == Some(self.granted.number)).then_some(())
    }

    /// Steps of the window itself.
    fn act(&mut self, record: &Record) -> Option<()> {
        match &record.event {
            Event::WindowRequested(it) => {
                let number = self.granted.number;
                (record.sequence == number || it.extends == Some(number)).then_some(())
            }
            Event::WindowApproved(it) => self.is(Some(it.window)).inspect(|()| {
                self.approvals.push(KeptApproval {
                    number: record.sequence,
                    time_ms: record.time_ms,
                    approved: it.clone(),
                });
            }),
            Event::WindowRefused(it) => self.is(Some(it.window)).inspect(|()| {
                self.end(format!("refused by {}", path(&it.by)));
            }),
            Event::WindowEnded(it) => self.is(Some(it.window)).inspect(|()| {
                let by = match it.end {
                    WindowEnd::Withdrawn => format!(" by {}", path(&it.by)),
                    WindowEnd::Over | WindowEnd::Lapsed => String::new(),
                };
                self.end(format!("{}{by}", it.end.name()));
            }),
            Event::HoldAnswered(it) => self.is(Some(it.window)),
            Event::BreakGlassOpened(_) => self.is(Some(record.sequence)),
            Event::BreakGlassEnded(it) => self.is(Some(it.opened)).inspect(|()| {
                self.end(it.reason.clone());
            }),
            Event::Restricted(it) => {
                let number = self.granted.number.to_string();
                let this = matches!(&it.scope, Scope::Window(window) if *window == number);
                this.then_some(()).inspect(|()| {
                    self.restrictions.insert(record.sequence);
                    self.end(format!("revoked by {}", path(&it.by)));
                })
            }
            Event::Reinstated(it) => self.restrictions.remove(&it.restriction).then(|| {
                self.ended = None;
            }),
            _ => None,
        }
    }

    fn end(&mut self, how: String) {
        self.ended.get_or_insert(how);
    }

    /// What its holder did at the device besides, and who watched.
    fn acts_at(&mut self, record: &Record) -> Option<()> {
        if let Event::WatchOpened(it) = &record.event {
            let watched = it
                .watched
                .is_some_and(|session| self.sessions.contains(&session));
            return (watched || it.device == self.granted.device()).then_some(());
        }
        let (subject, device, first_ms, last_ms) = act(record)?;
        if !self.granted.is_open_to(subject, device, first_ms, last_ms) {
            return None;
        }
        let counts = &mut self.counts;
        match &record.event {
            Event::Denial(_) => counts.denied = counts.denied.saturating_add(1),
            Event::DenialSummary(it) => counts.denied = counts.denied.saturating_add(it.count),
            Event::ReadSummary(it) => counts.reads = counts.reads.saturating_add(it.count),
            _ => {}
        }
        Some(())
    }

    fn outcome(&mut self, record: &Record, outcome: &Outcome) -> bool {
        if !self.open.remove(&outcome.intent) {
            if !self.records.contains(&outcome.intent) {
                self.early.insert(outcome.intent, record.clone());
                // Those of other windows never find their command here.
                if self.early.len() > crate::limits::LINES_HELD_MAX {
                    self.early.pop_first();
                }
            }
            return false;
        }
        self.records.insert(record.sequence);
        let counts = &mut self.counts;
        let counted = match &outcome.result {
            CommandResult::Answered { .. } => &mut counts.done,
            CommandResult::Exception { .. } => &mut counts.refused_by_device,
            CommandResult::Withheld { .. } => &mut counts.withheld,
            CommandResult::Unknown { .. } => &mut counts.unknown,
        };
        *counted = counted.saturating_add(1);
        true
    }
}

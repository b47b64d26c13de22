//! What was used, counted from the records of a time.

use std::collections::{BTreeMap, BTreeSet};

use interlock_protocols::conduit::WindowRow;
use interlock_protocols::grant::Kind;
use interlock_protocols::record::{
    CommandResult, Event, KeptApproval, Outcome, PointValue, Record, Scope,
};

use super::Period;
use crate::limits::LINES_HELD_MAX;
use crate::window::granted::{Granted, act};

/// All that was counted.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) period: Period,
    /// What the windows say that were asked for, in this time or before.
    pub(super) windows: BTreeMap<u64, Known>,
    /// What was done in each window.
    pub(super) in_windows: BTreeMap<u64, Used>,
    /// What was done without, by whom.
    pub(super) without: BTreeMap<String, Used>,
    open: BTreeMap<u64, (Place, Vec<PointValue>)>,
    /// Outcomes that came before their commands: a gateway tells them so.
    early: BTreeMap<u64, Outcome>,
}

/// A window, and what became of it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) granted: Granted,
    pub(super) approvals: Vec<KeptApproval>,
    pub(super) state: String,
    /// The gateway listed it, and knows how it stands.
    listed: bool,
}

/// What somebody did.
#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Used {
    pub(super) subject: String,
    pub(super) devices: BTreeSet<String>,
    pub(super) done: u64,
    pub(super) refused_by_device: u64,
    pub(super) unknown: u64,
    pub(super) withheld: u64,
    pub(super) open: u64,
    pub(super) reads: u64,
    pub(super) denied: u64,
    pub(super) held_yes: u64,
    pub(super) held_no: u64,
    /// By point.
    pub(super) values: BTreeMap<String, Values>,
}

impl Used {
    /// Commands with effect that counted: all but those that were withheld.
    pub(super) fn writes(&self) -> u64 {
        [self.done, self.refused_by_device, self.unknown, self.open]
            .iter()
            .sum()
    }

    fn write(&mut self, points: &[PointValue]) {
        for point in points {
            let values = self.values.entry(point.name.clone()).or_default();
            values.unit.clone_from(&point.unit);
            if let Some(value) = point.value {
                values.range = Some(match values.range {
                    Some((min, max)) => (value.min(min), value.max(max)),
                    None => (value, value),
                });
            }
        }
    }
}

/// The values that were written to a point.
#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Values {
    /// The least and the greatest; `None` where no command said one.
    pub(super) range: Option<(f64, f64)>,
    pub(super) unit: String,
}

#[derive(Clone, Debug)]
enum Place {
    Window(u64),
    Without(String),
}

impl Tally {
    pub(super) fn new(period: Period) -> Tally {
        Tally {
            period,
            windows: BTreeMap::new(),
            in_windows: BTreeMap::new(),
            without: BTreeMap::new(),
            open: BTreeMap::new(),
            early: BTreeMap::new(),
        }
    }

    /// Takes up a window that the gateway lists.
    pub(super) fn know(&mut self, row: &WindowRow) {
        let known = Known {
            granted: Granted::of_row(row),
            approvals: row.approvals.clone(),
            state: row.state.name().to_owned(),
            listed: true,
        };
        self.windows.insert(row.window, known);
    }

    /// Takes one record, in the order in which it is told.
    pub(super) fn take(&mut self, record: &Record) {
        match &record.event {
            Event::Intent(intent) => {
                let place = match intent.window {
                    Some(window) => Place::Window(window),
                    None => Place::Without(intent.subject.clone()),
                };
                let used = self.used(&place, &intent.subject);
                used.devices.insert(intent.device.clone());
                self.open
                    .insert(record.sequence, (place, intent.points.clone()));
                if let Some(outcome) = self.early.remove(&record.sequence) {
                    self.outcome(&outcome);
                }
            }
            Event::Outcome(outcome) => self.outcome(outcome),
            Event::HoldAnswered(it) => {
                let used = self.in_windows.entry(it.window).or_default();
                let answer = if it.yes {
                    &mut used.held_yes
                } else {
                    &mut used.held_no
                };
                *answer = answer.saturating_add(1);
            }
            _ => {
                self.step(record);
                self.act(record);
            }
        }
    }

    fn used(&mut self, place: &Place, subject: &str) -> &mut Used {
        let used = match place {
            Place::Window(window) => self.in_windows.entry(*window).or_default(),
            Place::Without(subject) => self.without.entry(subject.clone()).or_default(),
        };
        if used.subject.is_empty() {
            subject.clone_into(&mut used.subject);
        }
        used
    }

    fn outcome(&mut self, outcome: &Outcome) {
        let Some((place, points)) = self.open.remove(&outcome.intent) else {
            self.early.insert(outcome.intent, outcome.clone());
            if self.early.len() > LINES_HELD_MAX {
                self.early.pop_first();
            }
            return;
        };
        let used = self.used(&place, "");
        let count = match &outcome.result {
            CommandResult::Answered { .. } => &mut used.done,
            CommandResult::Exception { .. } => &mut used.refused_by_device,
            CommandResult::Unknown { .. } => &mut used.unknown,
            CommandResult::Withheld { .. } => &mut used.withheld,
        };
        *count = count.saturating_add(1);
        if !matches!(outcome.result, CommandResult::Withheld { .. }) {
            used.write(&points);
        }
    }

    /// What was asked, approved and ended.
    fn step(&mut self, record: &Record) {
        if let Some(granted) = Granted::of(record) {
            let glass = granted
                .grant()
                .is_some_and(|grant| grant.kind == Kind::BreakGlass);
            let state = if glass { "break-glass" } else { "pending" }.to_owned();
            let known = Known {
                granted,
                approvals: Vec::new(),
                state,
                listed: false,
            };
            // What the gateway lists knows more.
            self.windows.entry(record.sequence).or_insert(known);
            return;
        }
        let (window, state) = match &record.event {
            Event::WindowApproved(it) => {
                let Some(known) = self.windows.get_mut(&it.window) else {
                    return;
                };
                if known
                    .approvals
                    .iter()
                    .all(|before| before.number != record.sequence)
                {
                    known.approvals.push(KeptApproval {
                        number: record.sequence,
                        time_ms: record.time_ms,
                        approved: it.clone(),
                    });
                }
                if known.state != "pending" || !known.is_approved() {
                    return;
                }
                (it.window, "approved".to_owned())
            }
            Event::WindowRefused(it) => (it.window, "refused".to_owned()),
            Event::WindowEnded(it) => (it.window, it.end.name().to_owned()),
            Event::BreakGlassEnded(it) => (it.opened, "break-glass, over".to_owned()),
            Event::Restricted(it) => match &it.scope {
                Scope::Window(window) => (window.parse().unwrap_or(0), "revoked".to_owned()),
                _ => return,
            },
            _ => return,
        };
        if let Some(known) = self.windows.get_mut(&window).filter(|known| !known.listed) {
            known.state = state;
        }
    }

    /// Acts at a device whose records name no window: they are the window's that was open then.
    fn act(&mut self, record: &Record) {
        let Some((subject, device, first_ms, last_ms)) = act(record) else {
            return;
        };
        let open = self.windows.values().find(|known| {
            known.granted.is_open_to(subject, device, first_ms, last_ms) && known.is_approved()
        });
        let place = match open {
            Some(known) => Place::Window(known.granted.number),
            None => Place::Without(subject.to_owned()),
        };
        let used = self.used(&place, subject);
        if !device.is_empty() {
            used.devices.insert(device.to_owned());
        }
        match &record.event {
            Event::Denial(_) => used.denied = used.denied.saturating_add(1),
            Event::DenialSummary(it) => used.denied = used.denied.saturating_add(it.count),
            Event::ReadSummary(it) => used.reads = used.reads.saturating_add(it.count),
            _ => {}
        }
    }

    /// What is open at the end may have been done.
    pub(super) fn end(mut self) -> Tally {
        for (place, points) in std::mem::take(&mut self.open).into_values() {
            let used = self.used(&place, "");
            used.open = used.open.saturating_add(1);
            used.write(&points);
        }
        self
    }
}

impl Known {
    /// Whether enough approvers signed it, or the site root did.
    pub(super) fn is_approved(&self) -> bool {
        let glass = |kind| kind == Kind::BreakGlass;
        self.granted.grant().is_some_and(|grant| glass(grant.kind))
            || self.granted.is_approved(self.approvals.iter())
    }

    /// How often it was open in this time.
    pub(super) fn times_in(&self, period: Period) -> u64 {
        let within = |(start, end): &(i64, i64)| *start < period.until_ms && period.since_ms < *end;
        let times = self.granted.spans_ms().filter(within).count();
        u64::try_from(times).unwrap_or(u64::MAX)
    }
}

//! What one session did that is counted and not recorded one by one: reads, and denials that
//! repeat themselves. Bounded in memory and in what it costs the journal (I9).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use interlock_protocols::modbus::Area;
use interlock_protocols::record::{Denial, DenialSummary, Event, ReadSummary};

use crate::clock::{Mono, Now};
use crate::journal::Journal;
use crate::limits::{
    DENIAL_KEYS_MAX, DENIAL_SUMMARY_EVERY, DENIALS_RECORDED_EACH, READ_KEYS_MAX, READ_SUMMARY_EVERY,
};
use crate::subject::SubjectId;

/// The denial of what is no command, and done to no device.
pub(super) fn act_denied(session: u64, subject: &SubjectId, code: &str, detail: String) -> Denial {
    Denial {
        session,
        subject: subject.to_string(),
        transaction: 0,
        device: String::new(),
        unit: 0,
        pdu: Vec::new(),
        points: Vec::new(),
        reason: code.to_owned(),
        detail,
        policies: Vec::new(),
        exception: None,
    }
}

/// What makes two denials, or two reads, equal.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Key {
    pub(super) device: String,
    pub(super) unit: u8,
    pub(super) function: u8,
    pub(super) area: Option<Area>,
    /// Empty for a read.
    pub(super) reason: &'static str,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    /// Denials: how often it was recorded in full. Reads: how many failed.
    marked: u64,
    /// Since the last summary.
    count: u64,
    first_ms: i64,
    last_ms: i64,
    last_seen: Option<Mono>,
}

impl Tally {
    fn add(&mut self, now: Now) {
        if self.count == 0 {
            self.first_ms = now.wall_ms();
        }
        self.count += 1;
        self.last_ms = now.wall_ms();
    }

    fn join(&mut self, other: &Tally) {
        if self.count == 0 {
            self.first_ms = other.first_ms;
        }
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
        self.count += other.count;
    }
}

struct Counts {
    denials: HashMap<Key, Tally>,
    other_denials: Tally,
    denials_written: Mono,
    reads: HashMap<Key, Tally>,
    reads_written: Mono,
    latest: Now,
}

/// The ledger of one session. Dropping it writes what is left.
pub(super) struct Ledger {
    journal: Journal,
    session: u64,
    subject: String,
    counts: Mutex<Counts>,
}

impl Ledger {
    pub(super) fn new(journal: Journal, session: u64, subject: String, now: Now) -> Ledger {
        Ledger {
            journal,
            session,
            subject,
            counts: Mutex::new(Counts {
                denials: HashMap::new(),
                other_denials: Tally::default(),
                denials_written: now.mono(),
                reads: HashMap::new(),
                reads_written: now.mono(),
                latest: now,
            }),
        }
    }

    /// Notes a denial; true where it is to be recorded in full, for which `allowed` is asked.
    pub(super) fn denied(&self, key: Key, now: Now, allowed: impl FnOnce() -> bool) -> bool {
        let mut counts = self.counts();
        let counts = &mut *counts;
        counts.latest = now;
        let room = counts.denials.len() < DENIAL_KEYS_MAX;
        let tally = match counts.denials.get_mut(&key) {
            Some(tally) => tally,
            None if room => counts.denials.entry(key).or_default(),
            None => {
                counts.other_denials.add(now);
                return false;
            }
        };
        tally.last_seen = Some(now.mono());
        if tally.marked >= u64::from(DENIALS_RECORDED_EACH) {
            tally.add(now);
            return false;
        }
        if !allowed() {
            // Not one summary for each kind either, in each of many sessions.
            counts.other_denials.add(now);
            return false;
        }
        tally.marked += 1;
        true
    }

    /// Notes a read that came to its end.
    pub(super) fn read(&self, mut key: Key, answered: bool, now: Now) {
        let mut counts = self.counts();
        counts.latest = now;
        if counts.reads.len() >= READ_KEYS_MAX && !counts.reads.contains_key(&key) {
            // Without their addresses there are only as many as units and functions.
            key.area = None;
        }
        let tally = counts.reads.entry(key).or_default();
        tally.add(now);
        tally.marked += u64::from(!answered);
    }

    /// Writes the summaries that are due; `allowed` is asked for each kind of denial. The edge
    /// calls this about once a second.
    pub(super) fn tick(&self, now: Now, allowed: impl FnMut() -> bool) {
        let mut counts = self.counts();
        counts.latest = now;
        if now.mono().since(counts.denials_written) >= DENIAL_SUMMARY_EVERY {
            self.write_denials(&mut counts, now, allowed);
        }
        if now.mono().since(counts.reads_written) >= READ_SUMMARY_EVERY {
            self.write_reads(&mut counts, now);
        }
    }

    /// Writes everything that is counted, due or not.
    pub(super) fn flush(&self, now: Now, allowed: impl FnMut() -> bool) {
        let mut counts = self.counts();
        self.write_denials(&mut counts, now, allowed);
        self.write_reads(&mut counts, now);
    }

    /// The last time that anything was noted.
    pub(super) fn latest(&self) -> Now {
        self.counts().latest
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Counting cannot leave the counts half changed in a way that matters.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_denials(&self, counts: &mut Counts, now: Now, mut allowed: impl FnMut() -> bool) {
        counts.denials_written = now.mono();
        for (key, tally) in &mut counts.denials {
            if tally.count == 0 {
                continue;
            }
            if allowed() {
                self.append(now, self.denial_summary(key, tally));
            } else {
                counts.other_denials.join(tally);
            }
            tally.count = 0;
        }
        if counts.other_denials.count > 0 {
            let key = Key {
                device: String::new(),
                unit: 0,
                function: 0,
                area: None,
                reason: "various",
            };
            self.append(now, self.denial_summary(&key, &counts.other_denials));
            counts.other_denials = Tally::default();
        }
        // What has been quiet for a while may be recorded in full again.
        counts.denials.retain(|_, tally| {
            tally
                .last_seen
                .is_some_and(|seen| now.mono().since(seen) < READ_SUMMARY_EVERY)
        });
    }

    fn denial_summary(&self, key: &Key, tally: &Tally) -> Event {
        let (table, first, last) = place(key.area);
        Event::DenialSummary(DenialSummary {
            session: self.session,
            subject: self.subject.clone(),
            device: key.device.clone(),
            function: key.function,
            table,
            first,
            last,
            reason: key.reason.to_owned(),
            count: tally.count,
            first_ms: tally.first_ms,
            last_ms: tally.last_ms,
        })
    }

    fn write_reads(&self, counts: &mut Counts, now: Now) {
        counts.reads_written = now.mono();
        for (key, tally) in counts.reads.drain() {
            let (table, first, last) = place(key.area);
            self.append(
                now,
                Event::ReadSummary(ReadSummary {
                    session: self.session,
                    subject: self.subject.clone(),
                    device: key.device,
                    unit: key.unit,
                    function: key.function,
                    table,
                    first,
                    last,
                    count: tally.count,
                    failed: tally.marked,
                    first_ms: tally.first_ms,
                    last_ms: tally.last_ms,
                }),
            );
        }
    }

    fn append(&self, now: Now, event: Event) {
        // A summary for which there is no room is lost, and counted as refused; the journal is
        // loud about why.
        if let Err(error) = self.journal.append(now.wall_ms(), event) {
            tracing::warn!(session = self.session, %error, "a summary could not be recorded");
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.flush(self.latest(), || true);
    }
}

fn place(area: Option<Area>) -> (Option<u8>, u16, u16) {
    match area {
        Some(area) => (
            Some(area.table.modicon_digit()),
            area.range.first().value(),
            area.range.last().value(),
        ),
        None => (None, 0, 0),
    }
}

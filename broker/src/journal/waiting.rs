//! What waits for the disk, and what becomes of it when the disk fails.
//!
//! A record has its sequence from the moment it is accepted, and keeps it: what was told about
//! "record 7" stays true. So when the disk fails, all that was accepted stays in memory and is
//! written when the disk returns. Whoever waits is refused at once, though. A refused INTENT
//! stays, and its owner records what became of it (I4). So does a restriction, which has taken
//! effect before it came here. Any other refused record must not take effect later, so a record
//! that says what happened takes its place.

use std::collections::{BTreeSet, VecDeque};

use interlock_protocols::limits::RECORD_MAX_BYTES;
use interlock_protocols::record::{Event, JournalRecovered, Record};
use tokio::sync::oneshot;

use super::budget::{Bounds, Options};
use super::error::{Health, Unrecordable};
use super::kind::{Kind, Loads};
use super::writer::{Space, line_bytes};
use crate::limits::{
    JOURNAL_GATHER_MIN, JOURNAL_GROUP_MAX_BYTES, JOURNAL_OPEN_INTENTS_MAX, JOURNAL_WHY_MAX_BYTES,
};
use crate::register::Register;

pub(super) type Answer = Result<(), Unrecordable>;

/// One record on its way to the disk.
pub(super) struct Entry {
    pub(super) sequence: u64,
    pub(super) time_ms: i64,
    pub(super) bytes: Vec<u8>,
    pub(super) kind: Kind,
    waiter: Option<oneshot::Sender<Answer>>,
}

impl Entry {
    /// Tells whoever waits. Nobody may: an append, or a task that is gone.
    pub(super) fn answer(self, answer: Answer) {
        if let Some(waiter) = self.waiter {
            let _ = waiter.send(answer);
        }
    }
}

/// Whether records reach the disk.
pub(super) enum Standing {
    Recording,
    /// They do not, and it is tried again.
    Failed(Failure),
    /// They never will again: the journal could not be opened, or its thread is gone.
    Ended {
        why: String,
    },
}

/// From the first error until everything that was kept is on the disk.
pub(super) struct Failure {
    first: String,
    latest: String,
    since_ms: i64,
    refused: u64,
    /// The record that tells of it, once there is one.
    notice: Option<u64>,
}

pub(super) struct Waiting {
    next: u64,
    entries: VecDeque<Entry>,
    waiters: usize,
    bytes: usize,
    loads: Loads,
    open: BTreeSet<u64>,
    standing: Standing,
    options: Options,
    pub(super) space: Space,
    /// The time of the record that was handed over last: time passes here as it does for those
    /// who record.
    latest_ms: i64,
    pub(super) refused: u64,
    pub(super) held: Option<String>,
    pub(super) closing: bool,
    /// How many were told at once that their records are durable.
    answered: usize,
    /// Something changed that may let a failed journal return.
    pub(super) nudged: bool,
    pub(super) acknowledged: u64,
    pub(super) tree: u64,
    /// The oldest record that the register is made from.
    pub(super) register: Option<u64>,
}

impl Waiting {
    pub(super) fn new(next: u64, standing: Standing, options: Options, latest_ms: i64) -> Waiting {
        Waiting {
            next,
            entries: VecDeque::new(),
            waiters: 0,
            bytes: 0,
            loads: Loads::default(),
            open: BTreeSet::new(),
            standing,
            options,
            space: Space::default(),
            latest_ms,
            refused: 0,
            held: None,
            closing: false,
            answered: 0,
            nudged: false,
            acknowledged: 0,
            tree: 0,
            register: None,
        }
    }

    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn is_failed(&self) -> bool {
        matches!(self.standing, Standing::Failed(_))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is a reason not to wait for more.
    pub(super) fn is_due(&self) -> bool {
        self.waiters > 0 || self.closing || self.bytes >= JOURNAL_GROUP_MAX_BYTES
    }

    /// Whether many were told a moment ago, who are about to come again, and have not all done so.
    pub(super) fn is_gathering(&self) -> bool {
        self.answered >= JOURNAL_GATHER_MIN && self.waiters < self.answered && !self.closing
    }

    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            acknowledged: self.acknowledged,
            tree: self.tree,
            register: self.register,
            open: self.open.first().copied(),
            now_ms: self.latest_ms,
        }
    }

    pub(super) fn health(&self) -> Health {
        match &self.standing {
            Standing::Recording => Health::Good,
            Standing::Failed(failure) => Health::Failed {
                why: failure.latest.clone(),
                since_ms: Some(failure.since_ms),
            },
            Standing::Ended { why } => Health::Failed {
                why: why.clone(),
                since_ms: None,
            },
        }
    }

    /// Assigns the next sequence to `event` and enqueues its record.
    pub(super) fn push(
        &mut self,
        time_ms: i64,
        event: Event,
        waiter: Option<oneshot::Sender<Answer>>,
    ) -> Result<u64, Unrecordable> {
        self.latest_ms = time_ms;
        let kind = Kind::of(&event);
        let accepted = self.accept(time_ms, event, kind, waiter);
        if let Err(error) = &accepted
            && !matches!(error, Unrecordable::NoOpenIntent(_))
        {
            self.refused += 1;
            if let Standing::Failed(failure) = &mut self.standing {
                failure.refused += 1;
            }
        }
        accepted
    }

    fn accept(
        &mut self,
        time_ms: i64,
        event: Event,
        kind: Kind,
        mut waiter: Option<oneshot::Sender<Answer>>,
    ) -> Result<u64, Unrecordable> {
        match &self.standing {
            Standing::Ended { why } => return Err(Unrecordable::Ended { why: why.clone() }),
            _ if self.closing => return Err(Unrecordable::Closed),
            // It holds already, so its record is kept; who waits learns that it is not durable.
            Standing::Failed(failure) if kind == Kind::Restraint => {
                if let Some(waiter) = waiter.take() {
                    let _ = waiter.send(Err(failure.refusal()));
                }
            }
            // What waits, or has an effect, is refused; what only tells of something that
            // happened anyway is kept as long as there is room.
            Standing::Failed(failure) if kind == Kind::Effect || waiter.is_some() => {
                return Err(failure.refusal());
            }
            _ => {}
        }
        let ends = match &event {
            Event::Outcome(outcome) => Some(outcome.intent),
            _ => None,
        };
        if let Some(intent) = ends.filter(|intent| !self.open.contains(intent)) {
            return Err(Unrecordable::NoOpenIntent(intent));
        }
        let sequence = self.next;
        let is_needed = Register::needs(event.kind());
        let record = Record {
            sequence,
            time_ms,
            event,
        };
        let bytes = record.encode();
        if bytes.is_empty() || bytes.len() > RECORD_MAX_BYTES {
            return Err(Unrecordable::TooLarge { bytes: bytes.len() });
        }
        self.room_for(kind, line_bytes(bytes.len()))?;
        // Accepted: from here on nothing may refuse it.
        if is_needed {
            self.register.get_or_insert(sequence);
        }
        if let Kind::Effect = kind {
            self.open.insert(sequence);
        }
        if let Some(intent) = ends {
            self.open.remove(&intent);
        }
        self.enqueue(time_ms, bytes, kind, waiter);
        Ok(sequence)
    }

    /// Outcomes that the opening could not write, nor anything else: they are kept from the
    /// start. The first of them has the next sequence.
    pub(super) fn begin_failed(&mut self, why: &str, outcomes: impl Iterator<Item = Vec<u8>>) {
        for bytes in outcomes {
            self.enqueue(self.latest_ms, bytes, Kind::Outcome, None);
        }
        self.fail(why, Vec::new());
    }

    fn room_for(&mut self, kind: Kind, line: usize) -> Result<(), Unrecordable> {
        if let (Kind::Effect, Some(why)) = (kind, &self.held) {
            return Err(Unrecordable::Held { why: why.clone() });
        }
        let has_room = match kind {
            Kind::Outcome => true,
            Kind::Effect if self.open.len() >= JOURNAL_OPEN_INTENTS_MAX => false,
            _ => self.loads.of(kind).has_room(line),
        };
        if !has_room {
            return match &self.standing {
                Standing::Failed(failure) => Err(failure.refusal()),
                _ => Err(Unrecordable::Full),
            };
        }
        // I9: what is only told has its share of the disk and no more.
        let waiting = (self.bytes + line) as u64;
        if kind == Kind::Telling
            && (self.space.tellings_bytes + waiting > self.options.tellings_max_bytes()
                || self.space.used_bytes + waiting > self.options.tellings_until_bytes())
        {
            return Err(Unrecordable::Spent);
        }
        Ok(())
    }

    fn enqueue(
        &mut self,
        time_ms: i64,
        bytes: Vec<u8>,
        kind: Kind,
        waiter: Option<oneshot::Sender<Answer>>,
    ) {
        let entry = Entry {
            sequence: self.next,
            time_ms,
            bytes,
            kind,
            waiter,
        };
        self.next += 1;
        self.count(&entry);
        self.entries.push_back(entry);
    }

    /// A record of the journal about itself: there is always room for it.
    pub(super) fn note(&mut self, event: Event) -> u64 {
        let (sequence, time_ms) = (self.next, self.latest_ms);
        let kind = Kind::of(&event);
        let bytes = encode(sequence, time_ms, event);
        self.enqueue(time_ms, bytes, kind, None);
        sequence
    }

    /// What goes into the next group: at most `room` bytes of lines, none behind `through`.
    pub(super) fn take(&mut self, room: usize, through: u64) -> Vec<Entry> {
        let mut left = room;
        let mut batch = Vec::new();
        while let Some(entry) = self.entries.front().filter(|e| e.sequence <= through) {
            let line = line_bytes(entry.bytes.len());
            let Some(rest) = left.checked_sub(line) else {
                break;
            };
            left = rest;
            let Some(entry) = self.entries.pop_front() else {
                break;
            };
            self.loads.of(entry.kind).take(line);
            self.bytes -= line;
            self.waiters -= usize::from(entry.waiter.is_some());
            batch.push(entry);
        }
        self.answered = batch.iter().filter(|e| e.waiter.is_some()).count();
        batch
    }

    fn count(&mut self, entry: &Entry) {
        let line = line_bytes(entry.bytes.len());
        self.loads.of(entry.kind).add(line);
        self.bytes += line;
        self.waiters += usize::from(entry.waiter.is_some());
    }

    /// The disk failed while `batch` was on its way there: refuses whoever waits, keeps the rest.
    pub(super) fn fail(&mut self, why: &str, batch: Vec<Entry>) {
        match &mut self.standing {
            Standing::Ended { .. } => {}
            Standing::Failed(failure) => failure.latest = why.to_owned(),
            Standing::Recording => {
                self.standing = Standing::Failed(Failure {
                    first: why.to_owned(),
                    latest: why.to_owned(),
                    since_ms: self.latest_ms,
                    refused: 0,
                    notice: None,
                });
            }
        }
        let behind = self.take(usize::MAX, u64::MAX);
        for entry in batch.into_iter().chain(behind) {
            let kept = self.keep(entry);
            self.count(&kept);
            self.entries.push_back(kept);
        }
    }

    fn keep(&mut self, mut entry: Entry) -> Entry {
        let (Some(waiter), Standing::Failed(failure)) = (entry.waiter.take(), &mut self.standing)
        else {
            return entry;
        };
        if !matches!(entry.kind, Kind::Effect | Kind::Restraint) {
            failure.refused += 1;
            self.refused += 1;
            let place = Event::JournalRecovered(JournalRecovered {
                why: format!("a record was refused: {}", short(&failure.first)),
                since_ms: failure.since_ms,
                refused: 1,
            });
            entry.bytes = encode(entry.sequence, entry.time_ms, place);
        }
        let _ = waiter.send(Err(failure.refusal()));
        entry
    }

    /// The disk takes records again, it seems: puts the record that says so behind all that was
    /// kept, and gives its sequence.
    pub(super) fn notice(&mut self) -> Option<u64> {
        let Standing::Failed(failure) = &self.standing else {
            return None;
        };
        let event = Event::JournalRecovered(JournalRecovered {
            why: short(&failure.first).to_owned(),
            since_ms: failure.since_ms,
            refused: failure.refused,
        });
        let place = failure.notice;
        let kept = self.entries.iter_mut().find(|e| Some(e.sequence) == place);
        let sequence = match kept {
            // It was tried before, and more was refused since.
            Some(entry) => {
                let bytes = encode(entry.sequence, entry.time_ms, event);
                let (before, after) = (line_bytes(entry.bytes.len()), line_bytes(bytes.len()));
                entry.bytes = bytes;
                self.loads.of(Kind::Act).take(before);
                self.loads.of(Kind::Act).add(after);
                self.bytes = self.bytes - before + after;
                entry.sequence
            }
            None => self.note(event),
        };
        if let Standing::Failed(failure) = &mut self.standing {
            failure.notice = Some(sequence);
        }
        Some(sequence)
    }

    /// All that was kept is on the disk, and the notice with it.
    pub(super) fn returned(&mut self) {
        if let Standing::Failed(_) = self.standing {
            self.standing = Standing::Recording;
        }
    }

    /// From now on nothing is recorded; whoever waits is told so.
    pub(super) fn end(&mut self, why: &str) {
        if !matches!(self.standing, Standing::Ended { .. }) {
            let why = why.to_owned();
            self.standing = Standing::Ended { why };
        }
        let Standing::Ended { why } = &self.standing else {
            return;
        };
        let refusal = Unrecordable::Ended { why: why.clone() };
        for entry in self.take(usize::MAX, u64::MAX) {
            entry.answer(Err(refusal.clone()));
        }
    }
}

impl Failure {
    fn refusal(&self) -> Unrecordable {
        Unrecordable::Failed {
            why: self.latest.clone(),
        }
    }
}

fn encode(sequence: u64, time_ms: i64, event: Event) -> Vec<u8> {
    let record = Record {
        sequence,
        time_ms,
        event,
    };
    record.encode()
}

fn short(why: &str) -> &str {
    let mut end = why.len().min(JOURNAL_WHY_MAX_BYTES);
    while !why.is_char_boundary(end) {
        end -= 1;
    }
    why.get(..end).unwrap_or_default()
}

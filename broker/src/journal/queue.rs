//! The hand-over between those who record and the journal thread. A sequence is assigned under
//! the lock that enqueues, so the order on disk is the order of sequences.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use interlock_protocols::limits::RECORD_MAX_BYTES;
use interlock_protocols::record::{Event, Record};
use tokio::sync::{oneshot, watch};

use super::error::{Health, Unrecordable};
use super::writer::line_bytes;
use crate::limits::{
    JOURNAL_GROUP_MAX_BYTES, JOURNAL_LINGER, JOURNAL_OPEN_INTENTS_MAX, JOURNAL_QUEUE_MAX_BYTES,
    JOURNAL_QUEUE_MAX_RECORDS,
};

pub(super) type Answer = Result<(), Unrecordable>;

/// One record on its way to the disk.
pub(super) struct Entry {
    pub(super) sequence: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) waiter: Option<oneshot::Sender<Answer>>,
    kind: Kind,
}

/// Kinds have a budget each (I9): a flood of denials leaves room for effects.
#[derive(Clone, Copy)]
enum Kind {
    /// Commands with effect.
    Effect,
    /// Sessions, policies, the edge itself.
    Act,
    /// What is only told: denials and summaries.
    Telling,
    /// Bounded by the intents that are open, and refused by no budget (I4).
    Outcome,
}

impl Kind {
    fn of(event: &Event) -> Kind {
        match event {
            Event::Intent(_) => Kind::Effect,
            Event::Outcome(_) => Kind::Outcome,
            Event::Denial(_) | Event::DenialSummary(_) | Event::ReadSummary(_) => Kind::Telling,
            Event::EdgeStarted(_)
            | Event::EdgeStopped(_)
            | Event::PolicyActivated(_)
            | Event::SessionOpened(_)
            | Event::SessionEnded(_)
            | Event::JournalRead(_)
            | Event::EpochStarted(_)
            | Event::Checkpointed(_)
            | Event::RecordsRemoved(_)
            | Event::JournalRecovered(_)
            | Event::JournalAccepted(_)
            | Event::SinkProgress(_) => Kind::Act,
        }
    }
}

#[derive(Default)]
struct Load {
    records: usize,
    bytes: usize,
}

impl Load {
    fn has_room(&self, bytes: usize) -> bool {
        self.records < JOURNAL_QUEUE_MAX_RECORDS && self.bytes + bytes <= JOURNAL_QUEUE_MAX_BYTES
    }
}

struct State {
    next: u64,
    entries: VecDeque<Entry>,
    waiters: usize,
    bytes: usize,
    loads: [Load; 4],
    open: BTreeSet<u64>,
    failed: Option<String>,
    closing: bool,
}

/// The queue, shared by all.
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    durable: watch::Sender<u64>,
}

impl Queue {
    pub(super) fn new(next: u64, failed: Option<String>) -> Queue {
        Queue {
            state: Mutex::new(State {
                next,
                entries: VecDeque::new(),
                waiters: 0,
                bytes: 0,
                loads: Default::default(),
                open: BTreeSet::new(),
                failed,
                closing: false,
            }),
            wake: Condvar::new(),
            durable: watch::Sender::new(next.saturating_sub(1)),
        }
    }

    pub(super) fn durable(&self) -> watch::Receiver<u64> {
        self.durable.subscribe()
    }

    /// All records through this sequence are on the disk.
    pub(super) fn settled(&self, through: u64) {
        self.durable.send_replace(through);
    }

    /// Nothing that runs under this lock leaves the state half changed, so a panic elsewhere
    /// does not make it useless.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Assigns the next sequence to `event` and enqueues its record.
    pub(super) fn push(
        &self,
        time_ms: i64,
        event: Event,
        waiter: Option<oneshot::Sender<Answer>>,
    ) -> Result<u64, Unrecordable> {
        let mut state = self.lock();
        let was_due = state.is_due();
        let was_empty = state.entries.is_empty();
        let sequence = state.push(time_ms, event, waiter)?;
        // The thread sleeps until the first record and then until something is due; waking it
        // in between would only cost a switch.
        if was_empty || (!was_due && state.is_due()) {
            self.wake.notify_one();
        }
        Ok(sequence)
    }

    /// What goes into the next group: at most `room` bytes of lines. Waits until somebody waits
    /// for a record, or enough has come together, or a record has lingered. `None` once closing
    /// and all is written.
    pub(super) fn next_batch(&self, room: usize) -> Option<Vec<Entry>> {
        let mut state = self
            .wake
            .wait_while(self.lock(), |state| {
                state.entries.is_empty() && !state.closing
            })
            .unwrap_or_else(PoisonError::into_inner);
        if !state.is_due() {
            (state, _) = self
                .wake
                .wait_timeout_while(state, JOURNAL_LINGER, |state| !state.is_due())
                .unwrap_or_else(PoisonError::into_inner);
        }
        let batch = state.take(room);
        (!batch.is_empty()).then_some(batch)
    }

    /// From now on nothing is recorded; whoever waits is told so.
    pub(super) fn fail(&self, why: &str) {
        let mut state = self.lock();
        let why = state.failed.get_or_insert_with(|| why.to_owned()).clone();
        for entry in state.take(usize::MAX) {
            entry.answer(Err(Unrecordable::Failed { why: why.clone() }));
        }
    }

    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.wake.notify_all();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.lock().closing
    }

    pub(super) fn health(&self) -> Health {
        match &self.lock().failed {
            None => Health::Good,
            Some(why) => Health::Failed { why: why.clone() },
        }
    }
}

impl State {
    fn push(
        &mut self,
        time_ms: i64,
        event: Event,
        waiter: Option<oneshot::Sender<Answer>>,
    ) -> Result<u64, Unrecordable> {
        if let Some(why) = &self.failed {
            return Err(Unrecordable::Failed { why: why.clone() });
        }
        if self.closing {
            return Err(Unrecordable::Closed);
        }
        let kind = Kind::of(&event);
        let sequence = self.next;
        let ends = match &event {
            Event::Outcome(outcome) => Some(outcome.intent),
            _ => None,
        };
        if let Some(intent) = ends.filter(|intent| !self.open.contains(intent)) {
            return Err(Unrecordable::NoOpenIntent(intent));
        }
        let record = Record {
            sequence,
            time_ms,
            event,
        };
        let bytes = record.encode();
        if bytes.is_empty() || bytes.len() > RECORD_MAX_BYTES {
            return Err(Unrecordable::TooLarge { bytes: bytes.len() });
        }
        let line = line_bytes(bytes.len());
        match kind {
            Kind::Outcome => {}
            Kind::Effect if self.open.len() >= JOURNAL_OPEN_INTENTS_MAX => {
                return Err(Unrecordable::Full);
            }
            _ if !self.load(kind).has_room(line) => return Err(Unrecordable::Full),
            _ => {}
        }
        // Accepted: from here on nothing may refuse it.
        if let Kind::Effect = kind {
            self.open.insert(sequence);
        }
        if let Some(intent) = ends {
            self.open.remove(&intent);
        }
        let load = self.load(kind);
        load.records += 1;
        load.bytes += line;
        self.bytes += line;
        self.waiters += usize::from(waiter.is_some());
        self.next += 1;
        self.entries.push_back(Entry {
            sequence,
            bytes,
            waiter,
            kind,
        });
        Ok(sequence)
    }

    /// Whether there is a reason not to wait for more.
    fn is_due(&self) -> bool {
        self.waiters > 0 || self.closing || self.bytes >= JOURNAL_GROUP_MAX_BYTES
    }

    fn take(&mut self, room: usize) -> Vec<Entry> {
        let mut left = room;
        let mut batch = Vec::new();
        while let Some(entry) = self.entries.front() {
            let line = line_bytes(entry.bytes.len());
            let Some(rest) = left.checked_sub(line) else {
                break;
            };
            left = rest;
            let Some(entry) = self.entries.pop_front() else {
                break;
            };
            let load = self.load(entry.kind);
            load.records -= 1;
            load.bytes -= line;
            self.bytes -= line;
            self.waiters -= usize::from(entry.waiter.is_some());
            batch.push(entry);
        }
        batch
    }

    fn load(&mut self, kind: Kind) -> &mut Load {
        let [effects, acts, tellings, outcomes] = &mut self.loads;
        match kind {
            Kind::Effect => effects,
            Kind::Act => acts,
            Kind::Telling => tellings,
            Kind::Outcome => outcomes,
        }
    }
}

impl Entry {
    /// Tells whoever waits. Nobody may: an append, or a task that is gone.
    pub(super) fn answer(self, answer: Answer) {
        if let Some(waiter) = self.waiter {
            let _ = waiter.send(answer);
        }
    }
}

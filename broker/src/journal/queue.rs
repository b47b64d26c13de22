//! The hand-over between those who record and the journal thread. A sequence is assigned under
//! the lock that enqueues, so the order on disk is the order of sequences.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use interlock_protocols::record::Event;
use tokio::sync::{oneshot, watch};

use super::budget::{Bounds, Options, Usage};
use super::error::{Health, Unrecordable};
use super::waiting::{Answer, Entry, Standing, Waiting};
use super::writer::Space;
use crate::limits::{JOURNAL_GATHER, JOURNAL_LINGER};

/// The queue, shared by all.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    durable: watch::Sender<u64>,
    options: Options,
}

impl Queue {
    /// A queue whose records begin at `next`, at the time of the last record there is.
    pub(super) fn new(next: u64, options: Options, latest_ms: i64, space: Space) -> Queue {
        let queue = Queue::of(next, Standing::Recording, options, latest_ms);
        queue.lock().space = space;
        queue
    }

    /// See [`Waiting::begin_failed`].
    pub(super) fn begin_failed(&self, why: &str, outcomes: impl Iterator<Item = Vec<u8>>) {
        self.lock().begin_failed(why, outcomes);
    }

    pub(super) fn is_failed(&self) -> bool {
        self.lock().is_failed()
    }

    /// One that never takes anything.
    pub(super) fn ended(why: String, next: u64) -> Queue {
        Queue::of(next, Standing::Ended { why }, Options::default(), 0)
    }

    fn of(next: u64, standing: Standing, options: Options, latest_ms: i64) -> Queue {
        Queue {
            waiting: Mutex::new(Waiting::new(next, standing, options, latest_ms)),
            wake: Condvar::new(),
            durable: watch::Sender::new(next.saturating_sub(1)),
            options,
        }
    }

    /// Nothing that runs under this lock leaves the state half changed, so a panic elsewhere
    /// does not make it useless.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn durable(&self) -> watch::Receiver<u64> {
        self.durable.subscribe()
    }

    /// All records through this sequence are on the disk, which they fill as `space` says.
    pub(super) fn settled(&self, through: u64, space: Space) {
        self.lock().space = space;
        self.durable.send_replace(through);
    }

    /// Space was given back.
    pub(super) fn fills(&self, space: Space) {
        self.lock().space = space;
    }

    /// Assigns the next sequence to `event` and enqueues its record.
    pub(super) fn push(
        &self,
        time_ms: i64,
        event: Event,
        waiter: Option<oneshot::Sender<Answer>>,
    ) -> Result<u64, Unrecordable> {
        let mut waiting = self.lock();
        let was_due = waiting.is_due();
        let was_empty = waiting.is_empty();
        let was_gathering = waiting.is_gathering();
        let sequence = waiting.push(time_ms, event, waiter)?;
        // The thread sleeps until the first record and then until something is due; waking it
        // in between would only cost a switch.
        let gathered = was_gathering && !waiting.is_gathering();
        if was_empty || gathered || (!was_due && waiting.is_due()) {
            self.wake.notify_one();
        }
        Ok(sequence)
    }

    /// Enqueues a record of the journal about itself.
    pub(super) fn note(&self, event: Event) -> u64 {
        self.lock().note(event)
    }

    /// What goes into the next group: at most `room` bytes of lines. Waits until somebody waits
    /// for a record, or enough has come together, or a record has lingered. `None` once closing
    /// and all is written.
    pub(super) fn next_batch(&self, room: usize) -> Option<Vec<Entry>> {
        let mut waiting = self
            .wake
            .wait_while(self.lock(), |waiting| {
                waiting.is_empty() && !waiting.closing
            })
            .unwrap_or_else(PoisonError::into_inner);
        if !waiting.is_due() {
            (waiting, _) = self
                .wake
                .wait_timeout_while(waiting, JOURNAL_LINGER, |waiting| !waiting.is_due())
                .unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.is_gathering() {
            // The first of many to come again would else have a flush of its own, and all
            // others wait for two.
            (waiting, _) = self
                .wake
                .wait_timeout_while(waiting, JOURNAL_GATHER, |waiting| waiting.is_gathering())
                .unwrap_or_else(PoisonError::into_inner);
        }
        let batch = waiting.take(room, u64::MAX);
        (!batch.is_empty()).then_some(batch)
    }

    /// What is there already and not behind `through`, without waiting.
    pub(super) fn batch_through(&self, room: usize, through: u64) -> Vec<Entry> {
        self.lock().take(room, through)
    }

    /// The disk failed while `batch` was on its way there.
    pub(super) fn fail(&self, why: &str, batch: Vec<Entry>) {
        self.lock().fail(why, batch);
    }

    /// Waits before the disk is tried again; less long if something has changed that may help.
    /// False once closing: it is the last try then.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let (mut waiting, _) = self
            .wake
            .wait_timeout_while(self.lock(), time, |waiting| {
                !waiting.closing && !waiting.nudged
            })
            .unwrap_or_else(PoisonError::into_inner);
        waiting.nudged = false;
        !waiting.closing
    }

    /// See [`Waiting::notice`].
    pub(super) fn notice(&self) -> Option<u64> {
        self.lock().notice()
    }

    pub(super) fn returned(&self) {
        self.lock().returned();
    }

    /// From now on nothing is recorded; whoever waits is told so.
    pub(super) fn end(&self, why: &str) {
        self.lock().end(why);
    }

    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.wake.notify_all();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.lock().closing
    }

    /// Records that are still in memory.
    pub(super) fn left(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn health(&self) -> Health {
        self.lock().health()
    }

    pub(super) fn hold(&self, why: Option<String>) {
        self.lock().held = why;
    }

    pub(super) fn held(&self) -> Option<String> {
        self.lock().held.clone()
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.lock().bounds()
    }

    /// All who must have them have the records through this one.
    pub(super) fn acknowledge(&self, through: u64) {
        let mut waiting = self.lock();
        let helps = through > waiting.acknowledged;
        waiting.acknowledged = through;
        self.nudge(waiting, helps);
    }

    /// The tree has the leaf hashes of the records through this one.
    pub(super) fn tree_has(&self, through: u64) {
        let mut waiting = self.lock();
        let helps = through > waiting.tree;
        waiting.tree = waiting.tree.max(through);
        self.nudge(waiting, helps);
    }

    /// The register is made from the records from this one on, and from none before it.
    pub(super) fn register_from(&self, from: u64) {
        let mut waiting = self.lock();
        let helps = waiting.register.is_some_and(|before| before < from);
        waiting.register = Some(from);
        self.nudge(waiting, helps);
    }

    fn nudge(&self, mut waiting: MutexGuard<'_, Waiting>, helps: bool) {
        if helps && waiting.health() != Health::Good {
            waiting.nudged = true;
            self.wake.notify_all();
        }
    }

    pub(super) fn usage(&self, free_bytes: Option<u64>) -> Usage {
        let waiting = self.lock();
        let space = waiting.space;
        Usage {
            used_bytes: space.used_bytes,
            removable_bytes: space.removable_bytes.min(space.used_bytes),
            allocated_bytes: space.allocated_bytes,
            usable_bytes: self.options.usable_bytes(),
            budget_bytes: self.options.budget_bytes,
            tellings_bytes: space.tellings_bytes,
            tellings_max_bytes: self.options.tellings_max_bytes(),
            written_bytes: space.written_bytes,
            free_bytes,
            segments: space.segments,
            first_sequence: space.first_sequence,
            next_sequence: waiting.next(),
            refused: waiting.refused,
        }
    }
}

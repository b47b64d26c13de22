//! The journal: an append-only log in segments. What is said to be recorded is on the disk.
//!
//! Many hand records over ([`Journal::append`], [`Journal::commit`]), one thread writes them: what
//! came together while the last flush ran becomes one group and shares the next. While the disk
//! fails, nobody is told that anything is recorded; what was accepted stays in memory, and is
//! written when the disk returns.

mod budget;
mod commit;
mod directory;
mod error;
mod follow;
mod kind;
mod layout;
mod memory;
mod point_read;

mod prepare;
mod queue;
mod reader;
mod recover;
mod storage;
#[cfg(test)]
mod tests;
pub mod tree;

mod waiting;
mod walk;
mod window;
mod writer;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use interlock_protocols::record::Event;
use tokio::sync::{oneshot, watch};

use crate::limits::{JOURNAL_SECTOR_BYTES, JOURNAL_SEGMENT_MIN_BYTES};
pub use budget::{Options, Usage, WhenFull};
pub use directory::Directory;
pub use error::{Damage, Health, OpenError, Unrecordable};
pub use follow::Follower;
pub use memory::{Call, Memory};
pub use point_read::PointReader;
use queue::Queue;
pub use reader::{ReadError, Records, read, read_storage};
pub use recover::Recovered;
pub use storage::{SegmentFile, Storage};
pub use tree::{Verification, verify, verify_storage};
use waiting::Answer;
pub use walk::Line;

/// A journal open for writing. Clones are the same journal; the last one to go closes it.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Of a journal that was opened.
    storage: Option<Mutex<Box<dyn Storage>>>,
}

impl Journal {
    /// Reads the journal to its end, cuts a torn tail, records OUTCOME UNKNOWN for every intent
    /// that has no outcome, and starts the journal thread. Damage to what was durable changes
    /// nothing and is an error; see [`Journal::refusing`].
    pub fn open(
        storage: Box<dyn Storage>,
        options: Options,
        now_ms: i64,
    ) -> Result<(Journal, Recovered), OpenError> {
        judge(&options)?;
        let reader = storage.reader();
        let (opening, recovered) = recover::recover(storage, options, now_ms)?;
        let latest_ms = recovered
            .last_time_ms
            .map_or(now_ms, |last| last.max(now_ms));
        let durable = recovered.next_sequence - opening.outcomes.len() as u64;
        let writer = opening.writer;
        let queue = Arc::new(Queue::new(
            durable,
            options,
            latest_ms,
            writer.space(&budget::Bounds::default()),
        ));
        if let Some(from) = recovered.register_from {
            queue.register_from(from);
        }
        if let Some(why) = opening.unwritten {
            tracing::error!(%why, "the journal cannot be written; commands with effect are refused until it can");
            queue.begin_failed(&why, opening.outcomes.into_iter().map(|(_, bytes)| bytes));
        }
        let room = writer::group_room(options.segment_bytes);
        let thread = commit::spawn(Arc::clone(&queue), writer, room)?;
        Ok((Journal::of(queue, Some(thread), Some(reader)), recovered))
    }

    /// A journal that records nothing and says why: with it the edge serves reads while its
    /// real journal cannot be opened, and every command with effect is refused.
    pub fn refusing(why: impl Into<String>) -> Journal {
        Journal::of(Arc::new(Queue::ended(why.into(), 1)), None, None)
    }

    /// The same for a journal that is damaged: what stands before the damage can be read.
    pub fn damaged(damage: &Damage, reader: Box<dyn Storage>) -> Journal {
        // Readers are to meet the damage, and not to take what is before it for all.
        let queue = Queue::ended(damage.to_string(), damage.sequence + 1);
        Journal::of(Arc::new(queue), None, Some(reader))
    }

    /// Whether it was opened for recording, if only once its disk is there again.
    pub fn is_open(&self) -> bool {
        let thread = &self.inner.thread;
        let thread = thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.is_some()
    }

    fn of(
        queue: Arc<Queue>,
        thread: Option<JoinHandle<()>>,
        reader: Option<Box<dyn Storage>>,
    ) -> Journal {
        Journal {
            inner: Arc::new(Inner {
                queue,
                thread: Mutex::new(thread),
                storage: reader.map(Mutex::new),
            }),
        }
    }

    /// Records `event` and does not wait: it is on the disk with the next group, within a fifth
    /// of a second, or as soon as a failed disk has returned. The outcome of an accepted intent
    /// is never refused for want of room; others are, also while they are kept in memory alone.
    /// An intent is never kept.
    pub fn append(&self, now_ms: i64, event: Event) -> Result<u64, Unrecordable> {
        self.inner.queue.push(now_ms, event, None)
    }

    /// Records `event`; the [`Pending`] resolves when it is on the disk. The record stays
    /// whether or not anybody waits for it, unless the disk fails: then the wait ends at once
    /// with an error, and the record will not be there; its sequence goes to a note that says
    /// so. Two stay: an intent, since its owner records that it was withheld (I4), and what was
    /// taken away, since that holds already. While the disk fails, the latter is accepted all
    /// the same, and its wait ends at once.
    pub fn commit(&self, now_ms: i64, event: Event) -> Result<Pending, Unrecordable> {
        let (waiter, answer) = oneshot::channel();
        let sequence = self.inner.queue.push(now_ms, event, Some(waiter))?;
        Ok(Pending { sequence, answer })
    }

    /// The last sequence that is on the disk, as it grows. Whoever tells others of records must
    /// tell of none behind it.
    pub fn durable(&self) -> watch::Receiver<u64> {
        self.inner.queue.durable()
    }

    /// Where it is kept, for reading. A journal that could not be opened has none to give.
    pub fn reader(&self) -> Option<Box<dyn Storage>> {
        let storage = self.inner.storage.as_ref()?;
        Some(
            storage
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .reader(),
        )
    }

    /// Follows the records from `from` on.
    pub fn follow(&self, from: u64) -> Result<Follower, ReadError> {
        let reader = self.reader().ok_or_else(|| {
            let why = "the journal could not be opened";
            std::io::Error::new(std::io::ErrorKind::NotFound, why)
        })?;
        Follower::of(reader, from)
    }

    /// From now on intents are refused: others know more of this journal than is in it.
    pub fn hold(&self, why: impl Into<String>) {
        self.inner.queue.hold(Some(why.into()));
    }

    /// Ends [`Journal::hold`].
    pub fn release(&self) {
        self.inner.queue.hold(None);
    }

    /// Why intents are refused, if they are.
    pub fn held(&self) -> Option<String> {
        self.inner.queue.held()
    }

    /// All that must have the records before they may be removed have those through this one:
    /// every required sink. Before the first call nothing is removed, save to be overwritten.
    /// A lower value than before holds as well.
    pub fn allow_removal(&self, through: u64) {
        self.inner.queue.acknowledge(through);
    }

    /// The tree has kept the leaf hashes of the records through this one. Removal never passes
    /// it, nor does overwriting: before the first call nothing is removed at all.
    pub fn tree_has(&self, through: u64) {
        self.inner.queue.tree_has(through);
    }

    /// The whole register of identities is in records on the disk, of which this is the first.
    /// Removal never passes it, nor does overwriting.
    pub(crate) fn register_kept(&self, first: u64) {
        self.inner.queue.register_from(first);
    }

    /// How much of the disk it takes.
    pub fn usage(&self) -> Usage {
        let storage = self.inner.storage.as_ref();
        let free = storage.and_then(|storage| {
            let storage = storage.lock().unwrap_or_else(PoisonError::into_inner);
            storage.free_bytes().ok().flatten()
        });
        self.inner.queue.usage(free)
    }

    /// Whether it can record.
    pub fn health(&self) -> Health {
        self.inner.queue.health()
    }

    /// Writes and flushes all that was accepted, then ends the thread. Blocks for as long as
    /// the disk takes; one that has failed is tried once more. What comes later is refused.
    pub fn close(&self) {
        self.inner.close();
    }
}

fn judge(options: &Options) -> Result<(), OpenError> {
    let bytes = options.segment_bytes;
    if bytes < JOURNAL_SEGMENT_MIN_BYTES || !bytes.is_multiple_of(JOURNAL_SECTOR_BYTES) {
        return Err(OpenError::SegmentBytes(bytes));
    }
    let least = bytes
        .saturating_mul(4)
        .saturating_add(options.reserve_bytes);
    // A budget of four segments may keep a part of them in reserve.
    if options.budget_bytes < bytes.saturating_mul(4)
        || options.reserve_bytes > options.budget_bytes
    {
        return Err(OpenError::BudgetBytes(least));
    }
    Ok(())
}

impl Inner {
    fn close(&self) {
        self.queue.close();
        // Held while joining, so that a second caller returns no sooner than the first.
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // A panic over there has failed the queue already.
            let _ = thread.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// A record on its way to the disk. Resolves when it is durable, or never will be known to be.
#[derive(Debug)]
#[must_use = "the record is durable only once this has resolved"]
pub struct Pending {
    sequence: u64,
    answer: oneshot::Receiver<Answer>,
}

impl Pending {
    /// The sequence of the record.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

impl Future for Pending {
    type Output = Result<(), Unrecordable>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer).poll(context).map(|answer| {
            // A sender that went without a word went with its thread.
            answer.unwrap_or_else(|_| {
                Err(Unrecordable::Ended {
                    why: "the journal thread ended".into(),
                })
            })
        })
    }
}

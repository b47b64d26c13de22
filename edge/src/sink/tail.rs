//! Reading the journal for a sink: blocking work, each piece on a thread that is only borrowed.

use std::io;
use std::sync::Arc;

use interlock_broker::journal::{Follower, Journal, Line, ReadError};
use interlock_protocols::record::{Event, JournalAccepted, Record, SinkProgress, kind};
use tokio::sync::watch;
use tokio::time::sleep;

use super::{Cursors, SinkError};
use crate::limits::{
    SINK_BATCH_BYTES, SINK_BATCH_RECORDS, SINK_PACE, SINK_READ_RECORDS, SINK_SEARCH_RECORDS,
};

/// The journal as a sink may ask it for single records.
#[derive(Clone)]
pub(crate) struct Shelf {
    journal: Journal,
    durable: watch::Receiver<u64>,
}

impl Shelf {
    pub(super) fn new(journal: &Journal) -> Shelf {
        Shelf {
            journal: journal.clone(),
            durable: journal.durable(),
        }
    }

    /// The last sequence that is on the disk.
    pub(crate) fn last(&self) -> u64 {
        *self.durable.borrow()
    }

    /// As [`Shelf::last`]; what comes after it wakes whoever waits for [`Shelf::grown`].
    pub(super) fn seen(&mut self) -> u64 {
        *self.durable.borrow_and_update()
    }

    /// Waits until there is more on the disk than was seen, and a moment longer: a sink that has
    /// all is not to be woken by each command, on the thread that serves them.
    pub(super) async fn grown(&mut self) {
        if self.durable.changed().await.is_err() {
            // The journal is closed: there is no more to come.
            std::future::pending().await
        }
        sleep(SINK_PACE).await;
    }

    /// One record; `None` when it is no longer there, or not yet.
    pub(crate) async fn record(&self, sequence: u64) -> Result<Option<Line>, SinkError> {
        let (journal, last) = (self.journal.clone(), self.last());
        blocking(move || {
            if sequence == 0 || sequence > last {
                return Ok(None);
            }
            let lines = journal.follow(sequence)?.read(sequence, 1)?;
            Ok(lines.into_iter().next())
        })
        .await
    }

    /// Shows `work` the records from `from` up to `to`, as far as they are there.
    pub(super) async fn show(
        &self,
        from: u64,
        to: u64,
        mut work: impl FnMut(&Line) + Send + 'static,
    ) -> Result<(), SinkError> {
        let journal = self.journal.clone();
        blocking(move || {
            let mut follower = journal.follow(from)?;
            loop {
                let lines = follower.read(to, SINK_SEARCH_RECORDS)?;
                if lines.is_empty() {
                    return Ok(());
                }
                lines.iter().for_each(&mut work);
            }
        })
        .await
    }

    /// What the journal was told behind `seen` of how far this sink is, at the most.
    pub(super) async fn told(&self, sink: &str, seen: u64) -> Result<Option<u64>, SinkError> {
        let (journal, last, sink) = (self.journal.clone(), self.last(), sink.to_owned());
        blocking(move || {
            let mut told = None;
            let mut follower = journal.follow(seen + 1)?;
            loop {
                let lines = match follower.read(last, SINK_SEARCH_RECORDS) {
                    // What stands before the damage is forwarded, and stops there by itself.
                    Err(ReadError::Damage(_)) => return Ok(told),
                    read => read?,
                };
                if lines.is_empty() {
                    return Ok(told);
                }
                for line in &lines {
                    match event_of_interest(line) {
                        Some(Event::SinkProgress(progress)) if progress.sink == sink => {
                            told = told.max(Some(progress.through));
                        }
                        _ => {}
                    }
                }
            }
        })
        .await
    }

    /// Opens the tail behind `through`.
    pub(super) async fn tail(&self, through: u64) -> Result<Tail, SinkError> {
        let journal = self.journal.clone();
        blocking(move || Ok(Tail(journal.follow(through + 1)?))).await
    }

    /// Begins to look for an acceptance.
    pub(super) async fn search(&self, wanted: Wanted) -> Result<Search, SinkError> {
        let from = match &wanted {
            Wanted::Behind(common) => common + 1,
            Wanted::Naming { .. } => 1,
        };
        let journal = self.journal.clone();
        blocking(move || {
            Ok(Search {
                follower: journal.follow(from)?,
                wanted,
                told: 0,
            })
        })
        .await
    }
}

/// Runs blocking work and waits for it.
pub(super) async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, ReadError> + Send + 'static,
) -> Result<R, SinkError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(error) => Err(SinkError::Journal(ReadError::Storage(io::Error::other(
            error,
        )))),
    }
}

/// The records from some sequence on, as they come.
pub(super) struct Tail(Follower);

impl Tail {
    /// Stores how far the sink is, then reads what comes next: as many records as a sink may
    /// hold, none behind `last`.
    pub(super) async fn next(
        mut self,
        last: u64,
        cursors: Arc<dyn Cursors>,
        done: Option<(String, u64)>,
    ) -> Result<(Tail, Vec<Line>), SinkError> {
        blocking(move || {
            if let Some((sink, through)) = done {
                cursors.store(&sink, through);
            }
            let lines = self.read(last)?;
            Ok((self, lines))
        })
        .await
    }

    fn read(&mut self, last: u64) -> Result<Vec<Line>, ReadError> {
        let (mut lines, mut bytes) = (Vec::new(), 0);
        while lines.len() < SINK_BATCH_RECORDS && bytes < SINK_BATCH_BYTES {
            let more = self.0.read(last, SINK_READ_RECORDS)?;
            if more.is_empty() {
                break;
            }
            bytes += more.iter().map(|line| line.bytes.len()).sum::<usize>();
            lines.extend(more);
        }
        Ok(lines)
    }
}

/// Which acceptance explains that a sink knows other records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wanted {
    /// Any behind the last record that both have.
    Behind(u64),
    /// The one that names this sink and what it knew: where the two part is not known.
    Naming { sink: String, through: u64 },
}

/// What was accepted, and behind which record to go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Acceptance {
    pub(super) through: u64,
    pub(super) lineage: [u8; 8],
}

/// Looks for an acceptance in records that are there and in those to come.
pub(super) struct Search {
    follower: Follower,
    wanted: Wanted,
    /// What the sink last recorded as its progress.
    told: u64,
}

impl Search {
    /// Looks through all up to `last`.
    pub(super) async fn look(
        mut self,
        last: u64,
    ) -> Result<(Search, Option<Acceptance>), SinkError> {
        blocking(move || {
            loop {
                let lines = self.follower.read(last, SINK_SEARCH_RECORDS)?;
                if lines.is_empty() {
                    return Ok((self, None));
                }
                if let Some(found) = lines.iter().find_map(|line| self.judge(line)) {
                    return Ok((self, Some(found)));
                }
            }
        })
        .await
    }

    fn judge(&mut self, line: &Line) -> Option<Acceptance> {
        match (event_of_interest(line)?, &self.wanted) {
            (Event::JournalAccepted(accepted), Wanted::Behind(common)) => Some(Acceptance {
                through: *common,
                lineage: accepted.lineage,
            }),
            (Event::JournalAccepted(accepted), Wanted::Naming { sink, through }) => {
                let what = format!("sink {sink}");
                let named = accepted.ahead.iter();
                named
                    .into_iter()
                    .any(|ahead| ahead.what == what && ahead.through == *through)
                    .then_some(Acceptance {
                        // What was recorded before the cut is the last that is sure.
                        through: self.told,
                        lineage: accepted.lineage,
                    })
            }
            (Event::SinkProgress(progress), Wanted::Naming { sink, .. }) => {
                if progress.sink == *sink {
                    self.told = progress.through;
                }
                None
            }
            _ => None,
        }
    }
}

/// Decodes the few records that sinks look for, and no other.
fn event_of_interest(line: &Line) -> Option<Event> {
    let interesting = [kind::JOURNAL_ACCEPTED, kind::SINK_PROGRESS].contains(&line.kind);
    let record = interesting.then(|| Record::decode(&line.bytes).ok())??;
    Some(record.event)
}

/// The lineage that begins with this record, if one does.
pub(super) fn lineage_from(line: &Line) -> Option<[u8; 8]> {
    match event_of_interest(line)? {
        Event::JournalAccepted(JournalAccepted { lineage, .. }) => Some(lineage),
        _ => None,
    }
}

/// Whether a sink that acknowledged this has got on. What the journal says of itself does not
/// count: a record of progress must not be what makes the next one due.
pub(super) fn is_progress(line: &Line) -> bool {
    ![kind::SINK_PROGRESS, kind::CHECKPOINTED].contains(&line.kind)
}

/// What a sink records of itself.
pub(super) fn progress(sink: &str, through: u64) -> Event {
    Event::SinkProgress(SinkProgress {
        sink: sink.to_owned(),
        through,
    })
}

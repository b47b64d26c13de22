//! Answering questions about the journal, from its view and its segments.
//!
//! Every match is read from its segment and judged on its own bytes, wherever it was found. What
//! belongs to it goes out directly before it: the opening of its session, once, and its outcome.
//! Following goes on where the answer ended, on the records themselves.

mod follow;
mod scan;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use interlock_broker::index::{Broken, Found, Search, facts, matches};
use interlock_broker::journal::{Journal, PointReader, ReadError};
use interlock_protocols::conduit::{FrameError, JournalQuery, Message as _, Told};
use interlock_protocols::record::{Event, Record, Unreadable};
use quinn::SendStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use crate::limits::{
    JOURNAL_FOLLOWERS_MAX, JOURNAL_READERS_MAX, MESSAGE_MAX, OPEN_INTENTS_TOLD_MAX, READ_AHEAD,
    READING_DECIDED_EVERY, SEARCH_PAGE, SESSIONS_TOLD_MAX, VIEW_LAG_MAX,
};
use follow::Following;
use scan::Scan;
pub use view::{FoundView, View, keep};

/// Why an answer broke off. There is more than was sent.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Damage, or the disk.
    #[error(transparent)]
    Journal(#[from] ReadError),
    /// The view broke while it was asked.
    #[error("{0}; ask again, the journal itself is read until the view is back")]
    View(#[from] Broken),
    /// Written by a newer program, or no record.
    #[error("record {sequence} cannot be read: {why}")]
    Record {
        /// Its sequence.
        sequence: u64,
        /// Why.
        why: Unreadable,
    },
    /// Too long for the conduit.
    #[error("record {0} does not fit a frame: {1}")]
    Frame(u64, FrameError),
    /// More matches than are held while there is no view.
    #[error(
        "the view of the journal is being built, and without it this is too much to search; ask for less, or later"
    )]
    TooMany,
    /// No place for one more.
    #[error("too many follow the journal already; end one of them")]
    TooManyFollow,
    /// Whoever asked may read it no longer.
    #[error("it may not be read any longer: {0}")]
    NotAnyMore(String),
    /// The stream, or the disk.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn unreadable(sequence: u64, why: &Unreadable) -> Failed {
    Failed::Record {
        sequence,
        why: why.clone(),
    }
}

/// Answers questions.
pub struct Reading {
    journal: Journal,
    view: Arc<View>,
    places: Semaphore,
    followers: Semaphore,
}

impl Reading {
    /// Over this journal and its view.
    pub fn new(journal: Journal, view: Arc<View>) -> Reading {
        Reading {
            journal,
            view,
            places: Semaphore::new(JOURNAL_READERS_MAX),
            followers: Semaphore::new(JOURNAL_FOLLOWERS_MAX),
        }
    }

    /// Sends the answer, each record in a frame. It is found on a thread of its own, a few records
    /// ahead of what the reader takes. An error, damage included, means that there is more than
    /// was sent: the stream must not end as if that were all. `may` decides whether whoever asked may
    /// read at this moment; it is asked again and again, since an answer may go on for days.
    pub async fn answer(
        &self,
        send: &mut SendStream,
        mut query: JournalQuery,
        may: &May<'_>,
    ) -> Result<(), Failed> {
        // What is followed has no newest record.
        query.newest_first &= !query.follow;
        let _follower = match query.follow {
            true => Some(
                self.followers
                    .try_acquire()
                    .map_err(|_| Failed::TooManyFollow)?,
            ),
            false => None,
        };
        // The end is fixed here; the record of this very reading may be behind it.
        let through = *self.journal.durable().borrow();
        let (frames, mut to_send) = mpsc::channel(READ_AHEAD);
        let teller = Teller::new(&self.journal, Arc::clone(&self.view), query, frames)?;
        let follow = teller.query.follow;
        // Each reader holds a thread; too many at once would take those that devices' names are
        // looked up on. The next one waits, its client has other streams to use meanwhile.
        let place = self.places.acquire().await.map_err(io::Error::other)?;
        let mut passing = Passing::new(send, may);
        let history = tokio::task::spawn_blocking(move || teller.history(through));
        passing.pass(&mut to_send).await?;
        let teller = history.await.map_err(io::Error::other)??;
        drop(place);
        if follow && !teller.gone && teller.left > 0 {
            let following = Following::new(self.journal.clone(), teller, through);
            following.run(&mut passing).await?;
        }
        Ok(())
    }
}

/// Decides whether whoever asked may read at this moment, or says why not.
pub type May<'m> = dyn Fn() -> Result<(), String> + Send + Sync + 'm;

/// The way to whoever asked, for as long as he may be told.
struct Passing<'p> {
    send: &'p mut SendStream,
    may: &'p May<'p>,
    decide: Interval,
}

impl<'p> Passing<'p> {
    fn new(send: &'p mut SendStream, may: &'p May<'p>) -> Passing<'p> {
        let mut decide = interval(READING_DECIDED_EVERY);
        decide.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Passing { send, may, decide }
    }

    /// Sends all frames that come.
    async fn pass(&mut self, frames: &mut mpsc::Receiver<Vec<u8>>) -> Result<(), Failed> {
        loop {
            tokio::select! {
                biased;
                _ = self.decide.tick() => (self.may)().map_err(Failed::NotAnyMore)?,
                frame = frames.recv() => match frame {
                    Some(frame) => self.write(&frame).await?,
                    None => return Ok(()),
                },
            }
        }
    }

    async fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        let written = timeout(MESSAGE_MAX, self.send.write_all(frame)).await;
        written?.map_err(io::Error::other)
    }

    /// Resolves when he wants no more, or may have no more.
    async fn ended(&mut self) -> Result<(), Failed> {
        loop {
            tokio::select! {
                _ = self.send.stopped() => return Ok(()),
                _ = self.decide.tick() => (self.may)().map_err(Failed::NotAnyMore)?,
            }
        }
    }
}

/// Puts one answer into frames. Blocks.
struct Teller {
    journal: Journal,
    view: Arc<View>,
    query: JournalQuery,
    reader: PointReader,
    frames: mpsc::Sender<Vec<u8>>,
    /// Matches that may still be told.
    left: u64,
    sessions: BTreeSet<u64>,
    /// Intents that were told without an outcome.
    open: BTreeSet<u64>,
    gone: bool,
}

impl Teller {
    fn new(
        journal: &Journal,
        view: Arc<View>,
        query: JournalQuery,
        frames: mpsc::Sender<Vec<u8>>,
    ) -> Result<Teller, Failed> {
        let storage = journal.reader().ok_or_else(|| {
            let why = "the journal could not be opened";
            io::Error::new(io::ErrorKind::NotFound, why)
        })?;
        Ok(Teller {
            journal: journal.clone(),
            view,
            left: query.limit.unwrap_or(u64::MAX),
            query,
            reader: PointReader::of(storage),
            frames,
            sessions: BTreeSet::new(),
            open: BTreeSet::new(),
            gone: false,
        })
    }

    /// Whether nothing more can be told, or nobody listens.
    fn is_over(&self) -> bool {
        self.gone || self.left == 0 || self.frames.is_closed()
    }

    /// Tells all matches up to `through`.
    fn history(mut self, through: u64) -> Result<Teller, Failed> {
        // A view that is far behind is being built; then everything is read.
        let covered = self.view.applied().min(through);
        let covered = if through - covered > VIEW_LAG_MAX {
            0
        } else {
            covered
        };
        let mut follower = self.journal.follow(covered + 1)?;
        let frames = self.frames.clone();
        let scan = Scan::of(&mut follower, through, &self.query, || !frames.is_closed())?;
        drop(frames);
        if self.query.newest_first {
            for found in scan.found.iter().rev() {
                self.tell(*found, &scan)?;
            }
        }
        if covered > 0 {
            self.search(covered, &scan)?;
        }
        if !self.query.newest_first {
            for found in &scan.found {
                self.tell(*found, &scan)?;
            }
        }
        // Only what follows may speak from here on, and it has a channel of its own.
        self.frames = mpsc::channel(1).0;
        Ok(self)
    }

    fn search(&mut self, through: u64, scan: &Scan) -> Result<(), Failed> {
        let mut search = Search::new(self.query.clone(), through);
        while !search.is_over() && !self.is_over() {
            let given_up = || Broken::Storage("it was given up while it was asked".into());
            let page = self.view.ask(|state| {
                // One that was begun anew meanwhile would take its own end for that of the answer.
                if state.applied() < through {
                    return Err(given_up());
                }
                state.search(&mut search, SEARCH_PAGE)
            });
            let page = page.unwrap_or_else(|| Err(given_up()))?;
            for found in page {
                self.tell(found, scan)?;
            }
        }
        Ok(())
    }

    /// Tells one record, if it matches on its own bytes.
    fn tell(&mut self, found: Found, scan: &Scan) -> Result<(), Failed> {
        if self.is_over() {
            return Ok(());
        }
        // Removed since it was found: nobody can be told of it any more.
        let Some(bytes) = self.reader.read(found.sequence, found.place)? else {
            return Ok(());
        };
        let record = Record::decode(&bytes).map_err(|why| unreadable(found.sequence, &why))?;
        if !matches(&record, &self.query) {
            return Ok(());
        }
        self.tell_session(&record, scan)?;
        if let Event::Intent(_) = record.event {
            let later = || scan.outcomes.get(&found.sequence).copied();
            match found.outcome.or_else(later) {
                Some((sequence, place)) => {
                    if let Some(bytes) = self.reader.read(sequence, place)? {
                        self.send(sequence, &Told::Outcome(bytes))?;
                    }
                }
                None => self.note_open(found.sequence),
            }
        }
        self.tell_match(found.sequence, bytes)
    }

    fn tell_match(&mut self, sequence: u64, bytes: Vec<u8>) -> Result<(), Failed> {
        self.left -= 1;
        self.send(sequence, &Told::Match(bytes))
    }

    /// Tells who opened the session of this record, unless that was told.
    fn tell_session(&mut self, record: &Record, scan: &Scan) -> Result<(), Failed> {
        let Some(session) = facts(&record.event).session else {
            return Ok(());
        };
        if self.sessions.len() >= SESSIONS_TOLD_MAX {
            self.sessions.clear();
        }
        if !self.sessions.insert(session) || matches!(record.event, Event::SessionOpened(_)) {
            return Ok(());
        }
        let opened = match scan.sessions.get(&session) {
            Some(opened) => Some(*opened),
            None => self
                .view
                .ask(|state| state.opened(session))
                .transpose()?
                .flatten(),
        };
        if let Some((sequence, place)) = opened
            && let Some(bytes) = self.reader.read(sequence, place)?
        {
            self.send(sequence, &Told::Session(bytes))?;
        }
        Ok(())
    }

    fn note_open(&mut self, intent: u64) {
        if self.query.follow {
            self.open.insert(intent);
            if self.open.len() > OPEN_INTENTS_TOLD_MAX {
                self.open.pop_first();
            }
        }
    }

    fn send(&mut self, sequence: u64, told: &Told) -> Result<(), Failed> {
        let frame = told
            .to_frame()
            .map_err(|why| Failed::Frame(sequence, why))?;
        // Whoever took the frames knows why he stopped.
        self.gone |= self.frames.blocking_send(frame).is_err();
        Ok(())
    }
}

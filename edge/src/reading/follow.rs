//! Going on with an answer as records are written.

use std::io;

use interlock_broker::index::matches;
use interlock_broker::journal::{Follower, Journal, Line};
use interlock_protocols::conduit::Told;
use interlock_protocols::record::{Event, Record};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::scan::Scan;
use super::{Failed, Passing, Teller, unreadable};
use crate::limits::{FOLLOW_PACE, FOLLOW_RECORDS, READ_AHEAD};

/// An answer that goes on behind `through`.
pub(super) struct Following {
    journal: Journal,
    teller: Teller,
    through: u64,
}

/// What reading a piece takes and leaves.
pub(super) struct Piece {
    pub(super) teller: Teller,
    follower: Follower,
    /// Openings of sessions that passed by.
    passed: Scan,
    more: bool,
}

impl Following {
    pub(super) fn new(journal: Journal, teller: Teller, through: u64) -> Following {
        Following {
            journal,
            teller,
            through,
        }
    }

    /// Tells what is written until the client resets the stream, the journal closes or the limit
    /// is reached. Only what became durable is told, a piece at a time: a reader that is slow, or
    /// whose own reading is a record, makes no thread wait and no record come of itself.
    pub(super) async fn run(self, passing: &mut Passing<'_>) -> Result<(), Failed> {
        let mut durable = self.journal.durable();
        let mut piece = Piece::new(&self.journal, self.teller, self.through)?;
        loop {
            let through = *durable.borrow_and_update();
            let (frames, mut to_send) = mpsc::channel(READ_AHEAD);
            piece.teller.frames = frames;
            let reading = tokio::task::spawn_blocking(move || piece.read(through));
            passing.pass(&mut to_send).await?;
            piece = reading.await.map_err(io::Error::other)??;
            if piece.teller.gone || piece.teller.left == 0 {
                return Ok(());
            }
            if piece.more {
                continue;
            }
            let grown = async {
                sleep(FOLLOW_PACE).await;
                durable.changed().await
            };
            tokio::select! {
                grown = grown => if grown.is_err() {
                    return Ok(());
                },
                ended = passing.ended() => return ended,
            }
        }
    }
}

impl Piece {
    pub(super) fn new(journal: &Journal, teller: Teller, through: u64) -> Result<Piece, Failed> {
        Ok(Piece {
            follower: journal.follow(through + 1)?,
            teller,
            passed: Scan::default(),
            more: true,
        })
    }

    pub(super) fn read(mut self, through: u64) -> Result<Piece, Failed> {
        let lines = self.follower.read(through, FOLLOW_RECORDS)?;
        self.more = lines.len() >= FOLLOW_RECORDS;
        for line in lines {
            self.take(line)?;
        }
        // Ends the channel, and with it the wait for more of this piece.
        self.teller.frames = mpsc::channel(1).0;
        Ok(self)
    }

    fn take(&mut self, line: Line) -> Result<(), Failed> {
        if self.teller.left == 0 || self.teller.gone {
            return Ok(());
        }
        let record = Record::decode(&line.bytes).map_err(|why| unreadable(line.sequence, &why))?;
        match &record.event {
            Event::SessionOpened(opened) => {
                self.passed
                    .sessions
                    .insert(opened.session, (line.sequence, line.place));
            }
            Event::SessionEnded(ended) => {
                self.passed.sessions.remove(&ended.session);
            }
            Event::Outcome(outcome) if self.teller.open.remove(&outcome.intent) => {
                self.teller
                    .send(line.sequence, &Told::Outcome(line.bytes.clone()))?;
            }
            _ => {}
        }
        if !matches(&record, &self.teller.query) {
            return Ok(());
        }
        self.teller.tell_session(&record, &self.passed)?;
        if let Event::Intent(_) = record.event {
            self.teller.note_open(line.sequence);
        }
        self.teller.tell_match(line.sequence, line.bytes)
    }
}

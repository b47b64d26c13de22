//! What the end of a journal says of its own chain. Read from the back: an epoch starts each hour,
//! so the last one is near.

use interlock_protocols::record::{Event, JournalAccepted, Record, kind};

use super::super::follow::Follower;
use super::super::reader::ReadError;
use super::super::storage::Storage;
use super::super::walk::{self, Line, Opened};
use super::epoch::Link;
use super::note::SignedCheckpoint;

/// The end of a journal.
#[derive(Default)]
pub(super) struct History {
    /// The oldest sequence that is there.
    pub(super) first: u64,
    /// The last record that started an epoch.
    pub(super) link: Option<Link>,
    /// Acceptances behind it.
    pub(super) accepted: Vec<JournalAccepted>,
    /// The last checkpoint that was recorded behind it.
    pub(super) checkpoint: Option<SignedCheckpoint>,
}

/// Reads segments from the last to the first, until one has a record that starts an epoch.
pub(super) fn read(storage: &dyn Storage, through: u64) -> Result<History, ReadError> {
    let firsts = firsts(storage)?;
    let mut history = History {
        first: firsts.first().copied().unwrap_or(1),
        ..History::default()
    };
    let mut end = through;
    for first in firsts.into_iter().rev() {
        if first > end {
            continue;
        }
        let mut follower = Follower::of(storage.reader(), first)?;
        let mut found = History::default();
        loop {
            let lines = follower.read(end, BATCH)?;
            if lines.is_empty() {
                break;
            }
            lines.iter().for_each(|line| found.note(line));
        }
        end = first.saturating_sub(1);
        found.accepted.append(&mut history.accepted);
        history.accepted = found.accepted;
        history.checkpoint = history.checkpoint.or(found.checkpoint);
        if found.link.is_some() {
            history.link = found.link;
            break;
        }
    }
    Ok(history)
}

/// Records read at once: a few hundred kilobytes.
const BATCH: usize = 1024;

impl History {
    fn note(&mut self, line: &Line) {
        if !matches!(
            line.kind,
            kind::EPOCH_STARTED | kind::CHECKPOINTED | kind::JOURNAL_ACCEPTED
        ) {
            return;
        }
        match Record::decode(&line.bytes).map(|record| record.event) {
            Ok(Event::EpochStarted(started)) => {
                self.link = Some(Link::of(&started));
                self.accepted.clear();
            }
            Ok(Event::JournalAccepted(accepted)) => self.accepted.push(accepted),
            Ok(Event::Checkpointed(checkpointed)) => {
                let note = SignedCheckpoint::parse(&checkpointed.note);
                self.checkpoint = note.ok().or(self.checkpoint.take());
            }
            _ => {}
        }
    }

    /// Whether an administrator accepted that a checkpoint of `size` is ahead: of just that size,
    /// since a journal that was cut again leaves one of another.
    pub(super) fn accepts(&self, size: u64) -> bool {
        self.accepted
            .iter()
            .flat_map(|accepted| &accepted.ahead)
            .any(|ahead| ahead.what == AHEAD && ahead.through == size)
    }
}

/// How the checkpoint is named among what may be ahead of a journal.
pub const AHEAD: &str = "checkpoint";

/// The record that started the epoch which the record `through` belongs to.
pub(super) fn epoch_of(storage: &dyn Storage, through: u64) -> Result<Option<Line>, ReadError> {
    let mut end = through;
    for first in firsts(storage)?.into_iter().rev() {
        if first > end {
            continue;
        }
        let mut follower = Follower::of(storage.reader(), first)?;
        let mut found = None;
        loop {
            let lines = follower.read(end, BATCH)?;
            if lines.is_empty() {
                break;
            }
            let mut epochs = lines
                .into_iter()
                .filter(|line| line.kind == kind::EPOCH_STARTED);
            found = epochs.next_back().or(found);
        }
        if found.is_some() {
            return Ok(found);
        }
        end = first.saturating_sub(1);
    }
    Ok(None)
}

/// The oldest sequence that is there.
pub(super) fn first(storage: &dyn Storage) -> Result<u64, ReadError> {
    Ok(firsts(storage)?.first().copied().unwrap_or(1))
}

/// The first sequence of each segment, ascending.
fn firsts(storage: &dyn Storage) -> Result<Vec<u64>, ReadError> {
    let mut reader = storage.reader();
    let mut firsts = Vec::new();
    for number in reader.segments()? {
        if let Opened::Segment(place) = walk::open(reader.as_mut(), number)? {
            firsts.push(place.head.first);
        }
    }
    Ok(firsts)
}

//! Shows a journal's folder, which may be a copy, or the one that an edge is writing.

use std::path::Path;

use interlock_broker::index::matches;
use interlock_broker::journal::{ReadError, Records, read};
use interlock_protocols::conduit::JournalQuery;
use interlock_protocols::record::{Event, Record};

use super::join::Join;
use super::line::Line;
use super::unreadable;
use crate::failure::Failure;
use crate::gateway::Shown;
use crate::limits::WINDOW_RECORDS;

/// Takes lines as they are complete; false where it wants no more.
pub(super) type Taker<'t> = dyn FnMut(Vec<Line>) -> Result<bool, Failure> + 't;

/// A folder, and which of its records are wanted.
pub(super) struct Folder<'a> {
    path: &'a Path,
    query: &'a JournalQuery,
}

/// What a folder has.
pub(super) struct Extent {
    first: u64,
    pub(super) last: u64,
    /// What ends it, if that is not its end.
    pub(super) damage: Option<ReadError>,
}

/// A record and why it is shown.
pub(super) fn sifted(record: Record, query: &JournalQuery) -> Option<Shown> {
    if matches(&record, query) {
        return Some(Shown::Match(record));
    }
    match record.event {
        Event::Outcome(_) => Some(Shown::Outcome(record)),
        Event::SessionOpened(_) => Some(Shown::Session(record)),
        _ => None,
    }
}

impl<'a> Folder<'a> {
    pub(super) fn new(path: &'a Path, query: &'a JournalQuery) -> Folder<'a> {
        Folder { path, query }
    }

    /// Goes through all of it once. It cannot be asked where a session was opened, so that is
    /// noted here.
    pub(super) fn survey(&self, join: &mut Join) -> Result<Extent, Failure> {
        let mut extent = Extent {
            first: 1,
            last: 0,
            damage: None,
        };
        for record in self.records(1)? {
            match record {
                Ok(record) => {
                    if extent.last == 0 {
                        extent.first = record.sequence;
                    }
                    extent.last = record.sequence;
                    join.note(&record);
                }
                Err(error) => extent.damage = Some(error),
            }
        }
        Ok(extent)
    }

    /// Shows what there is from this sequence on, as it was written; gives the sequence to go on
    /// with.
    pub(super) fn oldest_first(
        &self,
        from: u64,
        join: &mut Join,
        take: &mut Taker<'_>,
    ) -> Result<u64, Failure> {
        let mut next = from;
        for record in self.records(from)? {
            let record = record.map_err(|error| unreadable(self.path, &error))?;
            next = record.sequence.saturating_add(1);
            if let Some(shown) = sifted(record, self.query)
                && !take(join.take(shown))?
            {
                break;
            }
        }
        Ok(next)
    }

    /// Shows it from its end backwards, a window of records at a time: a segment is read in the
    /// order in which it was written, and a journal may be larger than the memory.
    pub(super) fn newest_first(
        &self,
        extent: &Extent,
        join: &mut Join,
        take: &mut Taker<'_>,
    ) -> Result<(), Failure> {
        let mut last = extent.last;
        let lowest = extent.first.max(self.query.from);
        while last >= lowest {
            let first = last.saturating_sub(WINDOW_RECORDS - 1).max(lowest);
            let mut lines = self.window(first, last, join)?;
            lines.reverse();
            if !take(lines)? || first <= 1 {
                break;
            }
            last = first - 1;
        }
        Ok(())
    }

    fn window(&self, first: u64, last: u64, join: &mut Join) -> Result<Vec<Line>, Failure> {
        let mut lines = Vec::new();
        for record in self.records(first)? {
            let record = record.map_err(|error| unreadable(self.path, &error))?;
            let sequence = record.sequence;
            if let Some(shown) = sifted(record, self.query) {
                lines.extend(join.take(shown));
            }
            // What is behind the last may be damaged, or written just now.
            if sequence >= last {
                break;
            }
        }
        lines.extend(join.rest());
        Ok(lines)
    }

    fn records(&self, from: u64) -> Result<Records, Failure> {
        read(self.path)
            .and_then(|records| records.starting_at(from))
            .map_err(|error| unreadable(self.path, &error))
    }
}

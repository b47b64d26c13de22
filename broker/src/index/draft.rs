//! Building the index: what new records change is worked on in memory and handed over as one
//! batch, which holds the sequence that it goes up to.

use std::collections::BTreeMap;

use interlock_protocols::record::{Event, Record};

use super::key::{self, block_of, chunk_of};
use super::meta::{Meta, Tip, weight};
use super::term::{self, Term, facts};
use super::value::{Any, Bitmap, Kept, Outcomes, Places, Times, Value};
use super::{Broken, Change, Place, Shelf};
use crate::journal::Line;
use crate::limits::{VIEW_SESSIONS_SWEPT, VIEW_WRITE_ENTRIES, VIEW_WRITE_RECORDS};

/// The index over a [`Shelf`], with what is not written to it yet. Answers cover both.
#[derive(Default)]
pub struct Index {
    pub(super) meta: Meta,
    tip: Tip,
    held: BTreeMap<Vec<u8>, Held>,
    records_held: usize,
    /// Whether the shelf has anything of this index.
    begun: bool,
}

/// A value that differs from what the shelf has.
struct Held {
    value: Any,
    /// Checksum of what the shelf has.
    before: Option<u64>,
}

impl Index {
    /// Takes up what a shelf holds, once all of it adds up. `progress` is told of entries read.
    pub fn load(shelf: &dyn Shelf, progress: &mut dyn FnMut(u64, u64)) -> Result<Index, Broken> {
        let (meta, tip) = (shelf.value(key::META)?, shelf.value(key::TIP)?);
        let (Some(meta), Some(tip)) = (meta, tip) else {
            if shelf.keys(&[], 1)?.is_empty() {
                return Ok(Index::default());
            }
            return Err(Broken::damaged("what it says of itself is gone"));
        };
        let (meta, tip) = (Meta::decode(&meta)?, Tip::decode(&tip)?);
        let (mut entries, mut tally) = (0_u64, 0_u64);
        shelf.each(&mut |key, value| {
            if key != key::META && key != key::TIP {
                entries += 1;
                tally = tally.wrapping_add(weight(key, value));
            }
            if entries.is_multiple_of(1024) {
                progress(entries, meta.entries);
            }
        })?;
        if (entries, tally) != (meta.entries, meta.tally) {
            return Err(Broken::damaged("it does not hold what was put in"));
        }
        if tip.through < meta.applied {
            return Err(Broken::damaged("it goes further than what it has seen"));
        }
        Ok(Index {
            meta,
            tip,
            begun: true,
            ..Index::default()
        })
    }

    /// The last sequence that is in it; 0 before the first.
    pub fn applied(&self) -> u64 {
        self.meta.applied
    }

    /// The first sequence that is in it: those before were removed from the journal.
    pub fn first(&self) -> u64 {
        self.meta.first
    }

    /// Sequence of the last acceptance of a journal that was behind; 0 if there was none.
    pub fn accepted(&self) -> u64 {
        self.meta.accepted
    }

    /// What was seen last.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// Notes how far a sink is, between two records that say so.
    pub fn note_cursor(&mut self, sink: &str, through: u64) {
        self.tip.cursors.insert(sink.to_owned(), through);
    }

    /// Whether so much is held that it should be written.
    pub fn is_due(&self) -> bool {
        self.records_held >= VIEW_WRITE_RECORDS || self.held.len() >= VIEW_WRITE_ENTRIES
    }

    /// Whether anything is held that was not written.
    pub fn is_clean(&self) -> bool {
        self.records_held == 0 && self.held.is_empty()
    }

    /// Takes up the next record. One that cannot be read, written by a newer program perhaps, is
    /// there with its time and place: whoever asks for all is told of it.
    pub fn add(&mut self, shelf: &dyn Shelf, line: &Line) -> Result<(), Broken> {
        let sequence = line.sequence;
        if sequence <= self.meta.applied {
            return Ok(());
        }
        if sequence != self.meta.applied + 1 {
            // Those between were removed before anybody looked at them.
            self.meta.first = sequence;
        }
        let (chunk, low) = chunk_of(sequence);
        let (block, at) = block_of(sequence);
        self.edit::<Places>(shelf, key::places(block))?
            .insert(at, line.place);
        let in_chunk = u8::try_from(low / 256).unwrap_or_default();
        let times = self.edit::<Times>(shelf, key::times(chunk))?;
        let bounds = times
            .entry(in_chunk)
            .or_insert((line.time_ms, line.time_ms));
        *bounds = (bounds.0.min(line.time_ms), bounds.1.max(line.time_ms));
        self.post(shelf, sequence, &Term::kind(line.kind))?;
        if let Ok(record) = Record::decode(&line.bytes) {
            for term in term::terms(&facts(&record.event)) {
                self.post(shelf, sequence, &term)?;
            }
            self.relate(shelf, &record)?;
        }
        self.meta.applied = sequence;
        if sequence > self.tip.through {
            self.tip.saw(sequence, &line.bytes);
        }
        self.records_held += 1;
        Ok(())
    }

    fn post(&mut self, shelf: &dyn Shelf, sequence: u64, term: &Term) -> Result<(), Broken> {
        let (chunk, low) = chunk_of(sequence);
        self.edit::<Bitmap>(shelf, key::posting(chunk, term))?
            .insert(low);
        Ok(())
    }

    /// What a record says of others.
    fn relate(&mut self, shelf: &dyn Shelf, record: &Record) -> Result<(), Broken> {
        let sequence = record.sequence;
        match &record.event {
            Event::EdgeStarted(_) => {
                // Whoever was connected then is not any more.
                for key in self.all_keys(shelf, &[key::LIVE])? {
                    self.remove(shelf, key)?;
                }
            }
            Event::SessionOpened(opened) => {
                *self.edit::<u64>(shelf, key::session(opened.session))? = sequence;
                *self.edit::<u64>(shelf, key::live(opened.session))? = sequence;
            }
            Event::SessionEnded(ended) => self.remove(shelf, key::live(ended.session))?,
            Event::Outcome(outcome) if outcome.intent < sequence => {
                let (block, at) = block_of(outcome.intent);
                let outcomes = self.edit::<Outcomes>(shelf, key::outcomes(block))?;
                outcomes.0.insert(at, sequence);
            }
            Event::RecordsRemoved(gone) if gone.last < sequence => {
                self.meta.first = self.meta.first.max(gone.last + 1);
            }
            Event::JournalAccepted(_) => self.meta.accepted = sequence,
            Event::SinkProgress(progress) => {
                let cursor = self.tip.cursors.entry(progress.sink.clone()).or_default();
                *cursor = progress.through.max(*cursor);
            }
            _ => {}
        }
        Ok(())
    }

    /// All that is to be written, as one batch; nothing is held afterwards.
    pub fn changes(&mut self, shelf: &dyn Shelf) -> Result<Vec<Change>, Broken> {
        self.sweep(shelf)?;
        let mut changes = Vec::with_capacity(self.held.len() + 2);
        for (key, held) in std::mem::take(&mut self.held) {
            let value = held.value.encode()?;
            if let Some(before) = held.before {
                self.meta.entries = self.meta.entries.wrapping_sub(1);
                self.meta.tally = self.meta.tally.wrapping_sub(before);
            }
            match &value {
                Some(value) => {
                    self.meta.entries = self.meta.entries.wrapping_add(1);
                    self.meta.tally = self.meta.tally.wrapping_add(weight(&key, value));
                }
                None if held.before.is_none() => continue,
                None => {}
            }
            changes.push((key, value));
        }
        changes.push((key::META.to_vec(), Some(self.meta.encode())));
        changes.push(self.seen());
        self.records_held = 0;
        self.begun = true;
        Ok(changes)
    }

    /// What was seen last, to be written alone.
    pub fn mark(&mut self) -> Vec<Change> {
        let mut changes = vec![self.seen()];
        if !std::mem::replace(&mut self.begun, true) {
            // Of an index that holds nothing yet, whatever is in memory.
            changes.push((key::META.to_vec(), Some(Meta::default().encode())));
        }
        changes
    }

    fn seen(&self) -> Change {
        (key::TIP.to_vec(), Some(self.tip.encode()))
    }

    /// Removes the oldest chunk once all of its records were removed, and the sessions that
    /// were opened in it: one chunk at a time, which is faster than chunks fill.
    fn sweep(&mut self, shelf: &dyn Shelf) -> Result<(), Broken> {
        let Some(oldest) = shelf
            .keys(&[key::POSTINGS], 1)?
            .first()
            .and_then(|key| key::number(key.get(..9)?))
        else {
            return Ok(());
        };
        if (oldest + 1) * key::CHUNK > self.meta.first {
            return Ok(());
        }
        for key in self.all_keys(shelf, &key::postings(oldest))? {
            self.remove(shelf, key)?;
        }
        self.remove(shelf, key::times(oldest))?;
        let blocks = key::CHUNK / key::BLOCK;
        for block in oldest * blocks..(oldest + 1) * blocks {
            self.remove(shelf, key::places(block))?;
            self.remove(shelf, key::outcomes(block))?;
        }
        for session in shelf.keys(key::SESSIONS, VIEW_SESSIONS_SWEPT)? {
            let opened = self.read::<u64>(shelf, &session)?;
            if opened.is_some_and(|opened| opened >= self.meta.first) {
                break;
            }
            self.remove(shelf, session)?;
        }
        Ok(())
    }

    /// Sessions that were opened and did not end.
    pub fn live_sessions(&self, shelf: &dyn Shelf) -> Result<Vec<u64>, Broken> {
        let keys = self.all_keys(shelf, &[key::LIVE])?;
        Ok(keys.iter().filter_map(|key| key::number(key)).collect())
    }

    /// The sequence and the place of the record that opened a session.
    pub fn opened(&self, shelf: &dyn Shelf, session: u64) -> Result<Option<(u64, Place)>, Broken> {
        match self.read::<u64>(shelf, &key::session(session))? {
            Some(sequence) if sequence >= self.meta.first => {
                Ok(self.place(shelf, sequence)?.map(|place| (sequence, place)))
            }
            _ => Ok(None),
        }
    }

    /// Where a record stands.
    pub fn place(&self, shelf: &dyn Shelf, sequence: u64) -> Result<Option<Place>, Broken> {
        let (block, at) = block_of(sequence);
        let places = self.read::<Places>(shelf, &key::places(block))?;
        Ok(places.and_then(|places| places.get(&at).copied()))
    }

    /// A value as it is now.
    pub(super) fn read<V: Kept>(&self, shelf: &dyn Shelf, key: &[u8]) -> Result<Option<V>, Broken> {
        match self.held.get(key) {
            Some(held) => Ok(V::of(&held.value).cloned()),
            None => shelf.value(key)?.map(|bytes| decoded(&bytes)).transpose(),
        }
    }

    /// A value to be changed, its own default where there was none.
    fn edit<V: Kept>(&mut self, shelf: &dyn Shelf, key: Vec<u8>) -> Result<&mut V, Broken> {
        if !self.held.contains_key(&key) {
            let stored = shelf.value(&key)?;
            let held = Held {
                before: stored.as_ref().map(|bytes| weight(&key, bytes)),
                value: match stored {
                    Some(bytes) => decoded::<V>(&bytes)?.wrap(),
                    None => V::default().wrap(),
                },
            };
            self.held.insert(key.clone(), held);
        }
        let held = self.held.get_mut(&key);
        let any = held.map(|held| &mut held.value);
        any.and_then(|any| {
            if let Any::Gone = any {
                *any = V::default().wrap();
            }
            V::of_mut(any)
        })
        .ok_or_else(|| Broken::damaged("a value is of another kind than its key"))
    }

    fn remove(&mut self, shelf: &dyn Shelf, key: Vec<u8>) -> Result<(), Broken> {
        if let Some(held) = self.held.get_mut(&key) {
            held.value = Any::Gone;
        } else if let Some(bytes) = shelf.value(&key)? {
            let held = Held {
                before: Some(weight(&key, &bytes)),
                value: Any::Gone,
            };
            self.held.insert(key, held);
        }
        Ok(())
    }

    /// The keys that begin with `prefix`, written or not.
    fn all_keys(&self, shelf: &dyn Shelf, prefix: &[u8]) -> Result<Vec<Vec<u8>>, Broken> {
        let mut keys = shelf.keys(prefix, usize::MAX)?;
        keys.retain(|key| !self.held.contains_key(key));
        let held = self.held.range(prefix.to_vec()..);
        let held = held.take_while(|(key, _)| key.starts_with(prefix));
        let there = held.filter(|(_, held)| !matches!(held.value, Any::Gone));
        keys.extend(there.map(|(key, _)| key.clone()));
        Ok(keys)
    }
}

fn decoded<V: Value>(bytes: &[u8]) -> Result<V, Broken> {
    V::decode(bytes).ok_or_else(|| Broken::damaged("a value is unreadable"))
}

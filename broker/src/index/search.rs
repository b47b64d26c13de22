//! Finding what may answer a question, a page at a time.

use std::ops::RangeInclusive;

use interlock_protocols::conduit::JournalQuery;

use super::draft::Index;
use super::key::{self, BLOCK, CHUNK, block_of};
use super::term::{self, Term};
use super::value::{Bitmap, Outcomes, Places, Times};
use super::{Broken, Place, Shelf};
use crate::limits::VIEW_CHUNKS_AT_ONCE;

/// A question, and how far its answer has come. The end was fixed when it began, so that an
/// answer ends though records keep coming.
#[derive(Clone, Debug)]
pub struct Search {
    query: JournalQuery,
    terms: Vec<Term>,
    /// Looked at next; `None` at the end.
    next: Option<u64>,
    through: u64,
}

/// A record that may answer: the index does not tell times apart within a block, and short
/// names of long ones. See [`super::matches`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// Its sequence.
    pub sequence: u64,
    /// Where it stands.
    pub place: Place,
    /// The sequence and the place of its outcome, if it has one.
    pub outcome: Option<(u64, Place)>,
}

impl Search {
    /// Asks among the records up to `through`.
    pub fn new(query: JournalQuery, through: u64) -> Search {
        let first = if query.newest_first {
            through
        } else {
            query.from
        };
        Search {
            terms: term::wanted(&query),
            next: Some(first),
            through,
            query,
        }
    }

    /// The question.
    pub fn query(&self) -> &JournalQuery {
        &self.query
    }

    /// Whether all was looked at.
    pub fn is_over(&self) -> bool {
        self.next.is_none()
    }

    /// Goes on behind `sequence`.
    fn pass(&mut self, sequence: u64) {
        self.next = if self.query.newest_first {
            sequence.checked_sub(1)
        } else {
            sequence.checked_add(1)
        };
    }
}

impl Index {
    /// The next records that may answer, at most `most` of them; perhaps none though the
    /// search is not over, since one call looks at a bounded part of the index.
    pub fn search(
        &self,
        shelf: &dyn Shelf,
        search: &mut Search,
        most: usize,
    ) -> Result<Vec<Found>, Broken> {
        let low = search.query.from.max(self.meta.first);
        let high = search.through.min(self.meta.applied);
        let mut page = Page::new(self, shelf);
        for _ in 0..VIEW_CHUNKS_AT_ONCE {
            let Some(next) = search.next else { break };
            // The part of the index that is still to be looked at.
            let (low, high) = if search.query.newest_first {
                (low, high.min(next))
            } else {
                (low.max(next), high)
            };
            if low > high {
                search.next = None;
                break;
            }
            let start = if search.query.newest_first { high } else { low };
            let chunk = start / CHUNK;
            let (begin, end) = (chunk * CHUNK, chunk * CHUNK + (CHUNK - 1));
            let bitmap = page.candidates(search, chunk, low.max(begin)..=high.min(end))?;
            let mut sequences = bitmap.iter().map(|at| begin + u64::from(at));
            let mut take = || {
                if search.query.newest_first {
                    sequences.next_back()
                } else {
                    sequences.next()
                }
            };
            let edge = if search.query.newest_first {
                begin
            } else {
                end
            };
            loop {
                let Some(sequence) = take() else {
                    search.pass(edge);
                    break;
                };
                page.add(sequence)?;
                if page.found.len() >= most {
                    search.pass(sequence);
                    return Ok(page.found);
                }
            }
        }
        Ok(page.found)
    }
}

/// A page being filled, with the blocks looked at last.
struct Page<'i> {
    index: &'i Index,
    shelf: &'i dyn Shelf,
    places: (u64, Places),
    outcomes: (u64, Outcomes),
    found: Vec<Found>,
}

impl<'i> Page<'i> {
    fn new(index: &'i Index, shelf: &'i dyn Shelf) -> Page<'i> {
        Page {
            index,
            shelf,
            places: (u64::MAX, Places::new()),
            outcomes: (u64::MAX, Outcomes::default()),
            found: Vec::new(),
        }
    }

    /// The sequences of `range`, all of one chunk, that may answer, as their places in the chunk.
    fn candidates(
        &self,
        search: &Search,
        chunk: u64,
        range: RangeInclusive<u64>,
    ) -> Result<Bitmap, Broken> {
        let low = |sequence: u64| key::chunk_of(sequence).1;
        let mut all = Bitmap::new();
        all.insert_range(low(*range.start())..=low(*range.end()));
        for term in &search.terms {
            match self.posting(chunk, term)? {
                Some(posting) => all &= posting,
                None => return Ok(Bitmap::new()),
            }
            if all.is_empty() {
                return Ok(all);
            }
        }
        if search.terms.is_empty()
            && let Some(outcomes) = self.posting(chunk, &Term::outcome())?
        {
            all -= outcomes;
        }
        let (since, until) = (search.query.since_ms, search.query.until_ms);
        if since.is_some() || until.is_some() {
            let times = self.index.read::<Times>(self.shelf, &key::times(chunk))?;
            let times = times.unwrap_or_default();
            for block in 0..=u8::MAX {
                let within = times.get(&block).is_some_and(|(earliest, latest)| {
                    since.is_none_or(|since| *latest >= since)
                        && until.is_none_or(|until| *earliest < until)
                });
                if !within {
                    let begin = u32::from(block) * 256;
                    all.remove_range(begin..begin + 256);
                }
            }
        }
        Ok(all)
    }

    fn posting(&self, chunk: u64, term: &Term) -> Result<Option<Bitmap>, Broken> {
        self.index.read(self.shelf, &key::posting(chunk, term))
    }

    fn add(&mut self, sequence: u64) -> Result<(), Broken> {
        let (block, at) = block_of(sequence);
        if self.outcomes.0 != block {
            let outcomes = self.index.read(self.shelf, &key::outcomes(block))?;
            self.outcomes = (block, outcomes.unwrap_or_default());
        }
        let outcome = match self.outcomes.1.0.get(&at).copied() {
            Some(outcome) => self.place(outcome)?.map(|place| (outcome, place)),
            None => None,
        };
        let place = self.place(sequence)?.ok_or_else(|| {
            Broken::Damaged(format!("the place of record {sequence} is not in it"))
        })?;
        self.found.push(Found {
            sequence,
            place,
            outcome,
        });
        Ok(())
    }

    fn place(&mut self, sequence: u64) -> Result<Option<Place>, Broken> {
        let (block, at) = (sequence / BLOCK, block_of(sequence).1);
        if self.places.0 != block {
            let places = self.index.read(self.shelf, &key::places(block))?;
            self.places = (block, places.unwrap_or_default());
        }
        Ok(self.places.1.get(&at).copied())
    }
}

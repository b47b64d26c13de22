//! Reading a journal from its first record to its end, and telling an end from damage.
//!
//! A commit frame is written only once all before it is durable. So where reading stops, a
//! commit frame or a segment further on proves that something durable was there: damage. With
//! no such proof what follows is a group that nobody was told of: a torn tail.

use std::io;

use interlock_protocols::record::Heading;

use super::error::{Damage, Fault};
use super::layout::{self, Found, Head, Kind};
use super::storage::{SegmentFile, Storage};
use super::window::Window;
use crate::limits::JOURNAL_SECTOR_BYTES;

/// One record as it stands in its segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Its sequence, as the frame and its own heading say.
    pub sequence: u64,
    /// The number of its type.
    pub kind: u64,
    /// When, in ms since 1970 UTC.
    pub time_ms: i64,
    /// The segment, and the byte in it where the frame begins.
    pub place: (u64, u64),
    /// The whole record.
    pub bytes: Vec<u8>,
}

pub(super) struct Walk {
    storage: Box<dyn Storage>,
    place: Option<Place>,
    first: u64,
    next: u64,
    /// Whether the present place was read a second time, with a writer at work meanwhile.
    again: bool,
}

/// Where the walk stands in a segment.
pub(super) struct Place {
    pub(super) head: Head,
    pub(super) window: Window,
    /// Behind the last frame that was good.
    pub(super) good: u64,
    in_group: bool,
}

/// A segment's first sector, as far as it goes.
pub(super) enum Opened {
    Absent,
    /// Made, but nothing was ever recorded in it.
    Unused(Box<dyn SegmentFile>),
    Ruined,
    Segment(Place),
}

/// More than a head has.
const HEAD_LOOK_BYTES: usize = 128;

enum Look {
    Record(Line),
    Group,
    /// Nothing more, as far as this segment goes; the text says what stands there instead.
    Stop(Option<&'static str>),
    /// A whole frame that says what it must not: never the work of a power cut.
    Wrong(String),
}

impl Walk {
    pub(super) fn new(storage: Box<dyn Storage>) -> Walk {
        Walk {
            storage,
            place: None,
            first: 1,
            next: 1,
            again: false,
        }
    }

    /// The next record; `None` at the end.
    pub(super) fn step(&mut self) -> Result<Option<Line>, Fault> {
        loop {
            let Some(place) = &mut self.place else {
                if self.begin()? {
                    continue;
                }
                return Ok(None);
            };
            let look = match place.look(self.next) {
                // Nothing can be read of a segment that was removed.
                Err(error) if error.kind() == io::ErrorKind::NotFound && self.skip_removed()? => {
                    continue;
                }
                look => look?,
            };
            match look {
                Look::Record(line) => {
                    self.next += 1;
                    self.again = false;
                    return Ok(Some(line));
                }
                Look::Group => self.again = false,
                Look::Wrong(what) if self.again => return Err(self.damage(what)),
                Look::Wrong(_) => self.look_again(),
                Look::Stop(what) => {
                    if !self.settle(what)? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Begins at the segment that holds record `from`, as far as heads tell.
    pub(super) fn skip_to(&mut self, from: u64) -> Result<(), Fault> {
        for number in self.storage.segments()?.into_iter().rev() {
            if let Some(place) = headed(self.storage.as_mut(), number)?
                && place.head.first <= from
            {
                self.next = place.head.first;
                self.place = Some(place);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Looks anew at what a writer may have added since the end was met.
    pub(super) fn refresh(&mut self) {
        if let Some(place) = &mut self.place {
            place.rewind();
        }
    }

    /// Whether all before the oldest record is accounted for, `removed` being the last sequence
    /// that a record says was removed.
    pub(super) fn judge_beginning(&self, removed: u64) -> Result<(), Fault> {
        if self.first <= removed.saturating_add(1) {
            return Ok(());
        }
        Err(Fault::Damage(Damage {
            segment: 1,
            offset: 0,
            sequence: removed + 1,
            what: format!(
                "the oldest record is {}, and no record says that those before it were removed",
                self.first
            ),
        }))
    }

    /// What was just stepped over is not what it must be.
    pub(super) fn damaged(&self, line: &Line, what: impl Into<String>) -> Fault {
        Fault::Damage(Damage {
            segment: line.place.0,
            offset: line.place.1,
            sequence: line.sequence,
            what: what.into(),
        })
    }

    /// The sequence that comes next.
    pub(super) fn next_sequence(&self) -> u64 {
        self.next
    }

    /// How many segments hold something.
    pub(super) fn segment(&self) -> u64 {
        self.place.as_ref().map_or(0, |place| place.head.number)
    }

    /// The size of the segment it stands in.
    pub(super) fn segment_bytes(&self) -> u64 {
        self.place.as_ref().map_or(0, |place| place.window.len())
    }

    /// Bytes behind the last good frame that are not zero, and what is between them.
    pub(super) fn torn_bytes(&mut self) -> io::Result<u64> {
        let Some(place) = &mut self.place else {
            return Ok(0);
        };
        let torn = place.window.last_written(place.good)?;
        Ok(torn.map_or(0, |last| last + 1 - place.good))
    }

    /// The storage, and where the walk ended in it.
    pub(super) fn into_end(self) -> (Box<dyn Storage>, Option<Place>, u64) {
        (self.storage, self.place, self.next)
    }

    /// The present segment has no more: goes to the next one (true), or looks once more because
    /// a writer went on meanwhile (true), or this is the end (false), or it is damage.
    fn settle(&mut self, what: Option<&'static str>) -> Result<bool, Fault> {
        let Some(place) = &mut self.place else {
            return Ok(false);
        };
        let end = (place.head.number, layout::align(place.good));
        if what.is_none() && self.enter(end.0 + 1, end)? {
            self.again = false;
            return Ok(true);
        }
        if self.skip_removed()? {
            return Ok(true);
        }
        let Some(proof) = self.proof(end)? else {
            return Ok(false);
        };
        if self.again {
            let found = what.unwrap_or("nothing stands here");
            return Err(self.damage(format!("{found}, yet {proof}")));
        }
        self.look_again();
        Ok(true)
    }

    /// Goes to the oldest segment if the present one is there no more: it was removed under the
    /// reader's feet. Whether a record says so is judged as for any beginning.
    fn skip_removed(&mut self) -> Result<bool, Fault> {
        let oldest = self.storage.segments()?.first().copied();
        if oldest <= self.place.as_ref().map(|place| place.head.number) {
            return Ok(false);
        }
        self.place = None;
        self.begin()
    }

    /// One read is not atomic: beside a writer it may hold a later group and an earlier state
    /// of the one before. What proves damage is seen by then, so a second read has both.
    fn look_again(&mut self) {
        self.again = true;
        if let Some(place) = &mut self.place {
            place.rewind();
        }
    }

    /// Enters the oldest segment. Those before it may have been removed: whether a record says
    /// so is for the reader of all of it to judge.
    fn begin(&mut self) -> Result<bool, Fault> {
        let oldest = self.storage.segments()?.first().copied().unwrap_or(1);
        if oldest > 1
            && let Opened::Segment(place) = open(self.storage.as_mut(), oldest)?
        {
            self.first = place.head.first;
            self.next = self.first;
            self.place = Some(place);
            return Ok(true);
        }
        self.enter(oldest, (0, 0))
    }

    /// Enters segment `number` if it follows on `before`.
    fn enter(&mut self, number: u64, before: (u64, u64)) -> Result<bool, Fault> {
        match open(self.storage.as_mut(), number)? {
            Opened::Segment(place)
                if place.head.before == before && place.head.first == self.next =>
            {
                self.place = Some(place);
                Ok(true)
            }
            Opened::Absent | Opened::Unused(_) if self.place.is_none() => {
                match self.storage.segments()?.last() {
                    Some(&last) if last > number => {
                        Err(self.damage(format!("segment {number} is missing, {last} is there")))
                    }
                    _ => Ok(false),
                }
            }
            _ if self.place.is_none() => {
                Err(self.damage("the head of the segment is unreadable, or its file was cut short"))
            }
            _ => Ok(false),
        }
    }

    /// What proves that something durable stood at or behind `end`, if anything does.
    fn proof(&mut self, end: (u64, u64)) -> Result<Option<String>, Fault> {
        match open(self.storage.as_mut(), end.0 + 1)? {
            Opened::Segment(next) => {
                return Ok(Some(format!(
                    "segment {} follows and says that its forerunner ends at byte {} before record {}",
                    next.head.number, next.head.before.1, next.head.first
                )));
            }
            Opened::Ruined => {
                return Ok(Some(format!(
                    "segment {} follows, its head unreadable",
                    end.0 + 1
                )));
            }
            Opened::Absent | Opened::Unused(_) => {}
        }
        if let Some(&last) = self.storage.segments()?.last()
            && last > end.0 + 1
        {
            return Ok(Some(format!("segment {last} is there")));
        }
        let Some(place) = &mut self.place else {
            return Ok(None);
        };
        Ok(place
            .commit_behind(end.1)?
            .map(|offset| format!("byte {offset} says that all before it was on the disk")))
    }

    fn damage(&self, what: impl Into<String>) -> Fault {
        let (segment, offset) = self
            .place
            .as_ref()
            .map_or((1, 0), |place| (place.head.number, place.good));
        Fault::Damage(Damage {
            segment,
            offset,
            sequence: self.next,
            what: what.into(),
        })
    }
}

/// Opens segment `number` and judges its head. A head is durable before the first group is
/// written, so a bad one with nothing behind it was never used.
pub(super) fn open(storage: &mut dyn Storage, number: u64) -> io::Result<Opened> {
    let file = match storage.open(number) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Opened::Absent),
        Err(error) => return Err(error),
    };
    let mut window = Window::new(file)?;
    // Twice, since a writer may have begun it between the look at its head and behind that.
    for _ in 0..2 {
        window.forget();
        match layout::read_head(window.at(0, HEAD_LOOK_BYTES)?) {
            Some(head) if head.number == number && head.bytes <= window.len() => {
                return Ok(Opened::Segment(Place {
                    head,
                    window,
                    good: JOURNAL_SECTOR_BYTES,
                    in_group: false,
                }));
            }
            Some(_) => return Ok(Opened::Ruined),
            None => {}
        }
        if window.last_written(JOURNAL_SECTOR_BYTES)?.is_none() {
            return Ok(Opened::Unused(window.into_file()));
        }
    }
    Ok(Opened::Ruined)
}

/// Segment `number` if it has a good head. What else it may be is not looked into: of one that
/// was made and not used yet, that would take reading all of it.
fn headed(storage: &mut dyn Storage, number: u64) -> io::Result<Option<Place>> {
    let file = match storage.open(number) {
        Ok(file) => file,
        // Removed since it was listed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut window = match Window::new(file) {
        Ok(window) => window,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let head = layout::read_head(window.look(0, HEAD_LOOK_BYTES)?);
    let head = head.filter(|head| head.number == number && head.bytes <= window.len());
    window.forget();
    Ok(head.map(|head| Place {
        head,
        window,
        good: JOURNAL_SECTOR_BYTES,
        in_group: false,
    }))
}

impl Place {
    /// What stands behind the last good frame.
    fn look(&mut self, next: u64) -> io::Result<Look> {
        let boundary = layout::align(self.good);
        if self.in_group {
            match self.window.frame(self.good, self.head.salt)? {
                Found::Frame(frame) if frame.kind == Kind::Record => {
                    let used = layout::FRAME_HEAD_BYTES + frame.payload.len();
                    let place = (self.head.number, self.good);
                    let look = judge(&frame, place, next);
                    if matches!(look, Look::Record(_)) {
                        self.good += used as u64;
                    }
                    return Ok(look);
                }
                Found::Bad(what) => return Ok(Look::Stop(Some(what))),
                Found::Frame(_) | Found::Blank => {}
            }
            if !self.window.is_blank(self.good, boundary)? {
                return Ok(Look::Stop(Some("the group does not end with zeros")));
            }
        }
        if boundary >= self.window.len() {
            return Ok(Look::Stop(None));
        }
        let here = (self.head.number, boundary);
        match self.window.frame(boundary, self.head.salt)? {
            Found::Blank => Ok(Look::Stop(None)),
            Found::Bad(what) => Ok(Look::Stop(Some(what))),
            Found::Frame(frame) if !layout::is_commit_at(&frame, here) => {
                Ok(Look::Wrong("a frame of another place stands here".into()))
            }
            Found::Frame(frame) if frame.sequence != next => Ok(Look::Wrong(format!(
                "the group says that record {} comes next",
                frame.sequence
            ))),
            Found::Frame(_) => {
                self.good = boundary + layout::COMMIT_BYTES as u64;
                self.in_group = true;
                Ok(Look::Group)
            }
        }
    }

    /// Forgets what was read, so that the next look sees what a writer did since.
    fn rewind(&mut self) {
        self.window.forget();
    }

    /// The first commit frame behind `from`.
    fn commit_behind(&mut self, from: u64) -> io::Result<Option<u64>> {
        self.window.forget();
        let mut offset = from;
        while offset < self.window.len() {
            // One byte rules out nearly all sectors: they are untouched or hold no commit.
            if self.window.at(offset, 1)?.first() == Some(&(Kind::Commit as u8))
                && let Found::Frame(frame) = self.window.frame(offset, self.head.salt)?
                && layout::is_commit_at(&frame, (self.head.number, offset))
            {
                return Ok(Some(offset));
            }
            offset += JOURNAL_SECTOR_BYTES;
        }
        Ok(None)
    }
}

fn judge(frame: &layout::Frame<'_>, place: (u64, u64), next: u64) -> Look {
    let sequence = frame.sequence;
    match Heading::decode(frame.payload) {
        _ if sequence != next => Look::Wrong(format!("record {sequence} stands here")),
        Ok(heading) if heading.sequence == sequence => Look::Record(Line {
            sequence,
            kind: heading.kind,
            time_ms: heading.time_ms,
            place,
            bytes: frame.payload.to_vec(),
        }),
        Ok(heading) => Look::Wrong(format!("its own sequence is {}", heading.sequence)),
        Err(error) => Look::Wrong(error.to_string()),
    }
}

//! Writing: one group, one flush; a new segment when one is full.

use std::io;

use super::budget::{Bounds, Extent, Options, Plan, Shelf};
use super::layout::{self, COMMIT_BYTES, FRAME_HEAD_BYTES, Head, Kind};
use super::prepare::{Blank, Next};
use super::storage::{SegmentFile, Storage};
use super::walk::{self, Opened};
use super::window::{Window, ZEROS};
use crate::limits::{JOURNAL_GROUP_MAX_BYTES, JOURNAL_SECTOR_BYTES};

/// One record, encoded.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) sequence: u64,
    pub(super) time_ms: i64,
    pub(super) is_telling: bool,
    pub(super) bytes: &'a [u8],
}

/// What the journal takes of its disk.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Space {
    pub(super) used_bytes: u64,
    pub(super) removable_bytes: u64,
    pub(super) allocated_bytes: u64,
    pub(super) tellings_bytes: u64,
    pub(super) written_bytes: u64,
    pub(super) segments: u64,
    pub(super) first_sequence: u64,
}

/// Segments whose removal is recorded, or about to be.
struct Removal {
    /// The record that says so.
    record: u64,
    /// The last sequence that goes.
    through: u64,
}

/// Where reading ended, for a writer to go on.
pub(super) struct End {
    pub(super) file: Box<dyn SegmentFile>,
    pub(super) head: Head,
    pub(super) capacity: u64,
    pub(super) end: u64,
    pub(super) next: u64,
}

/// The end of a journal all of which is durable.
pub(super) struct Writer {
    storage: Box<dyn Storage>,
    options: Options,
    file: Box<dyn SegmentFile>,
    salt: u64,
    /// Where the next group goes. All before it is durable, all behind it is zeros.
    end: u64,
    next: u64,
    buffer: Vec<u8>,
    written_bytes: u64,
    /// From where to where a write that failed may have changed the present segment.
    torn: Option<(u64, u64)>,
    shelf: Shelf,
    coming: Next,
    /// The next segment may have its head already, which states where this one ends: nothing
    /// more goes into this one.
    headed: bool,
    /// The segment ahead is not tried again before the end is here.
    prepare_at: u64,
    disk_full: bool,
    removal: Option<Removal>,
}

/// Bytes that a record of this length takes up in a group.
pub(super) fn line_bytes(record: usize) -> usize {
    record + FRAME_HEAD_BYTES
}

/// Most bytes of lines in one group, so that a group always fits a fresh segment.
pub(super) fn group_room(segment_bytes: u64) -> usize {
    let body = segment_bytes.saturating_sub(JOURNAL_SECTOR_BYTES);
    let body = usize::try_from(body).unwrap_or(usize::MAX);
    body.min(JOURNAL_GROUP_MAX_BYTES)
        .saturating_sub(COMMIT_BYTES)
}

impl Writer {
    /// Begins segment `number` behind `before`.
    pub(super) fn begin(
        mut storage: Box<dyn Storage>,
        options: Options,
        number: u64,
        before: (u64, u64),
        next: u64,
    ) -> io::Result<Writer> {
        let (mut file, bytes) = blank(storage.as_mut(), number, options.segment_bytes)?;
        let head = begin_segment(file.as_mut(), number, bytes, before, next)?;
        let end = End {
            file,
            head,
            capacity: bytes,
            end: JOURNAL_SECTOR_BYTES,
            next,
        };
        let shelf = Shelf {
            closed: Default::default(),
            present: Extent::begin(number, bytes, next),
            spare_bytes: 0,
        };
        Ok(Writer::resume(storage, options, end, shelf))
    }

    /// Goes on in a segment that was read to its end and made clean.
    pub(super) fn resume(
        storage: Box<dyn Storage>,
        options: Options,
        end: End,
        mut shelf: Shelf,
    ) -> Writer {
        shelf.present.bytes = end.capacity;
        Writer {
            storage,
            options,
            file: end.file,
            salt: end.head.salt,
            end: end.end,
            next: end.next,
            buffer: Vec::new(),
            written_bytes: 0,
            torn: None,
            shelf,
            coming: Next::Nothing,
            headed: false,
            prepare_at: end.capacity / 2,
            disk_full: false,
            removal: None,
        }
    }

    /// The end was not made clean: what stands there from `from` to `to` is nothing.
    pub(super) fn is_torn(&mut self, from: u64, to: u64) {
        self.torn = Some((from, to));
    }

    /// Takes up what a crash left: a segment that was made and not used, and segments whose
    /// removal was recorded and not done.
    pub(super) fn take_up(&mut self, removed_through: u64) -> io::Result<()> {
        let number = self.shelf.present.number + 1;
        if let Opened::Unused(file) = walk::open(self.storage.as_mut(), number)? {
            let bytes = file.len()?;
            self.shelf.spare_bytes = bytes;
            if bytes >= self.options.segment_bytes {
                self.coming = Next::Ready((file, bytes));
            }
        }
        self.removal = (removed_through > 0).then_some(Removal {
            record: 0,
            through: removed_through,
        });
        Ok(())
    }

    pub(super) fn space(&self, bounds: &Bounds) -> Space {
        Space {
            used_bytes: self.shelf.used_bytes(self.end),
            removable_bytes: self.shelf.removable_bytes(&self.options, bounds),
            allocated_bytes: self.shelf.allocated_bytes(),
            tellings_bytes: self.shelf.tellings_bytes(),
            written_bytes: self.written_bytes,
            segments: self.shelf.closed.len() as u64 + 1,
            first_sequence: self.shelf.first_sequence(),
        }
    }

    /// Writes these lines as one group. They are durable when this returns. After an error what
    /// the disk holds behind the last group is known to nobody: [`Writer::repair`] comes next.
    pub(super) fn group(&mut self, lines: &[Line<'_>]) -> io::Result<()> {
        self.fill(lines);
        if self.headed || self.capacity() - self.end < self.buffer.len() as u64 {
            let left = self.capacity() - self.end;
            self.roll()?;
            if let Some(full) = self.shelf.closed.back_mut()
                && lines.iter().all(|line| line.is_telling)
            {
                // They would have fitted in less.
                full.tellings_bytes += left;
            }
            // The salt and the place are those of another segment now.
            self.fill(lines);
        }
        self.flush()?;
        self.next += lines.len() as u64;
        self.shelf.present.note(lines, self.buffer.len());
        Ok(())
    }

    /// Writes a group of no records, which states that the last one is durable: damage to it
    /// will never be taken for a torn tail. A full segment is left as it is.
    pub(super) fn seal(&mut self) -> io::Result<()> {
        self.fill(&[]);
        if self.headed || self.capacity() - self.end < self.buffer.len() as u64 {
            return Ok(());
        }
        self.flush()
    }

    /// Makes all behind the last group zeros again, and durably so, in case an earlier write
    /// left something there. The segment is opened anew: what was mounted again since has
    /// forgotten the old handle.
    pub(super) fn repair(&mut self) -> io::Result<()> {
        let Some((torn_from, torn_to)) = self.torn else {
            return Ok(());
        };
        let number = self.shelf.present.number;
        let mut file = self.storage.open(number)?;
        let mut sector = [0; JOURNAL_SECTOR_BYTES as usize];
        let read = file.read_at(0, &mut sector)?;
        let head = layout::read_head(sector.get(..read).unwrap_or_default());
        if head.is_none_or(|head| head.salt != self.salt) {
            return Err(io::Error::other(format!(
                "segment {number} is not the one that was written; restart the edge once the right disk is back"
            )));
        }
        erase(file.as_mut(), torn_from, torn_to)?;
        file.sync()?;
        self.file = file;
        self.torn = None;
        Ok(())
    }

    fn capacity(&self) -> u64 {
        self.shelf.present.bytes
    }

    fn fill(&mut self, lines: &[Line<'_>]) {
        self.buffer.clear();
        let place = (self.shelf.present.number, self.end);
        layout::put_commit(&mut self.buffer, self.salt, self.next, place);
        for line in lines {
            layout::put(
                &mut self.buffer,
                self.salt,
                Kind::Record,
                line.sequence,
                line.bytes,
            );
        }
        layout::pad(&mut self.buffer);
    }

    fn flush(&mut self) -> io::Result<()> {
        let end = self.end + self.buffer.len() as u64;
        self.torn = Some((self.end, end));
        self.file.write_at(self.end, &self.buffer)?;
        self.file.sync()?;
        self.torn = None;
        self.written_bytes += self.buffer.len() as u64;
        self.end = end;
        Ok(())
    }

    /// Each step leaves something that opens: the old segment alone, the old one and an unused
    /// one, the old one and a head that follows on it.
    fn roll(&mut self) -> io::Result<()> {
        let number = self.shelf.present.number + 1;
        let (mut file, bytes) = self.blank_ahead(number)?;
        self.shelf.spare_bytes = bytes;
        let before = (self.shelf.present.number, self.end);
        self.headed = true;
        let head = begin_segment(file.as_mut(), number, bytes, before, self.next)?;
        self.headed = false;
        self.shelf.spare_bytes = 0;
        let present = Extent::begin(number, bytes, self.next);
        let full = std::mem::replace(&mut self.shelf.present, present);
        self.shelf.closed.push_back(full);
        self.file = file;
        self.salt = head.salt;
        self.end = JOURNAL_SECTOR_BYTES;
        self.prepare_at = bytes / 2;
        Ok(())
    }

    fn blank_ahead(&mut self, number: u64) -> io::Result<Blank> {
        if self.headed {
            // Opened anew, as for a repair. Its head is all that it may have.
            return headed(self.storage.as_mut(), number);
        }
        // What could not be made ahead may be possible now, or say why not.
        if let Ok(Some(blank)) = self.coming.take() {
            return Ok(blank);
        }
        self.shelf.spare_bytes = 0;
        self.may_grow()?;
        let made = blank(self.storage.as_mut(), number, self.options.segment_bytes);
        self.judge(made)
    }

    fn judge(&mut self, made: io::Result<Blank>) -> io::Result<Blank> {
        let full = |error: &io::Error| {
            use io::ErrorKind::{QuotaExceeded, StorageFull};
            matches!(error.kind(), StorageFull | QuotaExceeded)
        };
        self.disk_full = made.as_ref().is_err_and(full);
        made
    }

    /// Whether the budget has room for another segment. While the record of a removal has to be
    /// written, it has: more is given back than taken as soon as that is durable.
    fn may_grow(&self) -> io::Result<()> {
        let pending = self
            .removal
            .as_ref()
            .is_some_and(|gone| gone.record >= self.next);
        if pending || self.shelf.has_room(&self.options) {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::QuotaExceeded,
            format!(
                "its budget of {} bytes is used up and nothing may be removed yet: everything is too young, or a required sink or the tree has not had it; give it a greater budget, or see to the sinks",
                self.options.budget_bytes
            ),
        ))
    }

    /// Whether the next segment is due to be made, and what has to go for it.
    pub(super) fn wants_next(&mut self) -> bool {
        if self.end < self.prepare_at || !self.coming.is_settled() {
            return false;
        }
        if let Next::Ready(_) = self.coming {
            return false;
        }
        if self.coming.is_nothing() {
            return true;
        }
        match self.coming.take() {
            Ok(Some((file, bytes))) => {
                self.shelf.spare_bytes = bytes;
                self.coming = Next::Ready((file, bytes));
                self.disk_full = false;
                false
            }
            Ok(None) => true,
            Err(error) => {
                tracing::warn!(%error, "the next segment of the journal cannot be made yet");
                self.prepare_at = self.end + self.capacity() / 16;
                self.shelf.spare_bytes = 0;
                let _ = self.judge(Err(error));
                // What may be removed is looked at once more all the same.
                true
            }
        }
    }

    /// What has to go before the next segment is made, and may.
    pub(super) fn plan(&self, bounds: &Bounds) -> Option<Plan> {
        if self.removal.is_some() {
            return None;
        }
        self.shelf.plan(&self.options, bounds, self.disk_full)
    }

    /// The same for a journal that cannot go on: it may need a segment whether or not the
    /// present one is half full.
    pub(super) fn plan_in_need(&self, bounds: &Bounds) -> Option<Plan> {
        if !self.coming.is_nothing() || self.headed {
            return None;
        }
        self.plan(bounds)
    }

    /// The record with this sequence says that all through `through` goes.
    pub(super) fn remove_after(&mut self, record: u64, through: u64) {
        self.removal = Some(Removal { record, through });
    }

    /// Begins to make the next segment, if the budget allows it.
    pub(super) fn prepare(&mut self) {
        if !self.coming.is_nothing()
            || self.end < self.prepare_at
            || !self.shelf.has_room(&self.options)
        {
            return;
        }
        let bytes = self.options.segment_bytes;
        self.shelf.spare_bytes = bytes;
        let number = self.shelf.present.number + 1;
        self.coming = Next::begin(self.storage.maker(), number, bytes);
    }

    /// Deletes the segments whose removal is recorded. A crash in between leaves some of them:
    /// they are deleted by the next start. True if any went.
    pub(super) fn remove_recorded(&mut self) -> io::Result<bool> {
        let Some(removal) = &self.removal else {
            return Ok(false);
        };
        if removal.record >= self.next {
            return Ok(false);
        }
        let mut any = false;
        while let Some(oldest) = self.shelf.closed.front().copied()
            && oldest.last <= removal.through
        {
            self.storage.remove(oldest.number)?;
            self.shelf.closed.pop_front();
            any = true;
        }
        self.removal = None;
        self.disk_full = false;
        Ok(any)
    }
}

impl Drop for Writer {
    /// The thread that makes a segment writes into a folder which somebody else may open next.
    fn drop(&mut self) {
        let _ = self.coming.take();
    }
}

impl Extent {
    fn note(&mut self, lines: &[Line<'_>], group_bytes: usize) {
        for line in lines {
            self.last = line.sequence;
            self.last_ms = self.last_ms.max(line.time_ms);
        }
        // What a group of tellings alone takes is theirs, padding included.
        let tellings = lines.iter().filter(|line| line.is_telling);
        let bytes = if lines.iter().all(|line| line.is_telling) {
            group_bytes
        } else {
            tellings.map(|line| line_bytes(line.bytes.len())).sum()
        };
        self.tellings_bytes += bytes as u64;
    }
}

/// Writes zeros.
pub(super) fn erase(file: &mut dyn SegmentFile, from: u64, to: u64) -> io::Result<()> {
    let mut offset = from;
    while offset < to {
        let left = usize::try_from(to - offset).unwrap_or(usize::MAX);
        let zeros = ZEROS.get(..left).unwrap_or(&ZEROS);
        file.write_at(offset, zeros)?;
        offset += zeros.len() as u64;
    }
    Ok(())
}

/// A segment of zeros: a new one, or one that was made and then left unused.
fn blank(storage: &mut dyn Storage, number: u64, bytes: u64) -> io::Result<Blank> {
    match walk::open(storage, number)? {
        Opened::Absent => {}
        Opened::Unused(file) => {
            let len = file.len()?;
            if len >= bytes {
                return Ok((file, len - len % JOURNAL_SECTOR_BYTES));
            }
            // Made when segments were to be smaller.
            drop(file);
            storage.remove(number)?;
        }
        Opened::Ruined | Opened::Segment(_) => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("segment {number} is there already and holds something"),
            ));
        }
    }
    Ok((storage.create(number, bytes)?, bytes))
}

/// A segment that may have got a head, and nothing else.
fn headed(storage: &mut dyn Storage, number: u64) -> io::Result<Blank> {
    let mut window = Window::new(storage.open(number)?)?;
    if window.last_written(JOURNAL_SECTOR_BYTES)?.is_some() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("segment {number} holds something that this journal has not written"),
        ));
    }
    let bytes = window.len();
    Ok((window.into_file(), bytes))
}

/// Gives a segment of zeros its durable head.
fn begin_segment(
    file: &mut dyn SegmentFile,
    number: u64,
    bytes: u64,
    before: (u64, u64),
    first: u64,
) -> io::Result<Head> {
    let mut salt = [0; 8];
    aws_lc_rs::rand::fill(&mut salt)
        .map_err(|_| io::Error::other("the system gives no random numbers"))?;
    let salt = u64::from_be_bytes(salt);
    let head = Head {
        number,
        bytes,
        salt,
        first,
        before,
    };
    file.write_at(0, &layout::head_sector(&head))?;
    file.sync()?;
    Ok(head)
}

//! Writing: one group, one flush; a new segment when one is full.

use std::io;

use super::layout::{self, COMMIT_BYTES, FRAME_HEAD_BYTES, Head, Kind};
use super::storage::{SegmentFile, Storage};
use super::walk::{self, Opened};
use crate::limits::{JOURNAL_GROUP_MAX_BYTES, JOURNAL_SECTOR_BYTES};

/// One record, encoded, with its sequence.
pub(super) type Line<'a> = (u64, &'a [u8]);

/// The end of a journal all of which is durable.
pub(super) struct Writer {
    storage: Box<dyn Storage>,
    segment_bytes: u64,
    file: Box<dyn SegmentFile>,
    capacity: u64,
    number: u64,
    salt: u64,
    /// Where the next group goes. All before it is durable, all behind it is zeros.
    end: u64,
    next: u64,
    buffer: Vec<u8>,
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
        segment_bytes: u64,
        number: u64,
        before: (u64, u64),
        next: u64,
    ) -> io::Result<Writer> {
        let fresh = fresh(storage.as_mut(), segment_bytes, number, before, next)?;
        Ok(Writer {
            storage,
            segment_bytes,
            file: fresh.file,
            capacity: fresh.bytes,
            number,
            salt: fresh.salt,
            end: JOURNAL_SECTOR_BYTES,
            next,
            buffer: Vec::new(),
        })
    }

    /// Goes on in a segment that was read to its end and made clean.
    pub(super) fn resume(
        storage: Box<dyn Storage>,
        segment_bytes: u64,
        file: Box<dyn SegmentFile>,
        (head, capacity): (Head, u64),
        end: u64,
        next: u64,
    ) -> Writer {
        Writer {
            storage,
            segment_bytes,
            file,
            capacity,
            number: head.number,
            salt: head.salt,
            end,
            next,
            buffer: Vec::new(),
        }
    }

    /// Writes these lines as one group. They are durable when this returns. After an error
    /// nothing may be written any more: what the disk holds is then known to nobody.
    pub(super) fn group(&mut self, lines: &[Line<'_>]) -> io::Result<()> {
        self.fill(lines);
        if self.capacity - self.end < self.buffer.len() as u64 {
            self.roll()?;
            // The salt and the place are those of another segment now.
            self.fill(lines);
        }
        self.flush(lines.len() as u64)
    }

    /// Writes a group of no records, which states that the last one is durable: damage to it
    /// will never be taken for a torn tail. A full segment is left as it is.
    pub(super) fn seal(&mut self) -> io::Result<()> {
        self.fill(&[]);
        if self.capacity - self.end < self.buffer.len() as u64 {
            return Ok(());
        }
        self.flush(0)
    }

    fn fill(&mut self, lines: &[Line<'_>]) {
        self.buffer.clear();
        let place = (self.number, self.end);
        layout::put_commit(&mut self.buffer, self.salt, self.next, place);
        for (sequence, record) in lines {
            layout::put(&mut self.buffer, self.salt, Kind::Record, *sequence, record);
        }
        layout::pad(&mut self.buffer);
    }

    fn flush(&mut self, records: u64) -> io::Result<()> {
        self.file.write_at(self.end, &self.buffer)?;
        self.file.sync()?;
        self.end += self.buffer.len() as u64;
        self.next += records;
        Ok(())
    }

    /// Each step leaves something that opens: the old segment alone, the old one and an unused
    /// one, the old one and a head that follows on it.
    fn roll(&mut self) -> io::Result<()> {
        let before = (self.number, self.end);
        let fresh = fresh(
            self.storage.as_mut(),
            self.segment_bytes,
            self.number + 1,
            before,
            self.next,
        )?;
        self.file = fresh.file;
        self.capacity = fresh.bytes;
        self.number += 1;
        self.salt = fresh.salt;
        self.end = JOURNAL_SECTOR_BYTES;
        Ok(())
    }
}

struct Fresh {
    file: Box<dyn SegmentFile>,
    bytes: u64,
    salt: u64,
}

/// A segment with a durable head and nothing else: a new one, or one that was made and then
/// left unused by a crash.
fn fresh(
    storage: &mut dyn Storage,
    segment_bytes: u64,
    number: u64,
    before: (u64, u64),
    first: u64,
) -> io::Result<Fresh> {
    let (mut file, bytes) = match walk::open(storage, number)? {
        Opened::Absent => (storage.create(number, segment_bytes)?, segment_bytes),
        Opened::Unused(file) => {
            let len = file.len()?;
            (file, len - len % JOURNAL_SECTOR_BYTES)
        }
        Opened::Ruined | Opened::Segment(_) => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("segment {number} is there already and holds something"),
            ));
        }
    };
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
    Ok(Fresh { file, bytes, salt })
}

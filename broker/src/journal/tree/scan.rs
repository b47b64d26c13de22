//! One segment read as fast as it can be hashed. It either holds what an honest writer leaves, or
//! the scan says that it does not, and the slow reader finds out what is wrong.

use std::io;

use interlock_protocols::record::Heading;

use super::super::layout::{self, FRAME_HEAD_BYTES, Found, Head, Kind};
use super::super::storage::SegmentFile;
use super::super::window::read_whole;
use super::batch::Batch;
use super::hash::{Hash, LEAF};
use crate::limits::JOURNAL_SECTOR_BYTES;

/// A segment in which nothing is wrong.
pub(super) struct Scanned {
    pub(super) batch: Batch,
    /// Behind the last group.
    pub(super) end: u64,
    /// Whether nothing but zeros follows.
    pub(super) is_last: bool,
}

/// Read at once: more than any frame, and little enough to stay in the processor's cache.
const CHUNK_BYTES: usize = 512 << 10;

/// Scans the segment of this head; `None` if anything in it is not as it must be.
pub(super) fn scan(file: Box<dyn SegmentFile>, head: &Head) -> io::Result<Option<Scanned>> {
    let len = file.len()?;
    let mut scan = Scan {
        chunk: Chunk {
            file,
            len: len - len % JOURNAL_SECTOR_BYTES,
            start: 0,
            bytes: Vec::new(),
        },
        batch: Batch::of_segment(head.first, head.bytes),
        next: head.first,
        head: *head,
    };
    let Some(end) = scan.groups()? else {
        return Ok(None);
    };
    let is_last = scan.chunk.is_blank_from(end)?;
    let (_, whole) = scan.batch.whole_tiles();
    let tiles = whole.map(Hash::subtree).collect();
    scan.batch.tiles = tiles;
    Ok(Some(Scanned {
        batch: scan.batch,
        end,
        is_last,
    }))
}

struct Scan {
    chunk: Chunk,
    batch: Batch,
    head: Head,
    next: u64,
}

impl Scan {
    /// Goes through all groups; gives the end of the last one.
    fn groups(&mut self) -> io::Result<Option<u64>> {
        let mut offset = JOURNAL_SECTOR_BYTES;
        loop {
            if offset >= self.chunk.len {
                return Ok(Some(offset));
            }
            let here = (self.head.number, offset);
            match layout::take(self.chunk.frame(offset)?, self.head.salt) {
                Found::Blank => return Ok(Some(offset)),
                Found::Frame(frame)
                    if layout::is_commit_at(&frame, here) && frame.sequence == self.next => {}
                Found::Frame(_) | Found::Bad(_) => return Ok(None),
            }
            match self.records(offset + layout::COMMIT_BYTES as u64)? {
                Some(end) => offset = end,
                None => return Ok(None),
            }
        }
    }

    /// Goes through the records of a group; gives the boundary behind it.
    fn records(&mut self, mut offset: u64) -> io::Result<Option<u64>> {
        loop {
            let boundary = layout::align(offset);
            let bytes = self.chunk.frame(offset)?;
            let payload = match layout::take(bytes, self.head.salt) {
                Found::Frame(frame)
                    if frame.kind == Kind::Record && frame.sequence == self.next =>
                {
                    frame.payload
                }
                Found::Frame(frame) if frame.kind == Kind::Commit && offset == boundary => {
                    return Ok(Some(boundary));
                }
                Found::Blank => {
                    let blank = self.chunk.is_blank(offset, boundary)?;
                    return Ok(blank.then_some(boundary));
                }
                Found::Frame(_) | Found::Bad(_) => return Ok(None),
            };
            let Ok(heading) = Heading::decode(payload) else {
                return Ok(None);
            };
            let used = FRAME_HEAD_BYTES + payload.len();
            if heading.sequence != self.next {
                return Ok(None);
            }
            // The byte before the payload has been read, and the leaf's prefix belongs there:
            // so the record is hashed where it lies.
            let Some((before, payload)) =
                bytes.get_mut(FRAME_HEAD_BYTES - 1..used).and_then(|bytes| {
                    *bytes.first_mut()? = LEAF;
                    Some((Hash::prefixed_leaf(bytes), bytes.get(1..)?))
                })
            else {
                return Ok(None);
            };
            let place = (self.head.number, offset);
            if self.batch.take((heading, place), payload, before).is_err() {
                return Ok(None);
            }
            self.next += 1;
            offset += used as u64;
        }
    }
}

/// A part of the segment in memory.
struct Chunk {
    file: Box<dyn SegmentFile>,
    len: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Chunk {
    /// The frame that begins at `offset`, and more; less where the segment ends.
    fn frame(&mut self, offset: u64) -> io::Result<&mut [u8]> {
        let head = self.at(offset, FRAME_HEAD_BYTES)?;
        let want = layout::frame_bytes(head).unwrap_or(FRAME_HEAD_BYTES);
        self.at(offset, want)
    }

    fn at(&mut self, offset: u64, want: usize) -> io::Result<&mut [u8]> {
        let held = self.start + self.bytes.len() as u64;
        if offset < self.start || offset + want as u64 > held {
            self.fill(offset)?;
        }
        let skip = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        Ok(self.bytes.get_mut(skip..).unwrap_or_default())
    }

    fn fill(&mut self, offset: u64) -> io::Result<()> {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        self.bytes.resize(CHUNK_BYTES.min(left), 0);
        self.start = offset;
        read_whole(self.file.as_ref(), offset, &mut self.bytes)
    }

    fn is_blank(&mut self, from: u64, to: u64) -> io::Result<bool> {
        let want = usize::try_from(to - from).unwrap_or(usize::MAX);
        let bytes = self.at(from, want)?;
        let bytes = bytes.get(..want).unwrap_or(bytes);
        Ok(bytes.iter().all(|byte| *byte == 0))
    }

    fn is_blank_from(&mut self, from: u64) -> io::Result<bool> {
        static ZEROS: [u8; CHUNK_BYTES] = [0; CHUNK_BYTES];
        let mut offset = from;
        while offset < self.len {
            self.fill(offset)?;
            if self.bytes.is_empty() {
                break;
            }
            // Equality is quicker than a search.
            if ZEROS.get(..self.bytes.len()) != Some(self.bytes.as_slice()) {
                return Ok(false);
            }
            offset += self.bytes.len() as u64;
        }
        Ok(true)
    }
}

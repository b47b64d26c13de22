//! A segment read through one buffer, so that reading needs the same memory whatever its size.

use std::io;

use super::layout::{self, FRAME_HEAD_BYTES, Found};
use super::storage::SegmentFile;
use crate::limits::JOURNAL_SECTOR_BYTES;

/// Read at once; longer than any frame.
const CHUNK_BYTES: usize = 256 << 10;
pub(super) static ZEROS: [u8; CHUNK_BYTES] = [0; CHUNK_BYTES];

pub(super) struct Window {
    file: Box<dyn SegmentFile>,
    len: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// A file that does not end on a sector boundary is read up to its last whole sector.
    pub(super) fn new(file: Box<dyn SegmentFile>) -> io::Result<Window> {
        let len = file.len()?;
        Ok(Window {
            file,
            len: len - len % JOURNAL_SECTOR_BYTES,
            start: 0,
            bytes: Vec::new(),
        })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn into_file(self) -> Box<dyn SegmentFile> {
        self.file
    }

    pub(super) fn forget(&mut self) {
        self.bytes.clear();
    }

    /// The bytes from `offset` on: as many as wanted, fewer only at the end.
    pub(super) fn at(&mut self, offset: u64, want: usize) -> io::Result<&[u8]> {
        let held = self.start + self.bytes.len() as u64;
        let wanted = (offset + want as u64).min(self.len);
        if offset < self.start || wanted > held || self.bytes.is_empty() {
            self.refill(offset, want.max(CHUNK_BYTES))?;
        }
        let skip = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        let bytes = self.bytes.get(skip..).unwrap_or_default();
        Ok(bytes.get(..want).unwrap_or(bytes))
    }

    /// The same where nothing else of this file may be wanted: reads no more than that.
    pub(super) fn look(&mut self, offset: u64, want: usize) -> io::Result<&[u8]> {
        self.refill(offset, want)?;
        Ok(&self.bytes)
    }

    /// What stands at `offset`.
    pub(super) fn frame(&mut self, offset: u64, salt: u64) -> io::Result<Found<'_>> {
        let want = layout::frame_bytes(self.at(offset, FRAME_HEAD_BYTES)?);
        Ok(layout::take(
            self.at(offset, want.unwrap_or(FRAME_HEAD_BYTES))?,
            salt,
        ))
    }

    /// Whether nothing but zeros stands in `from..to`, which is less than a sector.
    pub(super) fn is_blank(&mut self, from: u64, to: u64) -> io::Result<bool> {
        let want = usize::try_from(to - from).unwrap_or(usize::MAX);
        Ok(self.at(from, want)?.iter().all(|byte| *byte == 0))
    }

    /// Where the last byte from `from` on stands that is not zero.
    pub(super) fn last_written(&mut self, from: u64) -> io::Result<Option<u64>> {
        self.forget();
        let (mut offset, mut last) = (from, None);
        while offset < self.len {
            let chunk = self.at(offset, CHUNK_BYTES)?;
            // Nearly all chunks are untouched, and equality is quicker than a search.
            if ZEROS.get(..chunk.len()) != Some(chunk)
                && let Some(at) = chunk.iter().rposition(|byte| *byte != 0)
            {
                last = Some(offset + at as u64);
            }
            if chunk.is_empty() {
                break;
            }
            offset += chunk.len() as u64;
        }
        Ok(last)
    }

    fn refill(&mut self, offset: u64, want: usize) -> io::Result<()> {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        self.bytes.resize(want.min(left), 0);
        self.start = offset;
        read_whole(self.file.as_ref(), offset, &mut self.bytes)
    }
}

/// Fills `bytes` from `offset` on, and cuts them where the file ends.
pub(super) fn read_whole(
    file: &dyn SegmentFile,
    offset: u64,
    bytes: &mut Vec<u8>,
) -> io::Result<()> {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..)
        && !rest.is_empty()
    {
        let read = file.read_at(offset.saturating_add(filled as u64), rest)?;
        if read == 0 {
            break;
        }
        filled += read;
    }
    bytes.truncate(filled);
    Ok(())
}

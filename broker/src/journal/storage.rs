//! What the journal asks of a disk.

use std::io;

/// A place for segments.
pub trait Storage: Send {
    /// The numbers of all segments, ascending.
    fn segments(&self) -> io::Result<Vec<u64>>;

    /// Makes a segment of `bytes` zeros. When this returns, the segment and its name survive a
    /// power cut; when it fails, there is none of that number, or one of which all but the name
    /// does.
    fn create(&mut self, number: u64, bytes: u64) -> io::Result<Box<dyn SegmentFile>>;

    /// Opens a segment; [`io::ErrorKind::NotFound`] if there is none of that number. Where the
    /// place is open for writing, the name of what is opened survives a power cut.
    fn open(&mut self, number: u64) -> io::Result<Box<dyn SegmentFile>>;

    /// Deletes a segment; nothing to do if there is none of that number. When this returns, it
    /// stays deleted; when it fails, it may be there or not.
    fn remove(&mut self, number: u64) -> io::Result<()>;

    /// Bytes that may still be taken; `None` where nobody can say.
    fn free_bytes(&self) -> io::Result<Option<u64>>;

    /// The same place, for making segments on another thread. It lives no longer than the
    /// place itself is open for writing.
    fn maker(&self) -> Box<dyn Storage>;

    /// The same place, for reading alone.
    fn reader(&self) -> Box<dyn Storage>;
}

/// One open segment. It never grows.
pub trait SegmentFile: Send {
    /// Its size in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Reads from `offset` on; fewer bytes than asked for only at the end.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`. They are durable after the next [`SegmentFile::sync`].
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Returns when all that was written survives a power cut.
    fn sync(&mut self) -> io::Result<()>;

    /// Whether it has no bytes at all.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

//! A disk that does what a test wants. Groups of records that contain the bytes of `HELD_BYTES`
//! (hexadecimal) are flushed only once nobody has a lock on the file `HELD_LOCK`; while the file
//! `HELD_FAILS` exists, every flush fails.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use interlock_broker::journal::{Directory, SegmentFile, Storage};
use interlock_edge::service::RunError;
use interlock_edge::site::Site;

use crate::plc::log::bytes;

/// The site's own folder, over such a disk.
pub fn storage(site: &Site) -> Result<Box<dyn Storage>, RunError> {
    let directory = Directory::open(&site.config.journal().directory)?;
    Ok(Box::new(Held(Box::new(directory))))
}

struct Held(Box<dyn Storage>);

impl Storage for Held {
    fn segments(&self) -> io::Result<Vec<u64>> {
        self.0.segments()
    }

    fn create(&mut self, number: u64, bytes: u64) -> io::Result<Box<dyn SegmentFile>> {
        Ok(HeldFile::over(self.0.create(number, bytes)?))
    }

    fn open(&mut self, number: u64) -> io::Result<Box<dyn SegmentFile>> {
        Ok(HeldFile::over(self.0.open(number)?))
    }

    fn remove(&mut self, number: u64) -> io::Result<()> {
        self.0.remove(number)
    }

    fn free_bytes(&self) -> io::Result<Option<u64>> {
        self.0.free_bytes()
    }

    fn maker(&self) -> Box<dyn Storage> {
        Box::new(Held(self.0.maker()))
    }

    fn reader(&self) -> Box<dyn Storage> {
        self.0.reader()
    }
}

struct HeldFile {
    file: Box<dyn SegmentFile>,
    /// Whether the bytes were written since the last flush.
    written: bool,
}

impl HeldFile {
    fn over(file: Box<dyn SegmentFile>) -> Box<dyn SegmentFile> {
        Box::new(HeldFile {
            file,
            written: false,
        })
    }
}

impl SegmentFile for HeldFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, into)
    }

    fn write_at(&mut self, offset: u64, group: &[u8]) -> io::Result<()> {
        let wanted = std::env::var("HELD_BYTES").ok().and_then(|hex| bytes(&hex));
        if let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) {
            self.written |= group.windows(wanted.len()).any(|window| window == wanted);
        }
        self.file.write_at(offset, group)
    }

    fn sync(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.written) {
            wait()?;
        }
        if std::env::var_os("HELD_FAILS").is_some_and(|file| PathBuf::from(file).exists()) {
            return Err(io::Error::other("the disk of the test failed"));
        }
        self.file.sync()
    }
}

/// Says on standard error that it waits, then does until the lock is free: no time is guessed.
fn wait() -> io::Result<()> {
    if let Some(lock) = std::env::var_os("HELD_LOCK") {
        let lock = File::open(PathBuf::from(lock))?;
        eprintln!("held");
        lock.lock_shared()?;
    }
    Ok(())
}

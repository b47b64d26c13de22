//! An edge whose disk takes its time, and writes what is longer than a sector in two halves: a
//! kill finds groups of records half written, and a command that did not wait for its INTENT is
//! at the PLC long before it.

use std::io;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use interlock_broker::journal::{Directory, SegmentFile, Storage};
use interlock_edge::cli::{Rim, main_with};
use interlock_edge::service::RunError;
use interlock_edge::site::Site;

/// The wait before each half and before each flush.
const WAIT: Duration = Duration::from_millis(2);

const SECTOR_BYTES: usize = 512;

fn main() -> ExitCode {
    main_with(
        std::env::args_os(),
        &Rim {
            storage,
            ..Rim::default()
        },
    )
}

fn storage(site: &Site) -> Result<Box<dyn Storage>, RunError> {
    let directory = Directory::open(&site.config.journal().directory)?;
    Ok(Box::new(Slow(Box::new(directory))))
}

struct Slow(Box<dyn Storage>);

impl Storage for Slow {
    fn segments(&self) -> io::Result<Vec<u64>> {
        self.0.segments()
    }

    fn create(&mut self, number: u64, bytes: u64) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(SlowFile(self.0.create(number, bytes)?)))
    }

    fn open(&mut self, number: u64) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(SlowFile(self.0.open(number)?)))
    }

    fn remove(&mut self, number: u64) -> io::Result<()> {
        self.0.remove(number)
    }

    fn free_bytes(&self) -> io::Result<Option<u64>> {
        self.0.free_bytes()
    }

    fn maker(&self) -> Box<dyn Storage> {
        Box::new(Slow(self.0.maker()))
    }

    fn reader(&self) -> Box<dyn Storage> {
        self.0.reader()
    }
}

struct SlowFile(Box<dyn SegmentFile>);

impl SegmentFile for SlowFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, into)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        // Disks write whole sectors, so the halves meet between two of them.
        let half = (bytes.len() / 2).next_multiple_of(SECTOR_BYTES);
        let (first, second) = bytes.split_at_checked(half).unwrap_or((bytes, &[]));
        sleep(WAIT);
        self.0.write_at(offset, first)?;
        if second.is_empty() {
            return Ok(());
        }
        sleep(WAIT);
        self.0.write_at(offset + first.len() as u64, second)
    }

    fn sync(&mut self) -> io::Result<()> {
        sleep(WAIT);
        self.0.sync()
    }
}

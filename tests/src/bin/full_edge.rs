//! An edge whose disk is full for as long as a file is there: nothing that is written reaches it,
//! what is on it can be read.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use interlock_broker::journal::{Directory, SegmentFile, Storage};
use interlock_edge::cli::{Rim, main_with};
use interlock_edge::service::RunError;
use interlock_edge::site::Site;

/// Names the file that fills the disk.
const FULL: &str = "INTERLOCK_TEST_FULL";

fn room() -> io::Result<()> {
    match std::env::var_os(FULL) {
        Some(file) if Path::new(&file).exists() => Err(io::ErrorKind::StorageFull.into()),
        _ => Ok(()),
    }
}

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
    Ok(Box::new(Filling(Box::new(directory))))
}

struct Filling(Box<dyn Storage>);

impl Storage for Filling {
    fn segments(&self) -> io::Result<Vec<u64>> {
        self.0.segments()
    }

    fn create(&mut self, number: u64, bytes: u64) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(FillingFile(self.0.create(number, bytes)?)))
    }

    fn open(&mut self, number: u64) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(FillingFile(self.0.open(number)?)))
    }

    fn remove(&mut self, number: u64) -> io::Result<()> {
        self.0.remove(number)
    }

    fn free_bytes(&self) -> io::Result<Option<u64>> {
        self.0.free_bytes()
    }

    fn maker(&self) -> Box<dyn Storage> {
        Box::new(Filling(self.0.maker()))
    }

    fn reader(&self) -> Box<dyn Storage> {
        self.0.reader()
    }
}

struct FillingFile(Box<dyn SegmentFile>);

impl SegmentFile for FillingFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, into)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        room()?;
        self.0.write_at(offset, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        room()?;
        self.0.sync()
    }
}

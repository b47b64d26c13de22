//! A disk in memory, for tests of this and of other crates: it can be held, can fail and can
//! lose its power. It keeps what a real disk promises and nothing more.

mod bytes;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, SECTOR};

use super::storage::{SegmentFile, Storage};
use crate::limits::JOURNAL_SECTOR_BYTES;

/// How long a test waits for the journal thread before it gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// The handle that a test keeps. Clones are the same disk.
#[derive(Clone, Default)]
pub struct Memory {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    disk: Mutex<Disk>,
    changed: Condvar,
}

#[derive(Default)]
struct Disk {
    segments: BTreeMap<u64, Bytes>,
    /// Counts power cuts: whoever opened something before the last one has lost it.
    power: u64,
    held: bool,
    /// Flushes waiting to be released.
    waiting: u64,
    /// Held flushes that may go on all the same.
    passes: u64,
    /// Calls that still succeed.
    calls_left: Option<u64>,
    calls: u64,
    syncs: u64,
}

impl Memory {
    /// An empty disk.
    pub fn new() -> Memory {
        Memory::default()
    }

    /// A disk that holds these segments, all of them durable.
    pub fn holding(segments: impl IntoIterator<Item = (u64, Vec<u8>)>) -> Memory {
        let memory = Memory::new();
        for (number, contents) in segments {
            let mut bytes = Bytes {
                len: contents.len() as u64,
                ..Bytes::default()
            };
            for (at, sector) in (0..).zip(contents.chunks(SECTOR)) {
                if sector.iter().any(|byte| *byte != 0) {
                    bytes.write(at * JOURNAL_SECTOR_BYTES, sector);
                    bytes.persist(at);
                }
            }
            memory.disk().segments.insert(number, bytes);
        }
        memory
    }

    /// What [`super::Journal::open`] takes. Useless after the next power cut.
    pub fn storage(&self) -> Box<dyn Storage> {
        Box::new(Plugged {
            shared: Arc::clone(&self.shared),
            power: self.disk().power,
        })
    }

    /// From now on a flush blocks until [`Memory::release_sync`]; one held for twenty seconds
    /// fails.
    pub fn hold_sync(&self) {
        self.disk().held = true;
    }

    /// Lets held flushes go on, and later ones pass.
    pub fn release_sync(&self) {
        self.disk().held = false;
        self.shared.changed.notify_all();
    }

    /// Lets the flush go on that is held now, and holds the next one.
    pub fn release_sync_once(&self) {
        let mut disk = self.disk();
        disk.passes += 1;
        self.shared.changed.notify_all();
        // Until it has gone: a wait for the next one must not meet this one.
        let _gone = self
            .shared
            .changed
            .wait_timeout_while(disk, PATIENCE, |disk| disk.passes > 0);
    }

    /// Waits until a flush is held; false if none comes.
    pub fn wait_until_held(&self) -> bool {
        self.shared
            .changed
            .wait_timeout_while(self.disk(), PATIENCE, |disk| disk.waiting == 0)
            .is_ok_and(|(disk, _)| disk.waiting > 0)
    }

    /// Lets `calls` more writes, flushes and creations succeed and fails every later one. A
    /// write that fails has written its first half.
    pub fn fail_after(&self, calls: u64) {
        self.disk().calls_left = Some(calls);
    }

    /// Ends [`Memory::fail_after`].
    pub fn heal(&self) {
        self.disk().calls_left = None;
    }

    /// Cuts the power: only what was flushed is there afterwards.
    pub fn power_cut(&self) {
        self.power_cut_keeping(|_, _| false);
    }

    /// Cuts the power. Of what was not flushed those sectors stay that `keep` says, given
    /// segment and sector: a disk writes in any order.
    pub fn power_cut_keeping(&self, mut keep: impl FnMut(u64, u64) -> bool) {
        let mut disk = self.disk();
        for (number, bytes) in &mut disk.segments {
            for sector in std::mem::take(&mut bytes.unsynced) {
                if keep(*number, sector) {
                    bytes.persist(sector);
                }
            }
            bytes.now = bytes.durable.clone();
        }
        disk.power += 1;
        disk.calls_left = None;
        disk.held = false;
        self.shared.changed.notify_all();
    }

    /// Sectors written and not flushed, as segment and sector.
    pub fn unsynced(&self) -> Vec<(u64, u64)> {
        let disk = self.disk();
        let of = |(number, bytes): (&u64, &Bytes)| {
            let number = *number;
            let sectors: Vec<u64> = bytes.unsynced.iter().copied().collect();
            sectors.into_iter().map(move |sector| (number, sector))
        };
        disk.segments.iter().flat_map(of).collect()
    }

    /// Damages one byte, as a failing disk does.
    pub fn flip(&self, number: u64, offset: u64) {
        if let Some(bytes) = self.disk().segments.get_mut(&number) {
            let mut byte = [0];
            bytes.read(offset, &mut byte);
            bytes.write(offset, &byte.map(|byte| !byte));
            bytes.persist(offset / JOURNAL_SECTOR_BYTES);
        }
    }

    /// Loses a whole segment.
    pub fn remove(&self, number: u64) {
        self.disk().segments.remove(&number);
    }

    /// All bytes of a segment as they are read now.
    pub fn contents(&self, number: u64) -> Vec<u8> {
        let disk = self.disk();
        disk.segments.get(&number).map_or(Vec::new(), |bytes| {
            let mut all = vec![0; usize::try_from(bytes.len).unwrap_or_default()];
            bytes.read(0, &mut all);
            all
        })
    }

    /// Writes, flushes and creations so far.
    pub fn calls(&self) -> u64 {
        self.disk().calls
    }

    /// Flushes that succeeded so far.
    pub fn syncs(&self) -> u64 {
        self.disk().syncs
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.shared.disk()
    }
}

impl Shared {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    fn powered(&self, power: u64) -> io::Result<()> {
        if self.power == power {
            Ok(())
        } else {
            Err(io::Error::other("the power was cut"))
        }
    }

    /// Counts a call and says whether it is one that fails.
    fn call(&mut self, power: u64) -> io::Result<()> {
        self.powered(power)?;
        self.calls += 1;
        match &mut self.calls_left {
            None => Ok(()),
            Some(0) => Err(io::Error::other("the disk fails as it was told to")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}

struct Plugged {
    shared: Arc<Shared>,
    power: u64,
}

impl Plugged {
    fn file(&self, number: u64) -> Box<dyn SegmentFile> {
        Box::new(PluggedFile {
            shared: Arc::clone(&self.shared),
            power: self.power,
            number,
        })
    }
}

impl Storage for Plugged {
    fn segments(&self) -> io::Result<Vec<u64>> {
        let disk = self.shared.disk();
        disk.powered(self.power)?;
        Ok(disk.segments.keys().copied().collect())
    }

    fn create(&mut self, number: u64, len: u64) -> io::Result<Box<dyn SegmentFile>> {
        let mut disk = self.shared.disk();
        disk.call(self.power)?;
        if disk.segments.contains_key(&number) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let bytes = Bytes {
            len,
            ..Bytes::default()
        };
        disk.segments.insert(number, bytes);
        Ok(self.file(number))
    }

    fn open(&mut self, number: u64) -> io::Result<Box<dyn SegmentFile>> {
        let disk = self.shared.disk();
        disk.powered(self.power)?;
        if disk.segments.contains_key(&number) {
            Ok(self.file(number))
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    fn reader(&self) -> Box<dyn Storage> {
        Box::new(Plugged {
            shared: Arc::clone(&self.shared),
            power: self.power,
        })
    }
}

struct PluggedFile {
    shared: Arc<Shared>,
    power: u64,
    number: u64,
}

impl PluggedFile {
    fn with<T>(&self, mut what: impl FnMut(&mut Bytes) -> T) -> io::Result<T> {
        let mut disk = self.shared.disk();
        disk.powered(self.power)?;
        match disk.segments.get_mut(&self.number) {
            Some(bytes) => Ok(what(bytes)),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl SegmentFile for PluggedFile {
    fn len(&self) -> io::Result<u64> {
        self.with(|bytes| bytes.len)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.with(|bytes| bytes.read(offset, into))
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let called = self.shared.disk().call(self.power);
        let part = match called {
            Ok(()) => bytes,
            Err(_) => bytes.get(..bytes.len() / 2).unwrap_or_default(),
        };
        let grows = |held: &mut Bytes| offset + bytes.len() as u64 > held.len;
        if self.with(grows)? {
            return Err(io::Error::other("a segment never grows"));
        }
        self.with(|held| held.write(offset, part))?;
        called
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.shared.disk();
        disk.call(self.power)?;
        if disk.held {
            disk.waiting += 1;
            self.shared.changed.notify_all();
            let timeout;
            (disk, timeout) = self
                .shared
                .changed
                .wait_timeout_while(disk, PATIENCE, |disk| disk.held && disk.passes == 0)
                .unwrap_or_else(PoisonError::into_inner);
            disk.waiting -= 1;
            if timeout.timed_out() {
                // A test that failed while it held the disk ends, instead of hanging.
                return Err(io::Error::other("held for too long"));
            }
            disk.passes = disk.passes.saturating_sub(1);
            self.shared.changed.notify_all();
        }
        disk.powered(self.power)?;
        disk.syncs += 1;
        drop(disk);
        self.with(|bytes| {
            for sector in std::mem::take(&mut bytes.unsynced) {
                bytes.persist(sector);
            }
        })
    }
}

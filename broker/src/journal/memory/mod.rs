//! A disk in memory, for tests of this and of other crates: it can be held, can fail and can
//! lose its power. It keeps what a real disk promises and nothing more.

mod bytes;
mod faults;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, SECTOR};
pub use faults::Call;
use faults::Faults;

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
    /// Deleted, but not durably: a power cut may bring them back.
    limbo: BTreeMap<u64, Bytes>,
    /// Bytes of all segments that there is room for.
    capacity: Option<u64>,
    faults: Faults,
    /// Counts power cuts: whoever opened something before the last one has lost it.
    power: u64,
    held: bool,
    /// Flushes waiting to be released.
    waiting: u64,
    /// Held flushes that may go on all the same.
    passes: u64,
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
                named: true,
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
            writes: true,
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

    /// Lets `calls` more writes, flushes, creations and deletions succeed and fails every later
    /// one. What fails is half done: a write has written its first half, the name of what was
    /// created or deleted is not durable.
    pub fn fail_after(&self, calls: u64) {
        self.disk().faults.left = Some((None, calls));
    }

    /// The same for calls of one kind alone.
    pub fn fail_only(&self, call: Call, calls: u64) {
        self.disk().faults.left = Some((Some(call), calls));
    }

    /// With what a call fails.
    pub fn fail_with(&self, error: io::ErrorKind) {
        self.disk().faults.error = Some(error);
    }

    /// From now on nothing can be changed, as after a disk was mounted read-only.
    pub fn turn_read_only(&self) {
        self.disk().faults.read_only = true;
    }

    /// Ends all that was made to fail. A disk that is full stays so.
    pub fn heal(&self) {
        self.disk().faults.heal();
    }

    /// How many bytes of segments there is room for; `None` for no bound.
    pub fn hold_at_most(&self, bytes: Option<u64>) {
        self.disk().capacity = bytes;
    }

    /// Calls that failed as they were told to.
    pub fn failed(&self) -> u64 {
        self.disk().faults.failed
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
        // Of names that are not durable any may be there or not.
        let back = std::mem::take(&mut disk.limbo);
        let back = back.into_iter().filter(|(number, _)| keep(*number, 0));
        disk.segments.extend(back);
        disk.segments
            .retain(|number, bytes| bytes.named || keep(*number, 0));
        disk.power += 1;
        disk.faults.heal();
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

    /// Writes, flushes, creations and deletions so far.
    pub fn calls(&self) -> u64 {
        self.disk().faults.calls
    }

    /// Bytes that all segments take together.
    pub fn used(&self) -> u64 {
        self.disk().used()
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

    fn call(&mut self, power: u64, call: Call) -> io::Result<()> {
        self.powered(power)?;
        self.faults.call(call)
    }

    fn used(&self) -> u64 {
        self.segments.values().map(|bytes| bytes.len).sum()
    }
}

struct Plugged {
    shared: Arc<Shared>,
    power: u64,
    writes: bool,
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
        let called = disk.call(self.power, Call::Create);
        if disk.powered(self.power).is_err() || disk.faults.read_only {
            return called.map(|()| self.file(number));
        }
        if disk.segments.contains_key(&number) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if disk.capacity.is_some_and(|room| disk.used() + len > room) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let bytes = Bytes {
            len,
            named: called.is_ok(),
            ..Bytes::default()
        };
        disk.segments.insert(number, bytes);
        called.map(|()| self.file(number))
    }

    fn open(&mut self, number: u64) -> io::Result<Box<dyn SegmentFile>> {
        let mut disk = self.shared.disk();
        disk.powered(self.power)?;
        let writes = self.writes;
        match disk.segments.get_mut(&number) {
            Some(bytes) => {
                bytes.named |= writes;
                Ok(self.file(number))
            }
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn remove(&mut self, number: u64) -> io::Result<()> {
        let mut disk = self.shared.disk();
        let called = disk.call(self.power, Call::Remove);
        if disk.powered(self.power).is_err() || disk.faults.read_only {
            return called;
        }
        match (disk.segments.remove(&number), &called) {
            (Some(bytes), Err(_)) => {
                disk.limbo.insert(number, bytes);
            }
            (_, Ok(())) => {
                disk.limbo.remove(&number);
            }
            (None, Err(_)) => {}
        }
        called
    }

    fn free_bytes(&self) -> io::Result<Option<u64>> {
        let mut disk = self.shared.disk();
        disk.call(self.power, Call::Free)?;
        Ok(disk.capacity.map(|room| room.saturating_sub(disk.used())))
    }

    fn maker(&self) -> Box<dyn Storage> {
        Box::new(Plugged {
            shared: Arc::clone(&self.shared),
            power: self.power,
            writes: self.writes,
        })
    }

    fn reader(&self) -> Box<dyn Storage> {
        Box::new(Plugged {
            shared: Arc::clone(&self.shared),
            power: self.power,
            writes: false,
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
        let called = self.shared.disk().call(self.power, Call::Write);
        let part = match called {
            Ok(()) => bytes,
            Err(_) if self.shared.disk().faults.read_only => &[],
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
        disk.call(self.power, Call::Sync)?;
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

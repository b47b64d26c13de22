//! One segment of the disk in memory, sector by sector.

use std::collections::{BTreeMap, BTreeSet};

use crate::limits::JOURNAL_SECTOR_BYTES;

pub(super) const SECTOR: usize = 512;
const _: () = assert!(SECTOR as u64 == JOURNAL_SECTOR_BYTES);

/// Sectors that are not all zeros, as written and as durable.
#[derive(Default)]
pub(super) struct Bytes {
    /// Whether its name survives a power cut.
    pub(super) named: bool,
    pub(super) len: u64,
    pub(super) now: Sectors,
    pub(super) durable: Sectors,
    pub(super) unsynced: BTreeSet<u64>,
}

type Sectors = BTreeMap<u64, Vec<u8>>;

impl Bytes {
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let (sector, within) = split(at);
            let (some, later) = rest.split_at(rest.len().min(SECTOR - within));
            self.unsynced.insert(sector);
            let held = self.now.entry(sector).or_insert_with(|| vec![0; SECTOR]);
            if let Some(place) = held.get_mut(within..within + some.len()) {
                place.copy_from_slice(some);
            }
            at += some.len() as u64;
            rest = later;
        }
    }

    pub(super) fn read(&self, offset: u64, into: &mut [u8]) -> usize {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = into.len().min(left);
        let mut done = 0;
        while done < count {
            let (sector, within) = split(offset + done as u64);
            let some = (SECTOR - within).min(count - done);
            if let Some(into) = into.get_mut(done..done + some) {
                let held = self.now.get(&sector);
                match held.and_then(|sector| sector.get(within..within + some)) {
                    Some(bytes) => into.copy_from_slice(bytes),
                    None => into.fill(0),
                }
            }
            done += some;
        }
        count
    }

    pub(super) fn persist(&mut self, sector: u64) {
        self.unsynced.remove(&sector);
        if let Some(bytes) = self.now.get(&sector) {
            self.durable.insert(sector, bytes.clone());
        }
    }
}

fn split(offset: u64) -> (u64, usize) {
    let within = usize::try_from(offset % JOURNAL_SECTOR_BYTES).unwrap_or_default();
    (offset / JOURNAL_SECTOR_BYTES, within)
}

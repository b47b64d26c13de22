//! Each promise of the tree and its notary, attacked.

mod forged;
mod hostile;
mod notary;
mod power;
mod proofs;
mod removed;
mod second;
mod shape;
mod tamper;

use interlock_protocols::record::{EdgeStopped, Event, Record};

use super::*;
use crate::clock::{Mono, Now};
use crate::journal::{Journal, Memory, Options, read_storage};
use crate::limits::JOURNAL_SEGMENT_MIN_BYTES;

const ORIGIN: &str = "riverside/gateway/gateway-1";

/// The smallest segments, so that tests roll often.
const SMALL: Options = Options {
    segment_bytes: JOURNAL_SEGMENT_MIN_BYTES,
    ..Options::UNBOUNDED
};

/// The same key each time: what was signed before a restart was signed by this gateway.
fn gateway() -> JournalKey {
    JournalKey::from_seed(ORIGIN, &[7; 32])
}

fn at(seconds: u64) -> Now {
    let since = std::time::Duration::from_secs(seconds);
    Now::new(1_000 * seconds as i64, Mono::at(since))
}

/// Something to record, told apart by its text.
fn note(text: &str) -> Event {
    Event::EdgeStopped(EdgeStopped {
        gateway: text.to_owned(),
    })
}

fn wait(pending: crate::journal::Pending) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(pending).unwrap();
}

/// Records `event`; all before it is on the disk too.
fn commit(journal: &Journal, event: Event) -> u64 {
    let pending = journal.commit(5, event).unwrap();
    let sequence = pending.sequence();
    wait(pending);
    sequence
}

fn records(memory: &Memory) -> Vec<Record> {
    let records = read_storage(memory.storage()).unwrap();
    records.collect::<Result<_, _>>().unwrap()
}

/// A journal with its notary, on a disk and a folder that the test holds.
struct Rig {
    memory: Memory,
    tiles: MemoryTiles,
    journal: Journal,
    notary: Notary,
    opened: Opened,
    /// Seconds on the clock.
    clock: u64,
}

impl Rig {
    fn new() -> Rig {
        Rig::over(Memory::new(), MemoryTiles::new())
    }

    fn over(memory: Memory, tiles: MemoryTiles) -> Rig {
        Rig::try_over(memory, tiles).unwrap()
    }

    fn try_over(memory: Memory, tiles: MemoryTiles) -> Result<Rig, NotaryError> {
        let journal = Journal::open(memory.storage(), SMALL, 1).unwrap().0;
        let (notary, opened) = Notary::open(&journal, tiles.store(), gateway(), &mut |_, _| {})?;
        Ok(Rig {
            memory,
            tiles,
            journal,
            notary,
            opened,
            clock: 1,
        })
    }

    fn write(&mut self, count: u64) -> u64 {
        let mut last = 0;
        for number in 0..count {
            last = self.journal.append(5, note(&number.to_string())).unwrap();
        }
        last
    }

    /// Makes all durable, which costs a record, and lets the notary see it.
    fn advance(&mut self, seconds: u64) -> Result<Option<Notarized>, NotaryError> {
        self.clock += seconds;
        let through = commit(&self.journal, note("durable"));
        self.notary.advance(through, at(self.clock))
    }

    /// Until the first checkpoint of an epoch.
    fn begin(mut self) -> Rig {
        for _ in 0..4 {
            if self.notary.last().is_none() {
                self.advance(1).unwrap();
            }
        }
        assert!(self.notary.last().is_some(), "{:?}", self.notary.halted());
        self
    }

    /// Ends in good order.
    fn stop(self) -> (Memory, MemoryTiles) {
        let through = commit(&self.journal, note("durable"));
        self.notary.close(through, at(self.clock)).unwrap();
        self.journal.close();
        (self.memory, self.tiles)
    }
}

/// The records of a type, by their numbers.
fn of_kind(records: &[Record], kind: u64) -> Vec<u64> {
    let of = records.iter().filter(|record| record.event.kind() == kind);
    of.map(|record| record.sequence).collect()
}

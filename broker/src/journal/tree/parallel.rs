//! Scanning segments on as many threads as the machine has, and taking what they found in order.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::super::layout::Head;
use super::super::storage::Storage;
use super::super::walk::{self, Opened};
use super::compare;
use super::scan::{self, Scanned};
use super::tiles::TileStore;
use super::verify::Course;

/// The segments of a journal as their heads say, as far as these follow on each other.
pub(super) struct Chain {
    heads: Vec<Head>,
    /// Whether the storage has nothing that was used behind them.
    ends: bool,
}

/// Threads at the most: beyond that the disk is the limit.
const THREADS_MAX: usize = 8;

impl Chain {
    /// Reads the heads of all segments.
    pub(super) fn read(storage: &mut dyn Storage) -> io::Result<Chain> {
        let mut chain = Chain {
            heads: Vec::new(),
            ends: true,
        };
        for number in storage.segments()? {
            let follows = chain
                .heads
                .last()
                .is_none_or(|head| head.number + 1 == number);
            match walk::open(storage, number)? {
                Opened::Segment(place) if follows && chain.ends => chain.heads.push(place.head),
                // Made ready, and nothing was ever recorded in it.
                Opened::Unused(_) => {}
                _ => chain.ends = false,
            }
        }
        let begins = |head: &Head| head.number > 1 || (head.first == 1 && head.before == (0, 0));
        if !chain.heads.first().is_none_or(begins) {
            chain.heads.clear();
        }
        Ok(chain)
    }

    pub(super) fn len(&self) -> usize {
        self.heads.len()
    }

    /// The oldest sequence, as far as it is known.
    pub(super) fn first(&self) -> u64 {
        self.heads.first().map_or(1, |head| head.first)
    }

    /// The first sequence of the segment at this place; `None` for the first segment of all.
    pub(super) fn first_of(&self, at: usize) -> Option<u64> {
        let head = self.heads.get(at).filter(|_| at > 0);
        head.map(|head| head.first)
    }

    fn bytes(&self) -> u64 {
        self.heads.iter().map(|head| head.bytes).sum()
    }

    /// Whether what was scanned at this place is followed by what its end says.
    fn goes_on(&self, at: usize, scanned: &Scanned) -> bool {
        let Some(head) = self.heads.get(at) else {
            return false;
        };
        let end = (head.number, scanned.end);
        match self.heads.get(at + 1) {
            Some(next) => next.before == end && next.first == scanned.batch.next(),
            None => self.ends && scanned.is_last,
        }
    }
}

type Found = io::Result<Option<Scanned>>;

/// Scans the segments of `chain`, and hands them to `course` in order. Gives how many were
/// sound: the rest is for the slow reader.
pub(super) fn scan(
    storage: &dyn Storage,
    chain: &Chain,
    course: &mut Course,
    progress: &mut dyn FnMut(u64, u64),
) -> io::Result<usize> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(THREADS_MAX).min(chain.len().max(1));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let mut found: Vec<Receiver<Found>> = Vec::new();
        for number in 0..threads {
            // One is scanned ahead at the most, so memory stays bounded however slow the rest is.
            let (sender, receiver) = sync_channel(1);
            found.push(receiver);
            let worker = Worker {
                storage: storage.reader(),
                tiles: course.tiles(),
                covered: course.covered(),
            };
            let heads = chain.heads.iter().skip(number).step_by(threads);
            let stop = &stop;
            scope.spawn(move || worker.run(heads, &sender, stop));
        }
        let sound = take_all(&found, chain, course, progress);
        stop.store(true, Ordering::Relaxed);
        sound
    })
}

fn take_all(
    found: &[Receiver<Found>],
    chain: &Chain,
    course: &mut Course,
    progress: &mut dyn FnMut(u64, u64),
) -> io::Result<usize> {
    let all = chain.bytes();
    let mut done = 0;
    for (at, (receiver, head)) in found.iter().cycle().zip(&chain.heads).enumerate() {
        // A worker that is gone left nothing to take.
        let Some(scanned) = receiver.recv().unwrap_or(Ok(None))? else {
            return Ok(at);
        };
        if !chain.goes_on(at, &scanned) {
            return Ok(at);
        }
        course.take(scanned.batch, head.number);
        done += head.bytes;
        progress(done, all);
    }
    Ok(chain.len())
}

struct Worker {
    storage: Box<dyn Storage>,
    tiles: Option<Box<dyn TileStore>>,
    covered: u64,
}

impl Worker {
    fn run<'a>(
        mut self,
        heads: impl Iterator<Item = &'a Head>,
        sender: &SyncSender<Found>,
        stop: &AtomicBool,
    ) {
        for head in heads {
            if stop.load(Ordering::Relaxed) || sender.send(self.scan(head)).is_err() {
                return;
            }
        }
    }

    fn scan(&mut self, head: &Head) -> Found {
        let file = self.storage.open(head.number)?;
        let mut scanned = scan::scan(file, head)?;
        if let (Some(scanned), Some(tiles)) = (&mut scanned, &self.tiles) {
            let faults = compare::leaves(tiles.as_ref(), &scanned.batch, self.covered);
            scanned.batch.faults = faults;
        }
        Ok(scanned)
    }
}

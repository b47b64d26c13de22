//! What the journal costs beside the disk under it, measured in turn in one run.
//!
//! One writer: the median time of an INTENT against one `fdatasync` of as many bytes in a file
//! of zeros. Sixty-four writers: records a second against a group commit that does nothing else:
//! the same writers hand the same records to a thread, which writes what has come together into
//! the same file of zeros, flushes it and answers. Prints medians of the rounds and their ratios;
//! the first may be 1.25, the second must be 0.8. What the disk alone would take, with nobody to
//! be answered, stands beside it. `TMPDIR` names the disk.
#![allow(missing_docs, reason = "a bench has no users but its reader")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "it measures time and prints it"
)]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use interlock_broker::journal::{Directory, Journal, Options};
use interlock_protocols::record::{Event, Intent};

const ROUNDS: usize = 15;
const SINGLE: usize = 400;
const WRITERS: usize = 64;
const EACH: usize = 60;
const SECTOR_BYTES: usize = 512;
/// What a group adds to its records, and a frame to each.
const COMMIT_BYTES: usize = 33;
const FRAME_BYTES: usize = 17;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Directory::open(&folder.path().join("journal")).unwrap();
    let (journal, _) = Journal::open(Box::new(storage), Options::default(), 1).unwrap();
    let mut raw = Raw::new(&folder.path().join("raw"));
    let one = COMMIT_BYTES + FRAME_BYTES + record_bytes();
    let many = COMMIT_BYTES + WRITERS * (FRAME_BYTES + record_bytes());
    println!("a record has {} bytes", record_bytes());

    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(raw.flushes(one, SINGLE).median());
        beside.push(single(&journal));
    }
    let (flush, intent) = (alone.median(), beside.median());
    let ratio = intent.as_secs_f64() / flush.as_secs_f64();
    println!("one writer: fdatasync {flush:?}, INTENT {intent:?}, ratio {ratio:.3} (may be 1.25)");

    let (mut alone, mut plain, mut shared) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        raw.flushes(many, EACH);
        alone.push(begun.elapsed());
        plain.push(plainly(&mut raw));
        shared.push(together(&journal));
    }
    let rate = |time: Duration| (WRITERS * EACH) as f64 / time.as_secs_f64();
    let (alone, plain) = (rate(alone.median()), rate(plain.median()));
    let shared = rate(shared.median());
    let ratio = shared / plain;
    println!(
        "{WRITERS} writers: group commit {plain:.0}/s, INTENTs {shared:.0}/s, ratio {ratio:.3} (must be 0.8); the disk alone {alone:.0}/s"
    );
    journal.close();
}

/// What a writer hands to the thread of [`plainly`]: a record, and where to say that it is there.
type Handed = (Vec<u8>, tokio::sync::oneshot::Sender<()>);

/// The same writers over a group commit and nothing else.
fn plainly(raw: &mut Raw) -> Duration {
    let (hand, handed) = std::sync::mpsc::channel::<Handed>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while let Ok(first) = handed.recv() {
                let mut batch = vec![first];
                batch.extend(handed.try_iter());
                let bytes: usize = batch
                    .iter()
                    .map(|(record, _)| FRAME_BYTES + record.len())
                    .sum();
                let mut group = vec![0; (COMMIT_BYTES + bytes).next_multiple_of(SECTOR_BYTES)];
                let mut at = COMMIT_BYTES;
                for (record, _) in &batch {
                    group[at..at + record.len()].copy_from_slice(record);
                    at += FRAME_BYTES + record.len();
                }
                raw.flush(&group);
                for (_, answer) in batch {
                    answer.send(()).unwrap();
                }
            }
        });
        runtime().block_on(async move {
            let begun = Instant::now();
            let writers: Vec<_> = (0..WRITERS)
                .map(|_| {
                    let hand = hand.clone();
                    tokio::spawn(async move {
                        for sequence in 0..EACH as u64 {
                            let (answer, answered) = tokio::sync::oneshot::channel();
                            hand.send((encoded(sequence), answer)).unwrap();
                            answered.await.unwrap();
                        }
                    })
                })
                .collect();
            for writer in writers {
                writer.await.unwrap();
            }
            begun.elapsed()
        })
    })
}

/// As the gateway has it: one runtime of one thread, and the journal's thread.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

fn single(journal: &Journal) -> Duration {
    runtime().block_on(async {
        let mut times = Vec::new();
        for _ in 0..SINGLE {
            let begun = Instant::now();
            let pending = journal.commit(1, intent()).unwrap();
            let sequence = pending.sequence();
            pending.await.unwrap();
            times.push(begun.elapsed());
            settle(journal, sequence);
        }
        times.median()
    })
}

fn together(journal: &Journal) -> Duration {
    runtime().block_on(async {
        let begun = Instant::now();
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let journal = journal.clone();
                tokio::spawn(async move {
                    let mut open = Vec::new();
                    for _ in 0..EACH {
                        let pending = journal.commit(1, intent()).unwrap();
                        open.push(pending.sequence());
                        pending.await.unwrap();
                    }
                    open
                })
            })
            .collect();
        let mut open = Vec::new();
        for writer in writers {
            open.extend(writer.await.unwrap());
        }
        let time = begun.elapsed();
        // Not timed: the records that end them.
        open.into_iter()
            .for_each(|sequence| settle(journal, sequence));
        journal.commit(1, event()).unwrap().await.unwrap();
        time
    })
}

fn settle(journal: &Journal, intent: u64) {
    use interlock_protocols::record::{CommandResult, Outcome};
    let outcome = Outcome {
        intent,
        result: CommandResult::Exception { code: 4 },
        latency_us: 1,
    };
    journal.append(1, Event::Outcome(outcome)).unwrap();
}

fn event() -> Event {
    Event::EdgeStopped(interlock_protocols::record::EdgeStopped {
        gateway: "bench".to_owned(),
    })
}

fn intent() -> Event {
    Event::Intent(Intent {
        session: 1,
        subject: "spiffe://plant.example/person/olga".to_owned(),
        transaction: 1,
        device: "press-4".to_owned(),
        unit: 1,
        pdu: vec![6, 0, 100, 0, 42],
        points: Vec::new(),
        policies: vec!["operators-write".repeat(8)],
        policy: [7; 32],
        window: None,
    })
}

fn record_bytes() -> usize {
    encoded(100_000).len()
}

fn encoded(sequence: u64) -> Vec<u8> {
    let record = interlock_protocols::record::Record {
        sequence,
        time_ms: 1,
        event: intent(),
    };
    record.encode()
}

/// A file of zeros that is written from front to back and over again.
struct Raw {
    file: File,
    at: u64,
}

const RAW_BYTES: u64 = 64 << 20;

impl Raw {
    fn new(path: &Path) -> Raw {
        let mut file = OpenOptions::new()
            .create_new(true)
            .read(true)
            .write(true)
            .open(path)
            .unwrap();
        let zeros = vec![0; 1 << 20];
        for _ in 0..RAW_BYTES >> 20 {
            file.write_all(&zeros).unwrap();
        }
        file.sync_all().unwrap();
        Raw { file, at: 0 }
    }

    /// Writes so many groups of this size, each with a flush.
    fn flushes(&mut self, bytes: usize, count: usize) -> Vec<Duration> {
        let group = vec![0xA5; bytes.next_multiple_of(SECTOR_BYTES)];
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let begun = Instant::now();
            self.flush(&group);
            times.push(begun.elapsed());
        }
        times
    }

    fn flush(&mut self, group: &[u8]) {
        if self.at + group.len() as u64 > RAW_BYTES {
            self.at = 0;
        }
        self.file.write_all_at(group, self.at).unwrap();
        self.file.sync_data().unwrap();
        self.at += group.len() as u64;
    }
}

trait Median {
    fn median(self) -> Duration;
}

impl Median for Vec<Duration> {
    fn median(mut self) -> Duration {
        self.sort_unstable();
        self.get(self.len() / 2).copied().unwrap_or_default()
    }
}

//! Verifying a journal against hashing the same bytes: twice 256 MB of commands as a busy gateway
//! writes them, with a checkpoint every 1,000 records, on the disk of the target directory. Both run in
//! turns, and what is compared is the median of each.
//!
//! `cargo bench -p interlock-tests --bench verify [-- MEGABYTES]`
#![allow(missing_docs, reason = "a bench has no users but its reader")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that cannot go on must stop"
)]
#![allow(clippy::print_stdout, reason = "its figures are all it has to give")]

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use aws_lc_rs::digest::{Context, SHA256};
use interlock_broker::clock::Clock;
use interlock_broker::journal::tree::{
    Against, JournalKey, Notary, TileFolder, VerifierKey, verify_against,
};
use interlock_broker::journal::{Directory, Journal, Options};
use interlock_protocols::record::{CommandResult, Event, Intent, Outcome, PointValue};

const ROUNDS: usize = 9;
const LOG: &str = "riverside/gateway/gateway-1";

fn main() {
    let mut asked = std::env::args().filter_map(|arg| arg.parse::<u64>().ok());
    let bytes = asked.next_back().unwrap_or(256) << 20;
    // The shorter the records, the more of the time goes into the tree and into signatures.
    for (what, points) in [("300 bytes on average", 7), ("writes of one register", 1)] {
        println!("records: {what}");
        measure(bytes, points);
    }
}

fn measure(bytes: u64, points: u16) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let dir = folder.path().join("journal");
    let (key, records) = write(&dir, bytes, points);
    let segments = segments(&dir);
    let all: u64 = segments
        .iter()
        .map(|path| path.metadata().unwrap().len())
        .sum();
    println!(
        "{records} records in {} segments, {all} bytes",
        segments.len()
    );

    let (mut plain, mut verified) = (Vec::new(), Vec::new());
    let (mut plain_ticks, mut verified_ticks) = (0, 0);
    for round in 0..=ROUNDS {
        let (start, spent) = (Instant::now(), ticks());
        hash(&segments);
        let hashed_s = start.elapsed().as_secs_f64();
        let (start, between) = (Instant::now(), ticks());
        check(&dir, &key, records);
        let verified_s = start.elapsed().as_secs_f64();
        plain_ticks += between - spent;
        verified_ticks += ticks() - between;
        // The first round reads from the disk.
        if round > 0 {
            plain.push(hashed_s);
            verified.push(verified_s);
            println!("round {round}: SHA-256 {hashed_s:.3} s, verify {verified_s:.3} s");
        }
    }
    let (plain, verified) = (median(&mut plain), median(&mut verified));
    let rate = |seconds: f64| all as f64 / seconds / 1e9;
    println!(
        "SHA-256 {:.2} GB/s, verify {:.2} GB/s",
        rate(plain),
        rate(verified)
    );
    println!("verify takes {:.2} x the time of SHA-256", verified / plain);
    // Less touched by whatever else the machine is busy with.
    println!(
        "processor time {:.2} x, over all threads",
        verified_ticks as f64 / plain_ticks as f64
    );
}

/// Processor time of this process so far, in hundredths of a second; 0 where nobody says.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let times = fields.skip(11).take(2);
    times.filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "segment"));
    paths.sort();
    paths
}

/// One thread, as `sha256sum` does it.
fn hash(segments: &[PathBuf]) {
    let mut buffer = vec![0; 512 << 10];
    for path in segments {
        let mut context = Context::new(&SHA256);
        let mut file = File::open(path).unwrap();
        loop {
            let read = file.read(&mut buffer).unwrap();
            if read == 0 {
                break;
            }
            context.update(&buffer[..read]);
        }
        std::hint::black_box(context.finish());
    }
}

fn check(dir: &Path, key: &VerifierKey, records: u64) {
    let against = Against {
        key: Some(key.clone()),
        checkpoint: None,
    };
    let found = verify_against(dir, against, &mut |_, _| {}).unwrap();
    assert!(found.is_sound(), "{found:?}");
    assert!(found.records >= records && found.checkpoints > records / 1500);
}

/// Commands until the journal has `bytes`.
fn write(dir: &Path, bytes: u64, points: u16) -> (VerifierKey, u64) {
    let clock = Clock::start();
    let key = JournalKey::generate(LOG).unwrap();
    let public = key.verifier().clone();
    let storage = Box::new(Directory::open(dir).unwrap());
    let (journal, _) = Journal::open(storage, Options::default(), 1).unwrap();
    let tiles = Box::new(TileFolder::new(dir));
    let (mut notary, _) = Notary::open(&journal, tiles, key, &mut |_, _| {}).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (mut records, mut written) = (0, 0);
    while written < bytes {
        for number in 0..500 {
            let event = intent(number, points);
            // What a record takes on the disk, closely.
            written += 235 + 50 * u64::from(points - 1) + 65;
            let sequence = if number == 499 {
                let pending = journal.commit(1, event).unwrap();
                let sequence = pending.sequence();
                runtime.block_on(pending).unwrap();
                sequence
            } else {
                journal.append(1, event).unwrap()
            };
            journal.append(1, outcome(sequence)).unwrap();
            records += 2;
        }
        let through = *journal.durable().borrow();
        notary.advance(through, clock.now()).unwrap();
    }
    let pending = journal.commit(1, intent(0, points)).unwrap();
    let through = pending.sequence();
    runtime.block_on(pending).unwrap();
    notary.close(through, clock.now()).unwrap();
    journal.close();
    (public, records)
}

fn intent(number: u16, points: u16) -> Event {
    let point = |at: u16| PointValue {
        name: format!("speed_setpoint_{at}"),
        value: Some(f64::from(number)),
        unit: "rpm".into(),
        before: Some(800.0),
        before_age_ms: Some(250),
    };
    Event::Intent(Intent {
        session: 17,
        subject: "spiffe://riverside/person/olga".into(),
        transaction: number,
        device: "press-4".into(),
        unit: 1,
        pdu: vec![6, 0, 100, 0x23, number.to_be_bytes()[1]],
        points: (0..points).map(point).collect(),
        policies: vec!["staff.cedar/operators-write".into()],
        policy: [7; 32],
        window: None,
    })
}

fn outcome(intent: u64) -> Event {
    Event::Outcome(Outcome {
        intent,
        result: CommandResult::Answered {
            pdu: vec![6, 0, 100, 0x23, 0x28],
        },
        latency_us: 1_200,
    })
}

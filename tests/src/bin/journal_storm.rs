//! A journal under a write storm, for power cuts: `journal_storm write DIR` records commands from
//! several threads until it is killed, and says on standard output which are on the disk;
//! `journal_storm check DIR` opens what a cut has left, as a starting edge does, and says what it
//! found there.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::thread;

use interlock_broker::journal::{Directory, Journal, Options, read};
use interlock_protocols::record::{CommandResult, Event, Intent, Outcome};

/// Small segments, so that cuts hit the change from one to the next as well.
const SEGMENT_BYTES: u64 = 256 << 10;
const WRITERS: u64 = 4;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let asked = (arguments.next(), arguments.next());
    let done = match &asked {
        (Some(act), Some(dir)) if act == "write" => write(Path::new(dir)),
        (Some(act), Some(dir)) if act == "check" => check(Path::new(dir)),
        _ => Err(io::Error::other("journal_storm write|check DIR")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _closed = writeln!(io::stderr(), "journal_storm: {error}");
            ExitCode::FAILURE
        }
    }
}

fn open(dir: &Path) -> io::Result<Journal> {
    let storage = Box::new(Directory::open(dir)?);
    let options = Options {
        segment_bytes: SEGMENT_BYTES,
        ..Options::default()
    };
    let (journal, _) = Journal::open(storage, options, 0).map_err(io::Error::other)?;
    Ok(journal)
}

fn write(dir: &Path) -> io::Result<()> {
    let journal = open(dir)?;
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let journal = journal.clone();
                scope.spawn(move || storm(&journal, writer))
            })
            .collect();
        for writer in writers {
            writer
                .join()
                .map_err(|_| io::Error::other("a writer panicked"))??;
        }
        Ok(())
    })
}

/// One writer: an intent, the word that it is on the disk, its outcome, and so on for ever.
fn storm(journal: &Journal, writer: u64) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for round in 0..u64::MAX {
        let intent = Event::Intent(Intent {
            session: writer,
            subject: "spiffe://site/person/storm".into(),
            transaction: 1,
            device: "press".into(),
            unit: 1,
            // Each command is another one: its bytes say which.
            pdu: [writer.to_be_bytes(), round.to_be_bytes()].concat(),
            points: Vec::new(),
            policies: Vec::new(),
            policy: [0; 32],
            window: None,
        });
        let pending = journal.commit(1, intent).map_err(io::Error::other)?;
        let sequence = pending.sequence();
        runtime.block_on(pending).map_err(io::Error::other)?;
        // One write, so that a cut between two of them never leaves half a line.
        io::stdout().write_all(format!("{sequence} {writer} {round}\n").as_bytes())?;
        let outcome = Event::Outcome(Outcome {
            intent: sequence,
            result: CommandResult::Exception { code: 4 },
            latency_us: 1,
        });
        journal.append(1, outcome).map_err(io::Error::other)?;
    }
    Ok(())
}

fn check(dir: &Path) -> io::Result<()> {
    open(dir)?.close();
    let mut out = io::stdout().lock();
    for record in read(dir).map_err(io::Error::other)? {
        let record = record.map_err(io::Error::other)?;
        match record.event {
            Event::Intent(intent) => {
                let [writer, round] = [0, 8].map(|at| number(&intent.pdu, at));
                writeln!(out, "intent {} {writer} {round}", record.sequence)?;
            }
            Event::Outcome(outcome) => writeln!(out, "outcome {}", outcome.intent)?,
            _ => {}
        }
    }
    Ok(())
}

fn number(pdu: &[u8], at: usize) -> u64 {
    let bytes = pdu.get(at..).and_then(|rest| rest.first_chunk());
    bytes.map_or(u64::MAX, |bytes| u64::from_be_bytes(*bytes))
}

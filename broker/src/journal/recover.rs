//! Opening a journal: read it all, cut a torn tail, and give every orphan its outcome.

use std::collections::BTreeSet;
use std::io;

use interlock_protocols::record::{CommandResult, Event, Outcome, Record};

use super::error::{Fault, OpenError};
use super::layout;
use super::storage::{SegmentFile, Storage};
use super::walk::{Place, Walk};
use super::writer::{Writer, group_room, line_bytes};

/// What was found when the journal was opened.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Recovered {
    /// Records read.
    pub records: u64,
    /// The sequence of the next record, behind the outcomes written for orphans.
    pub next_sequence: u64,
    /// Bytes of a torn tail that were cut. Nobody had been told that they are recorded.
    pub torn_bytes: u64,
    /// Intents that had no outcome, and now have OUTCOME UNKNOWN.
    pub orphans: Vec<u64>,
    /// The policy activated last.
    pub last_policy: Option<[u8; 32]>,
    /// The last sequence whose removal was recorded; 0 if none was.
    pub removed_through: u64,
    /// The time of the last record: a clock behind it was set back.
    pub last_time_ms: Option<i64>,
}

/// Why an orphan has no better outcome.
const ORPHANED: &str = "the edge stopped before the answer";

/// Reads the whole journal and leaves a writer at its end, everything before it durable.
pub(super) fn recover(
    storage: Box<dyn Storage>,
    segment_bytes: u64,
    now_ms: i64,
) -> Result<(Writer, Recovered), OpenError> {
    let mut walk = Walk::new(storage);
    let mut recovered = Recovered::default();
    let mut open = BTreeSet::new();
    while let Some(line) = walk.step().map_err(refuse)? {
        let record = Record::decode(&line.bytes)
            .map_err(|error| refuse(walk.damaged(&line, error.to_string())))?;
        recovered.note(&record, &mut open);
    }
    walk.judge_beginning(recovered.removed_through)
        .map_err(refuse)?;
    recovered.torn_bytes = walk.torn_bytes()?;
    let (storage, place, next) = walk.into_end();
    let mut writer = match place {
        Some(place) => settle(storage, segment_bytes, place, next)?,
        None => Writer::begin(storage, segment_bytes, 1, (0, 0), next)?,
    };
    recovered.orphans = open.into_iter().collect();
    recovered.next_sequence =
        write_orphans(&mut writer, segment_bytes, &recovered.orphans, next, now_ms)?;
    Ok((writer, recovered))
}

fn refuse(fault: Fault) -> OpenError {
    match fault {
        Fault::Damage(damage) => OpenError::Corrupt(damage),
        Fault::Io(error) => OpenError::Storage(error),
    }
}

impl Recovered {
    fn note(&mut self, record: &Record, open: &mut BTreeSet<u64>) {
        self.records += 1;
        self.last_time_ms = Some(record.time_ms);
        match &record.event {
            Event::Intent(_) => {
                open.insert(record.sequence);
            }
            Event::Outcome(outcome) => {
                open.remove(&outcome.intent);
            }
            Event::RecordsRemoved(removed) => self.removed_through = removed.last,
            Event::PolicyActivated(policy) => self.last_policy = Some(policy.digest),
            _ => {}
        }
    }
}

/// Makes the end of the last segment clean: zeros behind the last good record, so that what a
/// torn write left can never be met again, then one flush. After a kill, as opposed to a power
/// cut, what was read may be in the system's memory only: the flush makes that durable too,
/// before the next commit frame says that it is.
fn settle(
    storage: Box<dyn Storage>,
    segment_bytes: u64,
    mut place: Place,
    next: u64,
) -> io::Result<Writer> {
    let torn_to = place.window.last_written(place.good)?;
    let capacity = place.window.len();
    let (head, good) = (place.head, place.good);
    let mut file = place.window.into_file();
    if let Some(last) = torn_to {
        erase(file.as_mut(), good, last + 1)?;
    }
    file.sync()?;
    Ok(Writer::resume(
        storage,
        segment_bytes,
        file,
        (head, capacity),
        layout::align(good),
        next,
    ))
}

fn erase(file: &mut dyn SegmentFile, from: u64, to: u64) -> io::Result<()> {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    let mut offset = from;
    while offset < to {
        let left = usize::try_from(to - offset).unwrap_or(usize::MAX);
        let zeros = ZEROS.get(..left).unwrap_or(&ZEROS);
        file.write_at(offset, zeros)?;
        offset += zeros.len() as u64;
    }
    Ok(())
}

/// I4: after a crash an intent without an outcome gets one, and is never replayed.
fn write_orphans(
    writer: &mut Writer,
    segment_bytes: u64,
    orphans: &[u64],
    mut next: u64,
    now_ms: i64,
) -> io::Result<u64> {
    let mut lines: Vec<(u64, Vec<u8>)> = Vec::new();
    for intent in orphans {
        let record = Record {
            sequence: next,
            time_ms: now_ms,
            event: Event::Outcome(Outcome {
                intent: *intent,
                result: CommandResult::Unknown {
                    why: ORPHANED.into(),
                },
                latency_us: 0,
            }),
        };
        lines.push((next, record.encode()));
        next += 1;
    }
    let room = group_room(segment_bytes);
    let mut group: Vec<(u64, &[u8])> = Vec::new();
    let mut used = 0;
    for (sequence, bytes) in &lines {
        if used + line_bytes(bytes.len()) > room {
            writer.group(&group)?;
            group.clear();
            used = 0;
        }
        used += line_bytes(bytes.len());
        group.push((*sequence, bytes));
    }
    if !group.is_empty() {
        writer.group(&group)?;
    }
    Ok(next)
}

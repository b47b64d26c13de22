//! Opening a journal: read it all, cut a torn tail, and give every orphan its outcome.

use std::collections::{BTreeSet, VecDeque};
use std::io;

use interlock_protocols::record::{
    Ahead, CommandResult, Event, Heading, Outcome, Record, Unreadable, kind,
};

use super::budget::{Extent, Options, Shelf};
use super::kind::Kind;

use super::error::{Fault, OpenError};
use super::layout;
use super::storage::Storage;
use super::walk::{Line, Place, Walk};
use super::writer::{self, End, Writer, erase, group_room, line_bytes};
use crate::register::{Parts, Register};

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
    /// What administrators accepted as ahead of the journal, oldest first.
    pub accepted: Vec<Ahead>,
    /// The time of the last record: a clock behind it was set back.
    pub last_time_ms: Option<i64>,
    /// Whether the clock was in doubt at the end, and nobody has accepted it since.
    pub clock_doubted: bool,
    /// What is known of identities, and what was taken from whom.
    pub register: Register,
    /// The oldest record that the register is made from: nothing from there on may be removed.
    pub register_from: Option<u64>,
}

/// Why an orphan has no better outcome.
const ORPHANED: &str = "the edge stopped before the answer";

/// Reads the whole journal and leaves a writer at its end, everything before it durable.
pub(super) fn recover(
    storage: Box<dyn Storage>,
    options: Options,
    now_ms: i64,
) -> Result<(Opening, Recovered), OpenError> {
    let mut walk = Walk::new(storage);
    let mut recovered = Recovered::default();
    let mut open = BTreeSet::new();
    let mut parts = Parts::default();
    let mut extents = Vec::new();
    while let Some(line) = walk.step().map_err(refuse)? {
        if let Err(error) = recovered.note(&line, &mut open, &mut parts) {
            return Err(refuse(walk.damaged(&line, error.to_string())));
        }
        note_extent(&mut extents, &line, walk.segment_bytes());
    }
    walk.judge_beginning(recovered.removed_through)
        .map_err(refuse)?;
    recovered.torn_bytes = walk.torn_bytes()?;
    let (storage, place, next) = walk.into_end();
    let (mut writer, clean) = match place {
        Some(place) => settle(storage, options, place, next, extents)?,
        None => (Writer::begin(storage, options, 1, (0, 0), next)?, Ok(())),
    };
    writer.take_up(recovered.removed_through)?;
    recovered.orphans = open.into_iter().collect();
    recovered.settle_orphans(next);
    // A clock that was set back must not take the floor with it.
    let now_ms = recovered
        .last_time_ms
        .map_or(now_ms, |last| last.max(now_ms));
    let mut opened = Opening {
        outcomes: outcomes(&recovered.orphans, next, now_ms),
        unwritten: None,
        writer,
    };
    recovered.next_sequence = next + opened.outcomes.len() as u64;
    // A disk that cannot be written is no reason not to open: reads go on, and what is owed is
    // written when it can be.
    let room = group_room(options.segment_bytes);
    if let Err(error) = clean.and_then(|()| opened.write_outcomes(room, now_ms)) {
        opened.unwritten = Some(error.to_string());
    }
    Ok((opened, recovered))
}

/// A journal that was read to its end.
pub(super) struct Opening {
    pub(super) writer: Writer,
    /// Outcomes of orphans that are not on the disk yet.
    pub(super) outcomes: VecDeque<(u64, Vec<u8>)>,
    /// Why not, and why nothing else can be.
    pub(super) unwritten: Option<String>,
}

/// Counts `line` to its segment, which has so many bytes.
fn note_extent(extents: &mut Vec<Extent>, line: &Line, bytes: u64) {
    if extents
        .last()
        .is_none_or(|extent| extent.number != line.place.0)
    {
        extents.push(Extent::begin(line.place.0, bytes, line.sequence));
    }
    if let Some(extent) = extents.last_mut() {
        extent.last = line.sequence;
        extent.last_ms = extent.last_ms.max(line.time_ms);
        if Kind::is_telling(line.kind) {
            extent.tellings_bytes += line_bytes(line.bytes.len()) as u64;
        }
    }
}

fn refuse(fault: Fault) -> OpenError {
    match fault {
        Fault::Damage(damage) => OpenError::Corrupt(damage),
        Fault::Io(error) => OpenError::Storage(error),
    }
}

impl Recovered {
    /// What holds where the journal is damaged and only read: told by others than its records.
    pub fn of_damaged(
        next_sequence: u64,
        last_policy: Option<[u8; 32]>,
        last_time_ms: Option<i64>,
    ) -> Recovered {
        Recovered {
            next_sequence,
            last_policy,
            last_time_ms,
            ..Recovered::default()
        }
    }

    /// Reads whole only what is needed from here on: checksums were right, and going through
    /// all of millions of records would take a restart its time.
    fn note(
        &mut self,
        line: &Line,
        open: &mut BTreeSet<u64>,
        parts: &mut Parts,
    ) -> Result<(), Unreadable> {
        self.records += 1;
        self.last_time_ms = Some(line.time_ms);
        match line.kind {
            kind::INTENT => {
                open.insert(line.sequence);
                if let Some((subject, device, function)) = Heading::used(&line.bytes) {
                    self.register.note_use(subject, device, function);
                }
                if let Some(window) = Heading::window(&line.bytes) {
                    let heading = Heading::decode(&line.bytes)?;
                    let windows = &mut self.register.windows;
                    windows.count(line.sequence, heading.time_ms, window);
                    self.register.knows(line.sequence);
                }
                return Ok(());
            }
            kind::OUTCOME
            | kind::POLICY_ACTIVATED
            | kind::RECORDS_REMOVED
            | kind::JOURNAL_ACCEPTED => {}
            kind::CLOCK_DOUBTED | kind::CLOCK_ACCEPTED => {
                self.clock_doubted = line.kind == kind::CLOCK_DOUBTED;
                return Ok(());
            }
            kind::REGISTER_KEPT => {}
            other if Register::heeds(other) => {}
            _ => return Ok(()),
        }
        let record = Record::decode(&line.bytes)?;
        self.register
            .apply(record.sequence, record.time_ms, &record.event);
        if Register::needs(line.kind) {
            self.register_from.get_or_insert(record.sequence);
        }
        match record.event {
            Event::RegisterKept(kept) => {
                let whole = parts.take(record.sequence, kept);
                self.replace_register(whole.map_err(Unreadable::Malformed)?);
            }
            Event::Outcome(outcome) => {
                open.remove(&outcome.intent);
            }
            Event::JournalAccepted(accepted) => self.accepted.extend(accepted.ahead),
            Event::RecordsRemoved(removed) => self.removed_through = removed.last,
            Event::PolicyActivated(policy) => self.last_policy = Some(policy.digest),
            _ => {}
        }
        Ok(())
    }
}

impl Recovered {
    /// What orphans used of their windows stays used, and the register knows of their outcomes, the
    /// first of which has this sequence: one that is kept behind those must not seem to lack them.
    fn settle_orphans(&mut self, first: u64) {
        for (sequence, intent) in (first..).zip(&self.orphans) {
            if self.register.windows.awaits(*intent) {
                self.register.windows.settle(*intent, false);
                self.register.knows(sequence);
            }
        }
    }

    /// A register that was kept stands for all records before it. One that does not know of a
    /// record that was read is no better than those records.
    fn replace_register(&mut self, whole: Option<(u64, Register)>) {
        if let Some((first, register)) = whole
            && register.through() >= self.register.through()
        {
            self.register = register;
            self.register_from = Some(first);
        }
    }
}

/// Makes the end of the last segment clean: zeros behind the last good record, so that what a
/// torn write left can never be met again, then one flush. After a kill, as opposed to a power
/// cut, what was read may be in the system's memory only: the flush makes that durable too,
/// before the next commit frame says that it is.
fn settle(
    storage: Box<dyn Storage>,
    options: Options,
    mut place: Place,
    next: u64,
    mut extents: Vec<Extent>,
) -> io::Result<(Writer, io::Result<()>)> {
    let torn_to = place.window.last_written(place.good)?;
    let capacity = place.window.len();
    let (head, good) = (place.head, place.good);
    let mut file = place.window.into_file();
    let torn_to = torn_to.map_or(good, |last| last + 1);
    let clean = erase(file.as_mut(), good, torn_to).and_then(|()| file.sync());
    let present = match extents.pop_if(|extent| extent.number == head.number) {
        Some(extent) => extent,
        None => Extent::begin(head.number, capacity, next),
    };
    let shelf = Shelf {
        closed: extents.into(),
        present,
        spare_bytes: 0,
    };
    let end = End {
        file,
        head,
        capacity,
        end: layout::align(good),
        next,
    };
    let mut writer = Writer::resume(storage, options, end, shelf);
    if clean.is_err() {
        writer.is_torn(good, torn_to);
    }
    Ok((writer, clean))
}

/// I4: after a crash an intent without an outcome gets one, and is never replayed.
fn outcomes(orphans: &[u64], next: u64, now_ms: i64) -> VecDeque<(u64, Vec<u8>)> {
    let outcome = |(sequence, intent): (u64, &u64)| {
        let record = Record {
            sequence,
            time_ms: now_ms,
            event: Event::Outcome(Outcome {
                intent: *intent,
                result: CommandResult::Unknown {
                    why: ORPHANED.into(),
                },
                latency_us: 0,
            }),
        };
        (sequence, record.encode())
    };
    (next..).zip(orphans).map(outcome).collect()
}

impl Opening {
    fn write_outcomes(&mut self, room: usize, now_ms: i64) -> io::Result<()> {
        while !self.outcomes.is_empty() {
            let mut used = 0;
            let group: Vec<writer::Line<'_>> = self
                .outcomes
                .iter()
                .take_while(|(_, bytes)| {
                    used += line_bytes(bytes.len());
                    used <= room
                })
                .map(|(sequence, bytes)| writer::Line {
                    sequence: *sequence,
                    time_ms: now_ms,
                    is_telling: false,
                    bytes,
                })
                .collect();
            let written = group.len();
            self.writer.group(&group)?;
            self.outcomes.drain(..written);
        }
        Ok(())
    }
}

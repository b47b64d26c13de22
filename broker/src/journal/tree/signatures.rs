//! Signatures checked ahead, on all cores: one costs as much as hashing a hundred records, and
//! none depends on another.

use std::collections::BTreeMap;
use std::thread;

use interlock_protocols::record::{Event, Record, kind};

use super::super::walk::Line;
use super::epoch;
use super::key::VerifierKey;
use super::note::SignedCheckpoint;

/// What was found of the signatures under one checkpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Checked {
    pub(super) by_gateway: bool,
    pub(super) by_epoch: bool,
}

struct Task {
    sequence: u64,
    note: SignedCheckpoint,
    epoch: Option<VerifierKey>,
}

/// Fewer are checked as they come: a thread costs something too.
const WORTH_THREADS: usize = 8;

/// Checks the checkpoints among `acts`, the key of whose epoch is `current` until another starts.
/// By their sequences.
pub(super) fn check(
    acts: &[Line],
    origin: &str,
    gateway: Option<&VerifierKey>,
    current: Option<&VerifierKey>,
) -> BTreeMap<u64, Checked> {
    let tasks = tasks(acts, origin, current);
    if tasks.len() < WORTH_THREADS {
        return BTreeMap::new();
    }
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let check = |task: &Task| {
        let signed = |key: &VerifierKey| task.note.is_signed_by(key);
        let checked = Checked {
            by_gateway: gateway.is_none_or(signed),
            by_epoch: task.epoch.as_ref().is_some_and(signed),
        };
        (task.sequence, checked)
    };
    thread::scope(|scope| {
        let parts: Vec<_> = tasks
            .chunks(tasks.len().div_ceil(threads))
            .map(|part| scope.spawn(move || part.iter().map(check).collect::<Vec<_>>()))
            .collect();
        // What a thread that is gone did not check is checked as it comes.
        parts
            .into_iter()
            .flat_map(|part| part.join().unwrap_or_default())
            .collect()
    })
}

fn tasks(acts: &[Line], origin: &str, current: Option<&VerifierKey>) -> Vec<Task> {
    let mut current = current.cloned();
    let mut tasks = Vec::new();
    for act in acts {
        if !matches!(act.kind, kind::EPOCH_STARTED | kind::CHECKPOINTED) {
            continue;
        }
        match Record::decode(&act.bytes).map(|record| record.event) {
            Ok(Event::EpochStarted(started)) => {
                current = Some(epoch::verifier(origin, started.epoch, started.key));
            }
            Ok(Event::Checkpointed(checkpointed)) => {
                if let Ok(note) = SignedCheckpoint::parse(&checkpointed.note) {
                    tasks.push(Task {
                        sequence: act.sequence,
                        note,
                        epoch: current.clone(),
                    });
                }
            }
            _ => {}
        }
    }
    tasks
}

//! Several writers at once, as the broker does it: an intent, and when it is durable its outcome.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::*;
use crate::clock::Clock;

/// Writers at work until told to stop.
pub(super) struct Storm {
    stop: Arc<AtomicBool>,
    writers: Vec<JoinHandle<Vec<u64>>>,
}

impl Storm {
    /// Each writer ends early when the journal is of no more use.
    pub(super) fn begin(journal: &Journal, writers: usize) -> Storm {
        let stop = Arc::new(AtomicBool::new(false));
        let write = |_| {
            let (journal, stop) = (journal.clone(), Arc::clone(&stop));
            thread::spawn(move || {
                let mut acknowledged = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    match command(&journal) {
                        Some(sequence) => acknowledged.push(sequence),
                        // Reads go on, and denials are told, whatever the disk does.
                        None => {
                            let _ = journal.append(1, denial());
                            thread::yield_now();
                        }
                    }
                }
                acknowledged
            })
        };
        Storm {
            writers: (0..writers).map(write).collect(),
            stop,
        }
    }

    /// The intents that were acknowledged.
    pub(super) fn end(self) -> Vec<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let writers = self.writers.into_iter();
        writers.flat_map(|writer| writer.join().unwrap()).collect()
    }
}

/// The sequence of its intent if that was acknowledged. The outcome is handed over either way.
fn command(journal: &Journal) -> Option<u64> {
    let pending = journal.commit(1, large_intent()).ok()?;
    let sequence = pending.sequence();
    let acknowledged = wait(pending).is_ok();
    let result = match acknowledged {
        true => CommandResult::Exception { code: 4 },
        false => CommandResult::Withheld {
            reason: "journal-failed".into(),
        },
    };
    let _ = journal.append(
        1,
        Event::Outcome(Outcome {
            intent: sequence,
            result,
            latency_us: 1,
        }),
    );
    acknowledged.then_some(sequence)
}

/// Large enough that segments are used up.
fn large_intent() -> Event {
    let Event::Intent(mut large) = intent() else {
        unreachable!()
    };
    large.policies = vec!["x".repeat(4_000)];
    Event::Intent(large)
}

/// Every one of these intents is there unless its removal is recorded, and each intent that is
/// there has exactly one outcome.
pub(super) fn judge(memory: &Memory, acknowledged: &[u64], what: &str) -> Vec<Record> {
    let all = records(memory);
    let first = all.first().map_or(1, |record| record.sequence);
    assert_eq!(
        sequences(&all),
        (first..first + all.len() as u64).collect::<Vec<_>>(),
        "{what}"
    );
    let removed = all.iter().rev().find_map(|record| match &record.event {
        Event::RecordsRemoved(removed) => Some(removed.last),
        _ => None,
    });
    assert!(first <= removed.unwrap_or_default() + 1, "{what}");
    let mut outcomes: BTreeMap<u64, u32> = BTreeMap::new();
    for record in &all {
        match &record.event {
            Event::Intent(_) => {
                outcomes.entry(record.sequence).or_default();
            }
            Event::Outcome(outcome) => *outcomes.entry(outcome.intent).or_default() += 1,
            _ => {}
        }
    }
    for sequence in acknowledged.iter().filter(|sequence| **sequence >= first) {
        assert!(
            matches!(&all[(sequence - first) as usize].event, Event::Intent(_)),
            "{what}: intent {sequence} was acknowledged"
        );
    }
    for (intent, count) in &outcomes {
        assert_eq!(*count, 1, "{what}: outcomes of intent {intent}");
    }
    let verification = verify_storage(memory.storage()).unwrap();
    assert!(verification.is_sound(), "{what}: {verification:?}");
    all
}

/// Waits until the journal is in this state of health.
pub(super) fn until(journal: &Journal, good: bool) {
    patiently(journal, || (journal.health() == Health::Good) == good);
}

/// Waits until this is so, and gives up where that takes far too long.
pub(super) fn patiently(journal: &Journal, mut is_so: impl FnMut() -> bool) {
    let clock = Clock::start();
    let begun = clock.now().mono();
    while !is_so() {
        let waited = clock.now().mono().since(begun);
        assert!(waited < Duration::from_secs(20), "{:?}", journal.health());
        thread::yield_now();
    }
}

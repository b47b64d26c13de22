//! Many at once: order, waiting, sharing a flush, and room for what must not be refused.

use std::task::Waker;
use std::thread;

use super::*;
use crate::limits::{JOURNAL_OPEN_INTENTS_MAX, JOURNAL_QUEUE_MAX_RECORDS};

fn is_ready(pending: &mut Pending) -> bool {
    Pin::new(pending)
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_ready()
}

#[test]
fn nothing_is_durable_before_its_flush_returns() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    memory.hold_sync();
    let mut pending = journal.commit(1, intent()).unwrap();
    assert!(memory.wait_until_held());
    // The bytes are written, the flush is not over.
    assert!(!memory.unsynced().is_empty());
    assert!(!is_ready(&mut pending));
    let mut behind = journal.commit(1, intent()).unwrap();
    memory.release_sync_once();
    assert_eq!(wait(pending), Ok(()));
    assert!(memory.wait_until_held());
    assert!(!is_ready(&mut behind));
    memory.release_sync();
    assert_eq!(wait(behind), Ok(()));
}

#[test]
fn those_who_come_together_share_a_flush() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    memory.hold_sync();
    let first = journal.commit(1, note("first", 0)).unwrap();
    assert!(memory.wait_until_held());
    let before = memory.syncs();
    let pending: Vec<Pending> = (0..64)
        .map(|_| journal.commit(1, note("together", 0)).unwrap())
        .collect();
    memory.release_sync();
    for pending in [first].into_iter().chain(pending) {
        assert_eq!(wait(pending), Ok(()));
    }
    assert_eq!(memory.syncs() - before, 2);
}

#[test]
fn sixty_four_committers_over_many_segments() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    let threads: Vec<_> = (0..64)
        .map(|writer| {
            let journal = journal.clone();
            thread::spawn(move || {
                let text = |round| format!("{writer} {round}");
                let write = |round| {
                    let aside = journal.append(1, note("aside", 0)).unwrap();
                    let sequence = commit(&journal, note(&text(round), 300)).unwrap();
                    assert!(aside < sequence);
                    (sequence, text(round))
                };
                (0..20).map(write).collect::<Vec<_>>()
            })
        })
        .collect();
    let acknowledged: Vec<Vec<(u64, String)>> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    journal.close();
    let (_, all) = reopened(&memory);
    assert_eq!(sequences(&all), (1..=64 * 20 * 2).collect::<Vec<_>>());
    for mine in &acknowledged {
        assert!(mine.is_sorted(), "one writer's records are in its order");
        for (sequence, text) in mine {
            assert_eq!(all[*sequence as usize - 1].event, note(text, 300));
        }
    }
    assert!(verify_storage(memory.storage()).unwrap().segments > 2);
}

#[test]
fn what_nobody_waits_for_is_flushed_all_the_same() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    memory.hold_sync();
    journal.append(1, note("alone", 0)).unwrap();
    assert!(memory.wait_until_held());
    memory.release_sync();
}

#[test]
fn a_flood_of_denials_leaves_room_for_effects_and_outcomes() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    let open = commit(&journal, intent()).unwrap();
    memory.hold_sync();
    let first = journal.commit(1, note("held", 0)).unwrap();
    assert!(memory.wait_until_held());
    let mut told = 0;
    while journal.append(1, denial()).is_ok() {
        told += 1;
        assert!(told <= JOURNAL_QUEUE_MAX_RECORDS);
    }
    assert!(told > 1000);
    assert_eq!(journal.append(1, denial()), Err(Unrecordable::Full));
    assert!(journal.append(1, note("an act", 0)).is_ok());
    assert!(journal.append(1, outcome(open)).is_ok());
    let effect = journal.commit(1, intent()).unwrap();
    memory.release_sync();
    assert_eq!(wait(first), Ok(()));
    assert_eq!(wait(effect), Ok(()));
    assert!(journal.append(1, denial()).is_ok());
}

#[test]
fn open_intents_are_bounded_and_each_has_room_for_its_outcome() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    let mut open = Vec::new();
    while open.len() < JOURNAL_OPEN_INTENTS_MAX {
        open.push(commit(&journal, intent()).unwrap());
    }
    assert_eq!(journal.commit(1, intent()).unwrap_err(), Unrecordable::Full);
    memory.hold_sync();
    // The longest outcomes there are: together they are more than any budget.
    for intent in open {
        let answered = Event::Outcome(Outcome {
            intent,
            result: CommandResult::Answered { pdu: vec![3; 253] },
            latency_us: u64::MAX,
        });
        assert!(journal.append(1, answered).is_ok());
    }
    let again = journal.commit(1, intent()).unwrap();
    memory.release_sync();
    assert_eq!(wait(again), Ok(()));
    journal.close();
    let verification = verify_storage(memory.storage()).unwrap();
    assert!(verification.is_sound());
    assert_eq!(verification.open_intents.len(), 1);
}

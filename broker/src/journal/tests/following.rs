//! A follower sees every record once, in order, and none that is not durable.

use super::*;
use crate::journal::Follower;

#[test]
fn a_follower_goes_on_where_it_stopped_over_segments_and_never_behind_what_is_durable() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    let durable = journal.durable();
    let mut follower = journal.follow(1).unwrap();
    let mut seen = Vec::new();
    for _ in 0..40 {
        for _ in 0..20 {
            let pending = journal.commit(1, note("x", 900)).unwrap();
            wait(pending).unwrap();
        }
        let through = *durable.borrow();
        for line in follower.read(through, usize::MAX).unwrap() {
            seen.push(line.sequence);
        }
        assert_eq!(seen.last(), Some(&through));
    }
    assert_eq!(seen, (1..=800).collect::<Vec<_>>());
    assert!(memory.storage().segments().unwrap().len() > 3);

    memory.hold_sync();
    let pending = journal.commit(1, note("held", 0)).unwrap();
    assert!(memory.wait_until_held());
    assert_eq!(follower.read(*durable.borrow(), 10).unwrap(), []);
    memory.release_sync();
    wait(pending).unwrap();
    assert_eq!(follower.read(*durable.borrow(), 10).unwrap().len(), 1);

    let mut late = Follower::of(memory.storage(), 700).unwrap();
    let first = late.read(801, 3).unwrap();
    let sequences: Vec<u64> = first.iter().map(|line| line.sequence).collect();
    assert_eq!(sequences, [700, 701, 702]);
}

#[test]
fn a_follower_that_is_overtaken_by_removal_goes_on_at_the_oldest_that_is_left() {
    let memory = Memory::new();
    let options = Options {
        budget_bytes: 5 * JOURNAL_SEGMENT_MIN_BYTES,
        ..SMALL
    };
    let (journal, _) = Journal::open(memory.storage(), options, 1).unwrap();
    journal.allow_removal(u64::MAX);
    journal.tree_has(u64::MAX);
    commit(&journal, note("first", 0)).unwrap();
    let mut follower = journal.follow(1).unwrap();
    assert_eq!(follower.read(1, 10).unwrap().len(), 1);
    for _ in 0..40 {
        // Where no segment is ready in time, it comes back within a moment.
        while commit(&journal, note("x", 50_000)).is_err() {}
    }
    let through = *journal.durable().borrow();
    let oldest = journal.usage().first_sequence;
    assert!(oldest > 10);
    let lines = follower.read(through, usize::MAX).unwrap();
    assert_eq!(lines.first().map(|line| line.sequence), Some(oldest));
    assert_eq!(lines.last().map(|line| line.sequence), Some(through));
}

//! The disk fails and returns: nothing acknowledged is lost, reads go on, and what comes back
//! comes back without a hand.

use std::io::ErrorKind;

use super::storm::{Storm, judge, patiently, until};
use super::*;

/// A budget of eight segments, and whatever is old may go.
const TIGHT: Options = Options {
    segment_bytes: JOURNAL_SEGMENT_MIN_BYTES,
    budget_bytes: 8 * JOURNAL_SEGMENT_MIN_BYTES,
    reserve_bytes: 0,
    retention_ms: 0,
    when_full: WhenFull::Refuse,
};

fn storm_with(fault: impl Fn(&Memory), what: &str) {
    let memory = Memory::new();
    let (journal, _) = Journal::open(memory.storage(), TIGHT, 1).unwrap();
    journal.allow_removal(u64::MAX);
    journal.tree_has(u64::MAX);
    let storm = Storm::begin(&journal, 4);
    let through = *journal.durable().borrow() + 50;
    wait_for(&journal, through);
    fault(&memory);
    patiently(&journal, || {
        let _ = journal.usage();
        memory.failed() > 0
    });
    // Either the journal fails of it, or service survives faults of this kind.
    wait_a_little(&journal);
    let failed = journal.health() != Health::Good;
    // Reads go on.
    let through = *journal.durable().borrow();
    let mut reader = journal.follow(through).unwrap();
    assert!(!reader.read(through, 10).unwrap().is_empty(), "{what}");
    memory.heal();
    until(&journal, true);
    let acknowledged = storm.end();
    // The storm may have left the budget full for as long as removal takes.
    let mut back = None;
    patiently(&journal, || {
        back = commit(&journal, note("service is back", 0)).ok();
        back.is_some()
    });
    let sequence = back.unwrap();
    journal.close();
    let all = judge(&memory, &acknowledged, what);
    let first = all[0].sequence;
    let back = &all[(sequence - first) as usize];
    assert_eq!(back.event, note("service is back", 0), "{what}");
    let told = all
        .iter()
        .any(|r| matches!(&r.event, Event::JournalRecovered(back) if !back.why.is_empty()));
    // The storm went on meanwhile: what tells of it may have had to go.
    assert!(
        told || !failed || first > through,
        "{what}: no record tells of it"
    );
    memory.power_cut();
    assert_eq!(records(&memory).len(), all.len(), "{what}: not durable");
}

fn wait_for(journal: &Journal, through: u64) {
    patiently(journal, || *journal.durable().borrow() >= through);
}

/// Until a few more records are durable, or the journal has failed.
fn wait_a_little(journal: &Journal) {
    let through = *journal.durable().borrow() + 3;
    while *journal.durable().borrow() < through && journal.health() == Health::Good {
        std::thread::yield_now();
    }
}

#[test]
fn every_kind_of_call_fails_in_a_storm_and_service_returns() {
    for call in Call::ALL {
        for after in [0, 1, 2] {
            let what = format!("{call:?} after {after}");
            storm_with(|memory| memory.fail_only(call, after), &what);
        }
    }
}

#[test]
fn a_full_disk_in_the_middle_of_a_group() {
    let fault = |memory: &Memory| {
        memory.fail_with(ErrorKind::StorageFull);
        memory.fail_only(Call::Write, 2);
    };
    storm_with(fault, "disk full");
}

#[test]
fn a_disk_mounted_read_only_and_back() {
    storm_with(Memory::turn_read_only, "read only");
}

#[test]
fn what_is_kept_is_written_in_order_behind_it_the_note_and_refused_acts_never_happen() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    let early = commit(&journal, intent()).unwrap();
    memory.fail_only(Call::Sync, 0);
    let pending = journal.commit(5, intent()).unwrap();
    let refused = pending.sequence();
    assert!(matches!(wait(pending), Err(Unrecordable::Failed { .. })));
    assert!(
        matches!(journal.health(), Health::Failed { since_ms: Some(5), why } if why.contains("as it was told"))
    );
    // Kept: outcomes, acts nobody waits for, tellings. Refused: intents and whoever waits.
    let withheld = journal.append(6, outcome(refused)).unwrap();
    let done = journal.append(6, outcome(early)).unwrap();
    let act = journal.append(7, note("an act", 0)).unwrap();
    assert!(journal.commit(8, intent()).is_err());
    assert!(journal.commit(9, note("waited for", 0)).is_err());
    memory.heal();
    until(&journal, true);
    let later = commit(&journal, intent()).unwrap();
    journal.append(10, outcome(later)).unwrap();
    journal.close();
    let all = records(&memory);
    assert_eq!((withheld, done, act), (3, 4, 5));
    assert_eq!(all[act as usize - 1].event, note("an act", 0));
    let Event::JournalRecovered(told) = &all[5].event else {
        panic!("{:?}", all[5]);
    };
    assert_eq!((told.since_ms, told.refused), (5, 2));
    assert_eq!(later, 7);
    assert_eq!(all.len(), 8);
    judge(&memory, &[early, later], "in order");
}

#[test]
fn a_refused_act_gives_its_place_to_a_note() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    memory.fail_only(Call::Write, 0);
    assert!(commit(&journal, note("never to happen", 0)).is_err());
    memory.heal();
    until(&journal, true);
    journal.close();
    let all = records(&memory);
    assert_eq!(all.len(), 2);
    assert!(
        all.iter()
            .all(|record| matches!(&record.event, Event::JournalRecovered(_)))
    );
}

#[test]
fn a_disk_that_cannot_be_written_is_opened_all_the_same() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    let orphan = commit(&journal, intent()).unwrap();
    memory.power_cut();
    drop(journal);
    memory.turn_read_only();
    let (journal, recovered) = open(&memory);
    assert_eq!(recovered.orphans, [orphan]);
    assert!(matches!(journal.health(), Health::Failed { .. }));
    assert!(journal.commit(1, intent()).is_err());
    assert_eq!(journal.follow(1).unwrap().read(1, 10).unwrap().len(), 1);
    memory.heal();
    until(&journal, true);
    let sequence = commit(&journal, intent()).unwrap();
    journal.append(1, outcome(sequence)).unwrap();
    journal.close();
    judge(&memory, &[orphan, sequence], "opened read-only");
}

/// A head that may be on the disk says where the segment before it ends.
#[test]
fn nothing_more_goes_into_a_segment_whose_successor_has_a_head() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    commit(&journal, note("1", 60_000)).unwrap();
    commit(&journal, note("2", 50_000)).unwrap();
    // The head is written; its flush fails. The act becomes a note, which would still fit.
    memory.fail_only(Call::Sync, 0);
    assert!(commit(&journal, note("3", 60_000)).is_err());
    memory.heal();
    until(&journal, true);
    commit(&journal, note("4", 0)).unwrap();
    journal.close();
    memory.power_cut();
    assert_eq!(records(&memory).len(), 5);
    // The same, and closed while it fails: no seal behind what the head says either.
    for keep in [false, true] {
        let memory = Memory::new();
        let (journal, _) = open(&memory);
        commit(&journal, note("1", 60_000)).unwrap();
        commit(&journal, note("2", 50_000)).unwrap();
        memory.fail_only(Call::Sync, 0);
        assert!(commit(&journal, note("3", 60_000)).is_err());
        journal.close();
        memory.power_cut_keeping(|_, _| keep);
        let (recovered, _) = reopened(&memory);
        assert_eq!(recovered.records, 2);
    }
}

#[test]
fn a_held_journal_refuses_effects_alone() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    let early = commit(&journal, intent()).unwrap();
    journal.hold("sink nats knows record 9");
    assert_eq!(journal.held().as_deref(), Some("sink nats knows record 9"));
    let error = journal.commit(1, intent()).unwrap_err();
    assert!(error.to_string().contains("sink nats"), "{error}");
    assert!(journal.append(1, outcome(early)).is_ok());
    assert!(commit(&journal, note("an acceptance", 0)).is_ok());
    journal.release();
    assert!(commit(&journal, intent()).is_ok());
}

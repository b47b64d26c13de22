//! Each promise of the journal, attacked.

mod budget;
mod damage;
mod failing;
mod folder;
mod following;
mod model;
mod powercut;
mod returning;
mod sharing;
mod storm;
mod torn;

use interlock_protocols::record::{
    CommandResult, Denial, EdgeStopped, Event, Intent, Outcome, PolicyActivated, Record,
};

use super::*;

/// The smallest segments, so that tests roll often.
const SMALL: Options = Options {
    segment_bytes: JOURNAL_SEGMENT_MIN_BYTES,
    ..Options::UNBOUNDED
};

fn open(memory: &Memory) -> (Journal, Recovered) {
    Journal::open(memory.storage(), SMALL, 1).unwrap()
}

/// Reopens, with nobody writing, and gives back all records.
fn reopened(memory: &Memory) -> (Recovered, Vec<Record>) {
    let (journal, recovered) = open(memory);
    journal.close();
    (recovered, records(memory))
}

fn records(memory: &Memory) -> Vec<Record> {
    let records = read_storage(memory.storage()).unwrap();
    records.collect::<Result<_, _>>().unwrap()
}

/// Waits for the disk.
fn wait(pending: Pending) -> Result<(), Unrecordable> {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(pending)
}

fn commit(journal: &Journal, event: Event) -> Result<u64, Unrecordable> {
    let pending = journal.commit(2, event)?;
    let sequence = pending.sequence();
    wait(pending).map(|()| sequence)
}

/// Something to record, told apart by its text, of at least `bytes` bytes.
fn note(text: &str, bytes: usize) -> Event {
    let mut gateway = format!("{text} ");
    while gateway.len() < bytes {
        gateway.push('.');
    }
    Event::EdgeStopped(EdgeStopped { gateway })
}

fn intent() -> Event {
    Event::Intent(Intent {
        session: 1,
        subject: "spiffe://a/person/b".into(),
        transaction: 1,
        device: "mixer".into(),
        unit: 1,
        pdu: vec![6, 0, 1, 0, 2],
        points: Vec::new(),
        policies: Vec::new(),
        policy: [0; 32],
        window: None,
    })
}

fn outcome(intent: u64) -> Event {
    Event::Outcome(Outcome {
        intent,
        result: CommandResult::Exception { code: 4 },
        latency_us: 1,
    })
}

fn denial() -> Event {
    Event::Denial(Denial {
        session: 1,
        subject: "spiffe://a/person/b".into(),
        transaction: 1,
        device: "mixer".into(),
        unit: 1,
        pdu: vec![6, 0, 1, 0, 2],
        points: Vec::new(),
        reason: "policy".into(),
        detail: String::new(),
        policies: Vec::new(),
        exception: Some(1),
    })
}

fn sequences(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.sequence).collect()
}

#[test]
fn what_was_recorded_is_read_back_after_reopening() {
    let memory = Memory::new();
    let (journal, recovered) = open(&memory);
    assert_eq!((recovered.records, recovered.next_sequence), (0, 1));
    assert_eq!(journal.append(5, note("one", 0)), Ok(1));
    assert_eq!(commit(&journal, note("two", 0)), Ok(2));
    let policy = PolicyActivated {
        digest: [7; 32],
        by: "edge".into(),
        session: None,
        cases: 1,
    };
    assert_eq!(
        journal.append(9, Event::PolicyActivated(policy.clone())),
        Ok(3)
    );
    journal.close();

    let (recovered, records) = reopened(&memory);
    assert_eq!(recovered.records, 3);
    assert_eq!(recovered.next_sequence, 4);
    assert_eq!(recovered.torn_bytes, 0);
    assert_eq!(recovered.last_policy, Some([7; 32]));
    assert_eq!(recovered.last_time_ms, Some(9));
    let events: Vec<Event> = records.iter().map(|record| record.event.clone()).collect();
    let policy = Event::PolicyActivated(policy);
    assert_eq!(events, [note("one", 0), note("two", 0), policy]);
    assert_eq!(sequences(&records), [1, 2, 3]);
    assert_eq!(records[0].time_ms, 5);
}

#[test]
fn dropping_the_last_journal_writes_what_was_appended() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    let other = journal.clone();
    drop(journal);
    other.append(1, note("late", 0)).unwrap();
    drop(other);
    memory.power_cut();
    assert_eq!(records(&memory).len(), 1);
}

#[test]
fn a_closed_journal_refuses_and_closes_again() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    journal.close();
    journal.close();
    assert_eq!(journal.append(1, note("x", 0)), Err(Unrecordable::Closed));
    assert_eq!(journal.health(), Health::Good);
}

#[test]
fn a_refusing_journal_says_why_and_records_nothing() {
    let journal = Journal::refusing("damage at record 4");
    let error = journal.commit(1, intent()).unwrap_err();
    assert!(error.to_string().contains("damage at record 4"));
    assert_ne!(journal.health(), Health::Good);
    journal.close();
}

#[test]
fn orphans_get_their_outcome_before_open_returns() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    let first = commit(&journal, intent()).unwrap();
    let second = commit(&journal, intent()).unwrap();
    journal.append(3, outcome(first)).unwrap();
    let third = commit(&journal, intent()).unwrap();
    // Durable, though the edge never ends in good order: all of it was flushed.
    memory.power_cut();

    let (journal, recovered) = Journal::open(memory.storage(), SMALL, 77).unwrap();
    assert_eq!(recovered.orphans, [second, third]);
    assert_eq!(recovered.next_sequence, 7);
    // No flush of the new journal was waited for, and still they are durable.
    memory.power_cut();
    drop(journal);

    let all = records(&memory);
    for (record, orphan) in all[4..].iter().zip([second, third]) {
        assert_eq!(record.time_ms, 77);
        assert!(
            matches!(&record.event, Event::Outcome(outcome) if outcome.intent == orphan
            && matches!(outcome.result, CommandResult::Unknown { .. }))
        );
    }
    let (recovered, again) = reopened(&memory);
    assert!(recovered.orphans.is_empty());
    assert_eq!(again, all);
    let verification = verify_storage(memory.storage()).unwrap();
    assert!(verification.is_sound() && verification.open_intents.is_empty());
}

#[test]
fn a_clock_that_was_set_back_does_not_take_the_floor_with_it() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    commit(&journal, intent()).unwrap();
    memory.power_cut();
    let (journal, recovered) = Journal::open(memory.storage(), SMALL, -9).unwrap();
    assert_eq!(recovered.last_time_ms, Some(2));
    memory.power_cut();
    drop(journal);
    let (recovered, all) = reopened(&memory);
    assert_eq!(all.last().unwrap().time_ms, 2);
    assert_eq!(recovered.last_time_ms, Some(2));
}

#[test]
fn an_intent_has_one_outcome() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    assert_eq!(
        journal.append(1, outcome(1)),
        Err(Unrecordable::NoOpenIntent(1))
    );
    let sequence = commit(&journal, intent()).unwrap();
    assert!(journal.append(1, outcome(sequence)).is_ok());
    assert_eq!(
        journal.append(1, outcome(sequence)),
        Err(Unrecordable::NoOpenIntent(sequence))
    );
}

#[test]
fn a_record_too_long_is_refused_and_costs_no_sequence() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    let error = journal.append(1, note("x", 70_000)).unwrap_err();
    assert!(matches!(error, Unrecordable::TooLarge { bytes } if bytes > 70_000));
    assert_eq!(journal.append(1, note("x", 65_000)), Ok(1));
}

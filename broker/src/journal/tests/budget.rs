//! The budget: what goes and what stays, who is refused, and who cannot bring that about.

use super::storm::until;
use super::*;

const SEGMENT: u64 = JOURNAL_SEGMENT_MIN_BYTES;

fn budget(segments: u64) -> Options {
    Options {
        budget_bytes: segments * SEGMENT,
        ..SMALL
    }
}

fn open_with(memory: &Memory, options: Options) -> Journal {
    Journal::open(memory.storage(), options, 1).unwrap().0
}

/// Records of half a segment, so many of them at these times; how many were taken.
fn fill(journal: &Journal, memory: &Memory, options: Options, most: u64, time_ms: i64) -> u64 {
    let mut taken = 0;
    while taken < most {
        let Ok(pending) = journal.commit(time_ms, note("x", 50_000)) else {
            break;
        };
        if wait(pending).is_err() {
            break;
        }
        taken += 1;
        assert!(memory.used() <= options.budget_bytes, "{}", memory.used());
    }
    taken
}

fn first(journal: &Journal) -> u64 {
    journal.usage().first_sequence
}

#[test]
fn a_full_budget_refuses_and_an_acknowledgement_brings_service_back() {
    let (memory, options) = (Memory::new(), budget(5));
    let journal = open_with(&memory, options);
    journal.tree_has(u64::MAX);
    let taken = fill(&journal, &memory, options, 100, 1);
    assert_eq!(taken, 4 * 2, "one segment stays free");
    let Health::Failed { why, .. } = journal.health() else {
        panic!("it is full");
    };
    assert!(why.contains("budget") && why.contains("sinks"), "{why}");
    assert_eq!(first(&journal), 1);
    // The first segment's two records: it goes, and the journal goes on by itself.
    journal.allow_removal(2);
    until(&journal, true);
    assert!(fill(&journal, &memory, options, 2, 1) > 0);
    assert_eq!(first(&journal), 3);
    journal.close();
    let all = records(&memory);
    assert_eq!(all[0].sequence, 3);
    let removed: Vec<_> = all
        .iter()
        .filter_map(|record| match &record.event {
            Event::RecordsRemoved(removed) => Some((removed.first, removed.last)),
            _ => None,
        })
        .collect();
    assert_eq!(removed, [(1, 2)]);
    assert!(verify_storage(memory.storage()).unwrap().is_sound());
}

#[test]
fn retention_needs_age_and_acknowledgement_and_the_tree() {
    let old = 2_000;
    for (acknowledged, tree, now_ms, goes) in [
        (u64::MAX, u64::MAX, old, true),
        (0, u64::MAX, old, false),
        (u64::MAX, 0, old, false),
        (u64::MAX, u64::MAX, 900, false),
    ] {
        let options = Options {
            retention_ms: 1_000,
            ..budget(5)
        };
        let memory = Memory::new();
        let journal = open_with(&memory, options);
        journal.allow_removal(acknowledged);
        journal.tree_has(tree);
        assert_eq!(fill(&journal, &memory, options, 4, 2), 4);
        assert_eq!(first(&journal), 1);
        assert_eq!(journal.usage().removable_bytes, 0, "what is young stays");
        let taken = fill(&journal, &memory, options, 20, now_ms);
        // Whatever may go and has not had to yet is told as such.
        let removable = journal.usage().removable_bytes > 0;
        assert!(!removable || goes, "{acknowledged} {tree} {now_ms}");
        assert_eq!(first(&journal) > 1, goes, "{acknowledged} {tree} {now_ms}");
        // What goes makes room for as much as is not yet old itself.
        assert_eq!(taken > 4, goes, "{taken}");
    }
}

#[test]
fn overwriting_goes_on_for_ever_but_never_beyond_the_tree() {
    let (memory, options) = (
        Memory::new(),
        Options {
            retention_ms: u64::MAX,
            when_full: WhenFull::Overwrite,
            ..budget(5)
        },
    );
    let journal = open_with(&memory, options);
    journal.tree_has(20);
    let taken = fill(&journal, &memory, options, 200, 1);
    assert!((20..40).contains(&taken), "{taken}");
    assert!((18..=21).contains(&first(&journal)), "{}", first(&journal));
    journal.tree_has(u64::MAX);
    until(&journal, true);
    assert_eq!(fill(&journal, &memory, options, 50, 1), 50);
    journal.close();
    let overwritten = |record: &Record| {
        matches!(&record.event,
        Event::RecordsRemoved(removed) if removed.why == "overwrite")
    };
    assert!(records(&memory).iter().any(overwritten));
}

#[test]
fn an_intent_without_outcome_is_never_removed() {
    let (memory, options) = (
        Memory::new(),
        Options {
            when_full: WhenFull::Overwrite,
            ..budget(5)
        },
    );
    let journal = open_with(&memory, options);
    journal.tree_has(u64::MAX);
    let open = commit(&journal, intent()).unwrap();
    fill(&journal, &memory, options, 100, 1);
    assert_eq!(first(&journal), 1);
    journal.append(1, outcome(open)).unwrap();
    // Tried again within a second, whoever asks.
    until(&journal, true);
    assert!(fill(&journal, &memory, options, 10, 1) > 8);
    journal.close();
    assert!(verify_storage(memory.storage()).unwrap().is_sound());
}

#[test]
fn a_removal_that_fails_is_finished_later_without_a_second_record() {
    let (memory, options) = (Memory::new(), budget(5));
    let journal = open_with(&memory, options);
    journal.allow_removal(u64::MAX);
    journal.tree_has(u64::MAX);
    memory.fail_only(Call::Remove, 0);
    let taken = fill(&journal, &memory, options, 100, 1);
    assert!(taken >= 8, "{taken}");
    assert!(memory.failed() > 0);
    memory.heal();
    journal.close();
    drop(journal);
    memory.power_cut_keeping(|_, _| true);
    let journal = open_with(&memory, options);
    journal.append(1, note("one more", 0)).unwrap();
    journal.close();
    let all = records(&memory);
    assert!(all[0].sequence > 1);
    assert!(verify_storage(memory.storage()).unwrap().is_sound());
}

#[test]
fn nothing_is_removed_before_the_record_of_it_is_durable() {
    let (memory, options) = (Memory::new(), budget(6));
    let journal = open_with(&memory, options);
    journal.allow_removal(u64::MAX);
    journal.tree_has(u64::MAX);
    memory.hold_sync();
    // Far more than a group: what the journal adds about a removal comes behind all of it.
    let mut handed = 0;
    let mut went = false;
    for round in 0..60 {
        while round < 20 && journal.append(1, note("x", 50_000)).is_ok() {
            handed += 1;
        }
        if handed == 0 || !memory.wait_until_held() {
            break;
        }
        let oldest = memory.storage().segments().unwrap()[0];
        let durable = *journal.durable().borrow();
        let told = records(&memory).iter().any(|record| {
            record.sequence <= durable && matches!(record.event, Event::RecordsRemoved(_))
        });
        assert!(oldest == 1 || told, "round {round}: {oldest} is the oldest");
        went |= oldest > 1;
        if went {
            break;
        }
        memory.release_sync_once();
    }
    memory.release_sync();
    assert!(went);
}

/// I9, on the disk: whoever is merely denied has a share, and what has effect the rest.
#[test]
fn a_flood_of_denials_cannot_use_up_the_disk() {
    let options = Options {
        reserve_bytes: 2 * SEGMENT,
        ..budget(20)
    };
    let memory = Memory::new();
    let journal = open_with(&memory, options);
    journal.tree_has(u64::MAX);
    let mut told = 0_u64;
    let mut spent = 0;
    while spent < 1_000 {
        match journal.append(1, denial()) {
            Ok(_) => told += 1,
            Err(Unrecordable::Spent) => spent += 1,
            // The disk is slower than the flood.
            Err(Unrecordable::Full) => drop(commit(&journal, note("x", 0))),
            Err(other) => panic!("{other}"),
        }
    }
    commit(&journal, note("all is written", 0)).unwrap();
    let share = 18 * SEGMENT / 2;
    let usage = journal.usage();
    assert!(told > 1_000 && usage.tellings_bytes <= share, "{usage:?}");
    assert!(usage.tellings_bytes > share / 2, "{usage:?}");
    assert!(usage.used_bytes < share + 2 * SEGMENT, "{usage:?}");
    assert!(memory.used() < share + 3 * SEGMENT, "{}", memory.used());
    assert!(usage.refused >= 1_000);
    // The rest takes effects and acts: ten segments less those that stay free.
    let taken = fill(&journal, &memory, options, 100, 1);
    assert!(taken >= 2 * 8, "{taken}");
    // A restart knows the share that is taken.
    journal.close();
    drop(journal);
    let journal = open_with(&memory, options);
    assert_eq!(journal.append(1, denial()), Err(Unrecordable::Spent));
}

#[test]
fn a_budget_needs_room_for_four_segments() {
    let memory = Memory::new();
    let error = Journal::open(memory.storage(), budget(3), 1).err().unwrap();
    assert!(matches!(error, OpenError::BudgetBytes(_)), "{error}");
}

#[test]
fn a_disk_without_room_for_a_segment_is_said_and_made_good_by_removal() {
    let (memory, options) = (Memory::new(), SMALL);
    memory.hold_at_most(Some(4 * SEGMENT));
    let journal = open_with(&memory, options);
    journal.tree_has(u64::MAX);
    assert_eq!(fill(&journal, &memory, options, 100, 1), 8);
    assert!(matches!(journal.health(), Health::Failed { .. }));
    assert_eq!(journal.usage().free_bytes, Some(0));
    memory.hold_at_most(Some(6 * SEGMENT));
    until(&journal, true);
    journal.allow_removal(u64::MAX);
    // A record of half a segment may come before the room for it is made; not for long.
    let mut taken = 0;
    while taken < 60 {
        taken += fill(&journal, &memory, options, 60 - taken, 1);
        until(&journal, true);
    }
    assert!(first(&journal) > 1);
    journal.close();
}

#[test]
fn kinds_are_numbered_as_the_records_are() {
    for event in [denial(), intent(), outcome(1), note("x", 0)] {
        let telling = kind::Kind::of(&event) == kind::Kind::Telling;
        assert_eq!(kind::Kind::is_telling(event.kind()), telling);
    }
}

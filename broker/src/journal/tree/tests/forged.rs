//! Epochs and checkpoints made by somebody who has the disk and some of the keys.

use interlock_protocols::record::{Checkpointed, EpochStarted};

use super::tamper::{against, check, checkpoints, judged, kept, saying, without_tiles};
use super::*;

fn epochs(all: &[Record]) -> Vec<(u64, EpochStarted)> {
    let of = |record: &Record| match &record.event {
        Event::EpochStarted(started) => Some((record.sequence, started.clone())),
        _ => None,
    };
    all.iter().filter_map(of).collect()
}

#[test]
fn epochs_that_changed_places_are_found() {
    let (memory, tiles) = kept();
    let all = records(&memory);
    let [(first, one), (second, two)] = epochs(&all).try_into().unwrap();
    let swap = |record: &mut Record| {
        if record.sequence == first {
            record.event = Event::EpochStarted(two.clone());
        } else if record.sequence == second {
            record.event = Event::EpochStarted(one.clone());
        }
        true
    };
    let fault = saying(&without_tiles(&all, swap), "first epoch is 2");
    assert_eq!(fault.sequence, first, "{fault:?}");
    assert_eq!(judged(&tiles, &all, swap).sequence, first);
}

/// With the gateway's key alone: an epoch of one's own, a tree over changed records, checkpoints
/// under both keys. All that is missing is the key that the epoch before named.
#[test]
fn an_epoch_forged_with_the_gateways_key_alone_is_found() {
    let (memory, _) = kept();
    let all = records(&memory);
    let (second, two) = epochs(&all)[1].clone();
    let mine = JournalKey::from_seed(&format!("{ORIGIN}/epoch/2"), &[3; 32]);
    let (key, next) = (mine.public(), two.next_key);
    let statement = super::super::epoch::statement(ORIGIN, 2, &key, &next);
    let forged = EpochStarted {
        epoch: 2,
        key,
        next_key: next,
        by_key: mine.sign(statement.as_bytes()),
        by_gateway: gateway().sign(statement.as_bytes()),
    };
    let mut tree = Tree::new();
    let fault = without_tiles(&all, |record| {
        if record.sequence == second {
            record.event = Event::EpochStarted(forged.clone());
        }
        if record.sequence > second && record.event.kind() == 13 {
            let checkpoint = Checkpoint {
                origin: ORIGIN.into(),
                size: tree.size(),
                root: tree.root(),
            };
            let note = checkpoint.sign(&[&gateway(), &mine]).text();
            record.event = Event::Checkpointed(Checkpointed { note });
        }
        tree.append(Hash::leaf(&record.encode()));
        true
    });
    assert_eq!(fault.len(), 1, "{fault:?}");
    let fault = saying(&fault, "not the one that epoch 1 named");
    assert_eq!(fault.sequence, second, "{fault:?}");

    // Signed by the gateway and by nobody who has the epoch's key.
    let mut unsigned = two;
    unsigned.next_key = [5; 32];
    let fault = without_tiles(&all, |record| {
        if record.sequence == second {
            record.event = Event::EpochStarted(unsigned.clone());
        }
        true
    });
    assert_eq!(saying(&fault, "own key").sequence, second);
}

/// A closed epoch's records changed and signed again with all keys that are left on the gateway.
#[test]
fn a_closed_epoch_cannot_be_signed_again() {
    let (memory, tiles) = kept();
    let all = records(&memory);
    let (_, size) = checkpoints(&all)[1];
    let at = checkpoints(&all)[1].0;
    // The key of epoch 3 lies on the disk.
    let text = tiles.store().read("epoch.next").unwrap().unwrap();
    let left = JournalKey::parse(std::str::from_utf8(&text).unwrap()).unwrap();
    let mut tree = Tree::new();
    let mut root = None;
    let fault = without_tiles(&all, |record| {
        if record.sequence == 100 {
            record.time_ms += 1;
        }
        if record.sequence == at {
            let checkpoint = Checkpoint {
                origin: ORIGIN.into(),
                size,
                root: root.unwrap(),
            };
            let note = checkpoint.sign(&[&gateway(), &left]).text();
            record.event = Event::Checkpointed(Checkpointed { note });
        }
        tree.append(Hash::leaf(&record.encode()));
        if tree.size() == size {
            root = Some(tree.root());
        }
        true
    });
    let fault = saying(&fault, "signed for epoch 3, and epoch 1 holds here");
    assert_eq!(fault.sequence, at, "{fault:?}");
}

#[test]
fn a_chain_may_begin_anew_behind_an_acceptance_alone() {
    let (memory, tiles) = kept();
    tiles.tamper("epoch.next", None);
    let rig = Rig::over(memory, tiles);
    assert!(rig.opened.broken.is_some());
    let accepted = super::notary::accept(
        &rig.journal,
        interlock_protocols::record::Ahead {
            what: "keys".into(),
            through: 1,
        },
    );
    let rig = rig.begin();
    let (memory, tiles) = rig.stop();
    let found = check(&memory, &tiles, against());
    assert!(found.is_sound(), "{found:?}");
    assert_eq!(found.accepted, [accepted]);
    // The same without the acceptance.
    let all = records(&memory);
    let fault = without_tiles(&all, |record| {
        if record.sequence == accepted {
            record.event = note("nothing");
        }
        true
    });
    saying(&fault, "not the one that epoch 2 named");
}

#[test]
fn an_old_journal_under_a_newer_checkpoint_is_found() {
    let mut rig = Rig::new().begin();
    rig.write(30);
    rig.advance(60).unwrap().unwrap();
    let old = Memory::holding([(1, rig.memory.contents(1))]);
    let through = records(&old).len() as u64;
    rig.write(30);
    rig.advance(60).unwrap().unwrap();
    let (_, tiles) = rig.stop();
    let found = check(&old, &tiles, against());
    assert_eq!(found.first_bad(), Some(through + 1), "{found:?}");
    assert!(found.faults[0].what.contains("the end was cut off"));
}

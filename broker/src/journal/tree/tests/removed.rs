//! What is left once the oldest records are gone.

use interlock_protocols::record::kind;

use super::*;
use crate::journal::Line;
use crate::journal::tree::hash::Hash;
use crate::journal::tree::judge::Judge;
use crate::journal::tree::roots::Roots;

/// A checkpoint of some twenty records as a journal whose oldest record is `first` has it, 10 records
/// further on.
fn faults(first: u64, known: u64) -> usize {
    let (memory, _) = Rig::new().begin().stop();
    let all = records(&memory);
    let checkpoint = all
        .into_iter()
        .find(|record| record.event.kind() == kind::CHECKPOINTED)
        .unwrap();
    let late = Record {
        sequence: known + 10,
        ..checkpoint
    };
    let line = Line {
        sequence: late.sequence,
        kind: kind::CHECKPOINTED,
        time_ms: late.time_ms,
        place: (0, 0),
        bytes: late.encode(),
    };
    let mut tree = append::Tree::new();
    for number in 0..known {
        tree.append(Hash::leaf(&number.to_be_bytes()));
    }
    tree.take_full();
    let mut judge = Judge::new(None, first);
    judge.acts(&[line], Some(&Roots::new(tree)));
    judge.faults.len()
}

#[test]
fn a_checkpoint_of_removed_records_alone_says_nothing_of_those_that_are_kept() {
    assert_eq!(faults(601, 600), 0);
}

#[test]
fn a_checkpoint_of_records_that_are_kept_must_be_checked() {
    assert_eq!(faults(2, 600), 1);
}

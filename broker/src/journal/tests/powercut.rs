//! The power is cut at random points of a storm: while groups are flushed, while a segment is
//! made ahead, while old ones are removed.

use super::storm::{Storm, judge, until};
use super::*;

/// Printed with every failure; another number is another hundred and twenty lives.
const SEED: u64 = 0x1d1_7e57;
const CUTS: u64 = 120;

/// As good as a generator has to be here, and the same everywhere.
fn mixed(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[test]
fn every_acknowledged_intent_survives_a_power_cut_at_any_point() {
    let options = Options {
        budget_bytes: 6 * JOURNAL_SEGMENT_MIN_BYTES,
        ..SMALL
    };
    println!("seed {SEED:#x}");
    let memory = Memory::new();
    let mut acknowledged = Vec::new();
    let (mut removals, mut torn) = (0, 0);
    for cut in 0..CUTS {
        let chance = mixed(SEED ^ cut);
        let what = format!("seed {SEED:#x}, cut {cut}");
        let (journal, recovered) = match Journal::open(memory.storage(), options, 1) {
            Ok(opened) => opened,
            Err(error) => panic!("{what}: {error}"),
        };
        torn += u64::from(recovered.torn_bytes > 0);
        journal.allow_removal(u64::MAX);
        journal.tree_has(u64::MAX);
        let storm = Storm::begin(&journal, 4);
        // Points of the disk's time, not of the clock: so many calls from here.
        let last = memory.calls() + 1 + chance % 160;
        while memory.calls() < last {
            std::thread::yield_now();
        }
        let keep = mixed(chance);
        memory.power_cut_keeping(|number, sector| mixed(keep ^ (number << 32) ^ sector) & 1 == 1);
        acknowledged.extend(storm.end());
        journal.close();
        drop(journal);
        // A second cut may come while the first is being recovered from.
        if chance.is_multiple_of(3) {
            memory.fail_after(chance / 7 % 6);
            drop(Journal::open(memory.storage(), options, 1));
            memory.power_cut_keeping(|number, sector| mixed(keep ^ number ^ sector) & 1 == 0);
        }
        let (again, _) = match Journal::open(memory.storage(), options, 1) {
            Ok(opened) => opened,
            Err(error) => panic!("{what}: {error}"),
        };
        // As the edge does: what is owed may find the budget used up, and then waits for removal.
        again.allow_removal(u64::MAX);
        again.tree_has(u64::MAX);
        until(&again, true);
        again.close();
        let all = judge(&memory, &acknowledged, &what);
        removals = removals.max(all[0].sequence);
    }
    assert!(acknowledged.len() > 1_000, "{} only", acknowledged.len());
    assert!(removals > 1, "nothing was ever removed");
    println!("{} intents, {torn} torn tails", acknowledged.len());
}

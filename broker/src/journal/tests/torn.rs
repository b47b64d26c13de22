//! A power cut in the middle of a group.

use super::*;

const SECTOR: usize = 512;

/// A journal of three durable records, and a group of four more of which no flush has returned.
fn with_group_in_flight() -> (Memory, Vec<Pending>) {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    for text in ["a", "b", "c"] {
        commit(&journal, note(text, 0)).unwrap();
    }
    memory.hold_sync();
    // The first of them starts a flush alone; the others come together behind it.
    let mut pending = vec![journal.commit(2, note("d", 0)).unwrap()];
    assert!(memory.wait_until_held());
    for text in ["e", "f", "g", "h"] {
        pending.push(journal.commit(2, note(text, 300)).unwrap());
    }
    memory.release_sync_once();
    assert!(memory.wait_until_held());
    // Leaked, so that nobody closes it while the disk is held: the power cut ends its thread.
    std::mem::forget(journal);
    (memory, pending)
}

/// What must hold after any crash here: the four durable records, then a prefix of the group;
/// and the journal goes on.
fn recovers(memory: &Memory, what: &str) -> usize {
    let (journal, recovered) = open(memory);
    let kept = usize::try_from(recovered.records).unwrap();
    assert!((4..=8).contains(&kept), "{what}: {recovered:?}");
    commit(&journal, note("on", 0)).unwrap();
    drop(journal);
    let (again, all) = reopened(memory);
    assert_eq!(again.torn_bytes, 0, "{what}");
    let expected: Vec<Event> = ["a", "b", "c", "d", "e", "f", "g", "h"]
        .iter()
        .zip([0, 0, 0, 0, 300, 300, 300, 300])
        .map(|(text, bytes)| note(text, bytes))
        .take(kept)
        .chain([note("on", 0)])
        .collect();
    let events: Vec<Event> = all.iter().map(|record| record.event.clone()).collect();
    assert_eq!(events, expected, "{what}");
    assert_eq!(
        sequences(&all),
        (1..=all.len() as u64).collect::<Vec<_>>(),
        "{what}"
    );
    kept
}

/// Bytes of the group in flight.
fn group(memory: &Memory) -> std::ops::Range<usize> {
    let unsynced = memory.unsynced();
    let sectors: Vec<usize> = unsynced
        .iter()
        .map(|(_, sector)| *sector as usize)
        .collect();
    assert_eq!(sectors, [5, 6, 7]);
    5 * SECTOR..8 * SECTOR
}

#[test]
fn cut_at_every_byte_of_the_group() {
    let (memory, _pending) = with_group_in_flight();
    let group = group(&memory);
    let whole = memory.contents(1);
    memory.power_cut();
    let mut kept = Vec::new();
    for cut in group {
        // What comes behind the cut is untouched and, at some places, noise.
        for noise in [0, 0xA5].into_iter().take(1 + usize::from(cut % 7 == 0)) {
            let mut bytes = whole.clone();
            let end = cut.next_multiple_of(SECTOR);
            bytes[cut..].fill(0);
            bytes[cut..end].fill(noise);
            let memory = Memory::holding([(1, bytes)]);
            kept.push(recovers(&memory, &format!("cut at {cut}, noise {noise}")));
        }
    }
    assert_eq!(kept.first(), Some(&4));
    assert!(kept.contains(&6));
}

#[test]
fn every_subset_of_the_sectors_of_the_group() {
    let mut most = 0;
    for subset in 0..8_u64 {
        let (memory, _pending) = with_group_in_flight();
        group(&memory);
        memory.power_cut_keeping(|_, sector| subset & (1 << (sector - 5)) != 0);
        most = most.max(recovers(&memory, &format!("subset {subset:03b}")));
    }
    assert_eq!(most, 8);
}

#[test]
fn nobody_was_told_that_the_group_is_durable() {
    let (memory, mut pending) = with_group_in_flight();
    assert_eq!(wait(pending.remove(0)), Ok(()));
    memory.power_cut();
    for pending in pending {
        assert!(matches!(wait(pending), Err(Unrecordable::Failed { .. })));
    }
    assert_eq!(recovers(&memory, "nothing kept"), 4);
}

#[test]
fn a_second_power_cut_while_the_tail_is_being_cut() {
    // Calls of an opening: it fails at each in turn, then loses power with half of it written.
    for calls in 0..6 {
        for parity in 0..2 {
            let (memory, _pending) = with_group_in_flight();
            memory.power_cut_keeping(|_, sector| sector != 6);
            memory.fail_after(calls);
            if let Ok((journal, _)) = Journal::open(memory.storage(), SMALL, 1) {
                drop(journal);
            }
            memory.power_cut_keeping(|_, sector| sector % 2 == parity);
            recovers(&memory, &format!("{calls} calls, parity {parity}"));
        }
    }
}

/// What a client writes into a register ends up in records. It must not be able to make a torn
/// tail look like damage.
#[test]
fn a_commit_frame_inside_a_record_proves_nothing() {
    let (memory, _pending) = with_group_in_flight();
    let mut bytes = memory.contents(1);
    memory.power_cut();
    let at = 7 * SECTOR;
    let mut forged = Vec::new();
    layout::put_commit(&mut forged, 0, 9, (1, at as u64));
    bytes[at..at + forged.len()].copy_from_slice(&forged);
    bytes[5 * SECTOR + 40] ^= 1;
    let memory = Memory::holding([(1, bytes)]);
    assert_eq!(recovers(&memory, "forged"), 4);
}

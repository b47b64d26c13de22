//! Each way to change a journal by hand, and the record that verification names for it.

use super::*;
use crate::journal::layout;
use crate::limits::EPOCH_MAX_AGE;

/// Two epochs with checkpoints, 700 records and more, all in good order.
pub(super) fn kept() -> (Memory, MemoryTiles) {
    let mut rig = Rig::new().begin();
    rig.write(400);
    rig.advance(60).unwrap().unwrap();
    rig.write(300);
    rig.advance(EPOCH_MAX_AGE.as_secs()).unwrap().unwrap();
    rig.advance(1).unwrap().unwrap();
    rig.write(20);
    rig.advance(60).unwrap().unwrap();
    rig.stop()
}

pub(super) fn against() -> Against {
    Against {
        key: Some(gateway().verifier().clone()),
        checkpoint: None,
    }
}

pub(super) fn check(memory: &Memory, tiles: &MemoryTiles, against: Against) -> Verification {
    let tiles = Some(tiles.store());
    verify_kept(memory.storage(), tiles, against, &mut |_, _| {}).unwrap()
}

/// The journal again, each record as `change` leaves it: whole frames, right checksums, right
/// sequences. What somebody writes who owns the disk and knows the format.
pub(super) fn rewritten(all: &[Record], mut change: impl FnMut(&mut Record) -> bool) -> Memory {
    let mut records = all.to_vec();
    records.retain_mut(|record| change(record));
    let capacity: usize = 4 << 20;
    let head = layout::Head {
        number: 1,
        bytes: capacity as u64,
        salt: 9,
        first: 1,
        before: (0, 0),
    };
    let mut bytes = layout::head_sector(&head);
    for (sequence, record) in (1..).zip(&mut records) {
        record.sequence = sequence;
        let at = bytes.len() as u64;
        layout::put_commit(&mut bytes, head.salt, sequence, (1, at));
        let payload = record.encode();
        layout::put(
            &mut bytes,
            head.salt,
            layout::Kind::Record,
            sequence,
            &payload,
        );
        layout::pad(&mut bytes);
    }
    bytes.resize(capacity, 0);
    Memory::holding([(1, bytes)])
}

/// What verification says of the journal with `change` made to it.
pub(super) fn judged(
    tiles: &MemoryTiles,
    all: &[Record],
    change: impl FnMut(&mut Record) -> bool,
) -> Fault {
    let memory = rewritten(all, change);
    let found = check(&memory, tiles, against());
    assert!(!found.is_sound());
    assert_eq!(found.damage, None);
    assert_eq!(found.first_bad(), Some(found.faults[0].sequence));
    found.faults[0].clone()
}

pub(super) fn without_tiles(all: &[Record], change: impl FnMut(&mut Record) -> bool) -> Vec<Fault> {
    let memory = rewritten(all, change);
    let found = verify_kept(memory.storage(), None, against(), &mut |_, _| {}).unwrap();
    found.faults
}

/// The fault that says so.
pub(super) fn saying(faults: &[Fault], what: &str) -> Fault {
    let said = faults.iter().find(|fault| fault.what.contains(what));
    said.unwrap_or_else(|| panic!("{what}: {faults:?}")).clone()
}

pub(super) fn checkpoints(all: &[Record]) -> Vec<(u64, u64)> {
    let of = |record: &Record| match &record.event {
        Event::Checkpointed(checkpointed) => {
            let note = SignedCheckpoint::parse(&checkpointed.note).unwrap();
            Some((record.sequence, note.checkpoint().size))
        }
        _ => None,
    };
    all.iter().filter_map(of).collect()
}

#[test]
fn what_nobody_touched_is_sound() {
    let (memory, tiles) = kept();
    let found = check(&memory, &tiles, against());
    assert!(found.is_sound(), "{found:?}");
    assert_eq!(found.epochs, 2);
    assert!(found.checkpoints >= 4 && found.key_known);
    assert!(found.silent_epochs.is_empty());
    let all = records(&memory);
    assert_eq!(found.records, all.len() as u64);
    let mut tree = Tree::new();
    all.iter()
        .for_each(|record| tree.append(Hash::leaf(&record.encode())));
    assert_eq!(found.root, Some(tree.root()));
    // The record of the last checkpoint is behind it, and nothing else.
    assert_eq!(found.exposed, 1);
    // Written anew without a change it is the same.
    let again = check(&rewritten(&all, |_| true), &tiles, against());
    assert!(again.is_sound(), "{again:?}");
    assert_eq!(again.root, found.root);
    // Without a key too, and it says so; without tiles; under another key not.
    let unknown = check(&memory, &tiles, Against::default());
    assert!(unknown.is_sound() && !unknown.key_known);
    assert_eq!(unknown.checkpoints, found.checkpoints);
    assert_eq!(without_tiles(&all, |_| true), Vec::<Fault>::new());
    let other = Against {
        key: Some(JournalKey::from_seed(ORIGIN, &[8; 32]).verifier().clone()),
        checkpoint: None,
    };
    let other = check(&memory, &tiles, other);
    assert!(other.faults[0].what.contains("gateway's key"), "{other:?}");
}

#[test]
fn a_changed_record_is_named_and_without_tiles_the_range_that_was_signed() {
    let (memory, tiles) = kept();
    let all = records(&memory);
    let signed = checkpoints(&all);
    for at in [2, 300, 700] {
        let change = |record: &mut Record| {
            if record.sequence == at {
                record.time_ms += 1;
            }
            true
        };
        let fault = judged(&tiles, &all, change);
        assert_eq!(fault.sequence, at, "{fault:?}");
        let fault = without_tiles(&all, change)[0].clone();
        let before = signed
            .iter()
            .map(|(_, size)| *size)
            .filter(|size| *size < at);
        assert_eq!(fault.sequence, before.max().unwrap_or(0) + 1, "{fault:?}");
        assert!(fault.what.contains("signed over"), "{fault:?}");
    }
}

#[test]
fn a_dropped_record_is_found_where_it_was() {
    let (memory, tiles) = kept();
    let all = records(&memory);
    let fault = judged(&tiles, &all, |record| record.sequence != 333);
    assert_eq!(fault.sequence, 333, "{fault:?}");
    assert!(!without_tiles(&all, |record| record.sequence != 333).is_empty());
}

#[test]
fn the_end_cut_off_behind_a_checkpoint_is_found() {
    let (memory, tiles) = kept();
    let all = records(&memory);
    let last = checkpoints(&all).last().unwrap().1;
    let fault = judged(&tiles, &all, |record| record.sequence < last - 5);
    assert_eq!(fault.sequence, last - 5, "{fault:?}");
    // Behind the last checkpoint a cut leaves no trace here; that many records are told.
    let found = check(
        &rewritten(&all, |record| record.sequence <= last),
        &tiles,
        against(),
    );
    assert!(found.is_sound(), "{found:?}");
    assert_eq!(found.exposed, 0);
    // Without the file, a checkpoint that was kept elsewhere shows it.
    let bytes = tiles.store().read("checkpoint").unwrap().unwrap();
    let note = SignedCheckpoint::parse(std::str::from_utf8(&bytes).unwrap()).unwrap();
    tiles.tamper("checkpoint", None);
    let cut = rewritten(&all, |record| record.sequence < last - 5);
    let elsewhere = Against {
        checkpoint: Some(note.clone()),
        ..against()
    };
    let found = check(&cut, &tiles, elsewhere.clone());
    assert_eq!(found.first_bad(), Some(last - 5), "{found:?}");
    assert!(
        found
            .faults
            .iter()
            .any(|fault| fault.what.contains("elsewhere"))
    );
    assert!(check(&memory, &tiles, elsewhere.clone()).is_sound());
    // Another history of the same length, whose own notary signed it.
    let other = Rig::new().begin();
    let (other_memory, other_tiles) = {
        let mut rig = other;
        rig.write(last);
        rig.advance(60).unwrap().unwrap();
        rig.stop()
    };
    let found = check(&other_memory, &other_tiles, elsewhere);
    assert!(found.faults[0].what.contains("elsewhere"), "{found:?}");
}

#[test]
fn a_flipped_byte_in_a_tile_names_the_record_that_it_stands_for() {
    let (memory, tiles) = kept();
    let flip = |path: &str, at: usize| {
        let tiles = tiles.copy();
        let mut bytes = tiles.store().read(path).unwrap().unwrap();
        bytes[at] ^= 1;
        tiles.tamper(path, Some(bytes));
        check(&memory, &tiles, against()).faults
    };
    let fault = &flip("tile/0/001", 32 * 10 + 3)[0];
    assert_eq!(fault.sequence, 256 + 10 + 1, "{fault:?}");
    assert!(fault.what.contains("tile/0/001"), "{fault:?}");
    for path in tiles.paths() {
        if path.starts_with("tile/") {
            assert!(!flip(&path, 0).is_empty(), "{path}");
            let without = tiles.copy();
            without.tamper(&path, None);
            // Narrower forms of a tile that grew on are kept as a courtesy.
            let last = Tree::load(without.store().as_ref(), size_of(&tiles)).unwrap();
            let found = check(&memory, &without, against());
            assert!(!found.is_sound() || last.is_some(), "{path}");
        }
    }
}

fn size_of(tiles: &MemoryTiles) -> u64 {
    let bytes = tiles.store().read("checkpoint").unwrap().unwrap();
    let note = SignedCheckpoint::parse(std::str::from_utf8(&bytes).unwrap()).unwrap();
    note.checkpoint().size
}

#[test]
fn every_flipped_byte_of_the_checkpoint_file_is_found() {
    let (memory, tiles) = kept();
    let whole = tiles.store().read("checkpoint").unwrap().unwrap();
    // The second signature is that of the epoch: the recorded copy is what is held against it.
    let first_line = whole
        .windows(3)
        .rposition(|bytes| bytes == "\n\u{2014}".as_bytes().get(..3).unwrap());
    for at in 0..first_line.unwrap_or(whole.len()) {
        let tiles = tiles.copy();
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        tiles.tamper("checkpoint", Some(bytes));
        let found = check(&memory, &tiles, against());
        assert!(!found.is_sound(), "byte {at}");
    }
}

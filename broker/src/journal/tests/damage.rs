//! Damage to what was durable: nothing is cut, and the first bad sequence is named.

use super::*;

const SECTOR: usize = 512;
/// Magic and frame of a head; what is behind it in the first sector is not looked at.
const HEAD: usize = 73;

/// Six groups of one record in one sector each, and the seal of an orderly end.
fn six() -> Memory {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    for text in ["1", "2", "3", "4", "5", "6"] {
        commit(&journal, note(text, 300)).unwrap();
    }
    journal.close();
    memory
}

/// Opening must refuse, name this sequence, and leave every byte as it is.
fn refuses(bytes: Vec<u8>, sequence: u64, what: &str) {
    let memory = Memory::holding([(1, bytes)]);
    let before = memory.contents(1);
    match Journal::open(memory.storage(), SMALL, 1) {
        Err(OpenError::Corrupt(damage)) => {
            assert_eq!(damage.sequence, sequence, "{what}: {damage}");
            assert!(damage.to_string().contains(&format!("record {sequence}")));
        }
        Err(other) => panic!("{what}: {other}"),
        Ok((_, recovered)) => panic!("{what}: opened with {recovered:?}"),
    }
    assert!(memory.contents(1) == before, "{what}: bytes were changed");
    assert_eq!(memory.calls(), 0, "{what}: the disk was written to");
    let verification = verify_storage(memory.storage()).unwrap();
    assert_eq!(verification.damage.unwrap().sequence, sequence, "{what}");
    assert_eq!(verification.records, sequence - 1, "{what}");
}

#[test]
fn every_damaged_byte_is_found_and_its_record_named() {
    let memory = six();
    let whole = memory.contents(1);
    let record = records(&memory)[0].encode().len();
    let used = layout::COMMIT_BYTES + layout::FRAME_HEAD_BYTES + record;
    for at in (0..HEAD).chain(SECTOR..7 * SECTOR) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        let group = (at / SECTOR) as u64;
        // Behind its record a group is zeros: the damage is before the next record.
        let sequence = group.max(1) + u64::from(at % SECTOR >= used && group > 0);
        refuses(bytes, sequence, &format!("byte {at}"));
    }
}

#[test]
fn a_sector_that_was_never_written_is_no_end() {
    let whole = six().contents(1);
    for group in 1..=6 {
        let mut bytes = whole.clone();
        bytes[group * SECTOR..(group + 1) * SECTOR].fill(0);
        refuses(bytes, group as u64, &format!("group {group}"));
    }
}

#[test]
fn groups_that_changed_places_are_found() {
    let mut bytes = six().contents(1);
    let (front, back) = bytes.split_at_mut(4 * SECTOR);
    front[3 * SECTOR..].swap_with_slice(&mut back[..SECTOR]);
    refuses(bytes, 3, "groups 3 and 4");
}

#[test]
fn a_group_that_went_to_another_place_is_found() {
    let mut bytes = six().contents(1);
    // The seal, written a second time one sector on: same sequence, whole, and not its place.
    bytes.copy_within(7 * SECTOR..8 * SECTOR, 8 * SECTOR);
    refuses(bytes, 7, "the seal, twice");
}

/// Whole frames that say the wrong thing are no torn write, wherever they stand.
#[test]
fn a_whole_frame_that_says_the_wrong_thing_is_damage_at_the_end_too() {
    let record = |sequence| {
        let (time_ms, event) = (1, note("x", 0));
        let record = Record {
            sequence,
            time_ms,
            event,
        };
        record.encode()
    };
    let mut newer = record(7);
    newer[1] = 2;
    let cases = [
        ("the sequence after next", 7, 8, record(8)),
        ("two sequences", 7, 7, record(8)),
        ("a record of a newer version", 7, 7, newer),
        ("a group that skips a record", 8, 7, record(7)),
    ];
    for (what, next, sequence, payload) in cases {
        let mut bytes = six().contents(1);
        let salt = layout::read_head(&bytes).unwrap().salt;
        let at = 8 * SECTOR;
        let mut group = Vec::new();
        layout::put_commit(&mut group, salt, next, (1, at as u64));
        layout::put(&mut group, salt, layout::Kind::Record, sequence, &payload);
        bytes[at..at + group.len()].copy_from_slice(&group);
        refuses(bytes, 7, what);
    }
}

#[test]
fn a_file_cut_short_is_found() {
    let mut bytes = six().contents(1);
    bytes.truncate(64 << 10);
    refuses(bytes, 1, "half the file");
}

#[test]
fn the_last_group_without_a_seal_is_a_torn_tail() {
    let mut bytes = six().contents(1);
    bytes[7 * SECTOR..8 * SECTOR].fill(0);
    bytes[6 * SECTOR + 100] ^= 1;
    let memory = Memory::holding([(1, bytes)]);
    let (recovered, all) = reopened(&memory);
    assert_eq!(sequences(&all), [1, 2, 3, 4, 5]);
    assert!(recovered.torn_bytes > 0);
}

/// Records of half a segment: every second one begins a new segment.
fn three_segments() -> Memory {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    for text in ["1", "2", "3", "4", "5"] {
        commit(&journal, note(text, 60_000)).unwrap();
    }
    journal.close();
    memory
}

fn damage(memory: &Memory) -> Damage {
    match Journal::open(memory.storage(), SMALL, 1) {
        Err(OpenError::Corrupt(damage)) => damage,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("opened"),
    }
}

#[test]
fn a_segment_further_on_proves_that_the_one_before_was_durable() {
    let memory = three_segments();
    assert_eq!(verify_storage(memory.storage()).unwrap().segments, 3);
    // The last group of a segment that was left full.
    memory.flip(1, 110_000);
    let damage = damage(&memory);
    assert_eq!((damage.segment, damage.sequence), (1, 2));
}

#[test]
fn a_lost_end_of_a_segment_is_found_even_where_no_record_is_lost() {
    let memory = Memory::new();
    for texts in [["1", "2"].as_slice(), &["3"]] {
        let (journal, _) = open(&memory);
        for text in texts {
            commit(&journal, note(text, 60_000)).unwrap();
        }
        journal.close();
    }
    // The first segment ends with the seal of the first life.
    let mut bytes = memory.contents(1);
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end / SECTOR * SECTOR..].fill(0);
    let memory = Memory::holding([(1, bytes), (2, memory.contents(2))]);
    assert_eq!(damage(&memory).sequence, 3);
}

#[test]
fn a_missing_segment_is_found() {
    for (missing, sequence) in [(1, 1), (2, 3)] {
        let memory = three_segments();
        memory.remove(missing);
        assert_eq!(damage(&memory).sequence, sequence, "segment {missing}");
    }
}

#[test]
fn a_damaged_head_is_found() {
    for (segment, sequence) in [(1, 1), (2, 3), (3, 5)] {
        let memory = three_segments();
        memory.flip(segment, 40);
        assert_eq!(damage(&memory).sequence, sequence, "segment {segment}");
    }
}

#[test]
fn reading_gives_all_before_the_damage_and_then_says_so() {
    let memory = three_segments();
    memory.flip(2, 1000);
    let mut records = read_storage(memory.storage()).unwrap();
    let read: Vec<u64> = (&mut records)
        .map_while(Result::ok)
        .map(|record| record.sequence)
        .collect();
    assert_eq!(read, [1, 2]);
    assert!(records.next().is_none());
    // Whole segments behind it can still be asked for.
    let records = read_storage(memory.storage()).unwrap();
    let later: Vec<u64> = records
        .starting_at(5)
        .unwrap()
        .map(|record| record.unwrap().sequence)
        .collect();
    assert_eq!(later, [5]);
}

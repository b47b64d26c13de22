//! Folders and files that somebody made to bring a verification down.

use super::*;
use crate::journal::layout::{self, Head, Kind};

/// A segment with one record of the sequence `first`, all checksums right.
fn segment(number: u64, first: u64, before: (u64, u64)) -> Vec<u8> {
    let bytes = JOURNAL_SEGMENT_MIN_BYTES;
    let head = Head {
        number,
        bytes,
        salt: 5,
        first,
        before,
    };
    let mut segment = layout::head_sector(&head);
    for at in 0..2 {
        let sequence = first.saturating_add(at);
        let here = (number, segment.len() as u64);
        layout::put_commit(&mut segment, 5, sequence, here);
        let record = Record {
            sequence,
            time_ms: 1,
            event: note("a"),
        };
        layout::put(&mut segment, 5, Kind::Record, sequence, &record.encode());
        layout::pad(&mut segment);
    }
    segment.resize(bytes as usize, 0);
    segment
}

#[test]
fn numbers_at_the_end_of_their_range_are_no_journal() {
    let most = u64::MAX;
    for (number, first) in [
        (most, 1),
        (most, most),
        (7, most),
        (7, most - 1),
        (most - 1, 9),
    ] {
        for before in [(0, 0), (most, most), (number - 1, 512)] {
            let memory = Memory::holding([(number, segment(number, first, before))]);
            let tiles = Some(MemoryTiles::new().store());
            let found = verify_kept(memory.storage(), tiles, Against::default(), &mut |_, _| {});
            if let Ok(found) = found {
                assert!(!found.is_sound(), "{number} {first} {found:?}");
            }
            let all: Vec<_> = read_storage(memory.storage()).unwrap().collect();
            assert!(all.iter().any(Result::is_err), "{number} {first} {all:?}");
        }
    }
}

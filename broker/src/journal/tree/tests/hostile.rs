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

/// A folder that goes with the test.
struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

/// What stands in the place of a file: `read` would take all memory, or never come back.
#[test]
fn what_is_no_file_of_ours_is_neither_read_whole_nor_waited_for() {
    let name = format!("interlock-hostile-{}", std::process::id());
    let folder = Folder(std::env::temp_dir().join(name));
    let _not_there = std::fs::remove_dir_all(&folder.0);
    std::fs::create_dir_all(folder.0.join("tile/0")).unwrap();
    let segment_path = folder.0.join("000000000001.segment");
    std::fs::write(&segment_path, segment(1, 1, (0, 0))).unwrap();
    assert!(super::verify(&folder.0).unwrap().is_sound());
    let pipe = |path: &std::path::Path| {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    };
    let (done, ended) = std::sync::mpsc::channel();
    let dir = folder.0.clone();
    let judged = move || {
        let (done, dir) = (done.clone(), dir.clone());
        std::thread::spawn(move || done.send(super::verify(&dir).map(|found| found.is_sound())));
        let answer = ended.recv_timeout(std::time::Duration::from_secs(20));
        matches!(answer.expect("it hangs"), Ok(true))
    };
    let tiles = TileFolder::read_only(&folder.0);
    for path in ["checkpoint", "tile/0/000"] {
        let file = std::fs::File::create(folder.0.join(path)).unwrap();
        file.set_len(1 << 20).unwrap();
        assert!(tiles.read(path).is_err());
        std::fs::remove_file(folder.0.join(path)).unwrap();
        pipe(&folder.0.join(path));
        assert!(tiles.read(path).is_err());
        assert!(path != "checkpoint" || !judged());
        std::fs::remove_file(folder.0.join(path)).unwrap();
    }
    std::fs::remove_file(&segment_path).unwrap();
    pipe(&segment_path);
    assert!(!judged());
}

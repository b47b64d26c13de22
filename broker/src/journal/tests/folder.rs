//! The real folder.

use std::fs;
use std::thread;

use super::*;

fn open_in(dir: &std::path::Path) -> (Journal, Recovered) {
    let storage = Box::new(Directory::open(dir).unwrap());
    Journal::open(storage, SMALL, 1).unwrap()
}

#[test]
fn a_folder_has_one_writer() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("journal");
    let (journal, _) = open_in(&dir);
    let error = Directory::open(&dir).err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::ResourceBusy);
    assert!(error.to_string().contains("in use by another process"));
    commit(&journal, note("mine", 0)).unwrap();
    journal.close();
    let (_journal, recovered) = open_in(&dir);
    assert_eq!(recovered.records, 1);
}

#[test]
fn segments_are_whole_files_of_zeros_before_they_are_used() {
    let folder = tempfile::tempdir().unwrap();
    // A crash while a segment was being made leaves this behind.
    fs::write(folder.path().join("000000000001.making"), b"half").unwrap();
    let (journal, _) = open_in(folder.path());
    for text in ["1", "2", "3"] {
        commit(&journal, note(text, 60_000)).unwrap();
    }
    drop(journal);
    for number in [1, 2] {
        let file = folder.path().join(format!("{number:012}.segment"));
        assert_eq!(fs::metadata(file).unwrap().len(), SMALL.segment_bytes);
    }
    let verification = verify(folder.path()).unwrap();
    assert!(verification.is_sound());
    assert_eq!((verification.segments, verification.records), (2, 3));
}

#[test]
fn a_segment_left_unused_by_a_crash_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open_in(folder.path());
    commit(&journal, note("1", 60_000)).unwrap();
    drop(journal);
    let mut storage = Directory::read_only(folder.path());
    assert!(storage.create(2, 1024).is_err());
    let unused = folder.path().join("000000000002.segment");
    fs::write(&unused, vec![0; 131_072]).unwrap();
    let (journal, recovered) = open_in(folder.path());
    assert_eq!(recovered.records, 1);
    commit(&journal, note("2", 60_000)).unwrap();
    commit(&journal, note("3", 60_000)).unwrap();
    drop(journal);
    let verification = verify(folder.path()).unwrap();
    assert!(verification.is_sound());
    assert_eq!((verification.segments, verification.records), (2, 3));
}

#[test]
fn reading_a_folder_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    assert!(matches!(read(&nowhere), Err(ReadError::Storage(_))));
    assert!(verify(&nowhere).is_err());
}

#[test]
fn a_reader_beside_a_writer_sees_a_growing_prefix() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_owned();
    let (journal, _) = open_in(&dir);
    let writer = thread::spawn(move || {
        for round in 0..300 {
            for _ in 0..3 {
                journal.append(1, note("aside", 700)).unwrap();
            }
            commit(&journal, note(&format!("{round}"), 2000)).unwrap();
        }
        journal.close();
    });
    let (mut seen, mut reads) = (0, 0);
    while !writer.is_finished() {
        let all: Vec<Record> = read(&dir).unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(sequences(&all), (1..=all.len() as u64).collect::<Vec<_>>());
        assert!(all.len() >= seen, "{} after {seen}", all.len());
        seen = all.len();
        reads += 1;
    }
    writer.join().unwrap();
    assert_eq!(read(&dir).unwrap().count(), 1200);
    assert!(reads > 0);
    let tail: Vec<u64> = read(&dir)
        .unwrap()
        .starting_at(1190)
        .unwrap()
        .map(|record| record.unwrap().sequence)
        .collect();
    assert_eq!(tail, (1190..=1200).collect::<Vec<_>>());
    assert!(verify(&dir).unwrap().segments > 3);
}

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

/// Reading is not atomic: what the first read returns may be older in front than behind.
struct Mixed {
    first: Vec<u8>,
    later: Memory,
    reads: Arc<Mutex<usize>>,
}

struct MixedFile(Vec<u8>, Box<dyn SegmentFile>, Arc<Mutex<usize>>);

impl Storage for Mixed {
    fn segments(&self) -> std::io::Result<Vec<u64>> {
        Ok(vec![1])
    }

    fn create(&mut self, _: u64, _: u64) -> std::io::Result<Box<dyn SegmentFile>> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn open(&mut self, number: u64) -> std::io::Result<Box<dyn SegmentFile>> {
        let file = self.later.storage().open(number)?;
        let (first, reads) = (self.first.clone(), Arc::clone(&self.reads));
        Ok(Box::new(MixedFile(first, file, reads)))
    }

    fn remove(&mut self, _: u64) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn free_bytes(&self) -> std::io::Result<Option<u64>> {
        Ok(None)
    }

    fn maker(&self) -> Box<dyn Storage> {
        self.later.storage()
    }

    fn reader(&self) -> Box<dyn Storage> {
        self.later.storage()
    }
}

impl SegmentFile for MixedFile {
    fn len(&self) -> std::io::Result<u64> {
        self.1.len()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> std::io::Result<usize> {
        let mut reads = self.2.lock().unwrap();
        *reads += 1;
        if *reads > 1 {
            return self.1.read_at(offset, into);
        }
        let bytes = &self.0[offset as usize..];
        let count = bytes.len().min(into.len());
        into[..count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn write_at(&mut self, _: u64, _: &[u8]) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn sync(&mut self) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

/// A head, a group of two records in one sector, and a group of one in the next.
fn two_groups() -> Memory {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    memory.hold_sync();
    let first = journal.commit(1, note("a", 0)).unwrap();
    assert!(memory.wait_until_held());
    journal.append(1, note("b", 0)).unwrap();
    let second = journal.commit(1, note("c", 0)).unwrap();
    memory.release_sync();
    assert_eq!((wait(first), wait(second)), (Ok(()), Ok(())));
    commit(&journal, note("d", 0)).unwrap();
    drop(journal);
    memory
}

#[test]
fn a_reader_that_met_a_write_half_way_looks_again() {
    let later = two_groups();
    let whole = later.contents(1);
    // Every length of what the first read saw of the middle group, all behind it being there.
    let group = 2 * 512..3 * 512;
    for seen in group.clone() {
        let mut first = whole.clone();
        first[seen..group.end].fill(0);
        let (later, reads) = (later.clone(), Arc::default());
        let mixed = Box::new(Mixed {
            first,
            later,
            reads,
        });
        let all: Result<Vec<Record>, _> = read_storage(mixed).unwrap().collect();
        assert_eq!(sequences(&all.unwrap()), [1, 2, 3, 4], "{seen} seen");
    }
    // A head not yet seen, the groups behind it seen.
    let mut first = whole;
    first[..512].fill(0);
    let reads = Arc::default();
    let mixed = Mixed {
        first,
        later,
        reads,
    };
    assert_eq!(read_storage(Box::new(mixed)).unwrap().count(), 4);
}

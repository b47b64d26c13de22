//! A disk that fails: whoever was told "durable" was told the truth, and nobody is afterwards.

use super::*;

/// Opens, records over a roll of segments, closes. Gives back what was acknowledged, and
/// asserts that after the first refusal nothing is accepted.
fn work(memory: &Memory) -> Vec<(u64, Event)> {
    let mut acknowledged = Vec::new();
    let Ok((journal, _)) = Journal::open(memory.storage(), SMALL, 1) else {
        return acknowledged;
    };
    let mut failed = false;
    for round in 0..6 {
        let event = note(&format!("round {round}"), 40_000);
        // Kept in memory where the disk has failed.
        journal.append(1, note("aside", 0)).unwrap();
        match commit(&journal, event.clone()) {
            Ok(sequence) => {
                assert!(!failed, "round {round} was accepted after a failure");
                acknowledged.push((sequence, event));
            }
            Err(error) => {
                assert!(matches!(error, Unrecordable::Failed { .. }), "{error}");
                assert!(matches!(journal.health(), Health::Failed { .. }));
                failed = true;
            }
        }
    }
    journal.close();
    acknowledged
}

fn all_there(memory: &Memory, acknowledged: &[(u64, Event)], what: &str) {
    let (_, all) = reopened(memory);
    assert_eq!(
        sequences(&all),
        (1..=all.len() as u64).collect::<Vec<_>>(),
        "{what}"
    );
    for (sequence, event) in acknowledged {
        let found = all.get(*sequence as usize - 1);
        assert_eq!(found.map(|found| &found.event), Some(event), "{what}");
    }
}

#[test]
fn failing_at_every_call_in_turn() {
    let healthy = Memory::new();
    let everything = work(&healthy);
    assert_eq!(everything.len(), 6);
    let calls = healthy.calls();
    assert!(calls > 15, "{calls} calls");
    assert!(verify_storage(healthy.storage()).unwrap().segments > 1);

    let mut counts = Vec::new();
    for call in 0..=calls {
        for keep in 0..3_u64 {
            let memory = Memory::new();
            memory.fail_after(call);
            let acknowledged = work(&memory);
            let what = format!("call {call} of {calls}, keeping {keep}");
            memory.power_cut_keeping(|_, sector| match keep {
                0 => false,
                1 => true,
                _ => sector.is_multiple_of(2),
            });
            all_there(&memory, &acknowledged, &what);
            counts.push(acknowledged.len());
        }
    }
    // The scan met failures before the first acknowledgement, between, and after the last.
    assert!((0..=6).all(|count| counts.contains(&count)), "{counts:?}");
}

#[test]
fn all_who_wait_hear_of_the_failure() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    memory.hold_sync();
    let mut pending = vec![journal.commit(1, note("in flight", 0)).unwrap()];
    assert!(memory.wait_until_held());
    pending.extend((0..20).map(|_| journal.commit(1, note("queued", 0)).unwrap()));
    // The flush in flight succeeds; the next write fails.
    memory.fail_after(0);
    memory.release_sync();
    let answers: Vec<bool> = pending
        .into_iter()
        .map(|pending| wait(pending).is_ok())
        .collect();
    assert!(answers[0]);
    assert!(answers[1..].iter().all(|answer| !answer));
}

/// A disk whose driver panics.
struct Panics(Box<dyn Storage>);

struct PanicsFile(Box<dyn SegmentFile>, u32);

impl Storage for Panics {
    fn segments(&self) -> std::io::Result<Vec<u64>> {
        self.0.segments()
    }

    fn create(&mut self, number: u64, bytes: u64) -> std::io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(PanicsFile(self.0.create(number, bytes)?, 0)))
    }

    fn open(&mut self, number: u64) -> std::io::Result<Box<dyn SegmentFile>> {
        self.0.open(number)
    }

    fn remove(&mut self, number: u64) -> std::io::Result<()> {
        self.0.remove(number)
    }

    fn free_bytes(&self) -> std::io::Result<Option<u64>> {
        self.0.free_bytes()
    }

    fn maker(&self) -> Box<dyn Storage> {
        self.0.maker()
    }

    fn reader(&self) -> Box<dyn Storage> {
        self.0.reader()
    }
}

impl SegmentFile for PanicsFile {
    fn len(&self) -> std::io::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> std::io::Result<usize> {
        self.0.read_at(offset, into)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_at(offset, bytes)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.1 += 1;
        assert!(self.1 < 3, "the third flush panics, on purpose");
        self.0.sync()
    }
}

#[test]
fn a_panic_in_the_thread_is_a_failure_and_no_hang() {
    let memory = Memory::new();
    let storage = Box::new(Panics(memory.storage()));
    let (journal, _) = Journal::open(storage, SMALL, 1).unwrap();
    commit(&journal, note("good", 0)).unwrap();
    assert!(matches!(
        commit(&journal, note("bad", 0)),
        Err(Unrecordable::Ended { .. })
    ));
    // Returns when the thread is gone, which fails the queue while it unwinds.
    journal.close();
    let Health::Failed {
        why,
        since_ms: None,
    } = journal.health()
    else {
        panic!("a dead thread is no good health");
    };
    assert!(why.contains("panicked"), "{why}");
    assert!(matches!(
        journal.append(1, note("later", 0)),
        Err(Unrecordable::Ended { .. })
    ));
}

#[test]
fn a_full_disk_fails_the_roll_and_loses_nothing() {
    let memory = Memory::new();
    let (journal, _) = open(&memory);
    commit(&journal, note("1", 60_000)).unwrap();
    commit(&journal, note("2", 60_000)).unwrap();
    memory.fail_after(0);
    assert!(commit(&journal, note("3", 60_000)).is_err());
    drop(journal);
    memory.power_cut();
    let (_, all) = reopened(&memory);
    assert_eq!(all.len(), 2);
}

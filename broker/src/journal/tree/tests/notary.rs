//! What the notary signs, when, and what it finds when it opens.

use super::*;
use crate::limits::{CHECKPOINT_AFTER_RECORDS, CHECKPOINT_EVERY, EPOCH_MAX_AGE};

const EPOCHS: u64 = 12;
const CHECKPOINTS: u64 = 13;

fn checkpoint_of(tiles: &MemoryTiles) -> SignedCheckpoint {
    let bytes = tiles.store().read("checkpoint").unwrap().unwrap();
    SignedCheckpoint::parse(std::str::from_utf8(&bytes).unwrap()).unwrap()
}

#[test]
fn a_checkpoint_covers_the_records_and_is_signed_by_both_keys() {
    let mut rig = Rig::new().begin();
    rig.write(300);
    let signed = rig.advance(60).unwrap().unwrap();
    let all = records(&rig.memory);
    let mut tree = Tree::new();
    for record in all.iter().take(signed.size as usize) {
        tree.append(Hash::leaf(&record.encode()));
    }
    let note = SignedCheckpoint::parse(&signed.note).unwrap();
    assert_eq!(note.checkpoint().root, tree.root());
    assert_eq!(note.checkpoint().size, signed.size);
    assert!(signed.size > 300);
    assert!(note.is_signed_by(gateway().verifier()));
    assert_eq!(note.epoch(), Some(1));
    let Event::EpochStarted(epoch) = &all[of_kind(&all, EPOCHS)[0] as usize - 1].event else {
        panic!();
    };
    assert!(note.is_signed_by(&super::super::epoch::verifier(ORIGIN, 1, epoch.key)));
    assert_eq!(checkpoint_of(&rig.tiles), note);
    assert_eq!(rig.notary.position(), signed.size);
    // The record of it is on its way.
    commit(&rig.journal, super::note("after"));
    assert_eq!(of_kind(&records(&rig.memory), CHECKPOINTS).len(), 2);
}

#[test]
fn an_idle_journal_does_not_grow() {
    let mut rig = Rig::new().begin();
    rig.advance(60).unwrap();
    rig.clock += 60;
    // Through all that is there, the notary's own last record too.
    let mut through = commit(&rig.journal, sink_progress());
    for _ in 0..30 {
        rig.clock += 60;
        rig.notary.advance(through, at(rig.clock)).unwrap();
        through = through.max(*rig.journal.durable().borrow());
    }
    let before = records(&rig.memory).len();
    commit(&rig.journal, sink_progress());
    assert_eq!(records(&rig.memory).len(), before + 1);
}

fn sink_progress() -> Event {
    Event::SinkProgress(interlock_protocols::record::SinkProgress {
        sink: "siem".into(),
        through: 1,
    })
}

#[test]
fn a_checkpoint_is_due_after_a_time_or_many_records() {
    let mut rig = Rig::new().begin();
    let every = CHECKPOINT_EVERY.as_secs();
    assert_eq!(rig.advance(every - 1).unwrap(), None);
    assert!(rig.advance(1).unwrap().is_some());
    assert_eq!(rig.advance(1).unwrap(), None);
    rig.write(CHECKPOINT_AFTER_RECORDS - 3);
    assert_eq!(rig.advance(0).unwrap(), None);
    assert!(rig.advance(0).unwrap().is_some());
}

#[test]
fn an_epoch_ends_after_an_hour_and_at_a_restart_and_the_keys_form_a_chain() {
    let mut rig = Rig::new().begin();
    let signed = rig.advance(EPOCH_MAX_AGE.as_secs()).unwrap().unwrap();
    assert_eq!(signed.epoch, 1);
    let signed = rig.advance(1).unwrap().unwrap();
    assert_eq!(signed.epoch, 2);
    let (memory, tiles) = rig.stop();
    let mut rig = Rig::over(memory, tiles).begin();
    assert_eq!(rig.opened.rebuilt, None);
    assert_eq!(rig.opened.broken, None);
    assert_eq!(rig.notary.last().unwrap().epoch, 3);
    rig.advance(1).unwrap();
    let all = records(&rig.memory);
    let mut before = None;
    for sequence in of_kind(&all, EPOCHS) {
        let Event::EpochStarted(epoch) = &all[sequence as usize - 1].event else {
            panic!();
        };
        let key = gateway();
        let fault =
            super::super::epoch::fault(epoch, ORIGIN, Some(key.verifier()), before.as_ref());
        assert_eq!(fault, None);
        before = Some(super::super::epoch::Link::of(epoch));
    }
    assert_eq!(before.unwrap().epoch, 3);
    // One private key is on the disk: that of the epoch to come.
    let secrets: Vec<String> = rig.tiles.paths();
    let secrets: Vec<&String> = secrets
        .iter()
        .filter(|path| path.contains("epoch"))
        .collect();
    assert_eq!(secrets, ["epoch.next"]);
    let text = rig.tiles.store().read("epoch.next").unwrap().unwrap();
    assert!(text.starts_with(format!("PRIVATE+KEY+{ORIGIN}/epoch/4+").as_bytes()));
}

#[test]
fn missing_and_damaged_tiles_are_made_again_from_the_records() {
    let mut rig = Rig::new().begin();
    rig.write(600);
    rig.advance(60).unwrap().unwrap();
    let (memory, tiles) = rig.stop();
    let size = checkpoint_of(&tiles).checkpoint().size;
    let edge = Tile::at(0, size / 256, size).unwrap().path();
    for bytes in [None, Some(vec![0; (size % 256) as usize * 32])] {
        tiles.tamper(&edge, bytes);
        let copy = Memory::holding([(1, memory.contents(1))]);
        let rig = Rig::over(copy, tiles.copy()).begin();
        assert!(rig.opened.rebuilt.is_some() && rig.opened.ahead.is_none());
        let (memory, tiles) = rig.stop();
        let rig = Rig::over(memory, tiles);
        assert_eq!((rig.opened.rebuilt, rig.opened.ahead), (None, None));
    }
}

#[test]
fn a_journal_that_was_put_back_is_found_even_when_it_has_grown_again() {
    let mut rig = Rig::new().begin();
    let old: Vec<(u64, Vec<u8>)> = vec![(1, rig.memory.contents(1))];
    rig.write(50);
    rig.advance(60).unwrap().unwrap();
    let (_, tiles) = rig.stop();
    let known = checkpoint_of(&tiles).checkpoint().size;
    for more in [0, 500] {
        let memory = Memory::holding(old.clone());
        let journal = Journal::open(memory.storage(), SMALL, 1).unwrap().0;
        for _ in 0..more {
            journal.append(9, super::note("another story")).unwrap();
        }
        journal.close();
        let mut rig = Rig::over(memory, tiles.copy());
        let ahead = rig.opened.ahead.clone().unwrap();
        assert_eq!((ahead.what.as_str(), ahead.through), (AHEAD, known));
        assert_eq!(rig.advance(100).unwrap(), None);
        assert_eq!(rig.notary.position(), 0);
        assert!(rig.notary.halted().unwrap().contains("through"));
        accept(&rig.journal, ahead);
        let rig = rig.begin();
        assert_eq!(rig.notary.halted(), None);
        // What it signs is the tree of the journal that there is now.
        let (memory, tiles) = rig.stop();
        let note = checkpoint_of(&tiles);
        let mut tree = Tree::new();
        for record in records(&memory)
            .iter()
            .take(note.checkpoint().size as usize)
        {
            tree.append(Hash::leaf(&record.encode()));
        }
        assert_eq!(tree.root(), note.checkpoint().root);
        assert_eq!(Rig::over(memory, tiles).opened.ahead, None);
    }
}

pub(super) fn accept(journal: &Journal, ahead: interlock_protocols::record::Ahead) -> u64 {
    use interlock_protocols::record::JournalAccepted;
    commit(
        journal,
        Event::JournalAccepted(JournalAccepted {
            session: 1,
            subject: "spiffe://a/person/b".into(),
            reason: "the disk was replaced".into(),
            ahead: vec![ahead],
            lineage: [1; 8],
        }),
    )
}

#[test]
fn a_lost_key_breaks_the_chain_until_that_is_accepted() {
    let (memory, tiles) = Rig::new().begin().stop();
    tiles.tamper("epoch.next", None);
    let mut rig = Rig::over(memory, tiles);
    assert!(rig.opened.broken.as_ref().unwrap().contains("epoch 2"));
    assert_eq!(rig.advance(100).unwrap(), None);
    let ahead = interlock_protocols::record::Ahead {
        what: "keys".into(),
        through: 1,
    };
    accept(&rig.journal, ahead);
    let rig = rig.begin();
    assert_eq!(rig.notary.last().unwrap().epoch, 2);
}

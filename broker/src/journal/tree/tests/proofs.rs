//! Proofs that hold, and everything that must not.

use super::tamper::kept;
use super::*;
use crate::witness::{CosignerKey, Witness, WitnessKey};

fn last(memory: &Memory, tiles: &MemoryTiles) -> SignedCheckpoint {
    let (storage, store) = (memory.storage(), tiles.store());
    checkpoint_of(storage.as_ref(), store.as_ref(), None).unwrap()
}

fn proof(memory: &Memory, tiles: &MemoryTiles, sequence: u64) -> Result<String, ProofError> {
    let note = last(memory, tiles);
    let (storage, store) = (memory.storage(), tiles.store());
    prove(storage.as_ref(), store.as_ref(), sequence, &note)
}

#[test]
fn each_record_under_a_checkpoint_can_be_proved_with_the_public_key_alone() {
    let (memory, tiles) = kept();
    let key = gateway().verifier().clone();
    let all = records(&memory);
    let size = last(&memory, &tiles).checkpoint().size;
    for record in all.iter().take(size as usize).step_by(37) {
        let text = proof(&memory, &tiles, record.sequence).unwrap();
        let proven = verify_proof(&text, &key, &[]).unwrap();
        assert_eq!(&proven.record, record);
        assert_eq!((proven.checkpoint.size, proven.epoch), (size, Some(2)));
    }
    let error = proof(&memory, &tiles, size + 1).unwrap_err();
    assert!(matches!(error, ProofError::NotYet { .. }), "{error}");
    assert!(matches!(
        proof(&memory, &tiles, 0),
        Err(ProofError::NoRecord(0))
    ));
}

#[test]
fn no_changed_byte_of_a_proof_shows_anything_else() {
    let (memory, tiles) = kept();
    let key = gateway().verifier().clone();
    let text = proof(&memory, &tiles, 100).unwrap();
    let whole = verify_proof(&text, &key, &[]).unwrap();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else {
            continue;
        };
        // Some spellings of nothing, such as the name of an unknown signer, do not matter.
        if let Ok(proven) = verify_proof(&changed, &key, &[]) {
            assert_eq!(proven, whole, "byte {at}");
        }
    }
    let other = JournalKey::from_seed(ORIGIN, &[9; 32]);
    let error = verify_proof(&text, other.verifier(), &[]).unwrap_err();
    assert!(error.to_string().contains("gateway's key"), "{error}");
    let other = JournalKey::from_seed("riverside/gateway/other", &[7; 32]);
    let error = verify_proof(&text, other.verifier(), &[]).unwrap_err();
    assert!(error.to_string().contains("about the log"), "{error}");
}

#[test]
fn the_record_of_another_place_proves_nothing() {
    let (memory, tiles) = kept();
    let key = gateway().verifier().clone();
    let lines = |sequence| proof(&memory, &tiles, sequence).unwrap();
    let (one, two) = (lines(100), lines(101));
    let extra = |text: &str| text.lines().nth(1).unwrap().to_owned();
    let swapped = one.replace(&extra(&one), &extra(&two));
    let error = verify_proof(&swapped, &key, &[]).unwrap_err();
    assert!(error.to_string().contains("not in the log"), "{error}");
}

#[test]
fn a_proof_is_not_made_from_tiles_that_were_changed() {
    let (memory, tiles) = kept();
    let mut bytes = tiles.store().read("tile/0/000").unwrap().unwrap();
    bytes[32 * 90] ^= 1;
    tiles.tamper("tile/0/000", Some(bytes));
    let error = proof(&memory, &tiles, 100).unwrap_err();
    assert!(matches!(error, ProofError::Tiles(_)), "{error}");
    tiles.tamper("tile/0/000", None);
    let error = proof(&memory, &tiles, 100).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}

#[test]
fn a_witness_that_was_asked_for_must_have_signed() {
    let (memory, tiles) = kept();
    let key = gateway().verifier().clone();
    let text = proof(&memory, &tiles, 100).unwrap();
    let witness = WitnessKey::generate("witness.example/w1").unwrap();
    let public: CosignerKey = witness.public();
    let error = verify_proof(&text, &key, std::slice::from_ref(&public)).unwrap_err();
    assert!(error.to_string().contains("witness.example/w1"), "{error}");

    let log = crate::witness::LogKey::parse(&key.to_string()).unwrap();
    let judge = Witness::new(witness, vec![log]);
    let note = last(&memory, &tiles).text();
    let signed = crate::witness::SignedCheckpoint::parse(note.as_bytes()).unwrap();
    let body = crate::witness::to_body(0, &[], &signed);
    let asked = crate::witness::AddCheckpoint::parse(&body).unwrap();
    let crate::witness::Verdict::Cosign(cosigned) = judge.judge(None, &asked, 77_000) else {
        panic!();
    };
    let answer = cosigned.stored(|_| Ok(())).unwrap();
    let note = signed.with_cosignature(&answer, &public).unwrap();
    let note = String::from_utf8(note.to_bytes()).unwrap();
    let note = SignedCheckpoint::parse(&note).unwrap();
    let (storage, store) = (memory.storage(), tiles.store());
    let text = prove(storage.as_ref(), store.as_ref(), 100, &note).unwrap();
    let proven = verify_proof(&text, &key, &[public]).unwrap();
    assert_eq!(proven.witnesses, [("witness.example/w1".to_owned(), 77)]);
}

#[test]
fn two_checkpoints_of_one_log_are_consistent_and_those_of_two_are_not() {
    let (memory, tiles) = kept();
    let key = gateway().verifier().clone();
    let (storage, store) = (memory.storage(), tiles.store());
    let at = |size| checkpoint_of(storage.as_ref(), store.as_ref(), Some(size)).unwrap();
    let mut sizes: Vec<u64> = records(&memory)
        .iter()
        .filter_map(|record| match &record.event {
            Event::Checkpointed(checkpointed) => {
                let note = SignedCheckpoint::parse(&checkpointed.note).unwrap();
                Some(note.checkpoint().size)
            }
            _ => None,
        })
        .collect();
    sizes.sort_unstable();
    for old in &sizes {
        for new in sizes.iter().filter(|new| *new >= old) {
            let text = consistency_file(store.as_ref(), &at(*old), &at(*new)).unwrap();
            let found = verify_consistency(&text, &key).unwrap();
            assert_eq!((found.old.size, found.new.size), (*old, *new));
        }
    }
    let (old, new) = (at(sizes[0]), at(*sizes.last().unwrap()));
    assert!(consistency_file(store.as_ref(), &new, &old).is_err());
    let error = checkpoint_of(storage.as_ref(), store.as_ref(), Some(2)).unwrap_err();
    assert!(matches!(error, ProofError::NoCheckpoint(_)), "{error}");

    // The same gateway, another history: what a fork looks like.
    let forked = Checkpoint {
        root: Hash::leaf(b"another"),
        ..old.checkpoint().clone()
    }
    .sign(&[&gateway()]);
    let error = consistency_file(store.as_ref(), &forked, &new).unwrap_err();
    assert!(error.to_string().contains("history was changed"), "{error}");
    let text = consistency_file(store.as_ref(), &old, &new).unwrap();
    let swapped = text.replace(&old.text(), &forked.text());
    let error = verify_consistency(&swapped, &key).unwrap_err();
    assert!(error.to_string().contains("history was changed"), "{error}");
    let unsigned = JournalKey::from_seed(ORIGIN, &[9; 32]);
    assert!(verify_consistency(&text, unsigned.verifier()).is_err());
    for cut in [1, text.len() / 2, text.len() - 1] {
        assert!(verify_consistency(&text[..text.floor_char_boundary(cut)], &key).is_err());
    }
}

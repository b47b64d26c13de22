//! A journal that was cut, accepted as it was, and cut again.

use super::notary::accept;
use super::*;

#[test]
fn an_acceptance_does_not_cover_a_later_cut() {
    let mut rig = Rig::new().begin();
    let early = vec![(1, rig.memory.contents(1))];
    rig.write(500);
    rig.advance(60).unwrap().unwrap();
    let (_, tiles) = rig.stop();
    // The first cut, which was accepted.
    let mut rig = Rig::over(Memory::holding(early), tiles);
    let ahead = rig.opened.ahead.clone().unwrap();
    assert!(ahead.through > 500);
    accept(&rig.journal, ahead);
    rig = rig.begin();
    let early = vec![(1, rig.memory.contents(1))];
    rig.write(300);
    rig.advance(60).unwrap().unwrap();
    let last = rig.notary.last().unwrap().clone();
    let (memory, tiles) = rig.stop();
    let verified = |memory: &Memory, against: Against| {
        let tiles = Some(tiles.store());
        verify_kept(memory.storage(), tiles, against, &mut |_, _| {}).unwrap()
    };
    let against = Against {
        key: Some(gateway().verifier().clone()),
        checkpoint: None,
    };
    let found = verified(&memory, against.clone());
    assert!(found.is_sound(), "{found:?}");

    // The second.
    let memory = Memory::holding(early);
    let found = verified(&memory, against.clone());
    let says = |what: &str| found.faults.iter().any(|fault| fault.what.contains(what));
    assert!(says("the file checkpoint covers"), "{found:?}");
    let kept = SignedCheckpoint::parse(&last.note).unwrap();
    tiles.tamper("checkpoint", None);
    let found = verified(
        &memory,
        Against {
            checkpoint: Some(kept),
            ..against
        },
    );
    let says = |what: &str| found.faults.iter().any(|fault| fault.what.contains(what));
    assert!(says("the checkpoint kept elsewhere covers"), "{found:?}");
}

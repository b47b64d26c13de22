//! Power cuts between any two steps of the notary, and each of its steps failing.

use super::*;
use crate::journal::Health;

/// A life of the notary: an epoch, full tiles, checkpoints, a second epoch. Errors end it.
fn live(rig: &mut Rig) -> Result<(), NotaryError> {
    for (records, seconds) in [(1, 1), (300, 40), (20, 40), (3, 3600), (2, 40)] {
        rig.write(records);
        rig.advance(seconds)?;
    }
    Ok(())
}

fn verified(rig: &Rig) -> Verification {
    let against = Against {
        key: Some(gateway().verifier().clone()),
        checkpoint: None,
    };
    let tiles = Some(rig.tiles.store());
    verify_kept(rig.memory.storage(), tiles, against, &mut |_, _| {}).unwrap()
}

#[test]
fn whatever_step_the_power_goes_at_the_notary_opens_and_goes_on() {
    let mut whole = Rig::new();
    live(&mut whole).unwrap();
    let steps = whole.tiles.calls();
    assert!(steps > 20, "{steps}");
    for step in 0..=steps {
        // Of what was not flushed nothing is left, or all of it, or some.
        for keep in [
            |_: &str| false,
            |_: &str| true,
            |path: &str| path.len().is_multiple_of(2),
        ] {
            let mut rig = Rig::new();
            rig.tiles.fail_after(step);
            let result = live(&mut rig);
            assert_eq!(result.is_err(), step < steps, "{step}: {result:?}");
            rig.memory.power_cut();
            rig.tiles.power_cut_keeping(keep);
            let mut rig = Rig::over(rig.memory, rig.tiles);
            assert_eq!(rig.opened.ahead, None, "{step}");
            assert_eq!(rig.opened.broken, None, "{step}");
            live(&mut rig).unwrap();
            assert!(rig.notary.last().is_some(), "{step}");
            let (memory, tiles) = rig.stop();
            let rig = Rig::over(memory, tiles);
            let found = verified(&rig);
            assert!(found.is_sound(), "{step}: {found:?}");
            assert!(
                found.checkpoints > 1 && found.exposed <= 1,
                "{step}: {found:?}"
            );
        }
    }
}

#[test]
fn a_step_that_fails_once_is_made_up_for() {
    let mut whole = Rig::new();
    live(&mut whole).unwrap();
    for step in 0..whole.tiles.calls() {
        let mut rig = Rig::new();
        rig.tiles.fail_after(step);
        assert!(live(&mut rig).is_err(), "{step}");
        rig.tiles.heal();
        live(&mut rig).unwrap();
        let found = verified(&rig);
        assert!(found.is_sound(), "{step}: {found:?}");
        let (memory, tiles) = rig.stop();
        let rig = Rig::over(memory, tiles);
        assert_eq!(
            (&rig.opened.ahead, &rig.opened.broken),
            (&None, &None),
            "{step}"
        );
    }
}

/// A life in which the journal's own disk may fail. Nothing here is an error: the notary is
/// called on and on, as by the edge.
fn live_on(rig: &mut Rig) {
    for seconds in [1, 1, 40, 40, 3600, 1, 40, 3600, 1] {
        for _ in 0..30 {
            let _refused = rig.journal.append(5, note(&"x".repeat(1500)));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        if let Ok(pending) = rig.journal.commit(5, note("durable")) {
            let _refused = runtime.block_on(pending);
        }
        rig.clock += seconds;
        for _ in 0..2 {
            let through = *rig.journal.durable().borrow();
            let _trouble = rig.notary.advance(through, at(rig.clock));
        }
    }
}

/// The journal's disk fails at any of its steps, and the power goes, now or after it came back.
/// No honest gateway is told that it was tampered with.
#[test]
fn a_journal_that_fails_at_any_step_leaves_no_false_alarm() {
    let mut whole = Rig::new();
    let before = whole.memory.calls();
    live_on(&mut whole);
    let steps = whole.memory.calls() - before;
    assert!(steps > 20, "{steps}");
    for step in 0..steps {
        for (heals, keeps) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut rig = Rig::new();
            rig.memory.fail_after(step);
            live_on(&mut rig);
            if heals {
                rig.memory.heal();
                // News for a failed journal, so that it tries again at once.
                let mut news = 1 << 40;
                while rig.journal.health() != Health::Good {
                    news += 1;
                    rig.journal.tree_has(news);
                    std::thread::yield_now();
                }
                live_on(&mut rig);
            }
            rig.memory
                .power_cut_keeping(|_, offset| keeps && offset.is_multiple_of(1024));
            rig.tiles
                .power_cut_keeping(|path| keeps == path.len().is_multiple_of(2));
            let (memory, tiles) = (rig.memory, rig.tiles);
            drop((rig.journal, rig.notary));
            let mut rig = Rig::over(memory, tiles);
            assert_eq!(rig.opened.ahead, None, "{step} {heals} {keeps}");
            assert_eq!(rig.opened.broken, None, "{step} {heals} {keeps}");
            live_on(&mut rig);
            let (memory, tiles) = rig.stop();
            let found = verified(&Rig::over(memory, tiles));
            assert!(found.is_sound(), "{step} {heals} {keeps}: {found:?}");
            assert!(found.checkpoints > 1, "{step}: {found:?}");
        }
    }
}

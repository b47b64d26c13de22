//! Power cuts between any two steps of the notary, and each of its steps failing.

use super::*;

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

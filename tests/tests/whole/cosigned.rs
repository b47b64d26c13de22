//! What the witness alone notices: a journal rolled back, forked, or cut at its end, by somebody
//! who left nothing on the gateway that remembers.

use std::fs;

use interlock_tests::harness::Bench;

use crate::behind::{accept_and_go_on, forget_view, journal, two_days};
use crate::watchman::Watchman;
use crate::{Told, assert_held, copy, put_back, work};

const ORIGIN: &str = "waterworks/gateway/gateway-1";

fn watched() -> (Bench, Watchman) {
    let mut watchman = None;
    let bench = Bench::start_with(|gateway| watchman = Some(Watchman::over(gateway)));
    (bench, watchman.unwrap())
}

/// Waits until the witness has cosigned something.
fn cosigned(bench: &Bench) {
    Told::until(&bench.gateway, "cosigned", |told| {
        told.number("witness", "cosigned_size") > 0
    });
}

fn told_by_the_witness(bench: &mut Bench) {
    Told::until(&bench.gateway, "held", |told| told.held().is_some());
    assert_held(bench, "the witness knows records up to ");
}

#[test]
fn a_journal_rolled_back_is_known_to_the_witness_alone() {
    let (mut bench, mut watchman) = watched();
    cosigned(&bench);
    two_days(&mut bench);
    put_back(&bench.gateway.beside("copy"), &journal(&bench));
    forget_view(&bench);
    bench.gateway.start();
    told_by_the_witness(&mut bench);
    // The witness is gone, and what it said is not forgotten.
    watchman.stop();
    assert_eq!(bench.gateway.stop(), 0);
    bench.gateway.start();
    assert_held(&mut bench, "the witness knows records up to ");
    watchman.forget(ORIGIN);
    watchman.start();
    accept_and_go_on(&mut bench, "witness");
    bench.gateway.start();
    cosigned(&bench);
}

#[test]
fn a_journal_forked_while_the_witness_was_away_is_found_out_when_it_is_back() {
    let (mut bench, mut watchman) = watched();
    cosigned(&bench);
    two_days(&mut bench);
    put_back(&bench.gateway.beside("copy"), &journal(&bench));
    forget_view(&bench);
    watchman.stop();
    bench.gateway.start();
    // Nobody who could say so knows: this passes, and the status says who is missing.
    let told = Told::until(&bench.gateway, "without the witness", |told| {
        told.tree["witness"]["error"].is_string()
    });
    assert_eq!((told.code, told.held()), (1, None), "{:#}", told.tree);
    // Longer than what was there before.
    work(&bench.gateway, [700, 710, 720, 730, 740, 750, 760]);
    watchman.start();
    told_by_the_witness(&mut bench);
    assert_eq!(bench.gateway.stop(), 0);
}

#[test]
fn a_tail_that_was_cut_off_cleanly_is_missed_by_the_witness() {
    let (mut bench, _watchman) = watched();
    work(&bench.gateway, [800, 810]);
    assert_eq!(bench.gateway.stop(), 0);
    let kept = bench.gateway.beside("copy");
    copy(&journal(&bench), &kept);
    let last = |bench: &Bench| bench.gateway.records().last().unwrap().sequence;
    let before = last(&bench);
    bench.gateway.start();
    work(&bench.gateway, [820, 830]);
    assert_eq!(bench.gateway.stop(), 0);
    // Zeros behind the older end: what a file that ends there looks like.
    let name = "000000000001.segment";
    let (now, old) = (journal(&bench).join(name), kept.join(name));
    let older = fs::read(&old).unwrap();
    fs::write(&now, older).unwrap();
    assert_eq!(last(&bench), before);
    // Nothing else on the gateway is left to tell.
    for file in ["checkpoint", "cosigned"] {
        fs::remove_file(journal(&bench).join(file)).unwrap();
    }
    fs::remove_dir_all(journal(&bench).join("tile")).unwrap();
    fs::copy(kept.join("epoch.next"), journal(&bench).join("epoch.next")).unwrap();
    forget_view(&bench);
    bench.gateway.assert_journal_is_whole();
    bench.gateway.start();
    told_by_the_witness(&mut bench);
    assert_eq!(bench.gateway.stop(), 0);
}

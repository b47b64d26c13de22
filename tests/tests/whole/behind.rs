//! An old journal put back under company that knows more: nothing with effect passes until an
//! administrator accepts that in a record, and it is asked once.

use std::fs;

use interlock_protocols::record::Event;
use interlock_tests::harness::Bench;

use crate::{Told, accept, assert_held, copy, put_back, work};

/// A bench whose edge is off, after some days of which `copy` holds the first.
pub(crate) fn two_days(bench: &mut Bench) {
    work(&bench.gateway, [800, 810]);
    assert_eq!(bench.gateway.stop(), 0);
    let (journal, kept) = (journal(bench), bench.gateway.beside("copy"));
    copy(&journal, &kept);
    bench.gateway.start();
    work(&bench.gateway, [820, 830, 840]);
    assert_eq!(bench.gateway.stop(), 0);
}

pub(crate) fn journal(bench: &Bench) -> std::path::PathBuf {
    bench.gateway.site().join("journal")
}

pub(crate) fn forget_view(bench: &Bench) {
    fs::remove_dir_all(bench.gateway.site().join("state/view")).unwrap();
}

/// Accepts, and asserts that it stands in the journal, that writes pass, that no later start asks
/// again, and that a verification says so.
pub(crate) fn accept_and_go_on(bench: &mut Bench, by: &str) {
    accept(&bench.gateway);
    assert_eq!(Told::of(&bench.gateway).held(), None);
    work(&bench.gateway, [900]);
    assert_eq!(bench.press.holding(100), 9_000);
    bench
        .gateway
        .record("acceptance", |record| match &record.event {
            Event::JournalAccepted(accepted) => {
                assert_eq!(accepted.reason, "restored by adam");
                assert!(accepted.subject.ends_with("/person/adam"), "{accepted:?}");
                let what: Vec<&str> = accepted.ahead.iter().map(|it| it.what.as_str()).collect();
                assert_eq!(what, [by]);
                Some(())
            }
            _ => None,
        });
    for value in [910, 920] {
        assert_eq!(bench.gateway.stop(), 0);
        bench.gateway.start();
        work(&bench.gateway, [value]);
        assert_eq!(Told::of(&bench.gateway).held(), None);
    }
    assert_eq!(bench.gateway.stop(), 0);
    bench.gateway.assert_journal_is_whole();
    let folder = journal(bench);
    let key = bench.gateway.site().join("keys/journal.vkey");
    let (folder, key) = (folder.to_str().unwrap(), key.to_str().unwrap());
    let args = ["journal", "verify", folder, "--key", key];
    let verified = bench.gateway.client("person/olga", &args);
    assert_eq!(verified.code, 0, "{verified}");
    let accepted = "an administrator accepted that the journal was behind: records ";
    assert!(verified.stdout.contains(accepted), "{verified}");
}

#[test]
fn an_old_journal_under_a_newer_view_is_held_until_that_is_accepted() {
    let mut bench = Bench::start();
    two_days(&mut bench);
    put_back(&bench.gateway.beside("copy"), &journal(&bench));
    bench.gateway.start();
    assert_held(&mut bench, "the view knows records up to ");
    // Switching it off and on again is no acceptance.
    assert_eq!(bench.gateway.stop(), 0);
    bench.gateway.start();
    assert_held(&mut bench, "the view knows records up to ");
    bench.gateway.kill();
    bench.gateway.start();
    assert_held(&mut bench, "the view knows records up to ");
    accept_and_go_on(&mut bench, "view");
}

#[test]
fn an_old_journal_under_its_newer_checkpoint_is_held_until_that_is_accepted() {
    let mut bench = Bench::start();
    two_days(&mut bench);
    let (now, old) = (journal(&bench), bench.gateway.beside("copy"));
    // What is signed stays; the records are the old ones.
    for entry in fs::read_dir(&now).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "segment")
        {
            fs::remove_file(path).unwrap();
        }
    }
    for entry in fs::read_dir(&old).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "segment")
        {
            fs::copy(&path, now.join(path.file_name().unwrap())).unwrap();
        }
    }
    forget_view(&bench);
    bench.gateway.start();
    assert_held(&mut bench, "the checkpoint knows records up to ");
    assert_eq!(bench.gateway.stop(), 0);
    bench.gateway.start();
    assert_held(&mut bench, "the checkpoint knows records up to ");
    accept_and_go_on(&mut bench, "checkpoint");
}

#[test]
fn a_second_cut_is_held_too_though_the_first_was_accepted_further_up() {
    let mut bench = Bench::start();
    two_days(&mut bench);
    put_back(&bench.gateway.beside("copy"), &journal(&bench));
    bench.gateway.start();
    assert!(Told::of(&bench.gateway).held().is_some());
    accept(&bench.gateway);
    assert_eq!(bench.gateway.stop(), 0);
    // The journal is still shorter than what was accepted, and is cut again.
    let second = bench.gateway.beside("second");
    copy(&journal(&bench), &second);
    bench.gateway.start();
    work(&bench.gateway, [850]);
    assert_eq!(bench.gateway.stop(), 0);
    put_back(&second, &journal(&bench));
    bench.gateway.start();
    assert_held(&mut bench, "the view knows records up to ");
    accept(&bench.gateway);
    work(&bench.gateway, [860]);
}

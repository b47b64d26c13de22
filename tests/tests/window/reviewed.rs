//! What is left of a window: who was let in, by whom, what they did, and a proof of it that needs no
//! gateway.

use std::path::Path;

use interlock_tests::harness::{ADAM, AIDA, BEA, Ended, VICTOR, Works};

use crate::{assert_passes, assert_refused, speed, tool};

/// `interlock` without a profile.
fn interlock(args: &[&str]) -> Ended {
    let program = interlock_tests::harness::binary("client");
    Ended::of("interlock", std::process::Command::new(program).args(args))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Victor was let in by bea, wrote twice, tried what was not in it, and was ended by adam.
fn past(works: &Works) -> u64 {
    let more = ["--limit", "speed_setpoint=200..600", "--max-writes", "5"];
    let window = works.requested(VICTOR, &more);
    let comment = ["--comment", "gearbox is warm"];
    let done = works.approve_more(BEA, window, &works.grant_key(BEA), &comment);
    assert_eq!(done.code, 0, "{done}");
    let victor = works.victor();
    let mut modbus = tool(&victor);
    assert_passes(works, &mut modbus, &speed(5_000));
    assert_passes(works, &mut modbus, &speed(5_500));
    assert_refused(works, &mut modbus, &speed(7_000), 1);
    let number = window.to_string();
    let revoke = ["revoke", "window", &number, "--reason", "done for today"];
    let revoked = works.gateway.client(ADAM, &revoke);
    assert_eq!(revoked.code, 0, "{revoked}");
    window
}

#[test]
fn the_history_of_a_past_window_says_who_by_whom_and_what_with_a_proof_that_verifies() {
    let mut works = Works::start();
    let (window, other) = (past(&works), works.open(&["--reason", "another job"]));
    let number = window.to_string();
    let told = works.gateway.client(AIDA, &["window", "history", &number]);
    assert_eq!(told.code, 0, "{told}");
    let words = [
        "vendor/acme/victor",
        "WO-1234",
        "person/bea",
        "gearbox is warm",
        "500 rpm",
        "550 rpm",
        "700 rpm",
        "done for today",
        "person/adam",
    ];
    for words in words {
        assert!(told.stdout.contains(words), "{words} is not in\n{told}");
    }
    assert!(
        !told.stdout.contains("another job"),
        "window {other} is another: {told}"
    );
    // Whom policy does not let read the journal is not told of it.
    let victor = works
        .gateway
        .client("person/olga", &["window", "history", &number]);
    assert_eq!(victor.code, 3, "{victor}");

    assert_eq!(works.gateway.stop(), 0);
    works.gateway.assert_journal_is_whole();
    let (log, proofs) = (
        works.gateway.site().join("journal"),
        works.gateway.beside("proofs"),
    );
    let key = works.gateway.site().join("keys/journal.vkey");
    let folder = [
        "window",
        "history",
        &number,
        "--dir",
        text(&log),
        "--proof",
        text(&proofs),
    ];
    let proven = interlock(&folder);
    assert_eq!(proven.code, 0, "{proven}");
    assert!(proven.stdout.contains("550 rpm"), "{proven}");
    let mut shown = String::new();
    let verify =
        |proof: &Path| interlock(&["journal", "verify-proof", text(proof), "--key", text(&key)]);
    for entry in std::fs::read_dir(&proofs).unwrap() {
        let proof = entry.unwrap().path();
        let held = verify(&proof);
        assert_eq!(held.code, 0, "{held}");
        shown += &held.stdout;
        // One digit of what it says, in the middle, and it holds no more.
        let mut bytes = std::fs::read(&proof).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        let altered = works.gateway.beside("altered");
        std::fs::write(&altered, bytes).unwrap();
        assert_ne!(verify(&altered).code, 0, "{}", proof.display());
    }
    for words in ["vendor/acme/victor", "person/bea", "500 rpm", "550 rpm"] {
        assert!(shown.contains(words), "{words} is not proven: {shown}");
    }
    // A key of another log verifies none of it.
    let other = Works::start();
    let key = other.gateway.site().join("keys/journal.vkey");
    let proof = std::fs::read_dir(&proofs)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let stranger = interlock(&["journal", "verify-proof", text(&proof), "--key", text(&key)]);
    assert_ne!(stranger.code, 0, "{stranger}");
}

/// The rows of a CSV, its header first; a cell in quotes may have lines and commas of its own.
fn rows(csv: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    for c in csv.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    rows
}

#[test]
fn a_review_sets_what_was_allowed_against_what_was_used_for_an_owner_to_sign_off() {
    let works = Works::start();
    let (used, unused) = (past(&works), works.open(&["--reason", "never begun"]));
    let review = ["review", "--since", "1d"];
    let table = works.gateway.client(AIDA, &review);
    assert_eq!(table.code, 0, "{table}");
    for words in ["victor", "bea", "ALLOWED", "USED", "NEVER USED"] {
        assert!(table.stdout.contains(words), "{words} is not in\n{table}");
    }
    let csv = works
        .gateway
        .client(AIDA, &[&["-o", "csv"][..], &review].concat());
    assert_eq!(csv.code, 0, "{csv}");
    let rows = rows(&csv.stdout);
    let column = |name: &str| {
        let found = rows[0].iter().position(|cell| cell == name);
        found.unwrap_or_else(|| panic!("no column {name}: {csv}"))
    };
    let of = |window: u64| {
        let window = window.to_string();
        let row = rows.iter().find(|row| row[column("window")] == window);
        row.unwrap_or_else(|| panic!("no row of window {window}: {csv}"))
    };
    let (used, unused) = (of(used), of(unused));
    assert_eq!(
        rows.iter().map(Vec::len).min(),
        rows.iter().map(Vec::len).max()
    );
    for row in [used, unused] {
        assert!(
            row[column("subject")].ends_with("vendor/acme/victor"),
            "{row:?}"
        );
        assert_eq!(row[column("device")], "press-4");
    }
    assert!(
        used[column("approved_by")].contains("person/bea"),
        "{used:?}"
    );
    assert!(
        unused[column("approved_by")].contains("person/arno"),
        "{unused:?}"
    );
    assert_eq!(used[column("state")], "revoked");
    assert_eq!(used[column("denied")], "1", "{used:?}");
    assert_eq!(
        (
            used[column("writes_allowed")].as_str(),
            used[column("writes_used")].as_str()
        ),
        ("5", "2"),
        "{used:?}"
    );
    assert_eq!(
        (
            unused[column("writes_allowed")].as_str(),
            unused[column("writes_used")].as_str()
        ),
        ("20", "0"),
        "{unused:?}"
    );
    // It is for the owner to fill in.
    for empty in ["decision", "signed_by"] {
        assert_eq!(used[column(empty)], "");
    }
    // Whom policy does not let read the journal reviews nobody.
    let olga = works.gateway.client("person/olga", &review);
    assert_eq!(olga.code, 3, "{olga}");
}

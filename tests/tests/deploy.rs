//! `deploy/check` on sites with one fault each. What it says about the machine itself (clock,
//! routing, service) is not judged here: the machine that runs the tests is no gateway.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![cfg(target_os = "linux")]

use interlock_tests::harness::{Process, Site};
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// A site that only its owner can read, and a stand-in for the edge which ends as it is told.
fn site(edge_ends_with: u8) -> Site {
    let site = Site::new();
    let edge = site.write(
        "bin/edge",
        &format!("#!/bin/sh\necho \"edge $1\"\nexit {edge_ends_with}\n"),
    );
    set_permissions(edge, Permissions::from_mode(0o755)).unwrap();
    let config = site.write("site/edge.toml", "");
    set_permissions(config, Permissions::from_mode(0o600)).unwrap();
    set_permissions(site.join("site"), Permissions::from_mode(0o700)).unwrap();
    site
}

/// What the check says about a site, and whether it found nothing to mend.
fn check(site: &Site, edge: &str, folder: &str) -> (bool, Vec<String>) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/check");
    let mut command = Command::new(script);
    command
        .arg(site.join(folder))
        .env("INTERLOCK_EDGE", site.join(edge));
    let mut process = Process::start("deploy/check", &mut command);
    let ended = process.exit("it looks and ends");
    assert_eq!(process.stderr(), [""; 0], "no command of it failed");
    (ended.success(), process.stdout())
}

#[track_caller]
fn says(lines: &[String], start: &str) {
    assert!(
        lines.iter().any(|line| line.starts_with(start)),
        "{start}: {lines:#?}"
    );
}

#[test]
fn a_sound_site_is_found_sound() {
    let site = site(0);
    let (_, lines) = check(&site, "bin/edge", "site");
    says(&lines, "ok    nobody else can read ");
    says(&lines, "ok    all of ");
    says(&lines, "ok    the configuration holds");
    assert!(
        lines
            .iter()
            .any(|line| line.ends_with("free for the journal")),
        "{lines:#?}"
    );
}

#[test]
fn each_fault_is_said_and_fails_the_check() {
    let readable = site(0);
    set_permissions(
        readable.join("site/edge.toml"),
        Permissions::from_mode(0o640),
    )
    .unwrap();
    let wrong = site(7);
    let cases = [
        (
            &readable,
            "bin/edge",
            "site",
            "FAULT others can read or change ",
        ),
        (
            &wrong,
            "bin/edge",
            "site",
            "FAULT the configuration does not hold",
        ),
        (&wrong, "bin/edge", "nowhere", "FAULT there is no "),
        (&wrong, "bin/none", "site", "FAULT there is no "),
    ];
    for (site, edge, folder, fault) in cases {
        let (sound, lines) = check(site, edge, folder);
        says(&lines, fault);
        assert!(!sound, "{fault}: {lines:#?}");
    }
}

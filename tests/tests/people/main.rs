//! How people and programs get in: `interlock enroll`, `login`, `invite` and `identities` against a
//! gateway, both as processes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod soft;
mod tokens;

use std::path::Path;
use std::process::Command;

use interlock_broker::join::JoinLine;
use interlock_tests::harness::{Ended, Gateway, binary, free_address};

/// A gateway that runs, with the invitation of its first administrator open.
struct Plant {
    gateway: Gateway,
}

impl Plant {
    fn new() -> Plant {
        Plant::with(|_| {})
    }

    fn with(prepare: impl FnOnce(&mut Gateway)) -> Plant {
        // Nobody touches a PLC here.
        let mut gateway = Gateway::invited(free_address(), free_address());
        prepare(&mut gateway);
        gateway.start();
        Plant { gateway }
    }

    /// The line of the first administrator.
    fn line(&self) -> JoinLine {
        let mut line = JoinLine::parse(self.gateway.join_line()).unwrap();
        let at = self.gateway.identity();
        (line.host, line.port) = (at.ip().to_string(), at.port());
        line
    }
}

fn interlock(profile: &Path) -> Command {
    let mut command = Command::new(binary("client"));
    command.arg("--profile").arg(profile);
    command.env_remove("INTERLOCK_PIN");
    command
}

fn run(profile: &Path, args: &[&str]) -> Ended {
    Ended::of("interlock", interlock(profile).args(args))
}

#[test]
fn an_administrator_enrolls_by_the_join_line_and_is_let_in() {
    let plant = Plant::new();
    let profile = plant.gateway.beside("anna");
    let line = plant.line().to_string();
    let enrolled = run(&profile, &["enroll", &line, "--machine", "anna-1"]);
    assert_eq!(enrolled.code, 0, "{enrolled}");
    assert!(enrolled.stderr.contains("enrolled as"), "{enrolled}");
    assert!(!plant.gateway.beside("anna.enrolling").exists());
    let devices = run(&profile, &["devices"]);
    assert_eq!(devices.code, 0, "{devices}");

    // Nothing shows the presence of who has a key in a file.
    let renewed = run(&profile, &["login"]);
    assert_eq!(renewed.code, 0, "{renewed}");
    assert!(renewed.stderr.contains("single-factor"), "{renewed}");
    let devices = run(&profile, &["devices"]);
    assert_eq!(devices.code, 0, "{devices}");
    assert!(!profile.join("next.key").exists());
    let refused = run(
        &profile,
        &["invite", "person", "olga", "--groups", "operators"],
    );
    assert_eq!(refused.code, 3, "{refused}");

    // The line works once, and nothing of a profile is overwritten or left half made.
    let again = run(&profile, &["enroll", &line]);
    assert_eq!(again.code, 7, "{again}");
    let other = plant.gateway.beside("other");
    let used = run(&other, &["enroll", &line]);
    assert_eq!(used.code, 4, "{used}");
    assert!(!other.exists());
}

#[test]
fn a_gateway_that_is_not_the_one_of_the_join_line_gets_no_token() {
    let plant = Plant::new();
    let profile = plant.gateway.beside("anna");
    let mut other = plant.line();
    other.fingerprint[0] ^= 1;
    let refused = run(&profile, &["enroll", &other.to_string()]);
    assert_eq!(refused.code, 4, "{refused}");
    assert!(refused.stderr.contains("not the gateway"), "{refused}");
    let mut other = plant.line();
    other.server_name = "gateway-2.waterworks".to_owned();
    let refused = run(&profile, &["enroll", &other.to_string()]);
    assert_eq!(refused.code, 4, "{refused}");
    assert!(!profile.exists());
    // The invitation is as good as before.
    let enrolled = run(&profile, &["enroll", &plant.line().to_string()]);
    assert_eq!(enrolled.code, 0, "{enrolled}");
}

#[test]
fn what_is_no_join_line_is_refused_before_anything_is_made() {
    let folder = interlock_tests::harness::Site::new();
    let profile = folder.join("profile");
    let refused = run(&profile, &["enroll", "interlock-join:1:gateway"]);
    assert_eq!(refused.code, 2, "{refused}");
    assert!(refused.stderr.contains("ends too early"), "{refused}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

//! Keys in a token. They need SoftHSM2 and OpenSC, which `tests/peers/install` fetches.

use std::path::Path;

use interlock_tests::harness::{Ended, PATIENCE, Process};

use super::soft::{LABEL, MODULE, PIN, SoftToken, text};
use super::{Plant, interlock};

/// One command of `interlock` by somebody with a token.
fn by_token(token: &SoftToken, profile: &Path, pin: Option<&str>, args: &[&str]) -> Ended {
    let mut command = token.run(interlock(profile));
    if let Some(pin) = pin {
        command.env("INTERLOCK_PIN", pin);
    }
    Ended::of("interlock", command.args(args))
}

const IN_TOKEN: [&str; 6] = [
    "--authenticator",
    "token",
    "--module",
    MODULE,
    "--token-label",
    LABEL,
];

#[test]
#[ignore = "needs peers: tests/peers/install"]
fn an_authenticator_in_a_token_shows_that_somebody_is_there() {
    let plant = Plant::new();
    let token = SoftToken::new();
    let anna = plant.gateway.beside("anna");
    let line = plant.line().to_string();
    let mut enroll = vec!["enroll", line.as_str()];
    enroll.extend(IN_TOKEN);

    // A wrong PIN uses nothing up: no token of the invitation, and no key.
    let wrong = by_token(&token, &anna, Some("000000"), &enroll);
    assert_eq!(wrong.code, 4, "{wrong}");
    assert!(wrong.stderr.contains("is wrong"), "{wrong}");
    let none = by_token(&token, &anna, None, &enroll);
    assert_eq!(none.code, 4, "{none}");
    assert!(none.stderr.contains("nobody can be asked"), "{none}");
    let enrolled = by_token(&token, &anna, Some(PIN), &enroll);
    assert_eq!(enrolled.code, 0, "{enrolled}");
    assert!(!anna.join("authenticator.key").exists());

    let wrong = by_token(&token, &anna, Some("000000"), &["login"]);
    assert_eq!(wrong.code, 4, "{wrong}");
    let pin_file = token.pin_file(PIN);
    let args = ["--pin-file", text(&pin_file), "login"];
    let renewed = by_token(&token, &anna, None, &args);
    assert_eq!(renewed.code, 0, "{renewed}");
    assert!(renewed.stderr.contains("user-present"), "{renewed}");
    // Somebody who is there may invite; the same person as a program may not say so.
    let args = ["invite", "person", "olga", "--groups", "operators"];
    let invited = by_token(&token, &anna, Some(PIN), &args);
    assert_eq!(invited.code, 0, "{invited}");
    assert!(invited.stdout.starts_with("interlock-join:1:"), "{invited}");

    let listed = by_token(&token, &anna, Some(PIN), &["-o", "jsonl", "identities"]);
    assert_eq!(listed.code, 0, "{listed}");
    let listed: serde_json::Value = serde_json::from_str(listed.stdout.trim()).unwrap();
    assert_eq!(listed["authenticator_protection"], "token");
    assert_eq!(listed["device_protection"], "software");
}

#[test]
#[ignore = "needs peers: tests/peers/install"]
fn a_key_never_leaves_its_token_and_one_that_could_is_not_used() {
    let plant = Plant::new();
    let token = SoftToken::new();
    let line = plant.line().to_string();
    let mut enroll = vec!["enroll", line.as_str()];
    enroll.extend(IN_TOKEN);

    let name = "interlock-authenticator";
    let made = token.tool(&[
        "--keypairgen",
        "--key-type",
        "EC:prime256v1",
        "--label",
        name,
        "--usage-sign",
        "--extractable",
    ]);
    assert_eq!(made.code, 0, "{made}");
    let anna = plant.gateway.beside("anna");
    let refused = by_token(&token, &anna, Some(PIN), &enroll);
    assert_eq!(refused.code, 7, "{refused}");
    assert!(refused.stderr.contains("out of the token"), "{refused}");

    for half in ["privkey", "pubkey"] {
        let gone = token.tool(&["--delete-object", "--type", half, "--label", name]);
        assert_eq!(gone.code, 0, "{gone}");
    }
    let enrolled = by_token(&token, &anna, Some(PIN), &enroll);
    assert_eq!(enrolled.code, 0, "{enrolled}");
    let listed = token.tool(&["--list-objects", "--type", "privkey"]);
    let listed = listed.stdout;
    assert!(listed.contains(name), "{listed}");
    assert!(listed.contains("never extractable"), "{listed}");
    assert!(listed.contains("sensitive"), "{listed}");
    let out = token.beside("private");
    let read = token.tool(&[
        "--read-object",
        "--type",
        "privkey",
        "--label",
        name,
        "--output-file",
        text(&out),
    ]);
    assert!(read.code != 0 || !out.exists(), "{read}");
}

#[test]
#[ignore = "needs peers: tests/peers/install"]
fn a_vendor_waits_until_the_fingerprint_of_their_machine_is_confirmed() {
    let plant = Plant::new();
    let token = SoftToken::new();
    let anna = plant.gateway.beside("anna");
    let line = plant.line().to_string();
    let mut enroll = vec!["enroll", line.as_str()];
    enroll.extend(IN_TOKEN);
    let enrolled = by_token(&token, &anna, Some(PIN), &enroll);
    assert_eq!(enrolled.code, 0, "{enrolled}");
    let as_anna = |args: &[&str]| by_token(&token, &anna, Some(PIN), args);
    let invited = as_anna(&["invite", "vendor", "acme/victor"]);
    assert_eq!(invited.code, 0, "{invited}");

    let victor = plant.gateway.beside("victor");
    let mut command = interlock(&victor);
    command.args(["enroll", invited.stdout.trim(), "--machine", "victor-7"]);
    let mut waiting = Process::start("enroll", &mut command);
    let read_out = waiting.complaint("the fingerprint", |line| {
        let line = line.trim();
        (line.len() == 79 && line.contains('-')).then(|| line.to_owned())
    });
    let listed = as_anna(&["-o", "jsonl", "invite", "list"]);
    assert_eq!(listed.code, 0, "{listed}");
    let listed: serde_json::Value = serde_json::from_str(listed.stdout.trim()).unwrap();
    assert_eq!(listed["waiting"], read_out.as_str());
    assert_eq!(listed["machine"], "victor-7");
    let number = listed["invitation"].to_string();

    let other = read_out.replacen(&read_out[..4], "ffff", 1);
    let refused = as_anna(&["invite", "confirm", &number, "--fingerprint", &other]);
    assert_ne!(refused.code, 0, "{refused}");
    assert!(!victor.exists(), "nothing is given out before");
    let done = as_anna(&["invite", "confirm", &number, "--fingerprint", &read_out]);
    assert_eq!(done.code, 0, "{done}");
    waiting.exit_within(PATIENCE, "it was confirmed");
    let devices = Ended::of("interlock", interlock(&victor).arg("devices"));
    assert_eq!(devices.code, 0, "{devices}");
}

#[test]
#[ignore = "needs peers: tests/peers/install"]
fn the_identity_issuer_signs_by_a_key_in_a_token() {
    let token = SoftToken::new();
    let uri = "pkcs11:token=plant%20keys;object=issuer";
    let pin_file = token.pin_file(PIN);
    let (name, value) = token.variable();
    let mut plant = Plant::with(|gateway| {
        gateway.set(name, &value);
        let site = gateway.site();
        let mut edge = token.run(std::process::Command::new(
            interlock_tests::harness::binary("edge"),
        ));
        edge.args(["issuer", text(&site), "--token", uri, "--module", MODULE]);
        let moved = Ended::of("issuer", edge.arg("--pin-file").arg(&pin_file));
        assert_eq!(moved.code, 0, "{moved}");
        assert!(!site.join("keys/issuer.key").exists());
    });
    let anna = plant.gateway.beside("anna");
    let line = plant.line().to_string();
    let enrolled = Ended::of("interlock", interlock(&anna).args(["enroll", &line]));
    assert_eq!(enrolled.code, 0, "{enrolled}");
    let devices = Ended::of("interlock", interlock(&anna).arg("devices"));
    assert_eq!(devices.code, 0, "{devices}");

    // What is wrong is found before it serves.
    plant.gateway.stop();
    let check = || {
        let mut edge = token.run(std::process::Command::new(
            interlock_tests::harness::binary("edge"),
        ));
        Ended::of("check", edge.arg("check").arg(plant.gateway.site()))
    };
    assert_eq!(check().code, 0, "{}", check());
    std::fs::write(plant.gateway.site().join("keys/issuer.pin"), "000000\n").unwrap();
    let wrong = check();
    assert_eq!(wrong.code, 7, "{wrong}");
    assert!(wrong.stderr.contains("PIN of the token"), "{wrong}");
    token.pull();
    let gone = check();
    assert_eq!(gone.code, 7, "{gone}");
    assert!(gone.stderr.contains("no token"), "{gone}");
}

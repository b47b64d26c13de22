//! Statements and facts on their way through files.

use std::fs;

use interlock_broker::posture::ManagementSecret;

use super::*;
use crate::failure::Kind;

const FACTS: &str = "os = \"linux\"\nos_version = \"Debian 13\"\npatch_age_days = 4\n\
                     disk_encrypted = true\nfirewall = false\n";

#[test]
fn what_a_server_signs_is_what_a_machine_shows() {
    let folder = tempfile::tempdir().unwrap();
    let [found, out] = ["facts.toml", "statement"].map(|name| folder.path().join(name));
    fs::write(&found, FACTS).unwrap();
    let posture = facts::read(&found, [7; 32], 1_795_000_000_000).unwrap();
    assert_eq!(posture.patch_age_days, Some(4));
    assert_eq!(posture.disk_encrypted, Some(true));
    assert_eq!(posture.firewall, Some(false));
    // What nobody looked at is unknown.
    assert_eq!((posture.screen_lock, posture.agent), (None, None));
    let report = ManagementSecret::generate("mdm-1").unwrap().sign(&posture);
    statement::write(&out, &report).unwrap();
    let reporter = Reporter {
        device_key: [7; 32],
        statement: Some(out.clone()),
        agent: None,
    };
    assert_eq!(reporter.report(0).unwrap(), report);
    // A newer one is told from then on.
    let newer = Posture {
        taken_ms: posture.taken_ms + 1,
        ..posture
    };
    let newer = ManagementSecret::generate("mdm-1").unwrap().sign(&newer);
    statement::write(&out, &newer).unwrap();
    assert_eq!(reporter.report(0).unwrap(), newer);
}

#[test]
fn what_is_no_statement_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("statement");
    let own = PostureReport {
        source: PostureSource::Own,
        statement: Vec::new(),
        signer: String::new(),
        signature: Vec::new(),
    };
    for bytes in [
        None,
        Some(Vec::new()),
        Some(vec![0; 70_000]),
        Some(own.encode()),
    ] {
        if let Some(bytes) = bytes {
            fs::write(&file, bytes).unwrap();
        }
        let failure = statement::read(&file).unwrap_err();
        assert_eq!(failure.kind(), Kind::Configuration);
        assert!(
            failure.next().contains("interlock posture sign"),
            "{failure}"
        );
    }
}

#[test]
fn facts_that_are_none_are_told_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("facts.toml");
    fs::write(&file, "os = \"lunix\"\nfirewall = 1\nantivirus = true\n").unwrap();
    let failure = facts::read(&file, [7; 32], 0).unwrap_err();
    for word in ["lunix", "firewall", "antivirus"] {
        assert!(failure.what().contains(word), "{failure}");
    }
}

/// Whatever this machine is, looking at it takes no answer for granted and names it shortly.
#[test]
fn a_machine_tells_of_itself() {
    let posture = look([7; 32], None, 1_795_000_000_000);
    assert_eq!(posture.device_key, [7; 32]);
    assert_eq!(posture.agent, None);
    assert!(posture.os_version.len() <= 128);
    assert_eq!(short("ü".repeat(100)).len(), 128);
}

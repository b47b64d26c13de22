//! What a machine's health changes, through real processes: who may say it, how long it holds, and
//! that the very next command knows.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod lapse;
mod refused;

use interlock::demo::Management;
use interlock::profile::Profile;
use interlock_broker::clock::Clock;
use interlock_broker::proof::sha256;
use interlock_protocols::identity::{Posture, PostureSource};
use interlock_protocols::record::{Event, PostureChanged};
use interlock_tests::harness::{Bench, Ended, Gateway};

const RULE: &str = "guards.cedar/healthy-machines-write";
const OLGA: &str = "person/olga";

fn read(gateway: &Gateway) -> Ended {
    gateway.client(OLGA, &["read", "press-4", "speed_setpoint"])
}

fn write(gateway: &Gateway) -> Ended {
    gateway.client(OLGA, &["write", "press-4", "speed_setpoint=900"])
}

/// Reads pass and writes do not, by the rule about machines.
#[track_caller]
fn assert_reads_only(gateway: &Gateway) {
    let seen = read(gateway);
    assert_eq!(seen.code, 0, "{seen}");
    let denied = write(gateway);
    assert_eq!(denied.code, 3, "{denied}");
    assert!(denied.stderr.contains(RULE), "{denied}");
}

#[track_caller]
fn assert_writes(gateway: &Gateway) {
    let written = write(gateway);
    assert_eq!(written.code, 0, "{written}");
}

fn profile(gateway: &Gateway) -> Profile {
    Profile::open(&gateway.issue(OLGA)).expect("a profile")
}

/// What the management server finds on olga's machine when it is in order.
fn healthy(gateway: &Gateway) -> Posture {
    let device = profile(gateway).device().open().expect("a key");
    Management::healthy(sha256(device.spki()), Clock::start().now())
}

/// Leaves what the management server found on olga's machine.
fn found(gateway: &Gateway, posture: &Posture) {
    let stated = gateway.management().state(&profile(gateway), posture);
    stated.unwrap_or_else(|failure| panic!("{failure}"));
}

fn changes(gateway: &Gateway) -> Vec<PostureChanged> {
    let records = gateway.records().into_iter();
    let changes = records.filter_map(|record| match record.event {
        Event::PostureChanged(changed) => Some(changed),
        _ => None,
    });
    changes.collect()
}

#[test]
fn from_a_machine_that_is_not_in_order_one_reads_and_does_not_write() {
    let mut bench = Bench::start();
    let gateway = &bench.gateway;
    let good = healthy(gateway);
    found(gateway, &good);
    assert_writes(gateway);
    for failing in [
        Posture {
            disk_encrypted: Some(false),
            ..good.clone()
        },
        Posture {
            firewall: None,
            ..good.clone()
        },
        Posture {
            patch_age_days: Some(90),
            ..good.clone()
        },
    ] {
        found(gateway, &failing);
        assert_reads_only(gateway);
    }
    // Of another session nothing is kept: put in order, the machine writes again.
    found(gateway, &good);
    assert_writes(gateway);
    let records = bench.settle();
    assert_eq!(records.denied("rule-forbids"), 3);
    let changes = changes(&bench.gateway);
    assert!(changes.iter().all(|change| change.signer == "mdm-1"));
    assert!(changes.iter().any(|change| {
        let found = change.posture.as_ref();
        found.is_some_and(|found| found.disk_encrypted == Some(false))
    }));
}

/// A plant whose rules want a management server's word is not content with a machine's own.
#[test]
fn policy_tells_a_claim_from_the_word_of_a_management_server() {
    let bench = Bench::start_with(|gateway| {
        // The machine of this test is what it is: only who looked matters here.
        let rule = gateway.site().join("policy/guards.cedar");
        let text = std::fs::read_to_string(&rule).unwrap();
        let (before, rest) = text.split_once("        context has posture &&\n").unwrap();
        let (_, after) = rest.split_once("    )\n};").unwrap();
        let only = "        context.posture_source == \"management\"\n";
        std::fs::write(&rule, format!("{before}{only}    )\n}};{after}")).unwrap();
        // The cases are about the rule as it was.
        std::fs::remove_file(gateway.site().join("policy/tests/guards.toml")).unwrap();
    });
    let gateway = &bench.gateway;
    assert_writes(gateway);
    let file = gateway.issue(OLGA).join("profile.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let own = text.replace("[posture]\nstatement = \"health\"\n", "");
    assert_ne!(own, text);
    std::fs::write(&file, own).unwrap();
    assert_reads_only(gateway);
    let last = changes(gateway).pop().unwrap();
    assert_eq!(last.source, Some(PostureSource::Own));
    // What was told is what the person is shown.
    let shown = gateway.client(OLGA, &["-o", "jsonl", "posture", "show"]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.stdout.contains("\"self\""), "{shown}");
    let system = last.posture.unwrap().os_version;
    assert!(shown.stdout.contains(&system), "{shown}");
}

//! Whom an authority of somebody else may vouch for, what its revocations do, and what holds when
//! its files are broken or old.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use interlock::keys::FileKey;
use interlock_protocols::conduit::{ALPN, ToClient};
use interlock_protocols::record::Event;
use interlock_tests::harness::{Bench, Connected, Ended, Gateway, PATIENCE, Pass, binary};

use crate::ca::{Ca, age};
use crate::peer::Peer;

const WORKLOADS: &str = "kinds = [\"workload\"]\npaths = [\"workload/\"]\nwithout_device = true\n";
const NOT_AUTHENTICATED: i32 = 4;
const CONFIGURATION: i32 = 7;

/// One command of `interlock` with this profile.
fn client(profile: &Path, args: &[&str]) -> Ended {
    let mut command = Command::new(binary("client"));
    command.arg("--profile").arg(profile).args(args);
    Ended::of("client", &mut command)
}

/// Looks until it is so.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{PATIENCE:?} passed without {what}");
        sleep(Duration::from_millis(20));
    }
}

/// How often an authority was taken up, by the journal.
fn taken_up(gateway: &Gateway) -> usize {
    let is_it = |event: &Event| matches!(event, Event::TrustTakenUp(it) if it.what == "spire");
    let records = gateway.records();
    records.iter().filter(|record| is_it(&record.event)).count()
}

#[test]
fn a_program_of_another_authority_reads_and_the_journal_says_by_whom() {
    let ca = Ca::new("spire");
    let mut bench = Bench::start_with(|gateway| ca.trust(gateway, WORKLOADS));
    let profile = ca.profile(&bench.gateway, "workload/historian", false);
    let read = client(&profile, &["read", "press-4", "speed"]);
    assert_eq!(read.code, 0, "{read}");
    until("record of the authority", || {
        (taken_up(&bench.gateway) == 1).then_some(())
    });
    let events = bench.settle().events;
    let opened = events.iter().find_map(|event| match event {
        Event::SessionOpened(opened) => Some(opened),
        _ => None,
    });
    let opened = opened.unwrap();
    assert_eq!(opened.subject, "spiffe://waterworks/workload/historian");
    assert_eq!(opened.authority.as_deref(), Some("spire"));
    assert_eq!((opened.device_key, opened.device_protection), (None, None));
}

#[test]
fn outside_its_kind_and_its_path_nobody_comes_in() {
    let ca = Ca::new("spire");
    let narrow = WORKLOADS.replace("workload/\"", "workload/historian\"");
    let mut bench = Bench::start_with(|gateway| ca.trust(gateway, &narrow));
    let gateway = &bench.gateway;
    for (path, is_bound) in [
        ("person/olga", true),
        ("person/emil", false),
        ("vendor/acme/victor", true),
        ("workload/spy", false),
    ] {
        let profile = ca.profile(gateway, path, is_bound);
        let refused = client(&profile, &["read", "press-4", "speed"]);
        assert_eq!(refused.code, NOT_AUTHENTICATED, "{path}: {refused}");
    }
    let profile = ca.profile(gateway, "workload/historian", false);
    let read = client(&profile, &["read", "press-4", "speed"]);
    assert_eq!(read.code, 0, "{read}");
    let events = bench.settle().events.into_iter();
    let opened = events.filter(|event| matches!(event, Event::SessionOpened(_)));
    assert_eq!(opened.count(), 1);
}

#[test]
fn whoever_names_a_machine_has_to_prove_it_whoever_signed() {
    let ca = Ca::new("spire");
    let bound = "kinds = [\"person\"]\npaths = [\"person/\"]\ndevice_binding = \"subject\"\n";
    let bench = Bench::start_with(|gateway| ca.trust(gateway, bound));
    let gateway = &bench.gateway;
    let pass = |serial, is_bound| ca.pass("person/olga", serial, is_bound);
    let (mine, unbound) = (pass(1, true), pass(2, false));
    let thief = Pass {
        device: FileKey::generate().unwrap(),
        ..pass(3, true)
    };
    let first = |pass| Peer::new(gateway, Some(pass), ALPN).session().unwrap().3;
    assert!(matches!(first(mine), ToClient::Hello { .. }));
    assert!(matches!(first(thief), ToClient::Refused { .. }));
    assert!(matches!(first(unbound), ToClient::Refused { .. }));
}

#[test]
fn without_the_own_issuer_its_certificates_are_none() {
    let ca = Ca::new("spire");
    let bench = Bench::start_with(|gateway| {
        gateway.append("edge.toml", "\n[issuer]\nenabled = false\n");
        ca.trust(gateway, WORKLOADS);
    });
    let gateway = &bench.gateway;
    let refused = gateway.client("person/olga", &["read", "press-4", "speed"]);
    assert_eq!(refused.code, NOT_AUTHENTICATED, "{refused}");
    let profile = ca.profile(gateway, "workload/historian", false);
    let read = client(&profile, &["read", "press-4", "speed"]);
    assert_eq!(read.code, 0, "{read}");
}

#[test]
fn a_revocation_ends_the_session_with_the_reason_said_and_no_other() {
    let ca = Ca::new("spire");
    let listed = format!("{WORKLOADS}crl = \"trust/spire.crl\"\n");
    let bench = Bench::start_with(|gateway| {
        ca.trust(gateway, &listed);
        ca.revoke(gateway, 10, &[]);
    });
    let gateway = &bench.gateway;
    let pass = |serial| ca.pass("workload/historian", serial, false);
    let (spy, good) = (pass(7), pass(8));
    let spy_again = Pass {
        certificate: spy.certificate.clone(),
        session: again(&spy.session),
        device: again(&spy.device),
    };
    let (spy, good) = (
        Peer::new(gateway, Some(spy), ALPN),
        Peer::new(gateway, Some(good), ALPN),
    );
    let (_connection, _send, mut frames) = spy.welcome();
    let (going_on, _control, _frames) = good.welcome();
    ca.revoke(gateway, 5, &[7]);
    let reason = spy.wait("end of the session", async {
        loop {
            if let ToClient::Ending { reason } = frames.next().await.unwrap() {
                return reason;
            }
        }
    });
    assert!(reason.contains("has revoked it"), "{reason}");
    let recorded = gateway.record("end of the session", |record| match &record.event {
        Event::SessionEnded(ended) => Some(ended.reason.clone()),
        _ => None,
    });
    assert_eq!(recorded, reason);
    let back = Peer::new(gateway, Some(spy_again), ALPN).session();
    assert!(back.is_err(), "{:?}", back.map(|session| session.3));
    // Whoever is not on the list goes on.
    good.converse(&going_on, "press-4");
}

/// A key once more, for a second client that has it as well.
fn again(key: &FileKey) -> FileKey {
    FileKey::parse(&key.to_secret_pem()).unwrap()
}

#[test]
fn broken_files_are_told_and_what_was_known_goes_on_holding_over_a_restart() {
    let ca = Ca::new("spire");
    let mut bench = Bench::start_with(|gateway| ca.trust(gateway, WORKLOADS));
    let gateway = &mut bench.gateway;
    let profile = ca.profile(gateway, "workload/historian", false);
    until("record of the authority", || {
        (taken_up(gateway) == 1).then_some(())
    });
    let reads = || {
        let read = client(&profile, &["read", "press-4", "speed"]);
        assert_eq!(read.code, 0, "{read}");
    };
    let kept = |gateway: &Gateway| {
        let folder = fs::read_dir(gateway.site().join("state/trust"));
        folder.ok()?.next()
    };
    until("kept file", || kept(gateway)).unwrap();
    fs::write(Ca::file(gateway), "half a cert").unwrap();
    let told = until("word of it in the status", || {
        let status = gateway.client("person/adam", &["status"]);
        status
            .stdout
            .contains("cannot be read anew")
            .then_some(status)
    });
    assert_eq!(told.code, 1, "{told}");
    reads();
    let checked = gateway.edge_command(&["check", gateway.site().to_str().unwrap()]);
    assert_eq!(checked.code, CONFIGURATION, "{checked}");
    assert!(
        checked
            .stderr
            .contains("trust/spire.pem: the authority `spire`"),
        "{checked}"
    );
    assert_eq!(gateway.stop(), 0);
    gateway.start();
    reads();
    ca.publish(gateway);
    until("sound status", || {
        let status = gateway.client("person/adam", &["status"]);
        (!status.stdout.contains("cannot be read anew")).then_some(())
    });
    reads();
}

#[test]
fn stale_trust_takes_writes_away_and_a_refreshed_file_gives_them_back() {
    let ca = Ca::new("spire");
    let people = "kinds = [\"person\"]\npaths = [\"person/\"]\ndevice_binding = \"subject\"\n\
                  stale_after_h = 1\n";
    let rule = "\n@id(\"stale\")\nforbid (principal == Interlock::Person::\"emil\", action in Interlock::Action::\"write\", \
                resource) when { context.trust == \"stale\" };\n";
    let bench = Bench::start_with(|gateway| {
        ca.trust(gateway, people);
        age(&Ca::file(gateway), 2);
        gateway.append("policy/guards.cedar", rule);
    });
    let gateway = &bench.gateway;
    let profile = ca.profile(gateway, "person/emil", true);
    let connected = Connected::start(&profile, &["press-4"]);
    let mut tool = connected.modbus("press-4");
    let is_denied = |answer: &[u8]| answer[0] & 0x80 != 0;
    assert!(is_denied(&tool.write_holding(1, 100, 8_500)));
    assert!(
        !is_denied(&tool.ask(1, &[3, 0, 100, 0, 2])),
        "reading goes on"
    );
    ca.publish(gateway);
    until("write in the same session", || {
        (!is_denied(&tool.write_holding(1, 100, 8_500))).then_some(())
    });
    age(&Ca::file(gateway), 2);
    until("denial once more", || {
        is_denied(&tool.write_holding(1, 100, 8_500)).then_some(())
    });
    let by_rule = gateway.record("denial by the rule", |record| match &record.event {
        Event::Denial(denial) => Some(denial.policies.clone()),
        _ => None,
    });
    assert_eq!(by_rule, ["guards.cedar/stale"]);
}

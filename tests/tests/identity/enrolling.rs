//! An invitation works once, for one subject, until its time.

use interlock_broker::join::JoinLine;
use interlock_protocols::conduit::Message as _;
use interlock_protocols::identity::{ENROL_ALPN, IdentityReply, LOGIN_ALPN};
use interlock_protocols::record::Event;
use interlock_tests::harness::{Bench, Gateway, free_address};

use crate::applicant::{Applicant, Keys, invite, issued, refused};

#[test]
fn the_first_administrator_comes_by_the_invitation_of_init_once() {
    let mut gateway = Gateway::invited(free_address(), free_address());
    gateway.start();
    let line = JoinLine::parse(gateway.join_line()).unwrap();
    let applicant = Applicant::at(&gateway);
    let keys = Keys::new();
    let (certificate, _) = issued(applicant.enrol(&keys, line.token));
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"));
    assert_eq!(
        refused(applicant.enrol(&Keys::new(), line.token)),
        "invitation-used"
    );
    // It was taken up in a record, by nobody's session, and its file is gone.
    gateway.record("invitation by the installation", |record| {
        match &record.event {
            Event::Invited(invited) => {
                assert_eq!(
                    (invited.session, invited.by.as_str()),
                    (None, "installation")
                );
                assert_eq!(invited.groups, ["administrators"]);
                Some(())
            }
            _ => None,
        }
    });
    assert!(!gateway.site().join("state/first-invitation").exists());
    assert_eq!(gateway.stop(), 0);
    // Nobody's private key is on the gateway.
    let left = std::fs::read_dir(gateway.site().join("keys")).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(left.into_iter().all(|name| !name.contains("adam")));
    gateway.start();
    assert_eq!(
        refused(applicant.enrol(&Keys::new(), line.token)),
        "invitation-used"
    );
}

#[test]
fn an_invitation_replayed_guessed_or_with_the_keys_of_another_gives_nothing() {
    let bench = Bench::start();
    let gateway = &bench.gateway;
    let applicant = Applicant::at(gateway);
    let (_, token) = invite(gateway, "person", "ida");
    let keys = Keys::new();
    let mut guess = token;
    guess[0] ^= 1;
    assert_eq!(refused(applicant.enrol(&keys, guess)), "no-invitation");
    let (first, _) = issued(applicant.enrol(&keys, token));
    let (again, _) = issued(applicant.enrol(&keys, token));
    assert_eq!(again, first, "whose answer was lost is told the same");
    assert_eq!(
        refused(applicant.enrol(&Keys::new(), token)),
        "invitation-used"
    );
    let (_, other) = invite(gateway, "person", "otto");
    assert_eq!(refused(applicant.enrol(&keys, other)), "key-of-another");
    issued(applicant.enrol(&Keys::new(), other));
    let denied = gateway.records().into_iter().filter(|record| {
        matches!(&record.event, Event::Denial(denial) if denial.reason == "key-of-another")
    });
    assert_eq!(
        denied.count(),
        1,
        "somebody known was turned away, and it is on record"
    );
}

#[test]
fn a_request_that_was_overheard_is_worth_nothing_in_another_connection() {
    let bench = Bench::start();
    let applicant = Applicant::at(&bench.gateway);
    let (_, token) = invite(&bench.gateway, "person", "ida");
    let keys = Keys::new();
    let elsewhere = applicant.connect(LOGIN_ALPN).unwrap();
    let request = keys.enrolment(&elsewhere.exporter, token);
    let mut here = applicant.connect(ENROL_ALPN).unwrap();
    applicant.send(&mut here, &request.to_frame().unwrap());
    let reply = applicant.reply(&mut here).unwrap();
    assert_eq!(refused(reply), "not-proven");
}

#[test]
fn enrolment_is_refused_in_the_handshake_while_nobody_is_expected() {
    let bench = Bench::start();
    let gateway = &bench.gateway;
    let applicant = Applicant::at(gateway);
    assert!(applicant.connect(ENROL_ALPN).is_err());
    assert!(applicant.connect(LOGIN_ALPN).is_ok());
    let (number, _) = invite(gateway, "person", "ida");
    let (application, _) = applicant.enrolling(&Keys::new(), [0; 16]);
    drop(application);
    let number = number.to_string();
    let withdrawn = ["invite", "withdraw", &number, "--reason", "wrong"];
    let closed = gateway.client("person/adam", &withdrawn);
    assert_eq!(closed.code, 0, "{closed}");
    let end = std::time::Instant::now() + interlock_tests::harness::PATIENCE;
    while applicant.connect(ENROL_ALPN).is_ok() {
        assert!(std::time::Instant::now() < end, "the door stays open");
    }
}

#[test]
fn a_vendor_waits_for_the_right_fingerprint() {
    let bench = Bench::start();
    let gateway = &bench.gateway;
    let applicant = Applicant::at(gateway);
    let (number, token) = invite(gateway, "vendor", "acme/vera");
    let keys = Keys::new();
    let (mut waiting, reply) = applicant.enrolling(&keys, token);
    let waits = IdentityReply::Waiting {
        invitation: number,
        device_key: keys.device_key(),
    };
    assert_eq!(reply, waits);
    let number = number.to_string();
    let confirm = |key: &[u8; 32]| {
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let args = ["invite", "confirm", &number, "--fingerprint", &hex];
        gateway.client("person/adam", &args)
    };
    let wrong = confirm(&Keys::new().device_key());
    assert_ne!(wrong.code, 0, "{wrong}");
    // Who lost the connection asks again, and goes on waiting.
    let (mut second, reply) = applicant.enrolling(&keys, token);
    assert_eq!(reply, waits);
    let right = confirm(&keys.device_key());
    assert_eq!(right.code, 0, "{right}");
    let first = issued(applicant.reply(&mut waiting).unwrap());
    assert_eq!(issued(applicant.reply(&mut second).unwrap()), first);
}

#[test]
fn who_waits_and_is_turned_away_is_told() {
    let bench = Bench::start();
    let gateway = &bench.gateway;
    let applicant = Applicant::at(gateway);
    let (number, token) = invite(gateway, "vendor", "acme/vera");
    let (mut waiting, _) = applicant.enrolling(&Keys::new(), token);
    let number = number.to_string();
    let args = ["invite", "withdraw", &number, "--reason", "another voice"];
    let closed = gateway.client("person/adam", &args);
    assert_eq!(closed.code, 0, "{closed}");
    let reply = applicant.reply(&mut waiting).unwrap();
    assert_eq!(refused(reply), "invitation-withdrawn");
}

#[test]
fn what_is_known_survives_a_killed_gateway() {
    let mut bench = Bench::start();
    let applicant = Applicant::at(&bench.gateway);
    let (_, token) = invite(&bench.gateway, "person", "ida");
    let (_, open) = invite(&bench.gateway, "person", "otto");
    let keys = Keys::new();
    issued(applicant.enrol(&keys, token));
    bench.gateway.kill();
    bench.gateway.start();
    assert_eq!(
        refused(applicant.enrol(&Keys::new(), token)),
        "invitation-used"
    );
    issued(applicant.login(&keys.renewed(), "person/ida", None, false));
    issued(applicant.enrol(&Keys::new(), open));
}

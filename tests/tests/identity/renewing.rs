//! Renewal, and copies of a program.

use interlock_protocols::record::{Event, Measure, Scope};
use interlock_tests::harness::Bench;

use crate::applicant::{Applicant, Keys, copy, invite, issued, refused};

#[test]
fn renewal_takes_the_machine_and_the_authenticator_that_were_enrolled() {
    let bench = Bench::start();
    let applicant = Applicant::at(&bench.gateway);
    let (_, token) = invite(&bench.gateway, "person", "ida");
    let keys = Keys::new();
    issued(applicant.enrol(&keys, token));
    let mut other = keys.renewed();
    other.device = Keys::new().device;
    let reply = applicant.login(&other, "person/ida", None, false);
    assert_eq!(refused(reply), "not-enrolled");
    let mut other = keys.renewed();
    other.authenticator = Keys::new().authenticator;
    let reply = applicant.login(&other, "person/ida", None, false);
    assert_eq!(refused(reply), "not-enrolled");
    let reply = applicant.login(&keys.renewed(), "person/olga", None, false);
    assert_eq!(refused(reply), "not-enrolled");
    let reply = applicant.login(&keys.renewed(), "person/ida", None, true);
    assert_eq!(refused(reply), "no-token");
    issued(applicant.login(&keys.renewed(), "person/ida", None, false));
}

#[test]
fn a_cloned_program_is_noticed_and_both_copies_are_revoked() {
    let bench = Bench::start();
    let gateway = &bench.gateway;
    let applicant = Applicant::at(gateway);
    let (_, token) = invite(gateway, "workload", "poller");
    let original = Keys::new();
    let (_, first) = issued(applicant.enrol(&original, token));
    let clone = Keys {
        session: Keys::new().session,
        device: copy(&original.device),
        authenticator: copy(&original.authenticator),
    };
    let next = original.renewed();
    let renewed = applicant.login(&next, "workload/poller", Some(first), false);
    let (again, second) = issued(renewed);
    // The same question again is no clone: its answer was lost.
    let repeated = applicant.login(&next, "workload/poller", Some(first), false);
    assert_eq!(issued(repeated).0, again);
    let cloned = applicant.login(&clone, "workload/poller", Some(first), false);
    assert_eq!(refused(cloned), "cloned");
    let original = applicant.login(&original.renewed(), "workload/poller", Some(second), false);
    assert_eq!(refused(original), "revoked");
    let machine = clone.device_key();
    gateway.record("revocation of the machine", |record| match &record.event {
        Event::Restricted(restricted) => {
            assert_eq!(restricted.by, "gateway");
            assert_eq!(restricted.measure, Measure::Revoke);
            assert_eq!(restricted.scope, Scope::Machine(machine));
            Some(())
        }
        _ => None,
    });
}

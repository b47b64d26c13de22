//! How sessions begin, and what is left of those who get none.

use interlock_broker::proof::NotProven;
use interlock_protocols::identity::{AuthStrength, KeyProtection};
use interlock_protocols::record::Event;

use crate::world::{NOON_MS, World, noon};

#[test]
fn a_session_and_its_record_say_which_machine_and_how_its_owner_was_shown() {
    let world = World::new();
    let session = world.session("person/olga");
    let machine = *session.device_key().unwrap();
    assert_eq!(session.auth().strength, AuthStrength::UserPresent);
    assert_eq!(session.auth().at_ms, NOON_MS);
    drop(session);
    let records = world.records();
    let opened = records.iter().find_map(|record| match &record.event {
        Event::SessionOpened(opened) => Some(opened),
        _ => None,
    });
    let opened = opened.unwrap();
    assert_eq!(opened.device_key, Some(machine));
    assert_eq!(opened.device_protection, Some(KeyProtection::Software));
    assert_eq!(opened.auth, Some(AuthStrength::UserPresent));
    assert_eq!(opened.auth_ms, Some(NOON_MS));
    assert_eq!(opened.authority.as_deref(), Some("issuer"));
}

#[test]
fn who_proves_no_machine_leaves_records_within_their_allowance() {
    let world = World::new();
    let identity = world.identity("person/olga");
    for _ in 0..2_000 {
        let why = NotProven::OtherMachine;
        world
            .broker
            .turn_away(&identity, "192.0.2.8:5000", why, noon());
    }
    let session = world.session("person/adam");
    let number = session.id();
    drop(session);
    let records = world.records();
    let denials: Vec<_> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Denial(denial) => Some(denial),
            _ => None,
        })
        .collect();
    assert_eq!(denials.len(), 640);
    let first = denials[0];
    assert_eq!(first.subject, "spiffe://waterworks/person/olga");
    assert_eq!(first.reason, "other-machine");
    assert!(first.detail.contains("192.0.2.8:5000"), "{}", first.detail);
    assert!(denials.iter().all(|denial| denial.session != number));
}

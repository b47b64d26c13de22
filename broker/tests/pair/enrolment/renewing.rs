//! Renewal takes the keys that were enrolled together, a presence for people, and one line of
//! descent for programs.

use interlock_broker::clock::Now;
use interlock_broker::enrolment::Issued;
use interlock_broker::subject::Identity;
use interlock_protocols::record::{Event, Measure, Scope};

use super::{HOUR, Keys, MINUTE, Office, at, code, issued, key};
use crate::world::noon;

fn hours(issued: &Issued, now: Now) -> i64 {
    (issued.ends_ms - now.wall_ms()) / 3_600_000
}

#[tokio::test]
async fn a_person_renews_for_twelve_hours_and_no_longer_without_being_there() {
    let office = Office::new();
    let mut keys = Keys::in_a_token();
    let first = office.enrolled(&keys, "person/ida").await;
    assert_eq!(hours(&first, noon()), 8);
    let renew = async |keys: &Keys, present, now| {
        let request = keys.renewal("person/ida", None, present);
        office.login(&request, now).await
    };
    let morning = at(HOUR * 3);
    let second = renew(keys.renewed(), false, morning).await.unwrap();
    assert_eq!(hours(&second, morning), 8);
    let noon_after = at(HOUR * 7);
    let third = renew(keys.renewed(), false, noon_after).await.unwrap();
    assert_eq!(hours(&third, noon_after), 5, "twelve hours after enrolling");
    let over = at(HOUR * 12);
    assert_eq!(
        code(renew(keys.renewed(), false, over).await),
        "presence-too-old"
    );
    let present = renew(keys.renewed(), true, over).await.unwrap();
    assert_eq!(hours(&present, over), 8);
    let later = at(HOUR * 20);
    let carried = renew(keys.renewed(), false, later).await.unwrap();
    assert_eq!(hours(&carried, later), 4);
    assert_eq!(
        code(renew(keys.renewed(), false, at(HOUR * 24)).await),
        "presence-too-old"
    );
}

#[tokio::test]
async fn a_key_in_a_file_shows_nobodys_presence() {
    let office = Office::new();
    let mut keys = Keys::in_files();
    office.enrolled(&keys, "person/ida").await;
    let request = keys.renewed().renewal("person/ida", None, true);
    assert_eq!(code(office.login(&request, at(HOUR)).await), "no-token");
}

#[tokio::test]
async fn a_clock_set_back_renews_nothing() {
    let office = Office::new();
    let mut keys = Keys::in_a_token();
    office.enrolled(&keys, "person/ida").await;
    let back = Now::new(noon().wall_ms() - 1_000, noon().mono());
    let request = keys.renewed().renewal("person/ida", None, false);
    assert_eq!(code(office.login(&request, back).await), "presence-too-old");
}

#[tokio::test]
async fn device_and_authenticator_must_be_those_enrolled_together() {
    let office = Office::new();
    let (mut ida, otto) = (Keys::in_files(), Keys::in_files());
    office.enrolled(&ida, "person/ida").await;
    office.enrolled(&otto, "person/otto").await;
    ida.renewed();
    let renew = async |keys: &Keys, subject: &str| {
        let request = keys.renewal(subject, None, false);
        office.login(&request, at(MINUTE)).await.map(drop)
    };
    let own = ida.device.serialize_pem();
    ida.device = key();
    assert_eq!(code(renew(&ida, "person/ida").await), "not-enrolled");
    ida.device = rcgen::KeyPair::from_pem(&otto.device.serialize_pem()).unwrap();
    assert_eq!(code(renew(&ida, "person/ida").await), "not-enrolled");
    ida.device = rcgen::KeyPair::from_pem(&own).unwrap();
    assert_eq!(code(renew(&ida, "person/otto").await), "not-enrolled");
    let authenticator = std::mem::replace(&mut ida.authenticator, key());
    assert_eq!(code(renew(&ida, "person/ida").await), "not-enrolled");
    ida.authenticator = authenticator;
    renew(&ida, "person/ida").await.unwrap();
}

#[tokio::test]
async fn a_renewal_is_for_this_connection_and_for_what_it_says() {
    let office = Office::new();
    let mut keys = Keys::in_a_token();
    office.enrolled(&keys, "person/ida").await;
    let request = keys.renewed().renewal("person/ida", None, false);
    let login = office
        .registrar
        .login(&request, &[8; 32], super::GATEWAY, "peer", noon());
    assert_eq!(code(login.await), "not-proven");
    let login = office
        .registrar
        .login(&request, &super::EXPORTER, "other", "peer", noon());
    assert_eq!(code(login.await), "not-proven");
    let mut claimed = request.clone();
    claimed.present = true;
    assert_eq!(code(office.login(&claimed, noon()).await), "not-proven");
    let mut claimed = request.clone();
    claimed.parent = Some([1; 32]);
    assert_eq!(code(office.login(&claimed, noon()).await), "not-proven");
    // Each key has to sign, also where the two others do.
    let stranger = Keys::in_files().renewal("person/ida", None, false);
    for missing in 0..3 {
        let mut claimed = request.clone();
        match missing {
            0 => claimed.session.signature = stranger.session.signature.clone(),
            1 => claimed.device.signature = stranger.device.signature.clone(),
            _ => claimed.authenticator.signature = stranger.authenticator.signature.clone(),
        }
        let login = office.login(&claimed, noon()).await;
        assert_eq!(code(login), "not-proven", "{missing}");
    }
    office.login(&request, noon()).await.unwrap();
}

#[tokio::test]
async fn a_program_has_a_role_in_its_certificate_and_a_person_has_none() {
    let office = Office::new();
    let role = |issued: &Issued| {
        let (_, pem) = x509_parser::pem::parse_x509_pem(issued.certificate.as_bytes()).unwrap();
        let identity = Identity::of_certificate(&pem.contents, "waterworks").unwrap();
        identity.role().map(str::to_owned)
    };
    let historian = office
        .enrolled(&Keys::in_files(), "workload/historian")
        .await;
    assert_eq!(role(&historian).as_deref(), Some("historians"));
    let ida = office.enrolled(&Keys::in_files(), "person/ida").await;
    assert_eq!(role(&ida), None);
}

#[tokio::test]
async fn a_program_renews_from_one_certificate_to_the_next_also_when_answers_are_lost() {
    let office = Office::new();
    let mut keys = Keys::in_files();
    let mut last = office.enrolled(&keys, "workload/historian").await;
    assert_eq!(hours(&last, noon()), 24);
    let nothing = keys.renewed().renewal("workload/historian", None, false);
    assert_eq!(code(office.login(&nothing, at(HOUR)).await), "no-parent");
    let mut now = noon();
    for _ in 0..4 {
        now = now.after(HOUR * 16);
        let request = keys
            .renewed()
            .renewal("workload/historian", Some(&last), false);
        let next = office.login(&request, now).await.unwrap();
        let again = office.login(&request, now.after(MINUTE)).await.unwrap();
        assert_eq!(again, next, "the answer was lost");
        last = next;
    }
    // The gateway forgot its bytes meanwhile: it is signed anew, for the same key and no longer.
    let office = office.restarted();
    let before = last.clone();
    now = now.after(HOUR * 16);
    let request = keys
        .renewed()
        .renewal("workload/historian", Some(&before), false);
    let next = office.login(&request, now).await.unwrap();
    let office = office.restarted();
    let again = office.login(&request, now.after(MINUTE)).await.unwrap();
    assert_eq!(again.ends_ms, next.ends_ms);
    // It goes on from either.
    now = now.after(HOUR * 16);
    let request = keys
        .renewed()
        .renewal("workload/historian", Some(&next), false);
    let last = office.login(&request, now).await.unwrap();
    // It was off for a week, with the answer to its last request lost: it asks once more.
    now = now.after(HOUR * 24 * 7);
    let late = office.login(&request, now).await;
    assert_eq!(late.unwrap().subject, last.subject);
}

#[tokio::test]
async fn two_copies_of_a_program_are_noticed_and_both_revoked() {
    let office = Office::new();
    let mut keys = Keys::in_files();
    let first = office.enrolled(&keys, "workload/historian").await;
    let now = at(HOUR * 16);
    let request = keys
        .renewed()
        .renewal("workload/historian", Some(&first), false);
    let second = office.login(&request, now).await.unwrap();
    let session = office.session(&keys, &second, now).unwrap();
    // The copy was made before and goes on from the same certificate with a key of its own.
    let copied = Keys {
        session: key(),
        device: rcgen::KeyPair::from_pem(&keys.device.serialize_pem()).unwrap(),
        authenticator: rcgen::KeyPair::from_pem(&keys.authenticator.serialize_pem()).unwrap(),
        protection: keys.protection,
    };
    let copy = copied.renewal("workload/historian", Some(&first), false);
    assert_eq!(code(office.login(&copy, now).await), "cloned");
    // Nobody knows which of the two is the right one.
    let request = keys
        .renewed()
        .renewal("workload/historian", Some(&second), false);
    assert_eq!(code(office.login(&request, now).await), "revoked");
    assert!(session.tick(now).is_err(), "its session is over");
    assert!(office.session(&copied, &second, now).is_err());
    drop(session);
    let office = office.restarted();
    assert_eq!(code(office.login(&request, now).await), "revoked");
    let device_key = keys.device_key();
    let records = office.world.records();
    let found = records.iter().any(|record| match &record.event {
        Event::Restricted(restricted) => {
            restricted.by == "gateway"
                && restricted.measure == Measure::Revoke
                && restricted.scope == Scope::Machine(device_key)
        }
        _ => false,
    });
    assert!(found, "{records:?}");
}

#[tokio::test]
async fn an_old_certificate_is_a_copys_and_one_that_nobody_knows_revokes_nobody() {
    let office = Office::new();
    let mut keys = Keys::in_files();
    let first = office.enrolled(&keys, "workload/historian").await;
    let mut request = keys
        .renewed()
        .renewal("workload/historian", Some(&first), false);
    let second = office.login(&request, at(HOUR)).await.unwrap();
    let stranger = Keys::in_files();
    let of_another = office.enrolled(&stranger, "workload/poller").await;
    request = keys
        .renewed()
        .renewal("workload/historian", Some(&of_another), false);
    assert_eq!(
        code(office.login(&request, at(HOUR * 2)).await),
        "unknown-parent"
    );
    request = keys
        .renewed()
        .renewal("workload/historian", Some(&second), false);
    office.login(&request, at(HOUR * 2)).await.unwrap();
    request = keys
        .renewed()
        .renewal("workload/historian", Some(&first), false);
    assert_eq!(code(office.login(&request, at(HOUR * 3)).await), "cloned");
}

#[tokio::test]
async fn a_program_that_asks_in_a_loop_is_held_up() {
    let office = Office::new();
    let mut keys = Keys::in_files();
    office.enrolled(&keys, "person/ida").await;
    let mut given = 0;
    let stopped = loop {
        let request = keys.renewed().renewal("person/ida", None, false);
        match office.login(&request, at(MINUTE * 5)).await {
            Ok(_) => given += 1,
            Err(declined) => break declined.code(),
        }
    };
    assert_eq!(
        (given, stopped),
        (interlock_broker::limits::ISSUED_AT_ONCE, "too-often")
    );
    let request = keys.renewed().renewal("person/ida", None, false);
    office.login(&request, at(MINUTE * 7)).await.unwrap();
}

#[tokio::test]
async fn while_the_clock_is_in_doubt_nobody_gets_a_certificate() {
    let office = Office::new();
    let mut keys = Keys::in_files();
    office.enrolled(&keys, "person/olga").await;
    let (_, token) = office.invite("person/paul", &[], noon()).await;
    let request = keys.renewed().renewal("person/olga", None, false);
    let doubted = at(MINUTE).in_doubt();
    assert_eq!(code(office.login(&request, doubted).await), "clock-doubted");
    let paul = Keys::in_files();
    let refused = office.enrol(&paul, token, doubted).await;
    assert_eq!(code(refused), "clock-doubted");
    // Nothing was used up by it.
    issued(office.enrol(&paul, token, at(MINUTE)).await);
    office.login(&request, at(MINUTE)).await.unwrap();
}

#[tokio::test]
async fn a_copy_that_renews_until_the_other_is_forgotten_is_still_one() {
    let office = Office::new();
    let mut copy = Keys::in_files();
    let first = office.enrolled(&copy, "workload/historian").await;
    let mut last = first.clone();
    for minute in 0..40 {
        let request = copy
            .renewed()
            .renewal("workload/historian", Some(&last), false);
        last = office.login(&request, at(MINUTE * minute)).await.unwrap();
    }
    // The program itself wakes hours later, with the certificate it has.
    let late = at(HOUR * 16);
    let request = copy
        .renewed()
        .renewal("workload/historian", Some(&first), false);
    assert_eq!(code(office.login(&request, late).await), "cloned");
    let next = copy
        .renewed()
        .renewal("workload/historian", Some(&last), false);
    assert_eq!(code(office.login(&next, late).await), "revoked");
}

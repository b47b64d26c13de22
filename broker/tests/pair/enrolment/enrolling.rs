//! An invitation works once, for one subject, until its time.

use interlock_broker::enrolment::{Enrolling, NotDone};
use interlock_broker::subject::Identity;
use interlock_protocols::identity::{KeyProtection, presence_statement};
use interlock_protocols::record::{Event, Measure, Scope};

use super::{EXPORTER, Keys, MINUTE, Office, PEER, at, code, fingerprint, issued, signed};
use crate::world::noon;

#[tokio::test]
async fn an_invitation_works_once_and_tells_the_same_keys_the_same() {
    let office = Office::new();
    let (_, token) = office.invite("person/ida", &["operators"], noon()).await;
    let keys = Keys::in_files();
    let first = issued(office.enrol(&keys, token, noon()).await);
    // The answer was lost: the same keys get the same certificate, byte for byte.
    let again = issued(office.enrol(&keys, token, at(MINUTE)).await);
    assert_eq!(again, first);
    let other = Keys::in_files();
    assert_eq!(
        code(office.enrol(&other, token, at(MINUTE)).await),
        "invitation-used"
    );
    let half = Keys {
        device: super::key(),
        ..keys
    };
    assert_eq!(
        code(office.enrol(&half, token, at(MINUTE)).await),
        "invitation-used"
    );
    let records = office.world.records();
    let enrolled = records.iter();
    let enrolled = enrolled.filter(|record| matches!(record.event, Event::Enrolled(_)));
    assert_eq!(enrolled.count(), 1);
}

#[tokio::test]
async fn after_a_restart_the_same_keys_get_no_longer_certificate() {
    let office = Office::new();
    let (_, token) = office.invite("person/ida", &[], noon()).await;
    let keys = Keys::in_files();
    let first = issued(office.enrol(&keys, token, noon()).await);
    let office = office.restarted();
    let again = issued(office.enrol(&keys, token, at(MINUTE)).await);
    assert_eq!(again.ends_ms, first.ends_ms);
    assert_ne!(
        fingerprint(&again),
        fingerprint(&first),
        "its bytes were forgotten"
    );
    let other = Keys::in_files();
    assert_eq!(
        code(office.enrol(&other, token, at(MINUTE)).await),
        "invitation-used"
    );
}

#[tokio::test]
async fn what_is_late_withdrawn_or_guessed_opens_nothing() {
    let office = Office::new();
    let keys = Keys::in_files();
    assert_eq!(
        code(office.enrol(&keys, [9; 16], noon()).await),
        "no-invitation"
    );
    let (_, token) = office.invite("person/ida", &[], noon()).await;
    let hour = super::HOUR;
    assert_eq!(
        code(office.enrol(&keys, token, at(hour)).await),
        "invitation-late"
    );
    let mut guess = token;
    guess[15] ^= 1;
    assert_eq!(
        code(office.enrol(&keys, guess, noon()).await),
        "no-invitation"
    );
    let (number, token) = office.invite("person/ida", &[], noon()).await;
    let adam = office.world.session("person/adam");
    let closed = office
        .registrar
        .close(&adam, number, "wrong person", noon());
    closed.await.unwrap();
    assert_eq!(
        code(office.enrol(&keys, token, noon()).await),
        "invitation-withdrawn"
    );
    let closed = office.registrar.close(&adam, number, "again", noon()).await;
    assert!(matches!(closed, Err(NotDone::NoInvitation(_))));
}

#[tokio::test]
async fn every_key_is_proven_in_this_very_connection() {
    let office = Office::new();
    let (_, token) = office.invite("person/ida", &[], noon()).await;
    let keys = Keys::in_files();
    let request = keys.enrolment(token);
    let elsewhere = [8; 32];
    let enrolled = office.registrar.enrol(&request, &elsewhere, PEER, noon());
    assert_eq!(code(enrolled.await), "not-proven");
    let stranger = Keys::in_files().enrolment(token);
    for exchange in 0..3 {
        let mut request = keys.enrolment(token);
        match exchange {
            0 => request.session = stranger.session.clone(),
            1 => request.device = stranger.device.clone(),
            _ => request.authenticator = stranger.authenticator.clone(),
        }
        let enrolled = office.registrar.enrol(&request, &EXPORTER, PEER, noon());
        assert_eq!(code(enrolled.await), "not-proven", "{exchange}");
        // The key of somebody else is claimed by all three, and only its own signature is missing.
        let mut request = keys.enrolment(token);
        match exchange {
            0 => request.session.signature = stranger.session.signature.clone(),
            1 => request.device.signature = stranger.device.signature.clone(),
            _ => request.authenticator.signature = stranger.authenticator.signature.clone(),
        }
        let enrolled = office.registrar.enrol(&request, &EXPORTER, PEER, noon());
        assert_eq!(code(enrolled.await), "not-proven", "{exchange}");
    }
    let one_key = super::key();
    let pem = one_key.serialize_pem();
    let twice = Keys {
        device: rcgen::KeyPair::from_pem(&pem).unwrap(),
        authenticator: one_key,
        ..Keys::in_files()
    };
    assert_eq!(code(office.enrol(&twice, token, noon()).await), "same-key");
    // None of all this has used it up.
    issued(office.enrol(&keys, token, noon()).await);
}

#[tokio::test]
async fn nobody_enrols_with_the_authenticator_of_another() {
    let office = Office::new();
    let ida = Keys::in_files();
    office.enrolled(&ida, "person/ida").await;
    let (_, token) = office.invite("person/otto", &[], noon()).await;
    assert_eq!(
        code(office.enrol(&ida, token, noon()).await),
        "key-of-another"
    );
    issued(office.enrol(&Keys::in_files(), token, noon()).await);
}

#[tokio::test]
async fn a_vendor_waits_until_the_right_key_is_confirmed() {
    let office = Office::new();
    let (number, token) = office
        .invite("vendor/acme/vera", &["vendors"], noon())
        .await;
    let keys = Keys::in_files();
    let (ours, theirs) = (keys.device_key(), Keys::in_files().device_key());
    let waits = Enrolling::Waiting {
        invitation: number,
        device_key: ours,
    };
    for _ in 0..2 {
        assert_eq!(office.enrol(&keys, token, noon()).await.unwrap(), waits);
    }
    let other = Keys::in_files();
    assert_eq!(
        code(office.enrol(&other, token, noon()).await),
        "invitation-used"
    );
    let adam = office.world.session("person/adam");
    let pending = office.registrar.invitations(&adam, noon()).unwrap();
    assert_eq!(pending.len(), 1);
    let wrong = office.registrar.confirm(&adam, number, &theirs, noon());
    assert!(matches!(wrong.await, Err(NotDone::OtherKey)));
    assert_eq!(office.enrol(&keys, token, noon()).await.unwrap(), waits);
    // Who waits is still there after a restart.
    let office = office.restarted();
    assert_eq!(office.enrol(&keys, token, noon()).await.unwrap(), waits);
    let adam = office.world.session("person/adam");
    let right = office.registrar.confirm(&adam, number, &ours, noon());
    right.await.unwrap();
    let issued = issued(office.enrol(&keys, token, noon()).await);
    assert_eq!(issued.ends_ms, noon().wall_ms() + 3_600_000);
    let twice = office.registrar.confirm(&adam, number, &ours, noon());
    assert!(matches!(twice.await, Err(NotDone::NobodyWaits(_))));
}

#[tokio::test]
async fn who_may_not_invite_invites_nobody_and_who_may_must_have_been_there_just_now() {
    let office = Office::new();
    let invite = async |who: &str, subject: &str, groups: &[&str], now| {
        let session = office.world.session(who);
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        office
            .registrar
            .invite(&session, subject, &groups, 600, now)
            .await
            .err()
    };
    let refused = invite("person/olga", "person/ida", &[], noon()).await;
    assert!(matches!(refused, Some(NotDone::Refused(_))), "{refused:?}");
    let late = invite("person/adam", "person/ida", &[], at(MINUTE * 6)).await;
    assert!(matches!(late, Some(NotDone::Refused(_))), "{late:?}");
    let group = invite("person/adam", "person/ida", &["gods"], noon()).await;
    assert!(matches!(group, Some(NotDone::NoGroup(_))), "{group:?}");
    let site = invite("person/adam", "spiffe://harbour/person/ida", &[], noon()).await;
    assert!(matches!(site, Some(NotDone::OtherSite(_))), "{site:?}");
    let subject = invite("person/adam", "person/Ida", &[], noon()).await;
    assert!(
        matches!(subject, Some(NotDone::NotASubject(_))),
        "{subject:?}"
    );
    // An engineer calls in a vendor, but puts nobody into another group by that.
    let vendor = invite("person/emil", "vendor/acme/vera", &["vendors"], noon()).await;
    assert!(vendor.is_none(), "{vendor:?}");
    let more = invite("person/emil", "vendor/acme/vera", &["engineers"], noon()).await;
    assert!(matches!(more, Some(NotDone::Refused(_))), "{more:?}");
}

#[tokio::test]
async fn so_many_invitations_are_open_and_no_more() {
    let office = Office::new();
    let adam = office.world.session("person/adam");
    let mut made = 0;
    let error = loop {
        let invited = office
            .registrar
            .invite(&adam, "person/ida", &[], 600, noon());
        match invited.await {
            Ok(_) => made += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, NotDone::TooMany), "{error}");
    assert_eq!(made, interlock_broker::limits::INVITATIONS_OPEN_MAX);
    let later = at(MINUTE * 4);
    assert!(office.registrar.expects_somebody(later));
    assert!(!office.registrar.expects_somebody(at(MINUTE * 10)));
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_given_and_uses_nothing_up() {
    let office = Office::new();
    let (_, token) = office.invite("person/ida", &[], noon()).await;
    let keys = Keys::in_files();
    office.world.memory.fail_after(0);
    assert_eq!(
        code(office.enrol(&keys, token, noon()).await),
        "journal-failed"
    );
    office.world.memory.heal();
    // The journal tries again by itself, a second later at most.
    let certificate = loop {
        match office.enrol(&Keys::in_files(), token, noon()).await {
            Ok(Enrolling::Issued(issued)) => break issued,
            Err(declined) if declined.code() == "journal-failed" => tokio::task::yield_now().await,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(certificate.subject.path(), "person/ida");
}

#[tokio::test]
async fn groups_of_an_invitation_reach_a_live_session() {
    let office = Office::new();
    let victor = office.world.session("vendor/acme/victor");
    assert_eq!(victor.groups(), ["vendors"]);
    assert!(victor.visible_devices(noon()).is_empty());
    let subject = "vendor/acme/victor";
    let (number, token) = office.invite(subject, &["operators"], noon()).await;
    let keys = Keys::in_files();
    office.enrol(&keys, token, noon()).await.unwrap();
    assert_eq!(victor.groups(), ["vendors"], "nobody has confirmed it yet");
    let ours = keys.device_key();
    let adam = office.world.session("person/adam");
    let confirmed = office.registrar.confirm(&adam, number, &ours, noon());
    confirmed.await.unwrap();
    assert_eq!(victor.groups(), ["operators", "vendors"]);
    assert!(!victor.visible_devices(noon()).is_empty());
}

#[tokio::test]
async fn a_presence_counts_only_by_the_enrolled_token_in_this_connection() {
    let office = Office::new();
    let (in_token, in_files) = (Keys::in_a_token(), Keys::in_files());
    let ida = office.enrolled(&in_token, "person/ida").await;
    let otto = office.enrolled(&in_files, "person/otto").await;
    let later = at(MINUTE);
    let sessions = [
        (office.session(&in_token, &ida, later).unwrap(), &in_token),
        (office.session(&in_files, &otto, later).unwrap(), &in_files),
    ];
    let assert = async |who: usize, key: &rcgen::KeyPair, exporter: &[u8; 32]| {
        let (session, keys) = &sessions[who];
        let leaf = interlock_broker::proof::sha256(&rcgen::PublicKeyData::subject_public_key_info(
            &keys.session,
        ));
        let statement = presence_statement(exporter, &leaf, super::GATEWAY);
        let signed = signed(key, &statement);
        let asserted = office
            .registrar
            .assert(session, &signed, super::GATEWAY, later);
        asserted.await.map_err(|why| why.to_string())
    };
    let strength = |who: usize| sessions[who].0.auth().strength.name();
    let wrong = assert(0, &in_files.authenticator, &EXPORTER).await;
    assert!(wrong.unwrap_err().contains("not the authenticator"));
    let elsewhere = assert(0, &in_token.authenticator, &[8; 32]).await;
    assert!(elsewhere.unwrap_err().contains("did not prove itself"));
    let file = assert(1, &in_files.authenticator, &EXPORTER).await;
    assert!(file.unwrap_err().contains("in a file"));
    assert_eq!(strength(0), "single-factor");
    assert(0, &in_token.authenticator, &EXPORTER).await.unwrap();
    assert_eq!(strength(0), "user-present");
    let again = assert(0, &in_token.authenticator, &EXPORTER).await;
    assert!(again.unwrap_err().contains("connect again"));
    assert_eq!(in_token.protection, KeyProtection::Token);
}

#[tokio::test]
async fn nobody_gets_another_machine_into_groups_that_they_may_not_give() {
    let office = Office::new();
    // An administrator trusts this vendor with more than vendors have.
    let (number, token) = office
        .invite("vendor/acme/vera", &["engineers"], noon())
        .await;
    let vera = Keys::in_files();
    office.enrol(&vera, token, noon()).await.unwrap();
    let adam = office.world.session("person/adam");
    let key = vera.device_key();
    let confirmed = office.registrar.confirm(&adam, number, &key, noon());
    confirmed.await.unwrap();
    issued(office.enrol(&vera, token, noon()).await);
    // Whoever uses the next invitation would be her, with all that she may.
    let emil = office.world.session("person/emil");
    let groups = ["vendors".to_owned()];
    let again = office
        .registrar
        .invite(&emil, "vendor/acme/vera", &groups, 600, noon());
    let again = again.await.err();
    assert!(matches!(again, Some(NotDone::Refused(_))), "{again:?}");
    office
        .invite("vendor/acme/vera", &["vendors"], noon())
        .await;
}

#[tokio::test]
async fn whoever_asks_again_says_nothing_new_of_their_keys() {
    let office = Office::new();
    let (number, token) = office
        .invite("vendor/acme/vera", &["vendors"], noon())
        .await;
    let keys = Keys::in_files();
    office.enrol(&keys, token, noon()).await.unwrap();
    let adam = office.world.session("person/adam");
    let key = keys.device_key();
    let confirmed = office.registrar.confirm(&adam, number, &key, noon());
    confirmed.await.unwrap();
    let mut better = keys.enrolment(token);
    better.device_protection = KeyProtection::Tpm;
    let given = office
        .registrar
        .enrol(&better, &EXPORTER, PEER, noon())
        .await;
    let pem = issued(given).certificate;
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    let identity = Identity::of_certificate(&pem.contents, "waterworks").unwrap();
    let protection = identity.bound().unwrap().protection;
    assert_eq!(protection, KeyProtection::Software);
}

#[tokio::test]
async fn an_invitation_of_somebody_who_was_revoked_since_opens_nothing() {
    let office = Office::new();
    let (_, token) = office
        .invite("person/ghost", &["administrators"], noon())
        .await;

    let adam = office.world.session("person/adam");
    let scope = Scope::Subject("person/adam".to_owned());
    let taken = adam.restrict(Measure::Revoke, scope, "his laptop is gone", noon());
    let mut taken = taken.unwrap();
    taken.recorded().await;
    let _told = taken.acknowledge();
    let ghost = Keys::in_files();
    let refused = office.enrol(&ghost, token, noon()).await;
    assert_eq!(code(refused), "inviter-revoked");
    // Nor after a restart.
    let office = office.restarted();
    let refused = office.enrol(&ghost, token, noon()).await;
    assert_eq!(code(refused), "inviter-revoked");
}

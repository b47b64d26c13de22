//! What a listing tells of who may act: a line of each kind.

use interlock_protocols::identity::{
    AuthStrength, KeyProtection, OsFamily, Posture, PostureSource,
};
use interlock_protocols::record::{
    Asserted, CertificateIssued, ClockAccepted, ClockDoubted, Enrolled, Enrolment,
    InvitationClosed, Invited, Measure, PostureChanged, RegisterKept, Reinstated, Restricted,
    Scope, TrustTakenUp,
};

use super::*;

const ADAM: &str = "spiffe://waterworks/person/adam";

fn enrolment() -> Enrolment {
    Enrolment {
        invitation: 1,
        subject: SUBJECT.into(),
        machine: "laptop-7".into(),
        device_key: [0xD1; 32],
        device_protection: KeyProtection::Software,
        authenticator: [0xA1; 32],
        authenticator_protection: KeyProtection::Token,
        peer: "192.0.2.9:50200".into(),
        session_key: [0x51; 32],
    }
}

fn enrolling() -> Vec<Event> {
    let enrolled = |confirmed_by: Option<&str>| {
        Event::Enrolled(Enrolled {
            enrolment: enrolment(),
            confirmed_by: confirmed_by.map(str::to_owned),
            session: confirmed_by.map(|_| 3),
        })
    };
    vec![
        Event::Invited(Invited {
            session: Some(3),
            by: ADAM.into(),
            subject: SUBJECT.into(),
            groups: vec!["operators".into()],
            token: [0x70; 32],
            until_ms: START_MS + 3_600_000,
        }),
        Event::EnrolmentAsked(enrolment()),
        enrolled(Some(ADAM)),
        enrolled(None),
        Event::CertificateIssued(CertificateIssued {
            subject: SUBJECT.into(),
            certificate: [0xC1; 32],
            key: [0x51; 32],
            device_key: [0xD1; 32],
            parent: None,
            ends_ms: START_MS + 3_600_000,
            auth: AuthStrength::UserPresent,
            auth_ms: START_MS,
        }),
        Event::InvitationClosed(InvitationClosed {
            invitation: 1,
            session: Some(3),
            by: ADAM.into(),
            reason: "sent to the wrong address".into(),
        }),
        Event::SessionOpened(SessionOpened {
            session: 2,
            subject: SUBJECT.into(),
            groups: vec!["operators".into()],
            peer: "192.0.2.9:50201".into(),
            certificate: [0xC1; 32],
            certificate_ends_ms: START_MS + 3_600_000,
            device_key: Some([0xD1; 32]),
            device_protection: Some(KeyProtection::Software),
            auth: Some(AuthStrength::UserPresent),
            auth_ms: Some(START_MS),
            authority: Some("issuer".into()),
        }),
    ]
}

fn posture() -> Event {
    Event::PostureChanged(PostureChanged {
        session: 2,
        subject: SUBJECT.into(),
        source: Some(PostureSource::Management),
        signer: "mdm".into(),
        posture: Some(Posture {
            device_key: [0xD1; 32],
            taken_ms: START_MS,
            os: OsFamily::Linux,
            os_version: "Debian 13".into(),
            patch_age_days: Some(3),
            disk_encrypted: Some(true),
            screen_lock: None,
            firewall: None,
            agent: None,
        }),
    })
}

fn events() -> Vec<Event> {
    let mut all = enrolling();
    all.extend([
        posture(),
        Event::Asserted(Asserted {
            session: 2,
            subject: SUBJECT.into(),
            authenticator: [0xA1; 32],
        }),
        Event::Restricted(Restricted {
            session: Some(3),
            by: ADAM.into(),
            measure: Measure::Isolate,
            scope: Scope::Device("mixer".into()),
            reason: "smoke".into(),
            sessions: vec![2],
            open: vec![],
        }),
        Event::Reinstated(Reinstated {
            session: 4,
            by: "spiffe://waterworks/person/ada".into(),
            restriction: 10,
            reason: "no fire".into(),
        }),
        Event::ClockDoubted(ClockDoubted {
            system_ms: START_MS - 3_600_000,
            counted_ms: START_MS,
        }),
        Event::ClockAccepted(ClockAccepted {
            by: "root".into(),
            reason: "the battery was changed".into(),
            system_ms: START_MS,
            counted_ms: START_MS - 5,
        }),
        Event::RegisterKept(RegisterKept {
            part: 0,
            parts: 1,
            through: 13,
            entries: vec![0; 16],
        }),
        Event::TrustTakenUp(TrustTakenUp {
            what: "approvers".into(),
            serial: 7,
            digest: [0x77; 32],
        }),
    ]);
    all
}

#[test]
fn who_may_act_is_told_a_line_for_each_kind() {
    let kinds: std::collections::BTreeSet<u64> = events().iter().map(Event::kind).collect();
    let wanted = (kind::INVITED..=kind::TRUST_TAKEN_UP).chain([kind::SESSION_OPENED]);
    assert_eq!(kinds, wanted.collect());
    let table = render(Format::Table, &told(events()), Some(100)).unwrap();
    assert_eq!(table, include_str!("../golden-identity.txt"), "{table}");
    let text = render(Format::Jsonl, &told(events()), None).unwrap();
    assert_eq!(text, include_str!("../golden-identity.jsonl"), "{text}");
}

/// A record in somebody's session is told as theirs, whoever it is about.
#[test]
fn what_somebody_confirmed_is_not_told_as_the_act_of_whom_they_confirmed() {
    let lines = told(events());
    let confirmed = &lines[2];
    assert_eq!(confirmed.session, Some(3));
    assert_eq!(confirmed.subject.as_deref(), Some(ADAM));
    assert_eq!(confirmed.detail.as_deref(), Some(SUBJECT));
    let alone = &lines[3];
    assert_eq!(alone.session, None);
    assert_eq!(alone.subject.as_deref(), Some(SUBJECT));
}

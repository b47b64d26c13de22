//! Records of who may act: one of every kind, and with any text in them.

use interlock_protocols::identity::{
    AuthStrength, KeyProtection, OsFamily, Posture, PostureSource,
};
use interlock_protocols::record::{
    Asserted, CertificateIssued, ClockAccepted, ClockDoubted, Enrolled, Enrolment, Event,
    InvitationClosed, Invited, Measure, PostureChanged, RegisterKept, Reinstated, Restricted,
    Scope, SessionOpened, TrustTakenUp,
};

const ADAM: &str = "spiffe://waterworks/person/adam";
const VICTOR: &str = "spiffe://waterworks/vendor/acme/victor";
const DAY_MS: i64 = 86_400_000;
const NOW_MS: i64 = 1_795_000_030_000;

fn enrolment(subject: &str, machine: &str) -> Enrolment {
    Enrolment {
        invitation: 24,
        subject: subject.to_owned(),
        machine: machine.to_owned(),
        device_key: [0xD1; 32],
        device_protection: KeyProtection::Tpm,
        authenticator: [0xA1; 32],
        authenticator_protection: KeyProtection::Token,
        peer: "198.51.100.9:50200".into(),
        session_key: [0x51; 32],
    }
}

fn posture(os_version: &str) -> Posture {
    Posture {
        device_key: [0xD1; 32],
        taken_ms: NOW_MS,
        os: OsFamily::Linux,
        os_version: os_version.to_owned(),
        patch_age_days: Some(3),
        disk_encrypted: Some(true),
        screen_lock: Some(false),
        firewall: None,
        agent: None,
    }
}

fn restricted(by: &str, measure: Measure, scope: Scope, reason: &str) -> Event {
    Event::Restricted(Restricted {
        session: Some(1_001),
        by: by.to_owned(),
        measure,
        scope,
        reason: reason.to_owned(),
        sessions: vec![1_000],
        open: vec![4],
    })
}

fn enrolling() -> Vec<Event> {
    vec![
        Event::Invited(Invited {
            session: Some(1_001),
            by: ADAM.into(),
            subject: VICTOR.into(),
            groups: vec!["vendors".into()],
            token: [0x70; 32],
            until_ms: NOW_MS + DAY_MS,
        }),
        Event::EnrolmentAsked(enrolment(VICTOR, "victors-laptop")),
        Event::Enrolled(Enrolled {
            enrolment: enrolment(VICTOR, "victors-laptop"),
            confirmed_by: Some(ADAM.into()),
            session: Some(1_001),
        }),
        Event::CertificateIssued(CertificateIssued {
            subject: VICTOR.into(),
            certificate: [0xC1; 32],
            key: [0x51; 32],
            device_key: [0xD1; 32],
            parent: None,
            ends_ms: NOW_MS + 3_600_000,
            auth: AuthStrength::SingleFactor,
            auth_ms: NOW_MS,
        }),
        Event::InvitationClosed(InvitationClosed {
            invitation: 25,
            session: None,
            by: "gateway".into(),
            reason: "its time is over".into(),
        }),
        Event::SessionOpened(SessionOpened {
            session: 1_002,
            subject: VICTOR.into(),
            groups: vec!["vendors".into()],
            peer: "198.51.100.9:50201".into(),
            certificate: [0xC1; 32],
            certificate_ends_ms: NOW_MS + 3_600_000,
            device_key: Some([0xD1; 32]),
            device_protection: Some(KeyProtection::Tpm),
            auth: Some(AuthStrength::SingleFactor),
            auth_ms: Some(NOW_MS),
            authority: Some("issuer".into()),
        }),
    ]
}

/// One of every kind.
pub(super) fn every() -> Vec<Event> {
    let changed = |source, posture| {
        Event::PostureChanged(PostureChanged {
            session: 1_002,
            subject: VICTOR.into(),
            source,
            signer: String::new(),
            posture,
        })
    };
    let mut all = enrolling();
    all.extend([
        changed(Some(PostureSource::Own), Some(posture("Debian 13"))),
        changed(None, None),
        Event::Asserted(Asserted {
            session: 1_002,
            subject: VICTOR.into(),
            authenticator: [0xA1; 32],
        }),
        restricted(
            ADAM,
            Measure::Revoke,
            Scope::Machine([0xD1; 32]),
            "the laptop was stolen",
        ),
        restricted(ADAM, Measure::Freeze, Scope::Zone("hall".into()), "smoke"),
        Event::Reinstated(Reinstated {
            session: 1_003,
            by: "spiffe://waterworks/person/ada".into(),
            restriction: 33,
            reason: "no fire".into(),
        }),
        Event::ClockDoubted(ClockDoubted {
            system_ms: 0,
            counted_ms: NOW_MS,
        }),
        Event::ClockAccepted(ClockAccepted {
            by: "root".into(),
            reason: "the battery was changed".into(),
            system_ms: NOW_MS + 1,
            counted_ms: NOW_MS,
        }),
        Event::RegisterKept(RegisterKept {
            part: 0,
            parts: 1,
            through: 36,
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

/// Every text of them set to the same one, lists long.
pub(super) fn hostile(text: &str) -> Vec<Event> {
    let text = || text.to_owned();
    let mut all = vec![
        Event::Invited(Invited {
            session: None,
            by: text(),
            subject: text(),
            groups: vec![text(); 300],
            token: [0; 32],
            until_ms: i64::MAX,
        }),
        Event::InvitationClosed(InvitationClosed {
            invitation: u64::MAX,
            session: None,
            by: text(),
            reason: text(),
        }),
        Event::EnrolmentAsked(enrolment(&text(), &text())),
        Event::Enrolled(Enrolled {
            enrolment: enrolment(&text(), &text()),
            confirmed_by: Some(text()),
            session: None,
        }),
        Event::CertificateIssued(CertificateIssued {
            subject: text(),
            certificate: [0; 32],
            key: [0; 32],
            device_key: [0; 32],
            parent: Some([0; 32]),
            ends_ms: i64::MIN,
            auth: AuthStrength::UserPresent,
            auth_ms: i64::MIN,
        }),
        Event::Reinstated(Reinstated {
            session: u64::MAX,
            by: text(),
            restriction: u64::MAX,
            reason: text(),
        }),
        Event::PostureChanged(PostureChanged {
            session: u64::MAX,
            subject: text(),
            source: Some(PostureSource::Management),
            signer: text(),
            posture: Some(posture(&text())),
        }),
        Event::Asserted(Asserted {
            session: u64::MAX,
            subject: text(),
            authenticator: [0; 32],
        }),
        Event::ClockAccepted(ClockAccepted {
            by: text(),
            reason: text(),
            system_ms: i64::MAX,
            counted_ms: i64::MIN,
        }),
        Event::TrustTakenUp(TrustTakenUp {
            what: text(),
            serial: u64::MAX,
            digest: [0; 32],
        }),
    ];
    let scopes = [
        Scope::Subject(text()),
        Scope::Window(text()),
        Scope::Device(text()),
        Scope::Zone(text()),
    ];
    all.extend(scopes.map(|scope| restricted(&text(), Measure::Isolate, scope, &text())));
    all
}

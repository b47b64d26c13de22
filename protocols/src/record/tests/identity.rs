//! One of each type that speaks of who may act, optional fields in both forms.

use super::*;
use crate::identity::{AuthStrength, KeyProtection, OsFamily, Posture, PostureSource};

fn subject() -> String {
    "spiffe://a/vendor/b/c".into()
}

fn enrolment() -> Enrolment {
    Enrolment {
        invitation: 18,
        subject: subject(),
        machine: "laptop".into(),
        device_key: [1; 32],
        device_protection: KeyProtection::Tpm,
        authenticator: [2; 32],
        authenticator_protection: KeyProtection::Token,
        peer: "[::1]:9".into(),
        session_key: [3; 32],
    }
}

fn posture() -> Posture {
    Posture {
        device_key: [1; 32],
        taken_ms: 1_700_000_000_000,
        os: OsFamily::Linux,
        os_version: "Debian 13".into(),
        patch_age_days: Some(3),
        disk_encrypted: Some(true),
        screen_lock: Some(false),
        firewall: None,
        agent: None,
    }
}

fn enrolling() -> Vec<Event> {
    let invited = |session| {
        Event::Invited(Invited {
            session,
            by: "edge".into(),
            subject: subject(),
            groups: vec!["vendors".into()],
            token: [4; 32],
            until_ms: 1_700_000_000_000,
        })
    };
    let closed = |session| {
        Event::InvitationClosed(InvitationClosed {
            invitation: 18,
            session,
            by: "spiffe://a/person/b".into(),
            reason: "gone".into(),
        })
    };
    let issued = |parent| {
        Event::CertificateIssued(CertificateIssued {
            subject: subject(),
            certificate: [5; 32],
            key: [3; 32],
            device_key: [1; 32],
            parent,
            ends_ms: 1_700_000_000_000,
            auth: AuthStrength::UserPresent,
            auth_ms: 1_699_000_000_000,
        })
    };
    vec![
        invited(None),
        invited(Some(7)),
        closed(None),
        closed(Some(7)),
        Event::EnrolmentAsked(enrolment()),
        Event::Enrolled(Enrolled {
            enrolment: enrolment(),
            confirmed_by: None,
            session: None,
        }),
        Event::Enrolled(Enrolled {
            enrolment: enrolment(),
            confirmed_by: Some("spiffe://a/person/b".into()),
            session: Some(7),
        }),
        issued(None),
        issued(Some([6; 32])),
    ]
}

fn restricting() -> Vec<Event> {
    let scopes = [
        (Measure::Revoke, Scope::Subject(subject())),
        (Measure::Revoke, Scope::Machine([1; 32])),
        (Measure::Downgrade, Scope::Session(7)),
        (Measure::Revoke, Scope::Window("w-1".into())),
        (Measure::Revoke, Scope::AllVendors),
        (Measure::Freeze, Scope::Device("mixer".into())),
        (Measure::Isolate, Scope::Zone("hall".into())),
        (Measure::Freeze, Scope::Site),
    ];
    let restricted = scopes.into_iter().map(|(measure, scope)| {
        Event::Restricted(Restricted {
            session: (measure == Measure::Freeze).then_some(7),
            by: "spiffe://a/person/b".into(),
            measure,
            scope,
            reason: "lost".into(),
            sessions: vec![8, 9],
            open: vec![300],
        })
    });
    let mut all: Vec<Event> = restricted.collect();
    all.push(Event::Reinstated(Reinstated {
        session: 7,
        by: "spiffe://a/person/b".into(),
        restriction: 23,
        reason: "found".into(),
    }));
    all
}

pub(super) fn samples() -> Vec<Event> {
    let changed = |source, posture| {
        Event::PostureChanged(PostureChanged {
            session: 7,
            subject: subject(),
            source,
            signer: "mdm".into(),
            posture,
        })
    };
    let mut all = enrolling();
    all.extend(restricting());
    all.extend([
        changed(None, None),
        changed(Some(PostureSource::Management), Some(posture())),
        Event::Asserted(Asserted {
            session: 7,
            subject: subject(),
            authenticator: [2; 32],
        }),
        Event::ClockDoubted(ClockDoubted {
            system_ms: -1,
            counted_ms: 5,
        }),
        Event::ClockAccepted(ClockAccepted {
            by: "root".into(),
            reason: "battery".into(),
            system_ms: 6,
            counted_ms: 5,
        }),
        Event::RegisterKept(RegisterKept {
            part: 1,
            parts: 2,
            through: 299,
            entries: vec![1, 2],
        }),
        Event::TrustTakenUp(TrustTakenUp {
            what: "plant".into(),
            serial: 4,
            digest: [7; 32],
        }),
        Event::SessionOpened(SessionOpened {
            session: 7,
            subject: subject(),
            groups: vec![],
            peer: "[::1]:9".into(),
            certificate: [5; 32],
            certificate_ends_ms: 1_700_000_000_000,
            device_key: Some([1; 32]),
            device_protection: Some(KeyProtection::Software),
            auth: Some(AuthStrength::SingleFactor),
            auth_ms: Some(1_699_000_000_000),
            authority: Some("issuer".into()),
        }),
    ]);
    all
}

//! The messages that speak of who may act, and those of the identity port, in a fixed form.

use super::*;
use crate::identity::{
    AuthStrength, EnrolRequest, IdentityReply, KeyProtection, LoginRequest, PostureReport,
    PostureSource, Signed,
};
use crate::record::{Measure, Scope};

fn signed(byte: u8) -> Signed {
    Signed {
        key: vec![byte; 3],
        signature: vec![byte, 0xFF],
    }
}

fn report() -> PostureReport {
    PostureReport {
        source: PostureSource::Management,
        statement: vec![1, 2],
        signer: "mdm".into(),
        signature: vec![3; 4],
    }
}

pub(super) fn from_client() -> Vec<FromClient> {
    let (device, posture) = (signed(1), report());
    let asks = [
        Ask::Invite {
            subject: "person/b".into(),
            groups: vec!["operators".into()],
            valid_s: 3_600,
        },
        Ask::Invitations,
        Ask::CloseInvitation {
            invitation: 18,
            reason: "gone".into(),
        },
        Ask::ConfirmEnrolment {
            invitation: 18,
            device_key: [1; 32],
        },
        Ask::Identities,
        Ask::Sessions,
        Ask::Restrict {
            measure: Measure::Freeze,
            scope: Scope::Zone("hall".into()),
            reason: "smoke".into(),
        },
        Ask::Restrictions,
        Ask::Reinstate {
            restriction: 23,
            reason: "found".into(),
        },
    ];
    let mut all = vec![
        FromClient::Prove {
            device: device.clone(),
            posture: None,
        },
        FromClient::Prove {
            device: device.clone(),
            posture: Some(posture.clone()),
        },
        FromClient::Posture { device, posture },
        FromClient::Assert {
            call: 9,
            authenticator: signed(2),
        },
    ];
    all.extend(asks.map(|ask| FromClient::Ask { call: 9, ask }));
    all
}

fn session_row() -> SessionRow {
    SessionRow {
        session: 7,
        subject: "s".into(),
        machine: "laptop".into(),
        device_key: Some([1; 32]),
        peer: "[::1]:9".into(),
        devices: vec!["mixer".into()],
        since_ms: 1_700_000_000_000,
        last_ms: None,
        last: String::new(),
        auth: AuthStrength::UserPresent,
        auth_ms: 1_699_000_000_000,
        ends_ms: 1_700_000_000_001,
        read_only: true,
        posture: "healthy".into(),
    }
}

fn identity_row() -> IdentityRow {
    IdentityRow {
        subject: "s".into(),
        owner: "o".into(),
        groups: vec!["g".into()],
        machine: "laptop".into(),
        device_key: [1; 32],
        device_protection: KeyProtection::Tpm,
        authenticator_protection: KeyProtection::Token,
        enrolled_ms: 1_699_000_000_000,
        ends_ms: Some(1_700_000_000_000),
        used_ms: None,
        standing: IdentityStanding::Disabled,
        unused: true,
        may: vec!["read".into()],
        never_used: vec!["write".into()],
    }
}

fn answers() -> [Answer; 6] {
    [
        Answer::Invited(Invited {
            invitation: 18,
            token: [4; 16],
            port: 4_803,
            server_name: "g.a".into(),
            fingerprint: [5; 32],
            until_ms: 1_700_000_000_000,
            confirm: true,
        }),
        Answer::Invitations(vec![InvitationRow {
            invitation: 18,
            subject: "s".into(),
            by: "b".into(),
            groups: vec![],
            until_ms: 1_700_000_000_000,
            waiting: Some([1; 32]),
            machine: "laptop".into(),
            peer: "[::1]:9".into(),
        }]),
        Answer::Identities(vec![identity_row()]),
        Answer::Sessions(vec![session_row()]),
        Answer::Restricted(Acknowledged {
            restriction: None,
            durable: false,
            sessions: vec![7],
            open: vec![OpenWrite {
                intent: 300,
                session: 7,
                device: "mixer".into(),
                what: "w".into(),
            }],
        }),
        Answer::Restrictions(vec![RestrictionRow {
            restriction: 23,
            measure: Measure::Isolate,
            scope: Scope::AllVendors,
            machine: String::new(),
            by: "b".into(),
            reason: "r".into(),
            since_ms: 1_700_000_000_000,
        }]),
    ]
}

pub(super) fn to_client() -> Vec<ToClient> {
    let mut all = vec![ToClient::Warning {
        text: "t".into(),
        ends_ms: 1_700_000_000_000,
    }];
    all.extend(answers().map(|answer| ToClient::Answer {
        call: 9,
        answer,
        more: true,
    }));
    all
}

fn enrol() -> EnrolRequest {
    EnrolRequest {
        version: 1,
        token: [4; 16],
        machine: "laptop".into(),
        session: signed(1),
        device: signed(2),
        device_protection: KeyProtection::Software,
        authenticator: signed(3),
        authenticator_protection: KeyProtection::Token,
    }
}

fn logins() -> [LoginRequest; 2] {
    [None, Some([6; 32])].map(|parent| LoginRequest {
        version: 1,
        subject: "s".into(),
        session: signed(1),
        device: signed(2),
        authenticator: signed(3),
        parent,
        present: parent.is_none(),
    })
}

fn replies() -> [IdentityReply; 3] {
    [
        IdentityReply::Issued {
            certificate: "c".into(),
            gateway_ca: "ca".into(),
            server_name: "g.a".into(),
            conduit_port: 4_802,
            subject: "s".into(),
            ends_ms: 1_700_000_000_000,
        },
        IdentityReply::Waiting {
            invitation: 18,
            device_key: [2; 32],
        },
        IdentityReply::Refused {
            code: "used".into(),
            reason: "r".into(),
            next: "n".into(),
        },
    ]
}

pub(super) fn golden() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = from_client().iter().map(Message::encode).collect();
    all.extend(to_client().iter().map(Message::encode));
    all.push(enrol().encode());
    all.extend(logins().iter().map(Message::encode));
    all.extend(replies().iter().map(Message::encode));
    all
}

#[test]
fn each_comes_back_and_none_passes_for_another() {
    for message in from_client() {
        assert_eq!(FromClient::decode(&message.encode()), Ok(message));
    }
    for message in to_client() {
        assert_eq!(ToClient::decode(&message.encode()), Ok(message));
    }
    assert_eq!(EnrolRequest::decode(&enrol().encode()), Ok(enrol()));
    for message in logins() {
        assert_eq!(LoginRequest::decode(&message.encode()), Ok(message));
    }
    for message in replies() {
        assert_eq!(IdentityReply::decode(&message.encode()), Ok(message));
    }
    assert!(LoginRequest::decode(&enrol().encode()).is_err());
    for message in logins() {
        assert!(EnrolRequest::decode(&message.encode()).is_err());
    }
}

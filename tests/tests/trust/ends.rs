//! A certificate that ends in the middle of a session.

use interlock::keys::FileKey;
use interlock_broker::clock::Clock;
use interlock_broker::proof::sha256;
use interlock_broker::subject::{Bound, SubjectId};
use interlock_protocols::conduit::{ALPN, ToClient};
use interlock_protocols::identity::{AuthStrength, KeyProtection};
use interlock_protocols::record::Event;
use interlock_tests::harness::{Bench, Gateway, Pass};

use crate::peer::Peer;

/// A certificate of the gateway's own issuer that ends this soon.
fn ending_in(gateway: &Gateway, ms: i64) -> Pass {
    let (session, device) = (FileKey::generate().unwrap(), FileKey::generate().unwrap());
    let now = Clock::start().now();
    let bound = Bound {
        device_key: sha256(device.spki()),
        protection: KeyProtection::Software,
        auth: AuthStrength::UserPresent,
        auth_ms: now.wall_ms(),
    };
    let subject = SubjectId::parse("spiffe://waterworks/person/olga").unwrap();
    let ends_ms = now.wall_ms() + ms;
    let signed =
        gateway
            .authority("issuer")
            .sign_client(&subject, session.spki(), &bound, ends_ms, now);
    Pass {
        certificate: signed.unwrap(),
        session,
        device,
    }
}

#[test]
fn a_certificate_that_ends_is_warned_of_once_and_ends_the_session_with_the_reason_said() {
    let bench = Bench::start();
    let gateway = &bench.gateway;
    let peer = Peer::new(gateway, Some(ending_in(gateway, 4_000)), ALPN);
    let (_connection, _send, mut frames) = peer.welcome();
    let (warnings, reason) = peer.wait("end of the session", async {
        let mut warnings = Vec::new();
        loop {
            match frames.next().await.unwrap() {
                ToClient::Warning { text, ends_ms } => warnings.push((text, ends_ms)),
                ToClient::Ending { reason } => return (warnings, reason),
                _ => {}
            }
        }
    });
    let [(text, ends_ms)] = warnings.as_slice() else {
        panic!("one warning: {warnings:?}");
    };
    assert!(
        text.contains("your certificate ends in less than a minute"),
        "{text}"
    );
    assert_eq!(reason, "your certificate has ended");
    assert!(
        Clock::start().now().wall_ms() + 1_000 >= *ends_ms,
        "it ended too soon"
    );
    let recorded = gateway.record("end of the session", |record| match &record.event {
        Event::SessionEnded(ended) => Some(ended.reason.clone()),
        _ => None,
    });
    assert_eq!(recorded, reason);
    // In the second of its end TLS still takes it, and the gateway does not.
    let first = peer.session().map(|session| session.3);
    let refused = matches!(first, Err(_) | Ok(ToClient::Refused { .. }));
    assert!(refused, "an ended certificate opens nothing: {first:?}");
}

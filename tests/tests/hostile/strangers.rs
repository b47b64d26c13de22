//! Who is let in: one certificate, shown anew at each connection.

use interlock::keys::FileKey;
use interlock_broker::authority::Authority;
use interlock_broker::clock::{Clock, Now};
use interlock_protocols::conduit::{ALPN, ToClient};
use interlock_protocols::record::Event;
use interlock_tests::harness::{Bench, Pass};

use crate::peer::Peer;

const DAY_MS: i64 = 24 * 3_600 * 1_000;

fn days_ago(days: i64) -> Now {
    let now = Clock::start().now();
    Now::new(now.wall_ms() - days * DAY_MS, now.mono())
}

/// Sessions that the journal of a stopped gateway has.
fn sessions(bench: &mut Bench) -> usize {
    let records = bench.settle();
    let opened = |event: &&Event| matches!(event, Event::SessionOpened(_));
    records.events.iter().filter(opened).count()
}

#[test]
fn each_connection_shows_its_certificate_and_nothing_is_resumed() {
    let mut bench = Bench::start();
    let peer = Peer::of(&bench.gateway, "person/olga");
    for round in 1..=3 {
        // What came over the session came after any ticket would have.
        let (connection, early) = peer.connect();
        assert!(!early, "round {round}: early data could be sent");
        drop(connection);
        let (connection, _control, _frames) = peer.welcome();
        assert_eq!(
            peer.tickets.count(),
            0,
            "round {round}: a ticket was issued"
        );
        assert_eq!(peer.asked.times(), 2 * round, "full handshakes");
        connection.close(0_u32.into(), b"");
    }
    assert_eq!(sessions(&mut bench), 3);
}

#[test]
fn who_cannot_show_the_right_certificate_has_no_session() {
    let mut bench = Bench::start();
    let now = days_ago(0);
    let gateway = &bench.gateway;
    let identities = gateway.authority("issuer");
    let olga = "spiffe://waterworks/person/olga";
    let stranger = Authority::create("identity issuer of waterworks", now).unwrap();
    let server = identities
        .issue_gateway("gateway-1.waterworks", now)
        .unwrap();
    let passes = [
        (
            "another authority",
            Pass::signed_by(&Authority::open(&stranger).unwrap(), olga, now),
        ),
        (
            "the gateway authority",
            Pass::signed_by(&gateway.authority("gateway-ca"), olga, now),
        ),
        (
            "another site",
            Pass::signed_by(&identities, "spiffe://otherworks/person/olga", now),
        ),
        ("expired", Pass::signed_by(&identities, olga, days_ago(2))),
        (
            "not valid yet",
            Pass::signed_by(&identities, olga, days_ago(-2)),
        ),
        (
            "no client at all",
            Pass {
                certificate: server.certificate,
                session: FileKey::parse(&server.key).unwrap(),
                device: FileKey::generate().unwrap(),
            },
        ),
    ];
    for (name, pass) in passes {
        let peer = Peer::new(gateway, Some(pass), ALPN);
        let session = peer.session();
        let said = session.map(|(_, _, _, first)| first);
        assert!(said.is_err(), "{name}: {said:?}");
    }
    let nobody = Peer::new(gateway, None, ALPN);
    assert!(nobody.session().is_err(), "without a certificate");
    let good = || Pass::signed_by(&identities, olga, now);
    for alpn in [&b"interlock/2"[..], b"h3", b""] {
        let peer = Peer::new(gateway, Some(good()), alpn);
        assert!(peer.session().is_err(), "{alpn:?}");
    }
    // The same certificate does open a session: it is not the test that keeps the others out.
    let (_, _, _, first) = Peer::new(gateway, Some(good()), ALPN).session().unwrap();
    assert!(matches!(first, ToClient::Hello { .. }), "{first:?}");
    assert_eq!(sessions(&mut bench), 1);
    assert_eq!(bench.press.seen().received(), [0; 0]);
}

#[test]
fn a_crowd_of_strangers_keeps_nobody_out_for_long() {
    let mut bench = Bench::start();
    let nobody = Peer::new(&bench.gateway, None, ALPN);
    for _ in 0..100 {
        // The transport may say that it is up before the edge has looked for a certificate.
        if let (Ok(connection), _) = nobody.connect() {
            nobody.closed(&connection);
        }
    }
    let read = bench
        .gateway
        .client("person/olga", &["read", "press-4", "speed"]);
    assert_eq!(read.code, 0, "{read}");
    assert_eq!(sessions(&mut bench), 1);
}

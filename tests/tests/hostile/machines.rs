//! A certificate is good on one machine. Whoever has stolen one, or a machine, has nothing yet.

use interlock::keys::FileKey;
use interlock_broker::proof::sha256;
use interlock_protocols::conduit::{ALPN, FromClient, Message, ToClient};
use interlock_protocols::identity::{EXPORTER_LABEL, Signed, proof_statement};
use interlock_protocols::record::Event;
use interlock_tests::harness::{Bench, Gateway, Pass};
use quinn::Connection;
use rcgen::{
    CertificateParams, DnType, DnValue, ExtendedKeyUsagePurpose, Issuer, KeyPair, SanType,
    SubjectPublicKeyInfo,
};

use crate::peer::{Peer, SERVER_NAME, hello, proof_by};

fn pass_of(gateway: &Gateway, subject: &str) -> Pass {
    Pass::of_profile(&gateway.issue(subject))
}

/// What a client is told that is not let in: both halves, in words.
#[track_caller]
fn assert_refused(what: &str, first: &ToClient, because: &str) {
    let ToClient::Refused { reason, next } = first else {
        panic!("{what}: {first:?}");
    };
    assert!(reason.contains(because), "{what}: {reason}");
    assert!(!next.is_empty(), "{what}: {reason}");
}

/// How many sessions there were.
fn sessions(events: &[Event]) -> usize {
    let opened = |event: &&Event| matches!(event, Event::SessionOpened(_));
    events.iter().filter(opened).count()
}

/// A key that is named, and a signature of another over the right statement.
fn borrowed(named: &FileKey, by: &FileKey, leaf: &FileKey, connection: &Connection) -> Vec<u8> {
    let mut exporter = [0; 32];
    connection
        .export_keying_material(&mut exporter, EXPORTER_LABEL, b"")
        .unwrap();
    let leaf = sha256(leaf.spki());
    let statement = proof_statement(&exporter, &leaf, SERVER_NAME, &[0; 32]);
    let device = Signed {
        key: named.spki().to_vec(),
        signature: by.sign(&statement).unwrap().signature,
    };
    let prove = FromClient::Prove {
        device,
        posture: None,
    };
    prove.to_frame().unwrap()
}

#[test]
fn a_stolen_certificate_and_its_key_open_nothing_without_the_machine() {
    let mut bench = Bench::start();
    let olga = pass_of(&bench.gateway, "person/olga");
    let emil = pass_of(&bench.gateway, "person/emil");
    let made_up = FileKey::generate().unwrap();
    let thief = Peer::of(&bench.gateway, "person/olga");
    let bye = FromClient::Bye.to_frame().unwrap();
    type Said<'a> = Box<dyn Fn(&Connection) -> Vec<u8> + 'a>;
    let attempts: [(&str, Said<'_>, &str); 6] = [
        ("no proof", Box::new(|_| bye.clone()), "no proof"),
        (
            "a key made up",
            Box::new(|at| proof_by(&made_up, &olga.session, at)),
            "another machine",
        ),
        (
            "another machine that is enrolled",
            Box::new(|at| proof_by(&emil.device, &olga.session, at)),
            "another machine",
        ),
        (
            "the key of the session in place of the machine's",
            Box::new(|at| proof_by(&olga.session, &olga.session, at)),
            "another machine",
        ),
        (
            "the right key, signed by another",
            Box::new(|at| borrowed(&olga.device, &emil.device, &olga.session, at)),
            "did not prove",
        ),
        (
            "the machine's proof for another certificate",
            Box::new(|at| proof_by(&olga.device, &emil.session, at)),
            "did not prove",
        ),
    ];
    for (what, said, because) in &attempts {
        let session = thief.session_saying(|at| [hello(), said(at)].concat());
        let (connection, _send, _frames, first) = session.unwrap();
        assert_refused(what, &first, because);
        thief.closed(&connection);
    }
    // The same certificate with its machine does open a session.
    thief.welcome();
    let records = bench.settle();
    assert_eq!(sessions(&records.events), 1);
    assert_eq!(records.denied("machine-not-proven"), 3);
    assert_eq!(records.denied("other-machine"), 3);
    for denial in &records.denials {
        assert!(denial.subject.ends_with("/person/olga"), "{denial:?}");
        assert!(denial.detail.contains("127.0.0.1:"), "{denial:?}");
    }
    assert_eq!(bench.press.seen().received(), [0; 0]);
}

#[test]
fn a_proof_that_was_listened_to_opens_no_other_connection() {
    let mut bench = Bench::start();
    let olga = Peer::of(&bench.gateway, "person/olga");
    let mut said = Vec::new();
    let first = olga.session_saying(|at| {
        said = [hello(), olga.proof(at)].concat();
        said.clone()
    });
    let (_connection, _send, _frames, first) = first.unwrap();
    assert!(matches!(first, ToClient::Hello { .. }), "{first:?}");
    // While that session stands, and from the same machine.
    let again = olga.session_saying(|_| said.clone()).unwrap();
    assert_refused("replayed", &again.3, "did not prove");
    let records = bench.settle();
    assert_eq!(sessions(&records.events), 1);
    assert_eq!(records.denied("machine-not-proven"), 1);
}

#[test]
fn a_folder_copied_to_another_machine_is_refused_in_words() {
    let mut bench = Bench::start();
    let gateway = &bench.gateway;
    let olga = gateway.issue("person/olga");
    let emil = gateway.issue("person/emil");
    // What of it can be copied: the machine's key of another may be in a token, or have stayed.
    std::fs::copy(olga.join("client.pem"), emil.join("client.pem")).unwrap();
    let refused = gateway.client("person/emil", &["read", "press-4", "speed"]);
    assert_eq!(refused.code, 4, "{refused}");
    let told = refused.to_string();
    assert!(told.contains("made for another machine"), "{refused}");
    assert!(told.contains("next: "), "{refused}");
    std::fs::remove_file(emil.join("device.key")).unwrap();
    let refused = gateway.client("person/emil", &["read", "press-4", "speed"]);
    assert_eq!(refused.code, 7, "{refused}");
    let read = gateway.client("person/olga", &["read", "press-4", "speed"]);
    assert_eq!(read.code, 0, "{read}");
    let records = bench.settle();
    assert_eq!(sessions(&records.events), 1);
    assert_eq!(records.denied("other-machine"), 1);
}

/// A certificate of the gateway's own issuer such as the gateway never makes: `beside` is what
/// stands in its subject beside the name.
fn forged(gateway: &Gateway, uri: &str, beside: &[(u64, &str)]) -> Pass {
    let key = |end: &str| {
        let file = gateway.site().join(format!("keys/issuer.{end}"));
        std::fs::read_to_string(file).unwrap()
    };
    let issuer = KeyPair::from_pem(&key("key")).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&key("pem"), issuer).unwrap();
    let (session, device) = (FileKey::generate().unwrap(), FileKey::generate().unwrap());
    let mut params = CertificateParams::default();
    for (last, text) in beside {
        let text = text.replace("MACHINE", &hex_of(&sha256(device.spki())));
        params.distinguished_name.push(
            DnType::CustomDnType(vec![2, 5, 4, *last]),
            DnValue::Utf8String(text),
        );
    }
    params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let spki = SubjectPublicKeyInfo::from_der(session.spki()).unwrap();
    Pass {
        certificate: params.signed_by(&spki, &issuer).unwrap().pem(),
        session,
        device,
    }
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const SERIAL_NUMBER: u64 = 5;
const DESCRIPTION: u64 = 13;
const BOUND: &str = "device-key=software auth=user-present auth-time=1795000000";

#[test]
fn a_certificate_that_binds_no_machine_opens_no_session_whoever_signed_it() {
    let mut bench = Bench::start();
    let olga = "spiffe://waterworks/person/olga";
    let all = [(SERIAL_NUMBER, "MACHINE"), (DESCRIPTION, BOUND)];
    let loud = BOUND.to_uppercase();
    let cases: [(&str, &[(u64, &str)]); 5] = [
        ("nothing", &[]),
        ("no description", &all[..1]),
        ("no machine", &all[1..]),
        (
            "a machine cut short",
            &[(SERIAL_NUMBER, "00"), (DESCRIPTION, BOUND)],
        ),
        (
            "another spelling",
            &[(SERIAL_NUMBER, "MACHINE"), (DESCRIPTION, &loud)],
        ),
    ];
    for (what, beside) in cases {
        let pass = forged(&bench.gateway, olga, beside);
        let peer = Peer::new(&bench.gateway, Some(pass), ALPN);
        let (_, _, _, first) = peer.session().unwrap();
        assert_refused(what, &first, "on which machine");
    }
    let pass = forged(&bench.gateway, olga, &all);
    Peer::new(&bench.gateway, Some(pass), ALPN).welcome();
    let records = bench.settle();
    assert_eq!(sessions(&records.events), 1);
    assert_eq!(records.denied("no-machine"), 5);
}

#[test]
fn a_machine_is_no_subject_even_to_the_right_issuer() {
    let mut bench = Bench::start();
    let all = [(SERIAL_NUMBER, "MACHINE"), (DESCRIPTION, BOUND)];
    for uri in [
        "spiffe://waterworks/device/laptop-7",
        "spiffe://waterworks/machine/laptop-7",
        "spiffe://waterworks/gateway/gateway-1",
        "spiffe://waterworks",
    ] {
        let pass = forged(&bench.gateway, uri, &all);
        let peer = Peer::new(&bench.gateway, Some(pass), ALPN);
        let said = peer.session().map(|(_, _, _, first)| first);
        assert!(said.is_err(), "{uri}: {said:?}");
    }
    let records = bench.settle();
    assert_eq!(sessions(&records.events), 0);
    assert_eq!(bench.press.seen().received(), [0; 0]);
}

use std::collections::BTreeMap;

use interlock_broker::authority::{Authority, Credential};
use interlock_broker::clock::Now;
use interlock_broker::journal::{Journal, Memory, Options};
use interlock_broker::subject::{Bound, SubjectId};
use interlock_protocols::identity::{AuthStrength, KeyProtection};
use interlock_protocols::record::{Event, SessionEnded};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::*;
use crate::config::SinkKind;
use crate::sink::MemoryCursors;
use crate::sink::samples::every;

const COLLECTOR: &str = "collector.site";

/// A collector of the test's own, a journal, and the sink between them.
struct Scene {
    sink: Syslog,
    journal: Journal,
    shelf: Shelf,
    clock: Clock,
    listener: TcpListener,
    acceptor: TlsAcceptor,
    _dir: TempDir,
}

impl Scene {
    async fn new(payload: Payload, versions: &[&'static SupportedProtocolVersion]) -> Scene {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::start();
        let (root, server, client) = credentials(clock.now());
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let tls = SinkTls {
            server_name: COLLECTOR.to_owned(),
            ca: write("ca.pem", &root.certificate),
            certificate: write("client.pem", &client.certificate),
            key: write("client.key", &client.key),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = SinkConfig {
            name: "siem".to_owned(),
            kind: SinkKind::SyslogOcsf,
            address: listener.local_addr().unwrap().to_string(),
            tls,
            required: true,
        };
        let (journal, _) = Journal::open(Memory::new().storage(), Options::default(), 1).unwrap();
        let source = Source {
            site: "waterworks".to_owned(),
            gateway: "gate-1".to_owned(),
            devices: BTreeMap::new(),
            journal: journal.clone(),
            cursors: Arc::new(MemoryCursors::default()),
            clock,
        };
        Scene {
            sink: Syslog::new(&config, &source, payload),
            shelf: Shelf::new(&journal),
            journal,
            clock,
            listener,
            acceptor: acceptor(&root, &server, versions),
            _dir: dir,
        }
    }

    /// Records these, and gives the lines as a sink gets them.
    async fn record(&self, events: Vec<Event>) -> Vec<Line> {
        let mut last = 0;
        for event in events {
            let pending = self.journal.commit(1_000, event).unwrap();
            last = pending.sequence();
            pending.await.unwrap();
        }
        let mut lines = Vec::new();
        for sequence in 1..=last {
            lines.push(self.shelf.record(sequence).await.unwrap().unwrap());
        }
        lines
    }

    /// Connects the sink; the collector's end of it.
    async fn connect(&mut self) -> TlsStream<TcpStream> {
        let accept = async {
            let (stream, _) = self.listener.accept().await.unwrap();
            self.acceptor.accept(stream).await.unwrap()
        };
        let (connected, stream) = tokio::join!(self.sink.connect(&self.shelf), accept);
        assert_eq!(connected.unwrap(), Has::Unsaid);
        stream
    }
}

fn credentials(now: Now) -> (Credential, Credential, Credential) {
    let root = Authority::create("sinks", now).unwrap();
    let authority = Authority::open(&root).unwrap();
    let subject = SubjectId::parse("spiffe://waterworks/workload/gate-1").unwrap();
    let server = authority.issue_gateway(COLLECTOR, now).unwrap();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let bound = Bound {
        device_key: [0; 32],
        protection: KeyProtection::Software,
        auth: AuthStrength::SingleFactor,
        auth_ms: now.wall_ms(),
    };
    let (spki, ends_ms) = (key.subject_public_key_info(), now.wall_ms() + 3_600_000);
    let signed = authority.sign_client(&subject, &spki, &bound, ends_ms, now);
    let client = Credential {
        certificate: signed.unwrap(),
        key: key.serialize_pem(),
    };
    (root, server, client)
}

fn acceptor(
    root: &Credential,
    server: &Credential,
    versions: &[&'static SupportedProtocolVersion],
) -> TlsAcceptor {
    let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(der(&root.certificate)).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .unwrap();
    let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![der(&server.certificate)], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Reads one message.
async fn message(stream: &mut TlsStream<TcpStream>) -> String {
    let mut length = 0;
    loop {
        match stream.read_u8().await.unwrap() {
            b' ' => break,
            digit => length = length * 10 + usize::from(digit - b'0'),
        }
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await.unwrap();
    String::from_utf8(message).unwrap()
}

fn ended(reason: &str) -> Event {
    Event::SessionEnded(SessionEnded {
        session: 1,
        subject: "spiffe://waterworks/person/emil".to_owned(),
        reason: reason.to_owned(),
    })
}

#[tokio::test]
async fn what_was_sent_is_acknowledged_once_the_connection_has_lived_on() {
    for versions in [[&TLS12], [&TLS13]] {
        let mut scene = Scene::new(Payload::Ocsf, &versions).await;
        let lines = scene.record(vec![ended("a"), ended("b"), ended("c")]).await;
        let mut collector = scene.connect().await;
        let before = scene.clock.now().mono();
        assert_eq!(scene.sink.deliver(&lines).await.unwrap(), 0);
        for reason in ["\"a\"", "\"b\"", "\"c\""] {
            assert!(message(&mut collector).await.contains(reason));
        }
        assert_eq!(scene.sink.quiet().await.unwrap(), 3);
        assert!(scene.clock.now().mono().since(before) >= SYSLOG_SETTLE);
    }
}

#[tokio::test]
async fn what_was_read_and_followed_by_the_end_is_not_acknowledged() {
    let mut scene = Scene::new(Payload::Ocsf, &[&TLS13]).await;
    let lines = scene.record(vec![ended("a")]).await;
    let mut collector = scene.connect().await;
    assert_eq!(scene.sink.deliver(&lines).await.unwrap(), 0);
    message(&mut collector).await;
    drop(collector);
    let error = scene.sink.quiet().await.unwrap_err();
    assert!(matches!(error, SinkError::Unreachable(_)), "{error}");
    // And the next connection begins with it.
    let mut collector = scene.connect().await;
    assert_eq!(scene.sink.deliver(&lines).await.unwrap(), 0);
    assert!(message(&mut collector).await.contains("\"a\""));
    assert_eq!(scene.sink.quiet().await.unwrap(), 1);
}

#[tokio::test]
async fn an_end_is_seen_while_records_go_on_being_sent() {
    let mut scene = Scene::new(Payload::Ocsf, &[&TLS13]).await;
    let lines = scene.record(vec![ended("a")]).await;
    let mut collector = scene.connect().await;
    assert_eq!(scene.sink.deliver(&lines).await.unwrap(), 0);
    message(&mut collector).await;
    drop(collector);
    // Never idle, so nobody waits for the end: the looks between must find it.
    let error = loop {
        match scene.sink.deliver(&lines).await {
            Ok(settled) => assert_eq!(settled, 0),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, SinkError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn nothing_settles_on_a_connection_whose_end_is_at_hand() {
    let mut scene = Scene::new(Payload::Ocsf, &[&TLS13]).await;
    let lines = scene.record(vec![ended("a")]).await;
    let mut collector = scene.connect().await;
    assert_eq!(scene.sink.deliver(&lines).await.unwrap(), 0);
    message(&mut collector).await;
    // Its system has taken all; from here on only time is missing.
    assert_eq!(scene.sink.deliver(&[]).await.unwrap(), 0);
    drop(collector);
    sleep(2 * SYSLOG_SETTLE).await;
    let error = scene.sink.deliver(&[]).await.unwrap_err();
    assert!(matches!(error, SinkError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn a_sink_that_starts_in_the_middle_knows_what_came_before() {
    let (_, records) = every();
    let events = records.into_iter().take(5).map(|record| record.event);
    let mut scene = Scene::new(Payload::Zeek, &[&TLS13]).await;
    let lines = scene.record(events.collect()).await;
    let mut collector = scene.connect().await;
    // The fifth is an outcome, its intent the fourth, its session the third.
    assert_eq!(scene.sink.deliver(&lines[4..5]).await.unwrap(), 0);
    let line = message(&mut collector).await;
    assert!(
        line.contains("\"func\":\"WRITE_MULTIPLE_REGISTERS\""),
        "{line}"
    );
    assert!(line.contains("\"id.orig_h\":\"198.51.100.7\""), "{line}");
}

#[tokio::test]
async fn records_that_have_no_line_are_acknowledged_all_the_same() {
    let mut scene = Scene::new(Payload::Zeek, &[&TLS13]).await;
    let lines = scene.record(vec![ended("a"), ended("b")]).await;
    let _collector = scene.connect().await;
    assert_eq!(scene.sink.deliver(&lines).await.unwrap(), 0);
    assert_eq!(scene.sink.quiet().await.unwrap(), 2);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_not_left_out() {
    let mut scene = Scene::new(Payload::Ocsf, &[&TLS13]).await;
    let mut lines = scene.record(vec![ended("a"), ended("b")]).await;
    let _collector = scene.connect().await;
    lines[1].bytes.pop();
    let error = scene.sink.deliver(&lines).await.unwrap_err();
    assert!(
        error.to_string().contains("record 2 cannot be told"),
        "{error}"
    );
}

#[tokio::test]
async fn who_does_not_speak_tls_is_unreachable() {
    let mut scene = Scene::new(Payload::Ocsf, &[&TLS13]).await;
    let chat = async {
        use tokio::io::AsyncWriteExt;
        let (mut stream, _) = scene.listener.accept().await.unwrap();
        stream
            .write_all(b"220 mail.example ESMTP\r\n")
            .await
            .unwrap();
    };
    let (connected, ()) = tokio::join!(scene.sink.connect(&scene.shelf), chat);
    let error = connected.unwrap_err();
    assert!(matches!(error, SinkError::Unreachable(_)), "{error}");
    assert!(scene.sink.deliver(&[]).await.is_err());
}

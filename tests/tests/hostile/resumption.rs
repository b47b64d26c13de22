//! Ways around the certificate: a session taken up again, and data before the handshake has ended.
//!
//! Clients of OpenSSL 3.0 speak no QUIC, so the one here is quinn's, told to take what it can get.

use std::net::SocketAddr;
use std::sync::Arc;

use interlock_protocols::conduit::{ALPN, ToClient};
use interlock_protocols::record::Event;
use interlock_tests::harness::{Bench, Gateway};
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Endpoint, ServerConfig};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::peer::{Peer, hello};

/// Serves under the gateway's own name and key, asks for no certificate, hands out tickets and
/// takes early data: all that the gateway does not.
fn generous(gateway: &Gateway, peer: &Peer) -> (Endpoint, SocketAddr) {
    let file = |end: &str| {
        let file = gateway.site().join(format!("keys/server.{end}"));
        std::fs::read(file).unwrap()
    };
    let certificate = CertificateDer::from_pem_slice(&file("pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(&file("key")).unwrap();
    let mut tls =
        rustls::ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.max_early_data_size = u32::MAX;
    let crypto = QuicServerConfig::try_from(tls).unwrap();
    let config = ServerConfig::with_crypto(Arc::new(crypto));
    let _inside = peer.inside();
    let endpoint = Endpoint::server(config, "127.0.0.1:0".parse().unwrap()).unwrap();
    let address = endpoint.local_addr().unwrap();
    let serving = endpoint.clone();
    tokio::spawn(async move {
        while let Some(incoming) = serving.accept().await {
            // It stays until the client closes it.
            if let Ok(connection) = incoming.await {
                connection.closed().await;
            }
        }
    });
    (endpoint, address)
}

#[test]
fn a_ticket_from_elsewhere_carries_nobody_and_nothing_past_the_handshake() {
    let mut bench = Bench::start();
    let peer = Peer::of(&bench.gateway, "person/olga");
    let (_endpoint, elsewhere) = generous(&bench.gateway, &peer);
    peer.take_ticket(elsewhere);
    // It is a good ticket: where it is from, early data is taken under it.
    let early = peer.early(elsewhere, &hello()).expect("early data");
    assert!(early.taken, "the other server takes early data");
    early.connection.close(0_u32.into(), b"");
    peer.take_ticket(elsewhere);
    let asked = peer.asked.times();
    let early = peer.early(bench.gateway.address(), &hello());
    let early = early.expect("the attempt");
    assert!(!early.taken, "early data was taken");
    assert_eq!(
        peer.asked.times(),
        asked + 1,
        "the certificate was asked for"
    );
    // What was sent early is gone; the session opens by what is said now, or not at all.
    let said = peer.greet(
        &early.connection,
        [hello(), peer.proof(&early.connection)].concat(),
    );
    let (_send, _frames, first) = said.unwrap();
    assert!(matches!(first, ToClient::Hello { .. }), "{first:?}");
    early.connection.close(0_u32.into(), b"");
    let records = bench.settle();
    let opened = |event: &&Event| matches!(event, Event::SessionOpened(_));
    assert_eq!(records.events.iter().filter(opened).count(), 1);
}

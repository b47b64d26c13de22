//! A gateway that plays a script, for tests: real QUIC and real certificates on loopback, and no
//! decision in it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use interlock_protocols::conduit::{
    ALPN, DeviceOffer, FromClient, Message, Notice, Opened, Opening, ToClient, VERSION,
    offer_frames,
};
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Connection, Endpoint, RecvStream, SendStream, ServerConfig};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;

use super::frames;
use crate::profile::Profile;

/// The year 2096: nothing here ends by the clock unless a script says so.
pub(crate) const ENDS_MS: i64 = 4_000_000_000_000;

/// An authority and everything it signs.
struct Ca {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    fn new(name: &str) -> Ca {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        Ca {
            certificate,
            issuer,
        }
    }

    fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

/// The endpoint, and the folder of a profile for it.
pub(crate) struct Scripted {
    endpoint: Endpoint,
    folder: tempfile::TempDir,
    clients: Ca,
}

impl Scripted {
    pub(crate) fn new() -> Scripted {
        let (gateways, clients) = (Ca::new("gateway authority"), Ca::new("issuer"));
        let (certificate, key) = gateways.sign("gateway.test");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(clients.certificate.der().clone()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .unwrap();
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        tls.alpn_protocols = vec![ALPN.to_vec()];
        let crypto = QuicServerConfig::try_from(tls).unwrap();
        let config = ServerConfig::with_crypto(Arc::new(crypto));
        let endpoint = Endpoint::server(config, "127.0.0.1:0".parse().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let scripted = Scripted {
            endpoint,
            folder,
            clients,
        };
        let at = scripted.endpoint.local_addr().unwrap();
        scripted.put(
            "profile.toml",
            &format!("gateway = \"{at}\"\nserver_name = \"gateway.test\"\n"),
        );
        scripted.put("gateway-ca.pem", &gateways.certificate.pem());
        scripted.put("device.key", &KeyPair::generate().unwrap().serialize_pem());
        scripted.certify(&scripted.clients);
        scripted
    }

    fn put(&self, name: &str, text: &str) {
        let file = self.folder.path().join(name);
        fs::write(&file, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    fn certify(&self, ca: &Ca) {
        let (certificate, key) = ca.sign("olga");
        self.put(
            "client.pem",
            &format!("{}{}", key.serialize_pem(), certificate.pem()),
        );
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn profile(&self) -> Profile {
        Profile::open(self.folder.path()).unwrap()
    }

    /// A profile whose certificate comes from somebody whom the gateway does not know.
    pub(crate) fn stranger(&self) -> Profile {
        self.certify(&Ca::new("stranger"));
        self.profile()
    }

    /// A profile that trusts another gateway authority.
    pub(crate) fn distrustful(&self) -> Profile {
        self.put("gateway-ca.pem", &Ca::new("another").certificate.pem());
        self.profile()
    }

    /// Plays the script to whoever comes first.
    pub(crate) async fn accept(&self) -> Side {
        let connection = self.endpoint.accept().await.unwrap().await.unwrap();
        let (send, mut recv) = connection.accept_bi().await.unwrap();
        let hello: FromClient = frames::read_one(&mut recv).await.unwrap();
        assert!(matches!(
            hello,
            FromClient::Hello {
                version: VERSION,
                ..
            }
        ));
        let proof: FromClient = frames::read_one(&mut recv).await.unwrap();
        assert!(matches!(proof, FromClient::Prove { .. }));
        Side {
            connection,
            send,
            recv,
        }
    }

    /// As [`Scripted::accept`], then greets and offers these devices.
    pub(crate) async fn welcome(&self, devices: Vec<DeviceOffer>) -> Side {
        self.welcome_until(ENDS_MS, devices).await
    }

    /// As [`Scripted::welcome`], with a certificate that ends then.
    pub(crate) async fn welcome_until(&self, ends_ms: i64, devices: Vec<DeviceOffer>) -> Side {
        let mut side = self.accept().await;
        let mut hello = hello(devices.len());
        if let ToClient::Hello {
            certificate_ends_ms,
            ..
        } = &mut hello
        {
            *certificate_ends_ms = ends_ms;
        }
        side.tell(&hello).await;
        for device in devices {
            for frame in offer_frames(device).unwrap() {
                side.send.write_all(&frame).await.unwrap();
            }
        }
        side.tell(&ToClient::Ready).await;
        side
    }

    /// As [`Scripted::welcome`], of this site, and offers nothing.
    pub(crate) async fn welcome_to(&self, name: &str) -> Side {
        let mut side = self.accept().await;
        let mut hello = hello(0);
        if let ToClient::Hello { site, .. } = &mut hello {
            name.clone_into(site);
        }
        side.tell(&hello).await;
        side.tell(&ToClient::Ready).await;
        side
    }

    /// Waits for a connection that never comes to a session.
    pub(crate) async fn refuse(&self) {
        let _ = self.endpoint.accept().await.unwrap().await;
    }
}

/// The gateway's side of one session.
pub(crate) struct Side {
    pub(crate) connection: Connection,
    pub(crate) send: SendStream,
    pub(crate) recv: RecvStream,
}

impl Side {
    pub(crate) async fn tell(&mut self, message: &ToClient) {
        frames::write(&mut self.send, message).await.unwrap();
    }

    /// Hears the next call on the control stream.
    pub(crate) async fn heard(&mut self) -> FromClient {
        frames::read_one(&mut self.recv).await.unwrap()
    }

    /// Answers the next opening.
    pub(crate) async fn open(&self, answer: &Opened) -> (Opening, SendStream, RecvStream) {
        let (mut send, mut recv) = self.connection.accept_bi().await.unwrap();
        let opening = frames::read_one(&mut recv).await.unwrap();
        frames::write(&mut send, answer).await.unwrap();
        (opening, send, recv)
    }
}

/// Sends one message on a further stream.
pub(crate) async fn write<M: Message>(send: &mut SendStream, message: &M) {
    frames::write(send, message).await.unwrap();
}

/// Hears the next message on a further stream.
pub(crate) async fn read<M: Message>(recv: &mut RecvStream) -> M {
    frames::read_one(recv).await.unwrap()
}

pub(crate) fn hello(devices: usize) -> ToClient {
    ToClient::Hello {
        version: VERSION,
        gateway: "gate-1".into(),
        site: "test".into(),
        session: 7,
        subject: "spiffe://test/person/olga".into(),
        groups: vec!["operators".into()],
        certificate_ends_ms: ENDS_MS,
        devices: u32::try_from(devices).unwrap(),
    }
}

pub(crate) fn notice(conversation: u64, transaction: u16) -> Notice {
    Notice {
        conversation,
        transaction,
        device: "mixer".into(),
        asked: "write speed_setpoint = 1800 rpm".into(),
        reason: "above-max".into(),
        what: "too fast".into(),
        rule: Vec::new(),
        next: "slower".into(),
        record: None,
    }
}

//! A client of the identity port that says what a test wants it to say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use interlock::keys::FileKey;
use interlock_broker::join::JoinLine;
use interlock_broker::proof::sha256;
use interlock_protocols::conduit::{Message, next_frame};
use interlock_protocols::identity::{
    ENROL_ALPN, EXPORTER_LABEL, EnrolRequest, IdentityReply, KeyProtection, LOGIN_ALPN,
    LoginRequest, VERSION, enrol_statement, login_statement,
};
use interlock_tests::harness::{Gateway, PATIENCE};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint, RecvStream, SendStream};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::runtime::Runtime;

pub(crate) const SERVER_NAME: &str = "gateway-1.waterworks";

/// A stranger at the identity port, with a thread of their own.
pub(crate) struct Applicant {
    runtime: Runtime,
    endpoint: Endpoint,
    address: SocketAddr,
    roots: RootCertStore,
}

/// One connection, with its stream.
pub(crate) struct Application {
    /// It ends when this is dropped.
    _connection: Connection,
    send: SendStream,
    recv: RecvStream,
    received: Vec<u8>,
    pub(crate) exporter: [u8; 32],
}

impl Applicant {
    pub(crate) fn at(gateway: &Gateway) -> Applicant {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let mut roots = RootCertStore::empty();
        let authority = std::fs::read(gateway.site().join("keys/gateway-ca.pem")).unwrap();
        roots
            .add(CertificateDer::from_pem_slice(&authority).unwrap())
            .unwrap();
        let endpoint = {
            let _inside = runtime.enter();
            Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap()
        };
        Applicant {
            runtime,
            endpoint,
            address: gateway.identity(),
            roots,
        }
    }

    fn wait<T>(&self, what: &str, awaited: impl Future<Output = T>) -> T {
        self.wait_within(PATIENCE, awaited)
            .unwrap_or_else(|| panic!("{PATIENCE:?} passed without {what}"))
    }

    fn wait_within<T>(&self, within: Duration, awaited: impl Future<Output = T>) -> Option<T> {
        self.runtime
            .block_on(async { tokio::time::timeout(within, awaited).await.ok() })
    }

    /// Begins a connection with this protocol.
    pub(crate) fn begin(&self, alpn: &[u8]) -> quinn::Connecting {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        tls.alpn_protocols = vec![alpn.to_vec()];
        let config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
        let _inside = self.runtime.enter();
        self.endpoint
            .connect_with(config, self.address, SERVER_NAME)
            .unwrap()
    }

    /// Those that came to be connections; the others were turned away.
    pub(crate) fn established(&self, begun: Vec<quinn::Connecting>) -> Vec<Connection> {
        let established = async {
            let mut established = Vec::new();
            for connecting in begun {
                established.extend(connecting.await);
            }
            established
        };
        self.wait("end of the handshakes", established)
    }

    /// A connection with its one stream, if the gateway agrees on the protocol.
    pub(crate) fn connect(&self, alpn: &[u8]) -> Result<Application, String> {
        let connecting = self.begin(alpn);
        let connected = async {
            let connection = connecting.await.map_err(|error| error.to_string())?;
            let opened = connection.open_bi().await;
            let (send, recv) = opened.map_err(|error| error.to_string())?;
            let mut exporter = [0; 32];
            connection
                .export_keying_material(&mut exporter, EXPORTER_LABEL, b"")
                .unwrap();
            Ok(Application {
                _connection: connection,
                send,
                recv,
                received: Vec::new(),
                exporter,
            })
        };
        self.wait("end of the handshake", connected)
    }

    /// Sends bytes as they are. The gateway may have stopped listening: that is for the reader.
    pub(crate) fn send(&self, application: &mut Application, bytes: &[u8]) {
        let _sent = self.wait("room for bytes", application.send.write_all(bytes));
    }

    /// The next reply; nothing where the connection ends first.
    pub(crate) fn reply(&self, application: &mut Application) -> Option<IdentityReply> {
        let reply = async {
            loop {
                if let Some((body, taken)) = next_frame(&application.received).unwrap() {
                    let reply = IdentityReply::decode(body).unwrap();
                    application.received.drain(..taken);
                    return Some(reply);
                }
                let chunk = application.recv.read_chunk(4096, true).await;
                match chunk {
                    Ok(Some(chunk)) => application.received.extend_from_slice(&chunk.bytes),
                    _ => return None,
                }
            }
        };
        self.wait("reply", reply)
    }

    /// Asks to be enrolled, and leaves the stream open.
    pub(crate) fn enrolling(&self, keys: &Keys, token: [u8; 16]) -> (Application, IdentityReply) {
        // The door opens a moment after the invitation.
        let end = std::time::Instant::now() + PATIENCE;
        let mut application = loop {
            match self.connect(ENROL_ALPN) {
                Ok(application) => break application,
                Err(why) => assert!(std::time::Instant::now() < end, "{why}"),
            }
        };
        let request = keys.enrolment(&application.exporter, token);
        self.send(&mut application, &request.to_frame().unwrap());
        let reply = self.reply(&mut application).expect("a reply");
        (application, reply)
    }

    pub(crate) fn enrol(&self, keys: &Keys, token: [u8; 16]) -> IdentityReply {
        self.enrolling(keys, token).1
    }

    pub(crate) fn login(
        &self,
        keys: &Keys,
        subject: &str,
        parent: Option<[u8; 32]>,
        present: bool,
    ) -> IdentityReply {
        let mut application = self.connect(LOGIN_ALPN).expect("a connection");
        let request = keys.renewal(&application.exporter, subject, parent, present);
        self.send(&mut application, &request.to_frame().unwrap());
        self.reply(&mut application).expect("a reply")
    }
}

/// What somebody has on one machine.
pub(crate) struct Keys {
    pub(crate) session: FileKey,
    pub(crate) device: FileKey,
    pub(crate) authenticator: FileKey,
}

fn key() -> FileKey {
    FileKey::generate().unwrap()
}

pub(crate) fn copy(key: &FileKey) -> FileKey {
    FileKey::parse(&key.to_secret_pem()).unwrap()
}

impl Keys {
    pub(crate) fn new() -> Keys {
        Keys {
            session: key(),
            device: key(),
            authenticator: key(),
        }
    }

    /// The same machine and person, with a new key for the next certificate.
    pub(crate) fn renewed(&self) -> Keys {
        Keys {
            session: key(),
            device: copy(&self.device),
            authenticator: copy(&self.authenticator),
        }
    }

    pub(crate) fn device_key(&self) -> [u8; 32] {
        sha256(self.device.spki())
    }

    fn all(&self) -> [&FileKey; 3] {
        [&self.session, &self.device, &self.authenticator]
    }

    pub(crate) fn enrolment(&self, exporter: &[u8; 32], token: [u8; 16]) -> EnrolRequest {
        let hashes = self.all().map(|key| sha256(key.spki()));
        let statement = enrol_statement(exporter, &sha256(&token), &hashes);
        let [session, device, authenticator] = self.all().map(|key| key.sign(&statement).unwrap());
        EnrolRequest {
            version: VERSION,
            token,
            machine: "laptop-7".to_owned(),
            session,
            device,
            device_protection: KeyProtection::Software,
            authenticator,
            authenticator_protection: KeyProtection::Software,
        }
    }

    pub(crate) fn renewal(
        &self,
        exporter: &[u8; 32],
        subject: &str,
        parent: Option<[u8; 32]>,
        present: bool,
    ) -> LoginRequest {
        let hashes = self.all().map(|key| sha256(key.spki()));
        let parent_ref = parent.as_ref();
        let statement = login_statement(exporter, SERVER_NAME, &hashes, parent_ref, present);
        let [session, device, authenticator] = self.all().map(|key| key.sign(&statement).unwrap());
        LoginRequest {
            version: VERSION,
            subject: format!("spiffe://waterworks/{subject}"),
            session,
            device,
            authenticator,
            parent,
            present,
        }
    }
}

/// The certificate of a reply, in PEM, and its SHA-256.
#[track_caller]
pub(crate) fn issued(reply: IdentityReply) -> (String, [u8; 32]) {
    let IdentityReply::Issued { certificate, .. } = reply else {
        panic!("no certificate: {reply:?}");
    };
    let der = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let fingerprint = sha256(&der);
    (certificate, fingerprint)
}

#[track_caller]
pub(crate) fn refused(reply: IdentityReply) -> String {
    match reply {
        IdentityReply::Refused { code, .. } => code,
        other => panic!("not refused: {other:?}"),
    }
}

/// An administrator invites somebody; gives the number and the token.
pub(crate) fn invite(gateway: &Gateway, kind: &str, name: &str) -> (u64, [u8; 16]) {
    let before = invitations(gateway);
    let made = gateway.client("person/adam", &["invite", kind, name]);
    assert_eq!(made.code, 0, "{made}");
    let mut words = made.stdout.split_whitespace();
    let line = words.find(|word| word.starts_with("interlock-join:"));
    let line = JoinLine::parse(line.expect("a join line")).unwrap();
    assert_eq!(line.server_name, SERVER_NAME);
    assert_eq!(line.port, gateway.identity().port());
    let number = invitations(gateway)
        .into_iter()
        .find(|number| !before.contains(number));
    (number.expect("a record of it"), line.token)
}

fn invitations(gateway: &Gateway) -> Vec<u64> {
    let records = gateway.records();
    let invited = records.iter().filter_map(|record| match record.event {
        interlock_protocols::record::Event::Invited(_) => Some(record.sequence),
        _ => None,
    });
    invited.collect()
}

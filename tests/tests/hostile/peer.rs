//! A client of the conduit that does what ours never would.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use interlock::demo::Management;
use interlock::keys::FileKey;
use interlock_broker::clock::Clock;
use interlock_broker::proof::sha256;
use interlock_protocols::conduit::{
    ALPN, FromClient, Message, Opened, Opening, ToClient, VERSION, next_frame,
};
use interlock_protocols::identity::{
    EXPORTER_LABEL, PostureReport, PostureSource, posture_digest, proof_statement,
};
use interlock_tests::harness::{Gateway, PATIENCE, Pass};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint, RecvStream, SendStream};
use rustls::RootCertStore;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use tokio::runtime::Runtime;

use crate::shown::{Asked, Tickets};

/// The gateway's name in its certificate.
pub(crate) const SERVER_NAME: &str = "gateway-1.waterworks";

/// A connection, both ends of its control stream, and the first word on it.
pub(crate) type Session = (Connection, SendStream, Frames, ToClient);

/// A client with a thread of its own, so that what it sent is on its way while a test looks at
/// something else.
pub(crate) struct Peer {
    runtime: Runtime,
    endpoint: Endpoint,
    address: SocketAddr,
    config: ClientConfig,
    pass: Option<Pass>,
    pub(crate) tickets: Arc<Tickets>,
    pub(crate) asked: Arc<Asked>,
}

impl Peer {
    /// A client that trusts the gateway's authority and shows this certificate, or none. It would
    /// take tickets, resume, and send early data if it were let.
    pub(crate) fn new(gateway: &Gateway, pass: Option<Pass>, alpn: &[u8]) -> Peer {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        let authority = gateway.site().join("keys/gateway-ca.pem");
        roots.add(certificate(&read(&authority))).unwrap();
        let key = pass.as_ref().map(|pass| {
            let key = pass.session.to_secret_pem();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            let key = provider.key_provider.load_private_key(key).unwrap();
            Arc::new(CertifiedKey::new(vec![certificate(&pass.certificate)], key))
        });
        let asked = Arc::new(Asked::with(key));
        let tickets = Arc::new(Tickets::default());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_cert_resolver(asked.clone());
        if !alpn.is_empty() {
            tls.alpn_protocols = vec![alpn.to_vec()];
        }
        tls.enable_early_data = true;
        tls.resumption = Resumption::store(tickets.clone());
        let config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
        let endpoint = {
            let _inside = runtime.enter();
            Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap()
        };
        Peer {
            runtime,
            endpoint,
            address: gateway.address(),
            config,
            pass,
            tickets,
            asked,
        }
    }

    /// A client with the profile of this subject.
    pub(crate) fn of(gateway: &Gateway, subject: &str) -> Peer {
        let profile = gateway.issue(subject);
        Peer::new(gateway, Some(Pass::of_profile(&profile)), ALPN)
    }

    /// Waits for something, and fails if it does not come.
    pub(crate) fn wait<T>(&self, what: &str, awaited: impl Future<Output = T>) -> T {
        self.wait_within(PATIENCE, awaited)
            .unwrap_or_else(|| panic!("{PATIENCE:?} passed without {what}"))
    }

    /// Waits for something for a while.
    pub(crate) fn wait_within<T>(
        &self,
        within: Duration,
        awaited: impl Future<Output = T>,
    ) -> Option<T> {
        self.runtime
            .block_on(async { tokio::time::timeout(within, awaited).await.ok() })
    }

    /// Begins a connection. Whether early data could be sent is said as well.
    pub(crate) fn connect(&self) -> (Result<Connection, String>, bool) {
        match self.begin(self.address).into_0rtt() {
            Ok((connection, _)) => (Ok(connection), true),
            Err(connecting) => {
                let connection = self.wait("end of the handshake", connecting);
                (connection.map_err(|error| error.to_string()), false)
            }
        }
    }

    /// Connects to another server and stays until it has handed out a ticket.
    pub(crate) fn take_ticket(&self, from: SocketAddr) {
        let before = self.tickets.count();
        let connecting = self.begin(from);
        let connection = self.wait("end of the handshake", connecting).unwrap();
        let came = async {
            while self.tickets.count() == before {
                tokio::task::yield_now().await;
            }
        };
        self.wait("ticket", came);
        connection.close(0_u32.into(), b"");
    }

    /// Sends this before the handshake has ended; nothing where there is no ticket to do so with.
    pub(crate) fn early(&self, to: SocketAddr, bytes: &[u8]) -> Option<Early> {
        let (endpoint, config) = (self.endpoint.clone(), self.config.clone());
        let bytes = bytes.to_vec();
        // On the one thread that drives the connection too: the handshake waits for these lines.
        let begun = self.runtime.spawn(async move {
            let connecting = endpoint.connect_with(config, to, SERVER_NAME).unwrap();
            let (connection, taken) = connecting.into_0rtt().ok()?;
            let (mut send, recv) = connection.open_bi().await.unwrap();
            assert!(recv.is_0rtt(), "it is too late");
            send.write_all(&bytes).await.unwrap();
            Some((connection, taken, send, recv))
        });
        let begun = self.wait("early data on its way", begun).unwrap();
        let (connection, taken, _send, _recv) = begun?;
        let taken = self.wait("end of the handshake", taken);
        Some(Early { connection, taken })
    }

    fn begin(&self, address: SocketAddr) -> quinn::Connecting {
        let _inside = self.inside();
        let config = self.config.clone();
        self.endpoint
            .connect_with(config, address, SERVER_NAME)
            .unwrap()
    }

    /// While it is held, what is spawned runs with this client.
    pub(crate) fn inside(&self) -> tokio::runtime::EnterGuard<'_> {
        self.runtime.enter()
    }

    /// A connection whose handshake must succeed.
    pub(crate) fn connected(&self) -> Connection {
        self.connect().0.expect("a connection")
    }

    /// Opens a stream, sends these bytes on it, and gives both ends.
    pub(crate) fn open(&self, connection: &Connection, bytes: &[u8]) -> (SendStream, Frames) {
        let opened = async {
            let (mut send, recv) = connection.open_bi().await?;
            // The edge may have stopped listening by now: that is for the reader to find.
            let _ = send.write_all(bytes).await;
            Ok::<_, quinn::ConnectionError>((send, recv))
        };
        let (send, recv) = self.wait("stream", opened).expect("a stream");
        (
            send,
            Frames {
                recv,
                held: Vec::new(),
            },
        )
    }

    /// The way to a session, to where the edge says hello or why not.
    pub(crate) fn session(&self) -> Result<Session, String> {
        self.session_saying(|connection| [hello(), self.proof(connection)].concat())
    }

    /// The same with other words on the control stream.
    pub(crate) fn session_saying(
        &self,
        said: impl FnOnce(&Connection) -> Vec<u8>,
    ) -> Result<Session, String> {
        let connection = self.connect().0?;
        let (send, frames, first) = self.greet(&connection, said(&connection))?;
        Ok((connection, send, frames, first))
    }

    /// Says this on a new control stream, and gives it with the first word that comes back.
    pub(crate) fn greet(
        &self,
        connection: &Connection,
        bytes: Vec<u8>,
    ) -> Result<(SendStream, Frames, ToClient), String> {
        let greeted = async {
            let (mut send, recv) = connection
                .open_bi()
                .await
                .map_err(|error| error.to_string())?;
            send.write_all(&bytes)
                .await
                .map_err(|error| error.to_string())?;
            let mut frames = Frames {
                recv,
                held: Vec::new(),
            };
            let first = frames.next::<ToClient>().await?;
            Ok::<_, String>((send, frames, first))
        };
        self.wait("word on the control stream", greeted)
    }

    /// The proof of this client's machine for this connection; empty for a stranger.
    pub(crate) fn proof(&self, connection: &Connection) -> Vec<u8> {
        let Some(pass) = &self.pass else {
            return Vec::new();
        };
        proof_by(&pass.device, &pass.session, connection)
    }

    /// A session of somebody who may have one.
    pub(crate) fn welcome(&self) -> (Connection, SendStream, Frames) {
        let (connection, send, frames, first) = self.session().expect("a session");
        assert!(matches!(first, ToClient::Hello { .. }), "{first:?}");
        (connection, send, frames)
    }

    /// A conversation that is armed for writing.
    pub(crate) fn converse(&self, connection: &Connection, device: &str) -> (SendStream, Frames) {
        let opening = Opening::Conversation {
            device: device.to_owned(),
            arm_writes: true,
        };
        let (send, mut frames) = self.open(connection, &opening.to_frame().unwrap());
        let opened = self.wait("conversation", frames.next::<Opened>());
        assert!(
            matches!(opened, Ok(Opened::Conversation { .. })),
            "{opened:?}"
        );
        (send, frames)
    }

    /// Why a connection came to its end.
    pub(crate) fn closed(&self, connection: &Connection) -> String {
        self.wait("end of the connection", connection.closed())
            .to_string()
    }
}

pub(crate) fn hello() -> Vec<u8> {
    let hello = FromClient::Hello {
        version: VERSION,
        program: "a peer of the tests".to_owned(),
    };
    hello.to_frame().unwrap()
}

/// A connection over which something was sent early.
pub(crate) struct Early {
    pub(crate) connection: Connection,
    /// Whether the server took it.
    pub(crate) taken: bool,
}

/// A proof of this key of a machine, for a certificate of that key; the machine says of itself that it
/// is in order.
pub(crate) fn proof_by(device: &FileKey, leaf: &FileKey, connection: &Connection) -> Vec<u8> {
    let mut exporter = [0; 32];
    // A stranger's connection may be over by now.
    let _ = connection.export_keying_material(&mut exporter, EXPORTER_LABEL, b"");
    let found = Management::healthy(sha256(device.spki()), Clock::start().now());
    let posture = PostureReport {
        source: PostureSource::Own,
        statement: found.encode(),
        signer: String::new(),
        signature: Vec::new(),
    };
    let digest = posture_digest(Some(&posture), sha256);
    let statement = proof_statement(&exporter, &sha256(leaf.spki()), SERVER_NAME, &digest);
    let prove = FromClient::Prove {
        device: device.sign(&statement).unwrap(),
        posture: Some(posture),
    };
    prove.to_frame().unwrap()
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()))
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// The frames of a stream.
pub(crate) struct Frames {
    pub(crate) recv: RecvStream,
    held: Vec<u8>,
}

impl Frames {
    /// The next message, or how the stream ended.
    pub(crate) async fn next<M: Message>(&mut self) -> Result<M, String> {
        loop {
            if let Some((body, taken)) =
                next_frame(&self.held).map_err(|error| error.to_string())?
            {
                let message = M::decode(body).map_err(|error| error.to_string());
                self.held.drain(..taken);
                return message;
            }
            match self.recv.read_chunk(4_096, true).await {
                Ok(Some(chunk)) => self.held.extend(&chunk.bytes[..]),
                Ok(None) => return Err("the end of the stream".to_owned()),
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

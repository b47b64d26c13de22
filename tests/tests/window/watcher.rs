//! Somebody who watches, with a client that says what a test has it say: how far it saw, or nothing,
//! and yes or no.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use interlock_broker::proof::sha256;
use interlock_protocols::conduit::{
    ALPN, FromClient, FromWatcher, Message, Opened, Opening, Seen, ToClient, ToWatcher, VERSION,
    Watched, next_frame,
};
use interlock_protocols::identity::{EXPORTER_LABEL, posture_digest, proof_statement};
use interlock_tests::harness::{PATIENCE, Pass, Works};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint, RecvStream, SendStream};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// It says that it saw all.
const ALL: u64 = 0;
/// It says nothing at all.
const NOTHING: u64 = u64::MAX;

/// One watch, in a session of its own.
pub(crate) struct Watcher {
    runtime: Runtime,
    connection: Connection,
    _endpoint: Endpoint,
    seen: Receiver<ToWatcher>,
    say: mpsc::UnboundedSender<FromWatcher>,
    /// By how much what it says stays behind what it saw.
    behind: Arc<AtomicU64>,
    pub(crate) supervises: bool,
}

impl Watcher {
    /// Somebody watches a device.
    pub(crate) fn of(works: &Works, who: &str, device: &str) -> Watcher {
        let watched = Watched::Device(device.to_owned());
        Watcher::begin(works, who, watched).unwrap_or_else(|why| panic!("{who}: {why}"))
    }

    /// Watches, or tells why not.
    pub(crate) fn begin(works: &Works, who: &str, watched: Watched) -> Result<Watcher, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let pass = Pass::of_profile(&works.gateway.issue(who));
        let (endpoint, connection, opened) = runtime.block_on(async {
            let begun = tokio::time::timeout(PATIENCE, connect(works, &pass, watched));
            begun.await.expect("a session in time")
        })?;
        let (supervises, mut send, mut recv) = opened;
        let (tell, seen) = channel();
        let (say, mut said) = mpsc::unbounded_channel::<FromWatcher>();
        let behind = Arc::new(AtomicU64::new(ALL));
        let lag = Arc::clone(&behind);
        runtime.spawn(async move {
            loop {
                let words = tokio::select! {
                    next = recv.next::<ToWatcher>() => {
                        let Ok(next) = next else { return };
                        let number = next.number;
                        let _test_over = tell.send(next);
                        match lag.load(Ordering::SeqCst) {
                            NOTHING => continue,
                            behind => FromWatcher::Seen { through: number.saturating_sub(behind) },
                        }
                    }
                    words = said.recv() => {
                        let Some(words) = words else { return };
                        words
                    }
                };
                let frame = words.to_frame().unwrap();
                if send.write_all(&frame).await.is_err() {
                    return;
                }
            }
        });
        Ok(Watcher {
            runtime,
            connection,
            _endpoint: endpoint,
            seen,
            say,
            behind,
            supervises,
        })
    }

    /// From now on it shows nothing to anybody, as if the machine hung.
    pub(crate) fn fall_silent(&self) {
        self.behind.store(NOTHING, Ordering::SeqCst);
    }

    /// It says that it is so many messages behind.
    pub(crate) fn lag(&self, behind: u64) {
        self.behind.store(behind, Ordering::SeqCst);
    }

    /// It keeps up again.
    pub(crate) fn keep_up(&self) {
        self.behind.store(ALL, Ordering::SeqCst);
    }

    pub(crate) fn answer(&self, hold: u64, yes: bool) {
        self.say.send(FromWatcher::Answer { hold, yes }).unwrap();
    }

    /// The next thing to be seen that `wanted` makes something of; what is before it is gone past.
    #[track_caller]
    pub(crate) fn next<T>(&self, what: &str, mut wanted: impl FnMut(&Seen) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        let mut passed = Vec::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.seen.recv_timeout(left) {
                Ok(next) => {
                    if let Some(found) = wanted(&next.seen) {
                        return found;
                    }
                    passed.push(next.seen);
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("no {what} within {PATIENCE:?}, but {passed:?}")
                }
                Err(RecvTimeoutError::Disconnected) => panic!("it ended before {what}: {passed:?}"),
            }
        }
    }

    /// Its session ends, as when its program is closed.
    pub(crate) fn leave(self) {
        self.connection.close(0_u32.into(), b"");
        self.runtime.shutdown_background();
    }
}

type Watching = (bool, SendStream, Frames);

async fn connect(
    works: &Works,
    pass: &Pass,
    watched: Watched,
) -> Result<(Endpoint, Connection, Watching), String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    let authority = works.gateway.site().join("keys/gateway-ca.pem");
    roots
        .add(certificate(&std::fs::read_to_string(authority).unwrap()))
        .unwrap();
    let key = PrivateKeyDer::from_pem_slice(pass.session.to_secret_pem().as_bytes()).unwrap();
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate(&pass.certificate)], key)
        .unwrap();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
    let endpoint = Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    let name = "gateway-1.waterworks";
    let connecting = endpoint.connect_with(config, works.gateway.address(), name);
    let connection = connecting
        .unwrap()
        .await
        .map_err(|error| error.to_string())?;
    let (mut control, recv) = connection
        .open_bi()
        .await
        .map_err(|error| error.to_string())?;
    let hello = FromClient::Hello {
        version: VERSION,
        program: "a watcher of the tests".to_owned(),
    };
    let said = [hello.to_frame().unwrap(), proof(pass, &connection, name)].concat();
    control
        .write_all(&said)
        .await
        .map_err(|error| error.to_string())?;
    let mut told = Frames {
        recv,
        held: Vec::new(),
    };
    match told.next::<ToClient>().await? {
        ToClient::Hello { .. } => {}
        other => return Err(format!("{other:?}")),
    }
    // Both ends of the control stream live as long as the session.
    tokio::spawn(async move {
        let _said = control;
        while told.next::<ToClient>().await.is_ok() {}
    });
    let opening = Opening::Watch(watched).to_frame().unwrap();
    let (mut send, recv) = connection
        .open_bi()
        .await
        .map_err(|error| error.to_string())?;
    send.write_all(&opening)
        .await
        .map_err(|error| error.to_string())?;
    let mut recv = Frames {
        recv,
        held: Vec::new(),
    };
    match recv.next::<Opened>().await? {
        Opened::Watch { supervises } => Ok((endpoint, connection, (supervises, send, recv))),
        other => Err(format!("{other:?}")),
    }
}

fn proof(pass: &Pass, connection: &Connection, name: &str) -> Vec<u8> {
    let mut exporter = [0; 32];
    connection
        .export_keying_material(&mut exporter, EXPORTER_LABEL, b"")
        .unwrap();
    let digest = posture_digest(None, sha256);
    let statement = proof_statement(&exporter, &sha256(pass.session.spki()), name, &digest);
    let prove = FromClient::Prove {
        device: pass.device.sign(&statement).unwrap(),
        posture: None,
    };
    prove.to_frame().unwrap()
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// The frames of a stream.
struct Frames {
    recv: RecvStream,
    held: Vec<u8>,
}

impl Frames {
    async fn next<M: Message>(&mut self) -> Result<M, String> {
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

/// The number of the session in which somebody is connected.
pub(crate) fn session(works: &Works, who: &str) -> u64 {
    let listed = works
        .gateway
        .client("person/adam", &["-o", "jsonl", "sessions"]);
    assert_eq!(listed.code, 0, "{listed}");
    let rows = listed
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let rows: Vec<serde_json::Value> = rows.collect();
    let of = |row: &&serde_json::Value| row["subject"].as_str().unwrap().ends_with(who);
    rows.iter().find(of).unwrap()["session"].as_u64().unwrap()
}

//! nats-server as Debian has it, with mutual TLS and its streams in files; and a reader of what
//! it then holds.

use crate::pki::{Pki, SERVER};
use async_nats::jetstream;
use async_nats::jetstream::stream::{Config, Stream};
use interlock_broker::journal::Line;
use interlock_tests::harness::{Process, peer};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A server that can be killed and started again on what it had.
pub(crate) struct Server {
    dir: PathBuf,
    process: Option<Process>,
    address: SocketAddr,
}

/// One message as it stands in a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) payload: Vec<u8>,
}

impl Server {
    pub(crate) fn start(dir: &Path, pki: &Pki) -> Server {
        std::fs::create_dir_all(dir).unwrap();
        let config = format!(
            "listen: \"127.0.0.1:-1\"\n\
             jetstream {{ store_dir: \"{}\", max_file_store: 4GB }}\n\
             tls {{ cert_file: \"{}\", key_file: \"{}\", ca_file: \"{}\", verify: true }}\n",
            dir.join("store").display(),
            pki.file("server.pem").display(),
            pki.file("server.key").display(),
            pki.file("ca.pem").display(),
        );
        std::fs::write(dir.join("nats.conf"), config).unwrap();
        let mut server = Server {
            dir: dir.to_owned(),
            process: None,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        server.restart();
        server
    }

    /// Starts it on what it had. It listens elsewhere than before.
    pub(crate) fn restart(&mut self) {
        let mut command = peer("nats-server");
        command.arg("-c").arg(self.dir.join("nats.conf"));
        let process = Process::start("nats-server", &mut command);
        self.address = process.complaint("where it listens", |line| {
            let (_, address) = line.split_once("Listening for client connections on ")?;
            address.trim().parse().ok()
        });
        process.complaint("that it is ready", |line| {
            line.contains("Server is ready").then_some(())
        });
        self.process = Some(process);
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Forgets all it had, as a disk that was told to sync too rarely.
    pub(crate) fn lose_all(&mut self) {
        self.kill();
        std::fs::remove_dir_all(self.dir.join("store")).unwrap();
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of the test's own, set up in another way than the sink's.
    pub(crate) async fn context(&self, pki: &Pki) -> jetstream::Context {
        let options = async_nats::ConnectOptions::new()
            .require_tls(true)
            .add_root_certificates(pki.file("ca.pem"))
            .add_client_certificate(pki.file("client.pem"), pki.file("client.key"));
        let url = format!("tls://{SERVER}:{}", self.address.port());
        jetstream::new(options.connect(url).await.expect("the test gets in"))
    }

    /// Makes a stream before the sink does.
    pub(crate) async fn make(&self, pki: &Pki, config: Config) -> Stream {
        let context = self.context(pki).await;
        context.create_stream(config).await.expect("a stream")
    }

    /// All that the stream holds, in its order, one by one.
    pub(crate) async fn read(&self, pki: &Pki, stream: &str) -> Vec<Message> {
        let context = self.context(pki).await;
        let stream = context
            .get_stream(stream)
            .await
            .expect("the stream is there");
        let state = &stream.cached_info().state;
        let mut messages = Vec::new();
        for number in state.first_sequence..=state.last_sequence {
            let message = stream
                .get_raw_message(number)
                .await
                .expect("none is missing");
            let header = |name: &str| message.headers.get(name).map(ToString::to_string);
            let content = header("Content-Type").unwrap_or_default();
            assert_eq!(content, "application/vnd.interlock.record+cbor");
            messages.push(Message {
                id: header("Nats-Msg-Id").expect("an id"),
                payload: message.payload.to_vec(),
            });
        }
        messages
    }

    /// Asserts that the stream holds exactly these records, in this order, in this lineage.
    pub(crate) async fn holds(&self, pki: &Pki, stream: &str, lines: &[Line]) {
        let messages = self.read(pki, stream).await;
        let wanted = lines.iter().map(|line| message("0", line));
        same(&messages, &wanted.collect::<Vec<_>>());
    }
}

/// The message that a record makes.
pub(crate) fn message(lineage: &str, line: &Line) -> Message {
    Message {
        id: format!("gateway/{lineage}/{}", line.sequence),
        payload: line.bytes.clone(),
    }
}

/// Compares two streams, and shows where they part.
pub(crate) fn same(found: &[Message], wanted: &[Message]) {
    let parting = found
        .iter()
        .zip(wanted)
        .position(|(found, wanted)| found != wanted);
    if let Some(at) = parting {
        let (found, wanted) = (&found[at].id, &wanted[at].id);
        panic!("message {at} is {found} and should be {wanted}, or has another payload");
    }
    assert_eq!(found.len(), wanted.len(), "as many messages as records");
}

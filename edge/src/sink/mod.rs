//! Store and forward: each sink is a task that reads the journal's tail at its own pace and
//! takes it somewhere else. None stands in the write path: a sink that hangs, lags or is gone
//! costs nobody anything but disk.
//!
//! What a sink has acknowledged moves its cursor, and nothing else does. On any error the
//! connection is given up and begun anew behind what the other side has.

mod ascii;
mod command;
mod context;
mod cursor;
mod nats;
mod ocsf;
mod rfc5424;
mod run;
#[cfg(test)]
mod samples;
mod severity;
mod syslog;
mod tail;
mod tls;
mod zeek;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use interlock_broker::clock::Clock;
use interlock_broker::journal::{Journal, Line, ReadError};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::{SinkConfig, SinkKind};
pub use cursor::{Cursors, MemoryCursors};
use run::Task;
use syslog::{Payload, Syslog};
pub(crate) use tail::Shelf;
pub(crate) use tls::faults;

/// What all sinks of a gateway share.
#[derive(Clone)]
pub struct Source {
    /// Name of the site.
    pub site: String,
    /// Name of the gateway.
    pub gateway: String,
    /// The devices of the plant and where they are, `host:port`.
    pub devices: BTreeMap<String, String>,
    /// What is forwarded.
    pub journal: Journal,
    /// Where each sink's place in it is kept.
    pub cursors: Arc<dyn Cursors>,
    /// The time.
    pub clock: Clock,
}

/// How a sink is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SinkStanding {
    /// The last sequence that it has acknowledged; 0 for none.
    pub acknowledged: u64,
    /// When it last acknowledged something, ms since 1970 UTC.
    pub acknowledged_ms: Option<i64>,
    /// The last error, while it stands.
    pub error: Option<String>,
    /// Since when it stands, ms since 1970 UTC.
    pub error_ms: Option<i64>,
    /// The last sequence it knows, when it knows records that this journal has not, or has
    /// otherwise. It is sent nothing until that is accepted in a record.
    pub ahead: Option<u64>,
    /// Records that were removed before this sink had them, since the edge started.
    pub missed_records: u64,
}

/// Why a sink does not get on, by whose fault it is.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// What `edge.toml` names cannot be used.
    #[error("{0}; see to it, the sink is tried again by itself")]
    Setup(String),
    /// It does not answer, or the connection broke.
    #[error("{0}; it is tried again by itself")]
    Unreachable(String),
    /// It answers and does not take the records.
    #[error("the other side refuses: {0}")]
    Refused(String),
    /// It knows other records than this journal.
    #[error(
        "it has records up to {through} that this journal has not, or has otherwise; \
         `interlock journal accept` says that this is known"
    )]
    Ahead {
        /// The last sequence that it knows.
        through: u64,
    },
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] ReadError),
}

/// What the other side says that it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Has {
    /// It does not say: what it once acknowledged counts.
    Unsaid,
    /// All up to this sequence, as this journal has it; 0 for nothing.
    Through(u64),
    /// Other records than this journal, or more.
    Other {
        /// The last sequence that it knows.
        through: u64,
        /// The last sequence up to which both are the same.
        common: u64,
    },
}

/// One way to take records somewhere. Its futures may be dropped at any await; after that, and
/// after any error, the next call is [`Transport::connect`].
pub(crate) trait Transport: Send + 'static {
    /// Gives up what connection there is, makes a new one, and learns what the other side has.
    fn connect(&mut self, shelf: &Shelf) -> impl Future<Output = Result<Has, SinkError>> + Send;

    /// The records to come are of a journal that is behind what the other side knows, which was
    /// accepted in the record with this lineage.
    fn accepted(&mut self, lineage: [u8; 8]) {
        let _ = lineage;
    }

    /// Whether [`Transport::deliver`] returns before what it sent is acknowledged, and
    /// [`Transport::quiet`] tells of that later.
    const STREAMS: bool = false;

    /// Sends records, in order, and returns the last sequence of them that the other side has
    /// acknowledged: all of them, or fewer if it rather goes in smaller steps. One that streams
    /// sends all of them and returns the last sequence that is acknowledged so far.
    fn deliver(&mut self, lines: &[Line]) -> impl Future<Output = Result<u64, SinkError>> + Send;

    /// Resolves when the connection breaks while nothing is sent.
    fn lost(&mut self) -> impl Future<Output = SinkError> + Send {
        std::future::pending()
    }

    /// While nothing is sent: resolves when more of what was sent is acknowledged, with the last
    /// sequence, or when the connection breaks.
    fn quiet(&mut self) -> impl Future<Output = Result<u64, SinkError>> + Send {
        async { Err(self.lost().await) }
    }
}

/// A running sink. Dropping it ends it as well, but nobody waits for that.
pub struct Running {
    name: String,
    standing: watch::Receiver<SinkStanding>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Starts the sink that the configuration names. It needs no answer from the other side.
pub fn start(config: &SinkConfig, source: &Source) -> Running {
    match config.kind {
        SinkKind::Nats => spawn(config, source, nats::Nats::new(config, source)),
        SinkKind::SyslogOcsf => syslog_with(config, source, Payload::Ocsf),
        SinkKind::SyslogZeek => syslog_with(config, source, Payload::Zeek),
    }
}

fn syslog_with(config: &SinkConfig, source: &Source, payload: Payload) -> Running {
    spawn(config, source, Syslog::new(config, source, payload))
}

fn spawn<T: Transport>(config: &SinkConfig, source: &Source, transport: T) -> Running {
    let standing = watch::Sender::new(SinkStanding::default());
    let stop = watch::Sender::new(false);
    let seen = standing.subscribe();
    let task = Task::new(config, source, transport, standing);
    Running {
        name: config.name.clone(),
        standing: seen,
        task: tokio::spawn(task.run(stop.subscribe())),
        stop,
    }
}

impl Running {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is doing, as it changes.
    pub fn standing(&self) -> watch::Receiver<SinkStanding> {
        self.standing.clone()
    }

    /// Ends it: what is on its way is left to the next start, how far it came is recorded.
    /// Call it before the journal is closed.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(sink = self.name, %error, "the sink did not end in order");
        }
    }
}

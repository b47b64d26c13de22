//! Syslog over TLS (RFC 5424, RFC 5425): every record a message, in the journal's order.
//!
//! Syslog has no acknowledgement: a collector never says what it has. So a record counts as
//! acknowledged only when
//!
//! 1. it was written to the connection, and
//! 2. the other side's TCP has taken it, by what the kernel says is still open, and
//! 3. the connection has lived on for [`SYSLOG_SETTLE`] after that: a collector that ended with
//!    the record in its socket would have closed or reset it by then.
//!
//! All that is not settled when a connection ends is sent again on the next one. That is *at least
//! once*: nothing is lost, and a record may come twice, with the same `metadata.uid`
//! (`interlock_uid` in the other payload) to know it by. Within a connection records are in order.
//! What a collector lets lie unread or holds in memory for longer than the settling, and then
//! loses with its process, is lost there: give it a queue on disk. Who needs exactly once takes
//! NATS.
//!
//! Messages are up to 128 KiB long, and most below 4. A collector that takes less cuts them, the raw
//! record among it: rsyslog wants `global(maxMessageSize="128k")`.

mod connection;
mod settling;
mod teller;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use interlock_broker::clock::Clock;
use interlock_broker::journal::Line;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;

use super::{Has, Shelf, SinkError, Source, Transport, tls};
use crate::config::{SinkConfig, SinkTls};
use crate::limits::{
    SINK_ACKNOWLEDGE_MAX, SYSLOG_LOOK_EVERY, SYSLOG_LOOKBACK_RECORDS, SYSLOG_SETTLE,
};
use connection::Connection;
use settling::Settling;
pub(super) use teller::Payload;
use teller::Teller;

/// The way to one collector.
pub(super) struct Syslog {
    address: String,
    tls: SinkTls,
    clock: Clock,
    // Behind a lock only because records are told on other threads; nobody waits for it.
    teller: Arc<Mutex<Teller>>,
    shelf: Option<Shelf>,
    warm: bool,
    link: Option<Link>,
}

/// A connection and what on it is not settled.
struct Link {
    connection: Connection,
    settling: Settling,
}

impl Syslog {
    pub(super) fn new(config: &SinkConfig, source: &Source, payload: Payload) -> Syslog {
        Syslog {
            address: config.address.clone(),
            tls: config.tls.clone(),
            clock: source.clock,
            teller: Arc::new(Mutex::new(Teller::new(source, payload))),
            shelf: None,
            warm: false,
            link: None,
        }
    }

    /// Learns what the records before the first one said of sessions and intents.
    async fn warm_up(&mut self, first: u64) -> Result<(), SinkError> {
        let Some(shelf) = self.shelf.as_ref().filter(|_| !self.warm) else {
            return Ok(());
        };
        let from = first.saturating_sub(SYSLOG_LOOKBACK_RECORDS).max(1);
        let teller = Arc::clone(&self.teller);
        if first > from {
            let note = move |line: &Line| held(&teller).note(line);
            shelf.show(from, first - 1, note).await?;
        }
        self.warm = true;
        Ok(())
    }

    fn link(&mut self) -> Result<&mut Link, SinkError> {
        self.link
            .as_mut()
            .ok_or_else(|| SinkError::Unreachable("there is no connection".to_owned()))
    }
}

impl Transport for Syslog {
    const STREAMS: bool = true;

    async fn connect(&mut self, shelf: &Shelf) -> Result<Has, SinkError> {
        self.link = None;
        self.shelf = Some(shelf.clone());
        let files = self.tls.clone();
        let config =
            tokio::task::spawn_blocking(move || tls::client_config(&files, &[&TLS12, &TLS13]))
                .await
                .map_err(|error| SinkError::Setup(error.to_string()))??;
        let unreachable = |error: &dyn std::fmt::Display| {
            SinkError::Unreachable(format!("connecting to {} failed: {error}", self.address))
        };
        let stream = TcpStream::connect(&self.address)
            .await
            .map_err(|error| unreachable(&error))?;
        let ends = ends(&stream).map_err(|error| unreachable(&error))?;
        let name = ServerName::try_from(self.tls.server_name.clone())
            .map_err(|error| SinkError::Setup(format!("server_name: {error}")))?;
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, connection::Counted::new(stream))
            .await
            .map_err(|error| unreachable(&error))?;
        self.link = Some(Link {
            connection: Connection::new(stream, ends),
            settling: Settling::default(),
        });
        Ok(Has::Unsaid)
    }

    async fn deliver(&mut self, lines: &[Line]) -> Result<u64, SinkError> {
        if let Some(first) = lines.first() {
            self.warm_up(first.sequence).await?;
        }
        let (teller, clock) = (Arc::clone(&self.teller), self.clock);
        let link = self.link()?;
        let mut rest = lines;
        while !rest.is_empty() {
            let (told, count) = told(&teller, rest).await?;
            link.connection.write(&told).await?;
            let (sent, left) = rest.split_at(count);
            rest = left;
            if let Some(last) = sent.last() {
                let now = clock.now().mono();
                link.settling
                    .written(last.sequence, link.connection.written(), now);
            }
        }
        link.look(clock).await
    }

    async fn lost(&mut self) -> SinkError {
        match &mut self.link {
            Some(link) => link.connection.closed().await,
            None => std::future::pending().await,
        }
    }

    async fn quiet(&mut self) -> Result<u64, SinkError> {
        let clock = self.clock;
        let link = self.link()?;
        let before = link.settling.settled();
        loop {
            if link.settling.is_empty() {
                return Err(link.connection.closed().await);
            }
            tokio::select! {
                error = link.connection.closed() => return Err(error),
                () = sleep(SYSLOG_LOOK_EVERY) => {}
            }
            let settled = link.look(clock).await?;
            if settled > before {
                return Ok(settled);
            }
        }
    }
}

impl Link {
    /// Looks whether the connection stands, what of it was taken, and what is settled by now.
    async fn look(&mut self, clock: Clock) -> Result<u64, SinkError> {
        let open = self.connection.open_bytes().await?;
        // Last of all, so that what is said to be settled was so while the connection stood.
        self.connection.stands()?;
        let taken = self.connection.written().saturating_sub(open);
        let now = clock.now().mono();
        self.settling.taken(taken, now);
        let waits = self.settling.waits(now);
        if waits > SINK_ACKNOWLEDGE_MAX {
            return Err(SinkError::Unreachable(format!(
                "the collector has taken nothing for {} s",
                waits.as_secs()
            )));
        }
        Ok(self.settling.settle(now, SYSLOG_SETTLE))
    }
}

/// The two ends of a socket, by which the kernel lists it.
fn ends(stream: &TcpStream) -> std::io::Result<(SocketAddr, SocketAddr)> {
    stream.set_nodelay(true)?;
    Ok((stream.local_addr()?, stream.peer_addr()?))
}

/// Tells as many records as fit a chunk, at least one, on another thread: telling is work, and
/// this one serves the plant.
async fn told(teller: &Arc<Mutex<Teller>>, lines: &[Line]) -> Result<(Vec<u8>, usize), SinkError> {
    const RECORDS_AT_ONCE: usize = 64;
    let lines: Vec<Line> = lines.iter().take(RECORDS_AT_ONCE).cloned().collect();
    let teller = Arc::clone(teller);
    tokio::task::spawn_blocking(move || held(&teller).tell(&lines))
        .await
        .map_err(|error| SinkError::Setup(error.to_string()))?
}

fn held(teller: &Mutex<Teller>) -> std::sync::MutexGuard<'_, Teller> {
    teller.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

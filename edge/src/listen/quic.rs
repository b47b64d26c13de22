//! The QUIC listener: everything that a stranger can start is bounded in number and time.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use interlock_broker::authority::{Listener, Verified};
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{
    Connection, Endpoint, IdleTimeout, Incoming, ServerConfig, TokioRuntime, TransportConfig,
    VarInt,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use tokio::time::timeout;

use super::reset;
use crate::conduit;
use crate::limits::{
    CONNECTION_IDLE_MAX, CONNECTION_WINDOW_BYTES, HANDSHAKE_MAX, HANDSHAKES_BEFORE_RETRY,
    HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS, INCOMING_BUFFER_BYTES, INCOMING_BUFFERS_BYTES,
    SEND_WINDOW_BYTES, STREAM_WINDOW_BYTES, STREAMS_MAX,
};
use crate::service::Edge;
use crate::trust::Untrusted;

/// Why the listener could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The TLS configuration does not suit QUIC.
    #[error("the TLS configuration does not suit QUIC: {0}")]
    Tls(String),
    /// The address cannot be had.
    #[error("cannot listen on UDP {address}: {error}")]
    Address {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
}

/// Opens the listener.
pub(crate) fn listen(
    address: SocketAddr,
    tls: rustls::ServerConfig,
    key_pem: &str,
) -> Result<Endpoint, ListenError> {
    let crypto =
        QuicServerConfig::try_from(tls).map_err(|error| ListenError::Tls(error.to_string()))?;
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS_MAX))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW_BYTES))
        .send_window(SEND_WINDOW_BYTES)
        .max_idle_timeout(idle_timeout(CONNECTION_IDLE_MAX));
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config
        .transport_config(Arc::new(transport))
        .migration(false)
        .max_incoming(HANDSHAKES_MAX)
        .incoming_buffer_size(INCOMING_BUFFER_BYTES)
        .incoming_buffer_size_total(INCOMING_BUFFERS_BYTES);
    let failed = |error| ListenError::Address { address, error };
    let socket = UdpSocket::bind(address).map_err(failed)?;
    let endpoint = reset::endpoint_config(key_pem);
    Endpoint::new(endpoint, Some(config), socket, Arc::new(TokioRuntime)).map_err(failed)
}

pub(super) fn idle_timeout(after: Duration) -> Option<IdleTimeout> {
    IdleTimeout::try_from(after).ok()
}

/// Accepts connections until the endpoint is closed.
pub(crate) async fn serve(endpoint: Endpoint, edge: Arc<Edge>) {
    let handshakes = Handshakes::default();
    while let Some(incoming) = endpoint.accept().await {
        let peer = incoming.remote_address();
        if handshakes.count() >= HANDSHAKES_BEFORE_RETRY && incoming.may_retry() {
            // A forged source address never comes back with the token.
            let _sent = incoming.retry();
            continue;
        }
        let Some(place) = handshakes.enter(peer.ip()) else {
            tracing::warn!(%peer, "turned away: too many handshakes under way");
            incoming.refuse();
            continue;
        };
        let edge = Arc::clone(&edge);
        tokio::spawn(async move {
            let shaken = handshake(incoming, &edge).await;
            drop(place);
            match shaken {
                Ok((connection, verified)) => conduit::serve(edge, connection, verified).await,
                Err(error) => tracing::info!(%peer, %error, "a handshake failed"),
            }
        });
    }
}

/// Why a handshake came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("it took too long")]
    TooSlow,
    #[error("{0}")]
    Quic(#[from] quinn::ConnectionError),
    #[error("it ended without a certificate")]
    NoCertificate,
    #[error("{0}")]
    Untrusted(#[from] Untrusted),
}

async fn handshake(
    incoming: Incoming,
    edge: &Edge,
) -> Result<(Connection, Verified), HandshakeError> {
    let connection = timeout(HANDSHAKE_MAX, incoming.accept()?)
        .await
        .map_err(|_| HandshakeError::TooSlow)??;
    // TLS says that the certificate was accepted, and not by whom: so the same is asked again.
    let verified = vouch(&connection, edge)?;
    Ok((connection, verified))
}

/// Who vouches at this moment for the certificate that was shown in the handshake.
pub(crate) fn vouch(connection: &Connection, edge: &Edge) -> Result<Verified, HandshakeError> {
    let chain = connection
        .peer_identity()
        .and_then(|identity| identity.downcast::<Vec<CertificateDer<'static>>>().ok())
        .ok_or(HandshakeError::NoCertificate)?;
    let (leaf, others) = chain.split_first().ok_or(HandshakeError::NoCertificate)?;
    let wall_ms = u64::try_from(edge.clock().now().wall_ms()).unwrap_or(0);
    let at = UnixTime::since_unix_epoch(Duration::from_millis(wall_ms));
    Ok(edge.trust().vouch(Listener::Quic, leaf, others, at)?)
}

/// What counts as one address: whoever has an IPv6 address has the 2^64 beside it as well.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let high = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(high.into())
        }
        v4 => v4,
    }
}

/// The handshakes under way, by address.
#[derive(Clone, Default)]
pub(super) struct Handshakes(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One handshake's place; dropping it frees the place.
pub(super) struct Place {
    handshakes: Handshakes,
    address: IpAddr,
}

impl Handshakes {
    pub(super) fn count(&self) -> usize {
        self.by_address().values().sum()
    }

    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let total = self.count();
        let mut by_address = self.by_address();
        let here = by_address.entry(address).or_default();
        if total >= HANDSHAKES_MAX || *here >= HANDSHAKES_PER_ADDRESS {
            return None;
        }
        *here += 1;
        Some(Place {
            handshakes: self.clone(),
            address,
        })
    }

    fn by_address(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_address = self.handshakes.by_address();
        if let Some(here) = by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_machine_takes_no_more_places_by_having_many_addresses() {
        let handshakes = Handshakes::default();
        let here = |number: usize| format!("2001:db8::{number:x}").parse().unwrap();
        let places: Vec<Place> = (0..HANDSHAKES_MAX)
            .filter_map(|number| handshakes.enter(here(number)))
            .collect();
        assert_eq!(places.len(), HANDSHAKES_PER_ADDRESS);
        for elsewhere in ["2001:db8:0:1::1", "192.0.2.1", "192.0.2.2"] {
            assert!(handshakes.enter(elsewhere.parse().unwrap()).is_some());
        }
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(network(mapped), network("192.0.2.1".parse().unwrap()));
        drop(places);
        assert_eq!(handshakes.count(), 0);
    }
}

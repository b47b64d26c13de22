//! The identity listener: where people enrol and log in. Whoever comes shows no certificate, so
//! everything here is bounded, by the stranger's network and in all.

mod rate;
mod waiting;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use interlock_broker::authority::Credential;
use interlock_broker::clock::Clock;
use interlock_broker::enrolment::{Declined, Enrolling, Issued};
use interlock_protocols::conduit::{Message, next_frame};
use interlock_protocols::identity::{
    ENROL_ALPN, EXPORTER_LABEL, EnrolRequest, IdentityReply, LOGIN_ALPN, LoginRequest,
};
use quinn::crypto::rustls::{HandshakeData, QuicServerConfig};
use quinn::{Connection, Endpoint, Incoming, RecvStream, SendStream, ServerConfig, VarInt};
use rustls::ServerConfig as TlsConfig;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::quic::{Handshakes, ListenError, idle_timeout};
use super::reset;
use super::tls::identity_config;
use crate::limits::{
    CONNECTION_IDLE_MAX, HANDSHAKE_MAX, HANDSHAKES_BEFORE_RETRY, HANDSHAKES_MAX,
    IDENTITY_CONFIRM_MAX, IDENTITY_KEEP_ALIVE, IDENTITY_REPLY_MAX, IDENTITY_REQUEST_MAX,
    IDENTITY_REQUEST_MAX_BYTES, IDENTITY_TICK, INCOMING_BUFFER_BYTES, INCOMING_BUFFERS_BYTES,
};
use crate::service::Edge;
use rate::Rates;
use waiting::Waiting;

/// What a listener shows while somebody is expected, and while nobody is.
pub(crate) struct Doors {
    /// Enrolment and login.
    pub(crate) open: TlsConfig,
    /// Login alone.
    pub(crate) shut: TlsConfig,
}

impl Doors {
    /// Both, of the gateway's own texts. `authority_pem` is whose word on the gateway counts.
    pub(crate) fn of(
        server: &Credential,
        authority_pem: &str,
        clock: Clock,
    ) -> Result<Doors, ListenError> {
        let of = |alpn: &[&[u8]]| {
            let config = identity_config(server, authority_pem, alpn, clock);
            config.map_err(|error| ListenError::Tls(error.to_string()))
        };
        Ok(Doors {
            open: of(&[ENROL_ALPN, LOGIN_ALPN])?,
            shut: of(&[LOGIN_ALPN])?,
        })
    }
}

/// A running listener.
pub(crate) struct Listening {
    pub(crate) endpoint: Endpoint,
    pub(crate) address: SocketAddr,
}

/// Opens the listener, and serves it until its endpoint is closed.
pub(crate) fn start(
    address: SocketAddr,
    doors: Doors,
    key_pem: &str,
    edge: &Arc<Edge>,
) -> Result<Listening, ListenError> {
    let open = server_config(doors.open)?;
    let shut = server_config(doors.shut)?;
    let failed = |error| ListenError::Address { address, error };
    let socket = std::net::UdpSocket::bind(address).map_err(failed)?;
    let endpoint = reset::endpoint_config(key_pem);
    let runtime = Arc::new(quinn::TokioRuntime);
    let endpoint = Endpoint::new(endpoint, Some(shut.clone()), socket, runtime).map_err(failed)?;
    let address = endpoint.local_addr().map_err(failed)?;
    let door = Door {
        endpoint: endpoint.clone(),
        open,
        shut,
    };
    let is_open = expects(edge);
    door.set(is_open);
    tokio::spawn(attend(door, Arc::clone(edge), is_open));
    tokio::spawn(serve(endpoint.clone(), Arc::clone(edge)));
    Ok(Listening { endpoint, address })
}

fn server_config(tls: TlsConfig) -> Result<ServerConfig, ListenError> {
    let crypto =
        QuicServerConfig::try_from(tls).map_err(|error| ListenError::Tls(error.to_string()))?;
    let window = VarInt::from_u32(IDENTITY_REQUEST_MAX_BYTES);
    let mut transport = quinn::TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(window)
        .receive_window(window)
        .send_window(u64::from(IDENTITY_REQUEST_MAX_BYTES) * 4)
        .keep_alive_interval(Some(IDENTITY_KEEP_ALIVE))
        .max_idle_timeout(idle_timeout(CONNECTION_IDLE_MAX));
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config
        .transport_config(Arc::new(transport))
        .migration(false)
        .max_incoming(HANDSHAKES_MAX)
        .incoming_buffer_size(INCOMING_BUFFER_BYTES)
        .incoming_buffer_size_total(INCOMING_BUFFERS_BYTES);
    Ok(config)
}

/// Which of the two a stranger meets.
struct Door {
    endpoint: Endpoint,
    open: ServerConfig,
    shut: ServerConfig,
}

impl Door {
    fn set(&self, open: bool) {
        let config = if open { &self.open } else { &self.shut };
        self.endpoint.set_server_config(Some(config.clone()));
    }
}

fn expects(edge: &Edge) -> bool {
    edge.registrar().expects_somebody(edge.clock().now())
}

/// Opens the door for enrolment while anybody is expected, and shuts it behind them.
async fn attend(door: Door, edge: Arc<Edge>, mut is_open: bool) {
    let mut changes = edge.registrar().changes();
    let mut stopping = edge.stopping();
    let mut tick = interval(IDENTITY_TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            changed = changes.changed() => if changed.is_err() { return },
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        if edge.is_stopping() {
            return;
        }
        let expected = expects(&edge);
        if expected != is_open {
            tracing::info!(open = expected, "the door for enrolment was moved");
            door.set(expected);
            is_open = expected;
        }
    }
}

/// What all strangers share.
struct Desk {
    edge: Arc<Edge>,
    rates: Rates,
    waiting: Waiting,
}

async fn serve(endpoint: Endpoint, edge: Arc<Edge>) {
    let handshakes = Handshakes::default();
    let desk = Arc::new(Desk {
        edge,
        rates: Rates::default(),
        waiting: Waiting::default(),
    });
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
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            let shaken = shake(incoming).await;
            // The place is kept until the request is there: who shakes hands and then says
            // nothing is as much of a burden as who does not get that far.
            let served = match shaken {
                Ok(connection) => desk.receive(connection, place).await,
                Err(error) => Err(error),
            };
            if let Err(error) = served {
                tracing::info!(%peer, %error, "nobody got an identity");
            }
        });
    }
}

async fn shake(incoming: Incoming) -> io::Result<Connection> {
    let connecting = incoming.accept().map_err(io::Error::other)?;
    let connection = timeout(HANDSHAKE_MAX, connecting).await?;
    connection.map_err(io::Error::other)
}

/// What somebody asks for.
enum Asked {
    Enrol(EnrolRequest),
    Login(LoginRequest),
}

impl Desk {
    async fn receive(self: Arc<Self>, connection: Connection, place: impl Sized) -> io::Result<()> {
        let asked = timeout(IDENTITY_REQUEST_MAX, request(&connection)).await?;
        drop(place);
        let (asked, mut send) = asked?;
        let mut exporter = [0; 32];
        connection
            .export_keying_material(&mut exporter, EXPORTER_LABEL, b"")
            .map_err(|_| io::Error::other("this connection gives no exporter"))?;
        let peer = connection.remote_address();
        let now = self.edge.clock().now();
        let reply = if self.rates.take(peer.ip(), now) {
            self.decide(&asked, exporter, peer).await
        } else {
            tracing::warn!(%peer, "turned away: it asks too often");
            busy("too many requests came from your network in a short time")
        };
        if let IdentityReply::Waiting { invitation, .. } = reply {
            let Some(_place) = self.waiting.enter(invitation) else {
                last_reply(&mut send, &busy("too many others wait to be confirmed")).await;
                return Ok(());
            };
            return self.wait(connection, asked, exporter, send, reply).await;
        }
        last_reply(&mut send, &reply).await;
        connection.close(VarInt::from_u32(0), b"answered");
        Ok(())
    }

    /// Decides in a task of its own, which goes on when the connection is lost: what it began to
    /// record has to be taken up.
    async fn decide(&self, asked: &Asked, exporter: [u8; 32], peer: SocketAddr) -> IdentityReply {
        let edge = Arc::clone(&self.edge);
        let (now, peer) = (edge.clock().now(), peer.to_string());
        let decided = match asked {
            Asked::Enrol(request) => {
                let request = request.clone();
                tokio::spawn(async move {
                    let enrolled = edge
                        .registrar()
                        .enrol(&request, &exporter, &peer, now)
                        .await;
                    enrolled.map_or_else(|why| refused(&peer, &why), |told| enrolling(&edge, told))
                })
            }
            Asked::Login(request) => {
                let request = request.clone();
                tokio::spawn(async move {
                    let registrar = edge.registrar();
                    let here = edge.server_name();
                    let issued = registrar.login(&request, &exporter, here, &peer, now).await;
                    issued.map_or_else(|why| refused(&peer, &why), |told| given(&edge, told))
                })
            }
        };
        decided.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a decision on an identity came to no end");
            busy("the gateway could not decide")
        })
    }

    /// Waits for somebody to confirm, for a bounded time and with a bounded number of others.
    async fn wait(
        &self,
        connection: Connection,
        asked: Asked,
        exporter: [u8; 32],
        mut send: SendStream,
        waiting: IdentityReply,
    ) -> io::Result<()> {
        // Before the decision is looked at: a confirmation between the two is not to be missed.
        let mut changes = self.edge.registrar().changes();
        reply(&mut send, &waiting).await?;
        let peer = connection.remote_address();
        let settled = async {
            loop {
                match self.decide(&asked, exporter, peer).await {
                    IdentityReply::Waiting { .. } => {}
                    settled => return settled,
                }
                // The end of the invitation's time is no change, so it is looked for as well.
                let _more = timeout(IDENTITY_TICK * 10, changes.changed()).await;
            }
        };
        let mut stopping = self.edge.stopping();
        let settled = tokio::select! {
            settled = timeout(IDENTITY_CONFIRM_MAX, settled) => settled.ok(),
            _ = connection.closed() => None,
            () = stopped(&mut stopping) => None,
        };
        if let Some(settled) = settled {
            last_reply(&mut send, &settled).await;
        }
        connection.close(VarInt::from_u32(0), b"answered");
        Ok(())
    }
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the edge itself is gone, which is a stop as well.
    let _stop = stopping.wait_for(|stop| *stop).await;
}

/// The one request of a connection, on its one stream.
async fn request(connection: &Connection) -> io::Result<(Asked, SendStream)> {
    let (send, recv) = connection.accept_bi().await.map_err(io::Error::other)?;
    let alpn = connection
        .handshake_data()
        .and_then(|shown| shown.downcast::<HandshakeData>().ok())
        .and_then(|shown| shown.protocol);
    let asked = match alpn.as_deref() {
        Some(ENROL_ALPN) => Asked::Enrol(message(recv).await?),
        Some(LOGIN_ALPN) => Asked::Login(message(recv).await?),
        _ => return Err(io::Error::other("another protocol was agreed on")),
    };
    Ok((asked, send))
}

/// The window of the stream lets no more than one request in, so this is bounded.
async fn message<M: Message>(mut recv: RecvStream) -> io::Result<M> {
    let most = usize::try_from(IDENTITY_REQUEST_MAX_BYTES).unwrap_or(usize::MAX);
    let mut received = Vec::new();
    loop {
        if let Some((body, _)) = next_frame(&received).map_err(io::Error::other)? {
            return M::decode(body).map_err(io::Error::other);
        }
        if received.len() >= most {
            return Err(io::Error::other("the request is too long"));
        }
        let chunk = recv.read_chunk(most - received.len(), true).await;
        match chunk.map_err(io::Error::other)? {
            Some(chunk) => received.extend_from_slice(&chunk.bytes),
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

async fn reply(send: &mut SendStream, reply: &IdentityReply) -> io::Result<()> {
    let frame = reply.to_frame().map_err(io::Error::other)?;
    let sent = timeout(IDENTITY_REPLY_MAX, send.write_all(&frame)).await?;
    sent.map_err(io::Error::other)
}

/// Sends the last reply and waits, for a bounded time, until it is there.
async fn last_reply(send: &mut SendStream, last: &IdentityReply) {
    let said = async {
        reply(send, last).await?;
        send.finish().map_err(io::Error::other)?;
        send.stopped().await.map_err(io::Error::other)
    };
    if !matches!(timeout(IDENTITY_REPLY_MAX, said).await, Ok(Ok(_))) {
        tracing::debug!("the answer was not received");
    }
}

fn enrolling(edge: &Edge, told: Enrolling) -> IdentityReply {
    match told {
        Enrolling::Issued(issued) => given(edge, issued),
        Enrolling::Waiting {
            invitation,
            device_key,
        } => IdentityReply::Waiting {
            invitation,
            device_key,
        },
    }
}

fn given(edge: &Edge, issued: Issued) -> IdentityReply {
    IdentityReply::Issued {
        certificate: issued.certificate,
        gateway_ca: edge.gateway_ca().to_owned(),
        server_name: edge.server_name().to_owned(),
        conduit_port: edge.conduit_port(),
        subject: issued.subject.to_string(),
        ends_ms: issued.ends_ms,
    }
}

fn refused(peer: &str, why: &Declined) -> IdentityReply {
    tracing::warn!(peer, code = why.code(), %why, "no certificate was given");
    IdentityReply::Refused {
        code: why.code().to_owned(),
        reason: why.to_string(),
        next: why.next().to_owned(),
    }
}

fn busy(reason: &str) -> IdentityReply {
    IdentityReply::Refused {
        code: "busy".to_owned(),
        reason: reason.to_owned(),
        next: "wait a minute, then try again".to_owned(),
    }
}

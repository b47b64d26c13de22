//! The way to a session: transport, hello, offers.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use interlock_broker::clock::Clock;
use interlock_protocols::conduit::{DeviceOffer, FromClient, PointOffer, ToClient, VERSION};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint, TransportConfig, VarInt};
use tokio::sync::Mutex;

use super::frames::{self, Frames};
use super::prove::Prover;
use super::telling::Telling;
use super::{Gateway, Line, Welcome, faults};
use crate::failure::{Failure, Kind};
use crate::limits::{DEVICES_MAX, IDLE_TIMEOUT_MS, KEEP_ALIVE, POINTS_MAX, STREAM_WINDOW_BYTES};

const PROGRAM: &str = concat!("interlock ", env!("CARGO_PKG_VERSION"));

pub(super) fn configuration(tls: rustls::ClientConfig) -> Result<ClientConfig, Failure> {
    let crypto = QuicClientConfig::try_from(tls).map_err(Failure::of_program)?;
    let mut transport = TransportConfig::default();
    transport
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_idle_timeout(Some(VarInt::from_u32(IDLE_TIMEOUT_MS).into()))
        // The edge opens nothing; all streams are ours.
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES));
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

pub(super) async fn dial(
    address: SocketAddr,
    server_name: &str,
    prover: &Arc<Prover>,
    config: ClientConfig,
) -> Result<Gateway, Failure> {
    let endpoint = endpoint(address)?;
    let connection = endpoint
        .connect_with(config, address, server_name)
        .map_err(|error| unreachable(&error))?
        .await
        .map_err(|error| faults::of_connection(&error))?;
    greet(endpoint, connection, prover).await
}

/// A socket of our own, to reach this address from.
pub(super) fn endpoint(address: SocketAddr) -> Result<Endpoint, Failure> {
    let local: SocketAddr = if address.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    Endpoint::client(local).map_err(|error| unreachable(&error))
}

fn unreachable(why: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        Kind::Unreachable,
        why.to_string(),
        "check the network of this machine",
    )
}

/// From the transport being up to being let in and knowing what is offered.
async fn greet(
    endpoint: Endpoint,
    connection: Connection,
    prover: &Arc<Prover>,
) -> Result<Gateway, Failure> {
    let (mut control, recv) = connection
        .open_bi()
        .await
        .map_err(|error| faults::of_connection(&error))?;
    let hello = FromClient::Hello {
        version: VERSION,
        program: PROGRAM.to_owned(),
    };
    frames::write(&mut control, &hello).await?;
    let now_ms = Clock::start().now().wall_ms();
    frames::write(&mut control, &prover.prove(&connection, now_ms)?).await?;
    let mut messages = Frames::new(recv);
    let (welcome, devices) = match messages.next::<ToClient>().await? {
        Some(ToClient::Hello {
            version: VERSION,
            gateway,
            site,
            session,
            subject,
            groups,
            certificate_ends_ms,
            devices,
        }) => {
            let welcome = Welcome {
                gateway,
                site,
                session,
                subject,
                groups,
                certificate_ends_ms,
            };
            (welcome, devices)
        }
        Some(ToClient::Refused { reason, next }) => {
            let what = format!("the gateway gives you no session: {reason}");
            return Err(Failure::new(Kind::NotAuthenticated, what, next));
        }
        Some(_) => return Err(faults::unexpected("something else than a hello")),
        None => return Err(faults::lost(&connection)),
    };
    let offers = offers(&mut messages, devices, &connection).await?;
    let control = Arc::new(Mutex::new(control));
    let telling = Telling::start(connection.clone(), Arc::clone(&control), Arc::clone(prover));
    Ok(Gateway {
        endpoint,
        line: Line { connection },
        control,
        telling,
        messages,
        welcome,
        offers,
        held: VecDeque::new(),
        steps: VecDeque::new(),
        calls: 0,
        aloud: true,
    })
}

async fn offers(
    messages: &mut Frames,
    announced: u32,
    connection: &Connection,
) -> Result<Vec<DeviceOffer>, Failure> {
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    if announced > DEVICES_MAX {
        return Err(faults::unexpected("more devices than a gateway can have"));
    }
    let mut offers: Vec<DeviceOffer> = Vec::new();
    loop {
        match messages.next::<ToClient>().await? {
            Some(ToClient::Device(offer)) if offers.len() < announced => offers.push(offer),
            Some(ToClient::Points { device, points }) => add(&mut offers, &device, points)?,
            Some(ToClient::Ready) if offers.len() == announced => return Ok(offers),
            Some(_) => return Err(faults::unexpected("other devices than it announced")),
            None => return Err(faults::lost(connection)),
        }
    }
}

fn add(offers: &mut [DeviceOffer], device: &str, points: Vec<PointOffer>) -> Result<(), Failure> {
    match offers.last_mut().filter(|offer| offer.name == device) {
        Some(offer) if offer.points.len().saturating_add(points.len()) <= POINTS_MAX => {
            offer.points.extend(points);
            Ok(())
        }
        _ => Err(faults::unexpected("points that belong to no device")),
    }
}

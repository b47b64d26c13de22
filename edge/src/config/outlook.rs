//! `[witness]` and `[metrics]`: who else keeps an eye on this gateway.

use std::net::SocketAddr;

use interlock_broker::document::Section;

/// The witness that cosigns the journal's checkpoints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WitnessConfig {
    /// `host:port` of its submission address, plain HTTP: what is sent is public to whoever
    /// carries it, and both ends check signatures.
    pub address: String,
    /// Its verification key, as C2SP writes keys: `name+hash+key`.
    pub key: String,
}

impl WitnessConfig {
    pub(super) fn read(section: &mut Section<'_>) -> Option<WitnessConfig> {
        let address = section.required("address").host_and_port();
        let key = section.required("key").text();
        Some(WitnessConfig {
            address: address?,
            key: key?,
        })
    }
}

/// Reads `[metrics]`: where Prometheus may ask. Off without it, and on loopback alone: what is
/// told there is told to anybody who asks.
pub(super) fn metrics(section: &mut Section<'_>) -> Option<SocketAddr> {
    let address = section.required("listen").socket_address()?;
    if !address.ip().is_loopback() {
        section.fault(
            "listen",
            format!("{address} is no loopback address"),
            "metrics are served without any authentication: use 127.0.0.1:9464 and let an agent \
             on this machine collect them",
        );
        return None;
    }
    Some(address)
}

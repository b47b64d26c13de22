//! `[witness]` and `[metrics]`: who else keeps an eye on this gateway.

use std::net::SocketAddr;

use interlock_broker::document::Section;
use interlock_broker::witness::CosignerKey;

/// The witness that cosigns the journal's checkpoints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WitnessConfig {
    /// `host:port` of its submission address, plain HTTP: what is sent is public to whoever
    /// carries it, and both ends check signatures.
    pub address: String,
    /// Its key: what is cosigned with another counts for nothing.
    pub key: CosignerKey,
}

impl WitnessConfig {
    pub(super) fn read(section: &mut Section<'_>) -> Option<WitnessConfig> {
        let address = section.required("address").host_and_port();
        let key = section.required("key").text_as(cosigner);
        Some(WitnessConfig {
            address: address?,
            key: key?,
        })
    }
}

fn cosigner(text: &str) -> Result<CosignerKey, (String, String)> {
    CosignerKey::parse(text).map_err(|error| {
        let hint = "copy the line that `interlock witness key` printed on the witness's machine";
        (error.to_string(), hint.to_owned())
    })
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

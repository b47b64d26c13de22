//! The identity port: a connection without a certificate of ours, one request, and its replies.

use std::fmt;
use std::net::SocketAddr;

use interlock_protocols::conduit::Message;
use interlock_protocols::identity::IdentityReply;
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint, SendStream, VarInt};
use tokio::time::timeout;

use super::frames::{self, Frames};
use super::{administer, dial, faults};
use crate::failure::{Failure, Kind};
use crate::limits::{CONNECT_TIMEOUT, GOODBYE};

/// A connection to the identity port of a gateway that has shown who it is.
pub(crate) struct Door {
    endpoint: Endpoint,
    connection: Connection,
    exporter: [u8; 32],
}

/// The replies to one request, until one of them is the last.
pub(crate) struct Replies {
    messages: Frames,
    /// Kept open: its end would say that nobody waits any more.
    _send: SendStream,
}

/// The alert of a side that speaks none of the protocols offered (RFC 7301 §3.2), as QUIC carries
/// it (RFC 9001 §4.8).
const NO_SUCH_PROTOCOL: u64 = 0x100 + 120;

impl Door {
    /// Connects to `HOST:PORT` with a TLS configuration that knows the gateway.
    pub(crate) async fn knock(
        address: &str,
        server_name: &str,
        tls: rustls::ClientConfig,
    ) -> Result<Door, Failure> {
        let config = dial::configuration(tls)?;
        let unreachable = |why: &dyn fmt::Display| {
            Failure::new(
                Kind::Unreachable,
                format!("the gateway cannot be reached at {address}: {why}"),
                "check your network, that UDP to that port passes, and that the gateway runs",
            )
        };
        let addresses = tokio::net::lookup_host(address)
            .await
            .map_err(|error| unreachable(&error))?;
        let mut last = unreachable(&"its name has no address");
        for address in addresses {
            let tried = connect(address, server_name, config.clone());
            last = match timeout(CONNECT_TIMEOUT, tried).await {
                Ok(Err(failure)) if failure.kind() == Kind::Unreachable => {
                    unreachable(&failure.what())
                }
                Ok(judged) => return judged,
                Err(_) => unreachable(&"nobody answers"),
            };
        }
        Err(last)
    }

    /// What binds signatures to this connection.
    pub(crate) fn exporter(&self) -> &[u8; 32] {
        &self.exporter
    }

    /// Sends the one request.
    pub(crate) async fn ask(&self, request: &impl Message) -> Result<Replies, Failure> {
        let (mut send, recv) = self
            .connection
            .open_bi()
            .await
            .map_err(|error| faults::of_connection(&error))?;
        frames::write(&mut send, request).await?;
        Ok(Replies {
            messages: Frames::new(recv),
            _send: send,
        })
    }

    /// Ends the connection in good order.
    pub(crate) async fn leave(self) {
        self.connection.close(VarInt::from_u32(0), b"bye");
        let _ = timeout(GOODBYE, self.endpoint.wait_idle()).await;
    }
}

impl Replies {
    /// The next one.
    pub(crate) async fn next(&mut self) -> Result<IdentityReply, Failure> {
        let reply = self.messages.next::<IdentityReply>().await?;
        reply.ok_or_else(|| {
            Failure::new(
                Kind::Unreachable,
                "the gateway ended the connection without an answer",
                "try again; nothing is lost",
            )
        })
    }
}

async fn connect(
    address: SocketAddr,
    server_name: &str,
    config: ClientConfig,
) -> Result<Door, Failure> {
    let endpoint = dial::endpoint(address)?;
    let connection = endpoint
        .connect_with(config, address, server_name)
        .map_err(|error| Failure::new(Kind::Unreachable, error.to_string(), ""))?
        .await
        .map_err(|error| nobody_expected(&error))?;
    let exporter = administer::exporter(&connection)?;
    Ok(Door {
        endpoint,
        connection,
        exporter,
    })
}

/// What kind of failure a refusal is, by its code. Where nothing is wrong with who asks, asking
/// again later helps, as it does with a gateway that is not there.
pub(crate) fn refused(code: &str, what: String, next: String) -> Failure {
    let passes = [
        "busy",
        "too-often",
        "journal-failed",
        "issuer-failed",
        "clock-doubted",
    ];
    let kind = match passes.contains(&code) {
        true => Kind::Unreachable,
        false => Kind::NotAuthenticated,
    };
    Failure::new(kind, what, next)
}

/// The protocol of enrolment is spoken only while somebody is invited.
fn nobody_expected(error: &ConnectionError) -> Failure {
    match error {
        ConnectionError::ConnectionClosed(close)
            if u64::from(close.error_code) == NO_SUCH_PROTOCOL =>
        {
            Failure::new(
                Kind::NotAuthenticated,
                "the gateway expects nobody now: the invitation was used, is withdrawn, or its time is over",
                "ask whoever invited you for a new one",
            )
        }
        error => faults::of_connection(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_tried_again_and_what_does_not_is_not() {
        let kind = |code| refused(code, String::new(), String::new()).kind();
        for code in ["busy", "too-often", "journal-failed", "clock-doubted"] {
            assert_eq!(kind(code), Kind::Unreachable, "{code}");
        }
        for code in ["revoked", "cloned", "invitation-used", "not-enrolled"] {
            assert_eq!(kind(code), Kind::NotAuthenticated, "{code}");
        }
    }
}

//! What lets an edge that was killed and is back tell its clients that their sessions are gone
//! (QUIC stateless reset). Without it they wait for the idle timeout, half a minute, while the
//! plant's tools hang.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::{hmac, rand};
use quinn::{ConnectionId, ConnectionIdGenerator, EndpointConfig};

/// Says what the key is for, so that no other key made of the same text is ever equal to it.
const LABEL: &[u8] = b"interlock stateless reset 1\0";

/// Long enough that two connections never share an id.
const CONNECTION_ID_BYTES: usize = 8;

/// The configuration of an endpoint whose resets are believed by the clients of the one before
/// it: both make their tokens with a key that comes from the gateway's own.
pub(super) fn endpoint_config(key_pem: &str) -> EndpointConfig {
    let mut context = Context::new(&SHA256);
    context.update(LABEL);
    context.update(key_pem.as_bytes());
    let key = hmac::Key::new(hmac::HMAC_SHA256, context.finish().as_ref());
    let mut config = EndpointConfig::new(Arc::new(key));
    config.cid_generator(|| Box::new(Random));
    config
}

/// Connection ids without a mark of the process that made them: quinn's own carry one and are
/// dropped in silence by the next process.
struct Random;

impl ConnectionIdGenerator for Random {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut id = [0; CONNECTION_ID_BYTES];
        if rand::fill(&mut id).is_err() {
            // An id that is taken is drawn again, so a poor one costs time and nothing else.
            fastrand::fill(&mut id);
        }
        ConnectionId::new(&id)
    }

    fn cid_len(&self) -> usize {
        CONNECTION_ID_BYTES
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

//! The way in from the north.

pub(crate) mod quic;
pub(crate) mod tls;

//! The way in from the north.

pub(crate) mod identity;
pub(crate) mod quic;
mod reset;
pub(crate) mod tls;

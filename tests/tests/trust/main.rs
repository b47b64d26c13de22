//! Authorities of others, and how sessions end by themselves: through real processes, from the
//! files on the gateway to what the client is told and what the journal says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod authorities;
mod ca;
mod ends;
mod flood;
#[path = "../hostile/peer.rs"]
#[allow(dead_code, reason = "other tests ask more of it")]
mod peer;

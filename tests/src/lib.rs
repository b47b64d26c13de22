//! What the tests of the whole system share: a simulated PLC, written from the specification and
//! not from our codec, and the harness that runs it, the edge and clients as processes.
//!
//! Everything here is test code: a broken expectation panics, with what was expected and what
//! was seen in its text.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

pub mod harness;
pub mod held;
pub mod plc;

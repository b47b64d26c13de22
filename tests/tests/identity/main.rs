//! Getting an identity, and the ways in which somebody would try who should have none: with a
//! client of the test's own, on the gateway's identity port.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod applicant;
mod crowds;
mod enrolling;
mod renewing;

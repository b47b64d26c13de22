//! Every byte format of Interlock: Modbus PDU, TCP and RTU framing, the conduit between client
//! and edge, and journal records.
//!
//! Nothing here reads a clock, draws a random number or touches a socket; nothing on the Modbus
//! path allocates. The firmware and the broker share this crate, so what the one refuses the
//! other refuses too.
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;

pub mod grant;
pub mod limits;
pub mod modbus;
pub mod root;

#[cfg(feature = "alloc")]
pub mod conduit;
#[cfg(feature = "alloc")]
pub mod identity;
#[cfg(feature = "alloc")]
pub mod local;
#[cfg(feature = "alloc")]
pub mod record;
#[cfg(feature = "alloc")]
mod strict;

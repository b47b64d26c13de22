//! Hostile input. Each one is followed to all of its ends: the reply, the fate of the
//! connection, what the PLC received (nothing malformed, and nothing at all that was not
//! allowed), and the record in the journal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bytes;
mod conduit;
mod crowds;
mod machines;
mod peer;
mod resumption;
mod shown;
mod strangers;
mod timing;

use interlock_tests::harness::{Fate, Modbus, PATIENCE, adu};

/// Bytes from hexadecimal text with spaces.
fn hex(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    interlock_tests::plc::log::bytes(&text).unwrap_or_else(|| panic!("{text} is no hexadecimal"))
}

/// Sends one request under an id of the test's choice and gives what came of it.
fn exchange(tool: &mut Modbus, transaction: u16, unit: u8, pdu: &[u8]) -> Fate {
    tool.send(&adu(transaction, unit, pdu));
    tool.next(PATIENCE)
}

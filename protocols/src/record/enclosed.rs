//! What travels inside a proof about one record: the record itself, and the record that names the
//! key of the epoch which signed the checkpoint, with the hashes that show it in the same log.

use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::Malformed;

/// The enclosure of a proof. None of it is to be believed before the proof was checked.
#[derive(Clone, PartialEq, Eq, Default, Debug, Encode, Decode)]
pub struct Enclosed {
    /// The record that the proof is about, whole.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub record: Vec<u8>,
    /// The record that started the epoch; empty where it was removed from the journal.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub epoch_record: Vec<u8>,
    /// Index of that record in the tree, from 0.
    #[n(2)]
    pub epoch_index: u64,
    /// Its inclusion proof: hashes of 32 bytes in a row, from the leaf up.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub epoch_hashes: Vec<u8>,
}

impl Enclosed {
    /// Its one spelling in bytes.
    pub fn encode(&self) -> Vec<u8> {
        crate::strict::to_bytes(self)
    }

    /// Reads it.
    pub fn decode(bytes: &[u8]) -> Result<Enclosed, Malformed> {
        crate::strict::from_bytes(bytes)
    }
}

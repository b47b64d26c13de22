//! What stands in the documents.

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use crate::record::Malformed;

/// Somebody who may approve.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Approver {
    /// Who: a whole SPIFFE id.
    #[n(0)]
    pub subject: String,
    /// What people call them.
    #[n(1)]
    pub name: String,
    /// The firm they work for; `None` for the site's own people.
    #[n(2)]
    pub firm: Option<String>,
    /// The key that signs their grants, Ed25519. It is on their own machine or token.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub key: [u8; 32],
    /// Since when they have been an approver, ms since 1970 UTC. Whoever became one only just now
    /// approves nothing yet.
    #[n(4)]
    pub since_ms: i64,
}

/// Who may approve at a site. No certificate makes an approver, this list alone does.
#[derive(Clone, PartialEq, Eq, Default, Debug, Encode, Decode)]
pub struct ApproverList {
    /// They, in the order of their subjects.
    #[n(0)]
    pub approvers: Vec<Approver>,
}

/// The inventory of a site, as it was when it was signed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct PlantBundle {
    /// SHA-256 of `plant.toml`.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub digest: [u8; 32],
}

macro_rules! document {
    ($($name:ty),*) => {$(
        impl $name {
            /// Its bytes.
            pub fn encode(&self) -> Vec<u8> {
                crate::strict::to_bytes(self)
            }

            /// The reverse. Bytes that are not its one spelling are refused.
            pub fn decode(body: &[u8]) -> Result<Self, Malformed> {
                crate::strict::from_bytes(body)
            }
        }
    )*};
}

document!(ApproverList, PlantBundle);

//! What is said of a machine's health.

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

/// The kind of operating system.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum OsFamily {
    /// Linux.
    #[n(0)]
    Linux,
    /// Windows.
    #[n(1)]
    Windows,
    /// macOS.
    #[n(2)]
    Macos,
    /// Another one.
    #[n(3)]
    Other,
}

impl OsFamily {
    /// The word of policy and screens.
    pub const fn name(self) -> &'static str {
        match self {
            OsFamily::Linux => "linux",
            OsFamily::Windows => "windows",
            OsFamily::Macos => "macos",
            OsFamily::Other => "other",
        }
    }
}

/// What was found on one machine at one moment. `None`: could not be found out.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Posture {
    /// SHA-256 of the machine's key (its `SubjectPublicKeyInfo`).
    #[cbor(n(0), with = "minicbor::bytes")]
    pub device_key: [u8; 32],
    /// When, ms since 1970 UTC, by the clock of whoever looked.
    #[n(1)]
    pub taken_ms: i64,
    /// Kind of operating system.
    #[n(2)]
    pub os: OsFamily,
    /// Its name and version, for people.
    #[n(3)]
    pub os_version: String,
    /// Days since its packages were last brought up to date.
    #[n(4)]
    pub patch_age_days: Option<u32>,
    /// Whether the disk it starts from is encrypted.
    #[n(5)]
    pub disk_encrypted: Option<bool>,
    /// Whether the screen locks by itself.
    #[n(6)]
    pub screen_lock: Option<bool>,
    /// Whether a firewall is active.
    #[n(7)]
    pub firewall: Option<bool>,
    /// Whether the protection agent that the plant asks for is running.
    #[n(8)]
    pub agent: Option<bool>,
}

/// Who looked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum PostureSource {
    /// The machine itself: a claim.
    #[n(0)]
    Own,
    /// A management server, which signed what it found.
    #[n(1)]
    Management,
}

impl PostureSource {
    /// The word of policy and screens.
    pub const fn name(self) -> &'static str {
        match self {
            PostureSource::Own => "self",
            PostureSource::Management => "management",
        }
    }
}

/// A [`Posture`] on its way to the gateway.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct PostureReport {
    /// Who looked.
    #[n(0)]
    pub source: PostureSource,
    /// The encoded [`Posture`].
    #[cbor(n(1), with = "minicbor::bytes")]
    pub statement: Vec<u8>,
    /// Name of the management server's key; empty where the machine looked itself.
    #[n(2)]
    pub signer: String,
    /// Ed25519 by that key over [`super::posture_statement`]; empty where the machine looked
    /// itself, since the proof of its key covers the statement then.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub signature: Vec<u8>,
}

impl PostureReport {
    /// Its one spelling in bytes, in which a statement lies in a file.
    pub fn encode(&self) -> Vec<u8> {
        crate::strict::to_bytes(self)
    }

    /// Reads it; refuses any other spelling.
    pub fn decode(bytes: &[u8]) -> Result<PostureReport, crate::strict::Malformed> {
        crate::strict::from_bytes(bytes)
    }
}

impl Posture {
    /// Its one spelling in bytes.
    pub fn encode(&self) -> Vec<u8> {
        crate::strict::to_bytes(self)
    }

    /// Reads it; refuses any other spelling.
    pub fn decode(bytes: &[u8]) -> Result<Posture, crate::strict::Malformed> {
        crate::strict::from_bytes(bytes)
    }
}

//! What a record says of who may act: invitations, enrolments, certificates, what is taken away
//! from whom, the health of machines, and the clock.

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use crate::identity::{AuthStrength, KeyProtection, Posture, PostureSource};

/// See [`super::Event::Invited`]. The sequence of the record is the number of the invitation.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Invited {
    /// The session that asked; `None` for the first administrator of a gateway.
    #[n(0)]
    pub session: Option<u64>,
    /// Who invites, and answers for whom they invite.
    #[n(1)]
    pub by: String,
    /// Who may enrol, and nobody else.
    #[n(2)]
    pub subject: String,
    /// Groups that the subject is to be in, beside those that the policy puts them in.
    #[n(3)]
    pub groups: Vec<String>,
    /// SHA-256 of the token.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub token: [u8; 32],
    /// When it ends, ms since 1970 UTC.
    #[n(5)]
    pub until_ms: i64,
}

/// See [`super::Event::InvitationClosed`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct InvitationClosed {
    /// The invitation.
    #[n(0)]
    pub invitation: u64,
    /// The session that asked.
    #[n(1)]
    pub session: Option<u64>,
    /// Who closed it.
    #[n(2)]
    pub by: String,
    /// Why, in words.
    #[n(3)]
    pub reason: String,
}

/// The keys of one subject on one machine.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Enrolment {
    /// The invitation.
    #[n(0)]
    pub invitation: u64,
    /// Who.
    #[n(1)]
    pub subject: String,
    /// What the machine calls itself.
    #[n(2)]
    pub machine: String,
    /// SHA-256 of the machine's key.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub device_key: [u8; 32],
    /// How that one is kept, as its owner says.
    #[n(4)]
    pub device_protection: KeyProtection,
    /// SHA-256 of the key by which the person or program asks for certificates.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub authenticator: [u8; 32],
    /// How that one is kept, as its owner says.
    #[n(6)]
    pub authenticator_protection: KeyProtection,
    /// Address and port it was asked from.
    #[n(7)]
    pub peer: String,
    /// SHA-256 of the key that the first certificate is for.
    #[cbor(n(8), with = "minicbor::bytes")]
    pub session_key: [u8; 32],
}

/// See [`super::Event::Enrolled`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Enrolled {
    /// Who, on which machine, by which keys.
    #[n(0)]
    pub enrolment: Enrolment,
    /// Who confirmed the machine's key; `None` where nobody had to.
    #[n(1)]
    pub confirmed_by: Option<String>,
    /// The session in which they did.
    #[n(2)]
    pub session: Option<u64>,
}

/// See [`super::Event::CertificateIssued`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct CertificateIssued {
    /// Whose.
    #[n(0)]
    pub subject: String,
    /// SHA-256 of the certificate.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub certificate: [u8; 32],
    /// SHA-256 of the key it is for.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub key: [u8; 32],
    /// SHA-256 of the machine's key.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub device_key: [u8; 32],
    /// SHA-256 of the certificate that it follows.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub parent: Option<[u8; 32]>,
    /// When it ends, ms since 1970 UTC.
    #[n(5)]
    pub ends_ms: i64,
    /// How strongly the subject showed who they are.
    #[n(6)]
    pub auth: AuthStrength,
    /// When they last did so, ms since 1970 UTC.
    #[n(7)]
    pub auth_ms: i64,
}

/// What is taken away.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum Measure {
    /// Everything: sessions end, and there are no new ones.
    #[n(0)]
    Revoke,
    /// Everything with effect.
    #[n(1)]
    Freeze,
    /// Reading too; the link to the device is closed.
    #[n(2)]
    Isolate,
    /// Everything with effect, from one session.
    #[n(3)]
    Downgrade,
}

impl Measure {
    /// The word of commands and screens.
    pub const fn name(self) -> &'static str {
        match self {
            Measure::Revoke => "revoke",
            Measure::Freeze => "freeze",
            Measure::Isolate => "isolate",
            Measure::Downgrade => "downgrade",
        }
    }
}

/// From whom, or from what.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Encode, Decode)]
pub enum Scope {
    /// A subject, by their SPIFFE id, on every machine.
    #[n(0)]
    Subject(#[n(0)] String),
    /// A machine of people, by the SHA-256 of its key.
    #[n(1)]
    Machine(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
    /// One session.
    #[n(2)]
    Session(#[n(0)] u64),
    /// A maintenance window.
    #[n(3)]
    Window(#[n(0)] String),
    /// Everybody of other firms.
    #[n(4)]
    AllVendors,
    /// A device of the plant.
    #[n(5)]
    Device(#[n(0)] String),
    /// All devices of a zone.
    #[n(6)]
    Zone(#[n(0)] String),
    /// All devices.
    #[n(7)]
    Site,
}

/// See [`super::Event::Restricted`]. The sequence of the record is the number of the restriction.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Restricted {
    /// The session that asked; `None` where the gateway did it by itself.
    #[n(0)]
    pub session: Option<u64>,
    /// Who did it.
    #[n(1)]
    pub by: String,
    /// What was taken away.
    #[n(2)]
    pub measure: Measure,
    /// From whom, or from what.
    #[n(3)]
    pub scope: Scope,
    /// Why, in their words.
    #[n(4)]
    pub reason: String,
    /// Sessions that were open and in its scope.
    #[n(5)]
    pub sessions: Vec<u64>,
    /// Intents of commands in its scope that had been sent and whose outcome was open.
    #[n(6)]
    pub open: Vec<u64>,
}

/// See [`super::Event::Reinstated`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Reinstated {
    /// The session that asked.
    #[n(0)]
    pub session: u64,
    /// Who did it: not who restricted, and nobody in the scope.
    #[n(1)]
    pub by: String,
    /// Sequence of the restriction.
    #[n(2)]
    pub restriction: u64,
    /// Why, in their words.
    #[n(3)]
    pub reason: String,
}

/// See [`super::Event::PostureChanged`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct PostureChanged {
    /// Number of the session.
    #[n(0)]
    pub session: u64,
    /// Who.
    #[n(1)]
    pub subject: String,
    /// Who looked; `None`: the evidence is too old, or there is none.
    #[n(2)]
    pub source: Option<PostureSource>,
    /// Name of the management server's key.
    #[n(3)]
    pub signer: String,
    /// What was found.
    #[n(4)]
    pub posture: Option<Posture>,
}

/// See [`super::Event::Asserted`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Asserted {
    /// Number of the session.
    #[n(0)]
    pub session: u64,
    /// Who.
    #[n(1)]
    pub subject: String,
    /// SHA-256 of the authenticator's key.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub authenticator: [u8; 32],
}

/// See [`super::Event::ClockDoubted`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ClockDoubted {
    /// What the system's clock showed, ms since 1970 UTC.
    #[n(0)]
    pub system_ms: i64,
    /// What the gateway counted itself.
    #[n(1)]
    pub counted_ms: i64,
}

/// See [`super::Event::ClockAccepted`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ClockAccepted {
    /// Who: a user of the gateway's own system.
    #[n(0)]
    pub by: String,
    /// Why, in their words.
    #[n(1)]
    pub reason: String,
    /// What the system's clock showed, and holds from here on; ms since 1970 UTC.
    #[n(2)]
    pub system_ms: i64,
    /// What the gateway had counted itself.
    #[n(3)]
    pub counted_ms: i64,
}

/// See [`super::Event::RegisterKept`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct RegisterKept {
    /// Number of this part, from 0.
    #[n(0)]
    pub part: u32,
    /// How many parts there are.
    #[n(1)]
    pub parts: u32,
    /// The last sequence that the register knew.
    #[n(2)]
    pub through: u64,
    /// This part of its entries.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub entries: Vec<u8>,
}

/// See [`super::Event::TrustTakenUp`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct TrustTakenUp {
    /// What: `approvers`, `plant`, or the name of an authority.
    #[n(0)]
    pub what: String,
    /// Its number, which only grows; 0 for what has none.
    #[n(1)]
    pub serial: u64,
    /// SHA-256 of it.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub digest: [u8; 32],
}

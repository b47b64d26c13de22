//! One stream on the identity port: one request, and replies until one of them is the last.

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::KeyProtection;

/// A public key, and a signature that shows that the sender has its private half.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Signed {
    /// `SubjectPublicKeyInfo` in DER: P-256 and nothing else.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub key: Vec<u8>,
    /// ECDSA with SHA-256, in ASN.1 DER, over the statement of the message it is in.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature: Vec<u8>,
}

/// Asks to be enrolled, on [`super::ENROL_ALPN`]. All three keys sign
/// [`super::enrol_statement`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct EnrolRequest {
    /// See [`super::VERSION`].
    #[n(0)]
    pub version: u16,
    /// The token of the invitation.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub token: [u8; 16],
    /// What the machine calls itself.
    #[n(2)]
    pub machine: String,
    /// The key that the first certificate is for.
    #[n(3)]
    pub session: Signed,
    /// The key of the machine.
    #[n(4)]
    pub device: Signed,
    /// How that one is kept.
    #[n(5)]
    pub device_protection: KeyProtection,
    /// The key by which the person says "it is me" from now on.
    #[n(6)]
    pub authenticator: Signed,
    /// How that one is kept. Only one in a token takes a person.
    #[n(7)]
    pub authenticator_protection: KeyProtection,
}

/// Asks for a new certificate, on [`super::LOGIN_ALPN`]. All three keys sign
/// [`super::login_statement`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct LoginRequest {
    /// See [`super::VERSION`].
    #[n(0)]
    pub version: u16,
    /// Who asks: a whole SPIFFE id.
    #[n(1)]
    pub subject: String,
    /// The key that the new certificate is for.
    #[n(2)]
    pub session: Signed,
    /// The key of the machine, as enrolled.
    #[n(3)]
    pub device: Signed,
    /// The key of the person or program, as enrolled.
    #[n(4)]
    pub authenticator: Signed,
    /// SHA-256 of the certificate that this one follows. A program names it always: the second
    /// who follows the same one is a clone.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub parent: Option<[u8; 32]>,
    /// Whether the person was asked for a PIN or a touch just now.
    #[n(6)]
    pub present: bool,
}

/// The answer to either.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum IdentityReply {
    /// A certificate, and all that a profile needs.
    #[n(0)]
    Issued {
        /// It, in PEM.
        #[n(0)]
        certificate: String,
        /// The authority whose word on the gateway counts, in PEM.
        #[n(1)]
        gateway_ca: String,
        /// The name in the gateway's certificate.
        #[n(2)]
        server_name: String,
        /// UDP port of the conduit, on the host that was asked.
        #[n(3)]
        conduit_port: u16,
        /// Whose certificate it is.
        #[n(4)]
        subject: String,
        /// When it ends, ms since 1970 UTC.
        #[n(5)]
        ends_ms: i64,
    },
    /// Somebody must confirm first. The stream stays open; ask again if it breaks.
    #[n(1)]
    Waiting {
        /// The invitation, as the one who confirms names it.
        #[n(0)]
        invitation: u64,
        /// SHA-256 of the machine's key, which the two compare by voice.
        #[cbor(n(1), with = "minicbor::bytes")]
        device_key: [u8; 32],
    },
    /// No certificate.
    #[n(2)]
    Refused {
        /// Why, as a stable code in kebab-case.
        #[n(0)]
        code: String,
        /// Why, in words.
        #[n(1)]
        reason: String,
        /// What to do next.
        #[n(2)]
        next: String,
    },
}

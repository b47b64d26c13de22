//! Who somebody is, and on which machine: keys and how they are kept, what is signed to prove
//! that one has them, and the messages by which certificates are asked for.
//!
//! Every signature here is over a text that begins with a domain of its own and binds the very
//! connection it is made for by the TLS exporter (RFC 8446 §7.5, RFC 9266), so none can be used
//! in another place or in another connection. Nothing here computes one: that is for whoever has
//! the keys, on either side.

mod message;
mod posture;
mod signing;
#[cfg(test)]
mod tests;

pub use message::{EnrolRequest, IdentityReply, LoginRequest, Signed};
pub use posture::{OsFamily, Posture, PostureReport, PostureSource};
pub use signing::{
    EXPORTER_LABEL, enrol_statement, login_statement, posture_digest, posture_statement,
    presence_statement, proof_statement,
};

use minicbor::{Decode, Encode};

/// The protocol of enrolment in the TLS handshake.
pub const ENROL_ALPN: &[u8] = b"interlock-enroll/1";

/// The protocol of renewal in the TLS handshake.
pub const LOGIN_ALPN: &[u8] = b"interlock-login/1";

/// The version of the messages of both.
pub const VERSION: u16 = 1;

/// Where a private key is kept, as its owner says. Nothing attests it yet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum KeyProtection {
    /// In a file.
    #[n(0)]
    Software,
    /// In a PKCS#11 token.
    #[n(1)]
    Token,
    /// In the machine's TPM.
    #[n(2)]
    Tpm,
}

impl KeyProtection {
    /// The word of policy, certificates and screens.
    pub const fn name(self) -> &'static str {
        match self {
            KeyProtection::Software => "software",
            KeyProtection::Token => "token",
            KeyProtection::Tpm => "tpm",
        }
    }

    /// The reverse of [`KeyProtection::name`].
    pub fn from_name(name: &str) -> Option<KeyProtection> {
        [
            KeyProtection::Software,
            KeyProtection::Token,
            KeyProtection::Tpm,
        ]
        .into_iter()
        .find(|known| known.name() == name)
    }
}

/// How strongly somebody has shown who they are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum AuthStrength {
    /// By keys that a program can use alone.
    #[n(0)]
    SingleFactor,
    /// By a key that takes a person: a PIN or a touch.
    #[n(1)]
    UserPresent,
}

impl AuthStrength {
    /// The word of policy, certificates and screens.
    pub const fn name(self) -> &'static str {
        match self {
            AuthStrength::SingleFactor => "single-factor",
            AuthStrength::UserPresent => "user-present",
        }
    }

    /// The reverse of [`AuthStrength::name`].
    pub fn from_name(name: &str) -> Option<AuthStrength> {
        [AuthStrength::SingleFactor, AuthStrength::UserPresent]
            .into_iter()
            .find(|known| known.name() == name)
    }
}

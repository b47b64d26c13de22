//! The long-lived keys of this machine and of its owner: where they are kept, and signing with
//! them. Both halves of what is proven to a gateway begin here; the keys themselves go nowhere.

mod authenticator;
mod file;
mod pin;
mod place;
mod token;

pub use authenticator::Authenticator;
pub use file::FileKey;
pub(crate) use file::private;
pub use pin::PinFrom;
pub use place::Place;
pub use token::HeldToken;

use interlock_protocols::identity::{KeyProtection, Signed};

use crate::failure::Failure;

/// A P-256 key that can sign.
#[derive(Debug)]
pub enum Key {
    /// One in a file.
    File(FileKey),
    /// One in a token.
    Token(HeldToken),
}

impl Key {
    /// The public half, as `SubjectPublicKeyInfo` in DER.
    pub fn spki(&self) -> &[u8] {
        match self {
            Key::File(key) => key.spki(),
            Key::Token(key) => key.spki(),
        }
    }

    /// How the private half is kept.
    pub fn protection(&self) -> KeyProtection {
        match self {
            Key::File(_) => KeyProtection::Software,
            Key::Token(key) if key.is_in_tpm() => KeyProtection::Tpm,
            Key::Token(_) => KeyProtection::Token,
        }
    }

    /// Signs a statement. A key in a token may ask for a PIN, or wait to be touched.
    pub fn sign(&self, statement: &[u8]) -> Result<Signed, Failure> {
        match self {
            Key::File(key) => key.sign(statement),
            Key::Token(key) => key.sign(statement),
        }
    }
}

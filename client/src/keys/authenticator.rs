//! What a person, or a program, shows who they are with.

use interlock_protocols::identity::{KeyProtection, Signed};

use super::Key;
use crate::failure::Failure;

/// Whatever signs for its owner. A key in a file or a token is one; a passkey in a browser would
/// be another.
pub trait Authenticator: Send + Sync {
    /// The public half, as `SubjectPublicKeyInfo` in DER.
    fn spki(&self) -> &[u8];

    /// How the private half is kept.
    fn protection(&self) -> KeyProtection;

    /// Whether a person had to do something for it just now: a PIN, a touch.
    fn present(&self) -> bool;

    /// Signs a statement.
    fn sign(&self, statement: &[u8]) -> Result<Signed, Failure>;
}

impl Authenticator for Key {
    fn spki(&self) -> &[u8] {
        Key::spki(self)
    }

    fn protection(&self) -> KeyProtection {
        Key::protection(self)
    }

    fn present(&self) -> bool {
        match self {
            Key::File(_) => false,
            Key::Token(key) => key.present(),
        }
    }

    fn sign(&self, statement: &[u8]) -> Result<Signed, Failure> {
        Key::sign(self, statement)
    }
}

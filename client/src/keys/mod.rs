//! The long-lived keys of this machine and of its owner: where they are kept, and signing with
//! them. Both halves of what is proven to a gateway begin here; the keys themselves go nowhere.

mod file;
mod place;

pub use file::FileKey;
pub(crate) use file::private;
pub use place::Place;

use interlock_protocols::identity::{KeyProtection, Signed};

use crate::failure::Failure;

/// A P-256 key that can sign.
#[derive(Debug)]
pub enum Key {
    /// One in a file.
    File(FileKey),
}

impl Key {
    /// The public half, as `SubjectPublicKeyInfo` in DER.
    pub fn spki(&self) -> &[u8] {
        match self {
            Key::File(key) => key.spki(),
        }
    }

    /// How the private half is kept.
    pub fn protection(&self) -> KeyProtection {
        match self {
            Key::File(_) => KeyProtection::Software,
        }
    }

    /// Signs a statement. A key in a token may ask for a PIN, or wait to be touched.
    pub fn sign(&self, statement: &[u8]) -> Result<Signed, Failure> {
        match self {
            Key::File(key) => key.sign(statement),
        }
    }
}

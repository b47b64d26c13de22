//! Where a profile says that a key is.

use std::path::{Path, PathBuf};

use interlock_broker::document::Section;
use interlock_broker::token::TokenKey;

use super::{FileKey, HeldToken, Key, PinFrom};
use crate::failure::Failure;

/// Where a key is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// In a file.
    File(PathBuf),
    /// In a token.
    Token {
        /// Which one.
        key: TokenKey,
        /// Where its PIN comes from.
        pin: PinFrom,
    },
}

impl Place {
    /// The file of that name in the folder of a profile, where the profile says nothing else.
    pub(crate) fn usual(folder: &Path, name: &str) -> Place {
        Place::File(folder.join(name).with_extension("key"))
    }

    /// Reads a table of a profile: `key` is a file, and a relative path starts at the profile; or
    /// `token` is a `pkcs11:` URI, with the file of the `module` and, for programs, a `pin_file`.
    pub(crate) fn read(folder: &Path, section: &mut Section<'_>) -> Option<Place> {
        if !section.has("token") {
            let key = section.required("key").text()?;
            return Some(Place::File(folder.join(key)));
        }
        let module = section.optional("module").text().map(PathBuf::from);
        let pin = section.optional("pin_file").text();
        let pin = pin.map_or(PinFrom::Person, |file| PinFrom::Kept(folder.join(file)));
        let key = section.required("token").text_as(|uri| {
            TokenKey::parse(uri, module.as_deref()).map_err(|error| {
                let hint = "name the key as `interlock enroll` wrote it";
                (error.to_string(), hint.to_owned())
            })
        });
        Some(Place::Token { key: key?, pin })
    }

    /// Takes the PIN from this file, where one is needed.
    pub(crate) fn give_pin(&mut self, file: &Path) {
        if let Place::Token { pin, .. } = self {
            *pin = PinFrom::Given(file.to_owned());
        }
    }

    /// Whether it is in a token.
    pub fn is_token(&self) -> bool {
        matches!(self, Place::Token { .. })
    }

    /// Opens the key. One in a token may make a person be asked for its PIN, once in a process.
    pub fn open(&self) -> Result<Key, Failure> {
        match self {
            Place::File(path) => FileKey::open(path).map(Key::File),
            Place::Token { key, pin } => HeldToken::open(key, pin).map(Key::Token),
        }
    }

    /// Opens the key, or makes it where there is none.
    pub fn obtain(&self) -> Result<Key, Failure> {
        match self {
            Place::File(path) => FileKey::obtain(path).map(Key::File),
            Place::Token { key, pin } => HeldToken::obtain(key, pin).map(Key::Token),
        }
    }
}

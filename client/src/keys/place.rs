//! Where a profile says that a key is.

use std::path::{Path, PathBuf};

use interlock_broker::document::Section;

use super::{FileKey, Key};
use crate::failure::Failure;

/// Where a key is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// In a file.
    File(PathBuf),
}

impl Place {
    /// The file of that name in the folder of a profile, where the profile says nothing else.
    pub(crate) fn usual(folder: &Path, name: &str) -> Place {
        Place::File(folder.join(name).with_extension("key"))
    }

    /// Reads a table of a profile: `key` is a file, and a relative path starts at the profile.
    pub(crate) fn read(folder: &Path, section: &mut Section<'_>) -> Option<Place> {
        let key = section.required("key").text()?;
        Some(Place::File(folder.join(key)))
    }

    /// Opens the key.
    pub fn open(&self) -> Result<Key, Failure> {
        match self {
            Place::File(path) => FileKey::open(path).map(Key::File),
        }
    }
}

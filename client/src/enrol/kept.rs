//! Keys while a certificate is awaited: in a folder beside the profile, so that whoever asks
//! again asks with the same ones, and nobody finds half a profile.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind};
use crate::keys::{FileKey, Key, Place};
use crate::profile::{self, Profile};

const SESSION: &str = "session";

/// The folder.
pub(super) struct Kept {
    folder: PathBuf,
}

/// The three keys.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) session: FileKey,
    pub(super) device: Key,
    pub(super) authenticator: Key,
}

impl Kept {
    /// The one beside this profile.
    pub(super) fn beside(profile: &Path) -> Result<Kept, Failure> {
        let name = profile.file_name().ok_or_else(|| {
            Failure::new(
                Kind::Usage,
                format!("{} is no name of a folder", profile.display()),
                "name the profile's folder with --profile",
            )
        })?;
        let mut name = name.to_owned();
        name.push(".enrolling");
        Ok(Kept {
            folder: profile.with_file_name(name),
        })
    }

    /// Where a key of that name is.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.key"))
    }

    /// The profile, if an earlier run wrote it and could not clean up. Another one is not touched.
    pub(super) fn finished(&self, profile: &Path) -> Result<Option<Profile>, Failure> {
        if !profile.join(profile::FILE).exists() {
            return Ok(None);
        }
        let there = Profile::open(profile)?;
        let session = self.file(SESSION);
        if session.exists() && FileKey::open(&session)?.spki() == there.session_key()?.spki() {
            return Ok(Some(there));
        }
        Err(Failure::new(
            Kind::Configuration,
            format!("there is a profile in {} already", profile.display()),
            "`interlock login` renews it; to enrol once more, name another folder with --profile",
        ))
    }

    /// The keys of an earlier run, and new ones where there are none.
    pub(super) fn keys(&self, device: &Place, authenticator: &Place) -> Result<Keys, Failure> {
        profile::make_folder(&self.folder).map_err(|error| {
            Failure::new(
                Kind::Configuration,
                format!("{} cannot be made: {error}", self.folder.display()),
                "check where it is to be, and the room on the disk",
            )
        })?;
        // A token first: a wrong PIN leaves no key behind.
        let authenticator = authenticator.obtain()?;
        let device = device.obtain()?;
        Ok(Keys {
            session: FileKey::obtain(&self.file(SESSION))?,
            device,
            authenticator,
        })
    }

    /// All that was kept is in the profile now.
    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, folder = %self.folder.display(), "cannot be removed");
        }
    }
}

//! What was last known of an authority, kept so that a restart does not forget it: the file it was
//! read from may be broken by then, or put back to an earlier one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::material::{Texts, sha256};
use crate::config::TrustConfig;

/// Stands between the certificates and the lists. What reads PEM does not see it.
const BETWEEN: &str = "\n# revocation lists\n";

/// The file of one authority.
pub(super) struct Kept {
    path: PathBuf,
    with_lists: bool,
}

impl Kept {
    /// The name says which files it was read from: whoever configures others means others.
    pub(super) fn of(state: &Path, config: &TrustConfig) -> Kept {
        let from = format!("{:?} {:?}", config.ca, config.crl);
        let [a, b, c, d, ..] = sha256(from.as_bytes());
        let name = &config.name;
        Kept {
            path: state.join(format!("{name}-{a:02x}{b:02x}{c:02x}{d:02x}.pem")),
            with_lists: config.crl.is_some(),
        }
    }

    /// What was kept, if it is there. It is judged like any other.
    pub(super) fn read(&self) -> Option<Texts> {
        let mut texts = Texts::read(&self.path, None).ok()?;
        let (ca, crl) = match texts.ca.rsplit_once(BETWEEN) {
            Some((ca, crl)) => (ca.to_owned(), Some(crl.to_owned())),
            None => (texts.ca, None),
        };
        texts.ca = ca;
        texts.crl = crl;
        (texts.crl.is_some() == self.with_lists).then_some(texts)
    }

    /// Writes it whole, or leaves what was there.
    pub(super) fn write(&self, texts: &Texts) -> io::Result<()> {
        let Some(dir) = self.path.parent() else {
            return Err(io::Error::other("it has no folder"));
        };
        fs::DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(dir)?;
        let new = self.path.with_extension("new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(texts.ca.as_bytes())?;
        if let Some(crl) = &texts.crl {
            file.write_all(BETWEEN.as_bytes())?;
            file.write_all(crl.as_bytes())?;
        }
        // Its age is that of what it was read from.
        let since_1970 = Duration::from_millis(u64::try_from(texts.ca_ms).unwrap_or(0));
        file.set_modified(UNIX_EPOCH + since_1970)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        fs::File::open(dir)?.sync_all()
    }
}

//! What a witness keeps: one file for each log, replaced as a whole and durable before anything is
//! cosigned.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use interlock_broker::witness::Seen;

use crate::failure::{Failure, Kind};
use crate::limits::{WITNESS_FILE_MAX_BYTES, WITNESS_FILE_NAME_MAX_BYTES};

const KEPT: &str = ".checkpoint";
const FORKED: &str = ".forked";
const LOCK: &str = "lock";

/// The folder.
pub(super) struct Store {
    dir: PathBuf,
    /// Held for as long as this is the one that writes.
    _lock: Option<File>,
}

/// What is kept of one log.
pub(super) struct Known {
    pub(super) origin: String,
    pub(super) seen: io::Result<Seen>,
    pub(super) forked: bool,
}

impl Store {
    /// The folder, to look into.
    pub(super) fn at(dir: &Path) -> Store {
        Store {
            dir: dir.to_owned(),
            _lock: None,
        }
    }

    /// The folder, to serve from. Two witnesses over one folder could each sign another tree.
    pub(super) fn open(dir: &Path) -> io::Result<Store> {
        fs::create_dir_all(dir)?;
        let lock = File::create(dir.join(LOCK))?;
        lock.try_lock().map_err(|error| {
            io::Error::other(format!("another witness serves from it ({error})"))
        })?;
        Ok(Store {
            dir: dir.to_owned(),
            _lock: Some(lock),
        })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The last checkpoint of a log. One that cannot be read is an error and never nothing: the
    /// witness would sign whatever it is shown.
    pub(super) fn last(&self, origin: &str) -> io::Result<Option<Seen>> {
        let path = self.dir.join(named(origin, KEPT)?);
        let seen = match read(&path) {
            Ok(seen) => seen,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if seen.checkpoint().origin() != origin {
            let other = seen.checkpoint().origin();
            let why = format!("{} is of another log, {other}", path.display());
            return Err(io::Error::other(why));
        }
        Ok(Some(seen))
    }

    /// Keeps a checkpoint. When this returns it is on the disk, and so is its name.
    pub(super) fn keep(&self, seen: &Seen) -> io::Result<()> {
        let name = named(seen.checkpoint().origin(), KEPT)?;
        let beside = self.dir.join(format!("{name}.new"));
        let mut file = File::create(&beside)?;
        file.write_all(&seen.to_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, self.dir.join(name))?;
        self.sync()
    }

    /// Keeps the first proof that a log signed two trees of one size. Gives false where there is
    /// one already.
    pub(super) fn keep_fork(&self, origin: &str, checkpoint: &[u8]) -> io::Result<bool> {
        let path = self.dir.join(named(origin, FORKED)?);
        if path.exists() {
            return Ok(false);
        }
        let beside = self.dir.join(format!("{}.new", named(origin, FORKED)?));
        let mut file = File::create(&beside)?;
        file.write_all(checkpoint)?;
        file.sync_all()?;
        fs::rename(beside, path)?;
        self.sync().map(|()| true)
    }

    /// Sets aside what is known of a log; gives where it is now.
    pub(super) fn forget(&self, origin: &str) -> io::Result<Option<PathBuf>> {
        let name = named(origin, KEPT)?;
        let path = self.dir.join(&name);
        if !path.exists() {
            return Ok(None);
        }
        let aside = (1_u32..)
            .map(|number| self.dir.join(format!("{name}.forgotten-{number}")))
            .find(|aside| !aside.exists());
        let aside = aside.ok_or_else(|| io::Error::other("too often forgotten"))?;
        fs::rename(path, &aside)?;
        self.sync()?;
        Ok(Some(aside))
    }

    /// All that is known, by the name of the log.
    pub(super) fn all(&self) -> io::Result<Vec<Known>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(stem) = name.and_then(|name| name.strip_suffix(KEPT)) else {
                continue;
            };
            let seen = read(&path);
            all.push(Known {
                origin: match &seen {
                    Ok(seen) => seen.checkpoint().origin().to_owned(),
                    Err(_) => stem.to_owned(),
                },
                forked: self.dir.join(format!("{stem}{FORKED}")).exists(),
                seen,
            });
        }
        all.sort_by(|one, other| one.origin.cmp(&other.origin));
        Ok(all)
    }

    /// Makes names in the folder durable, where a system can do that.
    fn sync(&self) -> io::Result<()> {
        if cfg!(unix) {
            File::open(&self.dir)?.sync_all()?;
        }
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Seen> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(WITNESS_FILE_MAX_BYTES).read_to_end(&mut bytes)?;
    Seen::parse(&bytes)
        .map_err(|error| io::Error::other(format!("{} is damaged: {error}", path.display())))
}

/// The name of a file for a log: letters and digits as they are, the rest by its bytes.
fn named(origin: &str, suffix: &str) -> io::Result<String> {
    let mut name = String::new();
    for byte in origin.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02x}"));
        }
    }
    if name.len() > WITNESS_FILE_NAME_MAX_BYTES {
        return Err(io::Error::other(format!(
            "the name of the log `{origin}` is too long for a file's"
        )));
    }
    Ok(name + suffix)
}

pub(super) fn unusable(dir: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Kind::Configuration,
        format!("the folder {} cannot be used: {error}", dir.display()),
        "see to the folder, its rights and its disk; keep every file in it as it is",
    )
}

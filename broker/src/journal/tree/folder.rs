//! Tiles as files of the journal's folder.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::super::directory::plain;
use super::tiles::TileStore;
use crate::limits::TREE_FILE_MAX_BYTES;

/// The folder of a journal, as a place for its tree.
pub struct TileFolder {
    path: PathBuf,
    /// Folders that got a new name since the last flush.
    changed: BTreeSet<PathBuf>,
    read_only: bool,
}

impl TileFolder {
    /// The folder `path`, which holds the journal, for its one writer.
    pub fn new(path: &Path) -> TileFolder {
        TileFolder {
            path: path.to_owned(),
            changed: BTreeSet::new(),
            read_only: false,
        }
    }

    /// The same for reading alone, whoever writes to it.
    pub fn read_only(path: &Path) -> TileFolder {
        TileFolder {
            read_only: true,
            ..TileFolder::new(path)
        }
    }

    fn writable(&self) -> io::Result<()> {
        if self.read_only {
            let why = "the tree is open for reading only";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        Ok(())
    }

    /// Makes the folders above `file`, and remembers which folders have new names in them.
    fn prepare(&mut self, file: &Path) -> io::Result<()> {
        let parent = file.parent().unwrap_or(&self.path);
        let mut above = parent;
        // A new folder is a new name in the one above it.
        while !above.is_dir()
            && let Some(next) = above.parent()
        {
            self.changed.insert(next.to_owned());
            above = next;
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)?;
        self.changed.insert(parent.to_owned());
        Ok(())
    }
}

/// Nothing there is an answer, not an error.
fn unless_absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The bytes of a file. One that is too long for what it should be is not read: the folder may be
/// anybody's.
fn short(path: &Path) -> io::Result<Vec<u8>> {
    let file = plain(OpenOptions::new().read(true), path)?;
    let mut bytes = Vec::new();
    file.take(TREE_FILE_MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > TREE_FILE_MAX_BYTES {
        let why = format!("{} is too long for what it should be", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(bytes)
}

impl TileStore for TileFolder {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        unless_absent(short(&self.path.join(path)))
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.writable()?;
        let path = self.path.join(path);
        self.prepare(&path)?;
        // Flushed before it gets its name: a name must never stand over nothing.
        let making = path.with_extension("making");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&making)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&making, &path)
    }

    fn sync(&mut self) -> io::Result<()> {
        // Kept until all are flushed: what failed once must be tried again.
        for folder in &self.changed {
            File::open(folder)?.sync_all()?;
        }
        self.changed.clear();
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.writable()?;
        fs::rename(self.path.join(from), self.path.join(to))?;
        File::open(&self.path)?.sync_all()
    }

    fn wipe(&mut self, path: &str) -> io::Result<()> {
        self.writable()?;
        let path = self.path.join(path);
        let file = OpenOptions::new().write(true).open(&path);
        let Some(mut file) = unless_absent(file)? else {
            return Ok(());
        };
        let bytes = usize::try_from(file.metadata()?.len()).unwrap_or_default();
        file.write_all(&vec![0; bytes])?;
        file.sync_all()?;
        fs::remove_file(&path)?;
        File::open(path.parent().unwrap_or(&self.path))?.sync_all()
    }

    fn drop_partials(&mut self, path: &str) -> io::Result<()> {
        self.writable()?;
        let folder = self.path.join(format!("{path}.p"));
        unless_absent(fs::remove_dir_all(folder)).map(drop)
    }

    fn partials(&self, path: &str) -> io::Result<Vec<usize>> {
        let folder = self.path.join(format!("{path}.p"));
        let mut widths = Vec::new();
        for entry in unless_absent(fs::read_dir(folder))?.into_iter().flatten() {
            if let Some(width) = entry?.file_name().to_str()
                && let Ok(width) = width.parse()
            {
                widths.push(width);
            }
        }
        widths.sort_unstable();
        Ok(widths)
    }

    fn reader(&self) -> Box<dyn TileStore> {
        Box::new(TileFolder::read_only(&self.path))
    }
}

//! Segments as files of one folder.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;

use super::storage::{SegmentFile, Storage};

/// A folder of segments.
pub struct Directory {
    path: PathBuf,
    /// Held, not read. `None` when only reading.
    lock: Option<Arc<File>>,
}

impl Directory {
    /// Opens `path` for writing, makes it if it is not there, and locks it: two writers would
    /// destroy each other's records. The lock goes with the process, however that ends.
    pub fn open(path: &Path) -> io::Result<Directory> {
        if !path.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(path)?;
            // The parent of `journal` is written as nothing at all.
            let parent = path.parent().filter(|parent| parent.is_dir());
            File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Directory {
                path: path.to_owned(),
                lock: Some(Arc::new(lock)),
            }),
            Err(TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                format!(
                    "the journal in {} is in use by another process; stop that one first",
                    path.display()
                ),
            )),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Opens `path` for reading, whoever writes to it.
    pub fn read_only(path: &Path) -> Directory {
        Directory {
            path: path.to_owned(),
            lock: None,
        }
    }

    /// What changes the folder needs the lock.
    fn writable(&self) -> io::Result<()> {
        match &self.lock {
            Some(_) => Ok(()),
            None => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the journal is open for reading only",
            )),
        }
    }

    /// Makes the names in the folder survive a power cut.
    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    /// A new file of zeros. They are written out, not reserved: a flush into reserved space would
    /// have to change the file's metadata as well.
    fn filled(&self, path: &Path, bytes: u64) -> io::Result<File> {
        // Said before it is tried: else a nearly full disk would be filled up each time.
        let free = self.free_bytes().unwrap_or_default();
        if free.is_some_and(|free| free < bytes) {
            return Err(io::Error::new(
                io::ErrorKind::StorageFull,
                format!("the disk has no {bytes} bytes left for another segment"),
            ));
        }
        let mut file = OpenOptions::new()
            .create_new(true)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path)?;
        let zeros = vec![0; FILL_BYTES];
        let mut left = bytes;
        while left > 0 {
            let some = usize::try_from(left).map_or(FILL_BYTES, |left| left.min(FILL_BYTES));
            file.write_all(zeros.get(..some).unwrap_or(&zeros))?;
            // Piece by piece: records are being flushed beside this, and would otherwise wait
            // until the disk has taken all of it.
            file.sync_data()?;
            left -= some as u64;
        }
        file.sync_all()?;
        Ok(file)
    }

    fn file(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:012}.{EXTENSION}"))
    }
}

/// Opens a file, and nothing else that may stand in its place. A pipe would be waited for for
/// ever: whoever verifies a folder cannot know who filled it.
pub(super) fn plain(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let nonblock = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = options.custom_flags(nonblock).open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    let why = format!("{} is no file", path.display());
    Err(io::Error::new(io::ErrorKind::InvalidData, why))
}

const EXTENSION: &str = "segment";

/// Zeros written at once, and then flushed: the disk stays answerable meanwhile.
const FILL_BYTES: usize = 1 << 20;

impl Storage for Directory {
    fn segments(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = PathBuf::from(entry?.file_name());
            if name.extension().is_some_and(|end| end == EXTENSION)
                && let Some(stem) = name.file_stem().and_then(|stem| stem.to_str())
                && let Ok(number) = stem.parse()
            {
                numbers.push(number);
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn create(&mut self, number: u64, bytes: u64) -> io::Result<Box<dyn SegmentFile>> {
        self.writable()?;
        let path = self.file(number);
        if path.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        // Under another name until it is whole and durable.
        let making = path.with_extension("making");
        // What an earlier failure left takes the space that this one needs.
        if making.exists() {
            fs::remove_file(&making)?;
        }
        let file = self.filled(&making, bytes).inspect_err(|_| {
            let _ = fs::remove_file(&making);
        })?;
        fs::rename(&making, &path)?;
        self.sync_names()?;
        Ok(Box::new(SegmentOnDisk(file)))
    }

    fn open(&mut self, number: u64) -> io::Result<Box<dyn SegmentFile>> {
        let file = plain(
            OpenOptions::new().read(true).write(self.lock.is_some()),
            &self.file(number),
        )?;
        if self.lock.is_some() {
            // Whoever made it may have failed, or died, just before this.
            self.sync_names()?;
        }
        Ok(Box::new(SegmentOnDisk(file)))
    }

    fn remove(&mut self, number: u64) -> io::Result<()> {
        self.writable()?;
        match fs::remove_file(self.file(number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // One by one: of two names that go together, a power cut may bring back the younger.
        self.sync_names()
    }

    fn free_bytes(&self) -> io::Result<Option<u64>> {
        let place = rustix::fs::statvfs(&self.path)?;
        Ok(Some(place.f_bavail.saturating_mul(place.f_frsize)))
    }

    fn maker(&self) -> Box<dyn Storage> {
        Box::new(Directory {
            path: self.path.clone(),
            lock: self.lock.clone(),
        })
    }

    fn reader(&self) -> Box<dyn Storage> {
        Box::new(Directory::read_only(&self.path))
    }
}

struct SegmentOnDisk(File);

impl SegmentFile for SegmentOnDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(into, offset)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

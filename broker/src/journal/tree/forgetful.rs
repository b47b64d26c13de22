//! Tiles in memory, for tests of this and of other crates: it keeps what a real folder promises
//! over a power cut and nothing more, and fails where it is told to.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::tiles::TileStore;

/// The handle that a test keeps. Clones are the same place.
#[derive(Clone, Default)]
pub struct MemoryTiles {
    shared: Arc<Mutex<Files>>,
}

#[derive(Clone, Default)]
struct Files {
    now: BTreeMap<String, Vec<u8>>,
    durable: BTreeMap<String, Vec<u8>>,
    /// Calls that still succeed.
    calls_left: Option<u64>,
    calls: u64,
}

impl MemoryTiles {
    /// An empty place.
    pub fn new() -> MemoryTiles {
        MemoryTiles::default()
    }

    /// What a notary takes.
    pub fn store(&self) -> Box<dyn TileStore> {
        Box::new(self.clone())
    }

    /// Lets `calls` more changes succeed and fails every later one.
    pub fn fail_after(&self, calls: u64) {
        self.files().calls_left = Some(calls);
    }

    /// Ends [`MemoryTiles::fail_after`].
    pub fn heal(&self) {
        self.files().calls_left = None;
    }

    /// Cuts the power. Of what was not flushed those files stay new that `keep` says.
    pub fn power_cut_keeping(&self, mut keep: impl FnMut(&str) -> bool) {
        let mut files = self.files();
        let now = std::mem::take(&mut files.now);
        for (path, bytes) in now {
            if keep(&path) {
                files.durable.insert(path, bytes);
            }
        }
        files.now = files.durable.clone();
        files.calls_left = None;
    }

    /// A copy that shares nothing with this one, as a backup does.
    pub fn copy(&self) -> MemoryTiles {
        MemoryTiles {
            shared: Arc::new(Mutex::new(self.files().clone())),
        }
    }

    /// All paths that there are.
    pub fn paths(&self) -> Vec<String> {
        self.files().now.keys().cloned().collect()
    }

    /// Changes a file as somebody else would, durably. `None` removes it.
    pub fn tamper(&self, path: &str, bytes: Option<Vec<u8>>) {
        let mut files = self.files();
        let Files { now, durable, .. } = &mut *files;
        for place in [now, durable] {
            match &bytes {
                Some(bytes) => drop(place.insert(path.to_owned(), bytes.clone())),
                None => drop(place.remove(path)),
            }
        }
    }

    /// Changes so far.
    pub fn calls(&self) -> u64 {
        self.files().calls
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, what: impl FnOnce(&mut Files) -> T) -> io::Result<T> {
        let mut files = self.files();
        files.calls += 1;
        match &mut files.calls_left {
            None => {}
            Some(0) => return Err(io::Error::other("the folder fails as it was told to")),
            Some(left) => *left -= 1,
        }
        Ok(what(&mut files))
    }
}

impl TileStore for MemoryTiles {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files().now.get(path).cloned())
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.change(|files| drop(files.now.insert(path.to_owned(), bytes.to_vec())))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.change(|files| files.durable = files.now.clone())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.change(|files| {
            let bytes = files.now.remove(from).ok_or(io::ErrorKind::NotFound)?;
            files.durable.remove(from);
            files.now.insert(to.to_owned(), bytes.clone());
            files.durable.insert(to.to_owned(), bytes);
            Ok(())
        })?
    }

    fn wipe(&mut self, path: &str) -> io::Result<()> {
        self.change(|files| {
            files.now.remove(path);
            files.durable.remove(path);
        })
    }

    fn drop_partials(&mut self, path: &str) -> io::Result<()> {
        let folder = format!("{path}.p/");
        self.change(|files| files.now.retain(|path, _| !path.starts_with(&folder)))
    }

    fn partials(&self, path: &str) -> io::Result<Vec<usize>> {
        let folder = format!("{path}.p/");
        let files = self.files();
        let of = files
            .now
            .keys()
            .filter_map(|path| path.strip_prefix(&folder));
        let mut widths: Vec<usize> = of.filter_map(|width| width.parse().ok()).collect();
        widths.sort_unstable();
        Ok(widths)
    }

    fn reader(&self) -> Box<dyn TileStore> {
        Box::new(self.clone())
    }
}

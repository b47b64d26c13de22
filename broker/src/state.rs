//! The view of the journal on disk: what searching, forwarding and a restart want to know
//! without reading all records. It is derived from them and never decides anything. What is
//! wrong with it in any way is thrown away and built again.
//!
//! The library under it is not durable against a power cut, gives wrong errors for a full disk
//! and can panic on damage. So nothing it says is trusted: every call is guarded, and at opening all
//! entries must add up to what was put in ([`Index::load`]).

use std::any::Any;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::index::{Broken, Change, Found, Index, Place, Search, Shelf, Tip};
use crate::journal::Line;
use crate::limits::{VIEW_LOCK_PAUSE, VIEW_LOCK_TRIES, VIEW_OPEN_MAX};

/// The part of the library's file that is written at once, in bytes. A node has up to 17 values,
/// and one longer than a quarter of this goes to a file that is never flushed.
const SEGMENT_BYTES: usize = 1 << 20;

/// How a view compares with the journal it is opened beside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It goes exactly as far.
    Fits,
    /// It lacks this many records, as after any stop that was not in order.
    Behind {
        /// How many.
        records: u64,
    },
    /// It has seen a record that the journal does not have: the journal was cut or restored.
    Ahead {
        /// The last sequence that it has seen.
        through: u64,
    },
    /// The record of this sequence is another one than the view has seen: the journal was
    /// replaced, or restored and written on.
    Other {
        /// The sequence.
        at: u64,
    },
}

/// An open view.
pub struct State {
    index: Index,
    store: Store,
    /// After a failed change memory and disk may differ.
    failed: Option<Broken>,
    _lock: File,
}

impl State {
    /// Opens the view in `path`, or begins one. `progress` is told of entries read and of all.
    pub fn open(
        path: &Path,
        cache_bytes: u64,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<State, Broken> {
        let lock = lock(path)?;
        State::open_locked(path, lock, cache_bytes, progress)
    }

    /// Opens the view in `path`, or throws it away and begins anew, and says why. One that
    /// another process has is left alone.
    pub fn open_or_begin(
        path: &Path,
        cache_bytes: u64,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(State, Option<Broken>), Broken> {
        match State::open(path, cache_bytes, progress) {
            Ok(state) => Ok((state, None)),
            Err(Broken::InUse) => Err(Broken::InUse),
            Err(why) => {
                let state = State::begin(path, cache_bytes)?;
                Ok((state, Some(why)))
            }
        }
    }

    /// Throws away what is in `path`, if anything, and begins a view there.
    pub fn begin(path: &Path, cache_bytes: u64) -> Result<State, Broken> {
        let lock = lock(path)?;
        let gone = |removed: io::Result<()>| match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(storage(&error)),
            _ => Ok(()),
        };
        gone(fs::remove_dir_all(tree(path)))?;
        gone(fs::remove_file(opening(path)))?;
        State::open_locked(path, lock, cache_bytes, &mut |_, _| {})
    }

    fn open_locked(
        path: &Path,
        lock: File,
        cache_bytes: u64,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<State, Broken> {
        let opening = opening(path);
        if opening.exists() {
            // It brought the process down, or kept it busy until somebody did.
            return Err(Broken::Damaged(
                "the last time that it was opened did not come to an end".into(),
            ));
        }
        File::create(&opening).map_err(|error| storage(&error))?;
        let store = Store::open(tree(path), cache_bytes)?;
        let index = Index::load(&store, progress)?;
        fs::remove_file(&opening).map_err(|error| storage(&error))?;
        Ok(State {
            index,
            store,
            failed: None,
            _lock: lock,
        })
    }

    /// The last sequence that is in it; 0 before the first.
    pub fn applied(&self) -> u64 {
        self.index.applied()
    }

    /// The first sequence that is in it.
    pub fn first(&self) -> u64 {
        self.index.first()
    }

    /// Sequence of the last acceptance of a journal that was behind; 0 if there was none.
    pub fn accepted(&self) -> u64 {
        self.index.accepted()
    }

    /// The last record that was seen, and how far sinks are.
    pub fn tip(&self) -> &Tip {
        self.index.tip()
    }

    /// Compares with a journal whose last sequence is `last`, and whose records `record` gives.
    pub fn standing(&self, last: u64, record: impl FnOnce(u64) -> Option<Vec<u8>>) -> Standing {
        let through = self.index.tip().through();
        if through > last {
            return Standing::Ahead { through };
        }
        // A record that was removed since cannot be compared; those after it tell of removals.
        if through > 0 && record(through).is_some_and(|it| !self.index.tip().knows(&it)) {
            return Standing::Other { at: through };
        }
        match last - self.applied().min(last) {
            0 => Standing::Fits,
            records => Standing::Behind { records },
        }
    }

    /// Takes up records that are durable, in order. What comes together is written together,
    /// with the sequence it goes up to; until then searches find it in memory.
    pub fn advance(&mut self, lines: &[Line]) -> Result<(), Broken> {
        self.change(|index, store| {
            for line in lines {
                index.add(store, line)?;
                if index.is_due() {
                    store.write(index.changes(store)?)?;
                }
            }
            Ok(())
        })
    }

    /// Notes how far a sink is, between two records that say so.
    pub fn note_cursor(&mut self, sink: &str, through: u64) {
        self.index.note_cursor(sink, through);
    }

    /// Writes what was seen last, and the cursors: little, so it may be done each second. A
    /// view that is found later knows from it what the journal must have.
    pub fn mark(&mut self) -> Result<(), Broken> {
        self.change(|index, store| store.write(index.mark()))
    }

    /// Writes all that is held in memory.
    pub fn settle(&mut self) -> Result<(), Broken> {
        self.change(|index, store| {
            if index.is_clean() {
                return store.write(index.mark());
            }
            store.write(index.changes(store)?)
        })
    }

    /// Writes all that is held in memory, and closes.
    pub fn close(mut self) -> Result<(), Broken> {
        self.settle()?;
        self.store.close()
    }

    /// The next records that may answer; see [`Index::search`].
    pub fn search(&self, search: &mut Search, most: usize) -> Result<Vec<Found>, Broken> {
        self.index.search(&self.store, search, most)
    }

    /// The sequence and the place of the record that opened a session.
    pub fn opened(&self, session: u64) -> Result<Option<(u64, Place)>, Broken> {
        self.index.opened(&self.store, session)
    }

    /// Sessions that were opened and did not end.
    pub fn live_sessions(&self) -> Result<Vec<u64>, Broken> {
        self.index.live_sessions(&self.store)
    }

    /// Values read from disk or cache so far: the work that searching costs.
    pub fn values_read(&self) -> u64 {
        self.store.values_read.load(Ordering::Relaxed)
    }

    fn change(
        &mut self,
        change: impl FnOnce(&mut Index, &Store) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let changed = change(&mut self.index, &self.store);
        self.failed = changed.as_ref().err().cloned();
        changed
    }
}

fn tree(path: &Path) -> PathBuf {
    path.join("tree")
}

fn opening(path: &Path) -> PathBuf {
    path.join("opening")
}

fn storage(error: &io::Error) -> Broken {
    Broken::Storage(error.to_string())
}

/// Two that build the same view would destroy it. The lock goes with the process.
fn lock(path: &Path) -> Result<File, Broken> {
    let lock = || {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        options.open(path.join("lock"))
    };
    let lock = lock().map_err(|error| storage(&error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Broken::InUse),
        Err(TryLockError::Error(error)) => Err(storage(&error)),
    }
}

/// The library, guarded.
struct Store {
    db: Option<sled::Db>,
    values_read: AtomicU64,
}

impl Store {
    fn open(path: PathBuf, cache_bytes: u64) -> Result<Store, Broken> {
        let config = sled::Config::new()
            .path(path)
            .segment_size(SEGMENT_BYTES)
            .cache_capacity(cache_bytes)
            // It is flushed after each batch; a thread that does so at any time is of no use.
            .flush_every_ms(None);
        let (opened, answer) = mpsc::sync_channel(1);
        // On a thread of its own, since a damaged file may keep it busy for ever.
        let open = move || {
            let mut tries = 0;
            let db = loop {
                let db = guarded(|| config.open());
                // Nobody else has it: our own lock says so. Threads of the library that has just
                // closed it still do, and nothing tells when they end.
                if !matches!(&db, Err(why) if is_locked(why)) || tries >= VIEW_LOCK_TRIES {
                    break db;
                }
                tries += 1;
                thread::sleep(VIEW_LOCK_PAUSE);
            };
            let _ = opened.send(db);
        };
        let thread = thread::Builder::new().name("view-open".into()).spawn(open);
        thread.map_err(|error| storage(&error))?;
        let db = answer.recv_timeout(VIEW_OPEN_MAX).map_err(|_| {
            Broken::damaged("the library that keeps it came to no end while opening it")
        })??;
        Ok(Store {
            db: Some(db),
            values_read: AtomicU64::new(0),
        })
    }

    fn db(&self) -> Result<&sled::Db, Broken> {
        self.db
            .as_ref()
            .ok_or(Broken::Storage("it is closed".into()))
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), Broken> {
        let db = self.db()?;
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        guarded(|| {
            db.apply_batch(batch)?;
            db.flush().map(|_| ())
        })
    }

    fn close(&mut self) -> Result<(), Broken> {
        let db = self.db.take();
        guarded(|| {
            drop(db);
            Ok(())
        })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(db) = self.db.take() {
            // Given up, not closed: its end may panic or never come, and nobody needs it.
            let drop = move || {
                let _ = guarded(|| {
                    drop(db);
                    Ok(())
                });
            };
            let _ = thread::Builder::new().name("view-drop".into()).spawn(drop);
        }
    }
}

impl Shelf for Store {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
        self.values_read.fetch_add(1, Ordering::Relaxed);
        let db = self.db()?;
        Ok(guarded(|| db.get(key))?.map(|value| value.to_vec()))
    }

    fn keys(&self, prefix: &[u8], most: usize) -> Result<Vec<Vec<u8>>, Broken> {
        let db = self.db()?;
        guarded(|| {
            let keys = db.scan_prefix(prefix).keys().take(most);
            keys.map(|key| key.map(|key| key.to_vec())).collect()
        })
    }

    fn each(&self, take: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Broken> {
        let db = self.db()?;
        guarded(|| {
            for entry in db.iter() {
                let (key, value) = entry?;
                take(&key, &value);
            }
            Ok(())
        })
    }
}

/// Whatever the library does, an error comes of it.
fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, Broken> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(sled::Error::Io(error))) => Err(storage(&error)),
        Ok(Err(other)) => Err(Broken::Damaged(other.to_string())),
        Err(panic) => Err(Broken::Damaged(format!(
            "the library that keeps it gave up: {}",
            said(panic.as_ref())
        ))),
    }
}

fn is_locked(why: &Broken) -> bool {
    matches!(why, Broken::Storage(why) if why.contains("could not acquire lock"))
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it did not say why")
}

#[cfg(test)]
mod tests;

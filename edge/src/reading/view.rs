//! The view as the edge shares it: brought up to the journal about once a second, asked by whoever
//! searches, and begun again whenever it is broken. No decision waits for it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use interlock_broker::index::Broken;
use interlock_broker::journal::{Follower, Journal, ReadError};
use interlock_broker::limits::{VIEW_CACHE_BYTES, VIEW_READ_RECORDS};
use interlock_broker::state::{Standing, State};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::limits::{VIEW_RETRY, VIEW_STEP_EVERY};
use crate::progress::telling;
use crate::sink::Cursors;

/// The view, shared.
pub struct View {
    path: PathBuf,
    /// Nothing while it is broken; cursors that were noted meanwhile are lost, which costs a
    /// re-send.
    state: RwLock<Option<State>>,
    /// Records that it covers, for whoever must not wait for a disk: the lock is held while the
    /// view is written.
    applied: AtomicU64,
    /// It knows more than the journal, and nobody has accepted that yet.
    aside: AtomicBool,
}

/// What was found when the view was opened.
pub struct FoundView {
    /// The view, to be kept by [`keep`].
    pub view: Arc<View>,
    /// How it compares with the journal. Ahead, and of another journal, mean that the journal was
    /// cut, restored or replaced.
    pub standing: Standing,
    /// Why what was there is thrown away.
    pub thrown_away: Option<Broken>,
}

/// Why a step of the view failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    #[error(transparent)]
    View(#[from] Broken),
    #[error(transparent)]
    Journal(#[from] ReadError),
}

impl View {
    /// Opens the view in `path`, or begins it. Blocks; `progress` is told of entries checked and
    /// of all. A view that cannot be had at all is no reason not to serve: it is tried again.
    pub fn open(path: &Path, journal: &Journal, progress: &mut dyn FnMut(u64, u64)) -> FoundView {
        let (state, thrown_away) = match State::open_or_begin(path, VIEW_CACHE_BYTES, progress) {
            Ok((state, thrown_away)) => (Some(state), thrown_away),
            Err(why) => (None, Some(why)),
        };
        let last = *journal.durable().borrow();
        let record = |sequence| {
            let lines = journal.follow(sequence).ok()?.read(last, 1).ok()?;
            let line = lines.into_iter().next();
            line.filter(|line| line.sequence == sequence)
                .map(|line| line.bytes)
        };
        let standing = match &state {
            Some(state) => state.standing(last, record),
            None => Standing::Behind { records: last },
        };
        let view = Arc::new(View {
            path: path.to_owned(),
            applied: AtomicU64::new(state.as_ref().map_or(0, State::applied)),
            state: RwLock::new(state),
            aside: AtomicBool::new(false),
        });
        FoundView {
            view,
            standing,
            thrown_away,
        }
    }

    /// Records that it covers. Waits for nobody.
    pub fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// Throws it away, to be built from the journal as it is now: once somebody has accepted that
    /// the journal is behind, what the view knew beyond it misleads.
    pub fn begin_again(&self) {
        self.put(None);
    }

    /// It knows more than the journal, and that is remembered nowhere else. Until somebody accepts
    /// it, it is asked nothing and takes up nothing, but stays as it is for the next start.
    pub fn set_aside(&self) {
        self.aside.store(true, Ordering::Release);
    }

    /// What it knew beyond the journal was accepted.
    pub fn accepted(&self) {
        if self.aside.swap(false, Ordering::AcqRel) {
            self.begin_again();
        }
    }

    fn is_aside(&self) -> bool {
        self.aside.load(Ordering::Acquire)
    }

    /// Asks it something; `None` while it is broken, or set aside.
    pub fn ask<R>(&self, ask: impl FnOnce(&State) -> R) -> Option<R> {
        if self.is_aside() {
            return None;
        }
        self.look().as_ref().map(ask)
    }

    /// Takes up all records that are durable, and writes how far it is; `progress` is told how many
    /// of how many.
    pub(super) fn step(
        &self,
        journal: &Journal,
        stop: &watch::Receiver<bool>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), StepError> {
        if self.is_aside() {
            return Ok(());
        }
        if self.look().is_none() {
            let state = State::begin(&self.path, VIEW_CACHE_BYTES)?;
            self.put(Some(state));
            tracing::warn!("the view of the journal is being built again from its records");
        }
        let through = *journal.durable().borrow();
        let begun = self.applied();
        if begun < through {
            let mut follower = journal.follow(begun + 1)?;
            // One batch even at the stop: what it knows then shows whether the journal was cut.
            while self.batch(&mut follower, through)? && !*stop.borrow() {
                let done = self.applied().saturating_sub(begun);
                progress(done, through.saturating_sub(begun));
            }
        }
        self.guard(State::mark)?;
        let taken = self.applied().saturating_sub(begun);
        if taken > VIEW_READ_RECORDS as u64 {
            tracing::info!(records = taken, "the view has caught up with the journal");
        }
        Ok(())
    }

    /// The lock is held for the taking up alone, so that searches go on beside it.
    pub(super) fn batch(&self, follower: &mut Follower, through: u64) -> Result<bool, StepError> {
        let lines = follower.read(through, VIEW_READ_RECORDS)?;
        self.guard(|state| state.advance(&lines))?;
        Ok(!lines.is_empty())
    }

    pub(super) fn guard(
        &self,
        change: impl FnOnce(&mut State) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let mut state = self.change();
        let changed = state.as_mut().map_or(Ok(()), change);
        if changed.is_err() {
            *state = None;
        }
        self.note(state.as_ref());
        changed
    }

    pub(super) fn put(&self, state: Option<State>) {
        let mut place = self.change();
        self.note(state.as_ref());
        *place = state;
    }

    fn note(&self, state: Option<&State>) {
        let applied = state.map_or(0, State::applied);
        self.applied.store(applied, Ordering::Release);
    }

    /// Writes all that it holds in memory, and closes it.
    fn close(&self) {
        let state = self.change().take();
        self.note(None);
        let closed = state.map_or(Ok(()), State::close);
        if let Err(error) = closed {
            tracing::warn!(%error, "the view was not closed in order and will be built again");
        }
    }

    fn look(&self) -> RwLockReadGuard<'_, Option<State>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Option<State>> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the view up to the journal until the edge stops; then closes it.
pub async fn keep(view: Arc<View>, journal: Journal, mut stop: watch::Receiver<bool>) {
    loop {
        let stopping = *stop.borrow_and_update();
        let (here, journal, watched) = (Arc::clone(&view), journal.clone(), stop.clone());
        let step = move || here.step(&journal, &watched, &mut telling("records into the view"));
        let pause = match tokio::task::spawn_blocking(step).await {
            Ok(Ok(())) => VIEW_STEP_EVERY,
            Ok(Err(error)) => {
                tracing::warn!(%error, "searching reads the whole journal until the view is back");
                VIEW_RETRY
            }
            Err(error) => {
                tracing::error!(%error, "the view of the journal ended");
                return;
            }
        };
        if stopping {
            break;
        }
        tokio::select! {
            () = sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
    let _ended = tokio::task::spawn_blocking(move || view.close()).await;
}

impl Cursors for View {
    fn load(&self, sink: &str) -> Option<u64> {
        self.ask(|state| state.tip().cursor(sink)).flatten()
    }

    fn seen(&self) -> u64 {
        self.applied()
    }

    fn store(&self, sink: &str, through: u64) {
        if let Some(state) = self.change().as_mut() {
            state.note_cursor(sink, through);
        }
    }
}

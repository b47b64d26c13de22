//! Who watches what, and telling them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use interlock_protocols::conduit::{Seen, ToWatcher, Watched};
use tokio::sync::Notify;

use super::queue::Queue;
use super::supervision::{Ahead, differ};
use crate::clock::{Mono, Now};
use crate::limits::{WATCHES_MAX, WATCHES_PER_SUBJECT_MAX};
use crate::mediation::standing::Standing;
use crate::subject::SubjectId;

/// Everybody who watches. Where nobody does, a command costs one look at a number.
#[derive(Default)]
pub(super) struct Feed {
    /// How many watch.
    count: AtomicUsize,
    watchers: RwLock<Vec<Arc<Watcher>>>,
}

/// There is no room for one more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Full;

impl Feed {
    pub(super) fn join(&self, watcher: &Arc<Watcher>) -> Result<(), Full> {
        let mut watchers = self
            .watchers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let theirs = watchers.iter().filter(|one| one.subject == watcher.subject);
        if theirs.count() >= WATCHES_PER_SUBJECT_MAX || watchers.len() >= WATCHES_MAX {
            return Err(Full);
        }
        watchers.push(Arc::clone(watcher));
        self.count.store(watchers.len(), Ordering::Release);
        Ok(())
    }

    pub(super) fn leave(&self, watcher: &Arc<Watcher>) {
        let mut watchers = self
            .watchers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|one| !Arc::ptr_eq(one, watcher));
        self.count.store(watchers.len(), Ordering::Release);
    }

    /// Those who see what this session does at this device.
    pub(super) fn following(&self, session: u64, device: &str) -> Vec<Arc<Watcher>> {
        if self.count.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        let watchers = self.watchers();
        let follow = watchers.iter().filter(|one| one.follows(session, device));
        follow.cloned().collect()
    }

    /// Tells all of them the same.
    pub(super) fn tell(&self, session: u64, device: &str, seen: impl FnOnce() -> Option<Seen>) {
        let following = self.following(session, device);
        if following.is_empty() {
            return;
        }
        if let Some(seen) = seen() {
            tell_all(&following, &seen);
        }
    }

    /// Whether somebody of another organisation than this holder's supervises what this session
    /// does at this device, at this moment.
    pub(super) fn is_supervised(
        &self,
        holder: &SubjectId,
        session: u64,
        device: &str,
        now: Mono,
    ) -> bool {
        let counts = |one: &Arc<Watcher>| one.supervises(holder, session, device, now);
        self.watchers().iter().any(counts)
    }

    fn watchers(&self) -> RwLockReadGuard<'_, Vec<Arc<Watcher>>> {
        // The list is changed by one call each, so a panic leaves none half changed.
        self.watchers.read().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn tell_all(watchers: &[Arc<Watcher>], seen: &Seen) {
    for watcher in watchers {
        watcher.push(seen.clone());
    }
}

/// The devices at which somebody may do what watching takes.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Rights {
    pub(super) watch: BTreeSet<String>,
    pub(super) supervise: BTreeSet<String>,
}

/// One who watches.
pub(super) struct Watcher {
    pub(super) session: u64,
    pub(super) subject: SubjectId,
    /// Number of the watch within the session.
    pub(super) number: u64,
    pub(super) watched: Watched,
    /// Whoever is revoked sees and supervises nothing from that moment on.
    pub(super) standing: Standing,
    rights: Mutex<Rights>,
    queue: Mutex<Queue>,
    /// Something is to be seen.
    woken: Notify,
}

impl Watcher {
    pub(super) fn new(
        session: u64,
        subject: SubjectId,
        number: u64,
        watched: Watched,
        standing: Standing,
        rights: Rights,
    ) -> Watcher {
        Watcher {
            session,
            subject,
            number,
            watched,
            standing,
            rights: Mutex::new(rights),
            queue: Mutex::default(),
            woken: Notify::new(),
        }
    }

    pub(super) fn follows(&self, session: u64, device: &str) -> bool {
        let meant = match &self.watched {
            Watched::Session(watched) => *watched == session,
            Watched::Device(watched) => watched == device,
        };
        meant && self.rights().watch.contains(device) && self.standing.lost().is_none()
    }

    /// Whether this one supervises what a holder does in that session at that device.
    pub(super) fn supervises(
        &self,
        holder: &SubjectId,
        session: u64,
        device: &str,
        now: Mono,
    ) -> bool {
        self.follows(session, device)
            && differ(&self.subject, holder)
            && self.rights().supervise.contains(device)
            && self.standing.downgraded().is_none()
            && self.queue().keeps_up(now)
    }

    pub(super) fn push(&self, seen: Seen) {
        self.queue().push(seen);
        self.woken.notify_one();
    }

    pub(super) fn quiet(&self) {
        self.queue().quiet();
        self.woken.notify_one();
    }

    /// What is to be seen at this moment.
    pub(super) fn ready(&self) -> Option<ToWatcher> {
        self.queue().next()
    }

    /// Waits for something to be seen. May be dropped at any time, and loses nothing.
    pub(super) async fn next(&self) -> ToWatcher {
        loop {
            let woken = self.woken.notified();
            if let Some(next) = self.ready() {
                return next;
            }
            woken.await;
        }
    }

    pub(super) fn saw(&self, through: u64, now: Now) -> Result<(), Ahead> {
        self.queue().saw(through, now.mono())
    }

    pub(super) fn has_burst(&self) -> bool {
        self.queue().has_burst()
    }

    pub(super) fn rights(&self) -> MutexGuard<'_, Rights> {
        // Replaced as a whole.
        self.rights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // What a panic leaves half changed is at worst a word too few, which shows as a gap.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watcher")
            .field("session", &self.session)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

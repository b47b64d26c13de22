//! Whether a session may still act at this very moment (I7).

use std::sync::{Arc, RwLock, Weak};

use tokio::sync::watch;

use super::refusal::Reason;
use super::roll::Roll;
use crate::register::Restraint;

/// Why a session may no longer act.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lost {
    /// Its certificate has ended.
    Expired,
    /// It was without a command for too long.
    Idle,
    /// It has lasted as long as one may.
    TooLong,
    /// The authority behind its certificate took it back, or is no longer trusted.
    Untrusted,
    /// The edge is stopping, and its time for finishing is up.
    Stopping,
    /// It was taken away: from the subject, the machine, or this session.
    Revoked(Arc<Restraint>),
    /// The lock that guards the answer broke; nobody may act on a guess.
    Broken,
}

/// The right of one session to act. Sending holds the read lock across one non-blocking write;
/// ending takes the write lock. So when [`Standing::end`] returns, no byte of the session is on
/// its way to a socket, and none will be: revoking waits for microseconds, never for a queue.
///
/// Permits hold it beyond the end of their session, and for as long as one does, the roll
/// finds it.
#[derive(Clone, Debug)]
pub struct Standing(Arc<Held>);

#[derive(Debug)]
pub(super) struct Held {
    rights: RwLock<Rights>,
    over: watch::Sender<bool>,
    roll: Option<(Weak<Roll>, u64)>,
}

#[derive(Default, Debug)]
struct Rights {
    lost: Option<Lost>,
    /// Nothing but reading is left of it.
    downgraded: Option<Arc<Restraint>>,
}

impl Rights {
    fn judge(&self, effect: bool) -> Result<(), Reason> {
        if let Some(lost) = &self.lost {
            return Err(Reason::Standing(lost.clone()));
        }
        match &self.downgraded {
            Some(restraint) if effect => Err(Reason::Downgraded(Arc::clone(restraint))),
            _ => Ok(()),
        }
    }
}

impl Standing {
    /// A standing that is good until it is ended, and on no roll.
    pub fn good() -> Standing {
        Standing::of(None)
    }

    /// One that leaves the roll by itself.
    pub(super) fn on(roll: &Arc<Roll>, session: u64) -> Standing {
        Standing::of(Some((Arc::downgrade(roll), session)))
    }

    fn of(roll: Option<(Weak<Roll>, u64)>) -> Standing {
        Standing(Arc::new(Held {
            rights: RwLock::default(),
            over: watch::Sender::new(false),
            roll,
        }))
    }

    pub(super) fn weak(&self) -> Weak<Held> {
        Arc::downgrade(&self.0)
    }

    pub(super) fn of_weak(held: &Weak<Held>) -> Option<Standing> {
        held.upgrade().map(Standing)
    }

    /// Ends it for good. The first reason stays.
    pub fn end(&self, why: Lost) {
        if let Ok(mut rights) = self.0.rights.write() {
            rights.lost.get_or_insert(why);
        }
        // A poisoned lock reads as `Lost::Broken` from then on, which denies as well.
        self.0.over.send_replace(true);
    }

    /// Takes everything with effect away, or gives it back.
    pub(super) fn narrow(&self, downgraded: Option<&Arc<Restraint>>) {
        if let Ok(mut rights) = self.0.rights.write() {
            rights.downgraded = downgraded.cloned();
        }
    }

    /// Why it was lost, if it was.
    pub fn lost(&self) -> Option<Lost> {
        match self.0.rights.read() {
            Ok(rights) => rights.lost.clone(),
            Err(_) => Some(Lost::Broken),
        }
    }

    /// What leaves it nothing but reading, if something does.
    pub(super) fn downgraded(&self) -> Option<Arc<Restraint>> {
        let rights = self.0.rights.read().ok()?;
        rights.downgraded.clone()
    }

    /// Turns true when it is lost.
    pub(super) fn over(&self) -> watch::Receiver<bool> {
        self.0.over.subscribe()
    }

    /// Whether a command passes, at this moment: an early word, and no permission to send.
    pub(super) fn judge(&self, effect: bool) -> Result<(), Reason> {
        match self.0.rights.read() {
            Ok(rights) => rights.judge(effect),
            Err(_) => Err(Reason::Standing(Lost::Broken)),
        }
    }

    /// Runs `send` while nobody can take anything away from this standing.
    pub(super) fn hold<R>(&self, effect: bool, send: impl FnOnce() -> R) -> Result<R, Reason> {
        let Ok(rights) = self.0.rights.read() else {
            return Err(Reason::Standing(Lost::Broken));
        };
        rights.judge(effect)?;
        Ok(send())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some((roll, session)) = self.roll.take()
            && let Some(roll) = roll.upgrade()
        {
            roll.leave(session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn i7_ending_waits_for_a_send_under_way_and_stops_the_next() {
        let standing = Standing::good();
        let (entered, in_send) = mpsc::channel();
        let (let_go, released) = mpsc::channel::<()>();
        let sender = {
            let standing = standing.clone();
            std::thread::spawn(move || {
                standing.hold(true, || {
                    entered.send(()).unwrap();
                    released.recv().unwrap();
                })
            })
        };
        in_send.recv().unwrap();
        let (ended, end_returned) = mpsc::channel();
        let ender = {
            let standing = standing.clone();
            std::thread::spawn(move || {
                standing.end(Lost::Expired);
                ended.send(()).unwrap();
            })
        };
        // The send has not been let go, so the end cannot have been acknowledged, whatever the
        // scheduler does.
        assert!(end_returned.try_recv().is_err());
        let_go.send(()).unwrap();
        assert_eq!(sender.join().unwrap(), Ok(()));
        ender.join().unwrap();
        assert_eq!(
            standing.hold(false, || ()),
            Err(Reason::Standing(Lost::Expired))
        );
        standing.end(Lost::Stopping);
        assert_eq!(
            standing.lost(),
            Some(Lost::Expired),
            "the first reason stays"
        );
    }
}

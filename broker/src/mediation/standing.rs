//! Whether a session may still act at this very moment (I7).

use std::sync::{Arc, RwLock};

/// Why a session may no longer act.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
    /// The lock that guards the answer broke; nobody may act on a guess.
    Broken,
}

/// The right of one session to act. Sending holds the read lock across one non-blocking write;
/// ending takes the write lock. So when [`Standing::end`] returns, no byte of the session is on
/// its way to a socket, and none will be: revoking waits for microseconds, never for a queue.
#[derive(Clone, Debug, Default)]
pub struct Standing(Arc<RwLock<Option<Lost>>>);

impl Standing {
    /// A standing that is good until it is ended.
    pub fn good() -> Standing {
        Standing::default()
    }

    /// Ends it for good. The first reason stays.
    pub fn end(&self, why: Lost) {
        if let Ok(mut lost) = self.0.write() {
            lost.get_or_insert(why);
        }
        // A poisoned lock reads as `Lost::Broken` from then on, which denies as well.
    }

    /// Why it was lost, if it was.
    pub fn lost(&self) -> Option<Lost> {
        match self.0.read() {
            Ok(lost) => *lost,
            Err(_) => Some(Lost::Broken),
        }
    }

    /// Runs `send` while nobody can end this standing.
    pub(super) fn hold<R>(&self, send: impl FnOnce() -> R) -> Result<R, Lost> {
        let Ok(lost) = self.0.read() else {
            return Err(Lost::Broken);
        };
        match *lost {
            Some(why) => Err(why),
            None => Ok(send()),
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
                standing.hold(|| {
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
        assert_eq!(standing.hold(|| ()), Err(Lost::Expired));
        standing.end(Lost::Stopping);
        assert_eq!(
            standing.lost(),
            Some(Lost::Expired),
            "the first reason stays"
        );
    }
}

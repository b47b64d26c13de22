//! Who waits to be confirmed, each with a connection: so many in all, and few for each invitation,
//! or one vendor who may enrol could keep out all others.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::limits::{IDENTITY_WAITING_EACH, IDENTITY_WAITING_MAX};

/// The invitations that somebody waits on, once for each who does.
#[derive(Default)]
pub(super) struct Waiting(Mutex<Vec<u64>>);

/// One who waits; dropping it makes room for the next.
pub(super) struct Place<'w> {
    waiting: &'w Waiting,
    invitation: u64,
}

impl Waiting {
    /// Gives a place, if there is one.
    pub(super) fn enter(&self, invitation: u64) -> Option<Place<'_>> {
        let mut all = self.all();
        let here = all.iter().filter(|other| **other == invitation).count();
        if all.len() >= IDENTITY_WAITING_MAX || here >= IDENTITY_WAITING_EACH {
            return None;
        }
        all.push(invitation);
        Some(Place {
            waiting: self,
            invitation,
        })
    }

    fn all(&self) -> MutexGuard<'_, Vec<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut all = self.waiting.all();
        if let Some(at) = all.iter().position(|other| *other == self.invitation) {
            all.swap_remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_keeps_out_others_by_waiting_many_times() {
        let waiting = Waiting::default();
        let mut places: Vec<_> = (0..100).filter_map(|_| waiting.enter(7)).collect();
        assert_eq!(places.len(), IDENTITY_WAITING_EACH);
        let others = (8..100).filter_map(|invitation| waiting.enter(invitation));
        let others: Vec<_> = others.collect();
        assert_eq!(others.len(), IDENTITY_WAITING_MAX - IDENTITY_WAITING_EACH);
        places.pop();
        assert!(waiting.enter(7).is_some());
        drop((places, others));
        assert!(waiting.all().is_empty());
    }
}

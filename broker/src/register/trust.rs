//! Which documents of the site root, and which bundles of authorities, were taken up last. None
//! that is older is taken up again.

use std::collections::BTreeMap;

use interlock_protocols::record::{Event, RegisterEntry, TrustTakenUp};

/// What was taken up last of one kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TakenUp {
    /// Its number; 0 for what has none.
    pub serial: u64,
    /// SHA-256 of it.
    pub digest: [u8; 32],
}

/// By what it is: `approvers`, `plant`, or the name of an authority.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Trust(BTreeMap<String, TakenUp>);

impl Trust {
    /// What was taken up last.
    pub fn last(&self, what: &str) -> Option<&TakenUp> {
        self.0.get(what)
    }

    /// Takes up one record.
    pub(super) fn apply(&mut self, event: &Event) {
        if let Event::TrustTakenUp(taken) = event {
            self.take(taken);
        }
    }

    /// Takes up one entry of what was kept, or of a record.
    pub(super) fn take(&mut self, taken: &TrustTakenUp) {
        let last = TakenUp {
            serial: taken.serial,
            digest: taken.digest,
        };
        self.0.insert(taken.what.clone(), last);
    }

    /// All of it, entry by entry.
    pub(super) fn entries(&self) -> impl Iterator<Item = RegisterEntry> {
        self.0.iter().map(|(what, last)| {
            RegisterEntry::Taken(TrustTakenUp {
                what: what.clone(),
                serial: last.serial,
                digest: last.digest,
            })
        })
    }
}

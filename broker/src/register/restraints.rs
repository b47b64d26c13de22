//! What was taken from whom, and not given back.

use interlock_protocols::record::{Event, KeptRestriction, RegisterEntry};

/// See the module.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Restraints {}

impl Restraints {
    /// Takes up one record.
    pub(super) fn apply(&mut self, _sequence: u64, _time_ms: i64, _event: &Event) {}

    /// Takes up one entry of what was kept.
    pub(super) fn take(&mut self, _restriction: KeptRestriction) {}

    /// All of it, entry by entry.
    pub(super) fn entries(&self) -> impl Iterator<Item = RegisterEntry> {
        std::iter::empty()
    }
}

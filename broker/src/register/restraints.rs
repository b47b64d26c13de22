//! What was taken from whom, and not given back.

use interlock_protocols::record::Event;

/// See the module.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Restraints {}

impl Restraints {
    /// Takes up one record.
    pub(super) fn apply(&mut self, _sequence: u64, _time_ms: i64, _event: &Event) {}
}

//! Who may enrol, who has enrolled, and by which keys.

use interlock_protocols::record::Event;

/// See the module.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Identities {}

impl Identities {
    /// Takes up one record.
    pub(super) fn apply(&mut self, _sequence: u64, _time_ms: i64, _event: &Event) {}
}

//! When the latest statement about each machine was made, whichever session brought it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::Evidence;
use crate::limits::POSTURE_MACHINES_MAX;

/// A statement is good for hours and the machine that it is about keeps it. So whoever was told
/// something worse since would open another session and show the earlier one.
#[derive(Default)]
pub(crate) struct Statements(Mutex<HashMap<[u8; 32], i64>>);

impl Statements {
    /// Notes when this one was made. False where a later one about the machine was there before.
    pub(crate) fn follows(&self, evidence: &Evidence) -> bool {
        let (machine, taken_ms) = (evidence.posture.device_key, evidence.posture.taken_ms);
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match made.get_mut(&machine) {
            Some(latest) if *latest > taken_ms => return false,
            Some(latest) => *latest = taken_ms,
            None => {
                if made.len() >= POSTURE_MACHINES_MAX {
                    // The oldest is the first that is not believed any more anyway.
                    let oldest = made.iter().min_by_key(|(_, taken_ms)| **taken_ms);
                    let oldest = oldest.map(|(machine, _)| *machine);
                    oldest.and_then(|oldest| made.remove(&oldest));
                }
                made.insert(machine, taken_ms);
            }
        }
        true
    }
}

//! Where each sink has come to.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Keeps the last sequence that each sink has acknowledged. Losing it costs a re-send and
/// nothing else, so it need not be durable. May block: it is asked on a thread of its own.
pub trait Cursors: Send + Sync {
    /// What was stored last for this sink.
    fn load(&self, sink: &str) -> Option<u64>;

    /// Records of progress up to this one are in what [`Cursors::load`] gives; those behind it
    /// may say more.
    fn seen(&self) -> u64;

    /// Stores what this sink has. It may be less than before: when the other side lost some, or
    /// the journal was cut and that was accepted.
    fn store(&self, sink: &str, through: u64);
}

/// Cursors that are gone with the process: for tests, and for a gateway that has no view.
#[derive(Debug, Default)]
pub struct MemoryCursors {
    through: Mutex<HashMap<String, u64>>,
}

impl Cursors for MemoryCursors {
    fn load(&self, sink: &str) -> Option<u64> {
        let through = self.through.lock().unwrap_or_else(PoisonError::into_inner);
        through.get(sink).copied()
    }

    fn seen(&self) -> u64 {
        0
    }

    fn store(&self, sink: &str, through: u64) {
        let mut all = self.through.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(sink.to_owned(), through);
    }
}

//! Keeping the register of identities: in a file beside the journal after each change, and in the
//! journal itself before its oldest records are to go, and as soon as there is room for what found
//! none.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use interlock_broker::clock::Clock;
use interlock_broker::journal::Usage;
use interlock_broker::mediation::Broker;
use interlock_broker::register::write_beside;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};

use crate::limits::{REMOVAL_TICK, TIGHT_SEGMENTS};
use crate::site::Site;

/// Both, at work.
pub(crate) struct Registering {
    file: Beside,
    task: JoinHandle<()>,
}

/// The file beside the journal.
#[derive(Clone)]
struct Beside {
    broker: Arc<Broker>,
    path: PathBuf,
    /// A task that is ended leaves its last writing to a thread: two of them must not meet.
    turn: Arc<Mutex<()>>,
}

/// Starts both.
pub(crate) fn start(broker: Arc<Broker>, clock: Clock, site: &Site) -> Registering {
    let segment_bytes = site.config.journal().segment_bytes;
    let file = Beside {
        broker: Arc::clone(&broker),
        path: site.register(),
        turn: Arc::default(),
    };
    let beside = file.clone();
    let task = tokio::spawn(async move {
        tokio::join!(beside.follow(), inside(&broker, clock, segment_bytes));
    });
    Registering { file, task }
}

impl Registering {
    /// Ends both. What changed last may not be in the file yet, and a journal that is damaged while
    /// the gateway is off leaves nothing but that file.
    pub(crate) async fn finish(self) {
        self.task.abort();
        // What a journal that cannot be read did not say must not replace what the file does.
        if self.file.broker.journal().is_open() {
            self.file.write().await;
        }
    }
}

impl Beside {
    /// Writes it as often as something changes that decisions rest on. Nobody waits for it.
    async fn follow(&self) {
        if !self.broker.journal().is_open() {
            return;
        }
        let mut revised = self.broker.revised();
        loop {
            revised.borrow_and_update();
            self.write().await;
            if revised.changed().await.is_err() {
                return;
            }
        }
    }

    async fn write(&self) {
        let this = self.clone();
        let written = spawn_blocking(move || {
            let _turn = this.turn.lock().unwrap_or_else(PoisonError::into_inner);
            // Looked at behind the wait for one's turn: whoever comes last writes the latest.
            let register = this.broker.register().clone();
            write_beside(&this.path, &register)
        });
        let error = match written.await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!(error, path = %self.path.display(), "the register could not be kept beside the journal");
    }
}

/// Writes the register into the journal, once for each segment, as soon as old segments may have to
/// go: what they say of identities goes with them otherwise, or they must stay.
async fn inside(broker: &Arc<Broker>, clock: Clock, segment_bytes: u64) {
    if !broker.journal().is_open() {
        return;
    }
    let mut tick = interval(REMOVAL_TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut kept_at = None;
    loop {
        tick.tick().await;
        broker.record_unrecorded(clock.now());
        let usage = broker.journal().usage();
        if !is_due(&usage, kept_at, segment_bytes) {
            continue;
        }
        match broker.keep_register(clock.now()).await {
            Ok(true) => kept_at = Some(usage.written_bytes),
            // Acts are on their way: soon they are not.
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, "the register could not be written into the journal: its oldest records stay");
            }
        }
    }
}

/// Whether removal may be wanted soon, and the register was not written since a segment began.
fn is_due(usage: &Usage, kept_at: Option<u64>, segment_bytes: u64) -> bool {
    let half_full = usage.used_bytes >= usage.budget_bytes / 2;
    // Others fill disks as well: on a full one there is no place for the record that would let
    // the oldest go.
    let tight = usage
        .free_bytes
        .is_some_and(|free| free < segment_bytes.saturating_mul(TIGHT_SEGMENTS));
    let grown = kept_at.is_none_or(|at| usage.written_bytes.saturating_sub(at) >= segment_bytes);
    (half_full || tight) && grown
}

//! The broker as a whole: what all sessions share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use interlock_protocols::record::Event;
use jiff::tz::TimeZone;

use super::allowance::Allowances;
use super::gate::{Gates, Isolation};
use super::heard::Hearing;
use super::roll::{Afloat, Roll};
use super::schedule::SessionTimes;
use crate::clock::Now;
use crate::journal::{Journal, Unrecordable};
use crate::plant::Plant;
use crate::policy::Policy;
use crate::register::Register;

/// The policy decision point of one gateway.
pub struct Broker {
    pub(super) plant: Arc<Plant>,
    pub(super) journal: Journal,
    pub(super) policy: RwLock<Arc<Policy>>,
    pub(super) zone: TimeZone,
    pub(super) next_session: AtomicU64,
    pub(super) stopping: AtomicBool,
    pub(super) allowances: Allowances,
    pub(super) hearing: Hearing,
    pub(super) register: RwLock<Register>,
    times: OnceLock<SessionTimes>,
    pub(super) gates: Gates,
    pub(super) roll: Arc<Roll>,
    pub(super) afloat: Arc<Afloat>,
}

impl Broker {
    /// A broker over a plant, an activated policy and an open journal. `first_session` must be
    /// the journal's next sequence: every session writes at least one record, so numbers that
    /// count up from there meet no number of an earlier run.
    pub fn new(
        plant: Arc<Plant>,
        policy: Arc<Policy>,
        journal: Journal,
        zone: TimeZone,
        first_session: u64,
        mut register: Register,
    ) -> Arc<Broker> {
        register.restraints.forget_sessions();
        let gates = Gates::of(&plant, &journal);
        gates.follow(&register.restraints);
        Arc::new(Broker {
            gates,
            roll: Arc::default(),
            afloat: Arc::default(),
            hearing: Hearing::of(&plant),
            plant,
            journal,
            policy: RwLock::new(policy),
            zone,
            next_session: AtomicU64::new(first_session),
            stopping: AtomicBool::new(false),
            allowances: Allowances::default(),
            register: RwLock::new(register),
            times: OnceLock::new(),
        })
    }

    /// Says how long sessions may last, before the first of them. The first word counts.
    pub fn limit_sessions(&self, times: SessionTimes) {
        let _first = self.times.set(times);
    }

    pub(super) fn session_times(&self) -> SessionTimes {
        self.times.get().copied().unwrap_or_default()
    }

    /// What is known of identities, and what was taken from whom.
    pub fn register(&self) -> RwLockReadGuard<'_, Register> {
        self.register.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an act, and takes it up once it is on the disk. Gives the sequence of its record.
    pub(crate) async fn act(&self, event: Event, now: Now) -> Result<u64, Unrecordable> {
        let pending = self.journal.commit(now.wall_ms(), event.clone())?;
        let sequence = pending.sequence();
        pending.await?;
        self.take_up(sequence, now, &event);
        Ok(sequence)
    }

    /// Has the register know of a record.
    pub(crate) fn take_up(&self, sequence: u64, now: Now, event: &Event) {
        let mut register = self
            .register
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        register.apply(sequence, now.wall_ms(), event);
        if matches!(event, Event::Restricted(_) | Event::Reinstated(_)) {
            self.uphold(&register.restraints);
        }
    }

    /// The inventory.
    pub fn plant(&self) -> &Arc<Plant> {
        &self.plant
    }

    /// The command log.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The policy in force.
    pub fn policy(&self) -> Arc<Policy> {
        let policy = self.policy.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&policy)
    }

    /// Puts a policy in force. Every live session is decided by it from its next command on.
    pub(crate) fn replace_policy(&self, policy: Arc<Policy>) {
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = policy;
    }

    /// Follows what isolates a device, for whoever keeps the connection to it.
    pub fn isolation(&self, device: &str) -> Option<Isolation> {
        self.gates.isolation(device)
    }

    /// From here on every new command is refused; what was permitted may finish.
    pub fn stop_admitting(&self) {
        self.stopping.store(true, Ordering::Release);
    }
}

//! The broker as a whole: what all sessions share.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use interlock_protocols::record::Event;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use super::allowance::Allowances;
use super::break_glass::Glass;
use super::gate::{Gates, Isolation};
use super::heard::Hearing;
use super::oversight::Overseer;
use super::roll::{Afloat, Roll};
use super::schedule::SessionTimes;
use super::window::Board;
use crate::clock::Now;
use crate::enrolment::Terms;
use crate::journal::{Journal, Pending, Unrecordable};
use crate::limits::REGISTER_PARTS_AT_ONCE;
use crate::plant::Plant;
use crate::policy::{Policy, View};
use crate::posture::Statements;
use crate::register::Register;
use crate::subject::SubjectId;
use crate::window::{Attended, Reliance};

/// The policy decision point of one gateway.
pub struct Broker {
    pub(super) plant: Arc<Plant>,
    pub(super) journal: Journal,
    pub(super) policy: RwLock<Arc<Policy>>,
    pub(super) zone: TimeZone,
    pub(super) next_session: AtomicU64,
    pub(super) stopping: AtomicBool,
    pub(super) allowances: Allowances,
    pub(super) statements: Statements,
    pub(super) hearing: Hearing,
    pub(super) register: RwLock<Register>,
    times: OnceLock<SessionTimes>,
    pub(super) gates: Gates,
    pub(super) roll: Arc<Roll>,
    pub(super) afloat: Arc<Afloat>,
    pub(super) overseer: Overseer,
    pub(super) windows: Board,
    pub(super) glass: Glass,
    /// Acts that were handed to the journal and are not taken up yet.
    acting: AtomicUsize,
    /// Grows with each change of what invitations say of groups.
    generation: AtomicU64,
    /// Grows with each change of what decisions rest on.
    revised: watch::Sender<u64>,
    terms: OnceLock<Terms>,
    pub(crate) reliance: OnceLock<Reliance>,
    pub(crate) attended: Attended,
    window_turn: tokio::sync::Mutex<()>,
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
        let broker = Arc::new(Broker {
            gates,
            windows: Board::default(),
            glass: Glass::whole(register.through()),
            roll: Arc::default(),
            afloat: Arc::default(),
            overseer: Overseer::default(),
            hearing: Hearing::of(&plant),
            plant,
            journal,
            policy: RwLock::new(policy),
            zone,
            next_session: AtomicU64::new(first_session),
            stopping: AtomicBool::new(false),
            allowances: Allowances::default(),
            statements: Statements::default(),
            revised: watch::Sender::new(register.through()),
            register: RwLock::new(register),
            acting: AtomicUsize::new(0),
            generation: AtomicU64::new(0),
            terms: OnceLock::new(),
            reliance: OnceLock::new(),
            attended: Attended::default(),
            window_turn: tokio::sync::Mutex::new(()),
            times: OnceLock::new(),
        });
        broker.follow_windows(&broker.register());
        broker
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
        let (pending, _acting) = {
            // Between handing over and counting, nobody may keep the register.
            let _register = self.register();
            let pending = self.journal.commit(now.wall_ms(), event.clone())?;
            (pending, Acting::begin(&self.acting))
        };
        let sequence = pending.sequence();
        pending.await?;
        self.take_up(sequence, now, &event);
        Ok(sequence)
    }

    /// Has the register know that a function was used on a device.
    pub(super) fn note_use(&self, subject: &str, device: &str, function: u8) {
        self.register_mut().note_use(subject, device, function);
    }

    /// Has the register know of a record.
    pub(crate) fn take_up(&self, sequence: u64, now: Now, event: &Event) {
        {
            let mut register = self.register_mut();
            register.apply(sequence, now.wall_ms(), event);
            if matches!(event, Event::Restricted(_) | Event::Reinstated(_)) {
                self.uphold(&register);
            } else if concerns_windows(event) {
                self.follow_windows(&register);
            }
        }
        if matches!(event, Event::Enrolled(_)) {
            self.generation.fetch_add(1, Ordering::Release);
        }
        if Register::needs(event.kind()) {
            self.is_revised(sequence);
        }
    }

    pub(super) fn is_revised(&self, sequence: u64) {
        self.revised.send_replace(sequence);
    }

    /// Grows with each change of what decisions rest on.
    pub fn revised(&self) -> watch::Receiver<u64> {
        self.revised.subscribe()
    }

    /// Writes the whole register into records, so that those it was made from may be removed.
    /// False where acts are on their way whose records would be lost: try again.
    pub async fn keep_register(&self, now: Now) -> Result<bool, Unrecordable> {
        let register = {
            let register = self.register_mut();
            if self.acting.load(Ordering::Acquire) > 0 {
                return Ok(false);
            }
            register.clone()
        };
        let mut parts = register.to_records().into_iter();
        let mut first = None;
        // A few at a time: a large register is more than may wait for the disk at once, and acts
        // are to find a place beside it.
        loop {
            let some = parts.by_ref().take(REGISTER_PARTS_AT_ONCE);
            let commit = |part| self.journal.commit(now.wall_ms(), part);
            let pending = some.map(commit).collect::<Result<Vec<_>, _>>()?;
            if pending.is_empty() {
                break;
            }
            first = first.or_else(|| pending.first().map(Pending::sequence));
            for part in pending {
                part.await?;
            }
        }
        // What came between its parts is not in it: whoever reads it would not believe it either.
        let same = self.register_mut();
        if same.through() != register.through() || self.acting.load(Ordering::Acquire) > 0 {
            return Ok(false);
        }
        if let Some(first) = first {
            self.journal.register_kept(first);
        }
        Ok(true)
    }

    /// Records what was taken up already, and has the register know at once: whatever is kept of
    /// it from here on holds this too. Nobody waits for the disk.
    pub fn tell_register(&self, event: Event, now: Now) -> Result<u64, Unrecordable> {
        let mut register = self.register_mut();
        let sequence = self.journal.append(now.wall_ms(), event.clone())?;
        register.apply(sequence, now.wall_ms(), &event);
        if concerns_windows(&event) {
            self.follow_windows(&register);
        }
        self.is_revised(sequence);
        Ok(sequence)
    }

    pub(super) fn register_mut(&self) -> RwLockWriteGuard<'_, Register> {
        self.register
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The conditions of identities, once and for all.
    pub(crate) fn agree(&self, terms: Terms) {
        // The first ones stay: one gateway has one registrar.
        let _agreed = self.terms.set(terms);
    }

    /// Whether an identity may not be used, since nobody used it for long. Who is not enrolled
    /// here is no identity of ours to disable.
    pub(super) fn is_disabled(
        &self,
        subject: &SubjectId,
        device_key: Option<&[u8; 32]>,
        now: Now,
    ) -> bool {
        let (Some(terms), Some(device_key)) = (self.terms.get(), device_key) else {
            return false;
        };
        let register = self.register();
        let identity = register.identities.on_machine(subject.as_str(), device_key);
        identity.is_some_and(|identity| terms.is_disabled(identity, now))
    }

    /// Acts on windows come one after the other: what one rests on, no other changes meanwhile.
    pub(crate) async fn window_turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.window_turn.lock().await
    }

    /// What a machine calls itself; empty where it is not enrolled here.
    pub(super) fn machine_name(&self, device_key: &[u8; 32]) -> String {
        self.register().identities.machine_name(device_key)
    }

    /// The policy in force as a subject sees it, with the groups of invitations.
    pub(crate) fn view_of(&self, subject: &SubjectId) -> View {
        let generation = self.generation.load(Ordering::Acquire);
        let more = self.register().identities.groups_of(subject.as_str());
        View::with_groups(self.policy(), subject, &more, generation)
    }

    /// Has a view show what holds now.
    pub(super) fn renew(&self, view: &mut View) {
        let generation = self.generation.load(Ordering::Acquire);
        let more = |subject: &SubjectId| self.register().identities.groups_of(subject.as_str());
        view.renew(&self.policy(), generation, more);
    }

    /// The inventory.
    pub fn plant(&self) -> &Arc<Plant> {
        &self.plant
    }

    /// The plant's time zone.
    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
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

/// Whether what is known of windows is another thing after it.
fn concerns_windows(event: &Event) -> bool {
    matches!(
        event,
        Event::WindowRequested(_)
            | Event::WindowApproved(_)
            | Event::WindowRefused(_)
            | Event::WindowEnded(_)
    )
}

/// An act on its way to the disk.
struct Acting<'b>(&'b AtomicUsize);

impl<'b> Acting<'b> {
    fn begin(count: &'b AtomicUsize) -> Acting<'b> {
        count.fetch_add(1, Ordering::AcqRel);
        Acting(count)
    }
}

impl Drop for Acting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

//! Upholding what was taken away, from the first moment on (I7).

use std::sync::{Arc, PoisonError};

use interlock_protocols::conduit::{Acknowledged, OpenWrite};
use interlock_protocols::record::{Event, Restricted, Scope};

use super::broker::Broker;
use super::ledger::act_denied;
use super::refusal::{Reason, Refusal};
use super::roll::{Present, Whose, reaches};
use super::standing::{Lost, Standing};
use crate::clock::Now;
use crate::journal::Pending;
use crate::limits::RESTRICTED_LISTED_MAX;
use crate::register::{Register, Restraint, Restraints};
use crate::subject::SubjectId;
use crate::wording;

/// Something was taken away: no byte of a command in its scope is handed to a socket any more.
#[must_use = "whoever asked waits for the acknowledgement"]
pub struct Taken {
    broker: Arc<Broker>,
    restraint: Arc<Restraint>,
    pending: Option<Pending>,
    sessions: Vec<u64>,
    open: Vec<OpenWrite>,
}

impl Taken {
    /// Waits until its record is on the disk, or until that has failed. A disk that hangs does
    /// neither, so bound it; it may be dropped at any time.
    pub async fn recorded(&mut self) {
        if let Some(pending) = &mut self.pending {
            if let Err(error) = pending.await {
                tracing::error!(%error, "what was taken away is NOT DURABLE");
            }
            self.pending = None;
        }
    }

    /// What is told to whoever asked. Where the record is not on the disk, nothing with effect
    /// passes from here on until it is.
    pub fn acknowledge(self) -> Acknowledged {
        let restriction = self.restraint.number();
        let on_disk = *self.broker.journal.durable().borrow();
        let durable = restriction.is_some_and(|number| number <= on_disk);
        if !durable {
            self.broker.owe(&self.restraint);
        }
        Acknowledged {
            restriction,
            durable,
            sessions: self.sessions,
            open: self.open,
        }
    }
}

impl Broker {
    /// Takes something away, in memory first. `what` needs no lists: they are made here.
    pub(crate) fn restrain(self: &Arc<Self>, mut what: Restricted, now: Now) -> Taken {
        let mut register = self
            .register
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let restraint = register.restraints.begin(now.wall_ms(), &what);
        let mut sessions = self.within(&what.scope);
        let mut shut = self.uphold(&register);
        // It may have been shut before, and something of it be on its way still.
        shut.extend(window_of(&what.scope));
        sessions.extend(self.using(&shut));
        sessions.sort_unstable();
        sessions.dedup();
        // I7: from here on nothing in the scope is sent, nor under a window that it shut, and what
        // was sent and is open is here.
        let open = self.afloat.within(&what.scope, &shut);
        let listed = |numbers: &mut dyn Iterator<Item = u64>| {
            numbers.take(RESTRICTED_LISTED_MAX).collect::<Vec<u64>>()
        };
        what.sessions = listed(&mut sessions.iter().copied());
        what.open = listed(&mut open.iter().map(|write| write.intent));
        tracing::warn!(
            by = what.by,
            scope = wording::scope(&what.scope),
            reason = what.reason,
            measure = what.measure.name(),
            "taken away"
        );
        let pending = match self.journal.commit(now.wall_ms(), Event::Restricted(what)) {
            Ok(pending) => {
                register.restraints.number(&restraint, pending.sequence());
                register.knows(pending.sequence());
                self.is_revised(pending.sequence());
                Some(pending)
            }
            Err(error) => {
                tracing::error!(%error, "what was taken away is on no way to the disk");
                None
            }
        };
        Taken {
            broker: Arc::clone(self),
            restraint,
            pending,
            sessions,
            open,
        }
    }

    /// Has sessions, devices and windows do what the register says. When it returns, they do. Gives
    /// the windows that were open and are no longer.
    pub(super) fn uphold(&self, register: &Register) -> Vec<u64> {
        let restraints = &register.restraints;
        self.gates.follow(restraints);
        for present in self.roll.present() {
            if let Some(restraint) = revoked(restraints, &present.whose) {
                present.standing.end(Lost::Revoked(Arc::clone(restraint)));
                self.overseer.revoked(present.whose.session);
            }
            let downgraded = restraints.downgraded(present.whose.session);
            // I7: a restriction of a session is forgotten with it, and commands that it left in a
            // queue are not free for that.
            if downgraded.is_some() || present.is_open() {
                present.standing.narrow(downgraded);
            }
        }
        let mut shut = self.follow_windows(register);
        shut.extend(self.follow_glass(register));
        shut
    }

    /// Enters a session on the roll, unless it is revoked. It is entered first and judged then:
    /// who revokes meanwhile meets it there, or is met here.
    pub(super) fn admit(
        &self,
        whose: &Arc<Whose>,
        peer: &str,
        now: Now,
    ) -> Result<Standing, Refusal> {
        let standing = self.roll.enter(Arc::clone(whose));
        let restraint = revoked(&self.register().restraints, whose).cloned();
        let Some(restraint) = restraint else {
            return Ok(standing);
        };
        let reason = Reason::Standing(Lost::Revoked(restraint));
        tracing::warn!(subject = %whose.subject, peer, "turned away: revoked");
        if !self.allowances.denial(&whose.subject, now) {
            return Err(Refusal::new(reason));
        }
        // No session opens, yet the record has a number as if one had: no other carries it.
        let detail = format!("connect from {peer}: {}", reason.what());
        let denial = act_denied(whose.session, &whose.subject, reason.code(), detail);
        let record = self.journal.append(now.wall_ms(), Event::Denial(denial));
        Err(Refusal::new(reason).recorded_as(record.ok()))
    }

    /// A session has ended, and what concerns it alone with it.
    pub(super) fn left(&self, session: u64, now: Now, ended: &Event) {
        self.overseer.left(session);
        if self.register().restraints.concerns_session(session) {
            self.take_up(0, now, ended);
        }
    }

    /// Tries again to record what found no place before. Call it about once a second, whether or
    /// not anybody is there: what has no record is forgotten by the next start.
    pub fn record_unrecorded(&self, now: Now) {
        if self.register().restraints.unrecorded().is_empty() {
            return;
        }
        let mut register = self
            .register
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let mut last = None;
        for restraint in register.restraints.unrecorded().to_vec() {
            match self.journal.append(now.wall_ms(), restraint.event()) {
                Ok(sequence) => {
                    register.restraints.number(&restraint, sequence);
                    register.knows(sequence);
                    self.is_revised(sequence);
                    last = Some(sequence);
                }
                Err(_) => return,
            }
        }
        if let Some(last) = last {
            self.gates.owe_no_more_than(last);
        }
    }

    fn owe(&self, restraint: &Restraint) {
        // Asked under the lock: it may have been recorded since whoever took away last looked.
        let register = self.register();
        let all_recorded = register.restraints.unrecorded().is_empty();
        let number = restraint.number().filter(|_| all_recorded);
        self.gates.owe(number.unwrap_or(u64::MAX));
    }

    /// The sessions that a restriction of this scope meets, while they stand.
    fn within(&self, scope: &Scope) -> Vec<u64> {
        let met = |present: &Present| {
            let talks = present.session.as_ref().is_some_and(|session| {
                let devices = session.activity.devices();
                let mut devices = devices.iter().filter_map(|name| self.plant.device(name));
                devices.any(|device| reaches(scope, device))
            });
            let stands = present.standing.lost().is_none();
            stands && (present.whose.is_in(scope) || talks)
        };
        let open = self.open_sessions();
        let met = open.iter().filter(|present| met(present));
        met.map(|present| present.whose.session).collect()
    }

    /// Whether there is what a scope names; gives it in its one spelling.
    pub(super) fn known(&self, scope: Scope) -> Result<Scope, String> {
        let subject_is_known = |subject: &SubjectId| {
            let mut present = self.roll.present().into_iter();
            let enrolled = self
                .register()
                .identities
                .of_subject(subject.as_str())
                .count()
                > 0;
            enrolled
                || self.policy().knows(subject)
                || present.any(|present| present.whose.subject == *subject)
        };
        match scope {
            Scope::Subject(text) => {
                let subject = SubjectId::parse_at(self.plant.site(), &text)
                    .map_err(|error| error.to_string())?;
                if !subject_is_known(&subject) {
                    return Err(format!(
                        "nobody is known as `{}`: they are not enrolled, no group and no rule names them, and no session of theirs is open; look at `interlock sessions` and `interlock identities`",
                        subject.path()
                    ));
                }
                Ok(Scope::Subject(subject.to_string()))
            }
            Scope::Machine(key) => {
                let mut present = self.roll.present().into_iter();
                let enrolled = self.register().identities.of_machine(&key).count() > 0;
                if !enrolled && !present.any(|present| present.whose.machine == Some(key)) {
                    return Err(format!(
                        "no {} is known here; look at `interlock sessions` and `interlock identities`",
                        wording::scope(&Scope::Machine(key))
                    ));
                }
                Ok(Scope::Machine(key))
            }
            Scope::Session(number) => {
                let mut open = self.open_sessions().into_iter();
                if !open.any(|session| session.whose.session == number) {
                    return Err(format!(
                        "no session {number} is open; `interlock sessions` lists those that are"
                    ));
                }
                Ok(Scope::Session(number))
            }
            Scope::Window(number) => self.known_window(&number).map(Scope::Window),
            Scope::Device(name) if self.plant.device(&name).is_none() => Err(format!(
                "the plant has no device `{}`; revoking a person's machine is `revoke device`, and is not this",
                shortened(&name)
            )),
            Scope::Zone(name) if !self.plant.zones().iter().any(|zone| zone.name() == name) => {
                Err(format!("the plant has no zone `{}`", shortened(&name)))
            }
            scope => Ok(scope),
        }
    }

    pub(super) fn open_sessions(&self) -> Vec<Present> {
        let mut present = self.roll.present();
        present.retain(Present::is_open);
        present
    }
}

fn revoked<'r>(restraints: &'r Restraints, whose: &Whose) -> Option<&'r Arc<Restraint>> {
    restraints.revoked(&whose.subject, whose.machine.as_ref(), Some(whose.session))
}

fn window_of(scope: &Scope) -> Option<u64> {
    match scope {
        Scope::Window(number) => number.parse().ok(),
        _ => None,
    }
}

/// A text of a client in a sentence of ours: a name of ours is never this long.
fn shortened(name: &str) -> String {
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests;

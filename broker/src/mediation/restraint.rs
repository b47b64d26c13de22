//! Taking away at once, and giving back (I7).
//!
//! What is taken away holds in memory first and is recorded then, so that a disk that fails or
//! hangs stops nobody from stopping somebody. Giving back is recorded first.

use std::sync::Arc;

use interlock_protocols::conduit::{RestrictionRow, SessionRow};
use interlock_protocols::identity::AuthStrength;
use interlock_protocols::record::{Event, Measure, Reinstated, Restricted, Scope};

use super::refusal::{Reason, Refusal};
use super::roll::Present;
use super::session::Session;
use super::taking::Taken;
use crate::clock::Now;
use crate::journal::Unrecordable;
use crate::limits::{ACT_REASON_MAX_BYTES, PRESENCE_FRESH_MAX};
use crate::policy::Action;
use crate::register::Restraint;
use crate::wording;

/// Why nothing was taken away.
#[derive(Debug, thiserror::Error)]
pub enum NotRestricted {
    /// The subject may not.
    #[error("{}: {}", .0.reason().what(), .0.next())]
    Refused(Refusal),
    /// The reason is none.
    #[error(
        "a reason has 1 to {ACT_REASON_MAX_BYTES} bytes: whoever is stopped by it will read it"
    )]
    NoReason,
    /// There is no such thing.
    #[error("{0}")]
    Unknown(String),
    /// The measure cannot be taken against that.
    #[error(
        "`{measure}` is not for {scope}: people, machines and sessions are revoked, sessions are downgraded; devices, zones and the site are frozen or isolated"
    )]
    Unfit {
        /// What was to be taken away.
        measure: &'static str,
        /// From whom, or from what.
        scope: String,
    },
}

/// Why a restriction was not lifted. It holds still.
#[derive(Debug, thiserror::Error)]
pub enum NotReinstated {
    /// The subject may not, or not now, or not this one.
    #[error("{}: {}", .0.reason().what(), .0.next())]
    Refused(Refusal),
    /// The reason is none.
    #[error("a reason has 1 to {ACT_REASON_MAX_BYTES} bytes: say what makes it safe again")]
    NoReason,
    /// There is no such restriction.
    #[error(
        "no restriction {0} holds; `interlock restrictions` lists those that do, and one of a session ends with it"
    )]
    Unknown(u64),
    /// It cannot be recorded.
    #[error("it cannot be recorded, so the restriction holds still: {0}")]
    Journal(#[from] Unrecordable),
}

fn is_reason(reason: &str) -> bool {
    !reason.is_empty() && reason.len() <= ACT_REASON_MAX_BYTES
}

fn action(measure: Measure) -> Action {
    match measure {
        Measure::Revoke => Action::Revoke,
        Measure::Freeze => Action::Freeze,
        Measure::Isolate => Action::Isolate,
        Measure::Downgrade => Action::Downgrade,
    }
}

fn fits(measure: Measure, scope: &Scope) -> bool {
    match scope {
        Scope::Session(_) => matches!(measure, Measure::Revoke | Measure::Downgrade),
        Scope::Subject(_) | Scope::Machine(_) | Scope::Window(_) | Scope::AllVendors => {
            measure == Measure::Revoke
        }
        Scope::Device(_) | Scope::Zone(_) | Scope::Site => {
            matches!(measure, Measure::Freeze | Measure::Isolate)
        }
    }
}

impl Session {
    /// Decides, and takes away at once. The session that asks may be in the scope itself.
    pub fn restrict(
        &self,
        measure: Measure,
        scope: Scope,
        reason: &str,
        now: Now,
    ) -> Result<Taken, NotRestricted> {
        self.administer(action(measure), now)
            .map_err(NotRestricted::Refused)?;
        let reason = reason.trim();
        if !is_reason(reason) {
            return Err(NotRestricted::NoReason);
        }
        if !fits(measure, &scope) {
            return Err(NotRestricted::Unfit {
                measure: measure.name(),
                scope: wording::scope(&scope),
            });
        }
        let broker = self.broker();
        let what = Restricted {
            session: Some(self.id()),
            by: self.subject().to_string(),
            measure,
            scope: broker.known(scope).map_err(NotRestricted::Unknown)?,
            reason: reason.to_owned(),
            sessions: Vec::new(),
            open: Vec::new(),
        };
        Ok(broker.restrain(what, now))
    }

    /// Decides, records, waits until the record is on the disk, and only then lifts a
    /// restriction. It takes a person who is there, was not who restricted, and is not in the
    /// scope. Gives the sequence of the record.
    pub async fn reinstate(
        &self,
        restriction: u64,
        reason: &str,
        now: Now,
    ) -> Result<u64, NotReinstated> {
        self.administer(Action::Reinstate, now)
            .map_err(NotReinstated::Refused)?;
        let reason = reason.trim();
        if !is_reason(reason) {
            return Err(NotReinstated::NoReason);
        }
        let broker = self.broker();
        let found = broker.register().restraints.numbered(restriction).cloned();
        let restraint = found.ok_or(NotReinstated::Unknown(restriction))?;
        self.may_lift(&restraint, now).map_err(|reason| {
            let detail = format!("reinstate {restriction}: {}", reason.what());
            NotReinstated::Refused(self.refuse("", reason, detail, Vec::new(), now))
        })?;
        let reinstated = Event::Reinstated(Reinstated {
            session: self.id(),
            by: self.subject().to_string(),
            restriction,
            reason: reason.to_owned(),
        });
        Ok(broker.act(reinstated, now).await?)
    }

    fn may_lift(&self, restraint: &Restraint, now: Now) -> Result<(), Reason> {
        if self.is_own_case(restraint) {
            return Err(Reason::OwnCase);
        }
        let presence = self.inner.circumstances(now)?.presence;
        let fresh_s = i64::try_from(PRESENCE_FRESH_MAX.as_secs()).unwrap_or(i64::MAX);
        if presence.auth == AuthStrength::UserPresent && presence.age_s <= fresh_s {
            Ok(())
        } else {
            Err(Reason::NotPresent)
        }
    }

    /// Whether it is the doing of whoever asks, or was taken from them: in this session, in another
    /// of theirs, or on another machine of theirs.
    fn is_own_case(&self, restraint: &Restraint) -> bool {
        let (broker, who) = (self.broker(), self.subject());
        restraint.by() == who.as_str()
            || self.inner.whose.is_in(restraint.scope())
            || match restraint.scope() {
                Scope::Session(number) => {
                    let mut present = broker.roll.present().into_iter();
                    present.any(|one| one.whose.session == *number && one.whose.subject == *who)
                }
                Scope::Machine(key) => {
                    let register = broker.register();
                    register.identities.on_machine(who.as_str(), key).is_some()
                }
                Scope::Window(number) => broker.holds_window(who, number),
                _ => false,
            }
    }

    /// Decides, and lists the sessions that are open.
    pub fn sessions(&self, now: Now) -> Result<Vec<SessionRow>, Refusal> {
        self.administer(Action::ReadSessions, now)?;
        let row = |present: Present| {
            let session = present.session?;
            let last = session.activity.last();
            let auth = session.auth();
            Some(SessionRow {
                session: session.id,
                subject: session.subject.to_string(),
                machine: session
                    .whose
                    .machine
                    .map_or_else(String::new, |key| self.broker().machine_name(&key)),
                device_key: session.whose.machine,
                peer: session.peer.clone(),
                devices: session.activity.devices(),
                since_ms: session.since_ms,
                last_ms: last.as_ref().map(|(at_ms, _)| *at_ms),
                last: last.map_or_else(String::new, |(_, asked)| asked),
                auth: auth.strength,
                auth_ms: auth.at_ms,
                ends_ms: session.certificate_ends_ms,
                read_only: session.standing.downgraded().is_some(),
                posture: session.posture.words(now),
            })
        };
        let open = self.broker().open_sessions();
        Ok(open.into_iter().filter_map(row).collect())
    }

    /// Decides, and lists the restrictions that hold.
    pub fn restrictions(&self, now: Now) -> Result<Vec<RestrictionRow>, Refusal> {
        self.administer(Action::ReadSessions, now)?;
        let register = self.broker().register();
        let row = |restraint: &Arc<Restraint>| RestrictionRow {
            restriction: restraint.number().unwrap_or_default(),
            measure: restraint.measure(),
            scope: restraint.scope().clone(),
            machine: match restraint.scope() {
                Scope::Machine(key) => register.identities.machine_name(key),
                _ => String::new(),
            },
            by: restraint.by().to_owned(),
            reason: restraint.reason().to_owned(),
            since_ms: restraint.since_ms(),
        };
        Ok(register.restraints.iter().map(row).collect())
    }
}

//! How somebody gets an identity here, and keeps it: invitations, enrolments, certificates that
//! end, and renewal. Everything is decided with the time as an argument and is in the journal
//! before anybody is told.

mod administer;
mod declined;
mod enrol;
mod first;
mod identities;
mod issue;
mod lineage;
mod login;
mod presence;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use interlock_protocols::record::{Event, InvitationFate, KeptInvitation};
use tokio::sync::{MutexGuard, watch};

pub use administer::{Invitation, NotDone};
pub use declined::Declined;
pub use enrol::Enrolling;
pub use first::FirstInvitation;
pub use issue::Issued;
pub use presence::NotPresent;
pub use terms::Terms;

use crate::authority::Authority;
use crate::clock::Now;
use crate::journal::Unrecordable;
use crate::limits::ANSWER_LOST_MS;
use crate::mediation::Broker;
use crate::subject::SubjectId;

/// Whoever decides on identities at one gateway. What changes the register goes through it one
/// after the other: an invitation cannot be used twice by two who come at once.
///
/// None of its futures may be dropped before it has ended: what was recorded then would be taken up
/// at the next start alone. Run them in tasks of their own where a connection may be lost.
pub struct Registrar {
    broker: Arc<Broker>,
    issuer: Arc<Authority>,
    terms: Terms,
    turn: tokio::sync::Mutex<()>,
    /// What was issued a moment ago, for those whose answer was lost.
    recent: Mutex<VecDeque<Issued>>,
    changed: watch::Sender<u64>,
}

impl Registrar {
    /// A registrar that signs with this issuer.
    pub fn new(broker: Arc<Broker>, issuer: Authority, terms: Terms) -> Registrar {
        broker.agree(terms);
        Registrar {
            broker,
            issuer: Arc::new(issuer),
            terms,
            turn: tokio::sync::Mutex::new(()),
            recent: Mutex::new(VecDeque::new()),
            changed: watch::Sender::new(0),
        }
    }

    /// Changes with each invitation and enrolment: for those who wait on one.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Whether anybody may enrol: whether the door for it must be open. For a while after somebody
    /// did, it is: their answer may have been lost.
    pub fn expects_somebody(&self, now: Now) -> bool {
        let register = self.broker.register();
        let identities = &register.identities;
        let lately = |invitation: &KeptInvitation| match &invitation.fate {
            InvitationFate::Used(by) => {
                let identity = identities.on_machine(&by.subject, &by.device_key);
                let since_ms = identity.map(|identity| now.wall_ms() - identity.enrolled_ms);
                now.wall_ms() < invitation.invited.until_ms
                    && since_ms.is_some_and(|since_ms| since_ms < ANSWER_LOST_MS)
            }
            _ => false,
        };
        let mut pending = identities.invitations.pending(now.wall_ms());
        pending.next().is_some() || identities.invitations.all().any(lately)
    }

    async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    async fn act(&self, event: Event, now: Now) -> Result<u64, Unrecordable> {
        let sequence = self.broker.act(event, now).await?;
        self.changed.send_replace(sequence);
        Ok(sequence)
    }

    /// Records that a known subject got no certificate. Of others there is a line in the log alone:
    /// a stranger must not be able to use up what may be recorded of somebody.
    fn declined(&self, subject: &SubjectId, peer: &str, why: &Declined, now: Now) {
        let detail = format!("certificate asked for from {peer}: {why}");
        self.broker
            .deny_at_the_door(subject, why.code(), detail, now);
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, VecDeque<Issued>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

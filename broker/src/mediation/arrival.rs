//! How a session begins: somebody arrives whose certificate was verified and whose machine has
//! proven itself. Who has not, is turned away with a record.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use interlock_protocols::record::{Event, SessionOpened};

use super::activity::Activity;
use super::broker::Broker;
use super::ledger::{Ledger, act_denied};
use super::refusal::{Reason, Refusal};
use super::roll::Whose;
use super::schedule::{LastUse, Schedule};
use super::session::{Inner, Session};
use super::standing::Lost;
use super::window::Told;
use crate::authority::Freshness;
use crate::clock::Now;
use crate::policy::{Transport, View};
use crate::posture::{Evidence, Lease};
use crate::proof::{NotProven, Proven};
use crate::subject::{Identity, SubjectId};
use crate::window::Steps;

/// Somebody at the door.
#[derive(Debug)]
pub struct Arrival<'a> {
    /// Who they are and on which machine: the proof carries the identity it was made for, so that
    /// none can stand beside that of another.
    pub proven: Proven<'a>,
    /// Name of the authority that signed their certificate.
    pub authority: &'a str,
    /// Until when what is known of that authority is young enough.
    pub freshness: &'a Freshness,
    /// Address and port they come from.
    pub peer: &'a str,
    /// How their commands will travel.
    pub transport: Transport,
    /// The health of their machine, where something of it was said and verified.
    pub posture: Option<Evidence>,
}

impl Broker {
    /// Opens a session. Its record is made durable no sooner than any other denial or read: what a
    /// session then does with effect waits for its own commit, which comes after it in the log.
    pub fn open_session(
        self: &Arc<Self>,
        arrival: Arrival<'_>,
        now: Now,
    ) -> Result<Session, Refusal> {
        let identity = arrival.proven.identity();
        let subject = identity.subject();
        if self.stopping.load(Ordering::Acquire) {
            return Err(Refusal::new(Reason::Stopping));
        }
        if now.wall_ms() >= identity.ends_ms() {
            return Err(Refusal::new(Reason::Standing(Lost::Expired)));
        }
        let machine = arrival.proven.device_key();
        if self.is_disabled(subject, machine, now) {
            return Err(Refusal::new(Reason::Disabled));
        }
        if !self.allowances.session(subject, now) {
            tracing::warn!(%subject, "turned away: too many sessions in a short time");
            return Err(Refusal::new(Reason::SessionRate));
        }
        let id = self.next_session.fetch_add(1, Ordering::Relaxed);
        let whose = Arc::new(Whose {
            session: id,
            subject: subject.clone(),
            machine: arrival.proven.device_key().copied(),
        });
        let standing = self.admit(&whose, arrival.peer, now)?;
        let view = self.view_of(subject);
        let opened = opened(id, &arrival, &view);
        let ledger = Ledger::new(self.journal.clone(), id, subject.to_string(), now);
        let inner = Inner {
            id,
            ledger: Arc::new(ledger),
            certificate_ends_ms: identity.ends_ms(),
            schedule: Mutex::new(Schedule::new(self.session_times(), identity.ends_ms(), now)),
            last_use: LastUse::new(now),
            freshness: arrival.freshness.clone(),
            protection: arrival.proven.protection(),
            posture: Lease::default(),
            standing,
            whose,
            activity: Activity::default(),
            peer: arrival.peer.to_owned(),
            since_ms: now.wall_ms(),
            auth: Mutex::new(arrival.proven.auth()),
            steps: Steps::default(),
            announced: self.glass.announced(),
            leaf_key: *identity.key(),
            exporter: arrival.proven.exporter(),
            view: Mutex::new(view),
            told: Told::default(),
            next_conversation: AtomicU64::new(1),
            broker: Arc::clone(self),
            transport: arrival.transport,
            subject: subject.clone(),
        };
        if let Some(sequence) = inner.append(now, opened.clone()) {
            self.take_up(sequence, now, &opened);
        }
        let inner = Arc::new(inner);
        self.roll.opened(&inner);
        let session = Session::new(inner);
        if let Some(evidence) = arrival.posture {
            session.take_up_posture(evidence, now);
        }
        Ok(session)
    }

    /// Records that somebody showed a certificate and no machine to go with it, as far as the
    /// subject's allowance of denials goes. No session opens, yet the record has a number as if
    /// one had: no other record carries it.
    pub fn turn_away(&self, identity: &Identity, peer: &str, why: NotProven, now: Now) {
        let subject = identity.subject();
        tracing::warn!(%subject, peer, %why, "turned away: no proof of the machine");
        let detail = format!("connect from {peer}: {why}");
        self.deny_at_the_door(subject, why.code(), detail, now);
    }

    /// Records that a subject was turned away before there was a session, as far as its allowance
    /// of denials goes.
    pub(crate) fn deny_at_the_door(
        &self,
        subject: &SubjectId,
        code: &str,
        detail: String,
        now: Now,
    ) {
        if !self.allowances.denial(subject, now) {
            return;
        }
        let session = self.next_session.fetch_add(1, Ordering::Relaxed);
        let denial = Event::Denial(act_denied(session, subject, code, detail));
        if let Err(error) = self.journal.append(now.wall_ms(), denial) {
            tracing::warn!(%error, "a record could not be written");
        }
    }
}

fn opened(session: u64, arrival: &Arrival<'_>, view: &View) -> Event {
    let proven = &arrival.proven;
    let identity = proven.identity();
    let auth = proven.auth();
    Event::SessionOpened(SessionOpened {
        session,
        subject: identity.subject().to_string(),
        groups: view.groups().to_vec(),
        peer: arrival.peer.to_owned(),
        certificate: *identity.fingerprint(),
        certificate_ends_ms: identity.ends_ms(),
        device_key: proven.device_key().copied(),
        device_protection: proven.protection(),
        auth: Some(auth.strength),
        auth_ms: Some(auth.at_ms),
        authority: Some(arrival.authority.to_owned()),
    })
}

//! One connection of one subject.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use interlock_protocols::conduit::JournalQuery;
use interlock_protocols::identity::AuthStrength;
use interlock_protocols::identity::KeyProtection;
use interlock_protocols::record::{Denial, Event, JournalRead, SessionEnded};
use tokio::sync::watch;

use super::activity::Activity;
use super::break_glass::Announced;
use super::broker::Broker;
use super::conversation::{Conversation, exception_byte};
use super::decide::reason_of;
use super::ledger::{Key, Ledger, act_denied};
use super::refusal::{Reason, Refusal};
use super::roll::Whose;
use super::schedule::{LastUse, Schedule, Warning};
use super::standing::{Lost, Standing};
use super::window::{Holding, Told};
use crate::authority::Freshness;
use crate::clock::Now;
use crate::index;
use crate::limits::FILTER_WORDS_MAX_BYTES;
use crate::plant::Device;
use crate::policy::{
    Action, Circumstances, Facts, Health, LocalTime, Matter, Presence, Resource, Transport, Trust,
    Verdict, View,
};
use crate::posture::Lease;
use crate::proof::Auth;
use crate::subject::SubjectId;
use crate::window::Steps;

/// What the conversations of one session share.
pub(super) struct Inner {
    pub(super) id: u64,
    pub(super) subject: SubjectId,
    pub(super) broker: Arc<Broker>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) standing: Standing,
    pub(super) certificate_ends_ms: i64,
    pub(super) whose: Arc<Whose>,
    pub(super) activity: Activity,
    pub(super) peer: String,
    pub(super) since_ms: i64,
    pub(super) schedule: Mutex<Schedule>,
    pub(super) last_use: LastUse,
    pub(super) freshness: Freshness,
    pub(super) protection: Option<KeyProtection>,
    pub(super) posture: Lease,
    pub(super) auth: Mutex<Auth>,
    /// What its subject is to be told of windows.
    pub(super) steps: Steps,
    /// What everybody is to be told.
    pub(super) announced: Announced,
    /// SHA-256 of the key of its certificate.
    pub(super) leaf_key: [u8; 32],
    /// What its connection has and no other.
    pub(super) exporter: Option<[u8; 32]>,
    pub(super) view: Mutex<View>,
    pub(super) told: Told,
    pub(super) next_conversation: AtomicU64,
    pub(super) transport: Transport,
}

impl Inner {
    /// The view of the policy in force: one of a replaced policy is thrown away first.
    pub(super) fn view(&self) -> MutexGuard<'_, View> {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        self.broker.renew(&mut view);
        view
    }

    /// How the subject showed who they are, and when.
    pub(super) fn auth(&self) -> Auth {
        *self.auth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the session stands, at this moment.
    pub(super) fn may_act(&self, now: Now) -> Result<(), Reason> {
        if let Some(lost) = self.schedule().over(self.last_use.at(), now) {
            self.standing.end(lost);
        }
        if let Some(lost) = self.standing.lost() {
            return Err(Reason::Standing(lost));
        }
        if self.broker.stopping.load(Ordering::Acquire) {
            return Err(Reason::Stopping);
        }
        Ok(())
    }

    pub(super) fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A clock that shows no time of a calendar denies: rules may ask for the hour.
    pub(super) fn circumstances(&self, now: Now) -> Result<Circumstances, Reason> {
        let wall_ms = now.wall_ms();
        Ok(Circumstances {
            time: LocalTime::at(wall_ms, &self.broker.zone).ok_or(Reason::NoTime)?,
            transport: self.transport,
            presence: {
                let auth = self.auth();
                Presence::at(auth.strength, auth.at_ms, wall_ms)
            },
            device_key: self.protection,
            health: self.health(now),
            trust: if self.freshness.is_stale(now) {
                Trust::Stale
            } else {
                Trust::Fresh
            },
        })
    }

    /// What is known of the machine at this moment. That it has run out is recorded by whoever
    /// asks first, so that a denial for want of it never stands before that record.
    fn health(&self, now: Now) -> Option<Health> {
        let (health, change) = self.posture.health(now);
        if let Some(change) = change {
            self.record_posture(&change, now);
        }
        health
    }

    /// Notes a denial; true where it is to be recorded in full.
    pub(super) fn note_denial(&self, key: Key, now: Now) -> bool {
        self.ledger.denied(key, now, || self.may_record(now))
    }

    /// Whether the subject may have one more record of a denial, or of one kind of denials.
    pub(super) fn may_record(&self, now: Now) -> bool {
        self.broker.allowances.denial(&self.subject, now)
    }

    /// Whether policy permits an act, now.
    pub(super) fn permitted(
        &self,
        action: Action,
        resource: Resource<'_>,
        matter: Matter<'_>,
        now: Now,
    ) -> Result<Verdict, (Reason, Vec<String>)> {
        let circumstances = self.circumstances(now);
        let circumstances = circumstances.map_err(|reason| (reason, Vec::new()))?;
        let facts = Facts {
            circumstances,
            matter,
        };
        let verdict = self.view().decide(action, resource, &facts);
        if verdict.allow {
            Ok(verdict)
        } else {
            Err((reason_of(&verdict), verdict.policies))
        }
    }

    /// Appends a record that nothing waits for. `None` where the journal has failed: what is
    /// denied stays denied without it.
    pub(super) fn append(&self, now: Now, event: Event) -> Option<u64> {
        match self.broker.journal.append(now.wall_ms(), event) {
            Ok(sequence) => Some(sequence),
            Err(error) => {
                tracing::warn!(session = self.id, %error, "a record could not be written");
                None
            }
        }
    }
}

/// One connection of one subject. Ending it, or dropping it, records its end; commands that it
/// has already been permitted live on in their links.
pub struct Session {
    pub(super) inner: Arc<Inner>,
    ended: AtomicBool,
    /// Whether its person has shown, in it, that they are there.
    present: AtomicBool,
}

impl Session {
    pub(super) fn new(inner: Arc<Inner>) -> Session {
        Session {
            inner,
            ended: AtomicBool::new(false),
            present: AtomicBool::new(false),
        }
    }

    /// Its number, which every record of it carries.
    pub fn id(&self) -> u64 {
        self.inner.id
    }

    /// Whose it is.
    pub fn subject(&self) -> &SubjectId {
        &self.inner.subject
    }

    /// The groups of the subject: those of the policy in force, and those of invitations.
    pub fn groups(&self) -> Vec<String> {
        self.inner.view().groups().to_vec()
    }

    /// When the certificate ends, in milliseconds since 1970-01-01 UTC.
    pub fn certificate_ends_ms(&self) -> i64 {
        self.inner.certificate_ends_ms
    }

    /// SHA-256 of the key of the machine it comes from, which has proven that it has it; `None` for
    /// a program that need not have one.
    pub fn device_key(&self) -> Option<&[u8; 32]> {
        self.inner.whose.machine.as_ref()
    }

    /// How the subject showed who they are, and when.
    pub fn auth(&self) -> Auth {
        self.inner.auth()
    }

    /// SHA-256 of the key of its certificate.
    pub(crate) fn leaf_key(&self) -> &[u8; 32] {
        &self.inner.leaf_key
    }

    /// What its connection has and no other.
    pub(crate) fn exporter(&self) -> Option<&[u8; 32]> {
        self.inner.exporter.as_ref()
    }

    /// Whether it may still act.
    pub(crate) fn stands(&self, now: Now) -> Result<(), Refusal> {
        self.inner.may_act(now).map_err(Refusal::new)
    }

    /// Whether the person has shown already, in this very session, that they are there.
    pub(crate) fn was_present(&self) -> bool {
        self.present.load(Ordering::Acquire)
    }

    /// The person has shown that they are there: decisions from here on know of it.
    pub(crate) fn is_present(&self, now: Now) {
        self.present.store(true, Ordering::Release);
        let auth = self.inner.auth.lock();
        *auth.unwrap_or_else(PoisonError::into_inner) = Auth {
            strength: AuthStrength::UserPresent,
            at_ms: now.wall_ms(),
        };
    }

    /// Opens a conversation with a device. One that is unknown and one that is not this
    /// subject's to see are refused alike.
    pub fn converse(&self, device: &str, armed: bool, now: Now) -> Result<Conversation, Refusal> {
        self.inner.may_act(now).map_err(Refusal::new)?;
        let broker = &self.inner.broker;
        let known = broker.hearing.of_device(device);
        let Some(((known, heard), gate)) = known.zip(broker.gates.before(device)) else {
            return Err(self.refuse_device(device, Vec::new(), now));
        };
        let resource = Resource::Device(known.name());
        let holding = self.inner.holding(known, now);
        let matter = holding.open().map_or(Matter::Plain, Matter::Connection);
        if !holding.has_broken() {
            self.permitted(Action::Connect, resource, matter, now)
                .map_err(|(_, policies)| self.refuse_device(device, policies, now))?;
        }
        self.inner.last_use.mark(now);
        let id = self.inner.next_conversation.fetch_add(1, Ordering::Relaxed);
        Ok(Conversation::new(
            Arc::clone(&self.inner),
            Arc::clone(known),
            Arc::clone(heard),
            Arc::clone(gate),
            id,
            armed,
        ))
    }

    /// Decides and records the reading of the journal.
    pub fn read_journal(&self, query: &JournalQuery, now: Now) -> Result<(), Refusal> {
        self.administer(Action::ReadJournal, now)?;
        let subject = &self.inner.subject;
        if !self.inner.broker.allowances.reading(subject, now) {
            tracing::warn!(%subject, "turned away: the journal was asked for too often");
            return Err(Refusal::new(Reason::ReadingRate));
        }
        self.inner.append(
            now,
            Event::JournalRead(JournalRead {
                session: self.inner.id,
                subject: self.inner.subject.to_string(),
                from: query.from,
                filter: index::words(query, FILTER_WORDS_MAX_BYTES),
            }),
        );
        Ok(())
    }

    /// Decides again, while an answer goes on: a policy may have been replaced since, or its hour
    /// be over. Following the journal is no use of the session: it takes nobody in front of it.
    pub fn goes_on_reading(&self, now: Now) -> Result<(), Refusal> {
        self.judge_act(Action::ReadJournal, Resource::Site, Matter::Plain, now)
            .map(|_| ())
    }

    /// Decides whether the session may see how the gateway is doing.
    pub fn read_status(&self, now: Now) -> Result<(), Refusal> {
        self.administer(Action::ReadStatus, now)
    }

    /// Writes the summaries that are due, and notices a certificate that has ended. Call it
    /// about once a second; an error means that the session is over.
    pub fn tick(&self, now: Now) -> Result<(), Refusal> {
        self.inner.ledger.tick(now, || self.inner.may_record(now));
        self.inner.health(now);
        match self.inner.may_act(now) {
            Err(reason @ Reason::Standing(_)) => Err(Refusal::new(reason)),
            _ => Ok(()),
        }
    }

    /// What its owner is to be warned of now: the end of the session, or of a window of theirs.
    /// Call it after [`Session::tick`]; what else there is to tell comes at the next call.
    pub fn warning(&self, now: Now) -> Option<Warning> {
        let last_use = self.inner.last_use.at();
        let warning = self.inner.schedule().warning(last_use, now);
        warning.or_else(|| self.inner.window_warning(now))
    }

    /// Ends the standing of the session: nothing of it that was not sent will be (I7).
    pub fn end_standing(&self, why: Lost) {
        self.inner.standing.end(why);
    }

    /// Records the end of the session, once.
    pub fn end(&self, reason: &str, now: Now) {
        if self.ended.swap(true, Ordering::AcqRel) {
            return;
        }
        self.inner.activity.end();
        self.inner.ledger.flush(now, || self.inner.may_record(now));
        let ended = Event::SessionEnded(SessionEnded {
            session: self.inner.id,
            subject: self.inner.subject.to_string(),
            reason: reason.to_owned(),
        });
        self.inner.append(now, ended.clone());
        self.inner.broker.left(self.inner.id, now, &ended);
    }

    /// Turns true when its standing is lost.
    pub fn over(&self) -> watch::Receiver<bool> {
        self.inner.standing.over()
    }

    /// Why its standing was lost, if it was.
    pub fn lost(&self) -> Option<Lost> {
        self.inner.standing.lost()
    }

    pub(crate) fn broker(&self) -> &Arc<Broker> {
        &self.inner.broker
    }

    /// Hands out the view with the circumstances of now; nothing where the clock is broken.
    pub(crate) fn with_view<R: Default>(
        &self,
        now: Now,
        f: impl FnOnce(&mut View, Circumstances) -> R,
    ) -> R {
        match self.inner.circumstances(now) {
            Ok(circumstances) => f(&mut self.inner.view(), circumstances),
            Err(_) => R::default(),
        }
    }

    /// What its subject holds for a device, now.
    pub(crate) fn holding(&self, device: &Device, now: Now) -> Holding {
        self.inner.holding(device, now)
    }

    /// Gives what determined it.
    pub(super) fn permitted(
        &self,
        action: Action,
        resource: Resource<'_>,
        matter: Matter<'_>,
        now: Now,
    ) -> Result<Verdict, (Reason, Vec<String>)> {
        self.inner.permitted(action, resource, matter, now)
    }

    pub(super) fn refuse_device(&self, device: &str, policies: Vec<String>, now: Now) -> Refusal {
        let reason = Reason::NotYours;
        let detail = reason.what();
        self.refuse(device, reason, detail, policies, now)
    }

    pub(super) fn refuse(
        &self,
        device: &str,
        reason: Reason,
        detail: String,
        policies: Vec<String>,
        now: Now,
    ) -> Refusal {
        // A stranger's text goes into the log shortened: a name of ours is never this long.
        let device: String = device.chars().take(64).collect();
        let key = Key {
            device: device.clone(),
            unit: 0,
            function: 0,
            area: None,
            reason: reason.code(),
        };
        let mut record = None;
        if self.inner.note_denial(key, now) {
            let Inner { id, subject, .. } = &*self.inner;
            let event = Event::Denial(Denial {
                device,
                policies: policies.clone(),
                exception: exception_byte(&reason),
                ..act_denied(*id, subject, reason.code(), detail)
            });
            record = self.inner.append(now, event);
        }
        Refusal::new(reason)
            .decided_by(policies)
            .knowing(|| self.inner.known(now))
            .recorded_as(record)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end("the connection was lost", self.inner.ledger.latest());
    }
}

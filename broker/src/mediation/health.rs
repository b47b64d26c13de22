//! The health of a session's machine: taken up, told in words, recorded when it changes and when
//! nothing recent is known any more.

use std::time::Duration;

use interlock_protocols::identity::{AuthStrength, PostureReport, PostureSource};
use interlock_protocols::record::{Event, PostureChanged};

use super::ledger::{Key, act_denied};
use super::session::{Inner, Session};
use crate::clock::Now;
use crate::posture::{Change, Evidence, NotBelieved, Terms, believe};
use crate::proof::Proven;

impl Session {
    /// Takes up a report that came while the session was open, with another proof of its machine.
    pub fn hear_posture(
        &self,
        report: &PostureReport,
        proven: &Proven<'_>,
        terms: &Terms,
        now: Now,
    ) -> Result<(), NotBelieved> {
        let inner = &self.inner;
        let ours = proven.device_key() == inner.whose.machine.as_ref()
            && proven.identity().subject() == &inner.subject;
        let taken_up = if ours {
            believe(report, proven, terms, now).and_then(|evidence| inner.learn(evidence, now))
        } else {
            Err(NotBelieved::NotCovered)
        };
        taken_up.inspect_err(|why| self.disbelieve(why, now))
    }

    /// Takes up what came with the proof that the session opened with.
    pub(super) fn take_up_posture(&self, evidence: Evidence, now: Now) {
        if let Err(why) = self.inner.learn(evidence, now) {
            self.disbelieve(&why, now);
        }
    }

    /// Records that a report was not believed, as far as the subject's allowance of denials goes.
    /// The session stays: it may still do what needs no word of its machine.
    pub fn disbelieve(&self, why: &NotBelieved, now: Now) {
        let inner = &self.inner;
        tracing::warn!(session = inner.id, subject = %inner.subject, %why, "a report of a machine's health was not believed");
        let key = Key {
            device: String::new(),
            unit: 0,
            function: 0,
            area: None,
            reason: why.code(),
        };
        if inner.note_denial(key, now) {
            let detail = format!("report of the machine's health: {why}");
            let denial = act_denied(inner.id, &inner.subject, why.code(), detail);
            inner.append(now, Event::Denial(denial));
        }
    }

    /// For how long what is known of the machine's health holds; `None` where nothing is.
    pub fn posture_left(&self, now: Now) -> Option<Duration> {
        self.inner.posture.left(now)
    }

    /// What is known of the machine's health, in words.
    pub fn posture(&self, now: Now) -> String {
        self.inner.posture.words(now)
    }
}

impl Inner {
    /// What rules are told of the person and the machine, in words.
    pub(super) fn known(&self, now: Now) -> String {
        let auth = self.auth();
        let strength = match auth.strength {
            AuthStrength::SingleFactor => {
                "single-factor (`interlock login` with a token shows that you are there)".to_owned()
            }
            AuthStrength::UserPresent => {
                let ago_s = now.wall_ms().saturating_sub(auth.at_ms) / 1_000;
                format!("user-present {} min ago", ago_s / 60)
            }
        };
        format!("{strength}; your machine: {}", self.posture.words(now))
    }

    fn learn(&self, evidence: Evidence, now: Now) -> Result<(), NotBelieved> {
        let of_a_server = evidence.source() == PostureSource::Management;
        if of_a_server && !self.broker.statements.follows(&evidence) {
            return Err(NotBelieved::Superseded);
        }
        let may_record = || self.may_record(now);
        if let Some(change) = self.posture.take_up(evidence, now, may_record)? {
            self.record_posture(&change, now);
        }
        Ok(())
    }

    pub(super) fn record_posture(&self, change: &Change, now: Now) {
        let (source, signer, posture) = match change {
            Change::Found(evidence) => (
                Some(evidence.source()),
                evidence.signer().to_owned(),
                Some(evidence.posture().clone()),
            ),
            Change::RanOut => (None, String::new(), None),
        };
        self.append(
            now,
            Event::PostureChanged(PostureChanged {
                session: self.id,
                subject: self.subject.to_string(),
                source,
                signer,
                posture,
            }),
        );
    }
}

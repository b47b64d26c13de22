//! What the gateway itself did, or people did with it, as events.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use interlock_broker::index;
use interlock_broker::wording::happened;
use interlock_protocols::record::{
    EpochStarted, Event, JournalAccepted, JournalRead, PolicyActivated, SessionEnded, SessionOpened,
};
use serde_json::{Value, json};

use super::shape::{ApiActivity, ApiRequest};
use super::{Activity, Control, Telling};
use interlock_broker::digits::hex;

impl Telling<'_> {
    /// Every kind that is no Modbus command.
    pub(super) fn gateway_act(&self, event: &mut ApiActivity, what: &Event) {
        event.api.request = Some(ApiRequest {
            uid: self.origin.uid(self.record.sequence),
            data: None,
        });
        match what {
            Event::EdgeStarted(started) => {
                note(event, "version", self.clip(&started.version));
                self.say(
                    event,
                    format!("the edge of {} started", self.clip(&started.gateway)),
                );
            }
            Event::EdgeStopped(stopped) => {
                self.say(
                    event,
                    format!("the edge of {} stopped", self.clip(&stopped.gateway)),
                );
            }
            Event::PolicyActivated(activated) => self.policy_activated(event, activated),
            Event::SessionOpened(opened) => self.session_opened(event, opened),
            Event::SessionEnded(ended) => self.session_ended(event, ended),
            Event::JournalRead(read) => self.journal_read(event, read),
            Event::EpochStarted(started) => self.epoch_started(event, started),
            Event::Checkpointed(checkpointed) => {
                event.is(Activity::Create, "");
                // Whole, whatever the extent of other texts: with a part of it nothing is proved.
                note(event, "checkpoint", self.whole(&checkpointed.note));
                self.say(event, "all records so far were signed".to_owned());
            }
            Event::RecordsRemoved(removed) => {
                event.is(Activity::Delete, "");
                note(event, "first", removed.first);
                note(event, "last", removed.last);
                event.status_detail = Some(self.clip(&removed.why));
                self.say(
                    event,
                    format!("records {} to {} are removed", removed.first, removed.last),
                );
            }
            Event::JournalRecovered(recovered) => {
                event.start_time = Some(recovered.since_ms);
                event.end_time = Some(self.record.time_ms);
                event.status_detail = Some(self.clip(&recovered.why));
                note(event, "refused", recovered.refused);
                let refused = recovered.refused;
                self.say(
                    event,
                    format!("the journal records again; {refused} records were refused"),
                );
            }
            Event::JournalAccepted(accepted) => self.journal_accepted(event, accepted),
            Event::SinkProgress(progress) => {
                note(event, "sink", self.clip(&progress.sink));
                note(event, "through", progress.through);
                let sink = self.clip(&progress.sink);
                self.say(
                    event,
                    format!("{sink} has acknowledged through {}", progress.through),
                );
            }
            // Commands are told elsewhere.
            Event::Intent(_)
            | Event::Outcome(_)
            | Event::Denial(_)
            | Event::DenialSummary(_)
            | Event::ReadSummary(_) => {}
            other => self.identity_act(event, other),
        }
    }

    /// What happened to identities, sessions and the clock.
    fn identity_act(&self, event: &mut ApiActivity, what: &Event) {
        let facts = index::facts(what);
        let mut subject = facts.subject;
        if let Event::Enrolled(enrolled) = what
            && let Some(by) = &enrolled.confirmed_by
        {
            // The session is that of whoever confirmed, and not of whom it is about.
            note(event, "subject", self.clip(&enrolled.enrolment.subject));
            subject = Some(by);
        }
        match (facts.session, subject) {
            (Some(session), Some(subject)) => self.by(event, session, subject),
            (None, Some(subject)) => note(event, "subject", self.clip(subject)),
            _ => {}
        }
        self.say(event, self.clip(&happened(what).unwrap_or_default()));
    }

    fn policy_activated(&self, event: &mut ApiActivity, activated: &PolicyActivated) {
        event.is(Activity::Update, "");
        if let Some(session) = activated.session {
            self.by(event, session, &activated.by);
        }
        event.policy = Some(self.policy(&activated.digest));
        note(event, "cases", activated.cases);
        note(event, "by", self.clip(&activated.by));
        self.say(
            event,
            format!("{} put a policy in force", self.clip(&activated.by)),
        );
    }

    fn session_opened(&self, event: &mut ApiActivity, opened: &SessionOpened) {
        event.is(Activity::Create, "");
        self.by(event, opened.session, &opened.subject);
        event.was(Control::Allowed);
        note(event, "certificate_ends", opened.certificate_ends_ms);
        if let Some(key) = &opened.device_key {
            note(event, "device_key", hex(key));
        }
        if let Some(protection) = opened.device_protection {
            note(event, "device_key_kept", protection.name());
        }
        if let Some(auth) = opened.auth {
            note(event, "auth", auth.name());
        }
        if let Some(authority) = &opened.authority {
            note(event, "authority", self.clip(authority));
        }
        self.say(event, format!("{} was let in", self.clip(&opened.subject)));
    }

    fn session_ended(&self, event: &mut ApiActivity, ended: &SessionEnded) {
        event.is(Activity::Delete, "");
        self.by(event, ended.session, &ended.subject);
        event.status_detail = Some(self.clip(&ended.reason));
        self.say(
            event,
            format!("the session of {} ended", self.clip(&ended.subject)),
        );
    }

    fn journal_read(&self, event: &mut ApiActivity, read: &JournalRead) {
        event.is(Activity::Read, "");
        self.by(event, read.session, &read.subject);
        event.was(Control::Allowed);
        note(event, "from", read.from);
        if let Some(filter) = &read.filter {
            note(event, "filter", self.clip(filter));
        }
        self.say(
            event,
            format!("{} read the journal", self.clip(&read.subject)),
        );
    }

    fn epoch_started(&self, event: &mut ApiActivity, started: &EpochStarted) {
        event.is(Activity::Create, "");
        note(event, "epoch", started.epoch);
        note(event, "key", BASE64.encode(started.key));
        note(event, "next_key", BASE64.encode(started.next_key));
        note(event, "by_key", BASE64.encode(started.by_key));
        note(event, "by_gateway", BASE64.encode(started.by_gateway));
        self.say(
            event,
            format!("the key of epoch {} signs from here on", started.epoch),
        );
    }

    fn journal_accepted(&self, event: &mut ApiActivity, accepted: &JournalAccepted) {
        event.is(Activity::Update, "");
        self.by(event, accepted.session, &accepted.subject);
        event.was(Control::Approved);
        event.status_detail = Some(self.clip(&accepted.reason));
        let ahead = accepted.ahead.iter().take(self.extent.list);
        let ahead: Vec<Value> = ahead
            .map(|ahead| json!({"what": self.clip(&ahead.what), "through": ahead.through}))
            .collect();
        note(event, "ahead", ahead);
        note(event, "lineage", hex(&accepted.lineage));
        let subject = self.clip(&accepted.subject);
        self.say(
            event,
            format!("{subject} accepted a journal that is behind what others know"),
        );
    }

    fn say(&self, event: &mut ApiActivity, message: String) {
        event.message = message;
    }

    fn whole(&self, note: &str) -> String {
        // A note that other hands made longer than any is in the raw record all the same.
        match self.extent.list {
            0 => self.clip(note),
            _ => note.to_owned(),
        }
    }
}

fn note(event: &mut ApiActivity, name: &'static str, value: impl Into<Value>) {
    event.unmapped.insert(name, value.into());
}

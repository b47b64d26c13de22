//! Being the one writer of a device.

use interlock_protocols::record::{Event, WriterTaken};

use super::reason::Oversight;
use super::writer::{Got, Writer};
use crate::clock::Now;
use crate::mediation::refusal::{Reason, Refusal};
use crate::mediation::session::Session;
use crate::offers;
use crate::policy::Action;
use crate::policy::{Matter, Resource};
use crate::register::Use;

/// A session alone may write to a device now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TookWriter {
    /// Whom it was taken from, while they held it.
    pub from: Option<Writer>,
    /// Its record; none where it was theirs already, or the journal has failed.
    pub record: Option<u64>,
}

impl Session {
    /// Has this session be the only one that writes to a device, for as long as it goes on to.
    pub fn take_writer(&self, device: &str, now: Now) -> Result<TookWriter, Refusal> {
        self.may_be_writer(device, now)?;
        let inner = &self.inner;
        inner.last_use.mark(now);
        let writer = Writer {
            session: inner.id,
            subject: inner.subject.clone(),
        };
        // Each may be a record.
        if !inner.broker.allowances.reading(&inner.subject, now) {
            return Err(Refusal::new(Oversight::TooOften.into()));
        }
        let got = inner
            .broker
            .overseer
            .writers()
            .take(device, writer, now.mono());
        let from = match got {
            Err(writer) => {
                let reason = Reason::Oversight(Oversight::WriterTaken(writer));
                let detail = reason.what();
                return Err(self.refuse(device, reason, detail, Vec::new(), now));
            }
            Ok(Got::Renewed) => {
                return Ok(TookWriter {
                    from: None,
                    record: None,
                });
            }
            Ok(Got::Free) => None,
            Ok(Got::From(writer)) => Some(writer),
        };
        let subject = |writer: &Writer| writer.subject.to_string();
        let record = inner.append(
            now,
            Event::WriterTaken(WriterTaken {
                session: inner.id,
                subject: inner.subject.to_string(),
                device: device.to_owned(),
                from: from.as_ref().map(|writer| writer.session),
                from_subject: from.as_ref().map(subject).unwrap_or_default(),
            }),
        );
        Ok(TookWriter { from, record })
    }

    /// Lets others write again. False where this session was not the one writer.
    pub fn return_writer(&self, device: &str, now: Now) -> Result<bool, Refusal> {
        self.inner.may_act(now).map_err(Refusal::new)?;
        let mut writers = self.inner.broker.overseer.writers();
        Ok(writers.give_back(device, self.inner.id))
    }

    /// Only who may write something there may keep others from it: by policy today, or by a window
    /// that is open now.
    fn may_be_writer(&self, name: &str, now: Now) -> Result<(), Refusal> {
        let inner = &self.inner;
        inner.may_act(now).map_err(Refusal::new)?;
        let refuse = |reason: Reason, rules| {
            let detail = format!("be the one writer: {}", reason.what());
            self.refuse(name, reason, detail, rules, now)
        };
        if let Some(restraint) = inner.standing.downgraded() {
            return Err(refuse(Reason::Downgraded(restraint), Vec::new()));
        }
        let Some(device) = inner.broker.plant().device(name) else {
            return Err(refuse(Reason::NotYours, Vec::new()));
        };
        let writes = self.with_view(now, |view, circumstances| {
            offers::possible(view, circumstances, device).contains(&Use::Write)
        });
        if writes || inner.holding(device, now).opens_writes() {
            return Ok(());
        }
        let connect = inner.permitted(Action::Connect, Resource::Device(name), Matter::Plain, now);
        match connect {
            Ok(_) => Err(refuse(Reason::NoRule, Vec::new())),
            Err((_, rules)) => Err(refuse(Reason::NotYours, rules)),
        }
    }
}

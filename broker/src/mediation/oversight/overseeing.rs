//! What stands between an allow and its INTENT: a supervisor who watches, the one writer, a yes. And
//! telling those who watch.

use std::sync::Arc;

use interlock_protocols::conduit::{Seen, SeenCommand};
use interlock_protocols::modbus::{Pdu, Request, UnitId};

use super::Telling;
use super::hold::{Asked, Held};
use super::reason::Oversight;
use crate::clock::Now;
use crate::limits::DENIAL_NAMES_MAX;
use crate::mediation::refusal::Reason;
use crate::mediation::session::Inner;
use crate::plant::{Device, Touched};
use crate::policy::WindowInForce;
use crate::subject::SubjectKind;
use crate::wording;

/// A command that rules and limits allow.
pub(in crate::mediation) struct Overseen<'a> {
    pub(in crate::mediation) device: &'a Device,
    /// As the client named it.
    pub(in crate::mediation) unit: UnitId,
    pub(in crate::mediation) request: &'a Request<'a>,
    pub(in crate::mediation) touched: &'a Touched<'a>,
    /// The window that it passes under.
    pub(in crate::mediation) window: Option<WindowInForce>,
}

impl Inner {
    /// Whether an allowed command passes now. A yes that it had is used up by this: nothing that
    /// could still deny it may come behind, but for the journal.
    pub(in crate::mediation) fn oversee(
        &self,
        command: &Overseen<'_>,
        now: Now,
    ) -> Result<(), Reason> {
        let overseer = &self.broker.overseer;
        let device = command.device.name();
        if let Some(window) = command.window.filter(|window| window.supervised) {
            let supervised =
                overseer
                    .feed
                    .is_supervised(&self.subject, self.id, device, now.mono());
            if !supervised {
                let window = window.number;
                return Err(Oversight::Unsupervised { window }.into());
            }
        }
        // An emergency waits for nobody.
        let broken = command.window.is_some_and(|window| window.break_glass);
        if !command.request.has_effect() || broken {
            return Ok(());
        }
        // Whoever runs the plant may bring it to rest at any time, and waits for nobody.
        let spared = self.subject.kind() == SubjectKind::Person && command.touched.is_safe();
        let other = overseer.writers().other(device, self.id, now.mono());
        if let Some(writer) = other.filter(|_| !spared) {
            return Err(Oversight::WriterTaken(writer).into());
        }
        if let Some(window) = command.window.filter(|window| window.hold && !spared) {
            self.held(command, window.number, now)?;
        }
        // What waits is no use of a token, and what passes is.
        match overseer.writers().write(device, self.id, now.mono()) {
            Err(writer) if !spared => Err(Oversight::WriterTaken(writer).into()),
            _ => Ok(()),
        }
    }

    fn held(&self, command: &Overseen<'_>, window: u64, now: Now) -> Result<(), Reason> {
        let points = command.touched.writes.iter();
        let held = Held {
            session: self.id,
            subject: self.subject.clone(),
            window,
            device: command.device.name().to_owned(),
            unit: command.unit,
            pdu: command.request.encode(),
            points: points.map(|write| write.point.name().to_owned()).collect(),
        };
        let overseer = &self.broker.overseer;
        overseer.run_out(now.mono());
        let asked = overseer.holds().ask(held, now.mono());
        let (hold, asked) = match asked {
            Asked::Serves(hold) => {
                let what = "it was asked again, and passes".to_owned();
                let settled = || Some(Seen::Settled { hold, what });
                overseer.feed.tell(self.id, command.device.name(), settled);
                return Ok(());
            }
            Asked::New(hold) => (hold, 1),
            Asked::Again(hold, asked) => (hold, asked),
            Asked::No(hold) => return Err(Oversight::Refused { hold }.into()),
            Asked::Behind(hold) => return Err(Oversight::Behind { hold }.into()),
            Asked::Full => return Err(Oversight::HoldsFull.into()),
        };
        // A tool that repeats itself is counted, and told of ever more rarely.
        if asked.is_power_of_two() {
            self.broker.tell_hold(hold, now);
        }
        Err(Oversight::Held { hold, asked }.into())
    }

    /// Follows a permitted command for those who watch; nothing where nobody does.
    pub(in crate::mediation) fn telling(
        &self,
        device: &Arc<Device>,
        unit: UnitId,
        pdu: &Pdu,
        rules: &[String],
        seen: (Option<u64>, Option<u64>),
        now: Now,
    ) -> Option<Telling> {
        let watchers = self.broker.overseer.feed.following(self.id, device.name());
        if watchers.is_empty() {
            return None;
        }
        let (window, record) = seen;
        Some(Telling {
            watchers,
            device: Arc::clone(device),
            unit,
            pdu: pdu.clone(),
            decided: now.mono(),
            draft: Some(SeenCommand {
                decision: "allowed".to_owned(),
                window,
                record,
                ..self.seen(device, unit, pdu.as_bytes(), rules, now)
            }),
        })
    }

    /// Tells those who watch of a denial.
    pub(in crate::mediation) fn tell_denied(
        &self,
        device: &Device,
        command: (UnitId, &[u8]),
        denied: (&Reason, &[String], Option<u64>),
        now: Now,
    ) {
        let (unit, pdu) = command;
        let (reason, rules, record) = denied;
        // Those are told as what they are, and counted.
        if let Reason::Oversight(Oversight::Held { .. }) = reason {
            return;
        }
        let seen = || {
            Some(Seen::Command(SeenCommand {
                decision: reason.code().to_owned(),
                result: reason.what(),
                record,
                ..self.seen(device, unit, pdu, rules, now)
            }))
        };
        self.broker.overseer.feed.tell(self.id, device.name(), seen);
    }

    fn seen(
        &self,
        device: &Device,
        unit: UnitId,
        pdu: &[u8],
        rules: &[String],
        now: Now,
    ) -> SeenCommand {
        SeenCommand {
            time_ms: now.wall_ms(),
            session: self.id,
            subject: self.subject.to_string(),
            device: device.name().to_owned(),
            asked: wording::named(device, unit, pdu),
            decision: String::new(),
            result: String::new(),
            rules: rules.iter().take(DENIAL_NAMES_MAX).cloned().collect(),
            latency_us: None,
            window: None,
            record: None,
        }
    }
}

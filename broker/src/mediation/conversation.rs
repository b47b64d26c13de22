//! One Modbus conversation of a session with one device.

use std::sync::Arc;
use std::time::Duration;

use interlock_protocols::modbus::tcp::Adu;
use interlock_protocols::modbus::{Pdu, Request, TransactionId, UnitId};
use interlock_protocols::record::{CommandResult, Denial, Event, Intent};

use super::decide::{Allowed, Decision, Denied, decide_holding, point_values};
use super::duty::{Counted, Duty, Owed};
use super::gate::{Gate, Passage};
use super::heard::{Ear, Heard};
use super::ledger::Key;
use super::oversight::Overseen;
use super::permit::Permit;
use super::refusal::{Reason, Refusal, Wire};
use super::roll::Write;
use super::session::Inner;
use super::window::Under;
use crate::clock::Now;
use crate::journal::Unrecordable;
use crate::limits::{DENIAL_NAMES_MAX, OUTSTANDING_MAX, QUEUED_MIN};
use crate::plant::{Device, LinkSettings};
use crate::register::Use;

/// What became of one ADU that was not refused.
#[derive(Debug)]
pub enum Authorized {
    /// It may be sent, once.
    Permit(Permit),
    /// It repeats a request whose answer is still open, and that answer serves both (I5).
    Repeat,
}

/// The requests of one stream. It is used by one task alone.
pub struct Conversation {
    session: Arc<Inner>,
    device: Arc<Device>,
    heard: Arc<Heard>,
    gate: Arc<Gate>,
    id: u64,
    armed: bool,
    outstanding: Vec<Outstanding>,
    /// What was noted of its use: once is enough.
    noted: Vec<Use>,
}

struct Outstanding {
    transaction: TransactionId,
    unit: UnitId,
    pdu: Pdu,
}

impl Conversation {
    pub(super) fn new(
        session: Arc<Inner>,
        device: Arc<Device>,
        heard: Arc<Heard>,
        gate: Arc<Gate>,
        id: u64,
        armed: bool,
    ) -> Conversation {
        session.activity.opened(&device);
        Conversation {
            session,
            device,
            heard,
            gate,
            id,
            armed,
            outstanding: Vec::new(),
            noted: Vec::new(),
        }
    }

    /// Its number within the session, which notices carry.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The device it was opened to.
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// Decides one ADU; if it has an effect, makes its INTENT durable; then mints the permit.
    /// Dropping the future at its one await records WITHHELD.
    pub async fn authorize(&mut self, adu: Adu<'_>, now: Now) -> Result<Authorized, Refusal> {
        if let Some(open) = self.open_under(adu.transaction) {
            if open.unit == adu.unit && open.pdu.as_bytes() == adu.pdu {
                return Ok(Authorized::Repeat);
            }
            return Err(self.refuse(&adu, Reason::TransactionReused.into(), now));
        }
        self.session.activity.asked(&self.device, &adu, now);
        if self.outstanding.len() >= OUTSTANDING_MAX {
            return Err(self.refuse(&adu, Reason::TooManyInFlight.into(), now));
        }
        if let Err(reason) = self.session.may_act(now) {
            return Err(self.refuse(&adu, reason.into(), now));
        }
        self.session.last_use.mark(now);
        if let Err(reason) = self.passes(adu.pdu) {
            return Err(self.refuse(&adu, reason.into(), now));
        }
        let circumstances = match self.session.circumstances(now) {
            Ok(circumstances) => circumstances,
            Err(reason) => return Err(self.refuse(&adu, reason.into(), now)),
        };
        let device = Arc::clone(&self.device);
        let decision = {
            let holding = self.session.holding(&device, now);
            let mut view = self.session.view();
            decide_holding(
                &mut view,
                &device,
                circumstances,
                self.armed,
                adu.unit,
                adu.pdu,
                &holding,
            )
        };
        let allowed = match decision {
            Decision::Allow(allowed) => allowed,
            Decision::Deny(denied) => return Err(self.refuse(&adu, denied, now)),
        };
        if let Err(reason) = self.oversee(&adu, &allowed, now) {
            // It was judged, so what it would have touched is known, and belongs into the record.
            let denied = Denied {
                points: point_values(&allowed.touched),
                area: allowed.touched.area,
                ..reason.into()
            };
            return Err(self.refuse(&adu, denied, now));
        }
        let permit = self.mint(&adu, allowed, now).await?;
        Ok(Authorized::Permit(permit))
    }

    /// What stands between a decision and its INTENT beside rules, limits and windows.
    fn oversee(&self, adu: &Adu<'_>, allowed: &Allowed<'_, '_>, now: Now) -> Result<(), Reason> {
        if allowed.request.has_effect() && now.doubted() {
            return Err(Reason::ClockDoubted);
        }
        let command = Overseen {
            device: &self.device,
            unit: adu.unit,
            request: &allowed.request,
            touched: &allowed.touched,
            window: allowed.under.as_ref().map(|under| under.in_force),
        };
        self.session.oversee(&command, now)
    }

    /// The answer to `transaction` is on its way to the client: the id is free again. Returns
    /// what was asked.
    pub fn settled(&mut self, transaction: TransactionId) -> Option<Pdu> {
        let at = self
            .outstanding
            .iter()
            .position(|open| open.transaction == transaction)?;
        Some(self.outstanding.swap_remove(at).pdu)
    }

    /// Records that the stream is cut off for what came on it, or did not come in time, without
    /// ever being a request.
    pub fn cut_off(&self, reason: Reason, now: Now) {
        let nothing = Adu {
            transaction: TransactionId::new(0),
            unit: UnitId::new(0),
            pdu: &[],
        };
        self.refuse(&nothing, reason.into(), now);
    }

    /// How many requests await their answers.
    pub fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    fn open_under(&self, transaction: TransactionId) -> Option<&Outstanding> {
        self.outstanding
            .iter()
            .find(|open| open.transaction == transaction)
    }

    /// Whether nothing was taken from the session, and nothing bars the device. It is judged again
    /// at the moment of sending; here the denial gets a record of its own, and no INTENT.
    fn passes(&self, pdu: &[u8]) -> Result<(), Reason> {
        let judge = |effect| {
            self.session.standing.judge(effect)?;
            self.gate.passes(effect)
        };
        // Nearly always everything passes, and nothing has to be read twice.
        judge(true).or_else(|_| {
            let request = Request::decode(pdu);
            judge(request.is_ok_and(|request| request.has_effect()))
        })
    }

    /// Has the register know what the device is used for. Its records say the same, a little later.
    fn note_use(&mut self, function: u8) {
        let Some(used) = Use::of(function) else {
            return;
        };
        if !self.noted.contains(&used) {
            self.noted.push(used);
            let subject = self.session.subject.as_str();
            let (broker, device) = (&self.session.broker, self.device.name());
            broker.note_use(subject, device, function);
        }
    }

    /// Records the INTENT, if there is to be one, and mints (I2).
    async fn mint(
        &mut self,
        adu: &Adu<'_>,
        allowed: Allowed<'_, '_>,
        now: Now,
    ) -> Result<Permit, Refusal> {
        let pdu = allowed.request.encode();
        let effect = allowed.request.has_effect();
        let function = allowed.request.function().code();
        let under = allowed.under.as_ref();
        let intent = effect.then(|| self.intent(adu, &pdu, &allowed, now));
        // From its intent on, what it writes has no value before for whoever writes next.
        let ear = Ear::new(Arc::clone(&self.heard), adu.unit, &allowed.request);
        let mut duty = if let Some(intent) = intent {
            let write = Write {
                whose: Arc::clone(&self.session.whose),
                device: Arc::clone(&self.device),
                unit: adu.unit,
                pdu: pdu.clone(),
                window: intent.window,
            };
            match self.record_intent(intent, write, under, now).await {
                Ok(owed) => {
                    let (subject, device) = (&self.session.subject, self.device.name());
                    tracing::info!(%subject, device, record = owed.intent(), "permitted");
                    Duty::Owed(owed)
                }
                Err(reason) => return Err(self.refuse(adu, reason.into(), now)),
            }
        } else {
            let key = Key {
                device: self.device.name().to_owned(),
                unit: adu.unit.value(),
                function: allowed.request.function().code(),
                area: allowed.touched.area,
                reason: "",
            };
            Duty::Counted(Counted::new(Arc::clone(&self.session.ledger), key, now))
        };
        let record = duty.intent();
        duty.told_by(self.session.telling(
            &self.device,
            adu.unit,
            &pdu,
            &allowed.policies,
            (under.map(|under| under.in_force.number), record),
            now,
        ));
        self.note_use(function);
        let permit = Permit::mint(
            allowed.unit,
            &allowed.request,
            now.mono().after(queue_deadline(self.device.link())),
            self.session.certificate_ends_ms,
            Passage {
                standing: self.session.standing.clone(),
                gate: Arc::clone(&self.gate),
                window: under.map(|under| Arc::clone(&under.pane)),
            },
            duty,
            ear,
        );
        self.outstanding.push(Outstanding {
            transaction: adu.transaction,
            unit: adu.unit,
            pdu,
        });
        Ok(permit)
    }

    async fn record_intent(
        &self,
        intent: Intent,
        write: Write,
        under: Option<&Under>,
        now: Now,
    ) -> Result<Owed, Reason> {
        let broker = &self.session.broker;
        let failed = |error: Unrecordable| Reason::JournalFailed(error.to_string());
        let pending = match under {
            Some(under) => broker.commit_under(under, intent, now)?,
            None => {
                let pending = broker.journal.commit(now.wall_ms(), Event::Intent(intent));
                pending.map_err(failed)?
            }
        };
        // From here on an outcome is owed, wherever this future is dropped (I4).
        let intent = pending.sequence();
        let owed = Owed::new(Arc::clone(broker), intent, Arc::new(write), now);
        match pending.await {
            Ok(()) => Ok(owed),
            Err(error) => {
                let reason = "journal-failed".to_owned();
                owed.settle(CommandResult::Withheld { reason }, Default::default(), now);
                Err(failed(error))
            }
        }
    }

    fn intent(&self, adu: &Adu<'_>, pdu: &Pdu, allowed: &Allowed<'_, '_>, now: Now) -> Intent {
        let mut points = point_values(&allowed.touched);
        self.heard
            .tell(adu.unit, &allowed.request, &mut points, now);
        Intent {
            session: self.session.id,
            subject: self.session.subject.to_string(),
            transaction: adu.transaction.value(),
            device: self.device.name().to_owned(),
            unit: adu.unit.value(),
            pdu: pdu.as_bytes().to_vec(),
            points,
            policies: allowed.policies.clone(),
            policy: *self.session.view().policy().digest(),
            window: allowed.under.as_ref().map(|under| under.pane.number()),
        }
    }

    /// Records a denial, or counts it where it repeats itself.
    fn refuse(&self, adu: &Adu<'_>, denied: Denied, now: Now) -> Refusal {
        let Denied {
            reason,
            policies,
            points,
            area,
        } = denied;
        let key = Key {
            device: self.device.name().to_owned(),
            unit: adu.unit.value(),
            function: adu.pdu.first().copied().unwrap_or_default(),
            area,
            reason: reason.code(),
        };
        let mut record = None;
        if self.session.note_denial(key, now) {
            let event = Event::Denial(Denial {
                session: self.session.id,
                subject: self.session.subject.to_string(),
                transaction: adu.transaction.value(),
                device: self.device.name().to_owned(),
                unit: adu.unit.value(),
                // The PDU says all of it; the names are for whoever reads, and one record must
                // not be too long to be written.
                pdu: adu.pdu.to_vec(),
                points: points.into_iter().take(DENIAL_NAMES_MAX).collect(),
                reason: reason.code().to_owned(),
                detail: reason.what(),
                policies: policies.iter().take(DENIAL_NAMES_MAX).cloned().collect(),
                exception: exception_byte(&reason),
            });
            record = self.session.append(now, event);
            let (subject, device) = (&self.session.subject, self.device.name());
            tracing::info!(%subject, device, record, reason = reason.code(), "denied");
        }
        self.session.tell_denied(
            &self.device,
            (adu.unit, adu.pdu),
            (&reason, &policies, record),
            now,
        );
        Refusal::new(reason)
            .decided_by(policies)
            .knowing(|| self.session.known(now))
            .recorded_as(record)
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.session.activity.closed(&self.device);
    }
}

/// How long a command may wait for its turn: as long as two answers may take.
fn queue_deadline(link: &LinkSettings) -> Duration {
    link.timeout.saturating_mul(2).max(QUEUED_MIN)
}

pub(super) fn exception_byte(reason: &Reason) -> Option<u8> {
    match reason.wire() {
        Wire::Exception(code) => Some(code.code()),
        Wire::Close => None,
    }
}

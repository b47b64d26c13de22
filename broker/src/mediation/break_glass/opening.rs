//! Opening a sealed grant: judged, recorded, and open only behind its record.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use interlock_protocols::grant::Grant;
use interlock_protocols::record::{BreakGlassOpened, Event};

use super::refused::NotBroken;
use super::shard::Shard;
use crate::clock::{Mono, Now};
use crate::journal::Pending;
use crate::limits::{ACT_REASON_MAX_BYTES, BREAK_GLASS_RECORD_MAX};
use crate::mediation::broker::Broker;
use crate::mediation::refusal::{Reason, Refusal};
use crate::mediation::session::Session;
use crate::plant::Device;
use crate::root::Sealed;
use crate::window::Reliance;

/// Break-glass that was judged and handed to the journal. It is not open yet, and dropping it leaves
/// it so; its grant is used all the same while nobody knows whether the record comes to the disk.
#[must_use = "nothing is open until `open` says so"]
pub struct Breaking<'s> {
    session: &'s Session,
    sealed: Sealed,
    machine: [u8; 32],
    record: BreakGlassOpened,
    began: Mono,
    number: u64,
    pending: Option<Pending>,
    failure: Option<String>,
    opened: bool,
}

/// Break-glass is open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// Its record.
    pub record: u64,
    /// The device.
    pub device: String,
    /// Names of the points.
    pub points: Vec<String>,
    /// For how long it holds from here on, in seconds.
    pub left_s: u32,
    /// Most commands with effect.
    pub most: u32,
}

impl Session {
    /// Judges a sealed grant and hands the record of its opening to the journal. No rule is asked:
    /// that is what it is for. Who asks must stand and be on a machine of theirs, and the key switch
    /// must be on.
    pub fn break_glass(
        &self,
        bytes: &[u8],
        reason: &str,
        now: Now,
    ) -> Result<Breaking<'_>, Refusal> {
        self.inner.may_act(now).map_err(Refusal::new)?;
        self.inner.last_use.mark(now);
        let denied = |reason: Reason| self.deny_break_glass("", reason, now);
        if let Some(restraint) = self.inner.standing.downgraded() {
            return Err(denied(Reason::Downgraded(restraint)));
        }
        if now.doubted() {
            return Err(denied(Reason::ClockDoubted));
        }
        let (sealed, machine, points) = self.judge_sealed(bytes, reason, now).map_err(denied)?;
        let record = BreakGlassOpened {
            session: self.id(),
            by: self.subject().to_string(),
            grant: bytes.to_vec(),
            points,
            reason: reason.trim().to_owned(),
        };
        let (number, pending) = self
            .broker()
            .begin_breaking(&sealed, &record, now)
            .map_err(|why| denied(Reason::BreakGlass(why)))?;
        Ok(Breaking {
            session: self,
            sealed,
            machine,
            record,
            began: now.mono(),
            number,
            pending: Some(pending),
            failure: None,
            opened: false,
        })
    }

    /// The grant, the machine that it is opened for, and names of its points.
    fn judge_sealed(
        &self,
        bytes: &[u8],
        reason: &str,
        now: Now,
    ) -> Result<(Sealed, [u8; 32], Vec<String>), Reason> {
        let refused = |why| Err(Reason::BreakGlass(why));
        let broker = self.broker();
        let reason = reason.trim();
        let length = 1..=ACT_REASON_MAX_BYTES;
        if !length.contains(&reason.len()) || reason.contains(char::is_control) {
            return refused(NotBroken::NoReason);
        }
        let Some(machine) = self.device_key() else {
            return refused(NotBroken::NoMachine);
        };
        if !broker.glass.fitted.load(Ordering::Acquire) {
            return refused(NotBroken::NoSwitch);
        }
        let Some(reliance) = broker.reliance() else {
            return refused(NotBroken::NoRoot);
        };
        let sealed = match reliance.root().sealed(bytes) {
            Ok(sealed) => sealed,
            Err(why) => return refused(NotBroken::NotTrusted(why)),
        };
        let points = {
            let grant = sealed.grant();
            let grant = grant.map_err(|_| Reason::BreakGlass(NotBroken::Broken))?;
            judge(broker, reliance, &grant, now).map_err(Reason::BreakGlass)?
        };
        Ok((sealed, *machine, points))
    }

    fn deny_break_glass(&self, device: &str, reason: Reason, now: Now) -> Refusal {
        let detail = format!("break-glass: {}", reason.what());
        self.refuse(device, reason, detail, Vec::new(), now)
    }
}

/// Names of its points, if a grant of the root may be opened here and now.
fn judge(
    broker: &Broker,
    reliance: &Reliance,
    grant: &Grant<'_>,
    now: Now,
) -> Result<Vec<String>, NotBroken> {
    if grant.gateway != reliance.gateway() {
        return Err(NotBroken::OtherGateway(grant.gateway.to_owned()));
    }
    if grant.plant != reliance.plant() {
        return Err(NotBroken::OtherPlant);
    }
    let device = broker.plant().device(grant.device);
    let points = device.and_then(|device| names(grant, device));
    let points = points.ok_or(NotBroken::OtherPlant)?;
    if grant.span_at(now.wall_ms()).is_none() {
        let (start_ms, _) = grant.reach_ms();
        let early = u64::try_from(now.wall_ms()).is_ok_and(|now_ms| now_ms < start_ms);
        return Err(if early {
            NotBroken::NotYet
        } else {
            NotBroken::Over
        });
    }
    if broker.register().windows.was_broken(grant.id) {
        return Err(NotBroken::Used);
    }
    match broker.glass.state.read() {
        Ok(state) if state.is_on(now) => Ok(points),
        Ok(_) => Err(NotBroken::SwitchOff),
        Err(_) => Err(NotBroken::Broken),
    }
}

/// What the points of a grant are called; `None` where the device has not all of them.
fn names(grant: &Grant<'_>, device: &Device) -> Option<Vec<String>> {
    let name = |granted: interlock_protocols::grant::Point| {
        let area = granted.area()?;
        let mut points = device.points().iter();
        let point = points.find(|point| {
            device.south_unit(point.unit_id()) == Some(granted.unit) && point.area() == area
        })?;
        Some(point.name().to_owned())
    };
    grant.points().map(name).collect()
}

impl Broker {
    /// Hands the record over. The register has it from then on, whatever becomes of the disk: a
    /// record that waits for a disk to come back opens nothing twice.
    fn begin_breaking(
        &self,
        sealed: &Sealed,
        record: &BreakGlassOpened,
        now: Now,
    ) -> Result<(u64, Pending), NotBroken> {
        let grant = sealed.grant().map_err(|_| NotBroken::Broken)?;
        let mut register = self.register_mut();
        // Asked again under the lock: of two sessions that bring the same one, one is first.
        if register.windows.was_broken(grant.id) {
            return Err(NotBroken::Used);
        }
        let event = Event::BreakGlassOpened(record.clone());
        let pending = self.journal.commit(now.wall_ms(), event.clone());
        let pending = pending.map_err(|error| NotBroken::NotRecorded(error.to_string()))?;
        let number = pending.sequence();
        match self.glass.state.write() {
            Ok(mut state) => state.opening.insert(number),
            Err(_) => return Err(NotBroken::Broken),
        };
        register.apply(number, now.wall_ms(), &event);
        drop(register);
        self.is_revised(number);
        Ok((number, pending))
    }
}

impl Breaking<'_> {
    /// Waits until its record is on the disk, or until that has failed. A disk that hangs does
    /// neither, so bound it.
    pub async fn recorded(&mut self) {
        let Some(pending) = &mut self.pending else {
            return;
        };
        if let Err(error) = pending.await {
            self.failure = Some(error.to_string());
            // Its place in the log is taken by a note: the grant may be brought again.
            let mut register = self.session.broker().register_mut();
            register.windows.unbreak(self.number);
        }
        self.pending = None;
    }

    /// Opens it, now that its record is on the disk, if the switch is on still and whoever asked
    /// may act still.
    pub fn open(mut self, now: Now) -> Result<Broken, Refusal> {
        self.try_open(now)
            .map_err(|reason| self.session.deny_break_glass("", reason, now))
    }

    fn try_open(&mut self, now: Now) -> Result<Broken, Reason> {
        let not = |why: &str| Reason::BreakGlass(NotBroken::NotRecorded(why.to_owned()));
        let inner = &self.session.inner;
        let broker = &inner.broker;
        if let Some(failure) = &self.failure {
            return Err(not(failure));
        }
        let in_time = now.mono().since(self.began) <= BREAK_GLASS_RECORD_MAX;
        if self.pending.is_some() || !in_time {
            return Err(not("the disk does not answer in time"));
        }
        inner.may_act(now)?;
        inner.standing.judge(true)?;
        let shard = Shard::of(
            self.number,
            &self.sealed,
            &inner.whose,
            self.machine,
            &self.record,
            self.began,
        );
        let shard = shard.map_err(|_| Reason::BreakGlass(NotBroken::Broken))?;
        let broken = Broken {
            record: self.number,
            device: shard.device().to_owned(),
            points: self.record.points.clone(),
            left_s: shard.left_s(now),
            most: shard.most(),
        };
        let text = shard.opened();
        // In one step: whoever turns the key back meets it here, or it meets that there.
        match broker.glass.state.write() {
            Ok(mut state) if state.is_on(now) => {
                state.opening.remove(&self.number);
                state.shards.push(Arc::new(shard));
            }
            Ok(_) => return Err(Reason::BreakGlass(NotBroken::SwitchOff)),
            Err(_) => return Err(Reason::BreakGlass(NotBroken::Broken)),
        }
        self.opened = true;
        let (subject, device) = (self.session.subject(), &broken.device);
        let (record, reason) = (self.number, &self.record.reason);
        tracing::error!(%subject, device, record, reason, "BREAK-GLASS is open");
        broker.glass.announcer.announce(&text);
        // Who was revoked while the disk was waited for may have been met by nobody.
        broker.follow_glass(&broker.register());
        Ok(broken)
    }
}

impl Drop for Breaking<'_> {
    fn drop(&mut self) {
        if self.opened {
            return;
        }
        // It is over without having begun: the next look records that.
        if let Ok(mut state) = self.session.broker().glass.state.write() {
            state.opening.remove(&self.number);
        }
    }
}

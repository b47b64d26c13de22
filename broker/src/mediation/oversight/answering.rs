//! Yes and no to what is held.

use std::sync::Arc;

use interlock_protocols::conduit::Seen;
use interlock_protocols::record::{Event, HoldAnswered};

use super::feed::Watcher;
use super::hold::Hold;
use super::reason::Oversight;
use super::watch::Watch;
use crate::clock::Now;
use crate::limits::HOLD_SERVES;
use crate::mediation::broker::Broker;
use crate::mediation::refusal::{Reason, Refusal};

impl Watch {
    /// A yes or no to a command that is held, by somebody who supervises it at this moment. A yes is
    /// on the disk when this returns, and not before does it serve; a no holds at once. Dropping
    /// the future leaves the command held. An answer that does not count is told to them as such;
    /// an error ends the watch.
    pub async fn answer(&self, number: u64, yes: bool, now: Now) -> Result<(), Refusal> {
        self.decide(now)?;
        self.session.last_use.mark(now);
        if let Err(why) = self.heard(number, yes, now).await {
            self.unheard(number, why.what(), why.next());
        }
        Ok(())
    }

    /// A yes did not come to the disk in time, and its future was dropped: it does not count.
    pub fn unrecorded(&self, number: u64) {
        let what = "the journal did not record your yes in time, so it does not count";
        let next = "answer again; if it stays so, use the local panel and tell the administrator";
        self.unheard(number, what.to_owned(), next.to_owned());
    }

    fn unheard(&self, hold: u64, what: String, next: String) {
        self.watcher.push(Seen::Unheard { hold, what, next });
    }

    async fn heard(&self, number: u64, yes: bool, now: Now) -> Result<(), Reason> {
        let overseer = &self.session.broker.overseer;
        let hold = {
            let mut holds = overseer.holds();
            let held = holds
                .waiting_ones(now.mono())
                .find(|hold| hold.number == number);
            let gone = || Reason::from(Oversight::NothingHeld { hold: number });
            let held = held.ok_or_else(gone)?.held.clone();
            // One that is not theirs to see is none to them.
            if !self.watcher.follows(held.session, &held.device) {
                return Err(gone());
            }
            let (holder, device) = (&held.subject, &held.device);
            if !self
                .watcher
                .supervises(holder, held.session, device, now.mono())
            {
                return Err(Oversight::NotTheirs { hold: number }.into());
            }
            let answered = match yes {
                true => holds.hear(number, now.mono()),
                false => holds.refuse(number, now.mono()),
            };
            answered.ok_or_else(gone)?
        };
        let event = self.answered(&hold, yes, now);
        let by = self.watcher.subject.path();
        if !yes {
            overseer.settled(&hold, format!("no, by {by}"));
            self.session.append(now, event);
            return Ok(());
        }
        let heard = Heard::new(self, number);
        let recorded = self.session.broker.act(event, now).await;
        recorded.map_err(|error| Reason::JournalFailed(error.to_string()))?;
        if heard.serve(now) {
            let s = HOLD_SERVES.as_secs();
            let what = format!("yes, by {by}: the same command passes once within {s} s");
            overseer.settled(&hold, what);
        }
        Ok(())
    }

    fn answered(&self, hold: &Hold, yes: bool, now: Now) -> Event {
        let held = &hold.held;
        Event::HoldAnswered(HoldAnswered {
            session: self.watcher.session,
            by: self.watcher.subject.to_string(),
            held: held.session,
            window: held.window,
            device: held.device.clone(),
            unit: held.unit.value(),
            pdu: held.pdu.as_bytes().to_vec(),
            points: self.session.broker.held_points(held, now),
            asked: hold.asked,
            yes,
        })
    }
}

/// A yes on its way to the disk. Dropped before it is there, it was none.
struct Heard {
    broker: Arc<Broker>,
    by: Arc<Watcher>,
    hold: u64,
    served: bool,
}

impl Heard {
    fn new(watch: &Watch, hold: u64) -> Heard {
        Heard {
            broker: Arc::clone(&watch.session.broker),
            by: Arc::clone(&watch.watcher),
            hold,
            served: false,
        }
    }

    /// False where the command is held no longer, or whoever said yes was revoked meanwhile. That is
    /// looked at under the lock: revoking comes before and is seen, or comes behind and finds it.
    fn serve(mut self, now: Now) -> bool {
        let mut holds = self.broker.overseer.holds();
        if self.by.standing.lost().is_some() {
            return false;
        }
        self.served = true;
        holds.serve(self.hold, self.by.session, now.mono())
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        if !self.served {
            self.broker.overseer.holds().let_go(self.hold);
        }
    }
}

//! Ending what is open, and recording that it ended.

use std::sync::Arc;

use interlock_protocols::record::{BreakGlassEnded, Event};

use super::{SILENT, Shard, TIME};
use crate::clock::Now;
use crate::mediation::broker::Broker;
use crate::register::Register;

const RESTARTED: &str = "the gateway was restarted";
const REVOKED: &str = "it was revoked";
const NEVER: &str = "it was never opened: its record was not on the disk in time";

impl Broker {
    /// Ends what time, or a switch that nobody reads any more, has ended, and records all that is
    /// over and has no record of it. Call it each second, whether or not anybody is there.
    pub fn attend_break_glass(&self, now: Now) {
        // Somebody else is at it.
        let Ok(_attending) = self.glass.attending.try_lock() else {
            return;
        };
        // First this and then the state: what is in here is in there, or was dropped.
        let unended = self.register().windows.unended_glass();
        let (live, opening) = match self.glass.state.read() {
            Ok(state) => {
                let why = |shard: &Shard| match state.is_on(now) {
                    _ if shard.is_past(now) => Some(TIME),
                    true => None,
                    false => Some(SILENT),
                };
                let ended = state.shards.iter().filter(|shard| shard.over().is_none());
                for shard in ended {
                    if let Some(why) = why(shard) {
                        shard.end(why);
                    }
                }
                (state.shards.clone(), state.opening.clone())
            }
            // Nothing passes on a poisoned lock; the next start records the end.
            Err(_) => return,
        };
        for shard in &live {
            if let Some(why) = shard.over() {
                self.record_over(shard, why, now);
            }
        }
        for number in unended {
            let is_live = live.iter().any(|shard| shard.number() == number);
            if !is_live && !opening.contains(&number) {
                let of_before = number <= self.glass.before;
                let why = if of_before { RESTARTED } else { NEVER };
                self.record_end(number, why, now);
            }
        }
    }

    /// Ends those for which there is a reason. When it returns, nothing under them is handed to a
    /// socket; records follow.
    pub(super) fn bar_glass(&self, why: impl Fn(&Shard) -> Option<&'static str>) -> Vec<u64> {
        let Ok(state) = self.glass.state.read() else {
            return Vec::new();
        };
        let mut barred = Vec::new();
        for shard in state.shards.iter().filter(|shard| shard.over().is_none()) {
            if let Some(why) = why(shard) {
                shard.end(why);
                barred.push(shard.number());
            }
        }
        barred
    }

    /// Has broken glass do what the register says. Gives what was open and is no longer.
    pub(in crate::mediation) fn follow_glass(&self, register: &Register) -> Vec<u64> {
        let restraints = &register.restraints;
        self.bar_glass(|shard| {
            let (subject, machine) = (shard.subject(), Some(shard.machine()));
            let revoked = restraints.revoked(subject, machine, None).is_some()
                || restraints.window_revoked(shard.number()).is_some();
            revoked.then_some(REVOKED)
        })
    }

    fn record_over(&self, shard: &Arc<Shard>, why: &str, now: Now) {
        let number = shard.number();
        if !self.record_end(number, why, now) {
            return;
        }
        let (subject, device) = (shard.subject().path(), shard.device());
        tracing::error!(subject, device, record = number, why, "break-glass is over");
        let text = format!("break-glass at {device} is over: {why} (record {number})");
        self.glass.announcer.announce(&text);
        if let Ok(mut state) = self.glass.state.write() {
            state.shards.retain(|other| other.number() != number);
        }
    }

    /// False where the journal takes no records now: it is over all the same, and tried again.
    fn record_end(&self, number: u64, why: &str, now: Now) -> bool {
        let ended = Event::BreakGlassEnded(BreakGlassEnded {
            opened: number,
            reason: why.to_owned(),
            writes: self.let_pass(number),
        });
        match self.tell_register(ended, now) {
            Ok(_) => true,
            Err(error) => {
                tracing::debug!(record = number, %error, "the end of break-glass could not be recorded");
                false
            }
        }
    }

    /// How many commands with effect it let pass. It is barred, so what waits still will not pass.
    fn let_pass(&self, number: u64) -> u64 {
        let register = self.register();
        let Some(glass) = register.windows.glass(number) else {
            return 0;
        };
        let waiting = glass.open.iter();
        let waiting = waiting.filter(|intent| !self.afloat.is_sent(**intent));
        let waiting = u32::try_from(waiting.count()).unwrap_or(u32::MAX);
        glass.writes.saturating_sub(waiting).into()
    }
}

//! Counting commands with effect against the window that they pass under.
//!
//! What is left is looked at, taken and recorded under the register's one write lock, so that two
//! sessions never have the same last one, and whoever keeps the register meanwhile has the count of
//! just the records before it.

use interlock_protocols::record::{CommandResult, Event, Intent, Outcome};

use super::holding::Under;
use super::shut::Shut;
use crate::clock::Now;
use crate::journal::{Pending, Unrecordable};
use crate::mediation::broker::Broker;
use crate::mediation::refusal::Reason;

impl Broker {
    /// Takes one command with effect of a window and hands its INTENT to the journal.
    pub(in crate::mediation) fn commit_under(
        &self,
        under: &Under,
        intent: Intent,
        now: Now,
    ) -> Result<Pending, Reason> {
        let pane = &under.pane;
        // Signatures were verified for just this window, or nothing of it is there to take.
        if under.valid.number() != pane.number() {
            return Err(pane.reason(Shut::Broken));
        }
        let number = pane.number();
        let mut register = self.register_mut();
        let (place, _) = pane.span(now.wall_ms()).map_err(|why| pane.reason(why))?;
        if register.windows.numbered(number).is_none() {
            // What nobody counts has no end.
            return Err(pane.reason(Shut::Over));
        }
        let grant = pane.grant();
        let most = grant.map_err(|_| pane.reason(Shut::Broken))?.max_writes;
        // Somebody took the last one since it was decided. Where rules would permit it without the
        // window, a repeat passes: it is decided with what is true then.
        if register.windows.used(number, place) >= most {
            return Err(pane.reason(Shut::Exhausted { most }));
        }
        let event = Event::Intent(intent);
        let pending = self.journal.commit(now.wall_ms(), event);
        let pending = pending.map_err(|error| Reason::JournalFailed(error.to_string()))?;
        let sequence = pending.sequence();
        register.windows.count(sequence, now.wall_ms(), number);
        register.knows(sequence);
        Ok(pending)
    }

    /// Records the outcome of an INTENT that counts against a window. What was withheld is given
    /// back; where it cannot be recorded nothing is, since no later start would know of it.
    pub(in crate::mediation) fn append_under(
        &self,
        outcome: Outcome,
        now: Now,
    ) -> Result<u64, Unrecordable> {
        let (intent, withheld) = (
            outcome.intent,
            matches!(outcome.result, CommandResult::Withheld { .. }),
        );
        let mut register = self.register_mut();
        let event = Event::Outcome(outcome);
        let sequence = self.journal.append(now.wall_ms(), event)?;
        if register.windows.awaits(intent) {
            register.windows.settle(intent, withheld);
            register.knows(sequence);
        }
        Ok(sequence)
    }
}

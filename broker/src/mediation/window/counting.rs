//! Counting commands with effect against the window that they pass under.
//!
//! What is left is looked at, taken and recorded under the register's one write lock, so that two
//! sessions never have the same last one, and whoever keeps the register meanwhile has the count of
//! just the records before it.

use interlock_protocols::record::{CommandResult, Event, Intent, Outcome};

use super::holding::{Proof, Under};
use super::shut::Shut;
use crate::clock::Now;
use crate::journal::{Pending, Unrecordable};
use crate::mediation::broker::Broker;
use crate::mediation::refusal::Reason;
use crate::register::Register;

/// Whether one more is left.
fn may_take(register: &Register, under: &Under, now: Now) -> Result<(), Shut> {
    let pane = &under.pane;
    let number = pane.number();
    // The proof is of just this window, or nothing of it is there to take.
    if under.proof.number() != number {
        return Err(Shut::Broken);
    }
    let most = pane.grant().map_err(|_| Shut::Broken)?.max_writes;
    // What nobody counts has no end.
    let used = match &under.proof {
        Proof::Signed(_) => {
            let (place, _) = pane.span(now.wall_ms())?;
            register.windows.numbered(number).ok_or(Shut::Over)?;
            register.windows.used(number, place)
        }
        Proof::Sealed(_) => {
            let glass = register.windows.glass(number).ok_or(Shut::Over)?;
            glass.writes
        }
    };
    // Somebody took the last one since it was decided. Where rules would permit it without the
    // window, a repeat passes: it is decided with what is true then.
    if used >= most {
        return Err(Shut::Exhausted { most });
    }
    Ok(())
}

impl Broker {
    /// Takes one command with effect of a window and hands its INTENT to the journal.
    pub(in crate::mediation) fn commit_under(
        &self,
        under: &Under,
        intent: Intent,
        now: Now,
    ) -> Result<Pending, Reason> {
        let pane = &under.pane;
        let number = pane.number();
        let mut register = self.register_mut();
        may_take(&register, under, now).map_err(|why| pane.reason(why))?;
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

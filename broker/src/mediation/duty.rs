//! What is still to be recorded about a command, and the promise that it will be (I4).

use std::sync::Arc;
use std::time::Duration;

use interlock_protocols::record::{CommandResult, Event, Outcome};

use super::broker::Broker;
use super::ledger::{Key, Ledger};
use super::oversight::Telling;
use super::roll::Write;
use crate::clock::Now;

/// What has to be recorded about a command, however it ends.
#[derive(Debug)]
pub(super) enum Duty {
    /// It has an effect: exactly one outcome (I4).
    Owed(Owed),
    /// It has none: it is counted.
    Counted(Counted),
}

impl Duty {
    pub(super) fn sent(&mut self, now: Now) {
        if let Duty::Owed(owed) = self {
            owed.broker.afloat.sent(owed.intent, &owed.write);
            owed.sent = true;
            owed.latest = now;
        }
    }

    /// The sequence of the INTENT, if there is one.
    pub(super) fn intent(&self) -> Option<u64> {
        match self {
            Duty::Owed(owed) => Some(owed.intent),
            Duty::Counted(_) => None,
        }
    }

    /// Has those who watch told of the end as well.
    pub(super) fn told_by(&mut self, telling: Option<Telling>) {
        match self {
            Duty::Owed(owed) => owed.telling = telling,
            Duty::Counted(counted) => counted.telling = telling,
        }
    }

    /// Fulfils the duty; returns the INTENT's sequence, if there was one.
    pub(super) fn end(self, result: CommandResult, latency: Duration, now: Now) -> Option<u64> {
        let told = |telling: Option<Telling>| {
            if let Some(telling) = telling {
                telling.ended(&result, now);
            }
        };
        match self {
            Duty::Owed(mut owed) => {
                told(owed.telling.take());
                Some(owed.settle(result, latency, now))
            }
            Duty::Counted(mut counted) => {
                told(counted.telling.take());
                counted.answered = matches!(result, CommandResult::Answered { .. });
                counted.latest = now;
                None
            }
        }
    }
}

/// An INTENT stands in the journal, and its outcome does not yet. Whatever drops this records
/// one: WITHHELD if nothing was sent, OUTCOME UNKNOWN if something was (I4).
pub(super) struct Owed {
    broker: Arc<Broker>,
    intent: u64,
    write: Arc<Write>,
    sent: bool,
    settled: bool,
    latest: Now,
    telling: Option<Telling>,
}

impl Owed {
    pub(super) fn new(broker: Arc<Broker>, intent: u64, write: Arc<Write>, now: Now) -> Owed {
        Owed {
            broker,
            intent,
            write,
            sent: false,
            settled: false,
            latest: now,
            telling: None,
        }
    }

    /// The sequence of the INTENT.
    pub(super) fn intent(&self) -> u64 {
        self.intent
    }

    pub(super) fn settle(mut self, result: CommandResult, latency: Duration, now: Now) -> u64 {
        self.latest = now;
        self.record(result, latency);
        self.intent
    }

    fn record(&mut self, result: CommandResult, latency: Duration) {
        self.settled = true;
        let outcome = Outcome {
            intent: self.intent,
            result,
            latency_us: u64::try_from(latency.as_micros()).unwrap_or(u64::MAX),
        };
        // While the disk fails, the journal keeps an outcome and writes it later. One that takes
        // none has ended: the next start finds an INTENT without an outcome and records OUTCOME
        // UNKNOWN.
        let recorded = if self.write.window.is_some() {
            self.broker.append_under(outcome, self.latest)
        } else {
            let journal = &self.broker.journal;
            journal.append(self.latest.wall_ms(), Event::Outcome(outcome))
        };
        if let Err(error) = recorded {
            tracing::error!(intent = self.intent, %error, "an outcome could not be recorded");
        }
        // Only now: who asks what is open finds it there or finds its outcome in the log.
        if self.sent {
            self.broker.afloat.settled(self.intent);
        }
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let result = if self.sent {
            CommandResult::Unknown {
                why: "the task that waited for the answer ended".to_owned(),
            }
        } else {
            CommandResult::Withheld {
                reason: "task-ended".to_owned(),
            }
        };
        self.record(result, Duration::ZERO);
    }
}

/// One read under way. Dropping it counts it, as failed unless it was answered.
pub(super) struct Counted {
    ledger: Arc<Ledger>,
    key: Option<Key>,
    answered: bool,
    latest: Now,
    telling: Option<Telling>,
}

impl Counted {
    pub(super) fn new(ledger: Arc<Ledger>, key: Key, now: Now) -> Counted {
        Counted {
            ledger,
            key: Some(key),
            answered: false,
            latest: now,
            telling: None,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.ledger.read(key, self.answered, self.latest);
        }
    }
}

impl std::fmt::Debug for Owed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owed")
            .field("intent", &self.intent)
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counted")
            .field("key", &self.key)
            .field("answered", &self.answered)
            .finish_non_exhaustive()
    }
}

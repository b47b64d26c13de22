//! The one-shot proof that one command was decided and, if it has an effect, durably recorded.
//!
//! A [`Permit`] owns the one request it was made for, encoded afresh (I3). It cannot be built
//! outside this module's parent, cloned, or used twice; a link takes permits and nothing else
//! (I1). Each of the three is a compile error:
//!
//! ```
//! use interlock_broker::clock::Now;
//! use interlock_broker::mediation::{Handed, Permit};
//! fn once(permit: Permit, now: Now) {
//!     let _ = permit.redeem(now, |_, _| Ok(Handed::Whole));
//! }
//! ```
//!
//! Used twice:
//!
//! ```compile_fail,E0382
//! use interlock_broker::clock::Now;
//! use interlock_broker::mediation::{Handed, Permit};
//! fn twice(permit: Permit, now: Now) {
//!     let _ = permit.redeem(now, |_, _| Ok(Handed::Whole));
//!     let _ = permit.redeem(now, |_, _| Ok(Handed::Whole));
//! }
//! ```
//!
//! Cloned:
//!
//! ```
//! use interlock_broker::mediation::Permit;
//! fn keep(permit: Permit) -> (Permit, u8) {
//!     let copy = permit.function();
//!     (permit, copy)
//! }
//! ```
//!
//! ```compile_fail,E0599
//! use interlock_broker::mediation::Permit;
//! fn keep(permit: Permit) -> (Permit, Permit) {
//!     let copy = permit.clone();
//!     (permit, copy)
//! }
//! ```
//!
//! Forged, around a request of one's own:
//!
//! ```
//! use interlock_broker::clock::Mono;
//! use interlock_broker::mediation::Permit;
//! fn read(permit: &Permit) -> Mono {
//!     permit.deadline()
//! }
//! ```
//!
//! ```compile_fail,E0616
//! use interlock_broker::clock::Mono;
//! use interlock_broker::mediation::Permit;
//! fn read(permit: &Permit) -> Mono {
//!     permit.deadline
//! }
//! ```
//!
//! ```compile_fail,E0624
//! use interlock_broker::mediation::Permit;
//! let forged = Permit::mint();
//! ```

use std::io;
use std::time::Duration;

use interlock_protocols::modbus::{ExceptionCode, Pdu, Reply, Request, UnitId};
use interlock_protocols::record::CommandResult;

use super::duty::Duty;
use super::gate::Passage;
use super::heard::Ear;
use super::refusal::{Reason, Refusal};
use super::standing::Lost;
use crate::clock::{Mono, Now};

/// The right to send one command once, before its deadline, while its session stands.
#[must_use = "a permit that is dropped is recorded as WITHHELD"]
#[derive(Debug)]
pub struct Permit {
    unit: UnitId,
    pdu: Pdu,
    deadline: Mono,
    valid_until_ms: i64,
    passage: Passage,
    duty: Duty,
    ear: Ear,
}

/// How much of a command a socket took in one non-blocking write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handed {
    /// All of it.
    Whole,
    /// Some of it: the connection is useless from here on, and the outcome unknown.
    Part,
}

/// What became of a permit that was redeemed.
#[derive(Debug)]
pub enum Redeemed {
    /// It was sent; its answer is awaited.
    Sent(Awaiting),
    /// A part of it was sent. Close the connection, then call [`Awaiting::silent`].
    Torn(Awaiting),
    /// The socket took nothing; try again when it is writable.
    WouldBlock(Permit),
    /// It was not sent, and will not be.
    Withheld(Refusal),
}

impl Permit {
    pub(super) fn mint(
        unit: UnitId,
        request: &Request<'_>,
        deadline: Mono,
        valid_until_ms: i64,
        passage: Passage,
        duty: Duty,
        ear: Ear,
    ) -> Permit {
        Permit {
            unit,
            pdu: request.encode(),
            deadline,
            valid_until_ms,
            passage,
            duty,
            ear,
        }
    }

    /// When it is too late to send it.
    pub fn deadline(&self) -> Mono {
        self.deadline
    }

    /// The function code, for logs and counters.
    pub fn function(&self) -> u8 {
        self.pdu.as_bytes().first().copied().unwrap_or_default()
    }

    /// Whether the command has an effect. Such a command never waits for a reconnect and is
    /// never repeated (I5).
    pub fn has_effect(&self) -> bool {
        matches!(self.duty, Duty::Owed(_))
    }

    /// Sends the command, if it may still be sent. `send` must be one non-blocking write: nothing
    /// can be taken from the session or barred at the device while it runs, and who does so next
    /// finds the command among those whose outcome is open (I7). An error from `send` means that
    /// no byte was taken.
    pub fn redeem(
        mut self,
        now: Now,
        send: impl FnOnce(UnitId, &Pdu) -> io::Result<Handed>,
    ) -> Redeemed {
        if now.mono() > self.deadline {
            return Redeemed::Withheld(self.withhold(Reason::DeadlinePassed, now));
        }
        if self.has_effect() && now.doubted() {
            return Redeemed::Withheld(self.withhold(Reason::ClockDoubted, now));
        }
        if now.wall_ms() >= self.valid_until_ms {
            self.passage.standing.end(Lost::Expired);
        }
        let (unit, pdu, duty) = (self.unit, &self.pdu, &mut self.duty);
        let sent = self.passage.hold(matches!(duty, Duty::Owed(_)), || {
            send(unit, pdu).inspect(|_| duty.sent(now))
        });
        match sent {
            Err(reason) => Redeemed::Withheld(self.withhold(reason, now)),
            Ok(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                Redeemed::WouldBlock(self)
            }
            Ok(Err(error)) => {
                Redeemed::Withheld(self.withhold(Reason::LinkDown(error.to_string()), now))
            }
            Ok(Ok(handed)) => {
                self.ear.sent();
                let awaiting = Awaiting {
                    pdu: self.pdu,
                    sent: now,
                    duty: self.duty,
                    ear: self.ear,
                };
                match handed {
                    Handed::Whole => Redeemed::Sent(awaiting),
                    Handed::Part => Redeemed::Torn(awaiting),
                }
            }
        }
    }

    /// Gives the permit back unsent: no room in a queue, no connection, too late.
    pub fn withhold(self, reason: Reason, now: Now) -> Refusal {
        let record = self.duty.end(
            CommandResult::Withheld {
                reason: reason.code().to_owned(),
            },
            Duration::ZERO,
            now,
        );
        Refusal::new(reason).recorded_as(record)
    }
}

/// A command that was sent and whose answer is open. Dropping it records OUTCOME UNKNOWN.
#[must_use = "an answer that is not awaited is recorded as OUTCOME UNKNOWN"]
#[derive(Debug)]
pub struct Awaiting {
    pdu: Pdu,
    sent: Now,
    duty: Duty,
    ear: Ear,
}

/// The PLC's answer, checked against the request and encoded afresh.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    pdu: Pdu,
    exception: Option<ExceptionCode>,
    latency: Duration,
}

impl Answer {
    /// The bytes for the client.
    pub fn pdu(&self) -> &Pdu {
        &self.pdu
    }

    /// The PLC's own exception, if that was its answer.
    pub fn exception(&self) -> Option<ExceptionCode> {
        self.exception
    }

    /// From the write to the socket to the reply.
    pub fn latency(&self) -> Duration {
        self.latency
    }
}

impl Awaiting {
    /// Takes a reply of the right transaction and unit. If it does not answer this request, the
    /// caller drops it and goes on waiting with what is handed back (I6).
    pub fn answer(mut self, pdu: &[u8], now: Now) -> Result<Answer, Awaiting> {
        let Some((encoded, exception)) = checked(&self.pdu, pdu, &mut self.ear, now) else {
            return Err(self);
        };
        let latency = now.mono().since(self.sent.mono());
        let result = match exception {
            None => CommandResult::Answered {
                pdu: encoded.as_bytes().to_vec(),
            },
            Some(code) => CommandResult::Exception { code: code.code() },
        };
        self.duty.end(result, latency, now);
        Ok(Answer {
            pdu: encoded,
            exception,
            latency,
        })
    }

    /// Gives up: no answer came in time, or the connection broke. For a command with effect the
    /// outcome is unknown, and it is never tried again (I5).
    pub fn silent(self, why: &str, now: Now) -> Refusal {
        let latency = now.mono().since(self.sent.mono());
        let record = self.duty.end(
            CommandResult::Unknown {
                why: why.to_owned(),
            },
            latency,
            now,
        );
        Refusal::new(Reason::Silent).recorded_as(record)
    }
}

fn checked(
    request: &Pdu,
    reply: &[u8],
    ear: &mut Ear,
    now: Now,
) -> Option<(Pdu, Option<ExceptionCode>)> {
    let request = Request::decode(request.as_bytes()).ok()?;
    let reply = Reply::decode(&request, reply).ok()?;
    let (said, exception) = match &reply {
        Reply::Normal(response) => (Some(response), None),
        Reply::Exception(code) => (None, Some(*code)),
    };
    ear.answered(&request, said, now);
    Some((reply.encode(&request), exception))
}

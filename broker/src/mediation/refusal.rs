//! Why a command was refused, in words, and the one mapping from that to the wire.

use std::sync::Arc;

use interlock_protocols::modbus::{ExceptionCode, Malformed, UnitId};
use interlock_protocols::record::Scope;

use super::break_glass::NotBroken;
use super::oversight::Oversight;
use super::standing::Lost;
use super::window::NotInForce;
use crate::plant::LimitBroken;
use crate::policy::Cause;
use crate::register::Restraint;
use crate::window::Ineligible;

/// What the client's side of the wire sees of a refusal. It says only the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wire {
    /// An exception reply; the connection stays.
    Exception(ExceptionCode),
    /// Nothing, and the connection is closed.
    Close,
}

/// Why a command was refused.
#[derive(Clone, PartialEq, Debug)]
pub enum Reason {
    /// The bytes are no request, or one of wrong structure.
    Malformed(Malformed),
    /// The bytes are no Modbus/TCP: their header says so.
    NotModbus,
    /// An ADU that began and took too long to end.
    TooSlow,
    /// The session may no longer act.
    Standing(Lost),
    /// The session was left nothing but reading.
    Downgraded(Arc<Restraint>),
    /// Nothing with effect passes to the device.
    Frozen(Arc<Restraint>),
    /// Nothing at all passes to the device.
    Isolated(Arc<Restraint>),
    /// The act takes a person who has just shown that they are there.
    NotPresent,
    /// Who restricted, or is restricted, does not lift it.
    OwnCase,
    /// Whoever would approve or refuse a window is not one who may.
    MayNotApprove(Ineligible),
    /// The edge takes no new commands: it is being stopped.
    Stopping,
    /// The identity was not used for so long that it is disabled.
    Disabled,
    /// The subject opened too many sessions in a short time.
    SessionRate,
    /// The subject asked for the journal too often in a short time.
    ReadingRate,
    /// A different request under a transaction id whose answer is still open.
    TransactionReused,
    /// More requests outstanding than a conversation may have.
    TooManyInFlight,
    /// The unit is not routed on this device.
    NotRouted(UnitId),
    /// The conversation was opened for reading only.
    NotArmed,
    /// A rule forbids it.
    Forbidden,
    /// No rule permits it.
    NoRule,
    /// Rules want a window for it, and theirs does not open it.
    Window(NotInForce),
    /// Break-glass is not opened.
    BreakGlass(NotBroken),
    /// A rule could not be evaluated (I8).
    PolicyFailed(String),
    /// The clock shows a time that no calendar has.
    NoTime,
    /// The gateway's clock is in doubt, and what was asked has an effect.
    ClockDoubted,
    /// The device, or the act, is unknown or not this subject's to see.
    NotYours,
    /// A value outside what is ever sane.
    Limit(LimitBroken),
    /// Nobody watches who has to, or somebody who watches has to say yes, or another one writes.
    Oversight(Oversight),
    /// The command could not be recorded durably, so it was not sent.
    JournalFailed(String),
    /// The device cannot be reached.
    LinkDown(String),
    /// The PLC did not answer, or its reply did not answer the request.
    Silent,
    /// The device's queue has no room.
    QueueFull,
    /// It waited longer than it was good for, and was not sent.
    DeadlinePassed,
}

impl Reason {
    /// The stable code in journal, notices and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::Malformed(Malformed::NotARequest) => "not-a-request",
            Reason::Malformed(Malformed::UnknownFunction(_)) => "unknown-function",
            Reason::Malformed(Malformed::Structure(_)) => "structure",
            Reason::Malformed(Malformed::Address) => "address",
            Reason::NotModbus => "not-modbus",
            Reason::TooSlow => "too-slow",
            Reason::Standing(Lost::Expired) => "certificate-expired",
            Reason::Standing(Lost::Idle) => "session-idle",
            Reason::Standing(Lost::TooLong) => "session-too-long",
            Reason::Standing(Lost::Untrusted) => "certificate-untrusted",
            Reason::Standing(Lost::Stopping) | Reason::Stopping => "stopping",
            Reason::Standing(Lost::Revoked(_)) => "revoked",
            Reason::Standing(Lost::Broken) => "internal",
            Reason::Downgraded(_) => "downgraded",
            Reason::Frozen(_) => "frozen",
            Reason::Isolated(_) => "isolated",
            Reason::NotPresent => "not-present",
            Reason::OwnCase => "own-case",
            Reason::MayNotApprove(_) => "may-not-approve",
            Reason::Disabled => "disabled",
            Reason::SessionRate => "session-rate",
            Reason::ReadingRate => "reading-rate",
            Reason::TransactionReused => "transaction-reused",
            Reason::TooManyInFlight => "too-many-in-flight",
            Reason::NotRouted(_) => "not-routed",
            Reason::NotArmed => "not-armed",
            Reason::Forbidden => Cause::Forbidden.code(),
            Reason::NoRule => Cause::NoRule.code(),
            Reason::Window(window) => window.code(),
            Reason::BreakGlass(why) => why.code(),
            Reason::PolicyFailed(_) => Cause::Failed.code(),
            Reason::NoTime => "no-time",
            Reason::ClockDoubted => "clock-doubted",
            Reason::NotYours => "not-yours",
            Reason::Limit(limit) => limit.code(),
            Reason::Oversight(why) => why.code(),
            Reason::JournalFailed(_) => "journal-failed",
            Reason::LinkDown(_) => "link-down",
            Reason::Silent => "silent",
            Reason::QueueFull => "queue-full",
            Reason::DeadlinePassed => "deadline-passed",
        }
    }

    /// The only place where a reason becomes what the wire shows.
    pub fn wire(&self) -> Wire {
        use ExceptionCode as Code;
        Wire::Exception(match self {
            Reason::Malformed(malformed) => match malformed.exception() {
                Some(code) => code,
                None => return Wire::Close,
            },
            Reason::TransactionReused | Reason::NotModbus | Reason::TooSlow => return Wire::Close,
            Reason::Standing(Lost::Stopping) | Reason::Stopping => Code::ServerDeviceBusy,
            Reason::Standing(_)
            | Reason::Downgraded(_)
            | Reason::Frozen(_)
            | Reason::Isolated(_)
            | Reason::NotPresent
            | Reason::OwnCase
            | Reason::MayNotApprove(_)
            | Reason::Disabled
            | Reason::NotArmed
            | Reason::Forbidden
            | Reason::NoRule
            | Reason::Window(_)
            | Reason::BreakGlass(_)
            | Reason::PolicyFailed(_)
            | Reason::NoTime
            | Reason::NotYours
            | Reason::Limit(_) => Code::IllegalFunction,
            Reason::Oversight(why) => why.exception(),
            Reason::JournalFailed(_) | Reason::ClockDoubted => Code::ServerDeviceFailure,
            Reason::NotRouted(_) | Reason::LinkDown(_) => Code::GatewayPathUnavailable,
            Reason::Silent => Code::GatewayTargetFailed,
            Reason::SessionRate
            | Reason::ReadingRate
            | Reason::TooManyInFlight
            | Reason::QueueFull
            | Reason::DeadlinePassed => Code::ServerDeviceBusy,
        })
    }

    /// What happened, in one sentence for the person who asked.
    pub fn what(&self) -> String {
        match self {
            Reason::Malformed(malformed) => format!("the request is malformed: {malformed}"),
            Reason::TooSlow => "a request began and took too long to end".to_owned(),
            Reason::NotModbus => "the bytes that came are no Modbus/TCP".to_owned(),
            Reason::Standing(Lost::Expired) => "your certificate has ended".to_owned(),
            Reason::Standing(Lost::Idle) => {
                "this session was without a command for too long".to_owned()
            }
            Reason::Standing(Lost::TooLong) => {
                "this session has lasted as long as one may".to_owned()
            }
            Reason::Standing(Lost::Untrusted) => {
                "the authority that signed your certificate has revoked it, or is no longer trusted here".to_owned()
            }
            Reason::Standing(Lost::Stopping) | Reason::Stopping => {
                "the gateway is being stopped and takes no new commands".to_owned()
            }
            Reason::Standing(Lost::Revoked(it)) => {
                format!("your access was revoked{}: {}", numbered(it), it.reason())
            }
            Reason::Downgraded(it) => format!(
                "your session was left nothing but reading{}: {}",
                numbered(it),
                it.reason()
            ),
            Reason::Frozen(it) => {
                format!("the device is frozen{}: {}", numbered(it), it.reason())
            }
            Reason::Isolated(it) => {
                format!("the device is isolated{}: {}", numbered(it), it.reason())
            }
            Reason::NotPresent => {
                "this takes a person who has just shown that they are there".to_owned()
            }
            Reason::OwnCase => {
                "you did it yourself, or are in its scope: it takes a second person".to_owned()
            }
            Reason::MayNotApprove(why) => format!("it is not for you to decide: {why}"),
            Reason::Standing(Lost::Broken) => {
                "the gateway could not tell whether your session still stands".to_owned()
            }
            Reason::Disabled => {
                "your identity was not used for so long that it is disabled".to_owned()
            }
            Reason::SessionRate => "you opened too many sessions in a short time".to_owned(),
            Reason::ReadingRate => "you asked for the journal too often in a short time".to_owned(),
            Reason::TransactionReused => {
                "the tool sent a different request under a transaction id that was still open"
                    .to_owned()
            }
            Reason::TooManyInFlight => format!(
                "more than {} requests were waiting for their answers",
                crate::limits::OUTSTANDING_MAX
            ),
            Reason::NotRouted(unit) => format!("unit {unit} is not routed on this device"),
            Reason::NotArmed => "this connection was opened for reading only".to_owned(),
            Reason::Forbidden => "a rule forbids it".to_owned(),
            Reason::NoRule => "no rule permits it".to_owned(),
            Reason::Window(window) => window.what(),
            Reason::BreakGlass(why) => why.what(),
            Reason::PolicyFailed(error) => format!("a rule could not be evaluated: {error}"),
            Reason::NoTime => "the gateway's clock shows a time that no calendar has".to_owned(),
            Reason::ClockDoubted => {
                "the gateway's clock is in doubt, and nothing with effect passes until a local \
                 administrator has accepted it"
                    .to_owned()
            }
            Reason::NotYours => "there is nothing of that name for you".to_owned(),
            Reason::Limit(limit) => limit.to_string(),
            Reason::Oversight(why) => why.what(),
            Reason::JournalFailed(why) => {
                format!("the command could not be recorded, so it was not sent: {why}")
            }
            Reason::LinkDown(why) => format!("the device cannot be reached: {why}"),
            Reason::Silent => {
                "the device did not answer in time, or not to this request".to_owned()
            }
            Reason::QueueFull => "too many commands are waiting for this device".to_owned(),
            Reason::DeadlinePassed => {
                "the command waited too long for its turn and was not sent".to_owned()
            }
        }
    }

    /// What the person can do about it.
    pub fn next(&self) -> String {
        match self {
            Reason::Malformed(_)
            | Reason::TransactionReused
            | Reason::NotModbus
            | Reason::TooSlow => {
                "look at the settings of the Modbus tool, or report it to its maker"
            }
            Reason::Standing(Lost::Expired) => "ask the administrator for a new certificate",
            Reason::Standing(Lost::Idle | Lost::TooLong) => "connect again",
            Reason::Standing(Lost::Untrusted) => {
                "ask whoever runs that authority, or the administrator of this site"
            }
            Reason::Standing(Lost::Revoked(it)) if matches!(it.scope(), Scope::Session(_)) => {
                "it was this session alone; if your work goes on, connect again"
            }
            Reason::Standing(Lost::Revoked(it)) | Reason::Downgraded(it) => {
                return lifted_by("", it);
            }
            Reason::Frozen(it) => {
                return lifted_by("reading still works, and so does the local panel; ", it);
            }
            Reason::Isolated(it) => return lifted_by("the local panel still works; ", it),
            Reason::NotPresent => "show it with `interlock login`, then try again",
            Reason::OwnCase => "ask another administrator to look at it",
            Reason::MayNotApprove(why) => why.next(),
            Reason::Standing(_) | Reason::Stopping => "wait, then connect again",
            Reason::Disabled => "ask the administrator for a new invitation, and enrol again",
            Reason::SessionRate => {
                "wait a minute, then connect again; look for a program that connects in a loop"
            }
            Reason::ReadingRate => {
                "wait a minute; whoever wants records as they come follows the journal"
            }
            Reason::TooManyInFlight => "let the tool wait for answers before it asks more",
            Reason::NotRouted(_) => "set the unit id that `interlock connect` shows for the device",
            Reason::NotArmed => "if you mean to write, start `interlock connect --write DEVICE`",
            Reason::Forbidden | Reason::NoRule | Reason::NotYours => {
                "if your work needs it, ask whoever keeps the policy of this site"
            }
            Reason::Window(window) => return window.next(),
            Reason::BreakGlass(why) => return why.next(),
            Reason::PolicyFailed(_) => {
                "tell whoever keeps the policy of this site; it denies until mended"
            }
            Reason::NoTime => "tell the administrator: the gateway's clock must be set",
            Reason::ClockDoubted => {
                "reading still works; tell the administrator: on the gateway itself, set the clock \
                 and say `interlock-edge clock accept DIR --reason WHY`"
            }
            Reason::Limit(limit) => return limit.next_step(),
            Reason::Oversight(why) => return why.next(),
            Reason::JournalFailed(_) => {
                "reading still works; for writing use the local panel, and tell the administrator"
            }
            Reason::LinkDown(_) => "check the device and its network, then try again",
            Reason::Silent => {
                "if it was a write, read the value back before trying again: it may have happened"
            }
            Reason::QueueFull | Reason::DeadlinePassed => "try again, and poll less often",
        }
        .to_owned()
    }
}

/// By its number it is asked for, and lifted.
fn numbered(restraint: &Restraint) -> String {
    let number = restraint.number();
    number.map_or_else(String::new, |number| format!(" (restriction {number})"))
}

fn lifted_by(meanwhile: &str, restraint: &Restraint) -> String {
    match restraint.number() {
        Some(number) => format!(
            "{meanwhile}an administrator who is not in its scope, and not who did it, lifts it with `interlock reinstate {number}`"
        ),
        None => format!("{meanwhile}ask the administrator"),
    }
}

/// A refusal on its way to the client and to the person's screen.
#[derive(Clone, PartialEq, Debug)]
pub struct Refusal {
    reason: Reason,
    policies: Vec<String>,
    known: Option<String>,
    record: Option<u64>,
}

impl Refusal {
    pub(crate) fn new(reason: Reason) -> Refusal {
        Refusal {
            reason,
            policies: Vec::new(),
            known: None,
            record: None,
        }
    }

    pub(crate) fn decided_by(mut self, policies: Vec<String>) -> Refusal {
        self.policies = policies;
        self
    }

    /// What rules were told of who asked: with it somebody sees what they could change themselves.
    pub(crate) fn knowing(mut self, known: impl FnOnce() -> String) -> Refusal {
        if matches!(self.reason, Reason::Forbidden | Reason::NoRule) {
            self.known = Some(known());
        }
        self
    }

    pub(crate) fn recorded_as(mut self, record: Option<u64>) -> Refusal {
        self.record = record;
        self
    }

    /// Why.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// What the wire shows.
    pub fn wire(&self) -> Wire {
        self.reason.wire()
    }

    /// What to do next.
    pub fn next(&self) -> String {
        let next = self.reason.next();
        match &self.known {
            Some(known) => format!("{next}; rules know of you: {known}"),
            None => next,
        }
    }

    /// The rules that determined it, if rules did.
    pub fn policies(&self) -> &[String] {
        &self.policies
    }

    /// The sequence of its record; `None` where it was only counted, or could not be recorded.
    pub fn record(&self) -> Option<u64> {
        self.record
    }
}

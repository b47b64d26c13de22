//! Why a command that rules and limits allow does not pass, or not yet.

use interlock_protocols::modbus::ExceptionCode;

use super::writer::Writer;
use crate::limits::{HOLD_SERVES, SUPERVISOR_SILENT_MAX, WRITER_LEASE};
use crate::mediation::refusal::Reason;

/// Why a command that rules and limits allow does not pass, or not yet; or why somebody may not
/// watch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Oversight {
    /// Its window is supervised, and nobody who counts watches.
    Unsupervised {
        /// The window.
        window: u64,
    },
    /// It waits for the yes of a supervisor.
    Held {
        /// The hold.
        hold: u64,
        /// How often it was asked.
        asked: u64,
    },
    /// Another command that writes one of its points waits for a yes, or has one.
    Behind {
        /// The hold of that.
        hold: u64,
    },
    /// A supervisor said no.
    Refused {
        /// The hold.
        hold: u64,
    },
    /// More commands are held than there is room for.
    HoldsFull,
    /// Somebody else alone writes to the device.
    WriterTaken(Writer),
    /// More streams watch than there is room for.
    WatchesFull,
    /// Whoever watches says that they saw what they were never told.
    WatchBroken,
    /// Whoever watches does not read what they are told.
    WatchBehind,
    /// What they watched, or want to, is not there.
    WatchedOver,
    /// Watching was begun, or the one writer asked for, too often in a short time.
    TooOften,
    /// An answer to what is held no longer, or never was.
    NothingHeld {
        /// The hold.
        hold: u64,
    },
    /// An answer by somebody who does not supervise the command.
    NotTheirs {
        /// The hold.
        hold: u64,
    },
    /// Whoever supervised may no longer.
    NoSupervisor,
}

impl Oversight {
    /// The stable code in journal, notices and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Oversight::Unsupervised { .. } => "unsupervised",
            Oversight::Held { .. } => "held",
            Oversight::Behind { .. } => "held-behind",
            Oversight::Refused { .. } => "hold-refused",
            Oversight::HoldsFull => "holds-full",
            Oversight::WriterTaken(_) => "writer-taken",
            Oversight::WatchesFull => "watches-full",
            Oversight::WatchBroken => "watch-broken",
            Oversight::WatchBehind => "watch-behind",
            Oversight::WatchedOver => "watched-over",
            Oversight::TooOften => "too-often",
            Oversight::NothingHeld { .. } => "nothing-held",
            Oversight::NotTheirs { .. } => "not-theirs",
            Oversight::NoSupervisor => "no-supervisor",
        }
    }

    /// A no is a no; all else may pass when it is asked again.
    pub(in crate::mediation) fn exception(&self) -> ExceptionCode {
        match self {
            Oversight::Refused { .. } => ExceptionCode::IllegalFunction,
            Oversight::WatchedOver
            | Oversight::NothingHeld { .. }
            | Oversight::NotTheirs { .. }
            | Oversight::NoSupervisor => ExceptionCode::IllegalFunction,
            Oversight::Unsupervised { .. }
            | Oversight::Held { .. }
            | Oversight::Behind { .. }
            | Oversight::HoldsFull
            | Oversight::WriterTaken(_)
            | Oversight::WatchesFull
            | Oversight::WatchBroken
            | Oversight::WatchBehind
            | Oversight::TooOften => ExceptionCode::ServerDeviceBusy,
        }
    }

    /// What happened, in one sentence.
    pub fn what(&self) -> String {
        match self {
            Oversight::Unsupervised { window } => {
                format!("window {window} is supervised, and nobody of another organisation watches")
            }
            Oversight::Held { hold, asked: 1 } => {
                format!("it waits for the yes of a supervisor (hold {hold})")
            }
            Oversight::Held { hold, asked } => {
                format!("it waits for the yes of a supervisor (hold {hold}, asked {asked} times)")
            }
            Oversight::Behind { hold } => {
                format!("another command that writes the same point is held (hold {hold})")
            }
            Oversight::Refused { hold } => format!("a supervisor said no to it (hold {hold})"),
            Oversight::HoldsFull => "too many commands wait for a yes already".to_owned(),
            Oversight::WriterTaken(writer) => format!(
                "{} alone writes to the device (session {})",
                writer.subject.path(),
                writer.session
            ),
            Oversight::WatchesFull => "too many watch already".to_owned(),
            Oversight::WatchBroken => {
                "the client said that it showed what it was never sent".to_owned()
            }
            Oversight::WatchBehind => "the client did not read what it was sent".to_owned(),
            Oversight::WatchedOver => "no such session is open".to_owned(),
            Oversight::TooOften => "you asked for that too often in a short time".to_owned(),
            Oversight::NothingHeld { hold } => format!("nothing waits under hold {hold}"),
            Oversight::NotTheirs { hold } => format!(
                "hold {hold} takes somebody of another organisation who may supervise and keeps up"
            ),
            Oversight::NoSupervisor => "you may supervise there no longer".to_owned(),
        }
    }

    /// What to do next.
    pub fn next(&self) -> String {
        let words = match self {
            Oversight::Unsupervised { .. } => {
                return format!(
                    "ask them to run `interlock watch DEVICE`, and to keep it in sight: it counts for {} s at a time",
                    SUPERVISOR_SILENT_MAX.as_secs()
                );
            }
            Oversight::Held { .. } => {
                return format!(
                    "wait for their yes, then send the same command again, unchanged, within {} s",
                    HOLD_SERVES.as_secs()
                );
            }
            Oversight::Behind { .. } => {
                return format!(
                    "send the command that is held again, unchanged, or wait {} s until it is forgotten",
                    HOLD_SERVES.as_secs()
                );
            }
            Oversight::Refused { .. } => "talk to whoever watches before you try something else",
            Oversight::HoldsFull => "wait for the answers to those that are held",
            Oversight::WriterTaken(_) => {
                return format!(
                    "try again when they are done: it ends {} s after their last write",
                    WRITER_LEASE.as_secs()
                );
            }
            Oversight::WatchesFull => "end one of the others first",
            Oversight::WatchBroken => "install the gateway's version of interlock",
            Oversight::WatchBehind => "watch again, over a better network or one session alone",
            Oversight::WatchedOver => "`interlock sessions` lists those that are open",
            Oversight::TooOften => "wait a minute, then try again",
            Oversight::NothingHeld { .. } => "what waits is shown as it is asked",
            Oversight::NotTheirs { .. } => "if you keep up now, answer again",
            Oversight::NoSupervisor => "ask whoever keeps the policy of this site",
        };
        words.to_owned()
    }
}

impl From<Oversight> for Reason {
    fn from(why: Oversight) -> Reason {
        Reason::Oversight(why)
    }
}

//! Watching commands as they are decided, and answering for those that are held.

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

/// What is watched.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Encode, Decode)]
pub enum Watched {
    /// One session, on all devices.
    #[n(0)]
    Session(#[n(0)] u64),
    /// One device, whoever asks.
    #[n(1)]
    Device(#[n(0)] String),
}

/// From whoever watches.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum FromWatcher {
    /// What was seen, up to this number. A supervisor who says so for too long no more, or too far
    /// behind, supervises nothing.
    #[n(0)]
    Seen {
        /// The number of the last [`ToWatcher`] shown.
        #[n(0)]
        through: u64,
    },
    /// Yes or no to a command that is held.
    #[n(1)]
    Answer {
        /// The hold.
        #[n(0)]
        hold: u64,
        /// Whether it may pass, once.
        #[n(1)]
        yes: bool,
    },
}

/// To whoever watches. Numbers count up from 1 without gaps.
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub struct ToWatcher {
    /// Its number.
    #[n(0)]
    pub number: u64,
    /// What is to be seen.
    #[n(1)]
    pub seen: Seen,
}

/// What is to be seen.
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub enum Seen {
    /// Nothing happened; whoever watches shows that they are there. Once a second.
    #[n(0)]
    Quiet,
    /// A command came to its end, or was denied.
    #[n(1)]
    Command(#[n(0)] SeenCommand),
    /// A command waits for a yes.
    #[n(2)]
    Held(#[n(0)] SeenHold),
    /// A hold waits no longer: it was answered, used, or ran out.
    #[n(3)]
    Settled {
        /// The hold.
        #[n(0)]
        hold: u64,
        /// What became of it, in words.
        #[n(1)]
        what: String,
    },
    /// Commands were left out, since this client did not keep up.
    #[n(4)]
    Missed {
        /// How many.
        #[n(0)]
        commands: u64,
    },
    /// An answer did not count; the hold is as it was.
    #[n(5)]
    Unheard {
        /// The hold.
        #[n(0)]
        hold: u64,
        /// Why, in words.
        #[n(1)]
        what: String,
        /// What to do next.
        #[n(2)]
        next: String,
    },
    /// It is over; nothing follows.
    #[n(6)]
    Ended {
        /// Why, in words.
        #[n(0)]
        what: String,
        /// What to do next.
        #[n(1)]
        next: String,
    },
}

/// One command.
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub struct SeenCommand {
    /// When it was decided, ms since 1970 UTC.
    #[n(0)]
    pub time_ms: i64,
    /// The session.
    #[n(1)]
    pub session: u64,
    /// Who.
    #[n(2)]
    pub subject: String,
    /// The device.
    #[n(3)]
    pub device: String,
    /// What was asked for, in tag names and units.
    #[n(4)]
    pub asked: String,
    /// What was decided, as a stable code: `allowed`, or the reason of a denial.
    #[n(5)]
    pub decision: String,
    /// What came of it, in words: the answer, or why not.
    #[n(6)]
    pub result: String,
    /// The rules that determined it.
    #[n(7)]
    pub rules: Vec<String>,
    /// From the decision to the answer, in µs; `None` where nothing was sent.
    #[n(8)]
    pub latency_us: Option<u64>,
    /// Its window.
    #[n(9)]
    pub window: Option<u64>,
    /// Sequence of its record, where it has one of its own.
    #[n(10)]
    pub record: Option<u64>,
}

/// One command that waits for a yes.
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub struct SeenHold {
    /// Its number.
    #[n(0)]
    pub hold: u64,
    /// The session.
    #[n(1)]
    pub session: u64,
    /// Who.
    #[n(2)]
    pub subject: String,
    /// The device.
    #[n(3)]
    pub device: String,
    /// What was asked for, in tag names and units.
    #[n(4)]
    pub asked: String,
    /// Each point that it writes.
    #[n(5)]
    pub points: Vec<HeldPoint>,
    /// How often it was asked so far.
    #[n(6)]
    pub asked_times: u64,
    /// Its window.
    #[n(7)]
    pub window: u64,
    /// Until when a yes serves, ms since 1970 UTC.
    #[n(8)]
    pub until_ms: i64,
}

/// One point that a held command writes.
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub struct HeldPoint {
    /// Its name.
    #[n(0)]
    pub name: String,
    /// The value asked for, with its unit; empty where the command does not say.
    #[n(1)]
    pub value: String,
    /// What the device last said that it holds, with its unit; empty where nobody read it.
    #[n(2)]
    pub before: String,
    /// How old that is, in ms.
    #[n(3)]
    pub before_age_ms: Option<u64>,
    /// What may be written, by the point's limits and the window's.
    #[n(4)]
    pub limits: String,
}

//! What a record says of maintenance windows: asked, approved, refused, ended; of holds, watching and
//! the writer of a device; and of break-glass.

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::event::PointValue;

/// See [`super::Event::WindowRequested`]. The sequence of the record is the number of the window.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct WindowRequested {
    /// The session that asked.
    #[n(0)]
    pub session: u64,
    /// Who asked, and will hold it.
    #[n(1)]
    pub by: String,
    /// The grant that is to be signed: see [`crate::grant`]. Nobody has signed it yet.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub grant: Vec<u8>,
    /// Names of its points as they were then, in its order: for whoever reads the record.
    #[n(3)]
    pub points: Vec<String>,
    /// What for, in their words: a work order, for one.
    #[n(4)]
    pub reason: String,
    /// Until when it may be approved, ms since 1970 UTC.
    #[n(5)]
    pub waits_until_ms: i64,
    /// The window that it extends.
    #[n(6)]
    pub extends: Option<u64>,
    /// The rules that let them ask.
    #[n(7)]
    pub policies: Vec<String>,
}

/// See [`super::Event::WindowApproved`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct WindowApproved {
    /// The window.
    #[n(0)]
    pub window: u64,
    /// The session in which it was approved.
    #[n(1)]
    pub session: u64,
    /// Who.
    #[n(2)]
    pub by: String,
    /// Their grant key.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub key: [u8; 32],
    /// Its signature over the body of the grant.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub signature: [u8; 64],
    /// In their words; may be empty.
    #[n(5)]
    pub comment: String,
    /// The rules that let them approve.
    #[n(6)]
    pub policies: Vec<String>,
}

/// See [`super::Event::WindowRefused`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct WindowRefused {
    /// The window.
    #[n(0)]
    pub window: u64,
    /// The session in which it was refused.
    #[n(1)]
    pub session: u64,
    /// Who.
    #[n(2)]
    pub by: String,
    /// Why, in their words.
    #[n(3)]
    pub comment: String,
}

/// How a window came to its end. One that was revoked has the record of that.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum WindowEnd {
    /// Its last span is over.
    #[n(0)]
    Over,
    /// Nobody approved it in time.
    #[n(1)]
    Lapsed,
    /// Whoever asked for it took it back.
    #[n(2)]
    Withdrawn,
}

impl WindowEnd {
    /// The word of screens.
    pub const fn name(self) -> &'static str {
        match self {
            WindowEnd::Over => "over",
            WindowEnd::Lapsed => "lapsed",
            WindowEnd::Withdrawn => "withdrawn",
        }
    }
}

/// See [`super::Event::WindowEnded`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct WindowEnded {
    /// The window.
    #[n(0)]
    pub window: u64,
    /// How.
    #[n(1)]
    pub end: WindowEnd,
    /// The session that withdrew it.
    #[n(2)]
    pub session: Option<u64>,
    /// Who withdrew it; empty where time did.
    #[n(3)]
    pub by: String,
}

/// See [`super::Event::WatchOpened`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct WatchOpened {
    /// The session of whoever watches.
    #[n(0)]
    pub session: u64,
    /// Who.
    #[n(1)]
    pub subject: String,
    /// Number of the watch within that session.
    #[n(2)]
    pub watch: u64,
    /// The session that is watched; `None`: a device.
    #[n(3)]
    pub watched: Option<u64>,
    /// The device that is watched; empty: a session.
    #[n(4)]
    pub device: String,
    /// Whether they may supervise what they watch.
    #[n(5)]
    pub supervises: bool,
}

/// See [`super::Event::WatchEnded`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct WatchEnded {
    /// The session of whoever watched.
    #[n(0)]
    pub session: u64,
    /// Who.
    #[n(1)]
    pub subject: String,
    /// Number of the watch within that session.
    #[n(2)]
    pub watch: u64,
    /// Why it ended, in words.
    #[n(3)]
    pub reason: String,
}

/// See [`super::Event::HoldAnswered`].
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub struct HoldAnswered {
    /// The session of the supervisor.
    #[n(0)]
    pub session: u64,
    /// Who.
    #[n(1)]
    pub by: String,
    /// The session whose command was held.
    #[n(2)]
    pub held: u64,
    /// Its window.
    #[n(3)]
    pub window: u64,
    /// The device.
    #[n(4)]
    pub device: String,
    /// Unit id as the client named it.
    #[n(5)]
    pub unit: u8,
    /// The request.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub pdu: Vec<u8>,
    /// What it writes, and what was there before.
    #[n(7)]
    pub points: Vec<PointValue>,
    /// How often it was asked.
    #[n(8)]
    pub asked: u64,
    /// Whether it may pass, once.
    #[n(9)]
    pub yes: bool,
}

/// See [`super::Event::WriterTaken`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct WriterTaken {
    /// The session that alone may write from here on.
    #[n(0)]
    pub session: u64,
    /// Whose it is.
    #[n(1)]
    pub subject: String,
    /// The device.
    #[n(2)]
    pub device: String,
    /// The session that it was taken from, while it held.
    #[n(3)]
    pub from: Option<u64>,
    /// Whose that is.
    #[n(4)]
    pub from_subject: String,
}

/// See [`super::Event::BreakGlassOpened`]. The sequence of the record stands for the window in
/// intents.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct BreakGlassOpened {
    /// The session that brought the grant.
    #[n(0)]
    pub session: u64,
    /// Who.
    #[n(1)]
    pub by: String,
    /// The grant, signed by the site root.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub grant: Vec<u8>,
    /// Names of its points, in its order.
    #[n(3)]
    pub points: Vec<String>,
    /// Why, in their words.
    #[n(4)]
    pub reason: String,
}

/// See [`super::Event::BreakGlassEnded`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct BreakGlassEnded {
    /// The record of its opening.
    #[n(0)]
    pub opened: u64,
    /// Why, in words.
    #[n(1)]
    pub reason: String,
    /// How many commands with effect it let pass.
    #[n(2)]
    pub writes: u64,
}

/// An approval, as the register keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct KeptApproval {
    /// Sequence of its record.
    #[n(0)]
    pub number: u64,
    /// When, ms since 1970 UTC.
    #[n(1)]
    pub time_ms: i64,
    /// What its record says.
    #[n(2)]
    pub approved: WindowApproved,
}

/// Writes of one span of a window that are counted.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct KeptWrites {
    /// Place of the span in the grant.
    #[n(0)]
    pub span: u32,
    /// How many commands with effect, those withheld left out.
    #[n(1)]
    pub writes: u32,
}

/// A window, as the register keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct KeptWindow {
    /// Its number.
    #[n(0)]
    pub number: u64,
    /// When it was asked for, ms since 1970 UTC.
    #[n(1)]
    pub time_ms: i64,
    /// What its record says.
    #[n(2)]
    pub requested: WindowRequested,
    /// Who approved, in order.
    #[n(3)]
    pub approvals: Vec<KeptApproval>,
    /// Who refused it, if somebody did.
    #[n(4)]
    pub refused: Option<WindowRefused>,
    /// How it ended, if it did.
    #[n(5)]
    pub ended: Option<WindowEnded>,
    /// What was used of it.
    #[n(6)]
    pub writes: Vec<KeptWrites>,
    /// Intents that are counted and whose outcome is not known yet.
    #[n(7)]
    pub open: Vec<u64>,
}

/// A break-glass grant that was opened: none opens twice.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct KeptBreakGlass {
    /// Sequence of its record.
    #[n(0)]
    pub number: u64,
    /// When it was opened, ms since 1970 UTC.
    #[n(1)]
    pub time_ms: i64,
    /// The grant's id.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub id: [u8; 16],
    /// Whether it is over.
    #[n(3)]
    pub ended: bool,
    /// How many commands with effect it let pass, those withheld left out.
    #[n(4)]
    pub writes: u32,
    /// Intents that are counted and whose outcome is not known yet.
    #[n(5)]
    pub open: Vec<u64>,
}

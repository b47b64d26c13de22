//! The messages themselves. Numbers are never reused; see the module for what may change.

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::ask::{Answer, Ask};
use super::watch::Watched;
use super::window::WindowStep;
use super::{FrameError, JournalQuery, Message, Status};
use crate::identity::{PostureReport, Signed};
use crate::limits::CONDUIT_POINTS_MAX_BYTES;

/// Control stream, client to edge.
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub enum FromClient {
    /// The first message. Never changes.
    #[n(0)]
    Hello {
        /// The highest version the client speaks.
        #[n(0)]
        version: u16,
        /// Name and version of the program, for the journal's readers.
        #[n(1)]
        program: String,
    },
    /// Load, test and activate the policy in the gateway's folder.
    #[n(1)]
    ActivatePolicy {
        /// Chosen by the client, given back in the reply.
        #[n(0)]
        call: u32,
    },
    /// The client is done.
    #[n(2)]
    Bye,
    /// How the gateway is doing.
    #[n(3)]
    ReadStatus {
        /// Chosen by the client, given back in the answer.
        #[n(0)]
        call: u32,
    },
    /// Accept that the journal is behind what others know of it, so that commands with effect
    /// pass again.
    #[n(4)]
    AcceptJournal {
        /// Chosen by the client, given back in the reply.
        #[n(0)]
        call: u32,
        /// Why, for the record.
        #[n(1)]
        reason: String,
    },
    /// The second message: that the machine is the one that the certificate names, and how it is.
    /// No session opens without.
    #[n(5)]
    Prove {
        /// The machine's key, and its signature over [`crate::identity::proof_statement`].
        #[n(0)]
        device: Signed,
        /// The machine's health.
        #[n(1)]
        posture: Option<PostureReport>,
    },
    /// How the machine is now, every few minutes. The signature is as in [`FromClient::Prove`].
    #[n(6)]
    Posture {
        /// The machine's key, and its signature.
        #[n(0)]
        device: Signed,
        /// The machine's health.
        #[n(1)]
        posture: PostureReport,
    },
    /// That the person is there, just now: their authenticator and its signature over
    /// [`crate::identity::presence_statement`]. Answered by a reply.
    #[n(7)]
    Assert {
        /// Chosen by the client, given back in the reply.
        #[n(0)]
        call: u32,
        /// The authenticator.
        #[n(1)]
        authenticator: Signed,
    },
    /// Administration.
    #[n(8)]
    Ask {
        /// Chosen by the client, given back in the answer.
        #[n(0)]
        call: u32,
        /// What is asked.
        #[n(1)]
        ask: Ask,
    },
}

/// Control stream, edge to client.
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub enum ToClient {
    /// The session stands. Only now may the client call itself connected: a refused certificate
    /// shows after the transport says that it is up.
    #[n(0)]
    Hello {
        /// The version that holds on this connection.
        #[n(0)]
        version: u16,
        /// Name of the gateway.
        #[n(1)]
        gateway: String,
        /// Name of the site.
        #[n(2)]
        site: String,
        /// Number of the session, as in the journal.
        #[n(3)]
        session: u64,
        /// Who the edge takes the client to be.
        #[n(4)]
        subject: String,
        /// Their groups.
        #[n(5)]
        groups: Vec<String>,
        /// When the client certificate ends, ms since 1970 UTC.
        #[n(6)]
        certificate_ends_ms: i64,
        /// How many devices are offered next.
        #[n(7)]
        devices: u32,
    },
    /// A device that the subject may see.
    #[n(1)]
    Device(#[n(0)] DeviceOffer),
    /// More points of a device that was just offered, where they do not fit in one frame.
    #[n(2)]
    Points {
        /// Name of the device.
        #[n(0)]
        device: String,
        /// The points.
        #[n(1)]
        points: Vec<PointOffer>,
    },
    /// All devices were offered; conversations may be opened.
    #[n(3)]
    Ready,
    /// Something was refused: the part that the Modbus exception cannot say.
    #[n(4)]
    Notice(#[n(0)] Notice),
    /// The answer to a call.
    #[n(5)]
    Reply {
        /// The call it answers.
        #[n(0)]
        call: u32,
        /// What became of it.
        #[n(1)]
        end: CallEnd,
        /// What was done, or why not.
        #[n(2)]
        text: String,
    },
    /// The session ends now.
    #[n(6)]
    Ending {
        /// Why, in words.
        #[n(0)]
        reason: String,
    },
    /// The answer to [`FromClient::ReadStatus`], where it is allowed.
    #[n(8)]
    Status {
        /// The call it answers.
        #[n(0)]
        call: u32,
        /// How the gateway is doing.
        #[n(1)]
        status: Status,
    },
    /// The answer to [`FromClient::Ask`], where it is allowed and is more than a word.
    #[n(9)]
    Answer {
        /// The call it answers.
        #[n(0)]
        call: u32,
        /// This part of it.
        #[n(1)]
        answer: Answer,
        /// Whether more parts follow.
        #[n(2)]
        more: bool,
    },
    /// The session, or what it may do, ends soon.
    #[n(10)]
    Warning {
        /// What ends, when and what to do, in words.
        #[n(0)]
        text: String,
        /// When, ms since 1970 UTC.
        #[n(1)]
        ends_ms: i64,
    },
    /// What became of the report about the machine's health that came last.
    #[n(11)]
    Posture {
        /// For how long it holds, in seconds; say it again before. `None`: it was not believed,
        /// and what was known before goes on to run out.
        #[n(0)]
        holds_s: Option<u32>,
        /// Why it was not believed, in words.
        #[n(1)]
        reason: String,
        /// What to do next.
        #[n(2)]
        next: String,
    },
    /// Something happened to a window that concerns this subject.
    #[n(12)]
    Window(#[n(0)] WindowStep),
    /// Something that everybody at the gateway is to know: break-glass was opened, or is over.
    #[n(13)]
    Announcement {
        /// What, in words.
        #[n(0)]
        text: String,
    },
    /// There will be no session. Never changes.
    #[n(7)]
    Refused {
        /// Why, in words.
        #[n(0)]
        reason: String,
        /// What to do next.
        #[n(1)]
        next: String,
    },
}

/// What became of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum CallEnd {
    /// It was done.
    #[n(0)]
    Done,
    /// It was tried, and did not work.
    #[n(1)]
    Failed,
    /// This subject may not.
    #[n(2)]
    Denied,
}

/// A device as its user sees it.
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub struct DeviceOffer {
    /// Name.
    #[n(0)]
    pub name: String,
    /// Zone it is in.
    #[n(1)]
    pub zone: String,
    /// What it is, in words.
    #[n(2)]
    pub description: String,
    /// Address and port where the client listens for it.
    #[n(3)]
    pub local_address: String,
    /// The unit id to use.
    #[n(4)]
    pub unit: u8,
    /// Named points; more may follow in [`ToClient::Points`].
    #[n(5)]
    pub points: Vec<PointOffer>,
    /// What the subject may do, a line each, in words.
    #[n(6)]
    pub may: Vec<String>,
}

/// A named point as its user sees it.
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub struct PointOffer {
    /// Name.
    #[n(0)]
    pub name: String,
    /// Unit id to use.
    #[n(1)]
    pub unit_id: u8,
    /// Its table, as its Modicon digit (0, 1, 3, 4), which journal records use too.
    #[n(2)]
    pub table: u8,
    /// First address, from 0.
    #[n(3)]
    pub first: u16,
    /// How many registers; 1 for a bit.
    #[n(4)]
    pub registers: u16,
    /// `bool` for a bit, else the type of the number.
    #[n(5)]
    pub data_type: String,
    /// Word order of a number of two registers.
    #[n(6)]
    pub order: String,
    /// Engineering value = raw × scale + offset.
    #[n(7)]
    pub scale: f64,
    /// See `scale`.
    #[n(8)]
    pub offset: f64,
    /// Engineering unit.
    #[n(9)]
    pub unit: String,
    /// Least value anybody may write.
    #[n(10)]
    pub min: Option<f64>,
    /// Greatest value anybody may write.
    #[n(11)]
    pub max: Option<f64>,
    /// Whether the inventory declares it writable.
    #[n(12)]
    pub writable: bool,
    /// Whether policy lets this subject read it today.
    #[n(13)]
    pub may_read: bool,
    /// Whether policy lets this subject write it today.
    #[n(14)]
    pub may_write: bool,
}

/// What was refused, by which rule, and what to do next.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Notice {
    /// The conversation it happened on.
    #[n(0)]
    pub conversation: u64,
    /// The client's own transaction id.
    #[n(1)]
    pub transaction: u16,
    /// The device.
    #[n(2)]
    pub device: String,
    /// What was asked for, in words.
    #[n(3)]
    pub asked: String,
    /// Why not, as a stable code.
    #[n(4)]
    pub reason: String,
    /// Why not, in words.
    #[n(5)]
    pub what: String,
    /// The rules that determined it.
    #[n(6)]
    pub rule: Vec<String>,
    /// What to do next.
    #[n(7)]
    pub next: String,
    /// Sequence of its record, where it has one of its own.
    #[n(8)]
    pub record: Option<u64>,
}

/// The first message of every further stream.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Opening {
    /// Talk Modbus/TCP to one device.
    #[n(0)]
    Conversation {
        /// Its name.
        #[n(0)]
        device: String,
        /// Whether commands with effect may pass at all on this conversation.
        #[n(1)]
        arm_writes: bool,
    },
    /// Read the journal.
    #[n(1)]
    ReadJournal(#[n(0)] JournalQuery),
    /// Watch commands as they are decided.
    #[n(2)]
    Watch(#[n(0)] Watched),
}

/// The answer to an [`Opening`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Opened {
    /// Modbus/TCP from here on.
    #[n(0)]
    Conversation {
        /// Its number, as in notices.
        #[n(0)]
        conversation: u64,
    },
    /// A [`super::Told`] in each frame from here on, then the end of the stream.
    #[n(1)]
    Journal,
    /// A [`super::ToWatcher`] in each frame from here on.
    #[n(3)]
    Watch {
        /// Whether this watch can supervise what it sees.
        #[n(0)]
        supervises: bool,
    },
    /// Nothing follows.
    #[n(2)]
    Refused {
        /// The Modbus exception that says it best to a program that asked over Modbus.
        #[n(0)]
        code: Option<u8>,
        /// Why, in words.
        #[n(1)]
        reason: String,
        /// What to do next.
        #[n(2)]
        next: String,
    },
}

/// The frames that offer one device: its points are cut into parts, in order, so that a device
/// with thousands of them still fits the bound of a frame.
pub fn offer_frames(mut device: DeviceOffer) -> Result<Vec<Vec<u8>>, FrameError> {
    let mut parts: Vec<Vec<PointOffer>> = Vec::new();
    let mut room = 0_usize;
    for point in core::mem::take(&mut device.points) {
        let bytes = crate::strict::to_bytes(&point).len();
        match (room.checked_sub(bytes), parts.last_mut()) {
            (Some(left), Some(part)) => {
                room = left;
                part.push(point);
            }
            _ => {
                room = CONDUIT_POINTS_MAX_BYTES.saturating_sub(bytes);
                parts.push(Vec::from([point]));
            }
        }
    }
    let name = device.name.clone();
    let mut parts = parts.into_iter();
    device.points = parts.next().unwrap_or_default();
    let mut frames = Vec::from([ToClient::Device(device).to_frame()?]);
    for points in parts {
        let device = name.clone();
        frames.push(ToClient::Points { device, points }.to_frame()?);
    }
    Ok(frames)
}

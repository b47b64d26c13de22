//! What a record says happened. Fields are numbered; a number is never reused and a new field
//! is an `Option` behind the last one, so that bytes written today stay readable.

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::identity::{
    Asserted, CertificateIssued, ClockAccepted, ClockDoubted, Enrolled, Enrolment,
    InvitationClosed, Invited, PostureChanged, RegisterKept, Reinstated, Restricted, TrustTakenUp,
};
use super::window::{
    BreakGlassEnded, BreakGlassOpened, HoldAnswered, WatchEnded, WatchOpened, WindowApproved,
    WindowEnded, WindowRefused, WindowRequested, WriterTaken,
};
use crate::identity::{AuthStrength, KeyProtection};

/// One thing that happened.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// The edge began to serve.
    EdgeStarted(EdgeStarted),
    /// The edge ended in good order.
    EdgeStopped(EdgeStopped),
    /// A policy took effect.
    PolicyActivated(PolicyActivated),
    /// Somebody was let in.
    SessionOpened(SessionOpened),
    /// A session came to its end.
    SessionEnded(SessionEnded),
    /// A command with effect is about to be sent; durable before it is.
    Intent(Intent),
    /// What became of an intent.
    Outcome(Outcome),
    /// A command was refused.
    Denial(Denial),
    /// Equal denials that were counted, not recorded one by one.
    DenialSummary(DenialSummary),
    /// Equal reads, counted.
    ReadSummary(ReadSummary),
    /// Somebody read the journal.
    JournalRead(JournalRead),
    /// A key that signs checkpoints took over.
    EpochStarted(EpochStarted),
    /// All records so far, signed.
    Checkpointed(Checkpointed),
    /// Records are about to be deleted; their leaf hashes stay.
    RecordsRemoved(RecordsRemoved),
    /// Nothing could be recorded for a time.
    JournalRecovered(JournalRecovered),
    /// An administrator accepted that the journal is behind what others know of it.
    JournalAccepted(JournalAccepted),
    /// How far a sink has acknowledged.
    SinkProgress(SinkProgress),
    /// Somebody may enrol, once and until a time.
    Invited(Invited),
    /// An invitation was withdrawn, or an enrolment turned away.
    InvitationClosed(InvitationClosed),
    /// Somebody enrolled who must be confirmed first.
    EnrolmentAsked(Enrolment),
    /// A subject has keys on a machine.
    Enrolled(Enrolled),
    /// The identity issuer signed a certificate.
    CertificateIssued(CertificateIssued),
    /// Something was taken away: revoked, frozen, isolated or downgraded.
    Restricted(Restricted),
    /// A restriction was lifted.
    Reinstated(Reinstated),
    /// What is known of a machine's health is other than before.
    PostureChanged(PostureChanged),
    /// Somebody showed, by a PIN or a touch, that they are there.
    Asserted(Asserted),
    /// The system's clock is not believed.
    ClockDoubted(ClockDoubted),
    /// A local administrator accepted what the system's clock shows.
    ClockAccepted(ClockAccepted),
    /// All that the register of identities knows, so that older records may go.
    RegisterKept(RegisterKept),
    /// A document of the site root, or an authority's bundle, took effect.
    TrustTakenUp(TrustTakenUp),
    /// Somebody asks for a maintenance window.
    WindowRequested(WindowRequested),
    /// An approver signed the grant of a window.
    WindowApproved(WindowApproved),
    /// An approver refused a window.
    WindowRefused(WindowRefused),
    /// A window is over, lapsed or was withdrawn.
    WindowEnded(WindowEnded),
    /// Somebody began to watch a session or a device.
    WatchOpened(WatchOpened),
    /// Somebody watches no longer.
    WatchEnded(WatchEnded),
    /// A supervisor said yes or no to a command that was held.
    HoldAnswered(HoldAnswered),
    /// A session alone may write to a device for a while.
    WriterTaken(WriterTaken),
    /// An emergency grant of the site root took effect.
    BreakGlassOpened(BreakGlassOpened),
    /// An emergency grant holds no longer.
    BreakGlassEnded(BreakGlassEnded),
}

/// See [`Event::EdgeStarted`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct EdgeStarted {
    /// Name of the gateway.
    #[n(0)]
    pub gateway: String,
    /// Version of the program.
    #[n(1)]
    pub version: String,
}

/// See [`Event::EdgeStopped`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct EdgeStopped {
    /// Name of the gateway.
    #[n(0)]
    pub gateway: String,
}

/// See [`Event::PolicyActivated`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct PolicyActivated {
    /// SHA-256 of the bundle.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub digest: [u8; 32],
    /// Who did it: a subject, or the edge itself at its start.
    #[n(1)]
    pub by: String,
    /// The session that asked; `None` at the start of the edge.
    #[n(2)]
    pub session: Option<u64>,
    /// How many of its own test cases it passed.
    #[n(3)]
    pub cases: u32,
}

/// See [`Event::SessionOpened`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct SessionOpened {
    /// Number of the session.
    #[n(0)]
    pub session: u64,
    /// Who.
    #[n(1)]
    pub subject: String,
    /// Groups as they were then.
    #[n(2)]
    pub groups: Vec<String>,
    /// Address and port they came from.
    #[n(3)]
    pub peer: String,
    /// SHA-256 of the client certificate.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub certificate: [u8; 32],
    /// When that certificate ends, ms since 1970 UTC.
    #[n(5)]
    pub certificate_ends_ms: i64,
    /// SHA-256 of the machine's key, whose possession was shown; `None` before there were such.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub device_key: Option<[u8; 32]>,
    /// How that one is kept, as its owner says.
    #[n(7)]
    pub device_protection: Option<KeyProtection>,
    /// How strongly the subject showed who they are.
    #[n(8)]
    pub auth: Option<AuthStrength>,
    /// When they last did so, ms since 1970 UTC.
    #[n(9)]
    pub auth_ms: Option<i64>,
    /// Name of the authority that signed the certificate.
    #[n(10)]
    pub authority: Option<String>,
}

/// See [`Event::SessionEnded`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct SessionEnded {
    /// Number of the session.
    #[n(0)]
    pub session: u64,
    /// Who.
    #[n(1)]
    pub subject: String,
    /// Why it ended, in words.
    #[n(2)]
    pub reason: String,
}

/// A named point and the value it is to get.
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub struct PointValue {
    /// Name of the point.
    #[n(0)]
    pub name: String,
    /// In engineering units; `None` where the command does not say (a mask, a part).
    #[n(1)]
    pub value: Option<f64>,
    /// The engineering unit.
    #[n(2)]
    pub unit: String,
    /// What the device last said that it holds; `None` where nobody read it since the start.
    #[n(3)]
    pub before: Option<f64>,
    /// How long ago it said so, in ms.
    #[n(4)]
    pub before_age_ms: Option<u64>,
}

/// See [`Event::Intent`].
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub struct Intent {
    /// Number of the session.
    #[n(0)]
    pub session: u64,
    /// Who.
    #[n(1)]
    pub subject: String,
    /// The client's own transaction id.
    #[n(2)]
    pub transaction: u16,
    /// The device.
    #[n(3)]
    pub device: String,
    /// Unit id as the client named it.
    #[n(4)]
    pub unit: u8,
    /// The request as it is sent.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub pdu: Vec<u8>,
    /// What it writes.
    #[n(6)]
    pub points: Vec<PointValue>,
    /// The policies that determined the decision.
    #[n(7)]
    pub policies: Vec<String>,
    /// SHA-256 of the policy bundle it was decided under.
    #[cbor(n(8), with = "minicbor::bytes")]
    pub policy: [u8; 32],
    /// The maintenance window that it is counted against, or the record that opened break-glass.
    #[n(9)]
    pub window: Option<u64>,
}

impl Intent {
    /// How many fields one with a window has: those behind the last that is there are left out.
    pub(super) const FIELDS: u64 = 10;
}

/// See [`Event::Outcome`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Outcome {
    /// Sequence of the intent.
    #[n(0)]
    pub intent: u64,
    /// What became of it.
    #[n(1)]
    pub result: CommandResult,
    /// From the decision to the answer.
    #[n(2)]
    pub latency_us: u64,
}

/// The four ways in which a command with effect ends.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum CommandResult {
    /// The device answered.
    #[n(0)]
    Answered {
        /// Its answer.
        #[cbor(n(0), with = "minicbor::bytes")]
        pdu: Vec<u8>,
    },
    /// The device refused.
    #[n(1)]
    Exception {
        /// Its exception code.
        #[n(0)]
        code: u8,
    },
    /// It was never sent.
    #[n(2)]
    Withheld {
        /// Why not, as a stable code.
        #[n(0)]
        reason: String,
    },
    /// It was sent, or may have been, and nobody knows what it did.
    #[n(3)]
    Unknown {
        /// Why that is not known.
        #[n(0)]
        why: String,
    },
}

/// See [`Event::Denial`].
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub struct Denial {
    /// Number of the session.
    #[n(0)]
    pub session: u64,
    /// Who.
    #[n(1)]
    pub subject: String,
    /// The client's own transaction id.
    #[n(2)]
    pub transaction: u16,
    /// The device.
    #[n(3)]
    pub device: String,
    /// Unit id as the client named it.
    #[n(4)]
    pub unit: u8,
    /// The request as it came.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub pdu: Vec<u8>,
    /// What it would have written.
    #[n(6)]
    pub points: Vec<PointValue>,
    /// Why, as a stable code in kebab-case.
    #[n(7)]
    pub reason: String,
    /// Why, in words.
    #[n(8)]
    pub detail: String,
    /// The policies that determined it.
    #[n(9)]
    pub policies: Vec<String>,
    /// The exception the client got; `None` where the connection was closed instead.
    #[n(10)]
    pub exception: Option<u8>,
}

/// See [`Event::DenialSummary`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct DenialSummary {
    /// Number of the session.
    #[n(0)]
    pub session: u64,
    /// Who.
    #[n(1)]
    pub subject: String,
    /// The device.
    #[n(2)]
    pub device: String,
    /// Function code.
    #[n(3)]
    pub function: u8,
    /// The table touched, where the function has one, as its Modicon digit (0, 1, 3, 4).
    #[n(4)]
    pub table: Option<u8>,
    /// First address, from 0.
    #[n(5)]
    pub first: u16,
    /// Last address, from 0.
    #[n(6)]
    pub last: u16,
    /// Why, as a stable code.
    #[n(7)]
    pub reason: String,
    /// How many of them have no record of their own.
    #[n(8)]
    pub count: u64,
    /// The first of them, ms since 1970 UTC.
    #[n(9)]
    pub first_ms: i64,
    /// The last of them, ms since 1970 UTC.
    #[n(10)]
    pub last_ms: i64,
}

/// See [`Event::ReadSummary`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ReadSummary {
    /// Number of the session.
    #[n(0)]
    pub session: u64,
    /// Who.
    #[n(1)]
    pub subject: String,
    /// The device.
    #[n(2)]
    pub device: String,
    /// Unit id as the client named it.
    #[n(3)]
    pub unit: u8,
    /// Function code.
    #[n(4)]
    pub function: u8,
    /// The table read, where the function has one, as its Modicon digit (0, 1, 3, 4).
    #[n(5)]
    pub table: Option<u8>,
    /// First address, from 0.
    #[n(6)]
    pub first: u16,
    /// Last address, from 0.
    #[n(7)]
    pub last: u16,
    /// How many reads.
    #[n(8)]
    pub count: u64,
    /// How many of them the device did not answer with values.
    #[n(9)]
    pub failed: u64,
    /// The first of them, ms since 1970 UTC.
    #[n(10)]
    pub first_ms: i64,
    /// The last of them, ms since 1970 UTC.
    #[n(11)]
    pub last_ms: i64,
}

/// See [`Event::JournalRead`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct JournalRead {
    /// Number of the session.
    #[n(0)]
    pub session: u64,
    /// Who.
    #[n(1)]
    pub subject: String,
    /// The first sequence asked for.
    #[n(2)]
    pub from: u64,
    /// What was asked for, in words; `None` for all of it.
    #[n(3)]
    pub filter: Option<String>,
}

/// See [`Event::EpochStarted`]. The key of each epoch is made while the one before it holds, and
/// named in that one's record: so the keys form a chain that nobody can enter later.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct EpochStarted {
    /// Number of the epoch, from 1.
    #[n(0)]
    pub epoch: u64,
    /// Ed25519 public key that signs the checkpoints of this epoch.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub key: [u8; 32],
    /// Public key of the epoch after it.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub next_key: [u8; 32],
    /// Signature by `key` over the statement of this epoch.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub by_key: [u8; 64],
    /// Signature by the gateway's journal key over the same statement.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub by_gateway: [u8; 64],
}

/// See [`Event::Checkpointed`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Checkpointed {
    /// The checkpoint, a C2SP signed note, as text.
    #[n(0)]
    pub note: String,
}

/// See [`Event::RecordsRemoved`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct RecordsRemoved {
    /// First sequence that goes.
    #[n(0)]
    pub first: u64,
    /// Last sequence that goes.
    #[n(1)]
    pub last: u64,
    /// Why: `retention` or `overwrite`.
    #[n(2)]
    pub why: String,
}

/// See [`Event::JournalRecovered`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct JournalRecovered {
    /// The first failure.
    #[n(0)]
    pub why: String,
    /// When it failed, ms since 1970 UTC.
    #[n(1)]
    pub since_ms: i64,
    /// Records that were refused meanwhile and are nowhere: commands with effect, whose senders
    /// were told, and denials for which there was no room in memory.
    #[n(2)]
    pub refused: u64,
}

/// Something that knows more of the journal than the journal itself.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Ahead {
    /// What: `view`, `checkpoint`, `witness`, or `sink NAME`.
    #[n(0)]
    pub what: String,
    /// The last sequence that it knows.
    #[n(1)]
    pub through: u64,
}

/// See [`Event::JournalAccepted`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct JournalAccepted {
    /// Number of the session.
    #[n(0)]
    pub session: u64,
    /// Who.
    #[n(1)]
    pub subject: String,
    /// Why, in their words.
    #[n(2)]
    pub reason: String,
    /// What was ahead.
    #[n(3)]
    pub ahead: Vec<Ahead>,
    /// Random: tells the journal from here on from what it was before to whoever has both.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub lineage: [u8; 8],
}

/// See [`Event::SinkProgress`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct SinkProgress {
    /// Name of the sink.
    #[n(0)]
    pub sink: String,
    /// The last sequence that it has acknowledged.
    #[n(1)]
    pub through: u64,
}

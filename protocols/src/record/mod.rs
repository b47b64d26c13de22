//! Journal records and their byte encoding: a CBOR array of version, type, sequence, time and
//! the payload of that type, which is an array of numbered fields. These bytes, whole, are what
//! is stored, hashed and forwarded.

mod enclosed;
mod event;
mod identity;
mod kept;
pub mod kind;
#[cfg(test)]
mod tests;
mod window;

use alloc::vec::Vec;
use core::fmt;

use minicbor::{Decoder, Encode, Encoder};

pub use crate::strict::Malformed;
pub use enclosed::Enclosed;
pub use event::{
    Ahead, Checkpointed, CommandResult, Denial, DenialSummary, EdgeStarted, EdgeStopped,
    EpochStarted, Event, Intent, JournalAccepted, JournalRead, JournalRecovered, Outcome,
    PointValue, PolicyActivated, ReadSummary, RecordsRemoved, SessionEnded, SessionOpened,
    SinkProgress,
};
pub use identity::{
    Asserted, CertificateIssued, ClockAccepted, ClockDoubted, Enrolled, Enrolment,
    InvitationClosed, Invited, Measure, PostureChanged, RegisterKept, Reinstated, Restricted,
    Scope, TrustTakenUp,
};
pub use kept::{
    InvitationFate, KeptCertificate, KeptIdentity, KeptInvitation, KeptRestriction, KeptUse,
    RegisterEntry,
};
pub use window::{
    BreakGlassEnded, BreakGlassOpened, HoldAnswered, KeptApproval, KeptBreakGlass, KeptWindow,
    KeptWrites, WatchEnded, WatchOpened, WindowApproved, WindowEnd, WindowEnded, WindowRefused,
    WindowRequested, WriterTaken,
};

/// The version of the encoding written here, and the only one read.
pub const VERSION: u64 = 1;

/// One line of the journal.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    /// Its number: one more than that of the record before, from 1.
    pub sequence: u64,
    /// When, in ms since 1970 UTC, by the gateway's clock.
    pub time_ms: i64,
    /// What happened.
    pub event: Event,
}

/// The part of a record that is the same for every type, read without the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heading {
    /// The number of its type; see [`Event::kind`].
    pub kind: u64,
    /// Its sequence.
    pub sequence: u64,
    /// When, in ms since 1970 UTC.
    pub time_ms: i64,
}

impl Heading {
    /// Reads the heading alone, for whoever goes through many records and needs few of them
    /// whole. What follows it is not judged.
    pub fn decode(bytes: &[u8]) -> Result<Heading, Unreadable> {
        Heading::take(&mut Decoder::new(bytes))
    }

    /// The first field of the payload, where that is a number: the intent of an outcome, for
    /// one. Nothing else of the payload is judged.
    pub fn first_number(bytes: &[u8]) -> Option<u64> {
        let mut decoder = Decoder::new(bytes);
        Heading::take(&mut decoder).ok()?;
        decoder.array().ok()?;
        decoder.u64().ok()
    }

    /// The subject, the device and the function of an INTENT, without the rest of it, which is not
    /// judged: for whoever goes through millions of them.
    pub fn used(bytes: &[u8]) -> Option<(&str, &str, u8)> {
        let mut decoder = Decoder::new(bytes);
        let heading = Heading::take(&mut decoder).ok()?;
        if heading.kind != kind::INTENT {
            return None;
        }
        decoder.array().ok()?;
        decoder.skip().ok()?;
        let subject = decoder.str().ok()?;
        decoder.skip().ok()?;
        let device = decoder.str().ok()?;
        decoder.skip().ok()?;
        let function = decoder.bytes().ok()?.first().copied()?;
        Some((subject, device, function))
    }

    /// The window that an INTENT is counted against, likewise without the rest of it.
    pub fn window(bytes: &[u8]) -> Option<u64> {
        let mut decoder = Decoder::new(bytes);
        let heading = Heading::take(&mut decoder).ok()?;
        if heading.kind != kind::INTENT || decoder.array().ok()? != Some(Intent::FIELDS) {
            return None;
        }
        for _before in 1..Intent::FIELDS {
            decoder.skip().ok()?;
        }
        decoder.u64().ok()
    }

    fn take(decoder: &mut Decoder<'_>) -> Result<Heading, Unreadable> {
        if decoder.array()? != Some(5) {
            return Err(Unreadable::Malformed(Malformed::Shape(
                "a record is an array of five".into(),
            )));
        }
        let version = decoder.u64()?;
        if version != VERSION {
            return Err(Unreadable::Version(version));
        }
        Ok(Heading {
            kind: decoder.u64()?,
            sequence: decoder.u64()?,
            time_ms: decoder.i64()?,
        })
    }
}

/// Why bytes are not a record that this program can read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unreadable {
    /// Written in another version of the encoding.
    Version(u64),
    /// Of a type that this program does not know.
    Type(u64),
    /// Not a record at all.
    Malformed(Malformed),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::Version(version) => write!(
                f,
                "the record is of version {version} and this program reads version {VERSION}; read it with a newer Interlock"
            ),
            Unreadable::Type(kind) => write!(
                f,
                "the record is of type {kind}, which this program does not know; read it with a newer Interlock"
            ),
            Unreadable::Malformed(why) => write!(f, "the record is {why}"),
        }
    }
}

impl core::error::Error for Unreadable {}

impl From<minicbor::decode::Error> for Unreadable {
    fn from(error: minicbor::decode::Error) -> Unreadable {
        Unreadable::Malformed(error.into())
    }
}

impl Record {
    /// The one spelling of this record in bytes.
    pub fn encode(&self) -> Vec<u8> {
        crate::strict::to_bytes(self)
    }

    /// Reads a record. Version and type are judged first, so that a newer record is called
    /// newer and not broken.
    pub fn decode(bytes: &[u8]) -> Result<Record, Unreadable> {
        let mut decoder = Decoder::new(bytes);
        let heading = Heading::take(&mut decoder)?;
        let record = Record {
            sequence: heading.sequence,
            time_ms: heading.time_ms,
            event: Event::decode_payload(heading.kind, &mut decoder)?,
        };
        if record.encode() == bytes {
            Ok(record)
        } else {
            Err(Unreadable::Malformed(Malformed::Spelling))
        }
    }
}

impl<C> Encode<C> for Record {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(5)?
            .u64(VERSION)?
            .u64(self.event.kind())?
            .u64(self.sequence)?
            .i64(self.time_ms)?;
        match &self.event {
            Event::EdgeStarted(event) => event.encode(e, ctx),
            Event::EdgeStopped(event) => event.encode(e, ctx),
            Event::PolicyActivated(event) => event.encode(e, ctx),
            Event::SessionOpened(event) => event.encode(e, ctx),
            Event::SessionEnded(event) => event.encode(e, ctx),
            Event::Intent(event) => event.encode(e, ctx),
            Event::Outcome(event) => event.encode(e, ctx),
            Event::Denial(event) => event.encode(e, ctx),
            Event::DenialSummary(event) => event.encode(e, ctx),
            Event::ReadSummary(event) => event.encode(e, ctx),
            Event::JournalRead(event) => event.encode(e, ctx),
            Event::EpochStarted(event) => event.encode(e, ctx),
            Event::Checkpointed(event) => event.encode(e, ctx),
            Event::RecordsRemoved(event) => event.encode(e, ctx),
            Event::JournalRecovered(event) => event.encode(e, ctx),
            Event::JournalAccepted(event) => event.encode(e, ctx),
            Event::SinkProgress(event) => event.encode(e, ctx),
            Event::Invited(event) => event.encode(e, ctx),
            Event::InvitationClosed(event) => event.encode(e, ctx),
            Event::EnrolmentAsked(event) => event.encode(e, ctx),
            Event::Enrolled(event) => event.encode(e, ctx),
            Event::CertificateIssued(event) => event.encode(e, ctx),
            Event::Restricted(event) => event.encode(e, ctx),
            Event::Reinstated(event) => event.encode(e, ctx),
            Event::PostureChanged(event) => event.encode(e, ctx),
            Event::Asserted(event) => event.encode(e, ctx),
            Event::ClockDoubted(event) => event.encode(e, ctx),
            Event::ClockAccepted(event) => event.encode(e, ctx),
            Event::RegisterKept(event) => event.encode(e, ctx),
            Event::TrustTakenUp(event) => event.encode(e, ctx),
            Event::WindowRequested(event) => event.encode(e, ctx),
            Event::WindowApproved(event) => event.encode(e, ctx),
            Event::WindowRefused(event) => event.encode(e, ctx),
            Event::WindowEnded(event) => event.encode(e, ctx),
            Event::WatchOpened(event) => event.encode(e, ctx),
            Event::WatchEnded(event) => event.encode(e, ctx),
            Event::HoldAnswered(event) => event.encode(e, ctx),
            Event::WriterTaken(event) => event.encode(e, ctx),
            Event::BreakGlassOpened(event) => event.encode(e, ctx),
            Event::BreakGlassEnded(event) => event.encode(e, ctx),
        }
    }
}

impl Event {
    /// The number of the type on disk; never reused.
    pub fn kind(&self) -> u64 {
        match self {
            Event::EdgeStarted(_) => kind::EDGE_STARTED,
            Event::EdgeStopped(_) => kind::EDGE_STOPPED,
            Event::PolicyActivated(_) => kind::POLICY_ACTIVATED,
            Event::SessionOpened(_) => kind::SESSION_OPENED,
            Event::SessionEnded(_) => kind::SESSION_ENDED,
            Event::Intent(_) => kind::INTENT,
            Event::Outcome(_) => kind::OUTCOME,
            Event::Denial(_) => kind::DENIAL,
            Event::DenialSummary(_) => kind::DENIAL_SUMMARY,
            Event::ReadSummary(_) => kind::READ_SUMMARY,
            Event::JournalRead(_) => kind::JOURNAL_READ,
            Event::EpochStarted(_) => kind::EPOCH_STARTED,
            Event::Checkpointed(_) => kind::CHECKPOINTED,
            Event::RecordsRemoved(_) => kind::RECORDS_REMOVED,
            Event::JournalRecovered(_) => kind::JOURNAL_RECOVERED,
            Event::JournalAccepted(_) => kind::JOURNAL_ACCEPTED,
            Event::SinkProgress(_) => kind::SINK_PROGRESS,
            Event::Invited(_) => kind::INVITED,
            Event::InvitationClosed(_) => kind::INVITATION_CLOSED,
            Event::EnrolmentAsked(_) => kind::ENROLMENT_ASKED,
            Event::Enrolled(_) => kind::ENROLLED,
            Event::CertificateIssued(_) => kind::CERTIFICATE_ISSUED,
            Event::Restricted(_) => kind::RESTRICTED,
            Event::Reinstated(_) => kind::REINSTATED,
            Event::PostureChanged(_) => kind::POSTURE_CHANGED,
            Event::Asserted(_) => kind::ASSERTED,
            Event::ClockDoubted(_) => kind::CLOCK_DOUBTED,
            Event::ClockAccepted(_) => kind::CLOCK_ACCEPTED,
            Event::RegisterKept(_) => kind::REGISTER_KEPT,
            Event::TrustTakenUp(_) => kind::TRUST_TAKEN_UP,
            Event::WindowRequested(_) => kind::WINDOW_REQUESTED,
            Event::WindowApproved(_) => kind::WINDOW_APPROVED,
            Event::WindowRefused(_) => kind::WINDOW_REFUSED,
            Event::WindowEnded(_) => kind::WINDOW_ENDED,
            Event::WatchOpened(_) => kind::WATCH_OPENED,
            Event::WatchEnded(_) => kind::WATCH_ENDED,
            Event::HoldAnswered(_) => kind::HOLD_ANSWERED,
            Event::WriterTaken(_) => kind::WRITER_TAKEN,
            Event::BreakGlassOpened(_) => kind::BREAK_GLASS_OPENED,
            Event::BreakGlassEnded(_) => kind::BREAK_GLASS_ENDED,
        }
    }

    /// The name of the type, as people and filters see it.
    pub fn name(&self) -> &'static str {
        match self {
            Event::EdgeStarted(_) => "edge-started",
            Event::EdgeStopped(_) => "edge-stopped",
            Event::PolicyActivated(_) => "policy-activated",
            Event::SessionOpened(_) => "session-opened",
            Event::SessionEnded(_) => "session-ended",
            Event::Intent(_) => "intent",
            Event::Outcome(_) => "outcome",
            Event::Denial(_) => "denial",
            Event::DenialSummary(_) => "denial-summary",
            Event::ReadSummary(_) => "read-summary",
            Event::JournalRead(_) => "journal-read",
            Event::EpochStarted(_) => "epoch-started",
            Event::Checkpointed(_) => "checkpointed",
            Event::RecordsRemoved(_) => "records-removed",
            Event::JournalRecovered(_) => "journal-recovered",
            Event::JournalAccepted(_) => "journal-accepted",
            Event::SinkProgress(_) => "sink-progress",
            Event::Invited(_) => "invited",
            Event::InvitationClosed(_) => "invitation-closed",
            Event::EnrolmentAsked(_) => "enrolment-asked",
            Event::Enrolled(_) => "enrolled",
            Event::CertificateIssued(_) => "certificate-issued",
            Event::Restricted(_) => "restricted",
            Event::Reinstated(_) => "reinstated",
            Event::PostureChanged(_) => "posture-changed",
            Event::Asserted(_) => "asserted",
            Event::ClockDoubted(_) => "clock-doubted",
            Event::ClockAccepted(_) => "clock-accepted",
            Event::RegisterKept(_) => "register-kept",
            Event::TrustTakenUp(_) => "trust-taken-up",
            Event::WindowRequested(_) => "window-requested",
            Event::WindowApproved(_) => "window-approved",
            Event::WindowRefused(_) => "window-refused",
            Event::WindowEnded(_) => "window-ended",
            Event::WatchOpened(_) => "watch-opened",
            Event::WatchEnded(_) => "watch-ended",
            Event::HoldAnswered(_) => "hold-answered",
            Event::WriterTaken(_) => "writer-taken",
            Event::BreakGlassOpened(_) => "break-glass-opened",
            Event::BreakGlassEnded(_) => "break-glass-ended",
        }
    }

    fn decode_payload(kind: u64, decoder: &mut Decoder<'_>) -> Result<Event, Unreadable> {
        Ok(match kind {
            kind::EDGE_STARTED => Event::EdgeStarted(decoder.decode()?),
            kind::EDGE_STOPPED => Event::EdgeStopped(decoder.decode()?),
            kind::POLICY_ACTIVATED => Event::PolicyActivated(decoder.decode()?),
            kind::SESSION_OPENED => Event::SessionOpened(decoder.decode()?),
            kind::SESSION_ENDED => Event::SessionEnded(decoder.decode()?),
            kind::INTENT => Event::Intent(decoder.decode()?),
            kind::OUTCOME => Event::Outcome(decoder.decode()?),
            kind::DENIAL => Event::Denial(decoder.decode()?),
            kind::DENIAL_SUMMARY => Event::DenialSummary(decoder.decode()?),
            kind::READ_SUMMARY => Event::ReadSummary(decoder.decode()?),
            kind::JOURNAL_READ => Event::JournalRead(decoder.decode()?),
            kind::EPOCH_STARTED => Event::EpochStarted(decoder.decode()?),
            kind::CHECKPOINTED => Event::Checkpointed(decoder.decode()?),
            kind::RECORDS_REMOVED => Event::RecordsRemoved(decoder.decode()?),
            kind::JOURNAL_RECOVERED => Event::JournalRecovered(decoder.decode()?),
            kind::JOURNAL_ACCEPTED => Event::JournalAccepted(decoder.decode()?),
            kind::SINK_PROGRESS => Event::SinkProgress(decoder.decode()?),
            kind::INVITED => Event::Invited(decoder.decode()?),
            kind::INVITATION_CLOSED => Event::InvitationClosed(decoder.decode()?),
            kind::ENROLMENT_ASKED => Event::EnrolmentAsked(decoder.decode()?),
            kind::ENROLLED => Event::Enrolled(decoder.decode()?),
            kind::CERTIFICATE_ISSUED => Event::CertificateIssued(decoder.decode()?),
            kind::RESTRICTED => Event::Restricted(decoder.decode()?),
            kind::REINSTATED => Event::Reinstated(decoder.decode()?),
            kind::POSTURE_CHANGED => Event::PostureChanged(decoder.decode()?),
            kind::ASSERTED => Event::Asserted(decoder.decode()?),
            kind::CLOCK_DOUBTED => Event::ClockDoubted(decoder.decode()?),
            kind::CLOCK_ACCEPTED => Event::ClockAccepted(decoder.decode()?),
            kind::REGISTER_KEPT => Event::RegisterKept(decoder.decode()?),
            kind::TRUST_TAKEN_UP => Event::TrustTakenUp(decoder.decode()?),
            kind::WINDOW_REQUESTED => Event::WindowRequested(decoder.decode()?),
            kind::WINDOW_APPROVED => Event::WindowApproved(decoder.decode()?),
            kind::WINDOW_REFUSED => Event::WindowRefused(decoder.decode()?),
            kind::WINDOW_ENDED => Event::WindowEnded(decoder.decode()?),
            kind::WATCH_OPENED => Event::WatchOpened(decoder.decode()?),
            kind::WATCH_ENDED => Event::WatchEnded(decoder.decode()?),
            kind::HOLD_ANSWERED => Event::HoldAnswered(decoder.decode()?),
            kind::WRITER_TAKEN => Event::WriterTaken(decoder.decode()?),
            kind::BREAK_GLASS_OPENED => Event::BreakGlassOpened(decoder.decode()?),
            kind::BREAK_GLASS_ENDED => Event::BreakGlassEnded(decoder.decode()?),
            unknown => return Err(Unreadable::Type(unknown)),
        })
    }
}

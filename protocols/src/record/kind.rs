//! The numbers of the record types on disk, for whoever goes by a [`super::Heading`] alone. None is
//! ever used again for another type.

/// See [`super::Event::EdgeStarted`].
pub const EDGE_STARTED: u64 = 1;
/// See [`super::Event::EdgeStopped`].
pub const EDGE_STOPPED: u64 = 2;
/// See [`super::Event::PolicyActivated`].
pub const POLICY_ACTIVATED: u64 = 3;
/// See [`super::Event::SessionOpened`].
pub const SESSION_OPENED: u64 = 4;
/// See [`super::Event::SessionEnded`].
pub const SESSION_ENDED: u64 = 5;
/// See [`super::Event::Intent`].
pub const INTENT: u64 = 6;
/// See [`super::Event::Outcome`].
pub const OUTCOME: u64 = 7;
/// See [`super::Event::Denial`].
pub const DENIAL: u64 = 8;
/// See [`super::Event::DenialSummary`].
pub const DENIAL_SUMMARY: u64 = 9;
/// See [`super::Event::ReadSummary`].
pub const READ_SUMMARY: u64 = 10;
/// See [`super::Event::JournalRead`].
pub const JOURNAL_READ: u64 = 11;
/// See [`super::Event::EpochStarted`].
pub const EPOCH_STARTED: u64 = 12;
/// See [`super::Event::Checkpointed`].
pub const CHECKPOINTED: u64 = 13;
/// See [`super::Event::RecordsRemoved`].
pub const RECORDS_REMOVED: u64 = 14;
/// See [`super::Event::JournalRecovered`].
pub const JOURNAL_RECOVERED: u64 = 15;
/// See [`super::Event::JournalAccepted`].
pub const JOURNAL_ACCEPTED: u64 = 16;
/// See [`super::Event::SinkProgress`].
pub const SINK_PROGRESS: u64 = 17;
/// See [`super::Event::Invited`].
pub const INVITED: u64 = 18;
/// See [`super::Event::InvitationClosed`].
pub const INVITATION_CLOSED: u64 = 19;
/// See [`super::Event::EnrolmentAsked`].
pub const ENROLMENT_ASKED: u64 = 20;
/// See [`super::Event::Enrolled`].
pub const ENROLLED: u64 = 21;
/// See [`super::Event::CertificateIssued`].
pub const CERTIFICATE_ISSUED: u64 = 22;
/// See [`super::Event::Restricted`].
pub const RESTRICTED: u64 = 23;
/// See [`super::Event::Reinstated`].
pub const REINSTATED: u64 = 24;
/// See [`super::Event::PostureChanged`].
pub const POSTURE_CHANGED: u64 = 25;
/// See [`super::Event::Asserted`].
pub const ASSERTED: u64 = 26;
/// See [`super::Event::ClockDoubted`].
pub const CLOCK_DOUBTED: u64 = 27;
/// See [`super::Event::ClockAccepted`].
pub const CLOCK_ACCEPTED: u64 = 28;
/// See [`super::Event::RegisterKept`].
pub const REGISTER_KEPT: u64 = 29;
/// See [`super::Event::TrustTakenUp`].
pub const TRUST_TAKEN_UP: u64 = 30;
/// See [`super::Event::WindowRequested`].
pub const WINDOW_REQUESTED: u64 = 31;
/// See [`super::Event::WindowApproved`].
pub const WINDOW_APPROVED: u64 = 32;
/// See [`super::Event::WindowRefused`].
pub const WINDOW_REFUSED: u64 = 33;
/// See [`super::Event::WindowEnded`].
pub const WINDOW_ENDED: u64 = 34;
/// See [`super::Event::WatchOpened`].
pub const WATCH_OPENED: u64 = 35;
/// See [`super::Event::WatchEnded`].
pub const WATCH_ENDED: u64 = 36;
/// See [`super::Event::HoldAnswered`].
pub const HOLD_ANSWERED: u64 = 37;
/// See [`super::Event::WriterTaken`].
pub const WRITER_TAKEN: u64 = 38;
/// See [`super::Event::BreakGlassOpened`].
pub const BREAK_GLASS_OPENED: u64 = 39;
/// See [`super::Event::BreakGlassEnded`].
pub const BREAK_GLASS_ENDED: u64 = 40;
/// The greatest number that this program knows.
pub const LAST: u64 = BREAK_GLASS_ENDED;

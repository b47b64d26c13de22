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
/// The greatest number that this program knows.
pub const LAST: u64 = SINK_PROGRESS;

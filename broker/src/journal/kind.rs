//! Kinds of records, each with a budget of its own (I9): a flood of denials leaves room for
//! effects, in memory as on the disk.

use interlock_protocols::record::{Event, kind};

use crate::limits::{JOURNAL_QUEUE_MAX_BYTES, JOURNAL_QUEUE_MAX_RECORDS};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Commands with effect.
    Effect,
    /// Sessions, policies, the edge itself, the journal itself.
    Act,
    /// What is only told: denials and summaries.
    Telling,
    /// Bounded by the intents that are open, and refused by no budget (I4).
    Outcome,
    /// What was taken away, and holds already (I7): the record stays, whatever becomes of the
    /// disk and of who waits for it.
    Restraint,
}

impl Kind {
    pub(super) fn of(event: &Event) -> Kind {
        match event {
            Event::Intent(_) => Kind::Effect,
            Event::Outcome(_) => Kind::Outcome,
            Event::Denial(_) | Event::DenialSummary(_) | Event::ReadSummary(_) => Kind::Telling,
            Event::Restricted(_) => Kind::Restraint,
            Event::EdgeStarted(_)
            | Event::EdgeStopped(_)
            | Event::PolicyActivated(_)
            | Event::SessionOpened(_)
            | Event::SessionEnded(_)
            | Event::JournalRead(_)
            | Event::EpochStarted(_)
            | Event::Checkpointed(_)
            | Event::RecordsRemoved(_)
            | Event::JournalRecovered(_)
            | Event::JournalAccepted(_)
            | Event::SinkProgress(_)
            | Event::Invited(_)
            | Event::InvitationClosed(_)
            | Event::EnrolmentAsked(_)
            | Event::Enrolled(_)
            | Event::CertificateIssued(_)
            | Event::Reinstated(_)
            | Event::PostureChanged(_)
            | Event::Asserted(_)
            | Event::ClockDoubted(_)
            | Event::ClockAccepted(_)
            | Event::RegisterKept(_)
            | Event::TrustTakenUp(_)
            | Event::WindowRequested(_)
            | Event::WindowApproved(_)
            | Event::WindowRefused(_)
            | Event::WindowEnded(_)
            | Event::WatchOpened(_)
            | Event::WatchEnded(_)
            | Event::HoldAnswered(_)
            | Event::WriterTaken(_)
            | Event::BreakGlassOpened(_)
            | Event::BreakGlassEnded(_) => Kind::Act,
        }
    }

    /// The same by the number of a type on disk, for records that are not read whole.
    pub(super) fn is_telling(number: u64) -> bool {
        matches!(
            number,
            kind::DENIAL | kind::DENIAL_SUMMARY | kind::READ_SUMMARY
        )
    }
}

/// What waits of one kind.
#[derive(Default)]
pub(super) struct Load {
    records: usize,
    bytes: usize,
}

impl Load {
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.records < JOURNAL_QUEUE_MAX_RECORDS && self.bytes + bytes <= JOURNAL_QUEUE_MAX_BYTES
    }

    pub(super) fn add(&mut self, bytes: usize) {
        self.records += 1;
        self.bytes += bytes;
    }

    pub(super) fn take(&mut self, bytes: usize) {
        self.records = self.records.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// All five.
#[derive(Default)]
pub(super) struct Loads([Load; 5]);

impl Loads {
    pub(super) fn of(&mut self, kind: Kind) -> &mut Load {
        let [effects, acts, tellings, outcomes, restraints] = &mut self.0;
        match kind {
            Kind::Effect => effects,
            Kind::Act => acts,
            Kind::Telling => tellings,
            Kind::Outcome => outcomes,
            Kind::Restraint => restraints,
        }
    }
}

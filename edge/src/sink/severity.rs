//! How much a record should trouble whoever watches a collector.

use interlock_protocols::record::{CommandResult, Event};

/// Five degrees, which OCSF and syslog both have a number for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Severity {
    /// The day's work.
    Informational,
    /// Worth a line in a report.
    Low,
    /// Somebody tried what is not allowed.
    Medium,
    /// Somebody should look soon.
    High,
    /// Somebody should look now.
    Critical,
}

impl Severity {
    /// The severity of an event.
    pub(crate) fn of(event: &Event) -> Severity {
        match event {
            Event::Outcome(outcome) => match outcome.result {
                CommandResult::Answered { .. } => Severity::Informational,
                CommandResult::Exception { .. } | CommandResult::Withheld { .. } => Severity::Low,
                // Nobody knows what the machine did.
                CommandResult::Unknown { .. } => Severity::High,
            },
            Event::Denial(_) | Event::DenialSummary(_) => Severity::Medium,
            Event::PolicyActivated(_) | Event::EdgeStarted(_) | Event::EdgeStopped(_) => {
                Severity::Low
            }
            Event::RecordsRemoved(removed) if removed.why == "retention" => Severity::Informational,
            Event::RecordsRemoved(_) | Event::JournalRecovered(_) => Severity::High,
            // Part of the log was cut or replaced, and somebody said that this is well.
            Event::JournalAccepted(_) => Severity::Critical,
            // Somebody pulled a cord, or the gateway did by itself.
            Event::Restricted(_) | Event::ClockDoubted(_) | Event::ClockAccepted(_) => {
                Severity::High
            }
            // The glass is broken, or whole again.
            Event::BreakGlassOpened(_) => Severity::Critical,
            Event::BreakGlassEnded(_) => Severity::High,
            Event::Reinstated(_)
            | Event::TrustTakenUp(_)
            | Event::WindowApproved(_)
            | Event::HoldAnswered(_)
            | Event::WriterTaken(_) => Severity::Medium,
            // Whoever has the gateway's own disk made an administrator.
            Event::Invited(invited) if invited.session.is_none() => Severity::High,
            Event::Invited(_)
            | Event::InvitationClosed(_)
            | Event::EnrolmentAsked(_)
            | Event::Enrolled(_)
            | Event::PostureChanged(_)
            | Event::WindowRequested(_)
            | Event::WindowRefused(_)
            | Event::WindowEnded(_) => Severity::Low,
            Event::SessionOpened(_)
            | Event::SessionEnded(_)
            | Event::Intent(_)
            | Event::ReadSummary(_)
            | Event::JournalRead(_)
            | Event::EpochStarted(_)
            | Event::Checkpointed(_)
            | Event::SinkProgress(_)
            | Event::CertificateIssued(_)
            | Event::Asserted(_)
            | Event::WatchOpened(_)
            | Event::WatchEnded(_)
            | Event::RegisterKept(_) => Severity::Informational,
        }
    }

    /// `severity_id` of OCSF.
    pub(crate) const fn ocsf(self) -> u8 {
        match self {
            Severity::Informational => 1,
            Severity::Low => 2,
            Severity::Medium => 3,
            Severity::High => 4,
            Severity::Critical => 5,
        }
    }

    /// `severity` of OCSF.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Severity::Informational => "Informational",
            Severity::Low => "Low",
            Severity::Medium => "Medium",
            Severity::High => "High",
            Severity::Critical => "Critical",
        }
    }

    /// Severity of RFC 5424: informational, notice, warning, error, critical.
    pub(crate) const fn syslog(self) -> u8 {
        match self {
            Severity::Informational => 6,
            Severity::Low => 5,
            Severity::Medium => 4,
            Severity::High => 3,
            Severity::Critical => 2,
        }
    }
}

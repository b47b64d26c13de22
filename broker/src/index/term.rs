//! What a record can be found by.

use aws_lc_rs::digest::{SHA256, digest};
use interlock_protocols::conduit::{Decided, JournalQuery};
use interlock_protocols::record::{Event, PointValue, Scope, kind};

use crate::subject::path;

/// The fields that are searched. Numbers are on disk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Field {
    Subject = 1,
    Device = 2,
    Point = 3,
    Function = 4,
    Decision = 5,
    Session = 6,
    Kind = 7,
}

/// One field and a value of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Term {
    pub(super) field: Field,
    pub(super) value: Vec<u8>,
}

/// Texts up to here stand in keys as they are. Longer ones are hashed: whoever is denied may
/// have named a device at length.
const TEXT_MAX_BYTES: usize = 64;

impl Term {
    fn text(field: Field, text: &str) -> Term {
        let value = if text.len() <= TEXT_MAX_BYTES {
            text.as_bytes().to_vec()
        } else {
            // Judged in full on the record itself, so a short name that looks like it is harmless.
            digest(&SHA256, text.as_bytes()).as_ref().to_vec()
        };
        Term { field, value }
    }

    fn number(field: Field, number: u64) -> Term {
        Term {
            field,
            value: number.to_be_bytes().to_vec(),
        }
    }

    fn decision(decided: Decided) -> Term {
        let number = match decided {
            Decided::Allow => 1,
            Decided::Deny => 2,
        };
        Term::number(Field::Decision, number)
    }

    pub(super) fn kind(kind: u64) -> Term {
        Term::number(Field::Kind, kind)
    }

    /// What all outcomes have.
    pub(super) fn outcome() -> Term {
        Term::kind(kind::OUTCOME)
    }
}

/// What a record says of who, where and what, as far as its type says it.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Facts<'r> {
    /// Who.
    pub subject: Option<&'r str>,
    /// The device.
    pub device: Option<&'r str>,
    /// The points that it writes, or would have written.
    pub points: &'r [PointValue],
    /// Modbus function code.
    pub function: Option<u8>,
    /// What was decided.
    pub decision: Option<Decided>,
    /// The session.
    pub session: Option<u64>,
}

/// Reads a record's facts. Reads that were counted were allowed; what was decided about an
/// administrative act is told where it was denied.
pub fn facts(event: &Event) -> Facts<'_> {
    let of = |session: u64, subject| Facts {
        subject: Some(subject),
        session: Some(session),
        ..Facts::default()
    };
    let asked = |session, subject| Facts {
        subject: Some(subject),
        session,
        ..Facts::default()
    };
    match event {
        Event::PolicyActivated(it) => asked(it.session, it.by.as_str()),
        Event::SessionOpened(it) => of(it.session, it.subject.as_str()),
        Event::SessionEnded(it) => of(it.session, &it.subject),
        Event::JournalRead(it) => of(it.session, &it.subject),
        Event::JournalAccepted(it) => of(it.session, &it.subject),
        Event::Intent(it) => Facts {
            device: named(&it.device),
            points: &it.points,
            function: it.pdu.first().copied(),
            decision: Some(Decided::Allow),
            ..of(it.session, &it.subject)
        },
        Event::Denial(it) => Facts {
            device: named(&it.device),
            points: &it.points,
            function: it.pdu.first().copied(),
            decision: Some(Decided::Deny),
            ..of(it.session, &it.subject)
        },
        Event::DenialSummary(it) => Facts {
            device: named(&it.device),
            function: Some(it.function),
            decision: Some(Decided::Deny),
            ..of(it.session, &it.subject)
        },
        Event::ReadSummary(it) => Facts {
            device: named(&it.device),
            function: Some(it.function),
            decision: Some(Decided::Allow),
            ..of(it.session, &it.subject)
        },
        Event::Invited(it) => asked(it.session, &it.by),
        Event::InvitationClosed(it) => asked(it.session, &it.by),
        Event::EnrolmentAsked(it) => asked(None, &it.subject),
        Event::Enrolled(it) => asked(it.session, &it.enrolment.subject),
        Event::CertificateIssued(it) => asked(None, &it.subject),
        Event::Restricted(it) => Facts {
            device: match &it.scope {
                Scope::Device(device) => named(device),
                _ => None,
            },
            ..asked(it.session, &it.by)
        },
        Event::Reinstated(it) => of(it.session, &it.by),
        Event::PostureChanged(it) => of(it.session, &it.subject),
        Event::Asserted(it) => of(it.session, &it.subject),
        Event::ClockAccepted(it) => asked(None, &it.by),
        Event::WindowRequested(it) => of(it.session, &it.by),
        Event::WindowApproved(it) => of(it.session, &it.by),
        Event::WindowRefused(it) => of(it.session, &it.by),
        Event::WindowEnded(it) => Facts {
            // Time ends most of them, and is nobody.
            subject: named(&it.by),
            ..asked(it.session, &it.by)
        },
        Event::WatchOpened(it) => Facts {
            device: named(&it.device),
            ..of(it.session, &it.subject)
        },
        Event::WatchEnded(it) => of(it.session, &it.subject),
        Event::HoldAnswered(it) => Facts {
            device: named(&it.device),
            ..of(it.session, &it.by)
        },
        Event::WriterTaken(it) => Facts {
            device: named(&it.device),
            ..of(it.session, &it.subject)
        },
        Event::BreakGlassOpened(it) => of(it.session, &it.by),
        Event::BreakGlassEnded(_) => Facts::default(),
        Event::EdgeStarted(_)
        | Event::EdgeStopped(_)
        | Event::ClockDoubted(_)
        | Event::RegisterKept(_)
        | Event::TrustTakenUp(_)
        | Event::Outcome(_)
        | Event::EpochStarted(_)
        | Event::Checkpointed(_)
        | Event::RecordsRemoved(_)
        | Event::JournalRecovered(_)
        | Event::SinkProgress(_) => Facts::default(),
    }
}

/// What is denied to a session as a whole names no device.
fn named(device: &str) -> Option<&str> {
    Some(device).filter(|device| !device.is_empty())
}

/// All terms of a record, its kind apart.
pub(super) fn terms(facts: &Facts<'_>) -> Vec<Term> {
    let mut terms = Vec::new();
    terms.extend(facts.subject.map(|it| Term::text(Field::Subject, path(it))));
    terms.extend(facts.device.map(|it| Term::text(Field::Device, it)));
    for point in facts.points {
        terms.push(Term::text(Field::Point, &point.name));
    }
    terms.extend(
        facts
            .function
            .map(|it| Term::number(Field::Function, u64::from(it))),
    );
    terms.extend(facts.decision.map(Term::decision));
    terms.extend(facts.session.map(|it| Term::number(Field::Session, it)));
    terms
}

/// The terms that all answers have.
pub(super) fn wanted(query: &JournalQuery) -> Vec<Term> {
    let mut terms = Vec::new();
    terms.extend(query.session.map(|it| Term::number(Field::Session, it)));
    terms.extend(
        query
            .point
            .as_deref()
            .map(|it| Term::text(Field::Point, it)),
    );
    terms.extend(
        query
            .subject
            .as_deref()
            .map(|it| Term::text(Field::Subject, path(it))),
    );
    terms.extend(
        query
            .device
            .as_deref()
            .map(|it| Term::text(Field::Device, it)),
    );
    terms.extend(
        query
            .function
            .map(|it| Term::number(Field::Function, u64::from(it))),
    );
    terms.extend(query.decision.map(Term::decision));
    terms
}

//! Which records are wanted.

use interlock_broker::document::did_you_mean;
use interlock_broker::subject::SubjectId;
use interlock_protocols::conduit::{Decided, JournalQuery};
use interlock_protocols::modbus::FunctionCode;
use interlock_protocols::record::{Event, PointValue, Record};

use crate::failure::{Failure, Kind};

/// Whether the record itself matches. An outcome never does: it is told with its intent.
pub(super) fn matches(record: &Record, query: &JournalQuery) -> bool {
    let facts = Facts::of(&record.event);
    let wanted = |asked: &Option<String>, is: Option<&str>| {
        asked.as_deref().is_none_or(|asked| is == Some(asked))
    };
    !matches!(record.event, Event::Outcome(_))
        && record.sequence >= query.from
        && query.since_ms.is_none_or(|since| record.time_ms >= since)
        && query.until_ms.is_none_or(|until| record.time_ms < until)
        && wanted(&query.device, facts.device)
        && query.subject.as_deref().is_none_or(|asked| {
            facts
                .subject
                .is_some_and(|whole| whole == asked || short(whole) == asked)
        })
        && query.point.as_deref().is_none_or(|asked| {
            let mut names = facts.points.iter().map(|point| point.name.as_str());
            names.any(|name| name == asked)
        })
        && query
            .function
            .is_none_or(|asked| facts.function == Some(asked))
        && query
            .decision
            .is_none_or(|asked| facts.decision == Some(asked))
        && query
            .session
            .is_none_or(|asked| facts.session == Some(asked))
}

/// Whether only records about some session, device or command can match.
pub(super) fn narrows(query: &JournalQuery) -> bool {
    query.subject.is_some()
        || query.device.is_some()
        || query.point.is_some()
        || query.function.is_some()
        || query.decision.is_some()
        || query.session.is_some()
}

/// What a record can be found by.
#[derive(Default)]
struct Facts<'r> {
    session: Option<u64>,
    subject: Option<&'r str>,
    device: Option<&'r str>,
    function: Option<u8>,
    points: &'r [PointValue],
    decision: Option<Decided>,
}

impl<'r> Facts<'r> {
    fn of(event: &'r Event) -> Facts<'r> {
        let by = |session: u64, subject: &'r str| Facts {
            session: Some(session),
            subject: Some(subject),
            ..Facts::default()
        };
        match event {
            Event::Intent(intent) => Facts {
                device: Some(&intent.device),
                function: intent.pdu.first().copied(),
                points: &intent.points,
                decision: Some(Decided::Allow),
                ..by(intent.session, &intent.subject)
            },
            Event::Denial(denial) => Facts {
                device: Some(&denial.device)
                    .filter(|name| !name.is_empty())
                    .map(|s| s.as_str()),
                function: denial.pdu.first().copied(),
                points: &denial.points,
                decision: Some(Decided::Deny),
                ..by(denial.session, &denial.subject)
            },
            Event::DenialSummary(summary) => Facts {
                device: Some(&summary.device)
                    .filter(|name| !name.is_empty())
                    .map(|s| s.as_str()),
                function: Some(summary.function),
                decision: Some(Decided::Deny),
                ..by(summary.session, &summary.subject)
            },
            Event::ReadSummary(summary) => Facts {
                device: Some(&summary.device),
                function: Some(summary.function),
                decision: Some(Decided::Allow),
                ..by(summary.session, &summary.subject)
            },
            Event::SessionOpened(opened) => by(opened.session, &opened.subject),
            Event::SessionEnded(ended) => by(ended.session, &ended.subject),
            Event::JournalRead(read) => by(read.session, &read.subject),
            Event::JournalAccepted(accepted) => by(accepted.session, &accepted.subject),
            Event::PolicyActivated(activated) => Facts {
                session: activated.session,
                subject: Some(&activated.by),
                ..Facts::default()
            },
            Event::EdgeStarted(_)
            | Event::EdgeStopped(_)
            | Event::Outcome(_)
            | Event::EpochStarted(_)
            | Event::Checkpointed(_)
            | Event::RecordsRemoved(_)
            | Event::JournalRecovered(_)
            | Event::SinkProgress(_) => Facts::default(),
        }
    }
}

/// `person/olga` for `spiffe://waterworks/person/olga`: the site is the same on every line.
pub(super) fn short(subject: &str) -> String {
    SubjectId::parse(subject).map_or_else(|_| subject.to_owned(), |id| id.path().to_owned())
}

/// A function by its number or by the standard's name, however that is written.
pub(super) fn function(text: &str) -> Result<u8, Failure> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let number = match hexadecimal {
        Some(digits) => u8::from_str_radix(digits, 16),
        None => text.parse(),
    };
    if let Some(code) = number.ok().filter(|code| (1..0x80).contains(code)) {
        return Ok(code);
    }
    let name = text.trim().to_lowercase().replace([' ', '_'], "-");
    let names = FunctionCode::ALL.map(FunctionCode::name);
    let found = FunctionCode::ALL
        .into_iter()
        .find(|code| code.name() == name);
    found.map(FunctionCode::code).ok_or_else(|| {
        let meant = did_you_mean(&name, names).map_or(String::new(), |meant| meant + " ");
        Failure::new(
            Kind::Usage,
            format!("`{text}` is no Modbus function"),
            format!("{meant}write a number from 1 to 127, or a name such as write-single-register"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_by_number_or_name() {
        for (text, code) in [
            ("6", 6),
            ("0x10", 16),
            ("90", 90),
            ("write-single-register", 6),
            ("Write Single Register", 6),
            ("WRITE_MULTIPLE_COILS", 15),
        ] {
            assert_eq!(function(text), Ok(code), "{text}");
        }
        for text in ["0", "128", "0xFF", "", "write"] {
            assert_eq!(function(text).unwrap_err().kind(), Kind::Usage, "{text}");
        }
        let meant = function("write-single-registr").unwrap_err();
        assert!(meant.next().contains("write-single-register"), "{meant}");
    }
}

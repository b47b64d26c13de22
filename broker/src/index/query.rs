//! Whether a record answers a question, said once for the index, for a plain scan and for
//! whoever reads a copied journal.

use std::fmt::Write;

use interlock_protocols::conduit::{Decided, JournalQuery};
use interlock_protocols::record::{Event, Record};

use super::term::facts;
use crate::subject::path;

/// Whether `record` answers `query`, its order and its limit apart. Times are those of the
/// record itself, also where it counts what happened before. An outcome never does: it is told
/// with its intent.
pub fn matches(record: &Record, query: &JournalQuery) -> bool {
    if matches!(record.event, Event::Outcome(_)) || record.sequence < query.from {
        return false;
    }
    if query.since_ms.is_some_and(|since| record.time_ms < since)
        || query.until_ms.is_some_and(|until| record.time_ms >= until)
    {
        return false;
    }
    let facts = facts(&record.event);
    let is = |wanted: Option<&str>, is: Option<&str>| wanted.is_none() || wanted == is;
    let is_subject = |wanted: &str| {
        facts
            .subject
            .is_some_and(|subject| subject == wanted || path(subject) == wanted)
    };
    query.subject.as_deref().is_none_or(is_subject)
        && is(query.device.as_deref(), facts.device)
        && query
            .point
            .as_ref()
            .is_none_or(|wanted| facts.points.iter().any(|point| point.name == *wanted))
        && (query.function.is_none() || query.function == facts.function)
        && (query.decision.is_none() || query.decision == facts.decision)
        && (query.session.is_none() || query.session == facts.session)
}

/// What is asked, in words for the record of the asking, at most `most` bytes; `None` where
/// nothing narrows it. What a client wrote is quoted, and cut where it is long.
pub fn words(query: &JournalQuery, most: usize) -> Option<String> {
    let mut words = String::new();
    let mut say = |name: &str, value: String| {
        let gap = if words.is_empty() { "" } else { " " };
        // Writing to a String never fails.
        let _ = write!(words, "{gap}{name}={value}");
    };
    let quoted = |text: &String| format!("{text:?}");
    let decided = |decided: Decided| match decided {
        Decided::Allow => "allow".to_owned(),
        Decided::Deny => "deny".to_owned(),
    };
    let parts = [
        ("subject", query.subject.as_ref().map(quoted)),
        ("device", query.device.as_ref().map(quoted)),
        ("point", query.point.as_ref().map(quoted)),
        ("function", query.function.map(|it| it.to_string())),
        ("decision", query.decision.map(decided)),
        ("session", query.session.map(|it| it.to_string())),
        ("since_ms", query.since_ms.map(|it| it.to_string())),
        ("until_ms", query.until_ms.map(|it| it.to_string())),
        ("limit", query.limit.map(|it| it.to_string())),
        ("order", query.newest_first.then(|| "newest-first".into())),
        ("follow", query.follow.then(|| "yes".into())),
    ];
    for (name, value) in parts {
        if let Some(value) = value {
            say(name, value);
        }
    }
    if words.len() > most {
        let mut end = most.saturating_sub('…'.len_utf8());
        while !words.is_char_boundary(end) {
            end -= 1;
        }
        words.truncate(end);
        words.push('…');
    }
    (!words.is_empty()).then_some(words)
}

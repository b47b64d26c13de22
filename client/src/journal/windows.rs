//! What a listing tells of maintenance windows, of watching, and of break-glass.

use interlock_broker::subject::path;
use interlock_protocols::grant::{Grant, Span};
use interlock_protocols::record::{
    BreakGlassOpened, Event, HoldAnswered, WindowRequested, WriterTaken,
};
use jiff::tz::TimeZone;

use super::line::Line;
use super::words;
use crate::moment;

/// The lines of a screen; nothing for other events. Who and where stands in the line already.
pub(super) fn tell(line: &mut Line, event: &Event, zone: &TimeZone) -> Option<Vec<String>> {
    Some(match event {
        Event::WindowRequested(it) => requested(line, it, zone),
        Event::WindowApproved(it) => {
            line.window = Some(it.window);
            line.rules.clone_from(&it.policies);
            said(line, format!("approved window {}", it.window), &it.comment)
        }
        Event::WindowRefused(it) => {
            line.window = Some(it.window);
            line.reason = Some(it.comment.clone());
            said(line, format!("REFUSED window {}", it.window), &it.comment)
        }
        Event::WindowEnded(it) => {
            line.window = Some(it.window);
            // Time is nobody.
            line.subject = Some(it.by.clone()).filter(|by| !by.is_empty());
            vec![format!("window {} is {}", it.window, it.end.name())]
        }
        Event::WatchOpened(it) => {
            let how = if it.supervises {
                ", and supervises it"
            } else {
                ""
            };
            let what = match it.watched {
                Some(session) => format!("session {session}"),
                None => "the device".to_owned(),
            };
            vec![format!("watches {what}{how}")]
        }
        Event::WatchEnded(it) => {
            line.detail = Some(it.reason.clone());
            vec![format!("watches no longer: {}", it.reason)]
        }
        Event::HoldAnswered(it) => held(line, it),
        Event::WriterTaken(it) => taken(line, it),
        Event::BreakGlassOpened(it) => broken(line, it, zone),
        Event::BreakGlassEnded(it) => {
            line.window = Some(it.opened);
            line.count = Some(it.writes);
            line.detail = Some(it.reason.clone());
            vec![
                format!("BREAK-GLASS of record {} is over: {}", it.opened, it.reason),
                format!("it let {} commands with effect pass", it.writes),
            ]
        }
        _ => return None,
    })
}

fn requested(line: &mut Line, it: &WindowRequested, zone: &TimeZone) -> Vec<String> {
    line.window = Some(line.sequence);
    line.rules.clone_from(&it.policies);
    let extends = it
        .extends
        .map_or(String::new(), |window| format!(", extends window {window}"));
    let mut told = vec![format!(
        "asks for window {}: {}{extends}",
        line.sequence,
        it.points.join(", ")
    )];
    match Grant::read_unsigned(&it.grant) {
        Ok(grant) => {
            line.device = Some(grant.device.to_owned());
            told.push(times(&grant, zone));
            let mut how = format!("at most {} writes", grant.max_writes);
            if grant.spans().len() > 1 {
                how.push_str(" each time");
            }
            if grant.supervised {
                how.push_str(", supervised");
            }
            if grant.hold {
                how.push_str(", each write held");
            }
            let approvers = if grant.quorum == 1 {
                "approver"
            } else {
                "approvers"
            };
            told.push(format!("{how}; needs {} {approvers}", grant.quorum));
        }
        Err(error) => told.push(format!("its grant cannot be read: {error}")),
    }
    line.detail = Some(it.reason.clone());
    told.push(format!("\"{}\"", it.reason));
    told
}

/// From when to when, and how often.
pub(super) fn times(grant: &Grant<'_>, zone: &TimeZone) -> String {
    let minute = |ms: u64| moment::minute(i64::try_from(ms).unwrap_or(i64::MAX), zone);
    let one = |span: &Span| format!("{} to {}", minute(span.start_ms), minute(span.end_ms()));
    let mut spans = grant.spans();
    let first = spans.next().as_ref().map(one).unwrap_or_default();
    match spans.last() {
        None => first,
        Some(last) => format!(
            "{} times, from {first} until {}",
            grant.spans().len(),
            minute(last.end_ms())
        ),
    }
}

fn said(line: &mut Line, what: String, comment: &str) -> Vec<String> {
    if comment.is_empty() {
        return vec![what];
    }
    line.detail = Some(comment.to_owned());
    vec![what, format!("\"{comment}\"")]
}

fn held(line: &mut Line, it: &HoldAnswered) -> Vec<String> {
    line.window = Some(it.window);
    line.count = Some(it.asked);
    line.unit_id = Some(it.unit);
    line.command(&it.pdu, &it.points);
    let answer = if it.yes { "yes" } else { "NO" };
    let times = if it.asked == 1 {
        "once".to_owned()
    } else {
        format!("{} times", it.asked)
    };
    let mut told = vec![format!(
        "said {answer} to session {} in window {}",
        it.held, it.window
    )];
    told.extend(words::two_lines(it.unit, &it.pdu, &it.points));
    told.push(format!("it was asked {times}"));
    told
}

fn taken(line: &mut Line, it: &WriterTaken) -> Vec<String> {
    let Some(from) = it.from else {
        return vec!["alone may write".to_owned()];
    };
    line.detail = Some(it.from_subject.clone());
    let from_subject = path(&it.from_subject);
    vec![format!(
        "alone may write; TAKEN from {from_subject} in session {from}"
    )]
}

fn broken(line: &mut Line, it: &BreakGlassOpened, zone: &TimeZone) -> Vec<String> {
    line.window = Some(line.sequence);
    line.detail = Some(it.reason.clone());
    let mut told = vec![format!("BROKE THE GLASS: {}", it.points.join(", "))];
    match Grant::read(&it.grant) {
        Ok(grant) => {
            line.device = Some(grant.device.to_owned());
            let open = moment::rough(i64::from(grant.open_s).saturating_mul(1_000));
            told.push(format!(
                "open for {open}; sealed for {}",
                times(&grant, zone)
            ));
        }
        Err(error) => told.push(format!("its grant cannot be read: {error}")),
    }
    told.push(format!("\"{}\"", it.reason));
    told
}

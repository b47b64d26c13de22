//! A window as a listing shows it.

use interlock_broker::digits::hex;
use interlock_broker::subject::path;
use interlock_protocols::conduit::{WindowRow, WindowState};
use interlock_protocols::grant::{Functions, Grant, Span};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::functions;
use crate::moment;
use crate::screen::{Row, one_line};

/// One window. Programs depend on the keys: new ones come behind.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct WindowShown {
    pub(super) window: u64,
    pub(super) state: &'static str,
    by: String,
    device: String,
    points: Vec<String>,
    functions: Vec<&'static str>,
    starts: String,
    ends: String,
    times: usize,
    max_writes: u32,
    used: u32,
    supervised: bool,
    hold: bool,
    quorum: u8,
    approved_by: Vec<String>,
    asked: String,
    waits_until: String,
    reason: String,
    refusal: String,
    extends: Option<u64>,
    restriction: Option<u64>,
    grant_id: String,
    #[serde(skip)]
    here: Here,
}

/// What the table shows otherwise than programs want it.
#[derive(Clone, PartialEq, Debug)]
struct Here {
    state: String,
    when: String,
    what: Vec<String>,
}

impl WindowShown {
    pub(super) fn of(row: &WindowRow, now_ms: i64, zone: &TimeZone) -> WindowShown {
        let grant = Grant::read_unsigned(&row.grant).ok();
        let grant = grant.as_ref();
        let (starts_ms, ends_ms) = grant.map_or((0, 0), Grant::reach_ms);
        let quorum = grant.map_or(0, |grant| grant.quorum);
        let time = |ms: u64| moment::rfc3339(i64::try_from(ms).unwrap_or(i64::MAX));
        let writing = grant.map(writing).unwrap_or_default();
        let here = Here {
            state: state(row, grant),
            when: grant.map_or_else(|| "-".to_owned(), |grant| when(grant, now_ms, zone)),
            what: what(row, grant),
        };
        WindowShown {
            window: row.window,
            state: row.state.name(),
            by: row.by.clone(),
            device: grant.map_or_else(String::new, |grant| grant.device.to_owned()),
            points: row.points.clone(),
            functions: writing.iter().map(|function| function.name()).collect(),
            starts: time(starts_ms),
            ends: time(ends_ms),
            times: grant.map_or(0, |grant| grant.spans().len()),
            max_writes: grant.map_or(0, |grant| grant.max_writes),
            used: row.used,
            supervised: grant.is_some_and(|grant| grant.supervised),
            hold: grant.is_some_and(|grant| grant.hold),
            quorum,
            approved_by: approvers(row),
            asked: moment::rfc3339(row.asked_ms),
            waits_until: moment::rfc3339(row.waits_until_ms),
            reason: row.reason.clone(),
            refusal: row.refusal.clone(),
            extends: row.extends,
            restriction: row.restriction,
            grant_id: grant.map_or_else(String::new, |grant| hex(grant.id)),
            here,
        }
    }
}

fn approvers(row: &WindowRow) -> Vec<String> {
    let by = |approval: &interlock_protocols::record::KeptApproval| approval.approved.by.clone();
    row.approvals.iter().map(by).collect()
}

/// The functions with which a grant lets points be written.
pub(super) fn writing(grant: &Grant<'_>) -> Vec<interlock_protocols::modbus::FunctionCode> {
    let bits = grant.points().map(|point| point.functions);
    let mut all: Vec<_> = bits
        .flat_map(|functions| Functions::iter(functions).collect::<Vec<_>>())
        .collect();
    all.retain(|function| functions::writes(*function).is_some());
    all.sort_unstable();
    all.dedup();
    all
}

/// Where it stands, and what that hangs on.
fn state(row: &WindowRow, grant: Option<&Grant<'_>>) -> String {
    let name = row.state.name();
    let Some(grant) = grant else {
        return format!("{name}\n(unreadable)");
    };
    match row.state {
        WindowState::Pending | WindowState::Short => {
            format!("{name}\n{} of {}", row.approvals.len(), grant.quorum)
        }
        _ if row.approvals.is_empty() => name.to_owned(),
        _ => format!("{name}\n{} of {}", row.used, grant.max_writes),
    }
}

/// The span that it is in, or the next, or else the last; and how many there are.
pub(super) fn when(grant: &Grant<'_>, now_ms: i64, zone: &TimeZone) -> String {
    let ends = |span: &Span| i64::try_from(span.end_ms()).unwrap_or(i64::MAX);
    let next = grant.spans().find(|span| ends(span) > now_ms);
    let Some(span) = next.or_else(|| grant.spans().last()) else {
        return "-".to_owned();
    };
    let start_ms = i64::try_from(span.start_ms).unwrap_or(i64::MAX);
    let (start, end) = (
        moment::minute(start_ms, zone),
        moment::minute(ends(&span), zone),
    );
    // The date once, where it is the same.
    let end = match (start.split_once(' '), end.split_once(' ')) {
        (Some((day, _)), Some((same, time))) if day == same => time,
        _ => &end,
    };
    let many = match grant.spans().len() {
        1 => String::new(),
        all => format!("\n{all} times in all"),
    };
    format!("{start}\nto {end}{many}")
}

fn what(row: &WindowRow, grant: Option<&Grant<'_>>) -> Vec<String> {
    let mut lines = vec![row.points.join(", ")];
    if let Some(grant) = grant {
        let functions: Vec<&str> = writing(grant).into_iter().map(functions::short).collect();
        let mut how = match functions.as_slice() {
            [] => "reading alone".to_owned(),
            functions => format!("{}, at most {}", functions.join(", "), grant.max_writes),
        };
        if grant.supervised {
            how.push_str(", supervised");
        }
        if grant.hold {
            how.push_str(", each write held");
        }
        lines.push(how);
    }
    if let Some(extends) = row.extends {
        lines.push(format!("extends {extends}"));
    }
    lines.push(format!("\"{}\"", row.reason));
    if !row.refusal.is_empty() {
        lines.push(format!("refused: \"{}\"", row.refusal));
    }
    if let Some(restriction) = row.restriction {
        lines.push(format!("restriction {restriction}"));
    }
    lines.iter().map(|line| one_line(line)).collect()
}

impl Row for WindowShown {
    const HEADER: &'static [&'static str] = &["NUMBER", "STATE", "WHO", "WHEN", "WHAT"];

    const FIELDS: &'static [&'static str] = &[
        "window",
        "state",
        "by",
        "device",
        "points",
        "functions",
        "starts",
        "ends",
        "times",
        "max_writes",
        "used",
        "supervised",
        "hold",
        "quorum",
        "approved_by",
        "asked",
        "waits_until",
        "reason",
        "refusal",
        "extends",
        "restriction",
        "grant_id",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.window.to_string(),
            self.here.state.clone(),
            format!("{}\n{}", one_line(path(&self.by)), one_line(&self.device)),
            self.here.when.clone(),
            self.here.what.join("\n"),
        ]
    }

    fn fields(&self) -> Vec<String> {
        let number = |number: Option<u64>| number.map(|it| it.to_string()).unwrap_or_default();
        vec![
            self.window.to_string(),
            self.state.to_owned(),
            self.by.clone(),
            self.device.clone(),
            self.points.join(";"),
            self.functions.join(";"),
            self.starts.clone(),
            self.ends.clone(),
            self.times.to_string(),
            self.max_writes.to_string(),
            self.used.to_string(),
            self.supervised.to_string(),
            self.hold.to_string(),
            self.quorum.to_string(),
            self.approved_by.join(";"),
            self.asked.clone(),
            self.waits_until.clone(),
            self.reason.clone(),
            self.refusal.clone(),
            number(self.extends),
            number(self.restriction),
            self.grant_id.clone(),
        ]
    }
}

//! What was taken away, in words and as data.

use interlock_broker::subject::path;
use interlock_broker::wording;
use interlock_protocols::conduit::{Answer, OpenWrite, RestrictionRow};
use interlock_protocols::record::{Measure, Scope};
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::failure::{Failure, Kind};
use crate::moment;
use crate::screen::Row;
use interlock_broker::digits::hex;

/// What the gateway said when something was taken away.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Acknowledgement {
    restriction: Option<u64>,
    measure: &'static str,
    scope: String,
    durable: bool,
    sessions: Vec<u64>,
    open: Vec<Open>,
    /// A window is no session: whoever used it stays connected.
    #[serde(skip)]
    window: bool,
}

/// A command that was on its way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Open {
    intent: u64,
    session: u64,
    device: String,
    what: String,
}

impl From<OpenWrite> for Open {
    fn from(write: OpenWrite) -> Open {
        Open {
            intent: write.intent,
            session: write.session,
            device: write.device,
            what: write.what,
        }
    }
}

impl Acknowledgement {
    /// Of all parts of the answer.
    pub(super) fn of(
        measure: Measure,
        scope: &Scope,
        parts: Vec<Answer>,
    ) -> Result<Acknowledgement, Failure> {
        let mut whole: Option<Acknowledgement> = None;
        for part in parts {
            let Answer::Restricted(part) = part else {
                continue;
            };
            let whole = whole.get_or_insert_with(|| Acknowledgement {
                restriction: part.restriction,
                measure: measure.name(),
                scope: wording::scope(scope),
                durable: part.durable,
                sessions: Vec::new(),
                open: Vec::new(),
                window: matches!(scope, Scope::Window(_)),
            });
            whole.sessions.extend(part.sessions);
            whole.open.extend(part.open.into_iter().map(Open::from));
        }
        whole.ok_or_else(|| {
            Failure::new(
                Kind::Failed,
                "the gateway sent an answer without an acknowledgement",
                "`interlock restrictions` says whether it holds",
            )
        })
    }

    pub(super) fn is_durable(&self) -> bool {
        self.durable
    }

    /// Some lines for a person in a hurry: what holds first, what may still happen next.
    pub(super) fn words(&self) -> String {
        let done = match self.measure {
            "revoke" => "revoked",
            "freeze" => "frozen",
            "isolate" => "isolated",
            _ => "downgraded",
        };
        let numbered = match self.restriction {
            Some(number) => format!("restriction {number}"),
            None => "a restriction without a number".to_owned(),
        };
        let mut lines = vec![format!("{} {done}: {numbered}", capital(&self.scope))];
        if !self.durable {
            lines.push("NOT DURABLE: it holds, and is not on the gateway's disk".to_owned());
        }
        let sessions: Vec<String> = self.sessions.iter().map(u64::to_string).collect();
        lines.push(match (sessions.as_slice(), self.measure) {
            ([], _) => "no session was met".to_owned(),
            (met, "revoke") if self.window => format!("sessions that used it: {}", met.join(", ")),
            (met, "revoke") => format!("ended sessions: {}", met.join(", ")),
            (met, _) => format!("sessions that lost it: {}", met.join(", ")),
        });
        if self.open.is_empty() {
            lines.push("no command with effect was on its way".to_owned());
        } else {
            lines.push(
                "ON THEIR WAY before it held, outcome open (read the values back):".to_owned(),
            );
        }
        for open in &self.open {
            let Open {
                intent,
                session,
                device,
                what,
            } = open;
            lines.push(format!(
                "  record {intent}, session {session}: {device}: {what}"
            ));
        }
        lines.join("\n") + "\n"
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

impl Row for Acknowledgement {
    const HEADER: &'static [&'static str] = &[
        "RESTRICTION",
        "MEASURE",
        "SCOPE",
        "DURABLE",
        "SESSIONS",
        "OPEN",
    ];

    fn cells(&self) -> Vec<String> {
        let number = self.restriction;
        let sessions: Vec<String> = self.sessions.iter().map(u64::to_string).collect();
        let open: Vec<String> = self.open.iter().map(|it| it.intent.to_string()).collect();
        vec![
            number.map_or_else(String::new, |number| number.to_string()),
            self.measure.to_owned(),
            self.scope.clone(),
            self.durable.to_string(),
            sessions.join(" "),
            open.join(" "),
        ]
    }
}

/// One restriction that holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct RestrictionLine {
    /// `None` where it has no record.
    restriction: Option<u64>,
    measure: &'static str,
    scope: String,
    machine: String,
    device_key: Option<String>,
    by: String,
    reason: String,
    since: String,
    #[serde(skip)]
    since_here: String,
}

impl RestrictionLine {
    pub(super) fn of(row: RestrictionRow, zone: &TimeZone) -> RestrictionLine {
        RestrictionLine {
            restriction: (row.restriction != 0).then_some(row.restriction),
            measure: row.measure.name(),
            scope: wording::scope(&row.scope),
            device_key: match &row.scope {
                Scope::Machine(key) => Some(hex(key)),
                _ => None,
            },
            machine: row.machine,
            by: path(&row.by).to_owned(),
            reason: row.reason,
            since: moment::rfc3339(row.since_ms),
            since_here: moment::minute(row.since_ms, zone),
        }
    }
}

impl Row for RestrictionLine {
    const HEADER: &'static [&'static str] = &["NUMBER", "WHAT", "FROM", "BY", "SINCE", "REASON"];

    fn cells(&self) -> Vec<String> {
        let number = self.restriction;
        let scope = match self.machine.as_str() {
            "" => self.scope.clone(),
            machine => format!("{} ({machine})", self.scope),
        };
        vec![
            number.map_or_else(|| "NOT DURABLE".to_owned(), |number| number.to_string()),
            self.measure.to_owned(),
            scope,
            self.by.clone(),
            self.since_here.clone(),
            self.reason.clone(),
        ]
    }
}

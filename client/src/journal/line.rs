//! One line of the command log.

use interlock_broker::subject::SubjectId;
use interlock_protocols::modbus::ExceptionCode;
use interlock_protocols::record::{CommandResult, Denial, Event, Outcome, Record};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::words;
use crate::moment;
use crate::screen::Row;

/// What happened, in the same columns for every kind of record.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Line {
    pub(super) sequence: u64,
    time: String,
    kind: &'static str,
    session: Option<u64>,
    subject: Option<String>,
    device: Option<String>,
    unit_id: Option<u8>,
    table: Option<&'static str>,
    what: String,
    decision: Option<&'static str>,
    reason: Option<String>,
    rules: Vec<String>,
    result: Option<String>,
    latency_us: Option<u64>,
    count: Option<u64>,
    #[serde(skip)]
    time_here: String,
}

impl Line {
    /// The line of a record; an outcome has one of its own only where its intent is not shown.
    pub(super) fn of(record: &Record, zone: &TimeZone) -> Line {
        let mut line = Line {
            sequence: record.sequence,
            time: moment::rfc3339(record.time_ms),
            kind: "",
            session: None,
            subject: None,
            device: None,
            unit_id: None,
            table: None,
            what: String::new(),
            decision: None,
            reason: None,
            rules: Vec::new(),
            result: None,
            latency_us: None,
            count: None,
            time_here: moment::exact(record.time_ms, zone),
        };
        match &record.event {
            Event::Intent(_)
            | Event::Outcome(_)
            | Event::Denial(_)
            | Event::DenialSummary(_)
            | Event::ReadSummary(_) => line.command(&record.event),
            _ => line.occurrence(&record.event, zone),
        }
        line
    }

    fn command(&mut self, event: &Event) {
        match event {
            Event::Intent(intent) => {
                self.kind = "command";
                self.by(intent.session, &intent.subject);
                self.at(&intent.device, Some(intent.unit));
                self.what = words::command(&intent.pdu, &intent.points);
                self.decision = Some("allow");
                self.rules.clone_from(&intent.policies);
                self.result = Some("open".to_owned());
            }
            Event::Outcome(outcome) => {
                self.kind = "outcome";
                self.what = format!("outcome of {}", outcome.intent);
                self.ended(outcome);
            }
            Event::Denial(denial) => {
                self.kind = "denial";
                self.by(denial.session, &denial.subject);
                self.at(&denial.device, Some(denial.unit));
                self.what = denied_act(denial);
                self.denied(&denial.reason, &denial.policies);
                let wire = denial.exception.map_or_else(
                    || "connection closed".to_owned(),
                    |code| format!("exception {code:02X}"),
                );
                self.result = Some(format!("{} ({wire})", denial.detail));
            }
            Event::DenialSummary(summary) => {
                self.kind = "denial-summary";
                self.by(summary.session, &summary.subject);
                self.at(&summary.device, None);
                let (first, last) = (summary.first, summary.last);
                self.what = words::summary(summary.function, summary.table, first, last);
                self.table = words::table_name(summary.table);
                self.denied(&summary.reason, &[]);
                self.counted(summary.count, "more", summary.first_ms, summary.last_ms);
            }
            Event::ReadSummary(summary) => {
                self.kind = "read-summary";
                self.by(summary.session, &summary.subject);
                self.at(&summary.device, Some(summary.unit));
                let (first, last) = (summary.first, summary.last);
                self.what = words::summary(summary.function, summary.table, first, last);
                self.table = words::table_name(summary.table);
                self.decision = Some("allow");
                self.counted(summary.count, "times", summary.first_ms, summary.last_ms);
                if summary.failed > 0
                    && let Some(result) = &mut self.result
                {
                    result.push_str(&format!(", {} failed", summary.failed));
                }
            }
            _ => {}
        }
    }

    fn occurrence(&mut self, event: &Event, zone: &TimeZone) {
        match event {
            Event::EdgeStarted(started) => {
                self.kind = "edge-started";
                self.what = format!("edge {} started ({})", started.gateway, started.version);
            }
            Event::EdgeStopped(stopped) => {
                self.kind = "edge-stopped";
                self.what = format!("edge {} stopped", stopped.gateway);
            }
            Event::PolicyActivated(activated) => {
                self.kind = "policy-activated";
                self.session = activated.session;
                self.subject = Some(activated.by.clone());
                let digest = activated.digest.iter().take(6);
                let digest: String = digest.map(|byte| format!("{byte:02x}")).collect();
                self.what = format!("policy {digest}… put in force");
                self.result = Some(format!("{} cases passed", activated.cases));
            }
            Event::SessionOpened(opened) => {
                self.kind = "session-opened";
                self.by(opened.session, &opened.subject);
                self.what = format!(
                    "session {} from {} in groups [{}], certificate ends {}",
                    opened.session,
                    opened.peer,
                    opened.groups.join(", "),
                    moment::minute(opened.certificate_ends_ms, zone)
                );
            }
            Event::SessionEnded(ended) => {
                self.kind = "session-ended";
                self.by(ended.session, &ended.subject);
                self.what = format!("session {} ended: {}", ended.session, ended.reason);
            }
            Event::JournalRead(read) => {
                self.kind = "journal-read";
                self.by(read.session, &read.subject);
                self.what = format!("journal read from record {}", read.from);
            }
            _ => {}
        }
    }

    /// Puts what became of a command into its line.
    pub(super) fn ended(&mut self, outcome: &Outcome) {
        // What was never sent, or never answered, has no latency.
        self.latency_us = match &outcome.result {
            CommandResult::Answered { .. } | CommandResult::Exception { .. } => {
                Some(outcome.latency_us)
            }
            CommandResult::Withheld { .. } | CommandResult::Unknown { .. } => None,
        };
        self.result = Some(match &outcome.result {
            CommandResult::Answered { .. } => "done".to_owned(),
            CommandResult::Exception { code } => {
                format!("device refused: {}", ExceptionCode::from_code(*code))
            }
            CommandResult::Withheld { reason } => format!("WITHHELD, never sent: {reason}"),
            CommandResult::Unknown { why } => format!("OUTCOME UNKNOWN: {why}"),
        });
    }

    /// Whether it is of this device; what is of no device is of none.
    pub(super) fn is_of_device(&self, device: &str) -> bool {
        self.device.as_deref() == Some(device)
    }

    /// Whether it is of this subject, given whole or as `person/NAME`.
    pub(super) fn is_of_subject(&self, subject: &str) -> bool {
        self.subject
            .as_deref()
            .is_some_and(|whole| whole == subject || short(whole) == subject)
    }

    fn by(&mut self, session: u64, subject: &str) {
        self.session = Some(session);
        self.subject = Some(subject.to_owned());
    }

    fn at(&mut self, device: &str, unit: Option<u8>) {
        self.device = Some(device.to_owned());
        self.unit_id = unit;
    }

    fn denied(&mut self, reason: &str, rules: &[String]) {
        self.decision = Some("deny");
        self.reason = Some(reason.to_owned());
        self.rules = rules.to_vec();
    }

    fn counted(&mut self, count: u64, what: &str, first_ms: i64, last_ms: i64) {
        self.count = Some(count);
        let span = moment::rough(last_ms.saturating_sub(first_ms));
        self.result = Some(match (count, what) {
            (1, "times") => "once".to_owned(),
            _ => format!("{count} {what} in {span}"),
        });
    }
}

/// What was denied: a command, or what comes before any command and so has no bytes.
fn denied_act(denial: &Denial) -> String {
    if !denial.pdu.is_empty() {
        words::command(&denial.pdu, &denial.points)
    } else if denial.reason == "not-modbus" {
        "bytes that are no Modbus/TCP".to_owned()
    } else if denial.device.is_empty() {
        "an act on the site".to_owned()
    } else {
        "open a conversation".to_owned()
    }
}

/// `person/olga` for `spiffe://waterworks/person/olga`: the site is the same on every line.
fn short(subject: &str) -> String {
    SubjectId::parse(subject).map_or_else(|_| subject.to_owned(), |id| id.path().to_owned())
}

impl Row for Line {
    const HEADER: &'static [&'static str] = &[
        "SEQ", "TIME", "WHO", "DEVICE", "WHAT", "DECISION", "RULE", "RESULT", "LATENCY",
    ];

    fn cells(&self) -> Vec<String> {
        let or_dash = |text: Option<String>| {
            text.filter(|text| !text.is_empty())
                .unwrap_or_else(|| "-".to_owned())
        };
        let decision = match (self.decision, &self.reason) {
            (Some(decision), Some(reason)) => Some(format!("{decision}: {reason}")),
            (decision, _) => decision.map(str::to_owned),
        };
        vec![
            self.sequence.to_string(),
            self.time_here.clone(),
            or_dash(self.subject.as_deref().map(short)),
            or_dash(self.device.clone()),
            self.what.clone(),
            or_dash(decision),
            or_dash(Some(self.rules.join(", "))),
            or_dash(self.result.clone()),
            or_dash(self.latency_us.map(latency)),
        ]
    }
}

fn latency(us: u64) -> String {
    format!("{}.{:03} ms", us / 1_000, us % 1_000)
}

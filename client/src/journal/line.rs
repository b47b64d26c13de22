//! One line of the command log: the same keys for every kind of record. Programs depend on the
//! keys: none is renamed or removed, and new ones come behind.

use interlock_protocols::modbus::{Area, ExceptionCode};
use interlock_protocols::record::{
    CommandResult, Denial, DenialSummary, Event, Intent, Outcome, PointValue, ReadSummary, Record,
};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::join::Origin;
use super::occurrence;
use super::words;
use crate::moment;
use crate::point::table_of;

/// What happened.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub(crate) struct Line {
    pub(super) sequence: u64,
    pub(super) time: String,
    pub(super) kind: &'static str,
    pub(super) session: Option<u64>,
    pub(super) subject: Option<String>,
    pub(super) device: Option<String>,
    pub(super) unit_id: Option<u8>,
    pub(super) table: Option<&'static str>,
    pub(super) what: String,
    pub(super) decision: Option<&'static str>,
    pub(super) reason: Option<String>,
    pub(super) rules: Vec<String>,
    pub(super) result: Option<String>,
    pub(super) latency_us: Option<u64>,
    pub(super) count: Option<u64>,
    /// Address and port they came from.
    pub(super) peer: Option<String>,
    /// SHA-256 of their certificate.
    pub(super) certificate: Option<String>,
    pub(super) function: Option<String>,
    pub(super) function_code: Option<u8>,
    /// From 0, as on the wire.
    pub(super) first_address: Option<u16>,
    pub(super) last_address: Option<u16>,
    pub(super) points: Vec<PointLine>,
    /// What is written, as on the wire.
    pub(super) raw: Option<String>,
    pub(super) request_pdu: Option<String>,
    pub(super) detail: Option<String>,
    /// `open`, `answered`, `exception`, `withheld` or `unknown`.
    pub(super) outcome: Option<&'static str>,
    pub(super) answer_pdu: Option<String>,
    /// Code of the exception that the device gave, or that the client was given.
    pub(super) exception: Option<u8>,
    pub(super) failed: Option<u64>,
    pub(super) first_time: Option<String>,
    pub(super) last_time: Option<String>,
    /// The maintenance window that it is about or counted against, or the record that opened
    /// break-glass.
    pub(super) window: Option<u64>,
    /// For a screen: time and date here, and what happened.
    #[serde(skip)]
    pub(super) time_here: String,
    #[serde(skip)]
    pub(super) told: Vec<String>,
    #[serde(skip)]
    pub(super) housekeeping: bool,
}

/// A named point that a command touches.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct PointLine {
    pub(super) name: String,
    pub(super) value: Option<f64>,
    pub(super) unit: String,
    pub(super) before: Option<f64>,
    pub(super) before_age_ms: Option<u64>,
}

impl Line {
    /// The line of a record; an outcome has one of its own only where its intent is not shown.
    pub(super) fn of(record: &Record, zone: &TimeZone) -> Line {
        let mut line = Line {
            sequence: record.sequence,
            time: moment::rfc3339(record.time_ms),
            kind: record.event.name(),
            time_here: moment::stacked(record.time_ms, zone),
            ..Line::default()
        };
        match &record.event {
            Event::Intent(intent) => line.intent(intent),
            Event::Outcome(outcome) => {
                line.what = format!("outcome of {}", outcome.intent);
                line.told = vec![line.what.clone()];
                line.ended(outcome);
            }
            Event::Denial(denial) => line.denial(denial),
            Event::DenialSummary(summary) => line.denials(summary),
            Event::ReadSummary(summary) => line.reads(summary),
            event => occurrence::tell(&mut line, event, zone),
        }
        if line.what.is_empty() {
            line.what = line.told.join("; ");
        }
        line
    }

    fn intent(&mut self, intent: &Intent) {
        self.kind = "command";
        self.by(intent.session, &intent.subject);
        self.at(&intent.device, Some(intent.unit));
        self.command(&intent.pdu, &intent.points);
        self.what = words::command(&intent.pdu, &intent.points);
        self.told = words::two_lines(intent.unit, &intent.pdu, &intent.points);
        self.decision = Some("allow");
        self.rules.clone_from(&intent.policies);
        self.window = intent.window;
        self.result = Some("open".to_owned());
        self.outcome = Some("open");
    }

    fn denial(&mut self, denial: &Denial) {
        self.by(denial.session, &denial.subject);
        self.at(&denial.device, Some(denial.unit));
        self.command(&denial.pdu, &denial.points);
        self.what = denied_act(denial);
        self.told = if denial.pdu.is_empty() {
            vec![self.what.clone()]
        } else {
            words::two_lines(denial.unit, &denial.pdu, &denial.points)
        };
        self.denied(&denial.reason, &denial.policies);
        let wire = denial.exception.map_or_else(
            || "connection closed".to_owned(),
            |code| format!("exception {code:02X}"),
        );
        self.result = Some(format!("{} ({wire})", denial.detail));
        self.detail = Some(denial.detail.clone());
        self.exception = denial.exception;
    }

    fn denials(&mut self, summary: &DenialSummary) {
        self.by(summary.session, &summary.subject);
        self.at(&summary.device, None);
        let (first, last) = (summary.first, summary.last);
        self.summed(summary.function, summary.table, first, last);
        self.denied(&summary.reason, &[]);
        self.counted(summary.count, "more", summary.first_ms, summary.last_ms);
    }

    fn reads(&mut self, summary: &ReadSummary) {
        self.by(summary.session, &summary.subject);
        self.at(&summary.device, Some(summary.unit));
        let (first, last) = (summary.first, summary.last);
        self.summed(summary.function, summary.table, first, last);
        self.decision = Some("allow");
        self.counted(summary.count, "times", summary.first_ms, summary.last_ms);
        self.failed = Some(summary.failed);
        if summary.failed > 0
            && let Some(result) = &mut self.result
        {
            result.push_str(&format!(", {} failed", summary.failed));
        }
    }

    /// Whether it is about the log itself, and tells of nobody's acts.
    pub(crate) fn is_housekeeping(&self) -> bool {
        self.housekeeping
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
        let (code, result) = match &outcome.result {
            CommandResult::Answered { pdu } => {
                self.answer_pdu = Some(words::hex(pdu));
                ("answered", "done".to_owned())
            }
            CommandResult::Exception { code } => {
                self.exception = Some(*code);
                let said = ExceptionCode::from_code(*code);
                ("exception", format!("device refused: {said}"))
            }
            CommandResult::Withheld { reason } => {
                ("withheld", format!("WITHHELD, never sent: {reason}"))
            }
            CommandResult::Unknown { why } => ("unknown", format!("OUTCOME UNKNOWN: {why}")),
        };
        self.outcome = Some(code);
        self.result = Some(result);
    }

    /// Says from where the one came whose line it is.
    pub(super) fn from(&mut self, origin: &Origin) {
        self.peer = Some(origin.peer.clone());
        self.certificate = Some(words::hex(&origin.certificate));
    }

    pub(super) fn by(&mut self, session: u64, subject: &str) {
        self.session = Some(session);
        self.subject = Some(subject.to_owned());
    }

    fn at(&mut self, device: &str, unit: Option<u8>) {
        // An act on the site is of no device.
        self.device = Some(device.to_owned()).filter(|name| !name.is_empty());
        self.unit_id = unit.filter(|_| self.device.is_some());
    }

    pub(super) fn command(&mut self, pdu: &[u8], points: &[PointValue]) {
        self.points = points.iter().map(PointLine::of).collect();
        let Some(code) = pdu.first().copied() else {
            return;
        };
        self.request_pdu = Some(words::hex(pdu));
        self.does(code);
        if let Some((area, raw)) = words::place(pdu) {
            self.touches(area);
            self.raw = raw;
        }
    }

    fn summed(&mut self, function: u8, table: Option<u8>, first: u16, last: u16) {
        self.what = words::summary(function, table, first, last);
        self.told = vec![self.what.clone()];
        // Nought stands for many functions, summed up together.
        if function > 0 {
            self.does(function);
        }
        if let Some(table) = table.and_then(table_of) {
            self.table = Some(table.name());
            (self.first_address, self.last_address) = (Some(first), Some(last));
        }
    }

    fn does(&mut self, code: u8) {
        self.function = Some(words::function(code));
        self.function_code = Some(code);
    }

    fn touches(&mut self, area: Area) {
        self.table = Some(area.table.name());
        self.first_address = Some(area.range.first().value());
        self.last_address = Some(area.range.last().value());
    }

    fn denied(&mut self, reason: &str, rules: &[String]) {
        self.decision = Some("deny");
        self.reason = Some(reason.to_owned());
        self.rules = rules.to_vec();
    }

    fn counted(&mut self, count: u64, what: &str, first_ms: i64, last_ms: i64) {
        self.count = Some(count);
        self.first_time = Some(moment::rfc3339(first_ms));
        self.last_time = Some(moment::rfc3339(last_ms));
        let span = moment::rough(last_ms.saturating_sub(first_ms));
        self.result = Some(match (count, what) {
            (1, "times") => "once".to_owned(),
            _ => format!("{count} {what} in {span}"),
        });
    }
}

impl PointLine {
    fn of(point: &PointValue) -> PointLine {
        PointLine {
            name: point.name.clone(),
            value: point.value,
            unit: point.unit.clone(),
            before: point.before,
            before_age_ms: point.before_age_ms,
        }
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

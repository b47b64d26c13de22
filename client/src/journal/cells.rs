//! A line of the log as people see it, and as a row of CSV.

use super::filter::short;
use super::line::{Line, PointLine};
use crate::point::number;
use crate::screen::{Row, one_line};

impl Line {
    /// Who, and as far down as there is room beside what happened: from where, and by which
    /// certificate.
    fn who(&self, room: usize) -> Vec<String> {
        let subject = self.subject.as_deref().map(short);
        let certificate = self.certificate.as_deref();
        let certificate = certificate.map(|hex| format!("cert {}", hex.get(..12).unwrap_or(hex)));
        let lines = [subject, self.peer.clone(), certificate];
        let lines = lines.into_iter().flatten().take(room);
        lines.map(|line| one_line(&line)).collect()
    }

    /// What happened; then how it was decided, and what came of it.
    fn what(&self) -> Vec<String> {
        let mut told = self.told.clone();
        if let (Some(device), Some(first)) = (&self.device, told.first_mut()) {
            *first = format!("{device}: {first}");
        }
        let by = match self.rules.as_slice() {
            [] => String::new(),
            rules => format!(" by {}", rules.join(", ")),
        };
        let within = match (self.decision, self.window) {
            (Some(_), Some(window)) => format!(" in window {window}"),
            _ => String::new(),
        };
        let result = self.result.clone().unwrap_or_default();
        let result = match self.latency_us {
            Some(us) => format!("{result}, {}", latency(us)),
            None => result,
        };
        match (self.decision, &self.reason) {
            (Some("deny"), reason) => {
                let reason = reason.as_deref().unwrap_or_default();
                told.push(format!("DENIED {reason}{by}"));
                told.push(result);
            }
            (Some(_), _) => told.push(format!("allowed{by}{within}: {result}")),
            (None, _) => told.push(result),
        }
        told.retain(|line| !line.is_empty());
        told.iter().map(|line| one_line(line)).collect()
    }
}

impl Row for Line {
    const HEADER: &'static [&'static str] = &["SEQ", "TIME", "WHO", "WHAT"];

    const FIELDS: &'static [&'static str] = &[
        "sequence",
        "time",
        "kind",
        "session",
        "subject",
        "device",
        "unit_id",
        "table",
        "what",
        "decision",
        "reason",
        "rules",
        "result",
        "latency_us",
        "count",
        "peer",
        "certificate",
        "function",
        "function_code",
        "first_address",
        "last_address",
        "points",
        "values",
        "units",
        "before",
        "before_age_ms",
        "raw",
        "request_pdu",
        "detail",
        "outcome",
        "answer_pdu",
        "exception",
        "failed",
        "first_time",
        "last_time",
        "window",
    ];

    fn cells(&self) -> Vec<String> {
        let what = self.what();
        // Time of day and date take two lines.
        let who = self.who(what.len().max(2));
        vec![
            self.sequence.to_string(),
            self.time_here.clone(),
            if who.is_empty() {
                "-".to_owned()
            } else {
                who.join("\n")
            },
            what.join("\n"),
        ]
    }

    fn fields(&self) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let word = |word: Option<&str>| word.unwrap_or_default().to_owned();
        vec![
            self.sequence.to_string(),
            self.time.clone(),
            self.kind.to_owned(),
            shown(self.session),
            text(&self.subject),
            text(&self.device),
            shown(self.unit_id),
            word(self.table),
            self.what.clone(),
            word(self.decision),
            text(&self.reason),
            self.rules.join(";"),
            text(&self.result),
            shown(self.latency_us),
            shown(self.count),
            text(&self.peer),
            text(&self.certificate),
            text(&self.function),
            shown(self.function_code),
            shown(self.first_address),
            shown(self.last_address),
            self.each(|point| point.name.clone()),
            self.each(|point| point.value.map(number).unwrap_or_default()),
            self.each(|point| point.unit.clone()),
            self.each(|point| point.before.map(number).unwrap_or_default()),
            self.each(|point| shown(point.before_age_ms)),
            text(&self.raw),
            text(&self.request_pdu),
            text(&self.detail),
            word(self.outcome),
            text(&self.answer_pdu),
            shown(self.exception),
            shown(self.failed),
            text(&self.first_time),
            text(&self.last_time),
            shown(self.window),
        ]
    }
}

impl Line {
    /// One thing of each point, in their order.
    fn each(&self, of: impl Fn(&PointLine) -> String) -> String {
        let each: Vec<String> = self.points.iter().map(of).collect();
        each.join(";")
    }
}

fn shown(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn latency(us: u64) -> String {
    format!("{}.{:03} ms", us / 1_000, us % 1_000)
}

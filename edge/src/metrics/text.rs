//! A status in the text format of Prometheus. Pure.

use std::fmt::Write as _;

use interlock_protocols::conduit::{JournalStatus, SinkStatus, Status, WitnessStatus};

const DAY_S: f64 = 24.0 * 60.0 * 60.0;

/// The text of all metrics.
pub fn render(status: &Status) -> String {
    let mut page = Page::default();
    page.one(
        "interlock_build_info",
        "Version of the program",
        &[("version", &status.version)],
        1.0,
    );
    page.plain(
        "interlock_start_time_seconds",
        "When the gateway's program started",
        Some(seconds(status.started_ms)),
    );
    page.plain(
        "interlock_sessions",
        "Open sessions",
        Some(f64::from(status.sessions)),
    );
    page.plain(
        "interlock_clock_doubted",
        "Whether the system's clock is in doubt; while it is, no command with effect passes",
        Some(flag(status.clock_doubt.is_some())),
    );
    journal(&mut page, &status.journal);
    sinks(&mut page, &status.sinks);
    if let Some(witness) = &status.witness {
        witnessed(&mut page, witness);
    }
    page.text
}

fn journal(page: &mut Page, journal: &JournalStatus) {
    page.plain(
        "interlock_journal_recording",
        "Whether commands can be recorded; where they cannot, none with effect passes",
        Some(flag(journal.failure.is_none())),
    );
    page.plain(
        "interlock_journal_held",
        "Whether commands with effect are held until an administrator accepts the journal",
        Some(flag(journal.held.is_some())),
    );
    page.counter(
        "interlock_journal_records_total",
        "Records ever written",
        journal.next_sequence.saturating_sub(1),
    );
    for (name, help, value) in [
        (
            "first_sequence",
            "The oldest record that is still there",
            Some(journal.first_sequence),
        ),
        (
            "used_bytes",
            "Disk that the journal uses",
            Some(journal.used_bytes),
        ),
        (
            "budget_bytes",
            "Disk that the journal may use",
            Some(journal.budget_bytes),
        ),
        ("free_bytes", "Free space of its disk", journal.free_bytes),
        (
            "checkpoint_records",
            "Records that the last checkpoint covers",
            Some(journal.checkpoint_size),
        ),
        (
            "epoch",
            "The epoch whose key signs checkpoints",
            Some(journal.epoch),
        ),
        (
            "view_records",
            "Records that can be searched",
            Some(journal.view_size),
        ),
    ] {
        page.plain(
            &format!("interlock_journal_{name}"),
            help,
            value.map(number),
        );
    }
    page.plain(
        "interlock_journal_growth_bytes_per_second",
        "Growth over the last day",
        journal.bytes_per_day.map(|bytes| number(bytes) / DAY_S),
    );
    page.plain(
        "interlock_journal_left_seconds",
        "Until the budget is used up at that rate",
        journal.days_left.map(|days| days * DAY_S),
    );
    page.plain(
        "interlock_journal_checkpoint_timestamp_seconds",
        "When the last checkpoint was signed",
        journal.checkpoint_ms.map(seconds),
    );
}

fn sinks(page: &mut Page, sinks: &[SinkStatus]) {
    type Value = fn(&SinkStatus) -> Option<f64>;
    let each: [(&str, &str, Value); 5] = [
        (
            "acknowledged_sequence",
            "The last record that it has acknowledged",
            |sink| Some(number(sink.acknowledged)),
        ),
        (
            "lag_records",
            "Records that it has not acknowledged",
            |sink| Some(number(sink.lag_records)),
        ),
        (
            "acknowledged_timestamp_seconds",
            "When it last acknowledged something",
            |sink| sink.acknowledged_ms.map(seconds),
        ),
        (
            "missed_records",
            "Records removed before it had them",
            |sink| Some(number(sink.missed_records)),
        ),
        ("failing", "Whether its last error stands", |sink| {
            Some(flag(sink.error.is_some()))
        }),
    ];
    for (name, help, value) in each {
        let name = format!("interlock_sink_{name}");
        let values: Vec<_> = sinks
            .iter()
            .filter_map(|sink| Some((sink, value(sink)?)))
            .collect();
        if values.is_empty() {
            continue;
        }
        page.head(&name, help, "gauge");
        for (sink, value) in values {
            page.value(&name, &[("sink", &sink.name), ("kind", &sink.kind)], value);
        }
    }
}

fn witnessed(page: &mut Page, witness: &WitnessStatus) {
    for (name, help, value) in [
        (
            "cosigned_records",
            "Records that its last cosignature covers",
            Some(number(witness.cosigned_size)),
        ),
        (
            "exposed_records",
            "Records after that, which could be cut unseen",
            Some(number(witness.exposed_records)),
        ),
        (
            "cosigned_timestamp_seconds",
            "When it cosigned last",
            witness.cosigned_ms.map(seconds),
        ),
        (
            "failing",
            "Whether its last error stands",
            Some(flag(witness.error.is_some())),
        ),
    ] {
        page.plain(&format!("interlock_witness_{name}"), help, value);
    }
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn plain(&mut self, name: &str, help: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.one(name, help, &[], value);
        }
    }

    fn one(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.head(name, help, "gauge");
        self.value(name, labels, value);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "counter");
        self.value(name, &[], number(value));
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "# HELP {name} {help}.\n# TYPE {name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, text)| format!("{label}=\"{}\"", escaped(text)))
            .collect();
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        let _ = writeln!(self.text, "{name}{labels} {value}");
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn flag(on: bool) -> f64 {
    if on { 1.0 } else { 0.0 }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "Prometheus has no other numbers"
)]
fn number(value: u64) -> f64 {
    value as f64
}

#[allow(
    clippy::cast_precision_loss,
    reason = "Prometheus has no other numbers"
)]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}

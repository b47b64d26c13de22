//! What is watched, as a program reads it: a JSON object a line. Programs depend on the keys: none is
//! renamed or removed, and new ones come behind.

use interlock_protocols::conduit::{HeldPoint, Seen};
use serde::Serialize;

use crate::moment;

/// One line.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum WatchRow {
    Quiet,
    Command {
        time: String,
        session: u64,
        subject: String,
        device: String,
        asked: String,
        decision: String,
        result: String,
        rules: Vec<String>,
        latency_us: Option<u64>,
        window: Option<u64>,
        record: Option<u64>,
    },
    Held {
        hold: u64,
        session: u64,
        subject: String,
        device: String,
        asked: String,
        points: Vec<PointRow>,
        asked_times: u64,
        window: u64,
        until: String,
    },
    Settled {
        hold: u64,
        what: String,
    },
    Missed {
        commands: u64,
    },
    Unheard {
        hold: u64,
        what: String,
        next: String,
    },
    Ended {
        what: String,
        next: String,
    },
}

/// One point of a held command.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct PointRow {
    name: String,
    value: String,
    before: String,
    before_age_ms: Option<u64>,
    limits: String,
}

impl WatchRow {
    pub(super) fn of(seen: &Seen) -> WatchRow {
        match seen.clone() {
            Seen::Quiet => WatchRow::Quiet,
            Seen::Command(it) => WatchRow::Command {
                time: moment::rfc3339(it.time_ms),
                session: it.session,
                subject: it.subject,
                device: it.device,
                asked: it.asked,
                decision: it.decision,
                result: it.result,
                rules: it.rules,
                latency_us: it.latency_us,
                window: it.window,
                record: it.record,
            },
            Seen::Held(it) => WatchRow::Held {
                hold: it.hold,
                session: it.session,
                subject: it.subject,
                device: it.device,
                asked: it.asked,
                points: it.points.into_iter().map(PointRow::of).collect(),
                asked_times: it.asked_times,
                window: it.window,
                until: moment::rfc3339(it.until_ms),
            },
            Seen::Settled { hold, what } => WatchRow::Settled { hold, what },
            Seen::Missed { commands } => WatchRow::Missed { commands },
            Seen::Unheard { hold, what, next } => WatchRow::Unheard { hold, what, next },
            Seen::Ended { what, next } => WatchRow::Ended { what, next },
        }
    }
}

impl PointRow {
    fn of(point: HeldPoint) -> PointRow {
        PointRow {
            name: point.name,
            value: point.value,
            before: point.before,
            before_age_ms: point.before_age_ms,
            limits: point.limits,
        }
    }
}

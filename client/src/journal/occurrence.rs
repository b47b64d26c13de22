//! What happened besides commands, in words.

use interlock_broker::index;
use interlock_broker::wording::happened;
use interlock_protocols::identity::{AuthStrength, KeyProtection};
use interlock_protocols::record::{Event, Scope, SessionOpened};
use jiff::tz::TimeZone;

use super::line::Line;
use super::windows;
use super::words::{hex, short_hex};
use crate::moment;

/// Says it in the line: on a screen a sentence a line.
pub(super) fn tell(line: &mut Line, event: &Event, zone: &TimeZone) {
    line.told = match event {
        Event::EdgeStarted(started) => {
            vec![format!(
                "edge {} started ({})",
                started.gateway, started.version
            )]
        }
        Event::EdgeStopped(stopped) => vec![format!("edge {} stopped", stopped.gateway)],
        Event::PolicyActivated(activated) => {
            line.session = activated.session;
            line.subject = Some(activated.by.clone());
            line.result = Some(format!("{} cases passed", activated.cases));
            vec![format!(
                "policy {} put in force",
                short_hex(&activated.digest)
            )]
        }
        Event::SessionOpened(opened) => {
            line.by(opened.session, &opened.subject);
            let ends = moment::minute(opened.certificate_ends_ms, zone);
            let mut words = vec![
                format!(
                    "session {} from {} in groups [{}]",
                    opened.session,
                    opened.peer,
                    opened.groups.join(", ")
                ),
                format!(
                    "certificate {}, ends {ends}",
                    short_hex(&opened.certificate)
                ),
            ];
            words.extend(machine(opened));
            words
        }
        Event::SessionEnded(ended) => {
            line.by(ended.session, &ended.subject);
            vec![format!("session {} ended: {}", ended.session, ended.reason)]
        }
        Event::JournalRead(read) => {
            line.by(read.session, &read.subject);
            let which = read.filter.as_deref().filter(|filter| !filter.is_empty());
            vec![match which {
                Some(filter) => format!("journal read from record {}: {filter}", read.from),
                None => format!("journal read from record {}", read.from),
            }]
        }
        event => of_the_journal(line, event, zone),
    };
}

/// On which machine, and how its owner had shown themselves; nothing in records of before.
fn machine(opened: &SessionOpened) -> Option<String> {
    let kept = opened.device_protection.map(KeyProtection::name)?;
    let auth = opened.auth.map(AuthStrength::name)?;
    let key = short_hex(opened.device_key.as_ref()?);
    Some(format!("machine {key} (key: {kept}), {auth}"))
}

/// What the journal says of itself.
fn of_the_journal(line: &mut Line, event: &Event, zone: &TimeZone) -> Vec<String> {
    match event {
        Event::EpochStarted(epoch) => vec![
            format!("epoch {} of the checkpoint keys started", epoch.epoch),
            format!(
                "key {}, next key {}",
                short_hex(&epoch.key),
                short_hex(&epoch.next_key)
            ),
        ],
        Event::Checkpointed(checkpointed) => {
            line.housekeeping = true;
            line.detail = Some(checkpointed.note.clone());
            vec![checkpoint(&checkpointed.note)]
        }
        Event::RecordsRemoved(removed) => {
            line.reason = Some(removed.why.clone());
            vec![format!(
                "records {} to {} removed ({}); their leaf hashes stay",
                removed.first, removed.last, removed.why
            )]
        }
        Event::JournalRecovered(recovered) => {
            line.detail = Some(recovered.why.clone());
            line.count = Some(recovered.refused);
            line.first_time = Some(moment::rfc3339(recovered.since_ms));
            let since = moment::exact(recovered.since_ms, zone);
            vec![
                format!(
                    "RECORDING AGAIN, had failed since {since}: {}",
                    recovered.why
                ),
                format!("{} records were refused meanwhile", recovered.refused),
            ]
        }
        Event::JournalAccepted(accepted) => {
            line.by(accepted.session, &accepted.subject);
            line.detail = Some(accepted.reason.clone());
            let ahead = accepted.ahead.iter();
            let ahead: Vec<String> = ahead
                .map(|ahead| format!("{} knows record {}", ahead.what, ahead.through))
                .collect();
            vec![
                format!("ACCEPTED that the journal is behind: {}", accepted.reason),
                format!("{}; lineage {}", ahead.join(", "), hex(&accepted.lineage)),
            ]
        }
        Event::SinkProgress(progress) => {
            line.housekeeping = true;
            vec![format!(
                "sink {} has acknowledged all through record {}",
                progress.sink, progress.through
            )]
        }
        // Commands are told by their line itself.
        event => of_identities(line, event, zone),
    }
}

/// Who may act, what was taken from whom, and windows.
fn of_identities(line: &mut Line, event: &Event, zone: &TimeZone) -> Vec<String> {
    let Some(text) = happened(event) else {
        return Vec::new();
    };
    let facts = index::facts(event);
    line.session = facts.session;
    line.subject = facts.subject.map(str::to_owned);
    line.device = facts.device.map(str::to_owned);
    line.housekeeping = matches!(event, Event::RegisterKept(_));
    match event {
        Event::Restricted(it) => {
            line.reason = Some(it.reason.clone());
            if let Scope::Window(window) = &it.scope {
                line.window = window.parse().ok();
            }
        }
        Event::Reinstated(it) => line.reason = Some(it.reason.clone()),
        Event::Invited(it) => line.detail = Some(it.subject.clone()),
        // The session is that of whoever confirmed, and not of whom it is about.
        Event::Enrolled(it) if it.confirmed_by.is_some() => {
            line.subject.clone_from(&it.confirmed_by);
            line.detail = Some(it.enrolment.subject.clone());
        }
        _ => {}
    }
    windows::tell(line, event, zone).unwrap_or_else(|| vec![text])
}

/// The first three lines of a checkpoint are its origin, its size and the root of the tree.
fn checkpoint(note: &str) -> String {
    let mut lines = note.lines();
    match (lines.next(), lines.next(), lines.next()) {
        (Some(origin), Some(size), Some(root)) if size.parse::<u64>().is_ok() => {
            let signatures = note.lines().filter(|line| line.starts_with('\u{2014}'));
            format!(
                "checkpoint of {origin}: {size} records, root {root}, signatures {}",
                signatures.count()
            )
        }
        _ => "a checkpoint that cannot be read".to_owned(),
    }
}

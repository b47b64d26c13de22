//! `interlock status`: how a gateway is doing, what is wrong first.

#[cfg(test)]
mod tests;

use clap::Args;
use interlock_protocols::conduit::{JournalStatus, SinkStatus, Status, TrustStatus, WitnessStatus};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::Setting;
use crate::failure::{Failure, Kind};
use crate::gateway::{Gateway, Welcome};
use crate::limits::STATUS_COLUMNS;
use crate::moment::{exact, rough};
use crate::screen::{self, Format};

/// Show how the gateway is doing: whether it records, what is forwarded, how much room is left
///
/// Ends with exit code 1 where something is wrong, which is then shown first.
#[derive(Debug, Args)]
pub(crate) struct StatusCommand {}

pub(crate) async fn run(_asked: &StatusCommand, setting: &Setting) -> Result<(), Failure> {
    let mut gateway = Gateway::connect(&setting.profile()?).await?;
    let welcome = gateway.welcome().clone();
    let status = gateway.read_status().await;
    gateway.goodbye().await;
    let status = status?;
    let problems = problems(&status, &TimeZone::system());
    screen::data(&match setting.format {
        Format::Table => page(&welcome, &status, &problems, &TimeZone::system()),
        Format::Jsonl => screen::line(&tree(&welcome, &status, &problems))?,
        _ => {
            let tree = tree(&welcome, &status, &problems);
            let text = serde_json::to_string_pretty(&tree).map_err(Failure::of_program)?;
            screen::escaped(&text) + "\n"
        }
    })?;
    match problems.len() {
        0 => Ok(()),
        1 => Err(wrong("something is wrong with this gateway")),
        some => Err(wrong(&format!("{some} things are wrong with this gateway"))),
    }
}

fn wrong(what: &str) -> Failure {
    Failure::new(Kind::Failed, what, "see the lines that begin with PROBLEM")
}

/// What is wrong, a sentence or two each, the worst first.
fn problems(status: &Status, zone: &TimeZone) -> Vec<String> {
    let since = |ms: Option<i64>| match ms {
        Some(ms) => format!(" since {}", exact(ms, zone)),
        None => String::new(),
    };
    let journal = &status.journal;
    let mut problems = Vec::new();
    if let Some(why) = &journal.failure {
        let since = since(journal.failed_ms);
        problems.push(format!(
            "nothing can be recorded{since}, and every command with effect is refused: {why}. \
             See to the journal's disk on the gateway"
        ));
    }
    if let Some(why) = &status.clock_doubt {
        problems.push(format!(
            "every command with effect is refused: the gateway's clock is in doubt, {why}. On the \
             gateway itself: see that it is right, then `interlock-edge clock accept DIR --reason WHY`"
        ));
    }
    if let Some(why) = &journal.held {
        problems.push(format!("every command with effect is refused: {why}"));
    }
    if let Some(witness) = &status.witness
        && let Some(error) = &witness.error
    {
        problems.push(format!(
            "the witness has not cosigned{}: {error}. {} could be cut from the journal's end \
             without anybody noticing",
            since(witness.error_ms),
            records(witness.exposed_records)
        ));
    }
    for sink in &status.sinks {
        if let Some(error) = &sink.error {
            let kept = if sink.required {
                ". Nothing is deleted before it has it"
            } else {
                ""
            };
            problems.push(format!(
                "the sink {} takes nothing{}: {error}. It is {} behind{kept}",
                sink.name,
                since(sink.error_ms),
                records(sink.lag_records)
            ));
        }
        if sink.missed_records > 0 {
            problems.push(format!(
                "the sink {} will never have {}: they were deleted before it took them. Mark a \
                 sink that must have everything as `required`, or let the journal refuse when it \
                 is full",
                sink.name,
                records(sink.missed_records)
            ));
        }
    }
    for authority in &status.trust {
        problems.extend(doubts(authority, zone));
    }
    problems.extend(journal.warnings.iter().cloned());
    problems
}

fn page(welcome: &Welcome, status: &Status, problems: &[String], zone: &TimeZone) -> String {
    let mut lines: Vec<(String, String)> = problems
        .iter()
        .map(|problem| ("PROBLEM".to_owned(), problem.clone()))
        .collect();
    let ago = |ms: i64| format!("{} ago", rough(status.now_ms.saturating_sub(ms)));
    lines.push((
        "gateway".to_owned(),
        format!(
            "{} of {}, version {}, up {}, {}",
            welcome.gateway,
            welcome.site,
            status.version,
            rough(status.now_ms.saturating_sub(status.started_ms)),
            counted(u64::from(status.sessions), "session")
        ),
    ));
    let clock = exact(status.now_ms, zone);
    lines.push((
        "clock".to_owned(),
        match &status.clock_doubt {
            Some(_) => format!("{clock}, counted by the gateway: the system's clock is IN DOUBT"),
            None => clock,
        },
    ));
    lines.push(("site root".to_owned(), signed_by_root(status)));
    let journal = &status.journal;
    lines.push(("journal".to_owned(), held(journal)));
    lines.push(("room".to_owned(), room(journal)));
    lines.push(("checkpoint".to_owned(), signed(journal, ago)));
    lines.push((
        "view".to_owned(),
        format!("{} can be searched", records(journal.view_size)),
    ));
    lines.push((
        "witness".to_owned(),
        witnessed(status.witness.as_ref(), ago),
    ));
    for sink in &status.sinks {
        lines.push((format!("sink {}", sink.name), forwarded(sink, ago)));
    }
    for authority in &status.trust {
        lines.push((format!("trust {}", authority.name), trusted(authority, ago)));
    }
    laid_out(&lines)
}

fn doubts(authority: &TrustStatus, zone: &TimeZone) -> Vec<String> {
    let (name, mut doubts) = (&authority.name, Vec::new());
    if let Some(error) = &authority.error {
        let since = authority.error_ms;
        let since = since.map_or(String::new(), |ms| format!(" since {}", exact(ms, zone)));
        let holds = match authority.as_of_ms {
            Some(_) => "What was last known of it goes on holding",
            None => "Nobody whom it vouches for comes in",
        };
        doubts.push(format!(
            "the authority {name} cannot be read anew{since}: {error}. {holds}"
        ));
    }
    if authority.stale {
        let since = authority.stale_ms;
        let since = since.map_or(String::new(), |ms| format!(" since {}", exact(ms, zone)));
        doubts.push(format!(
            "what is known of the authority {name} is too old{since}: whom it dismissed meanwhile \
             may still pass. Have its files refreshed on the gateway"
        ));
    }
    doubts
}

fn trusted(authority: &TrustStatus, ago: impl Fn(i64) -> String) -> String {
    let known = match authority.as_of_ms {
        Some(ms) => format!("known as of {}", ago(ms)),
        None => "NOT KNOWN".to_owned(),
    };
    let stale = if authority.stale { ", TOO OLD" } else { "" };
    format!("vouches for {}; {known}{stale}", authority.paths.join(", "))
}

fn signed_by_root(status: &Status) -> String {
    match (status.plant_serial, status.approvers_serial) {
        (Some(plant), Some(approvers)) => {
            format!("signed plant number {plant}, approvers number {approvers}")
        }
        _ => "none is pinned: whoever can write plant.toml changes the plant unseen".to_owned(),
    }
}

fn held(journal: &JournalStatus) -> String {
    let last = journal.next_sequence.saturating_sub(1);
    if last == 0 {
        return "no record yet".to_owned();
    }
    let state = match (&journal.failure, &journal.held) {
        (Some(_), _) => "NOT RECORDING",
        (None, Some(_)) => "recording, commands with effect are HELD",
        (None, None) => "recording",
    };
    format!("{state}; records {} to {last}", journal.first_sequence)
}

fn room(journal: &JournalStatus) -> String {
    let mut parts = Vec::new();
    let used = journal.used_bytes.saturating_mul(100);
    match used.checked_div(journal.budget_bytes) {
        Some(percent) => parts.push(format!(
            "{} of {} used ({percent} %)",
            bytes(journal.used_bytes),
            bytes(journal.budget_bytes)
        )),
        None => parts.push(format!("{} used", bytes(journal.used_bytes))),
    }
    match (journal.bytes_per_day, journal.days_left) {
        (Some(rate), Some(days)) => {
            parts.push(format!("{} a day, {days:.0} days left", bytes(rate)));
        }
        (Some(rate), None) => parts.push(format!("{} a day", bytes(rate))),
        _ => parts.push("growth is not known yet".to_owned()),
    }
    if let Some(free) = journal.free_bytes {
        parts.push(format!("{} free on the disk", bytes(free)));
    }
    parts.join("; ")
}

fn signed(journal: &JournalStatus, ago: impl Fn(i64) -> String) -> String {
    let Some(signed_ms) = journal.checkpoint_ms else {
        return "none yet".to_owned();
    };
    format!(
        "{} signed {}, epoch {}",
        records(journal.checkpoint_size),
        ago(signed_ms),
        journal.epoch
    )
}

fn witnessed(witness: Option<&WitnessStatus>, ago: impl Fn(i64) -> String) -> String {
    let Some(witness) = witness else {
        return "none is configured: a journal cut at its end is noticed by nobody".to_owned();
    };
    let cosigned = match witness.cosigned_ms {
        Some(ms) => format!("{} cosigned {}", records(witness.cosigned_size), ago(ms)),
        None => "nothing cosigned yet".to_owned(),
    };
    format!(
        "{cosigned}; {} since then could be cut unseen ({})",
        records(witness.exposed_records),
        witness.url
    )
}

fn forwarded(sink: &SinkStatus, ago: impl Fn(i64) -> String) -> String {
    let behind = match sink.lag_records {
        0 => "has everything".to_owned(),
        lag => format!("{} behind", records(lag)),
    };
    let last = match sink.acknowledged_ms {
        Some(ms) => format!("last acknowledged {}", ago(ms)),
        None => "has acknowledged nothing since the start".to_owned(),
    };
    let required = if sink.required { ", required" } else { "" };
    format!(
        "{behind} (up to {}); {last} ({}{required})",
        sink.acknowledged, sink.kind
    )
}

fn counted(number: u64, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}

fn records(number: u64) -> String {
    counted(number, "record")
}

/// Bytes in the largest unit of which there is at least one.
fn bytes(bytes: u64) -> String {
    const UNITS: [(&str, u32); 3] = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    for (unit, shift) in UNITS {
        if bytes >> shift > 0 {
            let tenths = (u128::from(bytes) * 10) >> shift;
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} B")
}

/// A column of names and a column of texts, each text wrapped between words.
fn laid_out(lines: &[(String, String)]) -> String {
    let names = lines.iter().map(|(name, _)| name.chars().count());
    let indent = names.max().unwrap_or(0) + 2;
    let room = STATUS_COLUMNS.saturating_sub(indent).max(20);
    let mut page = String::new();
    for (name, text) in lines {
        let mut name = screen::clean(name);
        for line in wrapped(&screen::clean(text), room) {
            let laid = format!("{name:indent$}{line}");
            page.push_str(laid.trim_end());
            page.push('\n');
            name = String::new();
        }
    }
    page
}

fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let fits = lines.last().is_some_and(|line| {
            line.is_empty() || line.chars().count() + 1 + word.chars().count() <= room
        });
        if !fits {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// The same for programs: times in ms since 1970 UTC, sizes in bytes.
fn tree(welcome: &Welcome, status: &Status, problems: &[String]) -> Value {
    let journal = &status.journal;
    let sink = |sink: &SinkStatus| {
        json!({
            "name": sink.name,
            "kind": sink.kind,
            "required": sink.required,
            "acknowledged": sink.acknowledged,
            "lag_records": sink.lag_records,
            "acknowledged_ms": sink.acknowledged_ms,
            "error": sink.error,
            "error_ms": sink.error_ms,
            "missed_records": sink.missed_records,
        })
    };
    let witness = |witness: &WitnessStatus| {
        json!({
            "url": witness.url,
            "cosigned_size": witness.cosigned_size,
            "cosigned_ms": witness.cosigned_ms,
            "exposed_records": witness.exposed_records,
            "error": witness.error,
            "error_ms": witness.error_ms,
        })
    };
    let trust = |authority: &TrustStatus| {
        json!({
            "name": authority.name,
            "paths": authority.paths,
            "as_of_ms": authority.as_of_ms,
            "stale_ms": authority.stale_ms,
            "stale": authority.stale,
            "error": authority.error,
            "error_ms": authority.error_ms,
        })
    };
    json!({
        "gateway": welcome.gateway,
        "site": welcome.site,
        "version": status.version,
        "started_ms": status.started_ms,
        "now_ms": status.now_ms,
        "sessions": status.sessions,
        "clock_doubt": status.clock_doubt,
        "plant_serial": status.plant_serial,
        "approvers_serial": status.approvers_serial,
        "problems": problems,
        "journal": {
            "failure": journal.failure,
            "failed_ms": journal.failed_ms,
            "held": journal.held,
            "first_sequence": journal.first_sequence,
            "next_sequence": journal.next_sequence,
            "used_bytes": journal.used_bytes,
            "budget_bytes": journal.budget_bytes,
            "free_bytes": journal.free_bytes,
            "bytes_per_day": journal.bytes_per_day,
            "days_left": journal.days_left,
            "warnings": journal.warnings,
            "checkpoint_size": journal.checkpoint_size,
            "checkpoint_ms": journal.checkpoint_ms,
            "epoch": journal.epoch,
            "view_size": journal.view_size,
        },
        "sinks": status.sinks.iter().map(sink).collect::<Vec<_>>(),
        "witness": status.witness.as_ref().map(witness),
        "trust": status.trust.iter().map(trust).collect::<Vec<_>>(),
    })
}

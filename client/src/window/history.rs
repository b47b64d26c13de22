//! `interlock window history`: who was let in, by whom, and what they did.

use std::path::{Path, PathBuf};

use clap::Args;
use interlock_broker::journal::read;
use interlock_broker::subject::path;
use interlock_protocols::conduit::JournalQuery;
use interlock_protocols::record::{Event, Record};
use jiff::tz::TimeZone;

use super::granted::Granted;
use super::story::Story;
use super::{functions, row, times};
use crate::failure::{Failure, Kind};
use crate::gateway::{Gateway, Shown};
use crate::journal::{self, Join, Line};
use crate::limits::HISTORY_SETTLES_MS;
use crate::screen::{self, Format, one_line};
use crate::{Setting, moment};

/// Tell who was let in, by whom, what they did, and how it ended
///
/// From the journal: of the gateway, or of a folder. A proof is made from a folder: on the gateway
/// itself, or of a copy. It shows somebody who has only the gateway's public key that these records
/// are in its log, exactly so.
#[derive(Debug, Args)]
pub(super) struct History {
    /// Its number, or that of a record that opened break-glass
    window: u64,
    /// Read the journal in this folder, and ask no gateway
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Write a proof for each record into this folder; `interlock journal verify-proof` checks one
    #[arg(long, value_name = "DIR", requires = "dir")]
    proof: Option<PathBuf>,
    /// A checkpoint to prove under instead of the folder's own: one that witnesses have signed too
    #[arg(long, value_name = "FILE", requires = "proof")]
    checkpoint: Option<PathBuf>,
}

pub(super) async fn run(asked: &History, setting: &Setting) -> Result<(), Failure> {
    let told = match &asked.dir {
        Some(dir) => of_folder(asked.window, dir)?,
        None => {
            let gateway = Gateway::connect(&setting.profile()?).await?;
            let told = of_edge(asked.window, &gateway).await;
            gateway.goodbye().await;
            told?
        }
    };
    if setting.format == Format::Table {
        let words = words(&told.story, &TimeZone::system()).join("\n");
        screen::data(&(screen::clean(&words) + "\n\n"))?;
    }
    setting.print(&told.lines)?;
    if let (Some(dir), Some(out)) = (&asked.dir, &asked.proof) {
        let records = &told.story.records;
        let size = journal::prove_each(dir, asked.checkpoint.as_deref(), records, out)?;
        screen::say(&format!(
            "{} proofs are in {}, under the checkpoint of {size} records: `interlock journal verify-proof FILE --key KEY`",
            records.len(),
            out.display()
        ));
    }
    Ok(())
}

/// A window, and the lines of its records.
pub(super) struct Told {
    pub(super) story: Story,
    pub(super) lines: Vec<Line>,
    join: Join,
}

impl Told {
    fn of(record: &Record, window: u64) -> Result<Told, Failure> {
        let granted = Granted::of(record).filter(|granted| granted.number == window);
        let granted = granted.ok_or_else(|| no_window(window))?;
        Ok(Told {
            story: Story::of(granted),
            lines: Vec::new(),
            join: Join::new(TimeZone::system()),
        })
    }

    /// Takes one record, in the order in which it is told.
    fn take(&mut self, record: Record) {
        let belongs = self.story.take(&record);
        let shown = match &record.event {
            Event::SessionOpened(_) => Shown::Session(record),
            Event::Outcome(_) => Shown::Outcome(record),
            _ if belongs => Shown::Match(record),
            _ => return,
        };
        self.lines.extend(self.join.take(shown));
    }

    fn end(mut self) -> Told {
        self.lines.extend(self.join.rest());
        self
    }
}

/// Until when records may belong to it: an end that came while the gateway was off is recorded
/// when it is back.
fn until_ms(granted: &Granted) -> i64 {
    granted.settled_ms().saturating_add(HISTORY_SETTLES_MS)
}

pub(super) async fn of_edge(window: u64, gateway: &Gateway) -> Result<Told, Failure> {
    let first = JournalQuery {
        from: window,
        limit: Some(1),
        ..JournalQuery::default()
    };
    let mut records = gateway.read_journal(first).await?;
    let mut begun = None;
    while let Some(shown) = records.next().await? {
        if let Shown::Match(record) = shown
            && record.sequence == window
        {
            begun = Some(Told::of(&record, window)?);
        }
    }
    let mut told = begun.ok_or_else(|| no_window(window))?;
    let all = JournalQuery {
        from: window,
        until_ms: Some(until_ms(&told.story.granted)),
        ..JournalQuery::default()
    };
    let mut records = gateway.read_journal(all).await?;
    while let Some(shown) = records.next().await? {
        match shown {
            Shown::Match(record) | Shown::Outcome(record) | Shown::Session(record) => {
                told.take(record);
            }
        }
    }
    Ok(told.end())
}

pub(super) fn of_folder(window: u64, dir: &Path) -> Result<Told, Failure> {
    let failed = |error| journal::unreadable(dir, &error);
    let records = read(dir)
        .and_then(|records| records.starting_at(window))
        .map_err(failed)?;
    let mut told: Option<Told> = None;
    for record in records {
        let record = record.map_err(failed)?;
        let told = match &mut told {
            Some(told) => told,
            None if record.sequence == window => told.insert(Told::of(&record, window)?),
            None => return Err(no_window(window)),
        };
        if record.time_ms > until_ms(&told.story.granted) && told.story.unsettled() == 0 {
            break;
        }
        told.take(record);
    }
    told.map(Told::end).ok_or_else(|| no_window(window))
}

fn no_window(window: u64) -> Failure {
    Failure::new(
        Kind::Failed,
        format!("record {window} is no request of a window, or the journal goes back no further"),
        "`interlock window list` has the numbers of windows, `interlock journal show` all records",
    )
}

/// The whole of it in some lines.
pub(super) fn words(story: &Story, zone: &TimeZone) -> Vec<String> {
    let granted = &story.granted;
    let minute = |ms| moment::minute(ms, zone);
    let who = one_line(path(&granted.by));
    let mut lines = vec![format!(
        "window {}: {who} at {}",
        granted.number,
        one_line(granted.device())
    )];
    let mut say = |what: &str, says: String| {
        lines.push(format!("  {what:<12}{}", one_line(&says)));
    };
    say(
        "asked for",
        format!("on {}: \"{}\"", minute(granted.asked_ms), granted.reason),
    );
    say("points", granted.points.join(", "));
    let mut quorum = 0;
    if let Some(grant) = granted.grant() {
        quorum = grant.quorum;
        let names: Vec<&str> = row::writing(&grant)
            .into_iter()
            .map(functions::short)
            .collect();
        let names = if names.is_empty() {
            "reading alone".to_owned()
        } else {
            names.join(", ")
        };
        say(
            "functions",
            format!("{names}; at most {} writes", grant.max_writes),
        );
        for (at, span) in grant.spans().enumerate() {
            say(
                if at == 0 { "open" } else { "" },
                times::span_words(&span, zone),
            );
        }
    } else {
        say("its grant", "cannot be read".to_owned());
    }
    for approval in &story.approvals {
        let approved = &approval.approved;
        let signed = match granted.is_signed(approved) {
            true => "signature good",
            false => "THE SIGNATURE IS NOT GOOD",
        };
        let comment = match approved.comment.as_str() {
            "" => String::new(),
            comment => format!(": \"{comment}\""),
        };
        let by = path(&approved.by);
        say(
            "approved",
            format!(
                "by {by} on {} ({signed}){comment}",
                minute(approval.time_ms)
            ),
        );
    }
    if usize::from(quorum) > story.approvals.len() {
        say(
            "approved",
            format!(
                "by {} of {quorum}: it opened nothing",
                story.approvals.len()
            ),
        );
    }
    let counts = &story.counts;
    say(
        "commands",
        format!(
            "{} done, {} refused by the device, {} withheld, {} of unknown outcome, {} open",
            counts.done,
            counts.refused_by_device,
            counts.withheld,
            counts.unknown,
            story.unsettled()
        ),
    );
    say(
        "besides",
        format!("{} reads, {} denied", counts.reads, counts.denied),
    );
    let ended = story
        .ended
        .clone()
        .unwrap_or_else(|| "no record says so".to_owned());
    say("ended", ended);
    lines
}

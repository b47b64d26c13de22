//! `interlock journal verify-proof`.

use std::path::{Path, PathBuf};

use clap::Args;
use interlock_broker::journal::tree::{Proven, verify_proof};
use interlock_broker::witness::CosignerKey;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::join::Join;
use super::line::Line;
use super::prove::failed;
use super::verify::{key, no_rows, read};
use crate::failure::{Failure, Kind};
use crate::gateway::Shown;
use crate::moment;
use crate::screen::{self, Format, Row as _};

/// Check a proof that one record is in a gateway's log, without access to the log
///
/// Shows the record if the proof holds: it is in the log that the gateway signed, exactly so. Ends
/// with exit code 1 if it does not.
#[derive(Debug, Args)]
pub(super) struct VerifyProof {
    /// The proof
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The gateway's public key: its text, or a file with it
    #[arg(long)]
    key: String,
    /// The public key of a witness that must have seen the checkpoint: its text, or a file with it.
    /// May be given more than once
    #[arg(long, value_name = "KEY")]
    witness: Vec<String>,
}

pub(super) fn run(asked: &VerifyProof, format: Format) -> Result<(), Failure> {
    let witnesses: Vec<CosignerKey> = asked
        .witness
        .iter()
        .map(|text| witness(text))
        .collect::<Result<_, _>>()?;
    let key = key(&asked.key)?;
    let proven = verify_proof(&read(&asked.file)?, &key, &witnesses)
        .map_err(|error| failed(&asked.file, &error))?;
    let report = Report::of(&proven);
    let text = match format {
        Format::Table => report.words(),
        Format::Json | Format::Jsonl => screen::line(&report)?,
        Format::Csv => return Err(no_rows()),
    };
    screen::data(&text)
}

fn witness(text: &str) -> Result<CosignerKey, Failure> {
    let path = Path::new(text);
    let text = if path.is_file() {
        read(path)?
    } else {
        text.to_owned()
    };
    CosignerKey::parse(&text).map_err(|error| {
        Failure::new(
            Kind::Configuration,
            format!("the key of the witness: {error}"),
            "give the text that `interlock witness key` prints, or a file with it",
        )
    })
}

/// What a proof has shown, for people and for programs.
#[derive(Debug, Serialize)]
struct Report {
    holds: bool,
    log: String,
    sequence: u64,
    size: u64,
    root: String,
    epoch: Option<u64>,
    witnesses: Vec<Seen>,
    records: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Seen {
    witness: String,
    time: String,
}

impl Report {
    fn of(proven: &Proven) -> Report {
        let mut join = Join::new(TimeZone::system());
        let mut records = join.take(Shown::Match(proven.record.clone()));
        records.extend(join.rest());
        let witnesses = proven.witnesses.iter().map(|(name, time_s)| Seen {
            witness: name.clone(),
            time: i64::try_from(*time_s)
                .ok()
                .and_then(|time_s| time_s.checked_mul(1000))
                .map_or_else(String::new, moment::rfc3339),
        });
        Report {
            holds: true,
            log: proven.checkpoint.origin.clone(),
            sequence: proven.record.sequence,
            size: proven.checkpoint.size,
            root: proven.checkpoint.root.to_string(),
            epoch: proven.epoch,
            witnesses: witnesses.collect(),
            records,
        }
    }

    fn words(&self) -> String {
        let mut lines = vec![
            format!(
                "the proof holds: record {} is in the log `{}`, exactly as it is shown here",
                self.sequence,
                screen::clean(&self.log)
            ),
            format!("signed over {} records with root {}", self.size, self.root),
        ];
        lines.push(match self.epoch {
            Some(epoch) => format!("by the gateway's key and the key of epoch {epoch}"),
            None => "by the gateway's key alone: the record that names the epoch's key was removed"
                .to_owned(),
        });
        for seen in &self.witnesses {
            lines.push(format!(
                "seen by the witness `{}` at {}",
                screen::clean(&seen.witness),
                seen.time
            ));
        }
        for record in &self.records {
            lines.push(String::new());
            let cells = Line::HEADER.iter().zip(record.cells());
            let told = cells.filter(|(_, cell)| !cell.is_empty());
            for (name, cell) in told {
                // A cell may have several lines; what each says goes under its name.
                let mut name = *name;
                for part in cell.lines() {
                    lines.push(format!("  {name:<10} {}", screen::clean(part)));
                    name = "";
                }
            }
        }
        lines.join("\n") + "\n"
    }
}

//! `interlock journal consistency`.

use std::path::{Path, PathBuf};

use clap::Args;
use interlock_broker::journal::tree::{
    Consistent, SignedCheckpoint, consistency_file, verify_consistency,
};
use serde::Serialize;

use super::prove::{failed, open, own, write};
use super::verify::{checkpoint, key, no_rows, read};
use crate::failure::{Failure, Kind};
use crate::screen::{self, Format};

/// Prove that a log only grew between two checkpoints, or check such a proof
///
/// With OLD, NEW and --dir a proof is written. With --check FILE and --key one is checked, on any
/// machine and without the log. Ends with exit code 1 if the history was changed between the two.
#[derive(Debug, Args)]
pub(super) struct Consistency {
    /// The older checkpoint: a file with it, or the number of records that it covers
    #[arg(value_name = "OLD", required_unless_present = "check")]
    old: Option<String>,
    /// The newer checkpoint, likewise
    #[arg(value_name = "NEW", required_unless_present = "check")]
    new: Option<String>,
    /// Folder of the journal
    #[arg(long, value_name = "DIR", required_unless_present = "check")]
    dir: Option<PathBuf>,
    /// Where to write the proof; without it to the standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Check the proof in this file instead of writing one
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with_all = ["old", "new", "dir", "out"])]
    check: Option<PathBuf>,
    /// The gateway's public key: its text, or a file with it
    #[arg(long)]
    key: Option<String>,
}

pub(super) fn run(asked: &Consistency, format: Format) -> Result<(), Failure> {
    if let (Some(file), Some(text)) = (&asked.check, &asked.key) {
        let found = verify_consistency(&read(file)?, &key(text)?);
        let found = found.map_err(|error| failed(file, &error))?;
        return tell(&found, format);
    }
    let (Some(dir), Some(old), Some(new)) = (&asked.dir, &asked.old, &asked.new) else {
        return Err(Failure::new(
            Kind::Usage,
            "two checkpoints and a folder are needed",
            "interlock journal consistency OLD NEW --dir DIR",
        ));
    };
    let (old, new) = (meant(dir, old)?, meant(dir, new)?);
    let (_, tiles) = open(dir);
    let text = consistency_file(&tiles, &old, &new).map_err(|error| failed(dir, &error))?;
    if let Some(key) = asked.key.as_deref().map(key).transpose()? {
        // Somebody who names the key wants to know now whether it will hold.
        verify_consistency(&text, &key).map_err(|error| failed(dir, &error))?;
    }
    write(asked.out.as_deref(), &text)
}

/// A number of records, or a file.
fn meant(dir: &Path, text: &str) -> Result<SignedCheckpoint, Failure> {
    match text.parse() {
        Ok(size) => own(dir, Some(size)),
        Err(_) => checkpoint(Path::new(text)),
    }
}

#[derive(Serialize)]
struct Report {
    holds: bool,
    log: String,
    old_size: u64,
    old_root: String,
    new_size: u64,
    new_root: String,
}

fn tell(found: &Consistent, format: Format) -> Result<(), Failure> {
    let report = Report {
        holds: true,
        log: found.new.origin.clone(),
        old_size: found.old.size,
        old_root: found.old.root.to_string(),
        new_size: found.new.size,
        new_root: found.new.root.to_string(),
    };
    let text = match format {
        Format::Table => format!(
            "the proof holds: in the log `{}` the first {} records are the same under both checkpoints, and {} were added behind them\n",
            screen::clean(&report.log),
            report.old_size,
            report.new_size.saturating_sub(report.old_size)
        ),
        Format::Json | Format::Jsonl => screen::line(&report)?,
        Format::Csv => return Err(no_rows()),
    };
    screen::data(&text)
}

//! `interlock journal`: read the command log, and check that it is whole.

mod accept;

mod cells;
mod filter;
mod folder;
mod join;
mod line;
mod occurrence;
mod print;
mod show;
#[cfg(test)]
mod tests;
mod verify;
mod words;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use interlock_broker::journal::ReadError;

pub(crate) use self::join::Join;
pub(crate) use self::line::Line;
use self::show::Show;
use crate::Setting;
use crate::failure::{Failure, Kind};

/// Read the command log, or check that it is whole.
#[derive(Debug, Args)]
pub(crate) struct JournalCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    Show(Box<Show>),
    Accept(accept::Accept),
    /// Read a whole journal and check every record, its place, and the outcome of every command
    ///
    /// Ends with exit code 1 where the journal is not what was written, and names the first
    /// sequence that is bad.
    Verify {
        /// Folder of the journal
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

pub(crate) async fn run(asked: &JournalCommand, setting: &Setting) -> Result<(), Failure> {
    match &asked.act {
        Act::Show(show) => show.run(setting).await,
        Act::Accept(asked) => accept::run(asked, setting).await,
        Act::Verify { folder } => verify::run(folder, setting.format),
    }
}

/// A damaged journal is a failure of its own; a folder that cannot be read is the person's.
fn unreadable(folder: &Path, error: &ReadError) -> Failure {
    match error {
        ReadError::Damage(damage) => Failure::new(
            Kind::Failed,
            damage.to_string(),
            "keep the folder as it is, and tell the administrator; what is shown before this record is sound",
        ),
        ReadError::Storage(error) => Failure::new(
            Kind::Configuration,
            format!(
                "the journal in {} cannot be read: {error}",
                folder.display()
            ),
            "name the journal's folder on the gateway, and read it as a user who may",
        ),
    }
}

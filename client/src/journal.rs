//! `interlock journal`: read the command log, and check that it is whole.

mod accept;

mod cells;
mod consistency;
mod filter;
mod folder;
mod join;
mod line;
mod occurrence;
mod print;
mod progress;
mod proof;
mod prove;
mod show;
#[cfg(test)]
mod tests;
mod verify;
mod windows;
mod words;

use std::path::Path;

use clap::{Args, Subcommand};
use interlock_broker::journal::ReadError;

pub(crate) use self::join::Join;
pub(crate) use self::line::Line;
pub(crate) use self::prove::prove_each;
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
    Verify(verify::Verify),
    Prove(prove::Prove),
    VerifyProof(proof::VerifyProof),
    Consistency(consistency::Consistency),
}

pub(crate) async fn run(asked: &JournalCommand, setting: &Setting) -> Result<(), Failure> {
    match &asked.act {
        Act::Show(show) => show.run(setting).await,
        Act::Accept(asked) => accept::run(asked, setting).await,
        Act::Verify(asked) => verify::run(asked, setting.format),
        Act::Prove(asked) => prove::run(asked),
        Act::VerifyProof(asked) => proof::run(asked, setting.format),
        Act::Consistency(asked) => consistency::run(asked, setting.format),
    }
}

/// A damaged journal is a failure of its own; a folder that cannot be read is the person's.
pub(crate) fn unreadable(folder: &Path, error: &ReadError) -> Failure {
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

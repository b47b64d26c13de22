//! `interlock journal accept`: take it upon oneself that the journal is behind what others know.

use clap::Args;

use crate::Setting;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::screen;

/// Accept that the gateway's journal is behind what others know of it, so that commands with effect
/// pass again
///
/// A journal that is behind its view, its own last checkpoint, a sink or the witness was cut, or an
/// old copy of it was restored. `interlock status` says which of them knows more, and up to which
/// record. Find out what happened first: whoever cut it may have done so to hide something, and the
/// sinks may still have what is missing. Who accepted it, and why, is recorded. If a witness is
/// ahead, have its operator run `interlock witness forget` afterwards.
#[derive(Debug, Args)]
pub(crate) struct Accept {
    /// What happened to the journal, and who looked at it; for the record
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(crate) async fn run(asked: &Accept, setting: &Setting) -> Result<(), Failure> {
    let mut gateway = Gateway::connect(&setting.profile()?).await?;
    let accepted = gateway.accept_journal(&asked.reason).await;
    gateway.goodbye().await;
    screen::data(&(screen::clean(&accepted?) + "\n"))
}

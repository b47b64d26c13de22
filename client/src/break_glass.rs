//! `interlock break-glass`: open what the site root sealed, in an emergency.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use interlock_protocols::conduit::Ask;
use interlock_protocols::grant::Grant;
use interlock_protocols::limits::GRANT_MAX_BYTES;

use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;
use crate::{Setting, root, screen};

/// Open a sealed grant, in an emergency
///
/// Turn the key in the switch beside the gateway first, and keep it turned: when it is turned back, it
/// is over. A sealed grant opens once. Everybody at the gateway is told, and all of it is recorded;
/// where that cannot be, nothing opens, and the local panel is the way. From then on you may do what
/// it says, from this machine, with `interlock connect` or `interlock write`.
#[derive(Debug, Args)]
pub(crate) struct BreakGlass {
    /// The file from the envelope
    file: PathBuf,
    /// Why; everybody will read it
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: String,
}

pub(crate) async fn run(asked: &BreakGlass, setting: &Setting) -> Result<(), Failure> {
    let grant = root::bytes(&asked.file)?;
    // What is no grant at all is said at once: it is an emergency. All else is the gateway's to judge.
    if grant.len() > GRANT_MAX_BYTES || Grant::read(&grant).is_err() {
        return Err(Failure::new(
            Kind::Configuration,
            format!(
                "{} is no sealed grant, or not all of one",
                asked.file.display()
            ),
            "name the file that `interlock root seal` wrote; or use the local panel",
        ));
    }
    let profile = setting.profile()?;
    let mut gateway = Gateway::connect(&profile).await?;
    let reason = asked.reason.clone();
    let done = gateway
        .ask_for_word(Ask::BreakGlass { grant, reason })
        .await;
    gateway.goodbye().await;
    screen::say(&done?);
    screen::say(
        "work with `interlock connect --write DEVICE`; turn the key back when you are done",
    );
    Ok(())
}

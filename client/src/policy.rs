//! `interlock policy`: put the policy in the gateway's folder in force.

use clap::{Args, Subcommand};

use crate::Setting;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::screen;

/// Put a policy in force.
#[derive(Debug, Args)]
pub(crate) struct PolicyCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Have the gateway load the policy in its folder, run its cases, and put it in force
    ///
    /// Whether you may do that is itself decided by the policy in force, and recorded. A policy
    /// whose cases fail changes nothing.
    Activate,
}

pub(crate) async fn run(asked: &PolicyCommand, setting: &Setting) -> Result<(), Failure> {
    match asked.act {
        Act::Activate => activate(setting).await,
    }
}

async fn activate(setting: &Setting) -> Result<(), Failure> {
    let mut gateway = Gateway::connect(&setting.profile()?).await?;
    let activated = gateway.activate_policy().await;
    gateway.goodbye().await;
    screen::data(&(screen::clean(&activated?) + "\n"))
}

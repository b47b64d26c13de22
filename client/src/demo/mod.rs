//! `interlock demo`: a whole waterworks in this program, to see Interlock work before there is
//! a gateway. The one place where the program of people holds an edge.

mod actor;
mod audit;
mod cast;
mod folder;
mod hand_out;
mod management;
mod memory;
mod page;
mod plant;
mod plc;
mod root;
mod stage;
mod stay;
mod surprise;
#[cfg(test)]
mod tests;
mod tour;
mod vendor;

use clap::Args;
use tokio::sync::oneshot;

pub use self::hand_out::hand_out;
pub use self::management::Management;
use self::page::Page;
use self::plant::Plant;
use self::stage::Stage;
use crate::failure::{Failure, Kind};

/// See it work, without a gateway or a PLC of your own
///
/// Starts two simulated PLCs, a real gateway in front of them and five people, all in this
/// program, and shows in twelve steps what passes, what is denied, how a vendor gets a maintenance
/// window and loses it, and what is logged. Then it stays, for you to try it with the Modbus tools you own, until Ctrl-C.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Only the tour: ends with 0, or with 1 at the first thing that does not go as it should
    #[arg(long)]
    tour: bool,
}

pub(crate) async fn run(asked: &Demo) -> Result<(), Failure> {
    let interrupted = crate::interrupted();
    let mut page = Page::on_stdout();
    let plant = Plant::start().await.map_err(|error| {
        Failure::of_program(format!("no simulated PLC could be started: {error}"))
    })?;
    let stage = Stage::set_up(plant).await?;
    let ended = play(asked, &stage, &mut page, interrupted).await;
    // However it ended: the folder holds keys.
    stage.take_down().await;
    ended
}

async fn play(
    asked: &Demo,
    stage: &Stage,
    page: &mut Page,
    mut interrupted: oneshot::Receiver<()>,
) -> Result<(), Failure> {
    tokio::select! {
        biased;
        _ = &mut interrupted => {
            return Err(Failure::new(Kind::Failed, "the tour was interrupted", ""));
        }
        played = tour::play(stage, page) => played?,
    }
    if asked.tour {
        return Ok(());
    }
    stay::stay(stage, page, interrupted).await
}

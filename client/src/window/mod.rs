//! `interlock window`: maintenance windows, asked for, approved by somebody else, and seen to their
//! end.

mod approve;
mod consent;
mod extend;
pub(crate) mod functions;
pub(crate) mod granted;
mod history;
pub(crate) mod limits;
mod list;
#[cfg(unix)]
pub(crate) mod played;
mod range;
mod request;
mod row;
pub(crate) mod scale;
mod show;
mod story;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod times;
mod wait;

use clap::{Args, Subcommand};
use interlock_protocols::conduit::{Answer, Ask, WindowRow};

use crate::Setting;
use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;
use crate::screen;

/// Ask for maintenance windows, approve them, and see what was done in them
///
/// A window says who may use which functions on which points of one device, with which values, how
/// often and when. Somebody else approves it with their own key. It widens nothing: policy and the
/// limits of the plant hold in it as they do elsewhere.
#[derive(Debug, Args)]
pub(crate) struct WindowCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    Request(Box<request::Request>),
    Extend(Box<extend::Extend>),
    List(list::List),
    Show(show::Show),
    Approve(approve::Approve),
    /// Refuse a window for good
    Refuse {
        /// Its number
        window: u64,
        /// Why; whoever asked reads it
        #[arg(long, value_name = "TEXT")]
        comment: String,
    },
    /// Take your own request back, or end your own window
    Withdraw {
        /// Its number
        window: u64,
    },
    History(history::History),
}

pub(crate) async fn run(asked: &WindowCommand, setting: &Setting) -> Result<(), Failure> {
    match &asked.act {
        Act::Request(asked) => request::run(asked, setting).await,
        Act::Extend(asked) => extend::run(asked, setting).await,
        Act::List(asked) => list::run(asked, setting).await,
        Act::Show(asked) => show::run(asked, setting).await,
        Act::Approve(asked) => approve::run(asked, setting).await,
        Act::Refuse { window, comment } => {
            let (window, comment) = (*window, comment.clone());
            act(setting, Ask::RefuseWindow { window, comment }).await
        }
        Act::History(asked) => history::run(asked, setting).await,
        Act::Withdraw { window } => act(setting, Ask::WithdrawWindow { window: *window }).await,
    }
}

/// One act in a session of its own, that a word answers.
async fn act(setting: &Setting, ask: Ask) -> Result<(), Failure> {
    let profile = setting.profile()?;
    let mut gateway = Gateway::connect(&profile).await?;
    let done = match gateway.show_presence(&profile).await {
        Ok(()) => gateway.ask_for_word(ask).await,
        Err(failure) => Err(failure),
    };
    gateway.goodbye().await;
    screen::say(&done?);
    Ok(())
}

/// All windows of an answer.
fn rows(parts: Vec<Answer>) -> Vec<WindowRow> {
    let rows = parts.into_iter().filter_map(|part| match part {
        Answer::Windows(rows) => Some(rows),
        _ => None,
    });
    rows.flatten().collect()
}

/// The window of this number.
async fn one(gateway: &mut Gateway, window: u64) -> Result<WindowRow, Failure> {
    let parts = gateway.ask_for_parts(Ask::Window { window }).await?;
    let found = rows(parts).into_iter().find(|row| row.window == window);
    found.ok_or_else(|| {
        Failure::new(
            Kind::Failed,
            format!("the gateway tells nothing of window {window}"),
            "`interlock window list` lists those that concern you",
        )
    })
}

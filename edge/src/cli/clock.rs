//! `interlock-edge clock`: what the running edge makes of the system's clock, and the word of
//! somebody who has looked at it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use interlock_protocols::local::{LocalAsk, LocalReply};
use jiff::Timestamp;

use super::{FAILURE, complain, say};
use crate::local::ask;

#[derive(Subcommand)]
pub(super) enum Act {
    /// Show the system's clock, the time that the edge counts, and whether the two are at odds
    ///
    /// Ends with exit code 1 while the clock is in doubt: nothing with effect passes then.
    Show {
        /// The site directory
        dir: PathBuf,
    },
    /// Accept what the system's clock shows now, after a doubt
    ///
    /// Set the clock first. The acceptance is recorded with your user and your reason, and the time
    /// of records may step back with it.
    Accept {
        /// The site directory
        dir: PathBuf,
        /// What happened to the clock, and by what it was set
        #[arg(long)]
        reason: String,
    },
}

pub(super) fn run(act: &Act) -> ExitCode {
    let (dir, asked) = match act {
        Act::Show { dir } => (dir, LocalAsk::ShowClock),
        Act::Accept { dir, reason } => {
            let reason = reason.clone();
            (dir, LocalAsk::AcceptClock { reason })
        }
    };
    match ask(dir, &asked) {
        Ok(LocalReply::Clock {
            system_ms,
            counted_ms,
            doubt,
        }) => {
            say(&shown(system_ms, counted_ms, doubt.as_deref()));
            if doubt.is_some() {
                return ExitCode::from(FAILURE);
            }
            ExitCode::SUCCESS
        }
        Ok(LocalReply::Done { record }) => {
            say(&format!("the clock is accepted, record {record}"));
            ExitCode::SUCCESS
        }
        Ok(LocalReply::Refused { what }) => failed(&what),
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(what: &str) -> ExitCode {
    complain(&format!("interlock-edge: {what}"));
    ExitCode::from(FAILURE)
}

fn shown(system_ms: i64, counted_ms: i64, doubt: Option<&str>) -> String {
    let (system, counted) = (moment(system_ms), moment(counted_ms));
    let verdict = match doubt {
        None => "the clock is believed".to_owned(),
        Some(why) => format!(
            "IN DOUBT: {why}. Commands with effect are refused; see that the system's clock is \
             right, then `interlock-edge clock accept DIR --reason WHY`"
        ),
    };
    format!("system clock  {system}\ncounted       {counted}\n{verdict}")
}

fn moment(ms: i64) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(moment) => moment.to_string(),
        Err(_) => format!("{ms} ms since 1970, which no calendar has"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_times_and_the_verdict_are_shown() {
        let good = shown(1_800_000_000_000, 1_800_000_000_001, None);
        assert_eq!(
            good,
            "system clock  2027-01-15T08:00:00Z\ncounted       2027-01-15T08:00:00.001Z\n\
             the clock is believed"
        );
        let bad = shown(i64::MAX, 0, Some("it was never set"));
        assert!(bad.contains("no calendar") && bad.contains("IN DOUBT: it was never set"));
        assert!(bad.contains("clock accept DIR --reason"));
    }
}

//! `interlock policy`: try the cases of a policy, and put the policy in the gateway's folder in
//! force.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use interlock_broker::activation;
use interlock_broker::finding::Finding;
use interlock_broker::plant::Plant;
use interlock_broker::policy::{Bundle, CaseReport, Report};
use serde::Serialize;

use crate::Setting;
use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;
use crate::screen::{self, Row};

/// Try the cases of a policy, or put a policy in force.
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
    /// Try the cases of a policy, here and now, without a gateway
    ///
    /// Every case goes the whole way of a command: what it touches, the rules, the limits of the
    /// plant. DIR is a site directory, with plant.toml and policy/ in it.
    Test {
        /// The site directory
        dir: PathBuf,
    },
}

pub(crate) async fn run(asked: &PolicyCommand, setting: &Setting) -> Result<(), Failure> {
    match &asked.act {
        Act::Activate => activate(setting).await,
        Act::Test { dir } => test(dir, setting),
    }
}

fn test(dir: &Path, setting: &Setting) -> Result<(), Failure> {
    let report = rehearse(dir).map_err(|findings| faulty(&findings))?;
    let rows: Vec<CaseRow> = report.cases.iter().map(CaseRow::of).collect();
    setting.print(&rows)?;
    let failed = report.failed().count();
    screen::say(&format!("{} passed, {failed} failed", report.passed()));
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Failed,
        "a case of the policy fails, so it would not be activated",
        "mend the rule or the case, whichever says what was not meant",
    ))
}

fn rehearse(dir: &Path) -> Result<Report, Vec<Finding>> {
    let file = dir.join("plant.toml");
    let text = std::fs::read_to_string(&file).map_err(|error| {
        vec![Finding::of_file(
            &file,
            format!("it cannot be read: {error}"),
            "name a site directory, as `interlock-edge init` writes it",
        )]
    })?;
    let plant = Arc::new(Plant::parse(&file, &text)?);
    let bundle = Bundle::load(&dir.join("policy"))?;
    let policy = activation::compile(&bundle, &plant)?;
    activation::rehearse(&bundle, &policy, &plant)
}

fn faulty(findings: &[Finding]) -> Failure {
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    Failure::new(
        Kind::Configuration,
        lines.join("\n"),
        "`interlock-edge check` on the gateway lists every problem of the whole site",
    )
}

/// One case, tried.
#[derive(Serialize)]
struct CaseRow {
    case: String,
    result: &'static str,
    expected: String,
    came_out: String,
    place: String,
}

impl CaseRow {
    fn of(case: &CaseReport) -> CaseRow {
        CaseRow {
            case: case.name.clone(),
            result: if case.passed { "ok" } else { "FAILED" },
            expected: case.expected.clone(),
            came_out: case.came_out.clone(),
            place: format!("{}:{}", case.file.display(), case.line),
        }
    }
}

impl Row for CaseRow {
    const HEADER: &'static [&'static str] = &["CASE", "RESULT", "CAME OUT", "PLACE"];

    fn cells(&self) -> Vec<String> {
        // What was expected is only of interest where it is not what came out.
        let came_out = if self.result == "ok" {
            self.came_out.clone()
        } else {
            format!("{}\nexpected: {}", self.came_out, self.expected)
        };
        vec![
            self.case.clone(),
            self.result.to_owned(),
            came_out,
            self.place.clone(),
        ]
    }
}

async fn activate(setting: &Setting) -> Result<(), Failure> {
    let profile = setting.profile()?;
    let mut gateway = Gateway::connect(&profile).await?;
    let activated = match gateway.show_presence(&profile).await {
        Ok(()) => gateway.activate_policy().await,
        Err(failure) => Err(failure),
    };
    gateway.goodbye().await;
    screen::data(&(screen::clean(&activated?) + "\n"))
}

//! Tries the cases of a policy. How a case is decided is handed in: the whole way of a command
//! lies above this folder, and a case must go all of it.

use super::cases::{Case, Expect};
use super::obligations::Obligations;
use std::fmt;
use std::path::PathBuf;

/// What came out for one case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Whether it passes.
    pub allow: bool,
    /// The code of the denial.
    pub reason: Option<String>,
    /// The rules that determined it.
    pub rules: Vec<String>,
    /// What they oblige to.
    pub obligations: Obligations,
}

/// One case, tried.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseReport {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// Its line.
    pub line: usize,
    /// What it must come to, in words.
    pub expected: String,
    /// What it came to, in words.
    pub came_out: String,
    /// Whether the two agree.
    pub passed: bool,
}

/// All cases, tried.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Report {
    /// In the order of the files.
    pub cases: Vec<CaseReport>,
}

impl Report {
    /// How many agree.
    pub fn passed(&self) -> usize {
        self.cases.iter().filter(|case| case.passed).count()
    }

    /// Those that do not.
    pub fn failed(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| !case.passed)
    }
}

/// Tries every case. `decide` gives a sentence where a case cannot even be asked: it names a
/// point that the device does not have. Such a case fails, also where a denial is expected.
pub fn run(cases: &[Case], mut decide: impl FnMut(&Case) -> Result<Answer, String>) -> Report {
    let cases = cases.iter().map(|case| try_one(case, decide(case)));
    Report {
        cases: cases.collect(),
    }
}

fn try_one(case: &Case, answer: Result<Answer, String>) -> CaseReport {
    let allow = case.expect == Expect::Allow;
    let mut expected = describe(allow, case.reason.as_deref(), case.rule.as_slice());
    if let Some(obligations) = case.obliges {
        expected.push_str(&format!(", {obligations}"));
    }
    let (passed, came_out) = match answer {
        Ok(answer) => {
            let mut words = describe(answer.allow, answer.reason.as_deref(), &answer.rules);
            if case.obliges.is_some() {
                words.push_str(&format!(", {}", answer.obligations));
            }
            let passed = answer.allow == allow
                && (case.reason.is_none() || case.reason == answer.reason)
                && case.rule.iter().all(|rule| answer.rules.contains(rule))
                && case
                    .obliges
                    .is_none_or(|obliges| obliges == answer.obligations);
            (passed, words)
        }
        Err(why) => (false, format!("the case cannot be asked: {why}")),
    };
    CaseReport {
        name: case.name.clone(),
        file: case.file.clone(),
        line: case.line,
        expected,
        came_out,
        passed,
    }
}

fn describe(allow: bool, reason: Option<&str>, rules: &[String]) -> String {
    let mut words = if allow { "allow" } else { "deny" }.to_owned();
    if let Some(reason) = reason {
        words.push_str(&format!(" ({reason})"));
    }
    if !rules.is_empty() {
        words.push_str(&format!(" by {}", rules.join(", ")));
    }
    words
}

impl fmt::Display for CaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.passed { "pass" } else { "FAIL" };
        write!(f, "{word} {}", self.name)?;
        if !self.passed {
            write!(
                f,
                "\n    {}:{}\n    expected: {}\n    came out: {}",
                self.file.display(),
                self.line,
                self.expected,
                self.came_out
            )?;
        }
        Ok(())
    }
}

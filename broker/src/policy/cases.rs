//! `tests/*.toml`: what a policy must answer before it is activated, in words that the people who
//! review it write themselves.

use super::action::Action;
use super::asked;
use super::bundle::Bundle;
use super::circumstances::Circumstances;
use super::compiled::Estate;
use super::facts::{InvitedFacts, Matter};
use super::groups::subject_of;
use super::obligations::Obligations;
use super::question::{self, Ask};
use super::supposed;
use super::window::WindowInForce;
use crate::document::{self, Section, did_you_mean};
use crate::finding::Finding;
use crate::subject::SubjectId;
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One question and the answer it must get.
#[derive(Clone, PartialEq, Debug)]
pub struct Case {
    /// What a person reads when it fails.
    pub name: String,
    /// Who asks.
    pub as_subject: SubjectId,
    /// Which device; `None` for acts on the site.
    pub device: Option<String>,
    /// What is asked.
    pub ask: Ask,
    /// Under which circumstances.
    pub circumstances: Circumstances,
    /// The window that covers it.
    pub window: Option<WindowInForce>,
    /// Whether the connection was armed for writing.
    pub armed: bool,
    /// The answer it must get.
    pub expect: Expect,
    /// The code that the denial must carry.
    pub reason: Option<String>,
    /// A rule that must have determined the answer, as `FILE/ID`.
    pub rule: Option<String>,
    /// What the rules that allow it must oblige it to.
    pub obliges: Option<Obligations>,
    /// The file it stands in.
    pub file: PathBuf,
    /// Its line.
    pub line: usize,
    /// Its bytes.
    pub span: Range<usize>,
}

impl Case {
    /// The act that is no Modbus command, if it is one, and what of it policy is told.
    pub fn act(&self) -> Option<(Action, Matter<'_>)> {
        match &self.ask {
            Ask::Read { .. } | Ask::Write { .. } | Ask::Request { .. } => None,
            Ask::Act(action) => {
                let matter = self.window.map_or(Matter::Plain, Matter::Connection);
                Some((*action, matter))
            }
            Ask::Invite { kind, groups } => {
                let invited = InvitedFacts {
                    kind: *kind,
                    groups,
                };
                Some((Action::Invite, Matter::Invitation(invited)))
            }
            Ask::Window { action, asked } => Some((*action, Matter::Window(asked.facts()))),
        }
    }
}

/// The answer a case must get.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expect {
    /// It passes.
    Allow,
    /// It is denied, by policy or by a limit.
    Deny,
}

impl Bundle {
    /// The cases of all files, in their order.
    pub fn cases(&self, estate: &Estate<'_>) -> Result<Vec<Case>, Vec<Finding>> {
        let mut cases: Vec<Case> = Vec::new();
        let mut findings = Vec::new();
        for (name, text) in self.case_files() {
            let path = self.path(name);
            let read = document::read(&path, text, |root| {
                let section = root.optional("case");
                Some(section.tables(|section| read(section, &path, estate)))
            });
            match read {
                Ok(read) => cases.extend(read),
                Err(found) => findings.extend(found),
            }
        }
        findings.extend(same_names(self, &cases));
        if findings.is_empty() {
            Ok(cases)
        } else {
            Err(findings)
        }
    }
}

fn same_names(bundle: &Bundle, cases: &[Case]) -> Vec<Finding> {
    let mut first: HashMap<&str, &Case> = HashMap::new();
    let mut findings = Vec::new();
    for case in cases {
        if let Some(other) = first.insert(&case.name, case) {
            let name = case.file.strip_prefix(bundle.dir()).unwrap_or(&case.file);
            findings.push(Finding::at(
                &case.file,
                bundle.text(&name.to_string_lossy()),
                case.span.clone(),
                format!(
                    "a case of this name is at {}:{}",
                    other.file.display(),
                    other.line
                ),
                "give it a name of its own: a failed case is found by it",
            ));
        }
    }
    findings
}

fn read(section: &mut Section<'_>, path: &Path, estate: &Estate<'_>) -> Option<Case> {
    let given = Given {
        device: section.has("device"),
        window: section.has("window"),
        obliges: section.has("obliges"),
    };
    let name = section.required("name").text();
    let as_subject = section
        .required("as")
        .text_as(|text| subject_of(estate.site, text));
    let device = section
        .optional("device")
        .text_as(|text| device_of(estate, text));
    let ask = question::read(section, estate.site, as_subject.as_ref());
    let circumstances = supposed::read(section);
    let window = asked::in_force(section);
    let armed = section.optional("armed").boolean();
    let expect = section
        .required("expect")
        .word(&[("allow", Expect::Allow), ("deny", Expect::Deny)]);
    let reason = section.optional("reason").text();
    let rule = section.optional("rule").text_as(rule_name);
    let obliges = asked::obliges(section);
    if reason.is_some() && expect == Some(Expect::Allow) {
        let hint = "take it out, or expect \"deny\"";
        section.fault("reason", "what is allowed has no reason", hint);
    }
    let ask = ask?;
    judge(section, given, &ask, expect);
    let place = section.place();
    Some(Case {
        name: name?,
        as_subject: as_subject?,
        device,
        ask,
        circumstances: circumstances?,
        window: window?,
        armed: armed.unwrap_or(true),
        expect: expect?,
        reason,
        rule,
        obliges: obliges?,
        file: path.to_owned(),
        line: section.report().line(&place),
        span: place.span().unwrap_or_default(),
    })
}

/// Which keys a case has that go with some questions alone.
#[derive(Clone, Copy)]
struct Given {
    device: bool,
    window: bool,
    obliges: bool,
}

/// Whether what is said beside the question goes with it.
fn judge(section: &Section<'_>, given: Given, ask: &Ask, expect: Option<Expect>) {
    if ask.is_on_device() != given.device {
        let (what, hint) = if ask.is_on_device() {
            ("the case names no device", "add a line `device = ...`")
        } else {
            ("the case asks for an act on the site", "take `device` out")
        };
        section.fault("device", what, hint);
    }
    if given.window && !ask.is_covered() {
        let hint = "take it out: it goes with commands and with `connect`";
        section.fault("window", "no window covers this", hint);
    }
    if given.obliges && !(ask.is_obliged() && expect == Some(Expect::Allow)) {
        let hint = "take it out: it goes with a `request-window` that is allowed";
        section.fault("obliges", "no rule obliges this to anything", hint);
    }
}

type Wrong = (String, String);

fn device_of(estate: &Estate<'_>, text: &str) -> Result<String, Wrong> {
    let names = || estate.devices.iter().map(|device| device.name);
    if names().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    let hint = did_you_mean(text, names())
        .unwrap_or_else(|| "use the name of a device in plant.toml".to_owned());
    Err(("the plant has no such device".to_owned(), hint))
}

fn rule_name(text: &str) -> Result<String, Wrong> {
    match text.split_once('/') {
        Some((file, id)) if file.ends_with(".cedar") && !id.is_empty() => Ok(text.to_owned()),
        _ => Err((
            "that is not the name of a rule".to_owned(),
            "write FILE/ID, like \"staff.cedar/operators-read\"".to_owned(),
        )),
    }
}

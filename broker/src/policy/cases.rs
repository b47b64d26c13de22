//! `tests/*.toml`: what a policy must answer before it is activated, in words that the people who
//! review it write themselves.

use super::action::Action;
use super::bundle::Bundle;
use super::circumstances::Circumstances;
use super::compiled::Estate;
use super::facts::{InvitedFacts, Matter};
use super::groups::subject_of;
use super::supposed;
use crate::document::{self, Section, Slot, did_you_mean};
use crate::finding::Finding;
use crate::subject::{SubjectId, SubjectKind};
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
    /// Whether the connection was armed for writing.
    pub armed: bool,
    /// The answer it must get.
    pub expect: Expect,
    /// The code that the denial must carry.
    pub reason: Option<String>,
    /// A rule that must have determined the answer, as `FILE/ID`.
    pub rule: Option<String>,
    /// The file it stands in.
    pub file: PathBuf,
    /// Its line.
    pub line: usize,
    /// Its bytes.
    pub span: Range<usize>,
}

/// What a case asks.
#[derive(Clone, PartialEq, Debug)]
pub enum Ask {
    /// To read a point, with the function that fits its table.
    Read {
        /// The point.
        point: String,
    },
    /// To write a point, with the function that fits its table and width.
    Write {
        /// The point.
        point: String,
        /// The value in engineering units; 1 and 0 for a bit that is on and off.
        value: f64,
    },
    /// A Modbus request, byte for byte.
    Request {
        /// The unit id; `None` for the first that the device routes.
        unit: Option<u8>,
        /// The PDU.
        pdu: Vec<u8>,
    },
    /// An act that is no Modbus command.
    Act(Action),
    /// To invite somebody.
    Invite {
        /// What the invited subject is.
        kind: SubjectKind,
        /// The groups that it is to be in.
        groups: Vec<String>,
    },
}

impl Ask {
    /// The act that is no Modbus command, if it is one, and what of it policy is told.
    pub fn act(&self) -> Option<(Action, Matter<'_>)> {
        match self {
            Ask::Read { .. } | Ask::Write { .. } | Ask::Request { .. } => None,
            Ask::Act(action) => Some((*action, Matter::Plain)),
            Ask::Invite { kind, groups } => {
                let invited = InvitedFacts {
                    kind: *kind,
                    groups,
                };
                Some((Action::Invite, Matter::Invitation(invited)))
            }
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
    let name = section.required("name").text();
    let as_subject = section
        .required("as")
        .text_as(|text| subject_of(estate.site, text));
    let has_device = section.has("device");
    let device = section
        .optional("device")
        .text_as(|text| device_of(estate, text));
    let ask = ask(section);
    let circumstances = supposed::read(section);
    let armed = section.optional("armed").boolean();
    let expect = section
        .required("expect")
        .word(&[("allow", Expect::Allow), ("deny", Expect::Deny)]);
    let reason = section.optional("reason").text();
    let rule = section.optional("rule").text_as(rule_name);
    if reason.is_some() && expect == Some(Expect::Allow) {
        let hint = "take it out, or expect \"deny\"";
        section.fault("reason", "what is allowed has no reason", hint);
    }
    let ask = ask?;
    let on_device = ask.act().is_none_or(|(action, _)| action.is_on_device());
    if on_device != has_device {
        let (what, hint) = if on_device {
            ("the case names no device", "add a line `device = ...`")
        } else {
            ("the case asks for an act on the site", "take `device` out")
        };
        section.fault("device", what, hint);
    }
    let place = section.place();
    Some(Case {
        name: name?,
        as_subject: as_subject?,
        device,
        ask,
        circumstances: circumstances?,
        armed: armed.unwrap_or(true),
        expect: expect?,
        reason,
        rule,
        file: path.to_owned(),
        line: section.report().line(&place),
        span: place.span().unwrap_or_default(),
    })
}

fn ask(section: &mut Section<'_>) -> Option<Ask> {
    const KINDS: [&str; 4] = ["read", "write", "request", "act"];
    let given: Vec<&str> = KINDS.into_iter().filter(|key| section.has(key)).collect();
    let unit_given = section.has("unit");
    let read = section.optional("read").text();
    let write = section.optional("write").text_as(assignment);
    let request = section.optional("request").text_as(hex_bytes);
    let act = section.optional("act").word(&Action::others());
    let act = act.and_then(|action| of_act(section, action));
    let unit = section.optional("unit").integer(0..=u8::MAX);
    if unit_given && !given.contains(&"request") {
        let hint = "take it out: the point says which unit it is in";
        section.fault("unit", "`unit` goes with `request` alone", hint);
    }
    match given.as_slice() {
        [_] => {}
        [] => {
            let hint = "add one of `read`, `write`, `request` and `act`";
            section
                .report()
                .fault(&section.place(), "the case asks nothing", hint);
            return None;
        }
        [_, second, ..] => {
            let hint = "make two cases of it";
            section.fault(second, "the case asks two things", hint);
            return None;
        }
    }
    let read = read.map(|point| Ask::Read { point });
    let write = write.map(|(point, value)| Ask::Write { point, value });
    let request = request.map(|pdu| Ask::Request { unit, pdu });
    read.or(write).or(request).or(act)
}

const KINDS: [(&str, SubjectKind); 3] = [
    ("person", SubjectKind::Person),
    ("vendor", SubjectKind::Vendor),
    ("workload", SubjectKind::Workload),
];

/// An invitation is judged by whom it is for; no other act is for somebody.
fn of_act(section: &mut Section<'_>, action: Action) -> Option<Ask> {
    if action != Action::Invite {
        return Some(Ask::Act(action));
    }
    let kind = section.required("invited_kind").word(&KINDS);
    let groups = section.optional("invited_groups");
    let groups = if groups.is_present() {
        groups.list(Slot::text)
    } else {
        Some(Vec::new())
    };
    Some(Ask::Invite {
        kind: kind?,
        groups: groups?,
    })
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

fn assignment(text: &str) -> Result<(String, f64), Wrong> {
    let wrong = |why: &str| {
        let hint = "write it like \"speed_setpoint=900\" or \"run=on\"";
        (why.to_owned(), hint.to_owned())
    };
    let (point, value) = text
        .split_once('=')
        .ok_or_else(|| wrong("there is no `=` in it"))?;
    let value = match value.trim() {
        "on" => 1.0,
        "off" => 0.0,
        number => number
            .parse()
            .map_err(|_| wrong("what follows `=` is neither a number nor on or off"))?,
    };
    match point.trim() {
        "" => Err(wrong("no point stands before `=`")),
        point => Ok((point.to_owned(), value)),
    }
}

fn hex_bytes(text: &str) -> Result<Vec<u8>, Wrong> {
    let wrong = |why: &str| {
        let hint = "write the PDU in pairs of hex digits: \"03 0000 0002\"";
        (why.to_owned(), hint.to_owned())
    };
    let digits = text.chars().filter(|letter| !letter.is_whitespace());
    let digits: Option<Vec<u32>> = digits.map(|letter| letter.to_digit(16)).collect();
    let digits = digits.ok_or_else(|| wrong("a letter of it is no hex digit"))?;
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    for pair in digits.chunks(2) {
        let [high, low] = pair else {
            return Err(wrong("it has an odd number of digits"));
        };
        bytes.extend(u8::try_from(high * 16 + low));
    }
    if bytes.is_empty() || bytes.len() > PDU_MAX {
        return Err(wrong("a PDU has 1 to 253 bytes"));
    }
    Ok(bytes)
}

/// MODBUS Application Protocol V1.1b3 §4.1.
const PDU_MAX: usize = 253;

fn rule_name(text: &str) -> Result<String, Wrong> {
    match text.split_once('/') {
        Some((file, id)) if file.ends_with(".cedar") && !id.is_empty() => Ok(text.to_owned()),
        _ => Err((
            "that is not the name of a rule".to_owned(),
            "write FILE/ID, like \"staff.cedar/operators-read\"".to_owned(),
        )),
    }
}

//! What a case asks, and how it is written.

use super::action::Action;
use super::asked::{self, WindowAsked};
use crate::document::{Section, Slot};
use crate::subject::{SubjectId, SubjectKind};

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
    /// To ask for a window, or to approve one.
    Window {
        /// Which of the two.
        action: Action,
        /// The window.
        asked: WindowAsked,
    },
}

impl Ask {
    pub(super) fn is_on_device(&self) -> bool {
        match self {
            Ask::Read { .. } | Ask::Write { .. } | Ask::Request { .. } => true,
            Ask::Act(action) | Ask::Window { action, .. } => action.is_on_device(),
            Ask::Invite { .. } => Action::Invite.is_on_device(),
        }
    }

    /// Whether a window can cover it.
    pub(super) fn is_covered(&self) -> bool {
        match self {
            Ask::Read { .. } | Ask::Write { .. } | Ask::Request { .. } => true,
            Ask::Act(action) => *action == Action::Connect,
            Ask::Invite { .. } | Ask::Window { .. } => false,
        }
    }

    /// Whether rules can oblige it to something.
    pub(super) fn is_obliged(&self) -> bool {
        matches!(self, Ask::Window { action, .. } if *action == Action::RequestWindow)
    }
}

/// Reads it; `asker` is whom the case is about.
pub(super) fn read(
    section: &mut Section<'_>,
    site: &str,
    asker: Option<&SubjectId>,
) -> Option<Ask> {
    const KINDS: [&str; 4] = ["read", "write", "request", "act"];
    let given: Vec<&str> = KINDS.into_iter().filter(|key| section.has(key)).collect();
    let unit_given = section.has("unit");
    let read = section.optional("read").text();
    let write = section.optional("write").text_as(assignment);
    let request = section.optional("request").text_as(hex_bytes);
    let act = section.optional("act").word(&Action::others());
    let act = act.and_then(|action| of_act(section, action, site, asker));
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

/// An invitation is judged by whom it is for, a window by what is asked; other acts by nothing more.
fn of_act(
    section: &mut Section<'_>,
    action: Action,
    site: &str,
    asker: Option<&SubjectId>,
) -> Option<Ask> {
    match action {
        Action::Invite => invite(section),
        Action::RequestWindow | Action::ApproveWindow => {
            let asked = asked::asked(section, site, asker)?;
            Some(Ask::Window { action, asked })
        }
        _ => Some(Ask::Act(action)),
    }
}

fn invite(section: &mut Section<'_>) -> Option<Ask> {
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

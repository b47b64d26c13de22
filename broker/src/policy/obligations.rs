//! What a rule asks of a window that it lets somebody request: annotations on permits.

use super::action::Action;
use super::names::Names;
use crate::document::did_you_mean;
use cedar_policy::{ActionConstraint, Effect, Policy};
use interlock_protocols::limits::GRANT_APPROVERS_MAX;
use std::fmt;

/// What must come with a window, whatever its requester asked for. Of several rules that permit
/// the request, the strictest counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Obligations {
    /// How many approvers must sign; at least one.
    pub quorum: u8,
    /// Whether somebody of another organisation must watch.
    pub supervised: bool,
    /// Whether each write must wait for the yes of whoever watches.
    pub hold: bool,
}

impl Default for Obligations {
    fn default() -> Obligations {
        Obligations {
            quorum: 1,
            supervised: false,
            hold: false,
        }
    }
}

impl Obligations {
    /// What satisfies both.
    #[must_use]
    pub fn and(self, other: Obligations) -> Obligations {
        Obligations {
            quorum: self.quorum.max(other.quorum),
            supervised: self.supervised || other.supervised,
            hold: self.hold || other.hold,
        }
    }
}

impl fmt::Display for Obligations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.quorum {
            1 => f.write_str("one approver")?,
            quorum => write!(f, "{quorum} approvers")?,
        }
        if self.supervised {
            f.write_str(", supervised")?;
        }
        if self.hold {
            f.write_str(", each write held")?;
        }
        Ok(())
    }
}

const QUORUM: &str = "quorum";
const SUPERVISED: &str = "supervised";
const HOLD: &str = "hold";

/// A fault and what to do about it.
type Fault = (String, String);

/// What a rule obliges to; `None` where it says nothing of it.
pub(super) fn of_rule(rule: &Policy, names: &Names) -> Result<Option<Obligations>, Vec<Fault>> {
    let mut obligations = Obligations::default();
    let mut faults = Vec::new();
    let mut said = false;
    let permits = permits_requests(rule, names);
    for (key, value) in rule.annotations() {
        let read = match key {
            QUORUM => quorum(value).map(|quorum| obligations.quorum = quorum),
            SUPERVISED => yes(key, value).map(|()| obligations.supervised = true),
            HOLD => yes(key, value).map(|()| obligations.hold = true),
            // What is misspelt would oblige to nothing.
            _ if permits => misspelt(key),
            _ => continue,
        };
        said |= matches!(key, QUORUM | SUPERVISED | HOLD);
        faults.extend(read.err());
    }
    if said && !permits {
        faults.push((
            "@quorum, @supervised and @hold oblige to nothing here".to_owned(),
            "they belong on a `permit` whose scope has action == Interlock::Action::\"request-window\" and no other action".to_owned(),
        ));
    }
    match (faults.is_empty(), said) {
        (false, _) => Err(faults),
        (true, said) => Ok(said.then_some(obligations)),
    }
}

/// Whether it permits to ask for windows, and nothing else.
fn permits_requests(rule: &Policy, names: &Names) -> bool {
    let request = names.action(Action::RequestWindow);
    rule.effect() == Effect::Permit
        && match rule.action_constraint() {
            ActionConstraint::Any => false,
            ActionConstraint::Eq(action) => action == request,
            ActionConstraint::In(actions) => actions == [request],
        }
}

fn quorum(value: &str) -> Result<u8, Fault> {
    let most = u8::try_from(GRANT_APPROVERS_MAX).unwrap_or(u8::MAX);
    let quorum = value.parse().ok().filter(|n| (1..=most).contains(n));
    quorum.ok_or_else(|| {
        (
            format!("@quorum(\"{value}\") is no number of approvers"),
            format!("write how many must sign, 1 to {most}: @quorum(\"2\")"),
        )
    })
}

fn yes(key: &str, value: &str) -> Result<(), Fault> {
    if value == "true" {
        return Ok(());
    }
    Err((
        format!("@{key}(\"{value}\") is not understood"),
        format!(
            "write @{key}(\"true\"), or take it out: a rule can add to what others oblige to, and takes nothing from it"
        ),
    ))
}

fn misspelt(key: &str) -> Result<(), Fault> {
    match did_you_mean(key, [QUORUM, SUPERVISED, HOLD]) {
        Some(hint) => Err((format!("@{key} obliges to nothing"), hint)),
        None => Ok(()),
    }
}

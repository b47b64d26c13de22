//! What policy answered.

use super::obligations::Obligations;
use cedar_policy::{AuthorizationError, Decision, PolicyId, Response};
use std::collections::{BTreeSet, HashMap};

/// The answer of policy to one act, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Whether policy permits it.
    pub allow: bool,
    /// The rules that determined the answer, as `FILE/ID`, in alphabetical order: the permits of
    /// an allowed act, the forbids and the failed rules of a denied one. Empty where no rule
    /// permits.
    pub policies: Vec<String>,
    /// What failed, in alphabetical order. Where anything did, the act is denied (I8).
    pub errors: Vec<String>,
    /// What the rules that permit oblige to; it says something of `request-window` alone.
    pub obligations: Obligations,
}

/// Why policy answered as it did.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cause {
    /// A rule permits and none forbids.
    Permitted,
    /// No rule permits.
    NoRule,
    /// A rule forbids.
    Forbidden,
    /// The decision failed; that denies.
    Failed,
}

impl Cause {
    /// The code in records and notices.
    pub const fn code(self) -> &'static str {
        match self {
            Cause::Permitted => "permitted",
            Cause::NoRule => "no-rule-permits",
            Cause::Forbidden => "rule-forbids",
            Cause::Failed => "policy-failed",
        }
    }
}

impl Verdict {
    /// Why.
    pub fn cause(&self) -> Cause {
        if self.allow {
            Cause::Permitted
        } else if !self.errors.is_empty() {
            Cause::Failed
        } else if self.policies.is_empty() {
            Cause::NoRule
        } else {
            Cause::Forbidden
        }
    }

    /// What passes without a rule being asked: what stands in for one is named in its place.
    pub(crate) fn without_rules(instead: &str) -> Verdict {
        Verdict {
            allow: true,
            policies: vec![instead.to_owned()],
            errors: Vec::new(),
            obligations: Obligations::default(),
        }
    }

    /// I8: something went wrong before any rule was asked.
    pub(super) fn failed(why: String) -> Verdict {
        Verdict {
            allow: false,
            policies: Vec::new(),
            errors: vec![why],
            obligations: Obligations::default(),
        }
    }

    /// Cedar leaves a rule that fails out of its decision, be it a forbid. Here it denies (I8).
    /// `obligations` are those of all rules that have any.
    pub(super) fn of(response: &Response, obligations: &HashMap<PolicyId, Obligations>) -> Verdict {
        let diagnostics = response.diagnostics();
        let mut policies = BTreeSet::new();
        let mut errors = BTreeSet::new();
        for AuthorizationError::PolicyEvaluationError(error) in diagnostics.errors() {
            policies.insert(error.policy_id().to_string());
            errors.insert(format!("{}: {}", error.policy_id(), error.inner()));
        }
        let allowed = response.decision() == Decision::Allow;
        // A permit did not determine a denial.
        if !allowed || errors.is_empty() {
            policies.extend(diagnostics.reason().map(ToString::to_string));
        }
        let obligations = diagnostics
            .reason()
            .filter_map(|rule| obligations.get(rule).copied())
            .fold(Obligations::default(), Obligations::and);
        Verdict {
            allow: allowed && errors.is_empty(),
            policies: policies.into_iter().collect(),
            errors: errors.into_iter().collect(),
            obligations,
        }
    }

    /// Both must allow. Where one denies, only what denied is told.
    pub(super) fn and(self, other: Verdict) -> Verdict {
        match (self.allow, other.allow) {
            (true, false) => other,
            (false, true) => self,
            (allow, _) => Verdict {
                allow,
                policies: union(self.policies, other.policies),
                errors: union(self.errors, other.errors),
                obligations: self.obligations.and(other.obligations),
            },
        }
    }
}

fn union(one: Vec<String>, other: Vec<String>) -> Vec<String> {
    let both: BTreeSet<String> = one.into_iter().chain(other).collect();
    both.into_iter().collect()
}

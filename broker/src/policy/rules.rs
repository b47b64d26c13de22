//! Reads the rules of all `.cedar` files: parses them, names them and checks them strictly
//! against the schema.

use super::bundle::Bundle;
use super::diagnostic::of_cedar;
use super::names::Names;
use super::obligations::{self, Obligations};
use super::statements::statements;
use crate::document::did_you_mean;
use crate::finding::Finding;
use cedar_policy::{EntityUid, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

/// One rule, under its final id `FILE/ID`, and where it stands.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) policy: Policy,
    pub(super) obligations: Option<Obligations>,
    file: String,
    place: Range<usize>,
}

/// Reads the rules of all files; findings go to `findings`.
pub(super) fn read(bundle: &Bundle, names: &Names, findings: &mut Vec<Finding>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (file, text) in bundle.cedar_files() {
        let before = findings.len();
        let found = read_file(bundle, names, file, text, findings);
        // Our own cutting must never lose a rule that Cedar sees: a lost forbid would permit.
        let whole = text.parse::<PolicySet>();
        if findings.len() == before
            && !whole.is_ok_and(|whole| whole.num_of_policies() == found.len())
        {
            findings.push(Finding::of_file(
                &bundle.path(file),
                "the file reads differently as a whole than statement by statement",
                "this is a fault of the program: please report it together with the file",
            ));
        }
        rules.extend(found);
    }
    rules
}

fn read_file(
    bundle: &Bundle,
    names: &Names,
    file: &str,
    text: &str,
    findings: &mut Vec<Finding>,
) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut lines: HashMap<String, usize> = HashMap::new();
    let path = bundle.path(file);
    for place in statements(text) {
        let mut report = |what: String, hint: String| {
            findings.push(Finding::at(&path, text, place.clone(), what, hint));
        };
        let statement = text.get(place.clone()).unwrap_or_default();
        let policy = match Policy::parse(None, statement) {
            Ok(policy) => policy,
            Err(errors) => {
                for error in errors.iter() {
                    findings.push(of_rule(bundle, file, &place, error));
                }
                continue;
            }
        };
        let id = policy.annotation("id").unwrap_or_default();
        if !is_rule_name(id) {
            report(
                "this rule has no usable @id".to_owned(),
                "write @id(\"some-words\") above it, of a-z, 0-9, `_`, `-` and `.`: denials and the journal name the rule by it".to_owned(),
            );
            continue;
        }
        if let Some(line) = lines.get(id) {
            report(
                format!("the id `{id}` is given twice in this file"),
                format!("give this rule another @id; the first is on line {line}"),
            );
            continue;
        }
        lines.insert(id.to_owned(), line_of(text, place.start));
        let obligations = match obligations::of_rule(&policy, names) {
            Ok(obligations) => obligations,
            Err(faults) => {
                faults
                    .into_iter()
                    .for_each(|(what, hint)| report(what, hint));
                continue;
            }
        };
        rules.push(Rule {
            obligations,
            policy: policy.new_id(PolicyId::new(format!("{file}/{id}"))),
            file: file.to_owned(),
            place,
        });
    }
    rules
}

/// Checks the rules against the schema, warnings included: a rule that can never hold, or a name
/// with letters that only look like others, is a mistake or worse.
pub(super) fn validate(
    bundle: &Bundle,
    schema: &Schema,
    rules: &[Rule],
    findings: &mut Vec<Finding>,
) {
    let by_id: BTreeMap<&PolicyId, &Rule> =
        rules.iter().map(|rule| (rule.policy.id(), rule)).collect();
    let policies = rules.iter().map(|rule| rule.policy.clone());
    let set = match PolicySet::from_policies(policies) {
        Ok(set) => set,
        Err(error) => {
            findings.push(Finding::of_file(bundle.dir(), error.to_string(), ""));
            return;
        }
    };
    let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    let mut found = Vec::new();
    let mut report = |id: &PolicyId, diagnostic: &dyn Diagnostic| {
        found.push(match by_id.get(id) {
            Some(rule) => of_rule(bundle, &rule.file, &rule.place, diagnostic),
            None => Finding::of_file(bundle.dir(), diagnostic.to_string(), ""),
        });
    };
    for error in result.validation_errors() {
        report(error.policy_id(), error);
    }
    for warning in result.validation_warnings() {
        report(warning.policy_id(), warning);
    }
    // Cedar says it once for each act that the rule speaks of, in no order; once is enough.
    let key = |one: &Finding| {
        (
            one.file.clone(),
            one.span.clone().map(|at| (at.start, at.end)),
        )
    };
    found.sort_by_key(|one| (key(one), one.what.clone()));
    found.dedup_by_key(|one| key(one));
    findings.extend(found);
}

/// Checks that the groups, zones, devices and the site that rules name exist: the schema knows
/// only kinds, and a `forbid` on a misspelt device would forbid nothing.
pub(super) fn check_names(
    bundle: &Bundle,
    names: &Names,
    known: &HashSet<EntityUid>,
    groups_known: bool,
    rules: &[Rule],
    findings: &mut Vec<Finding>,
) {
    let mut kinds = names.listed_kinds().to_vec();
    if !groups_known {
        kinds.retain(|(_, source)| *source != super::bundle::GROUPS);
    }
    for rule in rules {
        let literals: HashSet<EntityUid> = rule.policy.entity_literals().into_iter().collect();
        let mut unknown: Vec<&EntityUid> = literals.difference(known).collect();
        unknown.sort();
        for uid in unknown {
            let Some((kind, source)) = kinds.iter().find(|(kind, _)| *kind == uid.type_name())
            else {
                continue;
            };
            let there = known.iter().filter(|known| known.type_name() == *kind);
            let there = there.map(|known| known.id().unescaped());
            let hint = did_you_mean(uid.id().unescaped(), there)
                .unwrap_or_else(|| format!("use a name of {source}, or add it there"));
            let text = bundle.text(&rule.file);
            let written = text.get(rule.place.clone()).unwrap_or_default();
            let name = uid.to_string();
            let place = written.find(&name).map_or(rule.place.clone(), |at| {
                let start = rule.place.start + at;
                start..start + name.len()
            });
            findings.push(Finding::at(
                &bundle.path(&rule.file),
                text,
                place,
                format!("the rule names {uid}, which is not in {source}"),
                hint,
            ));
        }
    }
}

fn of_rule(
    bundle: &Bundle,
    file: &str,
    place: &Range<usize>,
    diagnostic: &dyn Diagnostic,
) -> Finding {
    let hint = "compare the rule with schema.cedarschema, which names all that a rule may use";
    let text = bundle.text(file);
    of_cedar(&bundle.path(file), text, place, diagnostic, hint)
}

fn is_rule_name(id: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.');
    !id.is_empty() && id.len() <= crate::limits::NAME_MAX_BYTES && id.bytes().all(allowed)
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}

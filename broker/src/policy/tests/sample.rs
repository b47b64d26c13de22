//! The policy of the sample site: the one that `init` writes and the demo runs.

use super::*;
use interlock_protocols::modbus::FunctionCode as F;
use std::path::PathBuf;

fn dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/site/policy")
}

fn sample() -> Bundle {
    Bundle::load(&dir()).unwrap_or_else(|findings| panic!("{findings:#?}"))
}

/// Decides with facts that stand for the plant's: points are single registers, and a request
/// byte for byte touches none of them.
fn decide(policy: &Arc<Policy>, case: &Case) -> Result<Answer, String> {
    let mut facts = act();
    facts.time = LocalTime::of(case.at);
    let mut points = Vec::new();
    let (action, value) = match &case.ask {
        Ask::Read { point } => {
            points.push(point.as_str());
            (READ, None)
        }
        Ask::Write { point, value } => {
            points.push(point.as_str());
            (WRITE, Some(*value))
        }
        Ask::Request { pdu, .. } => {
            let function = F::from_code(pdu[0]).ok_or("no function")?;
            // Of the sub-functions that cases ask for, only the loopback has no effect.
            (Action::of(function, pdu[1..3] != [0, 0]), None)
        }
        Ask::Act(action) => (*action, None),
    };
    let command = CommandFacts {
        all_named: !points.is_empty(),
        ..touching(&points, value)
    };
    facts.command = action.is_command().then_some(command);
    let resource = case
        .device
        .as_deref()
        .map_or(Resource::Site, Resource::Device);
    let verdict = View::new(Arc::clone(policy), &case.as_subject).decide(action, resource, &facts);
    assert_eq!(verdict.errors, [""; 0], "{}", case.name);
    Ok(Answer {
        allow: verdict.allow,
        reason: (!verdict.allow).then(|| verdict.cause().code().to_owned()),
        rules: verdict.policies,
    })
}

fn try_cases(bundle: &Bundle) -> Report {
    let policy = Policy::compile(bundle, &estate());
    let policy = Arc::new(policy.unwrap_or_else(|findings| panic!("{findings:#?}")));
    let cases = sample().cases(&estate());
    let cases = cases.unwrap_or_else(|findings| panic!("{findings:#?}"));
    run(&cases, |case| decide(&policy, case))
}

#[test]
fn its_cases_pass() {
    let report = try_cases(&sample());
    let failed: Vec<String> = report.failed().map(ToString::to_string).collect();
    assert_eq!(failed, [""; 0]);
    assert!(report.passed() > 20);
}

/// A case that would pass without the rule it was written for protects nothing.
#[test]
fn each_rule_has_a_case_that_fails_without_it() {
    let whole = sample();
    for (file, text) in whole.cedar_files() {
        for place in crate::policy::statements::statements(text) {
            let without = [&text[..place.start], &text[place.end..]].concat();
            let files = whole.files().map(|(name, text)| {
                let text = if name == file { &without } else { text };
                (name, text.to_owned())
            });
            let report = try_cases(&Bundle::of_texts(files));
            assert!(report.failed().count() > 0, "{}", &text[place]);
        }
    }
}

/// The vendor waits for a window: no rule speaks of vendors.
#[test]
fn a_vendor_may_do_nothing_at_all() {
    let policy = Arc::new(Policy::compile(&sample(), &estate()).expect("a good policy"));
    let mut victor = View::new(policy, &subject("vendor/acme/victor"));
    for action in Action::all() {
        let (resource, facts) = match (action.is_on_device(), action.is_command()) {
            (true, true) => (PRESS, command(&["speed"], None)),
            (true, false) => (PRESS, act()),
            (false, _) => (Resource::Site, act()),
        };
        assert!(!victor.decide(action, resource, &facts).allow, "{action}");
    }
}

//! The policy of the sample site: the one that `init` writes and the demo runs.

use super::*;
use interlock_protocols::modbus::Request;
use std::path::PathBuf;

fn dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/site/policy")
}

fn sample() -> Bundle {
    Bundle::load(&dir()).unwrap_or_else(|findings| panic!("{findings:#?}"))
}

/// The way of a command as far as policy and limits go.
fn decide(policy: &Arc<Policy>, plant: &Plant, case: &Case) -> Result<Answer, String> {
    let circumstances = case.circumstances;
    let mut view = View::new(Arc::clone(policy), &case.as_subject);
    let device = case.device.as_deref().and_then(|name| plant.device(name));
    let mut reason = None;
    let verdict = match (case.act(), device) {
        (Some((action, matter)), device) => {
            let resource = device.map_or(Resource::Site, |device| Resource::Device(device.name()));
            let facts = Facts {
                circumstances,
                matter,
            };
            view.decide(action, resource, &facts)
        }
        (_, Some(device)) => {
            let (unit, pdu) = case.request(device)?.ok_or("no command")?;
            let request = Request::decode(pdu.as_bytes()).map_err(|why| why.to_string())?;
            let touched = device.touched(unit, &request);
            let groups = policy.groups_of(&case.as_subject);
            let broken = device.judge(&touched, &request, groups).err();
            reason = broken.map(|broken| broken.code().to_owned());
            view.decide_command(device, circumstances, unit, &request, &touched, case.window)
        }
        _ => return Err("no device".to_owned()),
    };
    assert_eq!(verdict.errors, [""; 0], "{}", case.name);
    if !verdict.allow {
        reason = Some(verdict.cause().code().to_owned());
    }
    Ok(Answer {
        allow: reason.is_none(),
        reason,
        rules: verdict.policies,
        obligations: verdict.obligations,
    })
}

fn try_cases(bundle: &Bundle) -> Report {
    let plant = sample_plant();
    let estate = Estate::from(&plant);
    let policy = Policy::compile(bundle, &estate);
    let policy = Arc::new(policy.unwrap_or_else(|findings| panic!("{findings:#?}")));
    let cases = sample().cases(&estate);
    let cases = cases.unwrap_or_else(|findings| panic!("{findings:#?}"));
    run(&cases, |case| decide(&policy, &plant, case))
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
    let policy = Arc::new(
        Policy::compile(&sample(), &Estate::from(&sample_plant())).expect("a good policy"),
    );
    let mut victor = View::new(policy, &subject("vendor/acme/victor"));
    for action in Action::all() {
        let resource = if action.is_on_device() {
            PRESS
        } else {
            Resource::Site
        };
        let facts = Facts {
            matter: matter(action, touching(&["speed"], None)),
            ..act()
        };
        assert!(!victor.decide(action, resource, &facts).allow, "{action}");
    }
}

/// The limit sets of the plant narrow for groups; a group that is misspelt there narrows nothing.
#[test]
fn the_plant_names_groups_that_exist() {
    let plant = sample_plant();
    let policy = Policy::compile(&sample(), &Estate::from(&plant)).expect("a good policy");
    let names: Vec<&str> = policy.group_names().collect();
    let sets = plant.limit_sets();
    assert!(!sets.is_empty());
    for group in sets.iter().flat_map(|set| set.groups()) {
        assert!(names.contains(&group.as_str()), "{group}");
    }
}

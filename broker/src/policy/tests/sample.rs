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

fn good() -> Arc<Policy> {
    let policy = Policy::compile(&sample(), &Estate::from(&sample_plant()));
    Arc::new(policy.expect("a good policy"))
}

/// Without a window, all that is open to a vendor is to ask for one.
#[test]
fn a_vendor_may_do_nothing_but_ask_for_a_window() {
    let mut victor = View::new(good(), &subject("vendor/acme/victor"));
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
        let may = victor.decide(action, resource, &facts).allow;
        assert_eq!(may, action == Action::RequestWindow, "{action}");
    }
}

/// Which of the three duties that nobody is to have two of somebody has, as policy decides: to let
/// people in, to let them into a device, to say what the rules are.
fn duties(view: &mut View) -> Vec<Action> {
    let kinds = [
        SubjectKind::Person,
        SubjectKind::Vendor,
        SubjectKind::Workload,
    ];
    let vendors = ["vendors".to_owned()];
    let holders = ["vendor/acme/victor", "person/emil"].map(subject);
    let mut tried = vec![(Action::ActivatePolicy, Resource::Site, Matter::Plain)];
    for kind in kinds {
        for groups in [&[][..], &vendors] {
            let matter = Matter::Invitation(InvitedFacts { kind, groups });
            tried.push((Action::Invite, Resource::Site, matter));
        }
    }
    for device in ["press-4", "pump-2"] {
        for holder in &holders {
            let matter = Matter::Window(asking(holder));
            tried.push((Action::ApproveWindow, Resource::Device(device), matter));
        }
    }
    let mut duties: Vec<Action> = Vec::new();
    for (action, resource, matter) in tried {
        let facts = Facts { matter, ..act() };
        if view.decide(action, resource, &facts).allow && !duties.contains(&action) {
            duties.push(action);
        }
    }
    duties
}

#[test]
fn nobody_has_two_of_the_duties_of_letting_in() {
    let policy = good();
    let everybody: Vec<SubjectId> = policy
        .groups
        .subjects()
        .map(|(who, _)| who.clone())
        .collect();
    let mut had = Vec::new();
    for who in &everybody {
        let duties = duties(&mut View::new(Arc::clone(&policy), who));
        assert!(duties.len() <= 1, "{who}: {duties:?}");
        had.extend(duties);
    }
    // Each of them is somebody's, or nothing would ever be done.
    for duty in [
        Action::Invite,
        Action::ApproveWindow,
        Action::ActivatePolicy,
    ] {
        assert!(had.contains(&duty), "{duty} is nobody's");
    }
}

/// Nor would anybody have, whatever groups an invitation put them in besides.
#[test]
fn no_groups_together_give_two_of_them() {
    let policy = good();
    let groups: Vec<String> = policy.group_names().map(str::to_owned).collect();
    for who in ["person/new", "vendor/umbra/new", "workload/new"] {
        for chosen in 0..1_u32 << groups.len() {
            let chosen = groups
                .iter()
                .enumerate()
                .filter(|(at, _)| chosen >> at & 1 == 1);
            let more: Vec<String> = chosen.map(|(_, group)| group.clone()).collect();
            let mut view = View::with_groups(Arc::clone(&policy), &subject(who), &more, 0);
            let duties = duties(&mut view);
            assert!(duties.len() <= 1, "{who} in {more:?}: {duties:?}");
        }
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

//! A slice decides as the whole set of rules does: the same answer, for the same reasons, with
//! the same failures.

use super::*;
use cedar_policy::{Authorizer, Entities, PolicySet, Request};
use interlock_protocols::identity::AuthStrength;
use jiff::civil::DateTime;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

const SUBJECTS: [&str; 6] = [
    "person/olga",
    "person/emil",
    "person/paul",
    "vendor/acme/victor",
    "vendor/acme/vera",
    "workload/historian",
];

const PRINCIPALS: [&str; 12] = [
    "",
    "",
    r#" == I::Person::"olga""#,
    r#" == I::Person::"paul""#,
    r#" == I::Group::"operators""#,
    r#" in I::Group::"operators""#,
    r#" in I::Group::"engineers""#,
    r#" in I::Person::"emil""#,
    " is I::Person",
    " is I::Vendor",
    r#" is I::Vendor in I::Group::"operators""#,
    r#" is I::Workload in I::Group::"nobody""#,
];

const ACTIONS: [&str; 10] = [
    "",
    "",
    r#" == I::Action::"read-holding-registers""#,
    r#" == I::Action::"connect""#,
    r#" == I::Action::"read""#,
    r#" in I::Action::"read""#,
    r#" in I::Action::"write-single-register""#,
    r#" in [I::Action::"write", I::Action::"write-single-register", I::Action::"connect"]"#,
    r#" in [I::Action::"administer", I::Action::"program"]"#,
    " in []",
];

const RESOURCES: [&str; 11] = [
    "",
    "",
    r#" == I::Device::"press-4""#,
    r#" == I::Zone::"pressing""#,
    r#" in I::Zone::"pressing""#,
    r#" in I::Zone::"water""#,
    r#" in I::Site::"waterworks""#,
    r#" == I::Site::"waterworks""#,
    " is I::Device",
    r#" is I::Device in I::Zone::"pressing""#,
    r#" is I::Zone in I::Site::"waterworks""#,
];

/// Conditions that hold, that do not, and that fail: some always, some for some requests.
const CONDITIONS: [&str; 22] = [
    "",
    "",
    "",
    "when { false }",
    "when { context.weekday > 5 }",
    "unless { context.minute_of_day < 600 }",
    r#"when { context.points.contains("speed") }"#,
    "when { context has value && context.value.greaterThan(decimal(\"10.0\")) }",
    "when { context.value.greaterThan(decimal(\"10.0\")) }",
    "when { context.unit + 9223372036854775807 > 0 }",
    "when { context.weekday * 9223372036854775807 > 0 }",
    r#"when { context.auth == "user-present" && context.auth_age_s <= 300 }"#,
    "unless { context has posture && context.posture.firewall }",
    "when { context.posture.patch_age_days < 30 }",
    r#"when { context.invited_groups.contains("operators") }"#,
    r#"when { principal.firm == "acme" }"#,
    r#"when { principal.name == "olga" }"#,
    r#"when { resource.name == "press-4" }"#,
    r#"when { principal in I::Group::"operators" }"#,
    r#"when { resource in I::Zone::"pressing" }"#,
    r#"when { action in I::Action::"read" }"#,
    r#"when { I::Person::"emil" in I::Group::"engineers" && I::Device::"pump-2".name == "pump-2" }"#,
];

fn rule() -> impl Strategy<Value = String> {
    let parts = (
        select(vec!["permit", "permit", "forbid"]),
        select(PRINCIPALS.to_vec()),
        select(ACTIONS.to_vec()),
        select(RESOURCES.to_vec()),
        select(CONDITIONS.to_vec()),
    );
    parts.prop_map(|(effect, who, act, what, condition)| {
        format!("{effect}(principal{who}, action{act}, resource{what}) {condition};")
    })
}

#[derive(Clone, Debug)]
struct Question {
    who: &'static str,
    action: Action,
    device: &'static str,
    points: Vec<&'static str>,
    value: f64,
    minute: i8,
    day: i8,
    unit: u8,
    healthy: bool,
    present: bool,
}

fn question() -> impl Strategy<Value = Question> {
    let actions: Vec<Action> = Action::all()
        .filter(|action| *action != Action::Function(FunctionCode::ReadWriteMultipleRegisters))
        .chain([READ, READ, WRITE, WRITE])
        .collect();
    let parts = (
        select(SUBJECTS.to_vec()),
        select(actions),
        select(vec!["press-4", "press-5", "pump-2"]),
        subsequence(vec!["speed", "ramp"], 0..=2),
        select(vec![0.0, 10.0, 10.000_03, 900.0]),
        (0..24i8, 1..=14i8, 0..3u8),
        (any::<bool>(), any::<bool>()),
    );
    parts.prop_map(
        |(who, action, device, points, value, (minute, day, unit), (healthy, present))| Question {
            who,
            action,
            device,
            points,
            value,
            minute,
            day,
            unit,
            healthy,
            present,
        },
    )
}

impl Question {
    fn facts(&self) -> Facts<'_> {
        let time = DateTime::new(2026, 1, self.day, self.minute, 30, 0, 0).expect("a time");
        let value = (self.points.len() == 1).then_some(self.value);
        let command = CommandFacts {
            unit: UnitId::new(self.unit),
            ..touching(&self.points, value)
        };
        let good = supposed::good();
        Facts {
            circumstances: Circumstances {
                time: LocalTime::of(time),
                health: good.health.filter(|_| self.healthy),
                presence: if self.present {
                    good.presence
                } else {
                    Presence::at(AuthStrength::SingleFactor, 0, 0)
                },
                ..good
            },
            matter: matter(self.action, command),
        }
    }

    fn resource(&self) -> Resource<'_> {
        if self.action.is_on_device() {
            Resource::Device(self.device)
        } else {
            Resource::Site
        }
    }
}

/// The same question put to all rules at once, with nothing left out and the schema checked.
fn by_the_whole(policy: &Policy, whole: &PolicySet, question: &Question) -> Verdict {
    let who = subject(question.who);
    let entity = policy
        .names
        .subject_entity(&who, policy.groups_of(&who))
        .expect("an entity");
    let entities = Entities::clone(&policy.entities)
        .upsert_entities([entity], Some(&policy.schema))
        .expect("entities");
    let resource = match question.resource() {
        Resource::Device(name) => policy.names.device(name),
        Resource::Site => policy.names.site("waterworks"),
    };
    let contexts =
        super::super::facts::contexts(question.action, &question.facts()).expect("facts");
    let ask = |context| {
        let request = Request::new(
            policy.names.subject(&who),
            policy.names.action(question.action),
            resource.clone(),
            context,
            Some(&policy.schema),
        );
        let response = Authorizer::new().is_authorized(&request.expect("fits"), whole, &entities);
        Verdict::of(&response, &policy.obligations)
    };
    let first = ask(contexts.first);
    match contexts.second {
        Some(second) => first.and(ask(second)),
        None => first,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn slice_and_whole_agree(
        rules in prop::collection::vec(rule(), 1..24),
        questions in prop::collection::vec(question(), 1..24),
    ) {
        let rules: String = rules
            .iter()
            .enumerate()
            .map(|(number, rule)| format!("@id(\"r{number}\") {rule}\n"))
            .collect();
        let policy = unchecked(&rules);
        let whole = PolicySet::from_policies(policy.rules.iter().cloned()).expect("a set");
        // One view a subject, so that slices are used again as in a session.
        let mut views = std::collections::HashMap::new();
        for question in &questions {
            let view = views
                .entry(question.who)
                .or_insert_with(|| View::new(Arc::clone(&policy), &subject(question.who)));
            let sliced = view.decide(question.action, question.resource(), &question.facts());
            prop_assert_eq!(&sliced, &by_the_whole(&policy, &whole, question), "{:?}", question);
        }
    }
}

/// The generator would prove nothing if its rules never decided or never failed.
#[test]
fn the_generated_rules_allow_forbid_fail_and_are_silent() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut causes = std::collections::HashMap::new();
    for _ in 0..300 {
        let rules = prop::collection::vec(rule(), 8)
            .new_tree(&mut runner)
            .expect("rules");
        let rules: String = rules
            .current()
            .iter()
            .enumerate()
            .map(|(number, rule)| format!("@id(\"r{number}\") {rule}\n"))
            .collect();
        let question = question()
            .new_tree(&mut runner)
            .expect("a question")
            .current();
        let mut view = View::new(unchecked(&rules), &subject(question.who));
        let verdict = view.decide(question.action, question.resource(), &question.facts());
        *causes.entry(verdict.cause()).or_insert(0) += 1;
    }
    for cause in [
        Cause::Permitted,
        Cause::Forbidden,
        Cause::Failed,
        Cause::NoRule,
    ] {
        assert!(
            causes.get(&cause).is_some_and(|count| *count >= 10),
            "{causes:?}"
        );
    }
}

/// Rules about other people and devices cost this session nothing.
#[test]
fn a_slice_holds_only_what_can_have_a_say() {
    let mut rules = String::new();
    for number in 0..500 {
        rules.push_str(&format!(
            "@id(\"p{number}\") permit(principal == I::Person::\"p{number}\", action, resource);\n"
        ));
    }
    rules.push_str("@id(\"o\") permit(principal in I::Group::\"operators\", action in I::Action::\"read\", resource in I::Zone::\"pressing\");");
    let policy = unchecked(&rules);
    let mut olga = View::new(policy, &subject("person/olga"));
    assert_eq!(olga.slice_size(READ, PRESS), 1);
    assert_eq!(olga.slice_size(WRITE, PRESS), 0);
    assert_eq!(olga.slice_size(READ, Resource::Device("pump-2")), 0);
}

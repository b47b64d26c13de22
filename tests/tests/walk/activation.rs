//! Putting a policy in force: decided, tried on its cases, recorded, and what a restart takes up.

use interlock_protocols::record::{Event, PolicyActivated};
use interlock_tests::harness::{Bench, Ended, Gateway};

/// Olga no longer sets the speed.
const STRICTER: &str = r#"
@id("no-speed-for-olga")
forbid (
    principal == Interlock::Person::"olga",
    action in Interlock::Action::"write",
    resource
)
when { context.points.contains("speed_setpoint") };
"#;

fn write(gateway: &Gateway) -> i32 {
    let written = gateway.client("person/olga", &["write", "press-4", "speed_setpoint=900"]);
    written.code
}

fn activate(gateway: &Gateway, subject: &str) -> Ended {
    gateway.client(subject, &["policy", "activate"])
}

/// The case of the sample that the stricter rule breaks is turned round. Those of the other guards
/// are left out: they let olga set the speed, each under another circumstance.
fn tighten(gateway: &Gateway) {
    std::fs::remove_file(gateway.site().join("policy/tests/guards.toml")).unwrap();
    gateway.append("policy/olga.cedar", STRICTER);
    gateway.edit(
        "policy/tests/staff.toml",
        "write = \"speed_setpoint=900\"\nexpect = \"allow\"\nrule = \"staff.cedar/operators-write\"",
        "write = \"speed_setpoint=900\"\nexpect = \"deny\"\nrule = \"olga.cedar/no-speed-for-olga\"",
    );
}

fn activations(events: &[Event]) -> Vec<&PolicyActivated> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::PolicyActivated(activated) => Some(activated),
            _ => None,
        })
        .collect()
}

#[test]
fn a_policy_is_put_in_force_by_those_who_may_and_holds_for_live_sessions() {
    let mut bench = Bench::start();
    let connected = bench.gateway.connect("person/olga", &["press-4"]);
    let mut tool = connected.modbus("press-4");
    assert_eq!(tool.write_holding(1, 100, 9000), [6, 0, 100, 0x23, 0x28]);
    tighten(&bench.gateway);
    // Edited is not activated.
    assert_eq!(tool.write_holding(1, 100, 8000), [6, 0, 100, 0x1F, 0x40]);
    // Not an operator, and not those who invite or approve: that would be two duties in one hand.
    for nobody in ["person/olga", "person/adam", "person/arno"] {
        let denied = activate(&bench.gateway, nobody);
        assert_eq!(denied.code, 3, "{nobody}: {denied}");
    }
    assert_eq!(tool.write_holding(1, 100, 7000), [6, 0, 100, 0x1B, 0x58]);
    let activated = activate(&bench.gateway, "person/paula");
    assert_eq!(activated.code, 0, "{activated}");
    assert_eq!(
        tool.write_holding(1, 100, 6000),
        [0x86, 1],
        "from the next command on"
    );
    assert_eq!(connected.end(), 0);
    let records = bench.settle();
    let [first, second] = activations(&records.events)[..] else {
        panic!("{:?}", records.events);
    };
    assert_eq!((first.by.as_str(), first.session), ("installation", None));
    assert_eq!(second.by, "spiffe://waterworks/person/paula");
    assert!(second.session.is_some());
    assert_ne!(first.digest, second.digest);
    // Each command names the policy it was decided under.
    assert!(
        records
            .commands
            .iter()
            .all(|(intent, _)| intent.policy == first.digest)
    );
    assert_eq!(records.commands.len(), 3);
    let denied = records.denials.last().unwrap();
    assert_eq!(denied.policies, ["olga.cedar/no-speed-for-olga"]);
}

#[test]
fn a_policy_whose_cases_fail_or_that_is_broken_changes_nothing() {
    let mut bench = Bench::start();
    // The rule alone: now a case of the sample fails.
    bench.gateway.append("policy/olga.cedar", STRICTER);
    let failed = activate(&bench.gateway, "person/paula");
    assert_eq!(failed.code, 1, "{failed}");
    assert!(
        failed.stderr.contains("an operator sets the speed"),
        "{failed}"
    );
    assert!(failed.stderr.contains("staff.toml:"), "{failed}");
    bench.gateway.append("policy/broken.cedar", "permit (");
    let broken = activate(&bench.gateway, "person/paula");
    assert_eq!(broken.code, 1, "{broken}");
    assert!(broken.stderr.contains("broken.cedar"), "{broken}");
    assert_eq!(write(&bench.gateway), 0, "the policy before is in force");
    let records = bench.settle();
    assert_eq!(activations(&records.events).len(), 1);
}

#[test]
fn cases_can_be_tried_before_they_are_activated() {
    let bench = Bench::start();
    let site = bench.gateway.site();
    let test = |dir: &str| {
        bench
            .gateway
            .client("person/paula", &["policy", "test", dir])
    };
    let site = site.to_str().unwrap();
    let sound = test(site);
    assert_eq!(sound.code, 0, "{sound}");
    bench.gateway.append("policy/olga.cedar", STRICTER);
    let failed = test(site);
    assert_eq!(failed.code, 1, "{failed}");
    assert!(
        failed.stdout.contains("an operator sets the speed"),
        "{failed}"
    );
    // Trying is not activating: it needs no edge and changes none.
    assert_eq!(write(&bench.gateway), 0);
}

#[test]
fn a_restart_takes_up_what_was_activated_last_whatever_was_edited_since() {
    let mut bench = Bench::start();
    tighten(&bench.gateway);
    let activated = activate(&bench.gateway, "person/paula");
    assert_eq!(activated.code, 0, "{activated}");
    assert_eq!(write(&bench.gateway), 3);
    // Edited back, and not activated; then broken altogether; then gone.
    for round in 0..3 {
        match round {
            0 => std::fs::remove_file(bench.gateway.site().join("policy/olga.cedar")).unwrap(),
            1 => bench.gateway.append("policy/broken.cedar", "permit ("),
            _ => std::fs::remove_dir_all(bench.gateway.site().join("policy")).unwrap(),
        }
        if round == 1 {
            bench.gateway.kill();
        } else {
            assert_eq!(bench.gateway.stop(), 0);
        }
        bench.gateway.start();
        assert_eq!(write(&bench.gateway), 3, "round {round}");
    }
    let records = bench.settle();
    assert_eq!(activations(&records.events).len(), 2);
    assert_eq!(records.commands.len(), 0);
}

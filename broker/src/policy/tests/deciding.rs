//! One decision: what allows, what denies, and what is said about it.

use super::*;
use interlock_protocols::identity::PostureSource;
use interlock_protocols::modbus::FunctionCode as F;
use jiff::tz::TimeZone;

fn view(rules: &str, who: &str) -> View {
    View::new(compiled(rules), &subject(who))
}

#[test]
fn what_no_rule_permits_is_denied() {
    let mut olga = view(
        r#"@id("r") permit(principal, action in I::Action::"read", resource);"#,
        "person/olga",
    );
    let read = olga.decide(READ, PRESS, &command(&[], None));
    assert!(read.allow);
    assert_eq!(read.policies, ["a.cedar/r"]);
    assert_eq!(read.cause(), Cause::Permitted);
    let write = olga.decide(WRITE, PRESS, &command(&[], None));
    assert!(!write.allow);
    assert_eq!((write.policies.len(), write.errors.len()), (0, 0));
    assert_eq!(write.cause(), Cause::NoRule);
}

#[test]
fn a_forbid_wins_and_is_named_alone() {
    let mut olga = view(
        r#"@id("p") permit(principal, action, resource);
           @id("f") forbid(principal in I::Group::"operators", action in I::Action::"write", resource)
             when { context.points.contains("trip") };"#,
        "person/olga",
    );
    assert!(olga.decide(WRITE, PRESS, &command(&["speed"], None)).allow);
    let denied = olga.decide(WRITE, PRESS, &command(&["speed", "trip"], None));
    assert!(!denied.allow);
    assert_eq!(denied.policies, ["a.cedar/f"]);
    assert_eq!(denied.cause(), Cause::Forbidden);
}

/// I8: Cedar leaves a rule that fails out; a forbid that fails must not be dodged that way.
#[test]
fn a_rule_that_fails_denies_be_it_a_forbid_or_a_permit() {
    for failing in [
        r#"@id("bad") forbid(principal, action, resource) when { context.value.greaterThan(decimal("1.0")) };"#,
        r#"@id("bad") permit(principal, action, resource) when { context.unit + 9223372036854775807 > 0 };"#,
    ] {
        let rules = format!(r#"@id("good") permit(principal, action, resource); {failing}"#);
        let mut olga = View::new(unchecked(&rules), &subject("person/olga"));
        let verdict = olga.decide(READ, PRESS, &command(&[], None));
        assert!(!verdict.allow, "{failing}");
        assert_eq!(verdict.policies, ["a.cedar/bad"]);
        assert_eq!(verdict.errors.len(), 1);
        assert!(
            verdict.errors[0].starts_with("a.cedar/bad: "),
            "{verdict:?}"
        );
        assert_eq!(verdict.cause(), Cause::Failed);
    }
}

/// Overflow is what strict validation cannot rule out, so it is the way a checked policy fails.
#[test]
fn a_checked_policy_that_overflows_denies() {
    let mut olga = view(
        r#"@id("good") permit(principal, action in I::Action::"read", resource);
           @id("bad") forbid(principal, action in I::Action::"read", resource)
             when { context.unit * 9223372036854775807 > 5 };"#,
        "person/olga",
    );
    let mut facts = command(&[], None);
    assert!(!olga.decide(READ, PRESS, &command(&[], None)).allow);
    if let Matter::Command(command) = &mut facts.matter {
        command.unit = UnitId::new(2);
    }
    let verdict = olga.decide(READ, PRESS, &facts);
    assert!(!verdict.allow);
    assert_eq!(verdict.cause(), Cause::Failed);
}

const ALL: &str = r#"@id("all") permit(principal, action, resource);"#;

#[test]
fn a_subject_of_another_site_is_denied() {
    let stranger = SubjectId::parse("spiffe://gasworks/person/olga").expect("a subject");
    let mut view = View::new(compiled(ALL), &stranger);
    let verdict = view.decide(READ, PRESS, &command(&[], None));
    assert!(!verdict.allow);
    assert!(verdict.errors[0].contains("another site"), "{verdict:?}");
}

#[test]
fn what_does_not_fit_together_is_denied() {
    let mut olga = view(ALL, "person/olga");
    let one = command(&["speed"], None);
    let two = command(&["speed", "ramp"], Some(1.0));
    let none = command(&[], Some(1.0));
    let invitation = Facts {
        matter: matter(Action::Invite, touching(&[], None)),
        ..act()
    };
    for (action, resource, facts, why) in [
        (
            READ,
            Resource::Device("press-9"),
            one,
            "no device `press-9`",
        ),
        (READ, Resource::Device(""), one, "no device"),
        (READ, Resource::Site, one, "not done to a site"),
        (Action::ReadJournal, PRESS, act(), "not done to a device"),
        (READ, PRESS, act(), "without its command"),
        (Action::Connect, PRESS, one, "no Modbus command"),
        (Action::Invite, Resource::Site, act(), "without whom"),
        (Action::Revoke, Resource::Site, invitation, "invites nobody"),
        (READ, PRESS, invitation, "without its command"),
        (WRITE_MANY, PRESS, two, "2 points"),
        (WRITE_MANY, PRESS, none, "0 points"),
        (
            Action::Function(F::ReadWriteMultipleRegisters),
            PRESS,
            one,
            "for what it reads",
        ),
    ] {
        let verdict = olga.decide(action, resource, &facts);
        assert!(!verdict.allow, "{why}");
        assert!(verdict.errors[0].contains(why), "{verdict:?}");
        assert_eq!(verdict.cause(), Cause::Failed);
    }
    assert!(olga.decide(Action::Connect, PRESS, &act()).allow);
    assert!(
        olga.decide(Action::ReadJournal, Resource::Site, &act())
            .allow
    );
    for action in Action::all().filter(|action| action.is_command()) {
        let both = action == Action::Function(F::ReadWriteMultipleRegisters);
        assert_eq!(olga.decide(action, PRESS, &one).allow, !both, "{action}");
    }
}

#[test]
fn a_value_between_decimals_must_pass_on_both_sides() {
    let permit = r#"@id("p") permit(principal, action, resource);"#;
    let guarded = |test: &str| {
        [
            permit,
            r#"@id("f") forbid(principal, action in I::Action::"write", resource) unless { context has value && "#,
            test,
            " };",
        ]
        .concat()
    };
    let allow = |rules: &str, value| {
        let facts = command(&["speed"], Some(value));
        view(rules, "person/olga")
            .decide(WRITE, PRESS, &facts)
            .allow
    };
    let at_most = guarded(r#"context.value.lessThanOrEqual(decimal("10.0"))"#);
    let at_least = guarded(r#"context.value.greaterThanOrEqual(decimal("10.0"))"#);
    for (value, below, above) in [
        (10.0, true, true),
        (f64::from(10.0_f32), true, true),
        (10.00001, false, true),
        (9.99999, true, false),
        (f64::NAN, false, false),
        (f64::INFINITY, false, false),
        (1e15, false, false),
    ] {
        assert_eq!(allow(&at_most, value), below, "{value} <= 10");
        assert_eq!(allow(&at_least, value), above, "{value} >= 10");
    }
    // Even a policy that asks for no value denies one that nobody could judge.
    assert!(allow(permit, 10.00001));
    assert!(!allow(permit, f64::NAN));
}

#[test]
fn nothing_touched_is_not_all_named() {
    let rules = r#"@id("p") permit(principal, action in I::Action::"write", resource) when { context.all_named };"#;
    let mut olga = view(rules, "person/olga");
    let file = Action::Function(F::WriteFileRecord);
    assert!(!olga.decide(file, PRESS, &command(&[], None)).allow);
    assert!(olga.decide(file, PRESS, &command(&["p"], None)).allow);
}

#[test]
fn a_rule_sees_every_fact() {
    let rules = r#"
        @id("p") permit(principal is I::Vendor, action, resource in I::Zone::"pressing")
        when {
            principal.name == "victor" && principal.firm == "acme" && resource.name like "press-*" &&
            context.unit == 1 && context.transport == "quic" &&
            context has table && context.table == "holding" &&
            context has first && context.first == 100 && context has last && context.last == 101 &&
            context.minute_of_day == 720 && context.weekday == 3 && context.all_named &&
            context.auth == "user-present" && context.auth_age_s == 60 && context.device_key == "token" &&
            context.trust == "fresh" && context.posture_source == "management" &&
            context has posture && context.posture.age_s == 60 && context.posture.os == "linux" &&
            context.posture has patch_age_days && context.posture.patch_age_days == 5 &&
            context.posture.disk_encrypted && context.posture.screen_lock &&
            context.posture.firewall && context.posture.agent &&
            context.points.containsAll(["speed"]) && context has value && context.value == decimal("-1.5")
        };"#;
    let facts = command(&["speed"], Some(-1.5));
    let policy = unchecked(rules);
    let mut victor = View::new(Arc::clone(&policy), &subject("vendor/acme/victor"));
    let verdict = victor.decide(WRITE, PRESS, &facts);
    assert!(verdict.allow, "{verdict:?}");
    for who in ["vendor/umbra/victor", "vendor/acme/vic"] {
        let mut other = View::new(Arc::clone(&policy), &subject(who));
        assert!(!other.decide(WRITE, PRESS, &facts).allow, "{who}");
    }
    assert!(
        !victor
            .decide(WRITE, Resource::Device("pump-2"), &facts)
            .allow
    );
    // Each fact of a machine's health stands for itself, and none of them for another.
    let health = facts.circumstances.health.expect("a healthy machine");
    let worse = [
        None,
        Some(Health {
            source: PostureSource::Own,
            ..health
        }),
        Some(Health {
            age_s: 61,
            ..health
        }),
        Some(Health {
            patch_age_days: None,
            ..health
        }),
        Some(Health {
            disk_encrypted: false,
            ..health
        }),
        Some(Health {
            screen_lock: false,
            ..health
        }),
        Some(Health {
            firewall: false,
            ..health
        }),
        Some(Health {
            agent: false,
            ..health
        }),
    ];
    for health in worse {
        let mut facts = facts;
        facts.circumstances.health = health;
        assert!(!victor.decide(WRITE, PRESS, &facts).allow, "{health:?}");
    }
}

/// Whom somebody may invite is for policy to say.
#[test]
fn a_rule_sees_whom_an_invitation_is_for() {
    let rules = r#"
        @id("p") permit(principal, action == I::Action::"invite", resource)
        when { context.invited_kind == "vendor" && ["vendors"].containsAll(context.invited_groups) };"#;
    let mut olga = view(rules, "person/olga");
    let mut may = |kind, groups: &[String]| {
        let facts = Facts {
            matter: Matter::Invitation(InvitedFacts { kind, groups }),
            ..act()
        };
        olga.decide(Action::Invite, Resource::Site, &facts).allow
    };
    let vendors = ["vendors".to_owned()];
    let both = ["vendors".to_owned(), "engineers".to_owned()];
    assert!(may(SubjectKind::Vendor, &vendors));
    assert!(may(SubjectKind::Vendor, &[]));
    assert!(!may(SubjectKind::Vendor, &both));
    assert!(!may(SubjectKind::Person, &vendors));
}

#[test]
fn somebody_in_no_group_can_be_named_by_a_rule() {
    let rules = r#"@id("p") permit(principal == I::Person::"paul", action, resource)
        when { principal.name == "paul" };"#;
    let policy = compiled(&rules.replace("action,", r#"action == I::Action::"connect","#));
    let mut paul = View::new(Arc::clone(&policy), &subject("person/paul"));
    assert!(paul.decide(Action::Connect, PRESS, &act()).allow);
    // The kind is part of who somebody is.
    let mut program = View::new(policy, &subject("workload/paul"));
    assert!(!program.decide(Action::Connect, PRESS, &act()).allow);
}

#[test]
fn another_policy_takes_over_at_once() {
    let permits = compiled(ALL);
    let forbids = compiled(r#"@id("no") forbid(principal, action, resource);"#);
    assert_ne!(permits.digest(), forbids.digest());
    let mut olga = View::new(Arc::clone(&permits), &subject("person/olga"));
    assert!(olga.decide(READ, PRESS, &command(&[], None)).allow);
    olga.renew(&permits, 0, |_| Vec::new());
    assert!(olga.decide(READ, PRESS, &command(&[], None)).allow);
    olga.renew(&forbids, 0, |_| Vec::new());
    let verdict = olga.decide(READ, PRESS, &command(&[], None));
    assert_eq!(verdict.policies, ["a.cedar/no"]);
    assert_eq!(olga.policy().digest(), forbids.digest());
}

#[test]
fn groups_are_those_of_the_file() {
    let policy = compiled(ALL);
    assert_eq!(
        policy.groups_of(&subject("person/olga")),
        ["engineers", "operators"]
    );
    assert_eq!(policy.groups_of(&subject("person/paul")), [""; 0]);
    // A name is not a person: the same name at another kind or site is somebody else.
    assert_eq!(policy.groups_of(&subject("workload/olga")), [""; 0]);
    let elsewhere = SubjectId::parse("spiffe://gasworks/person/olga").expect("a subject");
    assert_eq!(policy.groups_of(&elsewhere), [""; 0]);
}

#[test]
fn local_time_is_that_of_the_site() {
    let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
    // 2026-03-29 00:59:59 UTC is 01:59 in winter time; a second later it is 03:00 in summer time.
    let before = LocalTime::at(1_774_745_999_000, &berlin).expect("a time");
    let after = LocalTime::at(1_774_746_000_000, &berlin).expect("a time");
    assert_eq!((before.minute_of_day(), before.weekday()), (119, 7));
    assert_eq!((after.minute_of_day(), after.weekday()), (180, 7));
    assert_eq!(LocalTime::at(i64::MAX, &berlin), None);
    assert_eq!(LocalTime::at(i64::MIN, &berlin), None);
}

//! What is wrong with a policy is found when it is compiled, all of it, with its place.

use super::*;

fn findings(bundle: &Bundle) -> Vec<String> {
    let findings = Policy::compile(bundle, &estate()).expect_err("a faulty policy");
    findings
        .iter()
        .map(|finding| finding.to_string().replace("\n    ", " | "))
        .collect()
}

/// One finding, on this line, with these words.
fn assert_one(rules: &str, line: usize, words: &str) {
    let all = findings(&bundle(rules));
    assert_eq!(all.len(), 1, "{rules}: {all:#?}");
    let place = format!("policy/a.cedar:{line}: ");
    assert!(all[0].starts_with(&place), "{rules}: {all:#?}");
    assert!(all[0].contains(words), "{words}: {all:#?}");
}

#[test]
fn a_rule_without_a_usable_id() {
    let good = "@id(\"ok\") permit(principal, action, resource);\n\n";
    for id in ["", "@id ", "@id(\"\") ", "@id(\"a b\") ", "@id(\"a/b\") "] {
        let rules = format!("{good}// why\n{id}forbid(principal, action, resource);");
        assert_one(&rules, 4, "no usable @id");
    }
}

#[test]
fn an_id_given_twice() {
    let rule = "@id(\"a\") permit(principal, action, resource);\n";
    assert_one(&rule.repeat(2), 2, "the first is on line 1");
    // In two files it is two names.
    let two = Bundle::of_texts([
        ("schema.cedarschema", SCHEMA.to_owned()),
        ("groups.toml", GROUPS.to_owned()),
        ("a.cedar", rule.to_owned()),
        ("b.cedar", rule.to_owned()),
    ]);
    let policy = Policy::compile(&two, &estate()).expect("a good policy");
    assert_eq!(policy.rule_count(), 2);
}

/// What a rule obliges to is said by words that nobody checks but we: each that says nothing, or
/// stands where it obliges nobody, would leave a window with less than was meant.
#[test]
fn an_obligation_that_obliges_to_nothing() {
    let request = "permit(principal, action == I::Action::\"request-window\", resource);";
    for (annotation, words) in [
        ("@quorum(\"0\")", "no number of approvers"),
        ("@quorum(\"two\")", "no number of approvers"),
        ("@quorum(\"33\")", "no number of approvers"),
        ("@quorum", "no number of approvers"),
        ("@supervised(\"yes\")", "not understood"),
        ("@supervised", "not understood"),
        ("@hold(\"false\")", "not understood"),
        ("@quorom(\"2\")", "did you mean `quorum`?"),
        ("@Hold(\"true\")", "did you mean `hold`?"),
        ("@superviced(\"true\")", "did you mean `supervised`?"),
    ] {
        assert_one(&format!("@id(\"a\")\n{annotation}\n{request}"), 1, words);
    }
    let good = "@id(\"a\") @quorum(\"32\") @supervised(\"true\") @hold(\"true\") @why(\"x\") ";
    assert!(Policy::compile(&bundle(&format!("{good}{request}")), &estate()).is_ok());
    for elsewhere in [
        "forbid(principal, action == I::Action::\"request-window\", resource);",
        "permit(principal, action == I::Action::\"approve-window\", resource);",
        "permit(principal, action in I::Action::\"administer\", resource);",
        "permit(principal, action, resource);",
        "permit(principal, action in [I::Action::\"request-window\", I::Action::\"watch\"], resource);",
    ] {
        for annotation in ["@quorum(\"2\")", "@supervised(\"true\")", "@hold(\"true\")"] {
            let rules = format!("// first\n@id(\"a\") {annotation} {elsewhere}");
            assert_one(&rules, 2, "oblige to nothing here");
        }
    }
    // Two faults of one rule are both said.
    let both = format!("@id(\"a\") @quorum(\"0\") @hold(\"0\") {request}");
    assert_eq!(findings(&bundle(&both)).len(), 2);
}

#[test]
fn a_template() {
    let rules = "@id(\"t\")\npermit(principal == ?principal, action, resource);";
    let all = findings(&bundle(rules));
    assert!(all[0].contains("template"), "{all:#?}");
}

#[test]
fn what_does_not_parse_does_not_hide_the_rest() {
    let rules = r#"@id("a") permit(principal, action, resource;
@id("b") permit(principal, action, resource);
@id("c") permit(principle, action, resource);
permit(principal, action, resource);
"#;
    let all = findings(&bundle(rules));
    let lines: Vec<&str> = all
        .iter()
        .map(|finding| finding.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        lines,
        ["policy/a.cedar:1", "policy/a.cedar:3", "policy/a.cedar:4"],
        "{all:#?}"
    );
}

#[test]
fn what_the_schema_does_not_know() {
    let rule = |condition: &str| {
        format!(
            "// first\n@id(\"a\")\npermit(principal, action in I::Action::\"write\", resource)\nwhen {{\n  {condition}\n}};"
        )
    };
    assert_one(&rule("context.colour == 3"), 5, "colour");
    // May be absent, and is not asked for.
    assert_one(
        &rule("context.value.lessThan(decimal(\"1.0\"))"),
        5,
        "value",
    );
    assert_one(&rule("context.points == 3"), 5, "type");
    assert_one(&rule("context.weekday == \"monday\""), 5, "type");
    assert_one(&rule("principal.firm == \"acme\""), 5, "firm");
    assert_one(
        &rule("decimal(\"1.23456\") == decimal(\"1.0\")"),
        5,
        "decimal",
    );
}

#[test]
fn names_that_are_not_there() {
    let scope = |principal: &str, action: &str, resource: &str| {
        format!(
            "// first\n@id(\"a\") permit(principal{principal}, action{action}, resource{resource});"
        )
    };
    let any = " in I::Action::\"read\"";
    for (rule, words) in [
        (
            scope(" in I::Group::\"operatorz\"", any, ""),
            "did you mean `operators`?",
        ),
        (
            scope("", any, " == I::Device::\"press-6\""),
            "not in plant.toml",
        ),
        (
            scope("", any, " in I::Zone::\"presing\""),
            "did you mean `pressing`?",
        ),
        (
            scope("", any, " in I::Site::\"gasworks\""),
            "not in plant.toml",
        ),
        (scope("", " == I::Action::\"reed\"", ""), "reed"),
        (scope(" is I::Robot", any, ""), "Robot"),
    ] {
        let all = findings(&bundle(&rule));
        assert!(all[0].starts_with("policy/a.cedar:2: "), "{all:#?}");
        assert!(
            all.iter().any(|finding| finding.contains(words)),
            "{words}: {all:#?}"
        );
    }
    // In a condition as well; and people are not listed, so anybody may be named.
    let rules = "@id(\"a\")\nforbid(principal == I::Person::\"paul\", action, resource)\nunless { principal in I::Group::\"operatorz\" };";
    assert_one(rules, 3, "operatorz");
}

#[test]
fn a_rule_that_can_never_hold() {
    // Nobody reads a site, and `false` is false.
    for rule in [
        "@id(\"a\") permit(principal, action in I::Action::\"read\", resource == I::Site::\"waterworks\");",
        "@id(\"a\") forbid(principal, action, resource) when { 1 == 2 };",
    ] {
        let all = findings(&bundle(rule));
        assert!(all[0].starts_with("policy/a.cedar:1: "), "{all:#?}");
    }
}

#[test]
fn all_files_at_once() {
    let bundle = Bundle::of_texts([
        ("schema.cedarschema", SCHEMA.to_owned()),
        (
            "groups.toml",
            "[groups]\noperators = ['person/olga', 'olga']\nx = 3\n[more]\n".to_owned(),
        ),
        ("a.cedar", "permit(principal, action, resource);".to_owned()),
        (
            "b.cedar",
            "@id(\"b\") permit(principal, action, resource) when { context.x };".to_owned(),
        ),
    ]);
    let all = findings(&bundle);
    for place in [
        "policy/groups.toml:2: ",
        "policy/groups.toml:3: ",
        "policy/groups.toml:4: ",
        "policy/a.cedar:1: ",
        "policy/b.cedar:1: ",
    ] {
        assert!(
            all.iter().any(|one| one.starts_with(place)),
            "{place}: {all:#?}"
        );
    }
}

#[test]
fn groups_that_are_none() {
    for (text, line, words) in [
        ("", 0, "`groups` is missing"),
        ("[groups]\na = ['person/olga', 'person/olga']", 2, "twice"),
        ("[groups]\na = ['persn/olga']", 2, "no subject id"),
        (
            "[groups]\na = ['spiffe://gasworks/person/olga']",
            2,
            "another site",
        ),
        ("[groups]\n'A b' = []", 2, "no name for a group"),
        ("[groups]\na = []\na = []", 3, "twice"),
    ] {
        let bundle = Bundle::of_texts([
            ("schema.cedarschema", SCHEMA.to_owned()),
            ("groups.toml", text.to_owned()),
            (
                "a.cedar",
                "@id(\"a\") permit(principal, action, resource);".to_owned(),
            ),
        ]);
        let found = Policy::compile(&bundle, &estate()).expect_err(text);
        assert_eq!(found.len(), 1, "{text}: {found:#?}");
        assert_eq!(found[0].line.unwrap_or(0), line, "{text}");
        assert!(found[0].to_string().contains(words), "{words}: {found:#?}");
    }
}

/// Rules are checked against the schema and decided on what is sent. A schema that differs from
/// that makes good rules fail, or bad ones pass.
#[test]
fn a_schema_that_is_not_what_is_sent() {
    for (from, to, words) in [
        ("minute_of_day: Long,", "minute_of_day: String,", "context"),
        ("value?: decimal,", "value: decimal,", "context"),
        ("value?: decimal,", "", "context"),
        ("unit: Long,", "unit: Long, colour: Long,", "context"),
        ("posture?: Posture,", "posture: Posture,", "context"),
        ("patch_age_days?: Long,", "patch_age_days: Long,", "context"),
        ("disk_encrypted: Bool,", "", "context"),
        ("invited_kind: String,", "", "context"),
        ("context: Invitation", "context: Circumstances", "context"),
        ("\"revoke\", ", "", "`revoke`"),
        ("\"read-coils\", ", "", "`read-coils`"),
        ("in [\"program\"]", "in [\"diagnose\"]", "`program`"),
        (
            "in [\"diagnose\"]",
            "in [\"diagnose\", \"read\"]",
            "no other",
        ),
        (
            "name: String,\n        firm: String,",
            "name: String,",
            "firm",
        ),
        ("window?: Window,", "window: Window,", "context"),
        ("window?: Window,", "", "context"),
        ("safe_value: Bool,", "", "context"),
        ("ends_s: Long,", "ends_s: String,", "context"),
        ("holder_firm: String,", "holder_firm?: Long,", "context"),
        (
            "context: WindowRequest",
            "context: Circumstances",
            "context",
        ),
        ("context: Connection", "context: Circumstances", "context"),
        ("\"read-windows\",", "", "`read-windows`"),
        ("\"watch\", ", "", "`watch`"),
        ("entity Zone in [Site];", "entity Zone;", "does not fit"),
        ("entity Group;", "entity Grupe;", "Group"),
        ("resource: [Site]", "resource: [Device]", "Site"),
        ("type Circumstances", "typ Circumstances", "typ"),
    ] {
        let schema = SCHEMA.replace(from, to);
        assert_ne!(schema, SCHEMA, "{from}");
        let bundle = Bundle::of_texts([
            ("schema.cedarschema", schema),
            ("groups.toml", GROUPS.to_owned()),
            (
                "a.cedar",
                "@id(\"a\") permit(principal, action, resource);".to_owned(),
            ),
        ]);
        let all = findings(&bundle);
        assert!(
            all.iter()
                .any(|one| one.starts_with("policy/schema.cedarschema") && one.contains(words)),
            "{to}: {all:#?}"
        );
    }
}

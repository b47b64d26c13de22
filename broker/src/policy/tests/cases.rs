//! Cases as people write them, and what trying them reports.

use super::*;
use interlock_protocols::identity::{AuthStrength, PostureSource};

fn with_cases(text: &str) -> Bundle {
    Bundle::of_texts([("tests/t.toml", text.to_owned())])
}

fn read(text: &str) -> Vec<Case> {
    with_cases(text).cases(&estate()).expect("good cases")
}

const BASE: &str = "[[case]]\nname = 'n'\nas = 'person/olga'\nexpect = 'deny'\n";

#[test]
fn reads_every_kind_of_question() {
    let on = |ask: &str| read(&format!("{BASE}device = 'press-4'\n{ask}")).remove(0);
    let case = on("read = 'speed'");
    assert_eq!(case.name, "n");
    assert_eq!(case.as_subject, subject("person/olga"));
    assert_eq!(case.device.as_deref(), Some("press-4"));
    assert_eq!(
        case.ask,
        Ask::Read {
            point: "speed".to_owned()
        }
    );
    assert_eq!(case.expect, Expect::Deny);
    assert_eq!((case.reason, case.rule), (None, None));
    assert!(case.armed);
    assert_eq!(case.circumstances, supposed::good());
    assert_eq!(case.line, 1);

    let write = |point: &str, value| Ask::Write {
        point: point.to_owned(),
        value,
    };
    assert_eq!(
        on("write = 'speed_setpoint=900'").ask,
        write("speed_setpoint", 900.0)
    );
    assert_eq!(on("write = 'ramp = -1.5e1'").ask, write("ramp", -15.0));
    assert_eq!(on("write = 'run=on'").ask, write("run", 1.0));
    assert_eq!(on("write = 'run=off'").ask, write("run", 0.0));

    let request = |unit, pdu: &[u8]| Ask::Request {
        unit,
        pdu: pdu.to_owned(),
    };
    assert_eq!(
        on("request = '03 0000 0002'").ask,
        request(None, &[3, 0, 0, 0, 2])
    );
    assert_eq!(
        on("request = '2b0E01 00'\nunit = 7").ask,
        request(Some(7), &[0x2b, 14, 1, 0])
    );

    assert_eq!(on("act = 'connect'").ask, Ask::Act(Action::Connect));
    let site = &read(&format!("{BASE}act = 'read-journal'"))[0];
    assert_eq!(
        (&site.device, &site.ask),
        (&None, &Ask::Act(Action::ReadJournal))
    );

    let all = on(
        "read = 'speed'\nat = '2026-02-03T04:05'\narmed = false\nrule = 'a.cedar/b'\nreason = 'limit'",
    );
    let time = all.circumstances.time;
    assert_eq!((time.minute_of_day(), time.weekday()), (4 * 60 + 5, 2));
    assert!(!all.armed);
    assert_eq!(all.rule.as_deref(), Some("a.cedar/b"));
    assert_eq!(all.reason.as_deref(), Some("limit"));
    assert_eq!(read("").len(), 0);
}

#[test]
fn reads_what_a_case_supposes() {
    let on = |more: &str| read(&format!("{BASE}act = 'revoke'\n{more}")).remove(0);
    let good = supposed::good();
    let health = good.health.expect("a healthy machine");
    assert_eq!(on("").circumstances, good);
    let poor = on(
        "auth = 'single-factor'\nauth_age_s = 9\ndevice_key = 'none'\nposture = 'none'\ntrust = 'stale'",
    );
    assert_eq!(
        poor.circumstances,
        Circumstances {
            presence: Presence {
                auth: AuthStrength::SingleFactor,
                age_s: 9
            },
            device_key: None,
            health: None,
            trust: Trust::Stale,
            ..good
        }
    );
    let posture = |text: &str| on(&format!("posture = {text}")).circumstances.health;
    assert_eq!(posture("'healthy'"), Some(health));
    assert!(posture("'failing'").is_some_and(|health| !health.firewall && !health.disk_encrypted));
    assert_eq!(
        posture("{ source = 'self', patch_age_days = 'unknown', agent = false }"),
        Some(Health {
            source: PostureSource::Own,
            patch_age_days: None,
            agent: false,
            ..health
        })
    );
    let invite = read(&format!(
        "{BASE}act = 'invite'\ninvited_kind = 'vendor'\ninvited_groups = ['vendors']"
    ));
    let groups = ["vendors".to_owned()];
    assert_eq!(
        invite[0].act(),
        Some((
            Action::Invite,
            Matter::Invitation(InvitedFacts {
                kind: SubjectKind::Vendor,
                groups: &groups
            })
        ))
    );
}

#[test]
fn reads_what_a_case_says_of_windows() {
    let one = |text: &str| {
        let text = format!("[[case]]\nname = 'n'\nas = 'vendor/acme/victor'\n{text}");
        read(&text).remove(0)
    };
    let denied = |more: &str| one(&format!("expect = 'deny'\ndevice = 'press-4'\n{more}"));
    let window = |more: &str| denied(more).window;
    assert_eq!(window("read = 'speed'"), None);
    let plain = asked::IN_FORCE;
    assert_eq!(window("read = 'speed'\nwindow = {}"), Some(plain));
    assert_eq!(
        window(
            "write = 'ramp=5'\nwindow = { number = 3, supervised = true, hold = true, break_glass = true, ends_s = 0 }"
        ),
        Some(WindowInForce {
            number: 3,
            supervised: true,
            hold: true,
            break_glass: true,
            ends_s: 0
        })
    );
    let connect = denied("act = 'connect'\nwindow = {}");
    let matter = Matter::Connection(plain);
    assert_eq!(connect.act(), Some((Action::Connect, matter)));
    let plain = denied("act = 'connect'");
    assert_eq!(plain.act(), Some((Action::Connect, Matter::Plain)));

    let asked = denied("act = 'request-window'\nasked = {}");
    let (action, matter) = asked.act().expect("an act");
    let Matter::Window(facts) = matter else {
        panic!("{matter:?}");
    };
    assert_eq!((action, facts.holder), (Action::RequestWindow, &*VICTOR));
    assert_eq!(
        (facts.spans, facts.length_s, facts.writes()),
        (1, 3_600, false)
    );
    let whole = denied(
        "act = 'approve-window'\nasked = { points = ['ramp'], functions = ['write-single-register'], length_s = 7, spans = 53, max_writes = 0, holder = 'person/emil', supervised = true, hold = true }",
    );
    let emil = subject("person/emil");
    let points = ["ramp".to_owned()];
    assert_eq!(
        whole.act(),
        Some((
            Action::ApproveWindow,
            Matter::Window(WindowFacts {
                points: &points,
                functions: Functions::NONE.with(FunctionCode::WriteSingleRegister),
                length_s: 7,
                spans: 53,
                max_writes: 0,
                holder: &emil,
                supervised: true,
                hold: true,
            })
        ))
    );
    let obliged = one(
        "expect = 'allow'\ndevice = 'press-4'\nact = 'request-window'\nasked = {}\nobliges = { quorum = 2, hold = true }",
    );
    let obligations = Obligations {
        quorum: 2,
        supervised: false,
        hold: true,
    };
    assert_eq!(obliged.obliges, Some(obligations));
    // It must be just that, no more and no less.
    for (quorum, hold, passes) in [(2, true, true), (3, true, false), (2, false, false)] {
        let report = run(std::slice::from_ref(&obliged), |_| {
            Ok(Answer {
                allow: true,
                reason: None,
                rules: Vec::new(),
                obligations: Obligations {
                    quorum,
                    hold,
                    ..obligations
                },
            })
        });
        assert_eq!(report.cases[0].passed, passes, "{}", report.cases[0]);
    }
}

#[test]
fn reports_what_is_no_case() {
    for (ask, words) in [
        ("device = 'press-4'", "asks nothing"),
        (
            "device = 'press-4'\nread = 'a'\nwrite = 'a=1'",
            "asks two things",
        ),
        ("read = 'a'", "names no device"),
        ("act = 'connect'", "names no device"),
        (
            "device = 'press-4'\nact = 'read-journal'",
            "act on the site",
        ),
        ("device = 'press-6'\nread = 'a'", "no such device"),
        ("device = 'press-4'\nwrite = 'a'", "no `=`"),
        ("device = 'press-4'\nwrite = '=1'", "no point"),
        ("device = 'press-4'\nwrite = 'a=one'", "neither a number"),
        ("device = 'press-4'\nrequest = '030'", "odd number"),
        ("device = 'press-4'\nrequest = '0g'", "no hex digit"),
        ("device = 'press-4'\nrequest = ''", "1 to 253"),
        (
            "device = 'press-4'\nread = 'a'\nunit = 1",
            "with `request` alone",
        ),
        (
            "device = 'press-4'\nrequest = '11'\nunit = 256",
            "out of range",
        ),
        ("act = 'read'", "not known"),
        ("act = 'read-journal'\nat = 'noon'", "local date"),
        ("act = 'read-journal'\nauth = 'none'", "not known"),
        ("act = 'read-journal'\nauth_age_s = -1", "out of range"),
        ("act = 'read-journal'\nposture = 'good'", "not known"),
        (
            "act = 'read-journal'\nposture = { disk = true }",
            "not a key",
        ),
        ("act = 'read-journal'\ntrust = 'old'", "not known"),
        ("act = 'read-journal'\ninvited_kind = 'vendor'", "not a key"),
        ("act = 'invite'", "`invited_kind` is missing"),
        ("act = 'read-journal'\nwindow = {}", "no window covers this"),
        ("act = 'read-journal'\nobliges = {}", "no rule obliges this"),
        ("act = 'read-journal'\nasked = {}", "not a key"),
        (
            "device = 'press-4'\nact = 'watch'\nwindow = {}",
            "no window covers this",
        ),
        (
            "device = 'press-4'\nact = 'request-window'",
            "`asked` is missing",
        ),
        ("act = 'request-window'\nasked = {}", "names no device"),
        (
            "device = 'press-4'\nact = 'request-window'\nasked = {}\nobliges = {}",
            "no rule obliges this",
        ),
        (
            "device = 'press-4'\nact = 'request-window'\nasked = { functions = ['write-register'] }",
            "no Modbus function",
        ),
        (
            "device = 'press-4'\nact = 'request-window'\nasked = { length_s = 604801 }",
            "out of range",
        ),
        (
            "device = 'press-4'\nread = 'a'\nwindow = { held = true }",
            "not a key",
        ),
        ("act = 'read-journal'\nrule = 'r'", "name of a rule"),
        ("act = 'read-journal'\nexpected = 'allow'", "not a key"),
    ] {
        let text = format!("{BASE}{ask}");
        let findings = with_cases(&text).cases(&estate()).expect_err(ask);
        assert_eq!(findings.len(), 1, "{ask}: {findings:#?}");
        assert!(
            findings[0].to_string().contains(words),
            "{words}: {findings:#?}"
        );
        assert!(findings[0].line.is_some());
    }
    let long = "00".repeat(254);
    let text = format!("{BASE}device = 'press-4'\nrequest = '{long}'");
    assert!(with_cases(&text).cases(&estate()).is_err());
    let allowed = "[[case]]\nname = 'n'\nas = 'person/olga'\nexpect = 'allow'\nact = 'read-journal'\nreason = 'x'";
    assert!(with_cases(allowed).cases(&estate()).is_err());
    let foreign = "[[case]]\nname = 'n'\nas = 'spiffe://gasworks/person/olga'\nexpect = 'allow'\nact = 'read-journal'";
    assert!(with_cases(foreign).cases(&estate()).is_err());
}

#[test]
fn reports_all_cases_of_all_files_at_once() {
    let bundle = Bundle::of_texts([
        ("tests/a.toml", format!("{BASE}act = 'x'\n{BASE}act = 'y'")),
        (
            "tests/b.toml",
            format!("{BASE}act = 'read-journal'\n{BASE}act = 'read-journal'"),
        ),
    ]);
    let findings = bundle.cases(&estate()).expect_err("faults");
    let at: Vec<String> = findings
        .iter()
        .map(|one| format!("{}:{}", one.file.display(), one.line.unwrap_or(0)))
        .collect();
    assert_eq!(
        at,
        [
            "policy/tests/a.toml:5",
            "policy/tests/a.toml:10",
            "policy/tests/b.toml:6"
        ]
    );
    assert!(
        findings[2].what.contains("policy/tests/b.toml:1"),
        "{findings:#?}"
    );
}

#[test]
fn a_case_passes_only_if_all_that_it_names_came_out() {
    let text = |more: &str| format!("{BASE}act = 'read-journal'\n{more}");
    let answer = |allow, reason: &str, rules: &[&str]| Answer {
        allow,
        reason: Some(reason.to_owned()).filter(|reason| !reason.is_empty()),
        rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        obligations: Obligations::default(),
    };
    let with_rule = text("rule = 'a.cedar/x'");
    let with_reason = text("reason = 'limit'");
    for (text, answer, passes) in [
        (text(""), Ok(answer(false, "any", &[])), true),
        (text(""), Ok(answer(true, "", &[])), false),
        (text(""), Err("no such point".to_owned()), false),
        (
            with_rule.clone(),
            Ok(answer(false, "", &["a.cedar/w", "a.cedar/x"])),
            true,
        ),
        (
            with_rule.clone(),
            Ok(answer(true, "", &["a.cedar/x"])),
            false,
        ),
        (with_rule, Ok(answer(false, "", &["a.cedar/xy"])), false),
        (with_reason.clone(), Ok(answer(false, "limit", &[])), true),
        (with_reason.clone(), Ok(answer(false, "limits", &[])), false),
        (with_reason, Ok(answer(false, "", &[])), false),
    ] {
        let report = run(&read(&text), |_| answer.clone());
        assert_eq!(report.cases[0].passed, passes, "{text} {answer:?}");
        assert_eq!(report.passed(), usize::from(passes));
        assert_eq!(report.failed().count(), usize::from(!passes));
    }
}

#[test]
fn a_failed_case_says_where_it_stands_and_what_came_out() {
    let cases = read(&format!("{BASE}act = 'read-journal'\nrule = 'a.cedar/x'"));
    let report = run(&cases, |_| {
        Ok(Answer {
            allow: true,
            reason: None,
            rules: vec!["a.cedar/y".to_owned()],
            obligations: Obligations::default(),
        })
    });
    assert_eq!(
        report.cases[0].to_string(),
        "FAIL n\n    policy/tests/t.toml:1\n    expected: deny by a.cedar/x\n    came out: allow by a.cedar/y"
    );
}

//! Windows: what rules see of them, and what they oblige to.

use super::*;

const REQUEST: Action = Action::RequestWindow;

fn in_force() -> WindowInForce {
    WindowInForce {
        number: 7,
        supervised: true,
        hold: false,
        break_glass: false,
        ends_s: 90,
    }
}

fn view(rules: &str, who: &str) -> View {
    View::new(compiled(rules), &subject(who))
}

/// A rule can want a window, and each fact of it.
#[test]
fn a_rule_sees_the_window_that_covers_a_command() {
    let rules = r#"@id("p") permit(principal, action in I::Action::"write", resource)
        when { context has window && context.window.number == 7 && context.window.supervised &&
            !context.window.hold && !context.window.break_glass && context.window.ends_s == 90 };"#;
    let mut victor = view(rules, "vendor/acme/victor");
    let mut may = |window| {
        let facts = Facts {
            matter: Matter::Command(CommandFacts {
                window,
                ..touching(&["speed"], Some(1.0))
            }),
            ..act()
        };
        victor.decide(WRITE, PRESS, &facts).allow
    };
    let window = in_force();
    assert!(may(Some(window)));
    for other in [
        WindowInForce {
            number: 8,
            ..window
        },
        WindowInForce {
            supervised: false,
            ..window
        },
        WindowInForce {
            hold: true,
            ..window
        },
        WindowInForce {
            break_glass: true,
            ..window
        },
        WindowInForce {
            ends_s: 89,
            ..window
        },
    ] {
        assert!(!may(Some(other)), "{other:?}");
    }
    assert!(!may(None));
}

/// Policy can keep a device from whoever has no window: connecting is told of one too.
#[test]
fn a_rule_sees_the_window_that_lets_somebody_connect() {
    let rules = r#"@id("p") permit(principal, action == I::Action::"connect", resource)
        when { context has window && context.window.number == 7 };"#;
    let mut victor = view(rules, "vendor/acme/victor");
    let with = Facts {
        matter: Matter::Connection(in_force()),
        ..act()
    };
    assert!(victor.decide(Action::Connect, PRESS, &with).allow);
    assert!(!victor.decide(Action::Connect, PRESS, &act()).allow);
}

/// Both decisions about a request are told all of it.
#[test]
fn a_rule_sees_what_a_window_is_asked_for() {
    let rules = r#"@id("p") permit(principal,
            action in [I::Action::"request-window", I::Action::"approve-window"], resource)
        when {
            context.points == ["speed_setpoint"] && context.functions == ["write-single-register"] &&
            context.writes && context.length_s == 3600 && context.spans == 1 &&
            context.max_writes == 10 && context.holder_kind == "vendor" &&
            context.holder_firm == "acme" && !context.supervised && !context.hold
        };"#;
    let mut olga = view(rules, "person/olga");
    let mut may = |asked| {
        let facts = Facts {
            matter: Matter::Window(asked),
            ..act()
        };
        let may =
            [REQUEST, Action::ApproveWindow].map(|action| olga.decide(action, PRESS, &facts).allow);
        assert_eq!(may[0], may[1]);
        may[0]
    };
    let asked = asking(&VICTOR);
    assert!(may(asked));
    let points = ["ramp".to_owned()];
    let (vera, emil) = (subject("vendor/umbra/victor"), subject("person/emil"));
    let reads = Functions::NONE.with(FunctionCode::ReadHoldingRegisters);
    for other in [
        WindowFacts {
            points: &points,
            ..asked
        },
        WindowFacts {
            functions: reads,
            ..asked
        },
        WindowFacts {
            length_s: 3_601,
            ..asked
        },
        WindowFacts { spans: 2, ..asked },
        WindowFacts {
            max_writes: 11,
            ..asked
        },
        WindowFacts {
            holder: &vera,
            ..asked
        },
        WindowFacts {
            holder: &emil,
            ..asked
        },
        WindowFacts {
            supervised: true,
            ..asked
        },
        WindowFacts {
            hold: true,
            ..asked
        },
    ] {
        assert!(!may(other), "{other:?}");
    }
    assert!(
        !WindowFacts {
            functions: reads,
            ..asked
        }
        .writes()
    );
    for writing in [5, 6, 15, 16, 22, 23] {
        let function = FunctionCode::from_code(writing).expect("a function");
        let functions = reads.with(function);
        assert!(WindowFacts { functions, ..asked }.writes(), "{function:?}");
    }
}

const FOUR: &str = r#"
    @id("any") permit(principal, action == I::Action::"request-window", resource);
    @id("press") @quorum("2") permit(principal, action == I::Action::"request-window",
        resource == I::Device::"press-4");
    @id("writes") @quorum("1") @supervised("true")
    permit(principal, action in [I::Action::"request-window"], resource) when { context.writes };
    @id("speed") @hold("true")
    permit(principal, action == I::Action::"request-window", resource)
    when { context.points.contains("speed_setpoint") };"#;

/// Of several rules that permit, the strictest counts, part by part; one that does not match
/// obliges to nothing.
#[test]
fn the_strictest_of_the_rules_that_permit_counts() {
    let obliged = |rules: &str, device: &str, asked| {
        let facts = Facts {
            matter: Matter::Window(asked),
            ..act()
        };
        let verdict = view(rules, "person/olga").decide(REQUEST, Resource::Device(device), &facts);
        assert!(verdict.allow, "{verdict:?}");
        verdict.obligations
    };
    let of = |quorum, supervised, hold| Obligations {
        quorum,
        supervised,
        hold,
    };
    let asked = asking(&VICTOR);
    let ramp = ["ramp".to_owned()];
    let reads = Functions::NONE.with(FunctionCode::ReadHoldingRegisters);
    assert_eq!(obliged(FOUR, "press-4", asked), of(2, true, true));
    assert_eq!(obliged(FOUR, "press-5", asked), of(1, true, true));
    let other = WindowFacts {
        points: &ramp,
        functions: reads,
        ..asked
    };
    assert_eq!(obliged(FOUR, "press-5", other), Obligations::default());
    assert_eq!(obliged(FOUR, "press-4", other), of(2, false, false));
    // What somebody asks for of their own accord is no obligation.
    let eager = WindowFacts {
        supervised: true,
        hold: true,
        ..other
    };
    assert_eq!(obliged(FOUR, "press-5", eager), of(1, false, false));
    // Other acts, and rules without a word of it.
    let all = r#"@id("all") permit(principal, action, resource);"#;
    assert_eq!(obliged(all, "press-4", asked), Obligations::default());
    let verdict = view(FOUR, "person/olga").decide(Action::Watch, PRESS, &act());
    assert_eq!(
        (verdict.allow, verdict.obligations),
        (false, Obligations::default())
    );
}

#[test]
fn what_is_no_window_is_denied() {
    let all = r#"@id("all") permit(principal, action, resource);"#;
    let mut olga = view(all, "person/olga");
    let window = Facts {
        matter: Matter::Window(asking(&VICTOR)),
        ..act()
    };
    let connection = Facts {
        matter: Matter::Connection(in_force()),
        ..act()
    };
    for (action, resource, facts, why) in [
        (REQUEST, PRESS, act(), "without its window"),
        (REQUEST, PRESS, connection, "without its window"),
        (Action::ApproveWindow, PRESS, act(), "without its window"),
        (REQUEST, Resource::Site, window, "not done to a site"),
        (Action::Watch, PRESS, window, "about no window"),
        (Action::Connect, PRESS, window, "about no window"),
        (Action::Supervise, PRESS, connection, "connects to nothing"),
        (
            Action::ReadWindows,
            Resource::Site,
            window,
            "about no window",
        ),
        (READ, PRESS, window, "without its command"),
        (Action::ReadWindows, PRESS, act(), "not done to a device"),
    ] {
        let verdict = olga.decide(action, resource, &facts);
        assert!(!verdict.allow, "{why}");
        assert!(verdict.errors[0].contains(why), "{verdict:?}");
    }
    for action in [Action::Watch, Action::Supervise] {
        assert!(olga.decide(action, PRESS, &act()).allow);
    }
    let site = olga.decide(Action::ReadWindows, Resource::Site, &act());
    assert!(site.allow && olga.decide(REQUEST, PRESS, &window).allow);
}

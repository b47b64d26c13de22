use super::*;

fn seen() -> SeenCommand {
    SeenCommand {
        time_ms: 1_700_000_000_000,
        session: 12,
        subject: "spiffe://waterworks/vendor/acme/victor".into(),
        device: "press-4".into(),
        asked: "write speed_setpoint = 700 rpm".into(),
        decision: "allowed".into(),
        result: "done".into(),
        rules: vec!["windows.cedar/vendors-in-windows".into()],
        latency_us: Some(3_240),
        window: Some(7),
        record: Some(42),
    }
}

fn held() -> SeenHold {
    SeenHold {
        hold: 3,
        session: 12,
        subject: "spiffe://waterworks/vendor/acme/victor".into(),
        device: "press-4".into(),
        asked: "write speed_setpoint = 700 rpm".into(),
        points: vec![HeldPoint {
            name: "speed_setpoint".into(),
            value: "700 rpm".into(),
            before: "650 rpm".into(),
            before_age_ms: Some(4_100),
            limits: "0 to 700 rpm".into(),
        }],
        asked_times: 1,
        window: 7,
        until_ms: 1_700_000_060_000,
    }
}

fn shown(commands: &[SeenCommand], width: Option<u16>) -> String {
    let lines = commands
        .iter()
        .map(|one| command(one, width, &TimeZone::UTC));
    lines.collect()
}

fn commands() -> [SeenCommand; 5] {
    [
        seen(),
        SeenCommand {
            asked: "read speed_setpoint, ramp".into(),
            result: "speed_setpoint = 700 rpm, ramp = 20 rpm/s".into(),
            latency_us: Some(12_900),
            ..seen()
        },
        SeenCommand {
            asked: "write speed_setpoint = 1500 rpm".into(),
            decision: "above-max".into(),
            result: "1500 rpm is above the greatest value of 1200 rpm".into(),
            latency_us: None,
            ..seen()
        },
        SeenCommand {
            result: "it may have happened: no answer within 1000 ms".into(),
            latency_us: Some(1_000_200),
            ..seen()
        },
        SeenCommand {
            subject: "spiffe://waterworks/person/olga".into(),
            asked: "read run".into(),
            result: "run = on".into(),
            ..seen()
        },
    ]
}

#[test]
fn a_command_is_one_line_that_fits_eighty_columns() {
    let golden = "\
22:13:20  vendor/acme/victor  press-4  write speed_setpoint = 700 rpm  ok 3.2 ms
22:13:20  vendor/acme/victor  press-4  read speed_setpoint = 700 rpm, ramp = 20
          rpm/s  ok 12 ms
22:13:20  vendor/acme/victor  press-4  write speed_setpoint = 1500 rpm  DENIED
          above-max: 1500 rpm is above the greatest value of 1200 rpm
22:13:20  vendor/acme/victor  press-4  write speed_setpoint = 700 rpm  ok, it
          may have happened: no answer within 1000 ms 1000 ms
22:13:20  person/olga  press-4  read run = on  ok 3.2 ms
";
    let text = shown(&commands(), Some(80));
    assert_eq!(text, golden);
    assert!(text.lines().all(|line| line.chars().count() <= 80));
    assert_eq!(shown(&commands(), None).lines().count(), 5);
}

#[test]
fn a_question_shows_the_value_before_the_value_asked_and_the_limits() {
    let golden = "\
-- HOLD 3 ----------------------------------------------------------------------
   vendor/acme/victor (session 12) at press-4, window 7, asked once
   write speed_setpoint = 700 rpm

   speed_setpoint
     before   650 rpm (4 s ago)
     asked    700 rpm
     limits   0 to 700 rpm

   It waits until 22:14:20.
   May it pass, once? y or n (hold 3)
";
    let text = question(&held(), 0, Some(80), &TimeZone::UTC);
    assert_eq!(text, golden);
    let mut again = held();
    again.asked_times = 4;
    again.points[0].before = String::new();
    again.points[0].value = String::new();
    let text = question(&again, 2, Some(80), &TimeZone::UTC);
    for words in [
        "asked 4 times",
        "before   not known",
        "asked    it depends on the value before",
        "It waits until 22:14:20; 2 more wait behind it.",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn texts_of_others_cannot_forge_lines_or_questions() {
    let forged = SeenCommand {
        result: "done\n-- HOLD 9 --\n\u{1b}[2J".into(),
        ..seen()
    };
    let text = command(&forged, None, &TimeZone::UTC);
    assert_eq!(text.lines().count(), 1);
    assert!(!text.contains('\u{1b}'));
    let mut forged = held();
    forged.points[0].before = "0 rpm\n   May it pass".into();
    let lines = question(&held(), 0, Some(80), &TimeZone::UTC)
        .lines()
        .count();
    let text = question(&forged, 0, Some(80), &TimeZone::UTC);
    assert_eq!(text.lines().count(), lines);
}

#[test]
fn long_lines_go_on_indented_and_lose_nothing() {
    let words = "a ".repeat(100);
    let text = crate::screen::wrapped(words.trim(), Some(30));
    assert!(
        text.lines().all(|line| line.chars().count() <= 30),
        "{text}"
    );
    let letters = |text: &str| text.chars().filter(|c| *c == 'a').count();
    assert_eq!(letters(&text), 100);
    let solid = "x".repeat(100);
    let text = crate::screen::wrapped(&solid, Some(30));
    assert_eq!(text.chars().filter(|c| *c == 'x').count(), 100);
    assert!(
        text.lines().all(|line| line.chars().count() <= 30),
        "{text}"
    );
    assert_eq!(crate::screen::wrapped("", Some(30)), "\n");
}

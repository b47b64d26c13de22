use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn at(s: u64) -> Mono {
    Mono::at(Duration::from_secs(s))
}

/// `session` writes `value` to a point.
fn held(session: u64, point: &str, value: u8) -> Held {
    Held {
        session,
        subject: SubjectId::parse_at("waterworks", "vendor/acme/victor").unwrap(),
        window: 7,
        device: "press".to_owned(),
        unit: UnitId::new(1),
        pdu: Pdu::new(&[6, 0, 100, 0, value]).unwrap(),
        points: vec![point.to_owned()],
    }
}

fn yes(holds: &mut Holds, number: u64, now: u64) {
    assert!(holds.hear(number, at(now)).is_some());
    assert!(holds.serve(number, 8, at(now)));
}

#[test]
fn a_yes_serves_once() {
    let mut holds = Holds::default();
    assert_eq!(holds.ask(held(1, "speed", 9), at(0)), Asked::New(1));
    assert_eq!(holds.ask(held(1, "speed", 9), at(1)), Asked::Again(1, 2));
    yes(&mut holds, 1, 2);
    assert_eq!(holds.ask(held(1, "speed", 9), at(3)), Asked::Serves(1));
    assert_eq!(holds.ask(held(1, "speed", 9), at(3)), Asked::New(2));
}

#[test]
fn a_yes_is_for_its_session_window_unit_and_bytes_alone() {
    let mut holds = Holds::default();
    holds.ask(held(1, "speed", 9), at(0));
    yes(&mut holds, 1, 0);
    let mut other_window = held(1, "speed", 9);
    other_window.window = 8;
    let mut other_unit = held(1, "speed", 9);
    other_unit.unit = UnitId::new(255);
    for other in [
        held(2, "speed", 9),
        held(1, "speed", 8),
        other_window,
        other_unit,
    ] {
        assert_eq!(holds.ask(other, at(1)), Asked::Behind(1));
    }
    assert_eq!(holds.ask(held(1, "speed", 9), at(1)), Asked::Serves(1));
}

#[test]
fn what_waits_under_a_window_goes_with_it_and_a_yes_too() {
    let mut holds = Holds::default();
    holds.ask(held(1, "speed", 9), at(0));
    yes(&mut holds, 1, 0);
    holds.ask(held(1, "ramp", 9), at(0));
    let mut other_window = held(1, "temperature", 9);
    other_window.window = 8;
    holds.ask(other_window.clone(), at(0));
    let gone = holds.shut(&[7, 9]);
    let gone: Vec<(u64, Gone)> = gone.iter().map(|(hold, how)| (hold.number, *how)).collect();
    assert_eq!(gone, [(1, Gone::WindowShut), (2, Gone::WindowShut)]);
    assert_eq!(holds.ask(other_window, at(1)), Asked::Again(3, 2));
    assert!(holds.hear(2, at(1)).is_none());
    assert_eq!(holds.ask(held(1, "speed", 9), at(1)), Asked::New(4));
}

#[test]
fn one_waits_for_each_point() {
    let mut holds = Holds::default();
    assert_eq!(holds.ask(held(1, "speed", 9), at(0)), Asked::New(1));
    assert_eq!(holds.ask(held(1, "ramp", 9), at(0)), Asked::New(2));
    let mut both = held(2, "speed", 9);
    both.points.push("temperature".to_owned());
    assert_eq!(holds.ask(both.clone(), at(1)), Asked::Behind(1));
    let mut elsewhere = both;
    elsewhere.device = "pump".to_owned();
    assert_eq!(holds.ask(elsewhere, at(1)), Asked::New(3));
    let mut nameless = held(3, "speed", 9);
    nameless.points.clear();
    assert_eq!(holds.ask(nameless, at(1)), Asked::Behind(1));
}

#[test]
fn a_yes_that_is_not_recorded_serves_nobody() {
    let mut holds = Holds::default();
    holds.ask(held(1, "speed", 9), at(0));
    assert_eq!(holds.hear(1, at(1)).unwrap().asked, 1);
    assert_eq!(holds.ask(held(1, "speed", 9), at(1)), Asked::Again(1, 2));
    assert!(holds.hear(1, at(1)).is_none(), "one at a time");
    assert!(holds.refuse(1, at(1)).is_none());
    holds.let_go(1);
    assert_eq!(holds.ask(held(1, "speed", 9), at(2)), Asked::Again(1, 3));
    yes(&mut holds, 1, 2);
    assert!(
        !holds.serve(1, 8, at(50)),
        "no yes is longer for being said twice"
    );
    holds.let_go(1);
    assert_eq!(holds.ask(held(1, "speed", 9), at(3)), Asked::Serves(1));
    assert!(!holds.serve(1, 8, at(3)));
}

#[test]
fn everything_runs_out_after_a_minute() {
    let mut holds = Holds::default();
    holds.ask(held(1, "speed", 9), at(0));
    holds.ask(held(1, "ramp", 9), at(0));
    holds.ask(held(1, "level", 9), at(0));
    yes(&mut holds, 2, 10);
    assert!(holds.refuse(3, at(10)).is_some());
    assert_eq!(holds.run_out(at(59)), []);
    assert!(holds.hear(1, at(60)).is_none(), "a minute is over");
    let gone = holds.run_out(at(60));
    let gone: Vec<_> = gone.iter().map(|(hold, how)| (hold.number, *how)).collect();
    assert_eq!(gone, [(1, Gone::Unanswered)]);
    assert_eq!(holds.ask(held(1, "ramp", 9), at(70)), Asked::New(4));
    assert_eq!(holds.ask(held(1, "level", 9), at(70)), Asked::New(5));
    let gone = holds.run_out(at(70));
    let gone: Vec<_> = gone.iter().map(|(hold, how)| (hold.number, *how)).collect();
    assert_eq!(gone, [(2, Gone::Unused)]);
}

#[test]
fn a_no_stands_for_what_it_was_said_to() {
    let mut holds = Holds::default();
    holds.ask(held(1, "speed", 9), at(0));
    assert!(holds.refuse(1, at(1)).is_some());
    assert_eq!(holds.ask(held(1, "speed", 9), at(2)), Asked::No(1));
    assert_eq!(holds.ask(held(1, "speed", 8), at(2)), Asked::New(2));
    assert!(holds.hear(1, at(2)).is_none());
    assert_eq!(
        holds
            .waiting_ones(at(2))
            .map(|hold| hold.number)
            .collect::<Vec<_>>(),
        [2]
    );
}

#[test]
fn a_session_takes_its_holds_with_it() {
    let mut holds = Holds::default();
    holds.ask(held(1, "speed", 9), at(0));
    holds.ask(held(2, "ramp", 9), at(0));
    yes(&mut holds, 1, 1);
    let gone = holds.left(1);
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0].1, Gone::SessionOver);
    assert_eq!(holds.ask(held(3, "speed", 9), at(2)), Asked::New(3));
    assert_eq!(holds.ask(held(3, "ramp", 9), at(2)), Asked::Behind(2));
}

#[test]
fn there_is_room_for_so_many_and_for_so_many_of_one_session() {
    let mut holds = Holds::default();
    for point in 0..HOLDS_PER_SESSION_MAX {
        let asked = holds.ask(held(0, &point.to_string(), 1), at(0));
        assert!(matches!(asked, Asked::New(_)));
    }
    assert_eq!(holds.ask(held(0, "more", 1), at(0)), Asked::Full);
    for point in HOLDS_PER_SESSION_MAX..HOLDS_MAX {
        let session = point as u64;
        let asked = holds.ask(held(session, &point.to_string(), 1), at(0));
        assert!(matches!(asked, Asked::New(_)), "{point}");
    }
    assert_eq!(holds.ask(held(9_999, "more", 1), at(0)), Asked::Full);
}

proptest! {
    /// However asking, answering and waiting follow each other: a command passes at most once for
    /// each recorded yes to an equal one, within a minute of it; and no two that wait or have a yes
    /// touch one point.
    #[test]
    fn nothing_passes_without_a_yes_of_its_own(
        steps in prop::collection::vec((0..6_u8, 1..3_u64, 0..2_usize, 0..2_u8, 0..20_u64), 0..120)
    ) {
        let mut holds = Holds::default();
        let mut clock = 0;
        let mut good: Vec<(Held, u64)> = Vec::new();
        for (what, session, point, value, wait) in steps {
            clock += wait;
            let one = held(session, ["speed", "ramp"][point], value);
            let number = holds.by_number.values().find(|hold| hold.held == one).map(|hold| hold.number);
            match (what, number) {
                (0..=2, _) => if let Asked::Serves(_) = holds.ask(one.clone(), at(clock)) {
                    let place = good.iter().position(|(held, said)| *held == one && clock - said < 60);
                    prop_assert!(place.is_some(), "it passed without a yes");
                    good.remove(place.unwrap());
                },
                (3, Some(number)) => if let Some(hold) = holds.hear(number, at(clock))
                    && holds.serve(number, 8, at(clock))
                {
                    good.push((hold.held, clock));
                },
                (4, Some(number)) => { holds.refuse(number, at(clock)); }
                _ => { holds.run_out(at(clock)); }
            }
            let standing: Vec<&Hold> = holds
                .by_number
                .values()
                .filter(|hold| !matches!(hold.state, State::No(_)) && !hold.has_run_out(at(clock)))
                .collect();
            for (place, hold) in standing.iter().enumerate() {
                prop_assert!(!standing[place + 1..].iter().any(|other| other.held.meets(&hold.held)));
            }
        }
    }
}

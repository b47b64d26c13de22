use proptest::prelude::*;

use super::*;

const START: i64 = 1_800_000_000_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn at(system_ms: i64, mono_ms: u64) -> Reading {
    Reading {
        system_ms,
        mono: Mono::at(Duration::from_millis(mono_ms)),
    }
}

fn floor(last_ms: i64) -> Floor {
    Floor {
        last_ms: Some(last_ms),
        doubted: false,
    }
}

fn begun() -> Timekeeper {
    Timekeeper::start(at(START, 0), floor(START - HOUR))
}

#[test]
fn time_goes_on_with_the_clocks_while_they_agree() {
    let mut keeper = begun();
    for second in 0..7200 {
        let ms = i64::from(second) * 1000;
        let now = keeper.read(at(START + ms, ms.unsigned_abs()));
        assert_eq!((now.wall_ms(), now.doubted()), (START + ms, false));
    }
}

#[test]
fn a_jump_either_way_is_doubted_and_counted_through() {
    for jump in [-HOUR, -MINUTE - 1, MINUTE + 1, HOUR, 1000 * HOUR] {
        let mut keeper = begun();
        let now = keeper.read(at(START + jump, 0));
        assert_eq!((now.wall_ms(), now.doubted()), (START, true), "{jump}");
        // Coming back does not undo it: what was read meanwhile was judged by a guess.
        let now = keeper.read(at(START + 5000, 5000));
        assert_eq!((now.wall_ms(), now.doubted()), (START + 5000, true));
        assert_eq!(
            keeper.shows(at(START + 5000, 5000)).doubt,
            Some(Doubt::Jumped)
        );
    }
}

#[test]
fn a_small_step_is_taken_in_slowly() {
    for step in [-MINUTE, -2000, 2000, MINUTE] {
        let mut keeper = begun();
        let mut last = START;
        for second in 1..=(MINUTE * 11 / 10) {
            let ms = second * 1000;
            let now = keeper.read(at(START + ms + step, ms.unsigned_abs()));
            assert!(!now.doubted());
            assert!(now.wall_ms() > last, "{step}: it went back");
            assert!((now.wall_ms() - last - 1000).abs() <= 2, "{step}: it leapt");
            last = now.wall_ms();
        }
        assert_eq!(last, START + MINUTE * 1100 + step);
    }
}

#[test]
fn many_small_steps_move_it_no_further_than_the_slew() {
    let mut keeper = begun();
    let mut now = keeper.read(at(START, 0));
    for second in 1..=3600_i64 {
        // Always half a minute behind what is counted: never a jump.
        let system = now.wall_ms() + 1000 - 30_000;
        now = keeper.read(at(system, (second * 1000).unsigned_abs()));
        assert!(!now.doubted());
    }
    assert!(START + HOUR - now.wall_ms() <= HOUR / 1000 + 10);
}

#[test]
fn below_the_floor_it_counts_from_the_floor() {
    let mut keeper = Timekeeper::start(at(START - HOUR, 7), floor(START));
    let now = keeper.read(at(START - HOUR, 7));
    assert_eq!((now.wall_ms(), now.doubted()), (START, true));
    let now = keeper.read(at(START, 1007));
    assert_eq!((now.wall_ms(), now.doubted()), (START + 1000, true));
    assert_eq!(
        keeper.shows(at(START, 1007)).doubt,
        Some(Doubt::BehindJournal)
    );
    // Seconds are no doubt, and still no time before the floor.
    let mut keeper = Timekeeper::start(at(START - 5000, 0), floor(START));
    let now = keeper.read(at(START - 5000, 0));
    assert_eq!((now.wall_ms(), now.doubted()), (START, false));
}

#[test]
fn an_unset_clock_is_doubted_with_and_without_a_journal() {
    let mut keeper = Timekeeper::start(at(0, 0), Floor::default());
    let now = keeper.read(at(0, 0));
    assert_eq!(
        (now.wall_ms(), now.doubted()),
        (CLOCK_UNSET_BEFORE_MS, true)
    );
    let mut keeper = Timekeeper::start(at(5, 0), floor(START));
    assert_eq!(keeper.shows(at(5, 0)).doubt, Some(Doubt::Unset));
    assert!(keeper.shows(at(5, 0)).is_unset());
    assert_eq!(keeper.read(at(5, 0)).wall_ms(), START);
}

#[test]
fn a_doubt_outlives_a_restart_though_the_clock_is_ahead() {
    let doubted = Floor {
        last_ms: Some(START),
        doubted: true,
    };
    let mut keeper = Timekeeper::start(at(START + HOUR, 0), doubted);
    let now = keeper.read(at(START + HOUR, 0));
    assert_eq!((now.wall_ms(), now.doubted()), (START, true));
}

#[test]
fn what_is_accepted_is_the_time_from_then_on_forwards_and_backwards() {
    for jump in [-HOUR, HOUR] {
        let mut keeper = begun();
        let shown = keeper.shows(at(START + jump, 0));
        assert_eq!(shown.counted.wall_ms(), START);
        keeper.accept(&shown);
        let now = keeper.read(at(START + jump + 10, 10));
        assert_eq!((now.wall_ms(), now.doubted()), (START + jump + 10, false));
        // The next jump is one again.
        assert!(keeper.read(at(START, 20)).doubted());
    }
}

#[test]
fn what_jumps_while_it_is_accepted_is_doubted_again() {
    let mut keeper = begun();
    let shown = keeper.shows(at(START + HOUR, 0));
    let _between = keeper.read(at(START + 2 * HOUR, 0));
    keeper.accept(&shown);
    assert!(keeper.read(at(START + 2 * HOUR, 0)).doubted());
}

proptest! {
    /// Whatever the system's clock shows, time never goes back, never below the floor, and never
    /// further than the monotonic clock and its slew allow.
    #[test]
    fn time_is_what_was_counted(
        steps in proptest::collection::vec((0_u64..100_000, any::<i64>(), -200_000_i64..200_000), 1..60),
        first in START - 2 * HOUR..START + 2 * HOUR,
    ) {
        let mut keeper = Timekeeper::start(at(first, 0), floor(START));
        let mut mono = 0;
        let mut last = keeper.read(at(first, 0));
        prop_assert!(last.wall_ms() >= START);
        for (elapsed, anywhere, near) in steps {
            mono += elapsed;
            let system = if anywhere % 4 == 0 { anywhere } else { last.wall_ms() + near };
            let now = keeper.read(at(system, mono));
            let (went, slew) = (now.wall_ms() - last.wall_ms(), mono as i64 / 1000 + 2);
            prop_assert!(went >= 0);
            prop_assert!((went - elapsed as i64).abs() <= slew);
            prop_assert!(now.doubted() || !last.doubted(), "a doubt went by itself");
            last = now;
        }
    }
}

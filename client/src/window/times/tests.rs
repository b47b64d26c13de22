//! Every test names its zone: none depends on that of the machine it runs on.

use super::*;

fn zone(name: &str) -> TimeZone {
    super::zone(Some(name)).unwrap()
}

fn ms(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

/// Starts in UTC, and lengths in minutes.
fn resolved(when: When<'_>, now: &str, in_zone: &str) -> Result<Vec<(String, u32)>, Failure> {
    let times = when.resolve(ms(now), &zone(in_zone))?;
    let each = times.spans().into_iter().map(|span| {
        let start = moment::rfc3339(i64::try_from(span.start_ms).unwrap());
        (start.replace(":00.000Z", "Z"), span.length_s / 60)
    });
    Ok(each.collect())
}

fn when<'a>(from: &'a str, length: Length<'a>, weekly: usize) -> When<'a> {
    When {
        from,
        length,
        weekly,
    }
}

fn starts(spans: &[(String, u32)]) -> Vec<&str> {
    spans.iter().map(|(start, _)| start.as_str()).collect()
}

const BERLIN: &str = "Europe/Berlin";
const NEW_YORK: &str = "America/New_York";

#[test]
fn a_weekly_window_keeps_its_local_time_over_both_changes_in_berlin() {
    // The clocks go forward on 2026-03-29 and back on 2026-10-25.
    let spring = when("2026-03-21 14:30", Length::For("2h"), 3);
    let spans = resolved(spring, "2026-03-01T00:00:00Z", BERLIN).unwrap();
    let expected = [
        "2026-03-21T13:30Z",
        "2026-03-28T13:30Z",
        "2026-04-04T12:30Z",
    ];
    assert_eq!(starts(&spans), expected);
    assert!(spans.iter().all(|(_, minutes)| *minutes == 120));
    let autumn = when("2026-10-17 14:30", Length::For("2h"), 3);
    let spans = resolved(autumn, "2026-10-01T00:00:00Z", BERLIN).unwrap();
    let expected = [
        "2026-10-17T12:30Z",
        "2026-10-24T12:30Z",
        "2026-10-31T13:30Z",
    ];
    assert_eq!(starts(&spans), expected);
}

#[test]
fn a_weekly_window_keeps_its_local_time_over_both_changes_in_new_york() {
    // The clocks go forward on 2026-03-08 and back on 2026-11-01.
    let spring = when("2026-03-07 08:00", Length::For("90m"), 2);
    let spans = resolved(spring, "2026-03-01T00:00:00Z", NEW_YORK).unwrap();
    assert_eq!(starts(&spans), ["2026-03-07T13:00Z", "2026-03-14T12:00Z"]);
    let autumn = when("2026-10-31 08:00", Length::For("90m"), 2);
    let spans = resolved(autumn, "2026-10-01T00:00:00Z", NEW_YORK).unwrap();
    assert_eq!(starts(&spans), ["2026-10-31T12:00Z", "2026-11-07T13:00Z"]);
}

/// Saturday night, across the change itself: `--for` counts hours that pass, `--until` ends by the
/// clock on the wall, an hour sooner or later.
#[test]
fn a_night_with_a_change_in_it_ends_as_it_was_asked_for() {
    for (in_zone, from, now, hours) in [
        (BERLIN, "2026-03-28 22:00", "2026-03-01T00:00:00Z", 7),
        (BERLIN, "2026-10-24 22:00", "2026-10-01T00:00:00Z", 9),
        (NEW_YORK, "2026-03-07 22:00", "2026-03-01T00:00:00Z", 7),
        (NEW_YORK, "2026-10-31 22:00", "2026-10-01T00:00:00Z", 9),
    ] {
        let by_clock = resolved(when(from, Length::Until("06:00"), 1), now, in_zone).unwrap();
        assert_eq!(by_clock[0].1, hours * 60, "{in_zone} {from}");
        let by_length = resolved(when(from, Length::For("8h"), 1), now, in_zone).unwrap();
        assert_eq!(by_length[0].1, 8 * 60, "{in_zone} {from}");
        let a_day = resolved(when(from, Length::For("1d"), 1), now, in_zone).unwrap();
        // A day of the calendar has an hour less, or more.
        assert_eq!(a_day[0].1, (24 + hours - 8) * 60, "{in_zone} {from}");
    }
    let weekly = when("2026-03-21 22:00", Length::Until("2026-03-22 06:00"), 3);
    let spans = resolved(weekly, "2026-03-01T00:00:00Z", BERLIN).unwrap();
    let minutes: Vec<u32> = spans.iter().map(|(_, minutes)| *minutes).collect();
    assert_eq!(minutes, [480, 420, 480]);
}

#[test]
fn a_local_time_that_never_comes_or_comes_twice_is_refused_with_what_to_write() {
    for (in_zone, from, now, what, next) in [
        (
            BERLIN,
            "2026-03-29 02:30",
            "2026-03-01T00:00:00Z",
            "never comes in Europe/Berlin",
            "write 2026-03-29 01:30 or 2026-03-29 03:30",
        ),
        (
            BERLIN,
            "2026-10-25 02:30",
            "2026-10-01T00:00:00Z",
            "comes twice in Europe/Berlin",
            "write 2026-10-25T02:30:00+02:00 for the first, or 2026-10-25T02:30:00+01:00 for the second",
        ),
        (
            NEW_YORK,
            "2026-03-08 02:15",
            "2026-03-01T00:00:00Z",
            "never comes in America/New_York",
            "write 2026-03-08 01:15 or 2026-03-08 03:15",
        ),
        (
            NEW_YORK,
            "2026-11-01 01:15",
            "2026-10-01T00:00:00Z",
            "comes twice in America/New_York",
            "write 2026-11-01T01:15:00-04:00 for the first, or 2026-11-01T01:15:00-05:00 for the second",
        ),
    ] {
        let failure = resolved(when(from, Length::For("2h"), 1), now, in_zone).unwrap_err();
        assert_eq!(failure.kind(), Kind::Usage);
        assert!(failure.what().contains(what), "{failure}");
        assert_eq!(failure.next(), next);
        // The end is no more guessed than the beginning.
        let day = from.split(' ').next().unwrap();
        let begin = format!("{day} 00:10");
        let ends = when(&begin, Length::Until(from), 1);
        assert!(
            resolved(ends, now, in_zone)
                .unwrap_err()
                .what()
                .contains(what)
        );
    }
    // What the hint says is understood.
    let second = when("2026-10-25T02:30:00+01:00", Length::For("1h"), 1);
    let spans = resolved(second, "2026-10-01T00:00:00Z", BERLIN).unwrap();
    assert_eq!(spans, [("2026-10-25T01:30Z".to_owned(), 60)]);
}

#[test]
fn a_later_week_without_its_local_time_is_said_and_not_moved() {
    let weekly = when("2026-03-15 02:30", Length::For("2h"), 4);
    let failure = resolved(weekly, "2026-03-01T00:00:00Z", BERLIN).unwrap_err();
    assert!(
        failure
            .what()
            .starts_with("in week 3: 2026-03-29 02:30 never comes"),
        "{failure}"
    );
    assert!(failure.next().contains("fewer weeks"), "{failure}");
    let until = when("2026-10-11 00:30", Length::Until("02:30"), 3);
    let failure = resolved(until, "2026-10-01T00:00:00Z", BERLIN).unwrap_err();
    assert!(
        failure
            .what()
            .contains("in week 3: 2026-10-25 02:30 comes twice"),
        "{failure}"
    );
}

#[test]
fn the_zone_is_the_one_that_was_asked_for_and_an_offset_needs_none() {
    let local = when("2026-11-22 14:30", Length::For("2h"), 1);
    for (in_zone, start) in [
        (BERLIN, "2026-11-22T13:30Z"),
        (NEW_YORK, "2026-11-22T19:30Z"),
        ("Asia/Kolkata", "2026-11-22T09:00Z"),
        ("Australia/Lord_Howe", "2026-11-22T03:30Z"),
    ] {
        let spans = resolved(local, "2026-11-01T00:00:00Z", in_zone).unwrap();
        assert_eq!(starts(&spans), [start], "{in_zone}");
        let fixed = when("2026-11-22T14:30:00+01:00", Length::For("2h"), 1);
        let spans = resolved(fixed, "2026-11-01T00:00:00Z", in_zone).unwrap();
        assert_eq!(starts(&spans), ["2026-11-22T13:30Z"], "{in_zone}");
    }
    // A time that has an offset repeats by the clock of the zone all the same.
    let fixed = when("2026-10-24T14:30:00+02:00", Length::For("2h"), 2);
    let spans = resolved(fixed, "2026-10-01T00:00:00Z", BERLIN).unwrap();
    assert_eq!(starts(&spans), ["2026-10-24T12:30Z", "2026-10-31T13:30Z"]);
    assert!(super::zone(Some("Berlin")).is_err());
}

#[test]
fn a_machine_that_knows_no_zone_guesses_none() {
    let nowhere = TimeZone::unknown();
    let now_ms = ms("2026-11-22T00:00:00Z");
    let local = when("14:30", Length::For("2h"), 1).resolve(now_ms, &nowhere);
    assert!(local.unwrap_err().next().contains("--zone"));
    let now = when("now", Length::For("2h"), 1)
        .resolve(now_ms, &nowhere)
        .unwrap();
    assert_eq!(now.spans()[0].start_ms, u64::try_from(now_ms).unwrap());
}

#[test]
fn now_and_times_of_day_are_those_of_today() {
    let now = "2026-11-22T09:00:00Z";
    let spans = resolved(when("now", Length::Until("12:00"), 1), now, BERLIN).unwrap();
    assert_eq!(spans, [("2026-11-22T09:00Z".to_owned(), 120)]);
    let spans = resolved(when("22:00", Length::Until("06:00"), 1), now, BERLIN).unwrap();
    assert_eq!(spans, [("2026-11-22T21:00Z".to_owned(), 480)]);
    // It has begun and is not over.
    let spans = resolved(when("09:00", Length::For("2h"), 1), now, BERLIN).unwrap();
    assert_eq!(starts(&spans), ["2026-11-22T08:00Z"]);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let now = "2026-11-22T09:00:00Z";
    for (from, length, weekly, what) in [
        ("soon", Length::For("2h"), 1, "is no time"),
        ("25:00", Length::For("2h"), 1, "is no time"),
        (
            "2026-11-22 14:30[Asia/Tokyo]",
            Length::For("2h"),
            1,
            "is no time",
        ),
        ("now", Length::For("2"), 1, "no length of time"),
        ("now", Length::For("-2h"), 1, "no length of time"),
        ("now", Length::For("1mo"), 1, "no length of time"),
        ("now", Length::For("0h"), 1, "no later than it begins"),
        ("now", Length::For("8d"), 1, "longer than a week"),
        ("07:00", Length::For("2h"), 1, "over already"),
        (
            "now",
            Length::Until("2026-11-22 09:00"),
            1,
            "no later than it begins",
        ),
        ("now", Length::For("2h"), 0, "no number of weeks"),
        ("now", Length::For("2h"), 54, "no number of weeks"),
        ("now", Length::For("7d"), 2, "begin again before"),
    ] {
        let failure = resolved(when(from, length, weekly), now, BERLIN).unwrap_err();
        assert!(
            failure.what().contains(what),
            "{from} {length:?}: {failure}"
        );
        assert_eq!(failure.kind(), Kind::Usage);
    }
    assert_eq!(seconds("3d"), Ok(3 * 86_400));
    assert_eq!(seconds("1h 30m"), Ok(5_400));
    for wrong in ["", "3", "-1h", "0s", "1000000d"] {
        assert!(seconds(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn what_is_meant_is_shown_with_its_distance_from_utc() {
    let weekly = when("2026-10-24 22:00", Length::Until("06:00"), 2);
    let times = weekly
        .resolve(ms("2026-10-01T00:00:00Z"), &zone(BERLIN))
        .unwrap();
    assert_eq!(
        times.words(),
        [
            "Sat 2026-10-24 22:00 +02:00 to Sun 2026-10-25 06:00 +01:00 (9 h 0 min)",
            "Sat 2026-10-31 22:00 +01:00 to Sun 2026-11-01 06:00 +01:00 (8 h 0 min)",
        ]
    );
    let day = when("14:30", Length::For("2h"), 1);
    let times = day
        .resolve(ms("2026-11-22T09:00:00Z"), &zone(BERLIN))
        .unwrap();
    assert_eq!(
        times.words(),
        ["Sun 2026-11-22 14:30 +01:00 to 16:30 +01:00 (2 h 0 min)"]
    );
}

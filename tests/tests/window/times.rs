//! When a window is: in the zone that it was asked for in, right over both changes of the clocks,
//! and by the gateway's clock alone.

use interlock_protocols::grant::Grant;
use interlock_tests::harness::{ARNO, PRESS, VICTOR, Works};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};

use crate::{assert_passes, assert_refused, row, sees, speed, tool};

fn now(works: &Works) -> Timestamp {
    Timestamp::from_millisecond(works.gateway.now().wall_ms()).unwrap()
}

/// Moves the gateway to a moment that is still to come, and has victor come in again there.
fn go_to(works: &Works, moment: Timestamp) {
    let ms = moment.as_millisecond() - works.gateway.now().wall_ms();
    assert!(ms > 0, "{moment} is over");
    works.gateway.pass(ms);
}

/// The next local midnight at which a zone has moved its clocks so many hours.
fn change(zone: &TimeZone, after: Timestamp, hours: i32) -> Zoned {
    let of = |at: Timestamp| zone.to_offset(at).seconds();
    let change = zone.following(after).find(|change| {
        let at = change.timestamp();
        of(at) - of(at.checked_sub(1.second()).unwrap()) == hours * 3_600
    });
    change.unwrap().timestamp().to_zoned(zone.clone())
}

/// Spans in UTC.
fn spans(works: &Works, window: u64) -> Vec<(Timestamp, u32)> {
    let row = row(works, window);
    let grant = Grant::read_unsigned(&row.grant).unwrap();
    let at = |ms: u64| Timestamp::from_millisecond(i64::try_from(ms).unwrap()).unwrap();
    grant
        .spans()
        .map(|span| (at(span.start_ms), span.length_s))
        .collect()
}

/// Open at a moment, or not, by what becomes of a write there and by what the gateway says.
#[track_caller]
fn assert_open(works: &Works, window: u64, moment: Timestamp, open: bool) {
    go_to(works, moment);
    if open {
        works.until(window, "open");
        let victor = works.victor();
        assert_passes(works, &mut tool(&victor), &speed(5_000));
    } else {
        works.until(window, "approved");
        assert!(!sees(works, VICTOR, PRESS), "{moment}");
    }
}

#[test]
fn a_weekly_window_keeps_its_local_time_over_both_changes_of_the_clocks() {
    let works = Works::start_with(|works| works.gateway.move_clocks());
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let begin = now(&works)
        .checked_add(26.hours())
        .unwrap()
        .to_zoned(zone.clone());
    let first = begin.date().at(14, 30, 0, 0);
    let (from, weeks) = (first.strftime("%Y-%m-%d %H:%M").to_string(), 53);
    let count = weeks.to_string();
    let weekly = [
        "--zone",
        "Europe/Berlin",
        "--from",
        &from,
        "--for",
        "2h",
        "--weekly",
        &count,
    ];
    let window = works.requested(VICTOR, &[&weekly[..], &["--max-writes", "3"]].concat());
    works.approved(window, &[ARNO]);
    let spans = spans(&works, window);
    assert_eq!(spans.len(), weeks);
    let mut offsets = Vec::new();
    for (week, (start, length)) in spans.iter().enumerate() {
        let local = start.to_zoned(zone.clone());
        let days = i64::try_from(7 * week).unwrap();
        assert_eq!(
            local.datetime(),
            first.checked_add(days.days()).unwrap(),
            "week {week}"
        );
        assert_eq!(*length, 7_200);
        offsets.push(local.offset().seconds());
    }
    offsets.dedup();
    assert_eq!(offsets.len(), 3, "a year has both changes: {offsets:?}");

    // Around each change the gateway is asked itself: in the week before it and in the week after.
    let mut changes = [1, -1].map(|hours| change(&zone, now(&works), hours).timestamp());
    changes.sort_unstable();
    for at in changes {
        for one in [
            spans.iter().rfind(|(start, _)| *start < at).unwrap(),
            spans.iter().find(|(start, _)| *start > at).unwrap(),
        ] {
            let (start, length) = (one.0, i64::from(one.1));
            if start.checked_sub(2.minutes()).unwrap() > now(&works) {
                assert_open(
                    &works,
                    window,
                    start.checked_sub(2.minutes()).unwrap(),
                    false,
                );
            }
            assert_open(&works, window, start.checked_add(1.minute()).unwrap(), true);
            assert_open(
                &works,
                window,
                start.checked_add((length - 60).seconds()).unwrap(),
                true,
            );
            assert_open(
                &works,
                window,
                start.checked_add((length + 60).seconds()).unwrap(),
                false,
            );
        }
    }
}

#[test]
fn each_week_has_its_own_count_of_writes() {
    let works = Works::start_with(|works| works.gateway.move_clocks());
    let from = works.at(3_600_000);
    let weekly = [
        "--from",
        &from,
        "--for",
        "1h",
        "--weekly",
        "2",
        "--max-writes",
        "1",
        "--zone",
        "UTC",
    ];
    let window = works.requested(VICTOR, &weekly);
    works.approved(window, &[ARNO]);
    for (start, _) in spans(&works, window) {
        go_to(&works, start.checked_add(1.minute()).unwrap());
        works.until(window, "open");
        let victor = works.victor();
        let mut modbus = tool(&victor);
        assert_passes(&works, &mut modbus, &speed(5_000));
        assert_refused(&works, &mut modbus, &speed(5_010), 1);
        works.until(window, "exhausted");
    }
}

#[test]
fn a_window_of_another_zone_is_at_its_own_hour() {
    let works = Works::start_with(|works| works.gateway.move_clocks());
    let zone = TimeZone::get("Asia/Kolkata").unwrap();
    let there = now(&works)
        .checked_add(30.hours())
        .unwrap()
        .to_zoned(zone.clone());
    let local = there.date().at(9, 0, 0, 0);
    let from = local.strftime("%Y-%m-%d %H:%M").to_string();
    let window = works.requested(
        VICTOR,
        &[
            "--zone",
            "Asia/Kolkata",
            "--from",
            &from,
            "--until",
            "10:15",
        ],
    );
    works.approved(window, &[ARNO]);
    let begins = local.to_zoned(zone).unwrap().timestamp();
    assert_eq!(spans(&works, window), [(begins, 75 * 60)]);
    assert_open(
        &works,
        window,
        begins.checked_sub(1.minute()).unwrap(),
        false,
    );
    assert_open(
        &works,
        window,
        begins.checked_add(1.minute()).unwrap(),
        true,
    );
    let ended = begins.checked_add(76.minutes()).unwrap();
    go_to(&works, ended);
    works.until(window, "over");
}

/// In the night of a change `--for` counts hours that pass, and `--until` ends by the clock on the
/// wall.
#[test]
fn the_night_of_a_change_is_as_long_as_it_was_asked_for() {
    let works = Works::start();
    let zone = TimeZone::get("America/New_York").unwrap();
    for (hours, long) in [(1, 7), (-1, 9)] {
        let change = change(&zone, now(&works), hours);
        let evening = change.date().checked_sub(1.day()).unwrap();
        let from = evening
            .at(22, 0, 0, 0)
            .strftime("%Y-%m-%d %H:%M")
            .to_string();
        let at = ["--zone", "America/New_York", "--from", &from];
        for (length, expected) in [(["--until", "06:00"], long), (["--for", "8h"], 8)] {
            let window = works.requested(VICTOR, &[&at[..], &length].concat());
            let spans = spans(&works, window);
            assert_eq!(spans.len(), 1);
            assert_eq!(spans[0].1, expected * 3_600, "{from} {length:?}");
            let local = spans[0].0.to_zoned(zone.clone()).datetime();
            assert_eq!(local, evening.at(22, 0, 0, 0));
        }
        // A time that never is, or is twice, is nobody's to guess.
        let text = change
            .date()
            .at(2, 30, 0, 0)
            .strftime("%Y-%m-%d %H:%M")
            .to_string();
        let text = if hours > 0 {
            text
        } else {
            text.replace("02:30", "01:30")
        };
        let refused = works.request(VICTOR, &["--zone", "America/New_York", "--from", &text]);
        assert_eq!(refused.code, 2, "{refused}");
    }
}

/// The clock of whoever asks, or of whoever holds, opens nothing: a clock of the gateway that is in
/// doubt does not either.
#[test]
fn a_gateway_that_doubts_its_clock_opens_no_window_for_writes() {
    let works = Works::start_with(|works| works.gateway.move_clocks());
    let window = works.open(&["--from", &works.at(0), "--for", "2h"]);
    let victor = works.victor();
    let mut modbus = tool(&victor);
    assert_passes(&works, &mut modbus, &speed(5_000));
    // Set by hand: the system's clock alone.
    works.gateway.set_clock(30 * 60_000);
    assert_refused(&works, &mut modbus, &speed(5_010), 4);
    assert!(works.request(VICTOR, &[]).code != 0, "nor is one asked for");
    let number = window.to_string();
    let shown = works
        .gateway
        .client(VICTOR, &["window", "show", &number, "--no-read"]);
    assert_eq!(shown.code, 0, "{shown}");
}

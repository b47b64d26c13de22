//! Times as people read and write them.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

/// Date and time to the minute, in this time zone.
pub(crate) fn minute(ms: i64, zone: &TimeZone) -> String {
    shown(ms, zone, "%Y-%m-%d %H:%M")
}

/// Date and time to the millisecond, in this time zone.
pub(crate) fn exact(ms: i64, zone: &TimeZone) -> String {
    shown(ms, zone, "%Y-%m-%d %H:%M:%S%.3f")
}

/// Time of day to the second, in this time zone.
pub(crate) fn time_of_day(ms: i64, zone: &TimeZone) -> String {
    shown(ms, zone, "%H:%M:%S")
}

/// Time of day and date on two lines, in this time zone: a column as narrow as it can be.
pub(crate) fn stacked(ms: i64, zone: &TimeZone) -> String {
    shown(ms, zone, "%H:%M:%S%.3f\n%Y-%m-%d")
}

/// For programs: RFC 3339 in UTC.
pub(crate) fn rfc3339(ms: i64) -> String {
    shown(ms, &TimeZone::UTC, "%Y-%m-%dT%H:%M:%S%.3fZ")
}

fn shown(ms: i64, zone: &TimeZone, form: &str) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(instant) => instant.to_zoned(zone.clone()).strftime(form).to_string(),
        // Beyond the year 9999: nothing to be read from it.
        Err(_) => format!("{ms} ms"),
    }
}

/// Which end of a stretch of time is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bound {
    /// Nothing before it.
    Since,
    /// Nothing from it on.
    Until,
}

/// The forms that [`parse`] takes.
pub(crate) const FORMS: &str = "write 2026-11-22T14:30:00Z, 2026-11-22 14:30, 2026-11-22 or 14:30 in local time, or how long ago: 90m, 2h, 3d";

/// A time as a person writes it: RFC 3339; date and time, date, or time of today in this zone; or
/// how long ago. A local time that comes twice, or never, when the clocks are changed means
/// whichever leaves nothing out. `None` where it is none of these.
pub(crate) fn parse(text: &str, bound: Bound, now_ms: i64, zone: &TimeZone) -> Option<i64> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_millisecond());
    }
    let now = Timestamp::from_millisecond(now_ms).ok()?;
    let now = now.to_zoned(zone.clone());
    if let Some(ago) = ago(text, &now) {
        return Some(ago.timestamp().as_millisecond());
    }
    let local = text.parse::<DateTime>().or_else(|_| {
        let time = text.parse::<Time>();
        time.map(|time| now.date().to_datetime(time))
    });
    let ambiguous = zone.to_ambiguous_zoned(local.ok()?);
    let zoned = match bound {
        Bound::Since => ambiguous.earlier(),
        Bound::Until => ambiguous.later(),
    };
    Some(zoned.ok()?.timestamp().as_millisecond())
}

/// Days are days of the calendar: three days ago is the same time of day, summer time or not.
fn ago(text: &str, now: &Zoned) -> Option<Zoned> {
    let length = text.strip_suffix("ago").unwrap_or(text).trim();
    let span: Span = length.parse().ok()?;
    if span.is_negative() {
        return None;
    }
    now.checked_sub(span).ok()
}

/// A length of time, roughly: `7 h 59 min`, `3 days`, `42 s`.
pub(crate) fn rough(ms: i64) -> String {
    let seconds = ms.max(0) / 1_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600, seconds / 60);
    if days >= 2 {
        format!("{days} days")
    } else if hours >= 1 {
        format!("{hours} h {} min", minutes - hours * 60)
    } else if minutes >= 1 {
        format!("{minutes} min")
    } else {
        format!("{seconds} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_zone_that_was_asked_for() {
        let ms = 1_700_000_000_123;
        assert_eq!(exact(ms, &TimeZone::UTC), "2023-11-14 22:13:20.123");
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(minute(ms, &zone), "2023-11-14 23:13");
        assert_eq!(rfc3339(ms), "2023-11-14T22:13:20.123Z");
        assert_eq!(minute(i64::MAX, &zone), format!("{} ms", i64::MAX));
    }

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    /// 2026-11-22 12:00 in Berlin.
    const NOON_MS: i64 = 1_795_345_200_000;

    fn read(text: &str, bound: Bound) -> Option<String> {
        let ms = parse(text, bound, NOON_MS, &berlin());
        ms.map(|ms| rfc3339(ms).replace(".000Z", "Z"))
    }

    #[test]
    fn a_time_may_be_written_in_many_ways() {
        assert_eq!(exact(NOON_MS, &berlin()), "2026-11-22 12:00:00.000");
        for (text, meant) in [
            ("2026-11-22T14:30:00Z", "2026-11-22T14:30:00Z"),
            ("2026-11-22T14:30:00+01:00", "2026-11-22T13:30:00Z"),
            ("2026-11-22 14:30", "2026-11-22T13:30:00Z"),
            ("2026-11-22T14:30:05", "2026-11-22T13:30:05Z"),
            ("2026-07-01 14:30", "2026-07-01T12:30:00Z"),
            ("2026-11-22", "2026-11-21T23:00:00Z"),
            ("08:15", "2026-11-22T07:15:00Z"),
            ("2h", "2026-11-22T09:00:00Z"),
            ("90m", "2026-11-22T09:30:00Z"),
            ("1h30m ago", "2026-11-22T09:30:00Z"),
            ("3d", "2026-11-19T11:00:00Z"),
            // Across the end of summer time: the same time of day.
            ("30d", "2026-10-23T10:00:00Z"),
            ("2w", "2026-11-08T11:00:00Z"),
        ] {
            assert_eq!(read(text, Bound::Since).as_deref(), Some(meant), "{text}");
        }
        for text in [
            "",
            "soon",
            "-2h",
            "25:00",
            "2026-13-01",
            "2026-11-22 14:30 pm",
            "7",
        ] {
            assert_eq!(read(text, Bound::Since), None, "{text}");
        }
    }

    #[test]
    fn when_the_clocks_are_changed_nothing_asked_for_is_left_out() {
        // 2:30 comes twice.
        let twice = "2026-10-25 02:30";
        assert_eq!(read(twice, Bound::Since).unwrap(), "2026-10-25T00:30:00Z");
        assert_eq!(read(twice, Bound::Until).unwrap(), "2026-10-25T01:30:00Z");
        // 2:30 never comes.
        let never = "2026-03-29 02:30";
        assert_eq!(read(never, Bound::Since).unwrap(), "2026-03-29T00:30:00Z");
        assert_eq!(read(never, Bound::Until).unwrap(), "2026-03-29T01:30:00Z");
    }

    #[test]
    fn lengths_of_time_are_rough() {
        assert_eq!(rough(-5), "0 s");
        assert_eq!(rough(59_999), "59 s");
        assert_eq!(rough(60_000), "1 min");
        assert_eq!(rough(28_740_000), "7 h 59 min");
        assert_eq!(rough(3 * 86_400_000), "3 days");
    }
}

//! Times as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Date and time to the minute, in this time zone.
pub(crate) fn minute(ms: i64, zone: &TimeZone) -> String {
    shown(ms, zone, "%Y-%m-%d %H:%M")
}

/// Date and time to the millisecond, in this time zone.
pub(crate) fn exact(ms: i64, zone: &TimeZone) -> String {
    shown(ms, zone, "%Y-%m-%d %H:%M:%S%.3f")
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

    #[test]
    fn lengths_of_time_are_rough() {
        assert_eq!(rough(-5), "0 s");
        assert_eq!(rough(59_999), "59 s");
        assert_eq!(rough(60_000), "1 min");
        assert_eq!(rough(28_740_000), "7 h 59 min");
        assert_eq!(rough(3 * 86_400_000), "3 days");
    }
}

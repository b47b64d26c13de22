//! When a window is: times as people write them, in the time zone of the plant, made into moments.
//! A local time that does not exist, or exists twice, is nobody's to guess.

use interlock_protocols::conduit::WindowSpan;
use interlock_protocols::grant;
use interlock_protocols::limits::{GRANT_SPAN_MAX_S, GRANT_SPANS_MAX};
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _, Zoned};

use crate::failure::{Failure, Kind};
use crate::moment;

const FORMS: &str = "write 2026-11-22 14:30 or 14:30 in the zone of --zone, 2026-11-22T14:30:00+01:00 in any zone, or now";
const LENGTHS: &str = "write how long with w, d, h and m: 2h, 90m, 1d 4h";
const APART: &str = "ask for fewer weeks, and for that one apart";

/// How long a window is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Length<'a> {
    /// This long: hours are those that pass, days are those of the calendar.
    For(&'a str),
    /// Until this time; each week until the same.
    Until(&'a str),
}

/// What the command line says of when.
#[derive(Clone, Copy, Debug)]
pub(super) struct When<'a> {
    pub(super) from: &'a str,
    pub(super) length: Length<'a>,
    /// How often, a week apart.
    pub(super) weekly: usize,
}

/// When a window is: each beginning and end, in the zone that it was asked for in.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Times {
    spans: Vec<(Zoned, Zoned)>,
}

impl When<'_> {
    /// The moments that are meant.
    pub(super) fn resolve(&self, now_ms: i64, zone: &TimeZone) -> Result<Times, Failure> {
        let now = Timestamp::from_millisecond(now_ms).map_err(Failure::of_program)?;
        let now = now.to_zoned(zone.clone());
        if !(1..=GRANT_SPANS_MAX).contains(&self.weekly) {
            let what = format!("`--weekly {}` is no number of weeks", self.weekly);
            let next = format!("write 1 to {GRANT_SPANS_MAX}, and ask again next year");
            return Err(usage(what, next));
        }
        let first = read(self.from, &now, None, zone)?;
        let until = match self.length {
            Length::For(_) => None,
            Length::Until(text) => Some(read(text, &now, Some(&first), zone)?),
        };
        let mut spans: Vec<(Zoned, Zoned)> = Vec::new();
        for week in 0..self.weekly {
            let weeks = i64::try_from(week).unwrap_or(i64::MAX).weeks();
            let start = again(&first, week, weeks, zone)?;
            let end = match (&until, self.length) {
                (Some(until), _) => again(until, week, weeks, zone)?,
                (None, Length::For(text) | Length::Until(text)) => {
                    after(&start, text, zone).map_err(|failure| in_week(week, &failure))?
                }
            };
            spans.push((start, end));
        }
        let times = Times { spans };
        times.judge(&now)?;
        Ok(times)
    }
}

impl Times {
    fn judge(&self, now: &Zoned) -> Result<(), Failure> {
        let mut before: Option<&Zoned> = None;
        for (start, end) in &self.spans {
            let seconds = end.timestamp().as_second() - start.timestamp().as_second();
            if seconds <= 0 {
                let what = format!(
                    "it would end at {}, and no later than it begins",
                    shown(end)
                );
                return Err(usage(what, "look at --from, --until and --zone"));
            }
            if seconds > i64::from(GRANT_SPAN_MAX_S) {
                let what = "it would be open for longer than a week at a time".to_owned();
                return Err(usage(
                    what,
                    "ask for less; `interlock window extend` asks for more of it",
                ));
            }
            if before.is_some_and(|before| start <= before) {
                let what = "it would begin again before it has ended".to_owned();
                return Err(usage(what, "make it shorter than a week"));
            }
            before = Some(end);
        }
        match self.spans.first() {
            Some((_, end)) if end <= now => {
                let what = format!("it would be over already, at {}", shown(end));
                Err(usage(
                    what,
                    "a time without a date is one of today: write the date as well",
                ))
            }
            _ => Ok(()),
        }
    }

    /// As the gateway is told them.
    pub(super) fn spans(&self) -> Vec<WindowSpan> {
        let seconds =
            |from: &Zoned, to: &Zoned| to.timestamp().as_second() - from.timestamp().as_second();
        let span = |(start, end): &(Zoned, Zoned)| WindowSpan {
            start_ms: u64::try_from(start.timestamp().as_millisecond()).unwrap_or(0),
            length_s: u32::try_from(seconds(start, end)).unwrap_or(0),
        };
        self.spans.iter().map(span).collect()
    }

    /// For people, a line each: local time with its distance from UTC, since that is what changes.
    pub(super) fn words(&self) -> Vec<String> {
        let line = |(start, end): &(Zoned, Zoned)| {
            let ms = end.timestamp().as_millisecond() - start.timestamp().as_millisecond();
            format!("{} ({})", between(start, end), moment::rough(ms))
        };
        self.spans.iter().map(line).collect()
    }
}

/// Beginning and end on one line; the end says its date only where that is another. Seconds are
/// said where there are some.
pub(super) fn between(start: &Zoned, end: &Zoned) -> String {
    let whole = (start.second(), end.second()) == (0, 0);
    let time = if whole { "%H:%M %:z" } else { "%H:%M:%S %:z" };
    let full = format!("%a %Y-%m-%d {time}");
    let form = match start.date() == end.date() {
        true => time,
        false => &full,
    };
    format!("{} to {}", start.strftime(&full), end.strftime(form))
}

fn shown(time: &Zoned) -> String {
    time.strftime("%a %Y-%m-%d %H:%M %:z").to_string()
}

/// A span of a grant, in this zone.
pub(crate) fn span_words(span: &grant::Span, zone: &TimeZone) -> String {
    let zoned = |ms: u64| {
        let instant = i64::try_from(ms)
            .ok()
            .and_then(|ms| Timestamp::from_millisecond(ms).ok());
        instant.map(|instant| instant.to_zoned(zone.clone()))
    };
    match zoned(span.start_ms).zip(zoned(span.end_ms())) {
        Some((start, end)) => between(&start, &end),
        // Beyond the year 9999: nothing to be read from it.
        None => format!("{} ms for {} s", span.start_ms, span.length_s),
    }
}

/// What people call a zone.
pub(super) fn name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("this machine")
}

/// The zone of this name, or this machine's own.
pub(crate) fn zone(name: Option<&str>) -> Result<TimeZone, Failure> {
    match name {
        None => Ok(TimeZone::system()),
        Some(name) => TimeZone::get(name).map_err(|_| {
            let what = format!("`{name}` is no time zone");
            usage(
                what,
                "write its name in the IANA database, such as Europe/Berlin",
            )
        }),
    }
}

/// One moment, in ms since 1970 UTC.
pub(crate) fn moment(text: &str, now_ms: i64, zone: &TimeZone) -> Result<i64, Failure> {
    let now = Timestamp::from_millisecond(now_ms).map_err(Failure::of_program)?;
    let meant = read(text, &now.to_zoned(zone.clone()), None, zone)?;
    Ok(meant.timestamp().as_millisecond())
}

/// Reads one time. A time of day is one of today; for an end, the first after its beginning.
fn read(text: &str, now: &Zoned, start: Option<&Zoned>, zone: &TimeZone) -> Result<Zoned, Failure> {
    let text = text.trim();
    if text == "now" {
        return Ok(now.clone());
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.to_zoned(zone.clone()));
    }
    let no_time = || usage(format!("`{text}` is no time"), FORMS);
    // A zone behind the time would be left unread: the zone is said once, for all of them.
    if text.contains('[') {
        return Err(no_time());
    }
    let local = match text.parse::<DateTime>() {
        Ok(local) => local,
        Err(_) => {
            let time = text.parse::<Time>().map_err(|_| no_time())?;
            let that_day = start.unwrap_or(now).date().to_datetime(time);
            match start {
                Some(start) if that_day <= start.datetime() => {
                    that_day.checked_add(1.day()).map_err(Failure::of_program)?
                }
                _ => that_day,
            }
        }
    };
    exactly(local, zone)
}

/// The one moment that has this local time.
fn exactly(local: DateTime, zone: &TimeZone) -> Result<Zoned, Failure> {
    if zone.is_unknown() {
        let what = "the time zone of this machine is not known".to_owned();
        return Err(usage(
            what,
            "name the one that you mean with --zone, such as --zone Europe/Berlin",
        ));
    }
    let meant = zone.to_ambiguous_zoned(local);
    if !meant.is_ambiguous() {
        return meant.unambiguous().map_err(Failure::of_program);
    }
    let earlier = meant.clone().earlier().map_err(Failure::of_program)?;
    let later = meant.clone().later().map_err(Failure::of_program)?;
    let text = local.strftime("%Y-%m-%d %H:%M");
    let zone = name(zone);
    // In a gap the two are other local times; in a fold both are this one.
    if earlier.datetime() == local {
        let form = "%Y-%m-%dT%H:%M:%S%:z";
        return Err(usage(
            format!("{text} comes twice in {zone}, where the clocks are put back"),
            format!(
                "write {} for the first, or {} for the second",
                earlier.strftime(form),
                later.strftime(form)
            ),
        ));
    }
    let form = "%Y-%m-%d %H:%M";
    Err(usage(
        format!("{text} never comes in {zone}, where the clocks are put forward over it"),
        format!(
            "write {} or {}",
            earlier.strftime(form),
            later.strftime(form)
        ),
    ))
}

/// The same local time some weeks later. That of the first week is as it was written.
fn again(first: &Zoned, week: usize, weeks: Span, zone: &TimeZone) -> Result<Zoned, Failure> {
    if week == 0 {
        return Ok(first.clone());
    }
    let local = first
        .datetime()
        .checked_add(weeks)
        .map_err(Failure::of_program)?;
    exactly(local, zone).map_err(|failure| in_week(week, &failure))
}

/// What is wrong only with a later week.
fn in_week(week: usize, failure: &Failure) -> Failure {
    match week {
        0 => failure.clone(),
        _ => usage(
            format!("in week {}: {}", week.saturating_add(1), failure.what()),
            APART,
        ),
    }
}

/// So long after a beginning: days of the calendar first, to the same local time, then hours.
fn after(start: &Zoned, text: &str, zone: &TimeZone) -> Result<Zoned, Failure> {
    let no_length = || usage(format!("`{text}` is no length of time"), LENGTHS);
    let span: Span = text.trim().parse().map_err(|_| no_length())?;
    if span.is_negative() || span.get_years() != 0 || span.get_months() != 0 {
        return Err(no_length());
    }
    let days = Span::new()
        .try_weeks(span.get_weeks())
        .and_then(|days| days.try_days(span.get_days()));
    let days = days.map_err(|_| no_length())?;
    let start = if days.is_zero() {
        start.clone()
    } else {
        let local = start
            .datetime()
            .checked_add(days)
            .map_err(|_| no_length())?;
        exactly(local, zone)?
    };
    let hours = span.weeks(0).days(0);
    start.checked_add(hours).map_err(|_| no_length())
}

/// How long a request may wait, in seconds: days have 24 hours here.
pub(crate) fn seconds(text: &str) -> Result<u32, String> {
    let span: Result<Span, _> = text.trim().parse();
    let seconds = span
        .ok()
        .filter(|span| !span.is_negative())
        .and_then(|span| {
            let days = jiff::SpanRelativeTo::days_are_24_hours();
            span.total((jiff::Unit::Second, days)).ok()
        });
    seconds
        .filter(|seconds| (1.0..=f64::from(u32::MAX)).contains(seconds))
        .map(|seconds| seconds as u32)
        .ok_or_else(|| LENGTHS.to_owned())
}

fn usage(what: String, next: impl Into<String>) -> Failure {
    Failure::new(Kind::Usage, what, next)
}

#[cfg(test)]
mod tests;

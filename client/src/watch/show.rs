//! What is watched, as a person reads it: a line a command, a block a question.

use interlock_broker::subject::path;
use interlock_protocols::conduit::{HeldPoint, SeenCommand, SeenHold};
use jiff::tz::TimeZone;

use crate::moment;
use crate::screen::{self, one_line};

/// One command.
pub(super) fn command(seen: &SeenCommand, width: Option<u16>, zone: &TimeZone) -> String {
    let SeenCommand {
        subject,
        device,
        asked,
        decision,
        result,
        ..
    } = seen;
    let latency = seen.latency_us.map(latency).unwrap_or_default();
    // What was read says what was asked as well.
    let allowed = decision == "allowed";
    let (what, came) = match result.as_str() {
        values if allowed && asked.starts_with("read ") && values.contains(" = ") => {
            (format!("read {values}"), "ok".to_owned())
        }
        "done" | "answered" if allowed => (asked.clone(), "ok".to_owned()),
        result if allowed => (asked.clone(), format!("ok, {result}")),
        result => (asked.clone(), format!("DENIED {decision}: {result}")),
    };
    let parts = [
        moment::time_of_day(seen.time_ms, zone),
        path(subject).to_owned(),
        device.clone(),
        what,
        format!("{came} {latency}").trim_end().to_owned(),
    ];
    let parts = parts.iter().filter(|part| !part.is_empty());
    let parts: Vec<String> = parts.map(|part| one_line(part)).collect();
    screen::wrapped(&parts.join("  "), width)
}

/// One command that waits for a yes, and the question.
pub(super) fn question(
    seen: &SeenHold,
    behind: usize,
    width: Option<u16>,
    zone: &TimeZone,
) -> String {
    let full = usize::from(width.unwrap_or(80)).clamp(20, 100);
    let title = format!("-- HOLD {} ", seen.hold);
    let mut block = format!("{title:-<full$}\n");
    let mut say = |text: &str| {
        block.push_str(&screen::wrapped(&format!("   {}", one_line(text)), width));
    };
    say(&format!(
        "{} (session {}) at {}, window {}, asked {}",
        path(&seen.subject),
        seen.session,
        seen.device,
        seen.window,
        match seen.asked_times {
            1 => "once".to_owned(),
            times => format!("{times} times"),
        }
    ));
    say(&seen.asked);
    for point in &seen.points {
        block.push_str(&held_point(point));
    }
    let mut say = |text: &str| {
        block.push_str(&screen::wrapped(&format!("   {}", one_line(text)), width));
    };
    let more = match behind {
        0 => String::new(),
        1 => "; 1 more waits behind it".to_owned(),
        more => format!("; {more} more wait behind it"),
    };
    let until = moment::time_of_day(seen.until_ms, zone);
    say(&format!("It waits until {until}{more}."));
    say(&format!("May it pass, once? y or n (hold {})", seen.hold));
    block
}

fn held_point(point: &HeldPoint) -> String {
    let or = |text: &str, other: &str| match text {
        "" => other.to_owned(),
        text => one_line(text),
    };
    let before = match (&*point.before, point.before_age_ms) {
        ("", _) => "not known".to_owned(),
        (before, Some(ms)) => format!("{} ({} ago)", one_line(before), age(ms)),
        (before, None) => one_line(before),
    };
    format!(
        "\n   {}\n     before   {before}\n     asked    {}\n     limits   {}\n\n",
        one_line(&point.name),
        or(&point.value, "it depends on the value before"),
        or(&point.limits, "none")
    )
}

fn age(ms: u64) -> String {
    match ms / 1_000 {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7_200 => format!("{} min", s / 60),
        s => format!("{} h", s / 3_600),
    }
}

fn latency(us: u64) -> String {
    match us {
        0..10_000 => format!("{}.{} ms", us / 1_000, us / 100 % 10),
        us => format!("{} ms", us / 1_000),
    }
}

#[cfg(test)]
mod tests;

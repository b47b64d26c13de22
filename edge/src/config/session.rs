//! `[session]`: how long one may last.

use std::time::Duration;

use interlock_broker::document::Section;
use interlock_broker::mediation::SessionTimes;

use crate::limits::{SESSION_HOURS_MAX, SESSION_IDLE_MINUTES_MAX};

pub(super) fn read(section: &mut Section<'_>) -> Option<SessionTimes> {
    let idle_minutes = section
        .optional("idle_minutes")
        .integer(1..=SESSION_IDLE_MINUTES_MAX);
    let max_hours = section.optional("max_hours").integer(1..=SESSION_HOURS_MAX);
    let usual = SessionTimes::default();
    Some(SessionTimes {
        idle: idle_minutes.map_or(usual.idle, |minutes| Duration::from_secs(minutes * 60)),
        most: max_hours.map_or(usual.most, |hours| Duration::from_secs(hours * 3_600)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::path::Path;

    fn times(text: &str) -> Option<SessionTimes> {
        let base = "gateway = \"g\"\n[listen]\nquic = \"127.0.0.1:4433\"\n";
        let config = Config::parse(Path::new("/site"), &format!("{base}{text}"));
        Some(config.ok()?.session_times())
    }

    #[test]
    fn what_is_left_out_is_half_an_hour_and_half_a_day() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let usual = times("").unwrap();
        assert_eq!((usual.idle, usual.most), (minutes(30), minutes(720)));
        let said = times("[session]\nidle_minutes = 5\nmax_hours = 8\n").unwrap();
        assert_eq!((said.idle, said.most), (minutes(5), minutes(480)));
        for never in ["idle_minutes = 0", "max_hours = 0", "max_hours = 169"] {
            assert_eq!(times(&format!("[session]\n{never}\n")), None, "{never}");
        }
    }
}

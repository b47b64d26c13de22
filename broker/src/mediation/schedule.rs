//! How long a session lasts, and when its owner is warned. Pure: time is an argument.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Mono, Now};
use crate::limits::{IDLE_WARNING, SESSION_IDLE, SESSION_MAX, SESSION_WARNINGS};

use super::standing::Lost;

/// How long sessions may last, whatever their certificates say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionTimes {
    /// Without a command.
    pub idle: Duration,
    /// In all.
    pub most: Duration,
}

impl Default for SessionTimes {
    fn default() -> SessionTimes {
        SessionTimes {
            idle: SESSION_IDLE,
            most: SESSION_MAX,
        }
    }
}

/// Says that a session ends soon.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// What ends, when, and what to do.
    pub text: String,
    /// When, ms since 1970 UTC.
    pub ends_ms: i64,
}

/// The times of one session.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    times: SessionTimes,
    opened: Mono,
    certificate_ends_ms: i64,
    /// The shortest warning that was given of each end.
    told: [Option<Duration>; 3],
}

/// When a session was last used. It is marked by each command, so it takes no lock.
#[derive(Debug)]
pub(super) struct LastUse(AtomicU64);

impl LastUse {
    pub(super) fn new(now: Now) -> LastUse {
        let last_use = LastUse(AtomicU64::new(0));
        last_use.mark(now);
        last_use
    }

    pub(super) fn mark(&self, now: Now) {
        let since_start = now.mono().since(Mono::at(Duration::ZERO));
        let ms = u64::try_from(since_start.as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_max(ms, Ordering::AcqRel);
    }

    pub(super) fn at(&self) -> Mono {
        Mono::at(Duration::from_millis(self.0.load(Ordering::Acquire)))
    }
}

/// What ends a session by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Certificate = 0,
    Length = 1,
    Idleness = 2,
}

impl Schedule {
    pub(super) fn new(times: SessionTimes, certificate_ends_ms: i64, now: Now) -> Schedule {
        Schedule {
            times,
            opened: now.mono(),
            certificate_ends_ms,
            told: [None; 3],
        }
    }

    /// Why the session is over, if it is.
    pub(super) fn over(&self, last_use: Mono, now: Now) -> Option<Lost> {
        let (end, left) = self.next(last_use, now);
        (left == Duration::ZERO).then_some(match end {
            End::Certificate => Lost::Expired,
            End::Length => Lost::TooLong,
            End::Idleness => Lost::Idle,
        })
    }

    /// What there is to warn of now. Each warning comes once; who comes late gets only the last.
    pub(super) fn warning(&mut self, last_use: Mono, now: Now) -> Option<Warning> {
        let (end, left) = self.next(last_use, now);
        let [.., idleness] = &mut self.told;
        if self.times.idle.saturating_sub(now.mono().since(last_use)) > IDLE_WARNING {
            // It was used since: the next time that it is not is another one.
            *idleness = None;
        }
        let due = match end {
            End::Idleness => Some(IDLE_WARNING).filter(|due| left <= *due),
            _ => SESSION_WARNINGS
                .into_iter()
                .filter(|due| left <= *due)
                .min(),
        }?;
        let told = self.told.get_mut(end as usize)?;
        if left == Duration::ZERO || told.is_some_and(|told| told <= due) {
            return None;
        }
        *told = Some(due);
        let left_ms = i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
        Some(Warning {
            text: self.words(end, left),
            ends_ms: now.wall_ms().saturating_add(left_ms),
        })
    }

    /// What ends the session first, and how long until then.
    fn next(&self, last_use: Mono, now: Now) -> (End, Duration) {
        let certificate_ms = self.certificate_ends_ms.saturating_sub(now.wall_ms());
        let certificate = Duration::from_millis(u64::try_from(certificate_ms).unwrap_or(0));
        let length = self
            .times
            .most
            .saturating_sub(now.mono().since(self.opened));
        let idleness = self.times.idle.saturating_sub(now.mono().since(last_use));
        let mut first = (End::Certificate, certificate);
        for (end, left) in [(End::Length, length), (End::Idleness, idleness)] {
            if left < first.1 {
                first = (end, left);
            }
        }
        first
    }

    fn words(&self, end: End, left: Duration) -> String {
        let left = in_words(left);
        match end {
            End::Certificate => format!(
                "your certificate ends in {left}, and this session with it: run `interlock login`, then connect again"
            ),
            End::Length => format!(
                "this session ends in {left}: one lasts at most {}. Finish what you are at, then connect again",
                in_words(self.times.most)
            ),
            End::Idleness => format!(
                "this session ends in {left} unless a command comes: it has been idle for nearly {}",
                in_words(self.times.idle)
            ),
        }
    }
}

/// A length of time as people say it.
pub(super) fn in_words(time: Duration) -> String {
    let counted = |count: u64, one: &str| match count {
        1 => format!("1 {one}"),
        some => format!("{some} {one}s"),
    };
    // Rounded up: who has half a minute left has less than a minute, and not none.
    let minutes = time.as_secs().div_ceil(60);
    match (minutes / 60, minutes % 60) {
        (0, 0 | 1) if time < Duration::from_secs(60) => "less than a minute".to_owned(),
        (0, minutes) => counted(minutes, "minute"),
        (hours, 0) => counted(hours, "hour"),
        (hours, minutes) => format!(
            "{} and {}",
            counted(hours, "hour"),
            counted(minutes, "minute")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const WALL_MS: i64 = 1_795_000_000_000;

    fn start() -> Now {
        Now::new(WALL_MS, Mono::at(Duration::from_secs(5)))
    }

    fn schedule(certificate_minutes: i64, idle: u32, most: u32) -> Schedule {
        let times = SessionTimes {
            idle: MINUTE * idle,
            most: MINUTE * most,
        };
        Schedule::new(times, WALL_MS + certificate_minutes * 60_000, start())
    }

    /// Looks each second, with a command each second, and gives when it warned, in seconds before
    /// the end, and how it ended.
    fn told(mut schedule: Schedule, used: bool) -> (Vec<u64>, u64, Lost) {
        let mut seconds = Vec::new();
        for second in 0.. {
            let now = start().after(Duration::from_secs(second));
            let last_use = if used { now.mono() } else { start().mono() };
            if let Some(lost) = schedule.over(last_use, now) {
                let before = seconds.iter().map(|at| second - at).collect();
                return (before, second, lost);
            }
            if schedule.warning(last_use, now).is_some() {
                seconds.push(second);
            }
        }
        unreachable!()
    }

    #[test]
    fn the_certificate_ends_it_after_three_warnings() {
        let found = told(schedule(60, 30, 720), true);
        assert_eq!(found, (vec![900, 300, 60], 3_600, Lost::Expired));
    }

    #[test]
    fn the_most_that_a_session_may_last_ends_it_after_three_warnings() {
        let found = told(schedule(1_000, 30, 120), true);
        assert_eq!(found, (vec![900, 300, 60], 7_200, Lost::TooLong));
    }

    #[test]
    fn idleness_ends_it_after_one_warning() {
        let found = told(schedule(1_000, 30, 720), false);
        assert_eq!(found, (vec![60], 1_800, Lost::Idle));
    }

    #[test]
    fn use_begins_the_idleness_anew_and_so_the_warning_of_it() {
        let mut schedule = schedule(1_000, 30, 720);
        let now = |minutes: u32| start().after(MINUTE * minutes);
        let used = |minutes: u32| now(minutes).mono();
        assert!(schedule.warning(used(0), now(29)).is_some());
        assert_eq!(schedule.warning(used(0), now(29)), None);
        assert_eq!(schedule.warning(used(29), now(31)), None);
        assert_eq!(schedule.over(used(29), now(31)), None);
        assert!(schedule.warning(used(29), now(58)).is_some());
        assert_eq!(schedule.over(used(29), now(59)), Some(Lost::Idle));
    }

    #[test]
    fn who_comes_late_is_warned_once_and_rightly() {
        let mut schedule = schedule(4, 30, 720);
        let warning = schedule.warning(start().mono(), start()).unwrap();
        assert!(warning.text.contains("ends in 4 minutes"), "{warning:?}");
        assert_eq!(warning.ends_ms, WALL_MS + 240_000);
        let later = start().after(MINUTE);
        assert_eq!(schedule.warning(later.mono(), later), None);
    }

    #[test]
    fn setting_the_clock_moves_the_certificate_and_nothing_else() {
        let schedule = schedule(60, 30, 120);
        let back = Now::new(0, start().mono().after(MINUTE * 120));
        assert_eq!(schedule.over(back.mono(), back), Some(Lost::TooLong));
        let ahead = Now::new(i64::MAX, start().mono());
        assert_eq!(schedule.over(ahead.mono(), ahead), Some(Lost::Expired));
        let far_back = Now::new(i64::MIN, start().mono());
        assert_eq!(schedule.over(far_back.mono(), far_back), None);
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        for (seconds, words) in [
            (0, "less than a minute"),
            (59, "less than a minute"),
            (60, "1 minute"),
            (61, "2 minutes"),
            (3_600, "1 hour"),
            (43_200, "12 hours"),
            (5_400, "1 hour and 30 minutes"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }
}

//! How fast the journal grows.

use std::collections::VecDeque;
use std::time::Duration;

use interlock_broker::clock::Mono;

use crate::limits::{RATE_SAMPLE_EVERY, RATE_SEEN_MIN, RATE_WINDOW};

const DAY_S: f64 = 24.0 * 60.0 * 60.0;

/// Growth over about a day. What retention deletes does not count against it.
#[derive(Debug, Default)]
pub struct Rate {
    /// When, and the growth since the first sample.
    samples: VecDeque<(Mono, u64)>,
    grown_bytes: u64,
    last_bytes: Option<u64>,
}

impl Rate {
    /// Takes the bytes that were written up to a time. Call it as often as you like.
    pub fn sample(&mut self, now: Mono, written_bytes: u64) {
        // Fewer than before: the journal was opened anew, and what grew meanwhile is unknown.
        let grown = written_bytes.saturating_sub(self.last_bytes.unwrap_or(written_bytes));
        self.grown_bytes = self.grown_bytes.saturating_add(grown);
        self.last_bytes = Some(written_bytes);
        let due = self
            .samples
            .back()
            .is_none_or(|(at, _)| now.since(*at) >= RATE_SAMPLE_EVERY);
        if !due {
            return;
        }
        self.samples.push_back((now, self.grown_bytes));
        while self
            .samples
            .front()
            .is_some_and(|(at, _)| now.since(*at) > RATE_WINDOW)
        {
            self.samples.pop_front();
        }
    }

    /// Bytes a day, once it has been seen for long enough.
    pub fn bytes_per_day(&self, now: Mono) -> Option<u64> {
        let (at, grown_bytes) = self.samples.front()?;
        let seen: Duration = now.since(*at);
        if seen < RATE_SEEN_MIN {
            return None;
        }
        let grown = self.grown_bytes.saturating_sub(*grown_bytes);
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss
        )]
        let per_day = (grown as f64 / seen.as_secs_f64() * DAY_S).round() as u64;
        Some(per_day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn after(hours: u32) -> Mono {
        Mono::at(HOUR * hours)
    }

    #[test]
    fn nothing_is_said_before_it_has_been_seen_for_long_enough() {
        let mut rate = Rate::default();
        assert_eq!(rate.bytes_per_day(after(0)), None);
        rate.sample(after(0), 500);
        rate.sample(Mono::at(RATE_SEEN_MIN / 2), 600);
        assert_eq!(rate.bytes_per_day(Mono::at(RATE_SEEN_MIN / 2)), None);
        assert!(rate.bytes_per_day(after(1)).is_some());
    }

    #[test]
    fn it_is_growth_by_time_and_forgets_what_is_a_day_old() {
        let mut rate = Rate::default();
        for hour in 0..=24 {
            rate.sample(after(hour), 1_000 + u64::from(hour) * 10);
        }
        assert_eq!(rate.bytes_per_day(after(24)), Some(240));
        // A busy day: the quiet one before no longer counts.
        for hour in 25..=49 {
            rate.sample(after(hour), 1_240 + u64::from(hour - 24) * 100);
        }
        assert_eq!(rate.bytes_per_day(after(49)), Some(2_400));
        // And a day on which nothing is written at all.
        rate.sample(after(74), 3_740);
        assert_eq!(rate.bytes_per_day(after(75)), Some(0));
    }

    #[test]
    fn a_count_that_begins_again_is_no_growth_and_no_shrinking() {
        let mut rate = Rate::default();
        rate.sample(after(0), 1_000);
        rate.sample(after(6), 1_600);
        rate.sample(after(7), 100);
        rate.sample(after(12), 700);
        assert_eq!(rate.bytes_per_day(after(12)), Some(2_400));
    }

    #[test]
    fn it_holds_a_bounded_number_of_samples() {
        let mut rate = Rate::default();
        for second in 0..400_000 {
            rate.sample(Mono::at(Duration::from_secs(second)), second);
        }
        let most = RATE_WINDOW.as_secs() / RATE_SAMPLE_EVERY.as_secs() + 2;
        assert!(rate.samples.len() as u64 <= most, "{}", rate.samples.len());
        let day = rate.bytes_per_day(Mono::at(Duration::from_secs(400_000)));
        assert!(day.unwrap().abs_diff(86_400) < 100, "{day:?}");
    }
}

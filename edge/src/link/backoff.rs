//! How long to leave a device alone after a failure.

use std::time::Duration;

/// Doubling from a least to a greatest wait, each drawn between half of it and the whole, so
/// that the links of a plant do not all knock at once after a switch restarts.
#[derive(Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(min: Duration, max: Duration) -> Backoff {
        Backoff {
            min,
            max,
            failures: 0,
        }
    }

    /// The device answered.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// The device failed; how long to wait. `jitter` is drawn from 0 to 1.
    pub(crate) fn failed(&mut self, jitter: f64) -> Duration {
        let doubled = 1_u32.checked_shl(self.failures.min(20)).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        let full = self.min.saturating_mul(doubled).min(self.max);
        full.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_its_greatest_and_starts_again() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        let waits: Vec<u128> = (0..8).map(|_| backoff.failed(1.0).as_millis()).collect();
        assert_eq!(
            waits,
            [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
        );
        assert_eq!(backoff.failed(0.0), Duration::from_secs(15));
        backoff.succeeded();
        assert_eq!(backoff.failed(1.0), Duration::from_millis(500));
        for _ in 0..100 {
            assert!(backoff.failed(0.5) <= Duration::from_secs(30));
        }
    }
}

//! The only place that reads a clock. Everything else is handed a [`Now`].
#![expect(clippy::disallowed_methods, reason = "this is the place")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One reading of both clocks. Windows and certificates are judged by the wall clock, ages and
/// deadlines by the monotonic one, so that setting the time moves no deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    wall_ms: i64,
    mono: Mono,
}

/// A point on the monotonic clock, counted from the start of the process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mono(Duration);

impl Now {
    /// A reading put together by hand: tests and replays.
    pub const fn new(wall_ms: i64, mono: Mono) -> Now {
        Now { wall_ms, mono }
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn wall_ms(self) -> i64 {
        self.wall_ms
    }

    /// The monotonic half.
    pub const fn mono(self) -> Mono {
        self.mono
    }

    /// The same reading some time later, on both clocks.
    pub fn after(self, later: Duration) -> Now {
        let ms = i64::try_from(later.as_millis()).unwrap_or(i64::MAX);
        Now {
            wall_ms: self.wall_ms.saturating_add(ms),
            mono: self.mono.after(later),
        }
    }
}

impl Mono {
    /// A point given as the time since the start of the process.
    pub const fn at(since_start: Duration) -> Mono {
        Mono(since_start)
    }

    /// The point this much later.
    pub fn after(self, later: Duration) -> Mono {
        Mono(self.0.saturating_add(later))
    }

    /// How long ago `earlier` was; zero if it is yet to come.
    pub fn since(self, earlier: Mono) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// The machine's clocks. Copy it freely: copies share one origin.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts the monotonic count.
    pub fn start() -> Clock {
        Clock {
            start: Instant::now(),
        }
    }

    /// Reads both clocks. A wall clock before 1970 reads as 1970: every certificate is then
    /// not yet valid, which denies.
    pub fn now(&self) -> Now {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Now {
            wall_ms: i64::try_from(wall.as_millis()).unwrap_or(i64::MAX),
            mono: Mono(self.start.elapsed()),
        }
    }
}

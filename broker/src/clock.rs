//! The only place that reads a clock. Everything else is handed a [`Now`].
//!
//! The system's clock is not simply believed: whoever sets it back makes certificates that ended
//! valid again. So time is counted by the monotonic clock, and follows the system's as long as the
//! two agree. What is done where they do not is in [`Timekeeper`].
#![expect(clippy::disallowed_methods, reason = "this is the place")]

mod timekeeper;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub use timekeeper::{Doubt, Floor, Reading, Shown, Timekeeper};

/// One reading of both clocks. Windows and certificates are judged by the wall clock, ages and
/// deadlines by the monotonic one, so that setting the time moves no deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    wall_ms: i64,
    mono: Mono,
    doubted: bool,
}

/// A point on the monotonic clock, counted from the start of the process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mono(Duration);

impl Now {
    /// A reading put together by hand: tests and replays.
    pub const fn new(wall_ms: i64, mono: Mono) -> Now {
        Now {
            wall_ms,
            mono,
            doubted: false,
        }
    }

    /// The same reading of a clock whose time is only counted, and not believed.
    pub const fn in_doubt(self) -> Now {
        Now {
            doubted: true,
            ..self
        }
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn wall_ms(self) -> i64 {
        self.wall_ms
    }

    /// The monotonic half.
    pub const fn mono(self) -> Mono {
        self.mono
    }

    /// Whether the system's clock is in doubt: nothing with effect may be done then.
    pub const fn doubted(self) -> bool {
        self.doubted
    }

    /// The same reading some time later, on both clocks.
    pub fn after(self, later: Duration) -> Now {
        let ms = i64::try_from(later.as_millis()).unwrap_or(i64::MAX);
        Now {
            wall_ms: self.wall_ms.saturating_add(ms),
            mono: self.mono.after(later),
            ..self
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

/// Where both clocks are read: the machine, or a test that moves them.
pub trait Source: Send + Sync {
    /// What they show.
    fn read(&self) -> Reading;
}

/// The clocks of this machine.
pub struct Machine {
    start: Instant,
}

impl Machine {
    /// Starts the monotonic count.
    pub fn start() -> Machine {
        Machine {
            start: Instant::now(),
        }
    }
}

impl Source for Machine {
    /// A wall clock before 1970 reads as 1970, which is before any time that is believed.
    fn read(&self) -> Reading {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Reading {
            system_ms: i64::try_from(wall.as_millis()).unwrap_or(i64::MAX),
            mono: Mono(self.start.elapsed()),
        }
    }
}

/// The time of one process. Copy it freely: copies share one count.
#[derive(Clone, Copy)]
pub struct Clock(&'static Shared);

struct Shared {
    source: Box<dyn Source>,
    keeper: Mutex<Timekeeper>,
}

impl Clock {
    /// Starts the count by the machine's clocks.
    pub fn start() -> Clock {
        Clock::over(Box::new(Machine::start()))
    }

    /// Starts the count by other clocks.
    pub fn over(source: Box<dyn Source>) -> Clock {
        let keeper = Timekeeper::start(source.read(), Floor::default());
        // A process has one clock for as long as it lives, and hands it to every task.
        Clock(Box::leak(Box::new(Shared {
            source,
            keeper: Mutex::new(keeper),
        })))
    }

    /// Begins anew above what the journal says of the time before.
    pub fn begin(&self, floor: Floor) {
        let mut keeper = self.keeper();
        *keeper = Timekeeper::start(self.0.source.read(), floor);
    }

    /// The time.
    pub fn now(&self) -> Now {
        // Read under the lock: of two readings the older must not come second.
        let mut keeper = self.keeper();
        keeper.read(self.0.source.read())
    }

    /// What the system's clock shows, what is counted, and whether the two are at odds.
    pub fn shows(&self) -> Shown {
        let mut keeper = self.keeper();
        keeper.shows(self.0.source.read())
    }

    /// Believes what the system's clock showed, from that moment on.
    pub fn accept(&self, shown: &Shown) {
        self.keeper().accept(shown);
    }

    fn keeper(&self) -> MutexGuard<'_, Timekeeper> {
        self.0.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({:?})", self.keeper())
    }
}

//! Counting time, and noticing when the system's clock cannot be right.
//!
//! The count starts at what the system's clock shows and goes on by the monotonic clock. It follows
//! the system's by a part in a thousand, so a clock that is a little off is made right and nobody
//! moves it far unseen. Where the system's clock is unset, behind what was recorded before, or
//! jumps, it is *doubted*: the count goes on by itself, and stays so until somebody accepts.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use super::{Mono, Now};
use crate::limits::{CLOCK_JUMP_MAX, CLOCK_SLEW_EVERY, CLOCK_SLEW_PARTS, CLOCK_UNSET_BEFORE_MS};

/// What both clocks of a machine show at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// The system's clock, ms since 1970 UTC.
    pub system_ms: i64,
    /// The monotonic one.
    pub mono: Mono,
}

/// What is known of the time before the start.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Floor {
    /// When something was last recorded, ms since 1970 UTC. It is later than that now.
    pub last_ms: Option<i64>,
    /// Whether the clock was in doubt already, and nobody has accepted it.
    pub doubted: bool,
}

/// Why the system's clock is not believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doubt {
    /// It shows a time before this program was written.
    Unset,
    /// It is behind the last record of the journal.
    BehindJournal,
    /// It was set while the gateway ran, or the machine slept.
    Jumped,
    /// It was in doubt when the gateway stopped.
    Unaccepted,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Doubt::Unset => "it was never set",
            Doubt::BehindJournal => "it is behind the last record of the journal",
            Doubt::Jumped => "it was set, or the machine slept, while the gateway ran",
            Doubt::Unaccepted => "it was in doubt before the restart and nobody has accepted it",
        })
    }
}

/// Both times side by side, for whoever is to judge them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown {
    /// What the system's clock shows, ms since 1970 UTC.
    pub system_ms: i64,
    /// What is counted.
    pub counted: Now,
    /// Why the system's clock is not believed; `None` where it is.
    pub doubt: Option<Doubt>,
}

impl Shown {
    /// Whether the system's clock shows a time that nobody may accept: it has to be set first.
    pub const fn is_unset(&self) -> bool {
        self.system_ms < CLOCK_UNSET_BEFORE_MS
    }
}

/// Counts the time. Pure: it is told what the clocks show.
#[derive(Clone, Debug)]
pub struct Timekeeper {
    /// The time at `since`, in microseconds: with milliseconds the remainders would add up.
    base_us: i64,
    since: Mono,
    doubt: Option<Doubt>,
}

impl Timekeeper {
    /// Begins with a first reading, above the floor.
    pub fn start(reading: Reading, floor: Floor) -> Timekeeper {
        let system_us = micros(reading.system_ms);
        let lowest_us = micros(floor.last_ms.unwrap_or(CLOCK_UNSET_BEFORE_MS));
        let doubt = if reading.system_ms < CLOCK_UNSET_BEFORE_MS {
            Some(Doubt::Unset)
        } else if system_us < lowest_us.saturating_sub(span(CLOCK_JUMP_MAX)) {
            Some(Doubt::BehindJournal)
        } else if floor.doubted {
            Some(Doubt::Unaccepted)
        } else {
            None
        };
        Timekeeper {
            // A clock that is in doubt may as well be ahead: only what was recorded counts then.
            base_us: match doubt {
                Some(_) => lowest_us,
                None => system_us.max(lowest_us),
            },
            since: reading.mono,
            doubt,
        }
    }

    /// The time of a reading.
    pub fn read(&mut self, reading: Reading) -> Now {
        let elapsed = span(reading.mono.since(self.since));
        let mut counted = self.base_us.saturating_add(elapsed);
        if self.doubt.is_none() {
            let off = micros(reading.system_ms).saturating_sub(counted);
            if reading.system_ms < CLOCK_UNSET_BEFORE_MS {
                self.doubt = Some(Doubt::Unset);
            } else if off.saturating_abs() > span(CLOCK_JUMP_MAX) {
                self.doubt = Some(Doubt::Jumped);
            } else if elapsed >= span(CLOCK_SLEW_EVERY) {
                let most = elapsed / CLOCK_SLEW_PARTS;
                counted = counted.saturating_add(off.clamp(-most, most));
                self.base_us = counted;
                self.since = reading.mono;
            }
        }
        let now = Now::new(counted.div_euclid(1000), reading.mono);
        if self.doubt.is_some() {
            now.in_doubt()
        } else {
            now
        }
    }

    /// Both times of a reading.
    pub fn shows(&mut self, reading: Reading) -> Shown {
        Shown {
            counted: self.read(reading),
            system_ms: reading.system_ms,
            doubt: self.doubt,
        }
    }

    /// From the moment of `shown` on, what the system's clock showed is the time.
    pub fn accept(&mut self, shown: &Shown) {
        self.base_us = micros(shown.system_ms);
        self.since = shown.counted.mono();
        self.doubt = None;
    }
}

fn micros(ms: i64) -> i64 {
    ms.saturating_mul(1000)
}

fn span(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

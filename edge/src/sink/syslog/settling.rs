//! When a record that nobody acknowledges counts as received.

use std::collections::VecDeque;
use std::time::Duration;

use interlock_broker::clock::Mono;

use crate::limits::SYSLOG_MARKS_MAX;

/// The places of one connection up to which records were written, oldest first.
#[derive(Default)]
pub(super) struct Settling {
    marks: VecDeque<Mark>,
    settled: u64,
    /// When the other side last took something, or was first given something to take.
    moved: Option<Mono>,
    taken_bytes: u64,
}

struct Mark {
    /// The last record before this place.
    through: u64,
    /// The place, in bytes of the connection.
    bytes: u64,
    /// When the other side's TCP was seen to have taken all before it.
    taken: Option<Mono>,
}

impl Settling {
    /// All records up to `through` are in the first `bytes` of the connection.
    pub(super) fn written(&mut self, through: u64, bytes: u64, now: Mono) {
        if self.waiting().is_none() {
            self.moved = Some(now);
        }
        if self.marks.len() >= SYSLOG_MARKS_MAX
            && let Some(last) = self.marks.back_mut()
        {
            // Both wait for the later place. Its time is not known yet, whatever that of this was.
            *last = Mark {
                through,
                bytes,
                taken: None,
            };
            return;
        }
        self.marks.push_back(Mark {
            through,
            bytes,
            taken: None,
        });
    }

    /// The other side's TCP has taken the first `bytes` of the connection.
    pub(super) fn taken(&mut self, bytes: u64, now: Mono) {
        if bytes > self.taken_bytes {
            self.taken_bytes = bytes;
            self.moved = Some(now);
        }
        let fresh = |mark: &&mut Mark| mark.taken.is_none() && mark.bytes <= bytes;
        for mark in self.marks.iter_mut().filter(fresh) {
            mark.taken = Some(now);
        }
    }

    /// For how long nothing was taken while there was something to take.
    pub(super) fn waits(&self, now: Mono) -> Duration {
        match (self.waiting(), self.moved) {
            (Some(_), Some(moved)) => now.since(moved),
            _ => Duration::ZERO,
        }
    }

    fn waiting(&self) -> Option<&Mark> {
        self.marks.back().filter(|mark| mark.taken.is_none())
    }

    /// Lets settle what was taken at least `after` ago, on a connection that stands. The last
    /// sequence that is settled; 0 for none.
    pub(super) fn settle(&mut self, now: Mono, after: Duration) -> u64 {
        let ripe = |mark: &Mark| mark.taken.is_some_and(|taken| now.since(taken) >= after);
        while let Some(mark) = self.marks.pop_front_if(|mark| ripe(mark)) {
            self.settled = mark.through;
        }
        self.settled
    }

    /// The last sequence that is settled; 0 for none on this connection.
    pub(super) fn settled(&self) -> u64 {
        self.settled
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(5);

    fn at(ms: u64) -> Mono {
        Mono::at(Duration::from_millis(ms))
    }

    #[test]
    fn written_alone_settles_nothing() {
        let mut settling = Settling::default();
        settling.written(10, 1_000, at(0));
        assert_eq!(settling.settle(at(60_000), AFTER), 0);
        settling.taken(999, at(60_000));
        assert_eq!(settling.settle(at(120_000), AFTER), 0);
        assert!(!settling.is_empty());
    }

    #[test]
    fn taken_settles_after_its_time_and_not_before() {
        let mut settling = Settling::default();
        settling.written(10, 1_000, at(0));
        settling.written(20, 2_000, at(100));
        settling.taken(1_000, at(200));
        settling.taken(2_000, at(1_000));
        assert_eq!(settling.settle(at(5_199), AFTER), 0);
        assert_eq!(settling.settle(at(5_200), AFTER), 10);
        assert_eq!(settling.settle(at(5_999), AFTER), 10);
        assert_eq!(settling.settle(at(6_000), AFTER), 20);
        assert!(settling.is_empty());
    }

    #[test]
    fn records_without_a_byte_settle_too() {
        let mut settling = Settling::default();
        settling.written(3, 0, at(0));
        settling.taken(0, at(1));
        assert_eq!(settling.settle(at(5_001), AFTER), 3);
    }

    #[test]
    fn a_crowd_of_marks_settles_late_and_never_early() {
        let mut settling = Settling::default();
        let many = u64::try_from(SYSLOG_MARKS_MAX).unwrap() + 50;
        for n in 1..=many {
            settling.written(n, n * 10, at(n));
            settling.taken(n * 10, at(n));
        }
        assert!(settling.marks.len() <= SYSLOG_MARKS_MAX);
        assert_eq!(settling.settle(at(5_000), AFTER), 0);
        assert_eq!(settling.settle(at(many + 4_999), AFTER), many - 51);
        assert_eq!(settling.settle(at(many + 5_000), AFTER), many);
    }

    #[test]
    fn a_wait_counts_from_what_was_last_taken() {
        let mut settling = Settling::default();
        assert_eq!(settling.waits(at(9_000)), Duration::ZERO);
        settling.written(1, 100, at(10_000));
        assert_eq!(settling.waits(at(12_000)), Duration::from_secs(2));
        settling.taken(50, at(12_000));
        assert_eq!(settling.waits(at(13_000)), Duration::from_secs(1));
        settling.taken(100, at(13_000));
        assert_eq!(settling.waits(at(99_000)), Duration::ZERO);
    }
}

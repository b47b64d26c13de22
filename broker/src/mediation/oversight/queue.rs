//! What there is for one who watches: numbered without gaps, bounded, and with what was left out
//! told as such. Pure: time is an argument.

use std::collections::VecDeque;

use interlock_protocols::conduit::{Seen, ToWatcher};

use super::supervision::{Ahead, Attention};
use crate::clock::Mono;
use crate::limits::{HOLDS_MAX, WATCH_QUEUE_MAX};

/// Room behind the commands for what is said of holds: that is never left out.
const HOLDS_ROOM: usize = 2 * HOLDS_MAX;

/// See the module.
#[derive(Default, Debug)]
pub(super) struct Queue {
    waiting: VecDeque<Seen>,
    attention: Attention,
    /// Commands left out since the last message that found a place.
    missed: u64,
    /// What is said of holds found no place: whoever reads so little watches nothing.
    burst: bool,
}

impl Queue {
    /// Something is to be seen.
    pub(super) fn push(&mut self, seen: Seen) {
        let room = match &seen {
            Seen::Held(_) | Seen::Settled { .. } => WATCH_QUEUE_MAX + HOLDS_ROOM,
            // The last place is for the word that others were left out.
            _ => WATCH_QUEUE_MAX - 1,
        };
        if self.waiting.len() >= room {
            match seen {
                Seen::Command(_) => self.missed = self.missed.saturating_add(1),
                Seen::Held(_) | Seen::Settled { .. } => self.burst = true,
                _ => {}
            }
            return;
        }
        self.own_up();
        self.waiting.push_back(seen);
    }

    /// Says that nothing happens, unless something does.
    pub(super) fn quiet(&mut self) {
        if self.waiting.is_empty() && self.missed == 0 {
            self.waiting.push_back(Seen::Quiet);
        }
    }

    /// The next message; it is on its way from here on.
    pub(super) fn next(&mut self) -> Option<ToWatcher> {
        if self.waiting.is_empty() {
            self.own_up();
        }
        let seen = self.waiting.pop_front()?;
        Some(ToWatcher {
            number: self.attention.tell(),
            seen,
        })
    }

    /// They saw everything up to this number.
    pub(super) fn saw(&mut self, through: u64, now: Mono) -> Result<(), Ahead> {
        self.attention.saw(through, now)
    }

    /// Whether they keep up.
    pub(super) fn keeps_up(&self, now: Mono) -> bool {
        let missed = usize::from(self.missed > 0);
        let waiting = self.waiting.len().saturating_add(missed);
        self.attention.keeps_up(waiting, now)
    }

    /// Whether they read so little that it is no watching.
    pub(super) fn has_burst(&self) -> bool {
        self.burst
    }

    fn own_up(&mut self) {
        if self.missed > 0 {
            let commands = std::mem::take(&mut self.missed);
            self.waiting.push_back(Seen::Missed { commands });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use interlock_protocols::conduit::SeenCommand;
    use proptest::prelude::*;

    use super::*;

    fn command(session: u64) -> Seen {
        Seen::Command(SeenCommand {
            time_ms: 0,
            session,
            subject: String::new(),
            device: String::new(),
            asked: String::new(),
            decision: String::new(),
            result: String::new(),
            rules: Vec::new(),
            latency_us: None,
            window: None,
            record: None,
        })
    }

    fn settled(hold: u64) -> Seen {
        let what = String::new();
        Seen::Settled { hold, what }
    }

    #[test]
    fn quiet_is_said_only_where_it_is() {
        let mut queue = Queue::default();
        queue.quiet();
        queue.quiet();
        assert_eq!(queue.next().unwrap().seen, Seen::Quiet);
        assert_eq!(queue.next(), None);
        queue.push(command(1));
        queue.quiet();
        assert_eq!(queue.next().unwrap().number, 2);
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn what_is_left_out_is_told_where_it_is_missing() {
        let mut queue = Queue::default();
        for session in 0..300 {
            queue.push(command(session));
        }
        let told = WATCH_QUEUE_MAX as u64 - 1;
        for session in 0..told {
            assert_eq!(queue.next().unwrap().seen, command(session));
            if session == 0 {
                queue.push(command(1_000));
            }
        }
        let missed = Seen::Missed {
            commands: 300 - told,
        };
        assert_eq!(queue.next().unwrap().seen, missed);
        assert_eq!(queue.next().unwrap().seen, command(1_000));
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn the_last_ones_left_out_are_told_when_the_rest_was() {
        let mut queue = Queue::default();
        for session in 0..=WATCH_QUEUE_MAX as u64 {
            queue.push(command(session));
        }
        let mut last = None;
        while let Some(next) = queue.next() {
            last = Some(next.seen);
        }
        assert_eq!(last, Some(Seen::Missed { commands: 2 }));
    }

    #[test]
    fn holds_find_a_place_behind_a_crowd_of_commands() {
        let mut queue = Queue::default();
        for session in 0..1_000 {
            queue.push(command(session));
        }
        for hold in 0..HOLDS_ROOM as u64 {
            queue.push(settled(hold));
        }
        assert!(!queue.has_burst());
        for hold in 0..3 {
            queue.push(settled(hold));
        }
        assert!(queue.has_burst());
    }

    proptest! {
        /// Numbers count up without gaps, nothing is lost untold, and memory is bounded.
        #[test]
        fn all_is_told_or_owned_up_to(steps in prop::collection::vec((0..5_u8, 0..400_usize), 0..40)) {
            let mut queue = Queue::default();
            let (mut number, mut pushed, mut told) = (0, 0_u64, 0_u64);
            let now = Mono::at(Duration::ZERO);
            let mut take = |next: ToWatcher| {
                number += 1;
                assert_eq!(next.number, number);
                match next.seen {
                    Seen::Command(_) => 1,
                    Seen::Missed { commands } => commands,
                    _ => 0,
                }
            };
            for (what, many) in steps {
                for _ in 0..many {
                    match what {
                        0 | 1 => { queue.push(command(1)); pushed += 1; }
                        2 => queue.quiet(),
                        _ => told += queue.next().map_or(0, &mut take),
                    }
                    prop_assert!(queue.waiting.len() <= WATCH_QUEUE_MAX + HOLDS_ROOM + 1);
                }
            }
            while let Some(next) = queue.next() {
                told += take(next);
            }
            prop_assert_eq!(told, pushed);
            prop_assert_eq!(queue.saw(number, now), Ok(()));
            prop_assert_eq!(queue.saw(number + 1, now), Err(Ahead));
            prop_assert_eq!(queue.keeps_up(now), number > 0);
        }
    }
}

//! Keeps a polling tool from filling the screen: equal words are said once, then counted.

use interlock_broker::clock::Mono;

use crate::limits::{REFUSALS_APART_MAX, REFUSALS_SUMMED_EVERY};

/// What was said lately, and how often it was not said again.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    said: Vec<Said>,
}

#[derive(Debug)]
struct Said {
    text: String,
    short: String,
    since: Mono,
    again: u64,
}

impl Repeats {
    /// Whether to say this now. `short` names it later on, when it is summed up.
    pub(super) fn admit(&mut self, text: &str, short: &str, now: Mono) -> bool {
        if let Some(said) = self.said.iter_mut().find(|said| said.text == text) {
            said.again += 1;
            return false;
        }
        if self.said.len() < REFUSALS_APART_MAX {
            self.said.push(Said {
                text: text.to_owned(),
                short: short.to_owned(),
                since: now,
                again: 0,
            });
        }
        true
    }

    /// What to say in sum by now. What was not repeated is forgotten: the next time it is said in
    /// full again.
    pub(super) fn sum_up(&mut self, now: Mono) -> Vec<String> {
        let mut sums = Vec::new();
        self.said.retain_mut(|said| {
            if now.since(said.since) < REFUSALS_SUMMED_EVERY {
                return true;
            }
            if said.again == 0 {
                return false;
            }
            sums.push(said.sum());
            said.again = 0;
            said.since = now;
            true
        });
        sums
    }

    /// All that is left to say in sum, at the end.
    pub(super) fn close(&mut self) -> Vec<String> {
        let left = std::mem::take(&mut self.said);
        left.iter()
            .filter(|said| said.again > 0)
            .map(Said::sum)
            .collect()
    }
}

impl Said {
    fn sum(&self) -> String {
        format!("… and {} more like this: {}", self.again, self.short)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::at(Duration::from_millis(ms))
    }

    #[test]
    fn equal_words_are_said_once_and_then_summed_up() {
        let mut repeats = Repeats::default();
        assert!(repeats.admit("a", "A", at(0)));
        for ms in 1..15 {
            assert!(!repeats.admit("a", "A", at(ms)));
        }
        assert!(repeats.admit("b", "B", at(20)));
        assert!(repeats.sum_up(at(4_999)).is_empty());
        let sums = repeats.sum_up(at(5_100));
        assert_eq!(sums, ["… and 14 more like this: A"]);
        // Still going on: still only counted. The other one is forgotten.
        assert!(!repeats.admit("a", "A", at(5_200)));
        assert!(repeats.admit("b", "B", at(5_200)));
        assert_eq!(repeats.close(), ["… and 1 more like this: A"]);
    }

    #[test]
    fn more_different_words_than_are_counted_apart_are_all_said() {
        let mut repeats = Repeats::default();
        for number in 0..REFUSALS_APART_MAX {
            assert!(repeats.admit(&number.to_string(), "", at(0)));
        }
        for _ in 0..2 {
            assert!(repeats.admit("one more", "", at(0)));
        }
        assert_eq!(repeats.said.len(), REFUSALS_APART_MAX);
    }
}

//! Who knows more of the journal than the journal itself: its view, its own last checkpoint, a sink
//! or the witness. Then it was cut, or restored from a copy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use interlock_protocols::record::Ahead;

/// What is known beyond the journal, and how much of that has been accepted.
#[derive(Debug, Default)]
pub struct Beyond {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    ahead: BTreeMap<String, u64>,
    /// Each claim that was accepted, and no other. One of less is not covered by it: a journal
    /// that was cut again, before it had grown as far as it once was, is just such a claim.
    accepted: BTreeMap<String, BTreeSet<u64>>,
}

impl Known {
    fn is_accepted(&self, what: &str, through: u64) -> bool {
        let accepted = self.accepted.get(what);
        accepted.is_some_and(|accepted| accepted.contains(&through))
    }

    fn open(&self) -> Vec<Ahead> {
        let is_open =
            |(what, through): &(&String, &u64)| !self.is_accepted(what.as_str(), **through);
        let ahead = self.ahead.iter().filter(is_open);
        ahead
            .map(|(what, through)| Ahead {
                what: what.clone(),
                through: *through,
            })
            .collect()
    }

    fn why(&self) -> Option<String> {
        let open = self.open();
        if open.is_empty() {
            return None;
        }
        let each = open
            .iter()
            .map(|ahead| format!("the {} knows records up to {}", ahead.what, ahead.through));
        let each: Vec<String> = each.collect();
        Some(format!(
            "the journal is behind what others know of it: {}; it was cut, restored or copied. \
             Find out which, then accept it with `interlock journal accept --reason TEXT`",
            each.join(", ")
        ))
    }
}

impl Beyond {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody knows records up to `through`, and the journal does not have them as they know
    /// them. Gives why commands with effect must be held, unless just that was accepted.
    pub fn tell(&self, what: &str, through: u64) -> Option<String> {
        let mut known = self.known();
        let most = known.ahead.entry(what.to_owned()).or_default();
        *most = through.max(*most);
        known.why()
    }

    /// Why commands with effect must be held, if they must.
    pub fn why(&self) -> Option<String> {
        self.known().why()
    }

    /// What nobody has accepted yet.
    pub fn open(&self) -> Vec<Ahead> {
        self.known().open()
    }

    /// Whether it was accepted that this knows records up to `through`, and not more or less.
    pub fn is_accepted(&self, what: &str, through: u64) -> bool {
        self.known().is_accepted(what, through)
    }

    /// An administrator accepted this, now or in an earlier run. Gives why commands with effect
    /// must be held all the same: because of what became known since he was asked.
    pub fn accept(&self, accepted: &[Ahead]) -> Option<String> {
        let mut known = self.known();
        for ahead in accepted {
            let accepted = known.accepted.entry(ahead.what.clone()).or_default();
            accepted.insert(ahead.through);
        }
        known.why()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted_holds_no_more_and_what_is_new_does() {
        let beyond = Beyond::default();
        assert_eq!(beyond.open(), []);
        let why = beyond.tell("witness", 100).unwrap();
        assert!(why.contains("the witness knows records up to 100"), "{why}");
        let shown = beyond.open();
        // While the administrator decides, a sink speaks up.
        let why = beyond.tell("sink siem", 90).unwrap();
        assert!(
            why.contains("witness") && why.contains("sink siem"),
            "{why}"
        );
        let still = beyond.accept(&shown).unwrap();
        assert!(!still.contains("witness"), "{still}");
        assert_eq!(beyond.accept(&beyond.open()), None);
        // The witness repeats itself at each try, and is not heard twice.
        assert_eq!(beyond.tell("witness", 100), None);
        assert!(beyond.tell("witness", 101).is_some());
    }

    #[test]
    fn what_was_accepted_in_an_earlier_run_is_not_asked_again() {
        let beyond = Beyond::default();
        let earlier = [Ahead {
            what: "view".into(),
            through: 50,
        }];
        assert_eq!(beyond.accept(&earlier), None);
        assert_eq!(beyond.tell("view", 50), None);
        assert!(beyond.is_accepted("view", 50) && !beyond.is_accepted("view", 51));
        assert!(!beyond.is_accepted("witness", 1));
        assert_eq!(beyond.open(), []);
    }

    /// A journal of 50,000 records was cut to 100, which was accepted. It grew to 40,000, and was
    /// cut again: nobody has accepted that.
    #[test]
    fn a_second_cut_is_not_covered_by_the_acceptance_of_the_first() {
        let beyond = Beyond::default();
        for what in ["view", "witness"] {
            let first = [Ahead {
                what: what.into(),
                through: 50_000,
            }];
            assert_eq!(beyond.accept(&first), None);
            assert!(!beyond.is_accepted(what, 40_000), "{what}");
            assert!(beyond.tell(what, 40_000).is_some(), "{what}");
            let open = beyond.open();
            assert_eq!(open.len(), 1, "{open:?}");
            assert_eq!(beyond.accept(&open), None);
            // What was accepted first is still that.
            assert!(beyond.is_accepted(what, 50_000), "{what}");
        }
    }
}

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
    /// What nobody has accepted yet: of each the most that it knows.
    open: BTreeMap<String, u64>,
    /// Just these. A journal that is cut again, after it has grown for a while, leaves others
    /// knowing less than they did the first time, and that was never accepted.
    accepted: BTreeSet<(String, u64)>,
}

impl Known {
    fn open(&self) -> Vec<Ahead> {
        let open = self.open.iter();
        open.map(|(what, through)| Ahead {
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
        if !known.accepted.contains(&(what.to_owned(), through)) {
            let most = known.open.entry(what.to_owned()).or_default();
            *most = through.max(*most);
        }
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

    /// Whether it was accepted that this knows records up to `through`.
    pub fn is_accepted(&self, what: &str, through: u64) -> bool {
        self.known().accepted.contains(&(what.to_owned(), through))
    }

    /// An administrator accepted this, now or in an earlier run. Gives why commands with effect
    /// must be held all the same: because of what became known since he was asked.
    pub fn accept(&self, accepted: &[Ahead]) -> Option<String> {
        let mut known = self.known();
        for ahead in accepted {
            known.accepted.insert((ahead.what.clone(), ahead.through));
            if known.open.get(&ahead.what) == Some(&ahead.through) {
                known.open.remove(&ahead.what);
            }
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

    #[test]
    fn a_second_cut_is_not_covered_by_the_acceptance_of_a_deeper_one() {
        let beyond = Beyond::default();
        let first = [Ahead {
            what: "view".into(),
            through: 1_000,
        }];
        // Cut to 500 and accepted; grown to 900; cut to 600.
        assert_eq!(beyond.accept(&first), None);
        assert!(beyond.tell("view", 900).is_some());
        assert!(!beyond.is_accepted("view", 900));
        // The old knowledge, repeated, changes nothing about the new.
        assert!(beyond.tell("view", 1_000).is_some());
        assert_eq!(beyond.open().first().map(|ahead| ahead.through), Some(900));
        assert_eq!(beyond.accept(&beyond.open()), None);
    }
}

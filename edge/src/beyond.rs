//! Who knows more of the journal than the journal itself: its view, its own last checkpoint, a sink
//! or the witness. Then it was cut, or restored from a copy.

pub(crate) mod kept;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use interlock_protocols::record::Ahead;

/// Keeps what is open for the next start.
pub type Remember = Box<dyn Fn(&[Ahead]) + Send + Sync>;

/// What is known beyond the journal, and how much of that has been accepted.
#[derive(Debug, Default)]
pub struct Beyond {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    open: BTreeMap<String, u64>,
    /// Exactly what was accepted: a journal that was cut again, below what was once accepted, is
    /// another matter.
    accepted: BTreeSet<(String, u64)>,
}

impl Known {
    fn open(&mut self, what: &str, through: u64) {
        let most = self.open.entry(what.to_owned()).or_default();
        *most = through.max(*most);
    }

    fn why(&self) -> Option<String> {
        if self.open.is_empty() {
            return None;
        }
        let each = self.open.iter();
        let each = each.map(|(what, through)| format!("the {what} knows records up to {through}"));
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

    /// Somebody who repeats himself knows records up to `through`, and the journal does not have
    /// them as he knows them. Gives why commands with effect must be held, unless just that was
    /// accepted.
    pub fn tell(&self, what: &str, through: u64) -> Option<String> {
        let mut known = self.known();
        if !known.accepted.contains(&(what.to_owned(), through)) {
            known.open(what, through);
        }
        known.why()
    }

    /// The same of something that was learned after whatever was accepted.
    pub fn find(&self, what: &str, through: u64) -> Option<String> {
        let mut known = self.known();
        known.accepted.remove(&(what.to_owned(), through));
        known.open(what, through);
        known.why()
    }

    /// Why commands with effect must be held, if they must.
    pub fn why(&self) -> Option<String> {
        self.known().why()
    }

    /// What nobody has accepted yet.
    pub fn open(&self) -> Vec<Ahead> {
        let known = self.known();
        let open = known.open.iter().map(|(what, through)| Ahead {
            what: what.clone(),
            through: *through,
        });
        open.collect()
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
            known
                .open
                .retain(|what, through| *what != ahead.what || *through > ahead.through);
            let exactly = (ahead.what.clone(), ahead.through);
            known.accepted.insert(exactly);
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
    fn a_second_cut_is_not_covered_by_the_acceptance_of_the_first() {
        let beyond = Beyond::default();
        beyond.tell("witness", 100);
        assert_eq!(beyond.accept(&beyond.open()), None);
        assert!(beyond.tell("witness", 80).is_some(), "cut again below it");
        assert_eq!(beyond.accept(&beyond.open()), None);
        // As far as before by chance, and learned since.
        assert!(beyond.find("witness", 100).is_some());
        assert_eq!(beyond.open().len(), 1);
    }
}

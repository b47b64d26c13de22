//! Whether somebody supervises. Pure: time is an argument.
//!
//! A supervisor is of another organisation than whoever is supervised, may supervise at the device,
//! and keeps up: they have just said what they saw, and little of what they were told is unseen.

use crate::clock::Mono;
use crate::limits::{SUPERVISOR_BEHIND_MAX, SUPERVISOR_SILENT_MAX};
use crate::subject::SubjectId;

/// How far somebody who watches is with what there is to see.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Attention {
    /// Number of the last message that went to them.
    told: u64,
    /// Number of the last that they say they saw.
    seen: u64,
    /// When they last saw something new. Whoever has seen nothing yet does not watch yet.
    at: Option<Mono>,
}

/// Somebody says that they saw what they were never told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ahead;

impl Attention {
    /// The number of the next message, which goes to them now.
    pub(super) fn tell(&mut self) -> u64 {
        self.told = self.told.saturating_add(1);
        self.told
    }

    /// They say that they saw everything up to this number. To say the same again shows nothing.
    pub(super) fn saw(&mut self, through: u64, now: Mono) -> Result<(), Ahead> {
        if through > self.told {
            return Err(Ahead);
        }
        if through > self.seen {
            self.seen = through;
            self.at = Some(now);
        }
        Ok(())
    }

    /// Whether they keep up, with so many messages more on their way to them.
    pub(super) fn keeps_up(&self, waiting: usize, now: Mono) -> bool {
        let waiting = u64::try_from(waiting).unwrap_or(u64::MAX);
        let behind = self.told.saturating_sub(self.seen).saturating_add(waiting);
        let silent = |at| now.since(at) >= SUPERVISOR_SILENT_MAX;
        self.at.is_some_and(|at| !silent(at)) && behind < SUPERVISOR_BEHIND_MAX
    }
}

/// Whether these two are of different organisations: two firms, or a firm and the site. All people
/// and programs of a site are of one.
pub(super) fn differ(one: &SubjectId, other: &SubjectId) -> bool {
    one.site() != other.site() || one.firm() != other.firm()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::at(Duration::from_millis(ms))
    }

    fn subject(path: &str) -> SubjectId {
        SubjectId::parse_at("waterworks", path).unwrap()
    }

    #[test]
    fn whoever_has_seen_nothing_yet_does_not_watch() {
        let mut attention = Attention::default();
        assert!(!attention.keeps_up(0, at(0)));
        let first = attention.tell();
        assert!(!attention.keeps_up(0, at(1)));
        assert_eq!(attention.saw(0, at(2)), Ok(()));
        assert!(!attention.keeps_up(0, at(2)), "nothing is no sight");
        assert_eq!(attention.saw(first, at(3)), Ok(()));
        assert!(attention.keeps_up(0, at(3)));
    }

    #[test]
    fn three_seconds_of_silence_are_too_many() {
        let mut attention = Attention::default();
        let first = attention.tell();
        attention.saw(first, at(1_000)).unwrap();
        assert!(attention.keeps_up(0, at(3_999)));
        assert!(!attention.keeps_up(0, at(4_000)));
        attention.saw(first, at(4_001)).unwrap();
        assert!(
            !attention.keeps_up(0, at(4_001)),
            "the same again is nothing new"
        );
        let second = attention.tell();
        attention.saw(second, at(4_002)).unwrap();
        assert!(attention.keeps_up(0, at(4_002)));
    }

    #[test]
    fn five_behind_are_too_many_whether_sent_or_waiting() {
        let mut attention = Attention::default();
        let first = attention.tell();
        attention.saw(first, at(0)).unwrap();
        for _ in 0..4 {
            attention.tell();
        }
        assert!(attention.keeps_up(0, at(1)));
        assert!(!attention.keeps_up(1, at(1)));
        attention.tell();
        assert!(!attention.keeps_up(0, at(1)));
        attention.saw(first + 1, at(1)).unwrap();
        assert!(attention.keeps_up(0, at(1)));
        assert!(!attention.keeps_up(usize::MAX, at(1)));
    }

    #[test]
    fn organisations_are_firms_and_the_site() {
        let (olga, historian) = (subject("person/olga"), subject("workload/historian"));
        let (victor, vera) = (subject("vendor/acme/victor"), subject("vendor/acme/vera"));
        let other = subject("vendor/acme-2/victor");
        for (one, another, apart) in [
            (&olga, &victor, true),
            (&victor, &olga, true),
            (&victor, &vera, false),
            (&victor, &victor, false),
            (&victor, &other, true),
            (&olga, &historian, false),
        ] {
            assert_eq!(differ(one, another), apart, "{one} {another}");
        }
    }

    proptest! {
        /// However messages and sights follow each other, nobody keeps up who was silent for three
        /// seconds or has five before them, and a sight of the future is always noticed.
        #[test]
        fn nobody_keeps_up_who_does_not(steps in prop::collection::vec((0..4_u8, 0..9_u64), 0..200)) {
            let mut attention = Attention::default();
            let (mut clock, mut told, mut seen, mut last) = (0_u64, 0_u64, 0_u64, None);
            for (what, much) in steps {
                match what {
                    0 => clock += much * 300,
                    1 => { attention.tell(); told += 1; }
                    _ => {
                        let through = (seen + much).saturating_sub(2);
                        let said = attention.saw(through, at(clock));
                        prop_assert_eq!(said.is_err(), through > told);
                        if through <= told && through > seen {
                            seen = through;
                            last = Some(clock);
                        }
                    }
                }
                let good = last.is_some_and(|last| clock - last < 3_000) && told - seen < 5;
                prop_assert_eq!(attention.keeps_up(0, at(clock)), good);
            }
        }
    }
}

//! What waits for a yes, and what a typed line says to it. Pure: time is an argument.

use std::collections::VecDeque;
use std::time::Duration;

use interlock_broker::clock::Mono;
use interlock_protocols::conduit::SeenHold;

/// How long a question must have been on the screen before a bare `y` is meant for it: one that is
/// typed at the moment at which another question comes was meant for the one before.
const READ_MIN: Duration = Duration::from_secs(1);

/// The questions that are open, the oldest first.
#[derive(Default, Debug)]
pub(super) struct Questions {
    open: VecDeque<SeenHold>,
    /// When the first of them was shown as the one that is asked; `None` until then.
    since: Option<Mono>,
}

/// What a typed line means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Typed {
    /// This answer.
    Answer {
        /// To this hold.
        hold: u64,
        yes: bool,
    },
    /// Nothing that can be done; this is to be said.
    Nothing(String),
}

impl Questions {
    /// A command waits, or waits still: true where it is the one to be asked about now.
    pub(super) fn held(&mut self, hold: SeenHold) -> bool {
        let number = hold.hold;
        match self.open.iter_mut().find(|open| open.hold == number) {
            Some(open) => *open = hold,
            None => self.open.push_back(hold),
        }
        self.open.front().is_some_and(|first| first.hold == number)
    }

    /// One waits no longer. Gives the one to be asked about next, where that is another than before.
    pub(super) fn settled(&mut self, hold: u64) -> Option<&SeenHold> {
        let first = self.open.front().map(|first| first.hold);
        self.open.retain(|open| open.hold != hold);
        if first != Some(hold) {
            return None;
        }
        self.since = None;
        self.open.front()
    }

    /// The first of them is on the screen. To show it again takes no time from it.
    pub(super) fn shown(&mut self, now: Mono) {
        if !self.open.is_empty() {
            self.since.get_or_insert(now);
        }
    }

    /// How many wait behind the first.
    pub(super) fn behind(&self) -> usize {
        self.open.len().saturating_sub(1)
    }

    /// What a line means. `ahead` says that lines may be there before their questions: a script
    /// writes them, and nobody reads a screen.
    pub(super) fn typed(&self, line: &str, ahead: bool, now: Mono) -> Typed {
        let mut words = line.split_whitespace();
        let yes = match words.next().map(str::to_ascii_lowercase).as_deref() {
            Some("y" | "yes") => true,
            Some("n" | "no") => false,
            None => return Typed::Nothing(String::new()),
            Some(_) => return Typed::Nothing(USAGE.to_owned()),
        };
        let named = match (words.next().map(str::parse::<u64>), words.next()) {
            (None, _) => None,
            (Some(Ok(hold)), None) => Some(hold),
            _ => return Typed::Nothing(USAGE.to_owned()),
        };
        let Some(first) = self.open.front() else {
            return Typed::Nothing("nothing is asked".to_owned());
        };
        if let Some(hold) = named {
            return match self.open.iter().any(|open| open.hold == hold) {
                true => Typed::Answer { hold, yes },
                false => Typed::Nothing(format!("nothing waits under hold {hold}")),
            };
        }
        let read = self.since.is_some_and(|since| now.since(since) >= READ_MIN);
        if !read && !ahead {
            let hold = first.hold;
            return Typed::Nothing(format!(
                "this question has only just come: read it, then answer; or type y {hold} or n {hold}"
            ));
        }
        Typed::Answer {
            hold: first.hold,
            yes,
        }
    }
}

const USAGE: &str = "type y or n; with its number for another hold than the one asked about: y 7";

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::at(Duration::from_millis(ms))
    }

    fn hold(number: u64) -> SeenHold {
        SeenHold {
            hold: number,
            session: 1,
            subject: "spiffe://waterworks/vendor/acme/victor".into(),
            device: "press-4".into(),
            asked: "write ramp = 20 rpm/s".into(),
            points: Vec::new(),
            asked_times: 1,
            window: 7,
            until_ms: 0,
        }
    }

    fn answer(hold: u64, yes: bool) -> Typed {
        Typed::Answer { hold, yes }
    }

    #[test]
    fn a_bare_answer_is_for_the_question_on_the_screen() {
        let mut questions = Questions::default();
        assert!(matches!(
            questions.typed("y", false, at(0)),
            Typed::Nothing(_)
        ));
        assert!(questions.held(hold(3)));
        questions.shown(at(0));
        assert!(!questions.held(hold(4)));
        assert_eq!(questions.behind(), 1);
        assert_eq!(questions.typed(" Yes ", false, at(1_000)), answer(3, true));
        assert_eq!(questions.typed("n", false, at(1_000)), answer(3, false));
        assert_eq!(questions.settled(4), None);
        assert_eq!(questions.typed("y", false, at(1_500)), answer(3, true));
    }

    #[test]
    fn a_yes_typed_for_one_question_never_reaches_the_next() {
        let mut questions = Questions::default();
        questions.held(hold(3));
        questions.shown(at(0));
        questions.held(hold(4));
        let next = questions.settled(3).map(|next| next.hold);
        assert_eq!(next, Some(4));
        // The screen is stopped: the next one is not on it.
        assert!(matches!(
            questions.typed("y", false, at(4_999)),
            Typed::Nothing(_)
        ));
        questions.shown(at(5_000));
        assert!(matches!(
            questions.typed("y", false, at(5_999)),
            Typed::Nothing(_)
        ));
        assert_eq!(questions.typed("y", false, at(6_000)), answer(4, true));
        assert_eq!(questions.settled(4), None);
        assert!(questions.held(hold(5)));
        questions.shown(at(8_000));
        assert!(matches!(
            questions.typed("y", false, at(8_500)),
            Typed::Nothing(_)
        ));
        assert_eq!(questions.typed("y 5", false, at(8_500)), answer(5, true));
        assert_eq!(questions.typed("y", true, at(8_500)), answer(5, true));
    }

    #[test]
    fn a_repeat_asks_the_same_question_and_takes_no_time_from_it() {
        let mut questions = Questions::default();
        questions.held(hold(3));
        questions.shown(at(0));
        let again = SeenHold {
            asked_times: 2,
            ..hold(3)
        };
        assert!(questions.held(again));
        questions.shown(at(900));
        assert_eq!(questions.behind(), 0);
        assert_eq!(questions.typed("y", false, at(1_000)), answer(3, true));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        let mut questions = Questions::default();
        questions.held(hold(3));
        questions.shown(at(0));
        for line in ["", "  ", "maybe", "yn", "y three", "y 3 4", "y 9", "3"] {
            let typed = questions.typed(line, true, at(9_000));
            assert!(matches!(typed, Typed::Nothing(_)), "{line}");
        }
        assert_eq!(questions.typed("n 3", true, at(9_000)), answer(3, false));
    }
}

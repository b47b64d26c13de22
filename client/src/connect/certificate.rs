//! Warns before the certificate ends, and says when it has.

use crate::limits::CERTIFICATE_WARNINGS_MIN;
use crate::moment;

const MINUTE_MS: i64 = 60_000;

/// Watches one certificate.
#[derive(Debug)]
pub(super) struct Watch {
    ends_ms: i64,
    warned_min: Option<i64>,
}

/// What there is to say of the certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Word {
    /// It ends soon.
    Soon(String),
    /// It has ended.
    Ended,
}

impl Watch {
    pub(super) fn new(ends_ms: i64) -> Watch {
        Watch {
            ends_ms,
            warned_min: None,
        }
    }

    /// When the certificate ends, ms since 1970 UTC.
    pub(super) fn ends_ms(&self) -> i64 {
        self.ends_ms
    }

    /// Looks at the clock. Each warning comes once; whoever connects late gets only the last.
    pub(super) fn look(&mut self, now_ms: i64) -> Option<Word> {
        let left_ms = self.ends_ms.saturating_sub(now_ms);
        if left_ms <= 0 {
            return Some(Word::Ended);
        }
        let due = CERTIFICATE_WARNINGS_MIN
            .into_iter()
            .filter(|minutes| left_ms <= minutes * MINUTE_MS)
            .min()?;
        if self.warned_min.is_some_and(|warned| warned <= due) {
            return None;
        }
        self.warned_min = Some(due);
        Some(Word::Soon(format!(
            "your certificate ends in {}; then this session ends as well. Finish, or get a new one with `interlock login`",
            moment::rough(left_ms)
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS_MS: i64 = 1_700_000_000_000;

    fn minutes_left(watch: &mut Watch, minutes: i64) -> Option<Word> {
        watch.look(ENDS_MS - minutes * MINUTE_MS)
    }

    #[test]
    fn it_warns_at_15_5_and_1_minutes_once_each_and_says_the_end() {
        let mut watch = Watch::new(ENDS_MS);
        let mut said = Vec::new();
        for second in (0..=20 * 60).rev() {
            if let Some(word) = watch.look(ENDS_MS - second * 1_000) {
                said.push((second, word));
            }
        }
        let when: Vec<i64> = said.iter().map(|(second, _)| *second).collect();
        assert_eq!(when, [900, 300, 60, 0]);
        assert_eq!(said.last().map(|(_, word)| word), Some(&Word::Ended));
    }

    #[test]
    fn whoever_comes_late_is_warned_once_and_rightly() {
        let mut watch = Watch::new(ENDS_MS);
        assert_eq!(minutes_left(&mut watch, 16), None);
        let Some(Word::Soon(text)) = minutes_left(&mut watch, 4) else {
            panic!("no warning");
        };
        assert!(text.contains("ends in 4 min"), "{text}");
        assert_eq!(minutes_left(&mut watch, 3), None);
    }

    #[test]
    fn a_clock_that_jumped_is_believed() {
        let mut watch = Watch::new(ENDS_MS);
        assert_eq!(watch.look(ENDS_MS + 1), Some(Word::Ended));
        assert_eq!(watch.look(i64::MIN), None);
    }
}

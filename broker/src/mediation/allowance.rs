//! What one subject may cost the journal, over all of its sessions: who is denied and connects
//! again is still the same subject, and cannot fill the disk as somebody new (I9).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{Mono, Now};
use crate::limits::{DENIALS_AT_ONCE, READINGS_AT_ONCE, SESSIONS_AT_ONCE};
use crate::subject::SubjectId;

/// The allowances of all subjects that have come in. Only certificates of ours make entries.
#[derive(Default)]
pub(super) struct Allowances {
    subjects: Mutex<HashMap<SubjectId, Allowance>>,
}

struct Allowance {
    sessions: Bucket,
    denials: Bucket,
    readings: Bucket,
}

/// So many at once, and one more each second.
struct Bucket {
    left: u32,
    full: u32,
    since: Mono,
}

impl Allowances {
    /// Whether the subject may open one more session.
    pub(super) fn session(&self, subject: &SubjectId, now: Now) -> bool {
        self.take(subject, now, |allowance| &mut allowance.sessions)
    }

    /// Whether one more denial of the subject may be recorded in full.
    pub(super) fn denial(&self, subject: &SubjectId, now: Now) -> bool {
        self.take(subject, now, |allowance| &mut allowance.denials)
    }

    /// Whether the subject may begin to read the journal once more.
    pub(super) fn reading(&self, subject: &SubjectId, now: Now) -> bool {
        self.take(subject, now, |allowance| &mut allowance.readings)
    }

    fn take(
        &self,
        subject: &SubjectId,
        now: Now,
        which: impl FnOnce(&mut Allowance) -> &mut Bucket,
    ) -> bool {
        let mut subjects = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
        if !subjects.contains_key(subject) {
            let allowance = Allowance {
                sessions: Bucket::full(SESSIONS_AT_ONCE, now),
                denials: Bucket::full(DENIALS_AT_ONCE, now),
                readings: Bucket::full(READINGS_AT_ONCE, now),
            };
            subjects.insert(subject.clone(), allowance);
        }
        // It was just put there; were it not, nothing would be allowed.
        subjects
            .get_mut(subject)
            .is_some_and(|allowance| which(allowance).take(now.mono()))
    }
}

impl Bucket {
    fn full(full: u32, now: Now) -> Bucket {
        Bucket {
            left: full,
            full,
            since: now.mono(),
        }
    }

    fn take(&mut self, now: Mono) -> bool {
        let seconds = now.since(self.since).as_secs();
        let more = u32::try_from(seconds).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(more).min(self.full);
        self.since = self.since.after(Duration::from_secs(seconds));
        let some = self.left > 0;
        self.left = self.left.saturating_sub(1);
        some
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_then_one_a_second() {
        let at = |ms| Now::new(0, Mono::at(Duration::from_millis(ms)));
        let mut bucket = Bucket::full(3, at(0));
        let mut taken = |ms| bucket.take(at(ms).mono());
        assert_eq!([0, 1, 2, 3].map(&mut taken), [true, true, true, false]);
        assert_eq!([999, 1_000, 1_999].map(&mut taken), [false, true, false]);
        let after_a_day = [86_400_000; 4].map(&mut taken);
        assert_eq!(after_a_day, [true, true, true, false]);
    }
}

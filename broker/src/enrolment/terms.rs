//! For how long, and under which conditions.

use interlock_protocols::record::KeptIdentity;

use crate::authority::client_hours;
use crate::clock::Now;
use crate::limits::{CERTIFICATE_IN_WINDOW_MAX_MS, UNUSED_DAYS};
use crate::register::last_there_ms;
use crate::subject::SubjectKind;

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How long certificates last, and what becomes of identities that nobody uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// Hours of a person's certificate.
    pub person_hours: u32,
    /// Hours of a vendor's.
    pub vendor_hours: u32,
    /// Hours of a program's.
    pub workload_hours: u32,
    /// Days without use after which an identity is flagged.
    pub unused_days: u32,
    /// Whether it may no longer be used then.
    pub disable_unused: bool,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms {
            person_hours: client_hours(SubjectKind::Person),
            vendor_hours: client_hours(SubjectKind::Vendor),
            workload_hours: client_hours(SubjectKind::Workload),
            unused_days: UNUSED_DAYS,
            disable_unused: false,
        }
    }
}

impl Terms {
    /// How long a new certificate lasts, in ms.
    pub(super) fn lifetime_ms(&self, kind: SubjectKind) -> i64 {
        let hours = match kind {
            SubjectKind::Person => self.person_hours,
            SubjectKind::Vendor => self.vendor_hours,
            SubjectKind::Workload => self.workload_hours,
        };
        i64::from(hours) * HOUR_MS
    }

    /// When a new certificate ends: after its time, or with a window that is open until then, if
    /// that is later.
    pub(super) fn ends_ms(&self, kind: SubjectKind, until_ms: Option<i64>, now: Now) -> i64 {
        let ends_ms = now.wall_ms().saturating_add(self.lifetime_ms(kind));
        let most_ms = now.wall_ms().saturating_add(CERTIFICATE_IN_WINDOW_MAX_MS);
        let until_ms = until_ms.map(|until_ms| until_ms.min(most_ms));
        until_ms.map_or(ends_ms, |until_ms| until_ms.max(ends_ms))
    }

    /// Whether nobody used an identity for as long as is flagged.
    pub fn is_unused(&self, identity: &KeptIdentity, now: Now) -> bool {
        let since_ms = now.wall_ms().saturating_sub(last_there_ms(identity));
        since_ms > i64::from(self.unused_days) * DAY_MS
    }

    /// Whether an identity may no longer be used, since nobody did.
    pub fn is_disabled(&self, identity: &KeptIdentity, now: Now) -> bool {
        self.disable_unused && self.is_unused(identity, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Mono;
    use std::time::Duration;

    const NOW: Now = Now::new(1_767_787_200_000, Mono::at(Duration::from_secs(60)));

    fn minutes(until: Option<i64>) -> i64 {
        let until_ms = until.map(|minutes| NOW.wall_ms() + minutes * 60_000);
        let ends_ms = Terms::default().ends_ms(SubjectKind::Vendor, until_ms, NOW);
        (ends_ms - NOW.wall_ms()) / 60_000
    }

    #[test]
    fn a_vendors_certificate_ends_with_an_open_window_and_never_sooner_than_without() {
        let cases = [
            (None, 60),
            (Some(20), 60),
            (Some(60), 60),
            (Some(150), 150),
            (Some(12 * 60), 12 * 60),
            (Some(7 * 24 * 60), 12 * 60),
        ];
        for (until, lasts) in cases {
            assert_eq!(minutes(until), lasts, "{until:?}");
        }
    }
}

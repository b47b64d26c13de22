//! For how long, and under which conditions.

use interlock_protocols::record::KeptIdentity;

use crate::authority::client_hours;
use crate::clock::Now;
use crate::limits::UNUSED_DAYS;
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

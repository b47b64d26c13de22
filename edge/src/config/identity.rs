//! `[identity]`: for how long certificates last, and what becomes of identities that nobody uses.

use interlock_broker::document::Section;
use interlock_broker::enrolment::Terms;

/// Days after which an identity may be flagged.
const UNUSED_DAYS: std::ops::RangeInclusive<u32> = 1..=3_650;

/// Reads the section. Certificates may be made to last less than they do otherwise, never longer.
pub(super) fn read(section: &mut Section<'_>) -> Option<Terms> {
    let most = Terms::default();
    let mut hours =
        |name: &'static str, most: u32| section.optional(name).integer(1..=most).unwrap_or(most);
    let (person_hours, vendor_hours, workload_hours) = (
        hours("person_hours", most.person_hours),
        hours("vendor_hours", most.vendor_hours),
        hours("workload_hours", most.workload_hours),
    );
    let unused = section.optional("unused_days").integer(UNUSED_DAYS);
    let disable = section.optional("disable_unused").boolean();
    Some(Terms {
        person_hours,
        vendor_hours,
        workload_hours,
        unused_days: unused.unwrap_or(most.unused_days),
        disable_unused: disable.unwrap_or(most.disable_unused),
    })
}

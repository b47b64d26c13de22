//! `[posture]`: how reports about the health of machines are judged.

use std::time::Duration;

use interlock_broker::document::Section;
use interlock_broker::posture::{ManagementKey, Terms};

/// How long a report may hold, in seconds. Below, machines would report all the time; above, one
/// that was switched off keeps its rights for longer than anybody would expect.
const LEASE_S: std::ops::RangeInclusive<u64> = 2..=3_600;

/// How old the statement of a management server may be, in hours: up to a month, for a plant whose
/// server looks when somebody comes by.
const MANAGEMENT_MAX_AGE_H: std::ops::RangeInclusive<u64> = 1..=744;

pub(super) fn read(section: &mut Section<'_>) -> Option<Terms> {
    let usual = Terms::default();
    let lease = section.optional("lease_s").integer(LEASE_S);
    let max_age = section
        .optional("management_max_age_h")
        .integer(MANAGEMENT_MAX_AGE_H);
    let management = section
        .optional("management")
        .tables(|section| section.required("key").text_as(key));
    Some(Terms {
        management,
        lease: lease.map_or(usual.lease, Duration::from_secs),
        management_max_age: max_age.map_or(usual.management_max_age, |hours| {
            Duration::from_secs(hours * 3_600)
        }),
    })
}

fn key(text: &str) -> Result<ManagementKey, (String, String)> {
    ManagementKey::parse(text).map_err(|error| {
        let hint = "copy the line that `interlock posture key` printed on the management server";
        (error.to_string(), hint.to_owned())
    })
}

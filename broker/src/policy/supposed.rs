//! What a case supposes of the circumstances. What it does not speak of is good: cases that are
//! about something else should not have to say so.

use super::circumstances::{Circumstances, Health, LocalTime, Presence, Transport, Trust};
use crate::document::{Section, Slot};
use interlock_protocols::identity::{AuthStrength, KeyProtection, OsFamily, PostureSource};
use jiff::civil::DateTime;

/// Without `at`, it is a Wednesday at noon: cases that do not speak of time should not begin to
/// fail on a Sunday.
const NOON: DateTime = DateTime::constant(2026, 1, 7, 12, 0, 0, 0);

const AUTH: [(&str, AuthStrength); 2] = [
    ("single-factor", AuthStrength::SingleFactor),
    ("user-present", AuthStrength::UserPresent),
];

const DEVICE_KEY: [(&str, Option<KeyProtection>); 4] = [
    ("tpm", Some(KeyProtection::Tpm)),
    ("token", Some(KeyProtection::Token)),
    ("software", Some(KeyProtection::Software)),
    ("none", None),
];

const TRUST: [(&str, Trust); 2] = [("fresh", Trust::Fresh), ("stale", Trust::Stale)];

const POSTURE: [(&str, Option<Health>); 3] = [
    ("healthy", Some(HEALTHY)),
    ("failing", Some(FAILING)),
    ("none", None),
];

const SOURCE: [(&str, PostureSource); 2] = [
    ("self", PostureSource::Own),
    ("management", PostureSource::Management),
];

const OS: [(&str, OsFamily); 4] = [
    ("linux", OsFamily::Linux),
    ("windows", OsFamily::Windows),
    ("macos", OsFamily::Macos),
    ("other", OsFamily::Other),
];

const HEALTHY: Health = Health {
    source: PostureSource::Management,
    age_s: 60,
    os: OsFamily::Linux,
    patch_age_days: Some(5),
    disk_encrypted: true,
    screen_lock: true,
    firewall: true,
    agent: true,
};

const FAILING: Health = Health {
    patch_age_days: Some(400),
    disk_encrypted: false,
    screen_lock: false,
    firewall: false,
    agent: false,
    ..HEALTHY
};

/// Nothing is older than the year 1970, in seconds.
const AGE_MAX_S: i64 = 100 * 366 * 24 * 3600;

/// Somebody who has just shown that they are there, on a healthy machine, on a Wednesday at noon.
pub(super) fn good() -> Circumstances {
    Circumstances {
        time: LocalTime::of(NOON),
        transport: Transport::Quic,
        presence: Presence {
            auth: AuthStrength::UserPresent,
            age_s: 60,
        },
        device_key: Some(KeyProtection::Token),
        health: Some(HEALTHY),
        trust: Trust::Fresh,
    }
}

/// Reads the keys of a case that speak of circumstances.
pub(super) fn read(section: &mut Section<'_>) -> Option<Circumstances> {
    let good = good();
    let time = or(section, "at", good.time, |slot| {
        slot.text_as(date_time).map(LocalTime::of)
    });
    let auth = or(section, "auth", good.presence.auth, |slot| slot.word(&AUTH));
    let age_s = or(section, "auth_age_s", good.presence.age_s, |slot| {
        slot.integer(0..=AGE_MAX_S)
    });
    let device_key = or(section, "device_key", good.device_key, |slot| {
        slot.word(&DEVICE_KEY)
    });
    let health = or(section, "posture", good.health, posture);
    let trust = or(section, "trust", good.trust, |slot| slot.word(&TRUST));
    Some(Circumstances {
        time: time?,
        transport: good.transport,
        presence: Presence {
            auth: auth?,
            age_s: age_s?,
        },
        device_key: device_key?,
        health: health?,
        trust: trust?,
    })
}

/// `good` where the key is left out; `None` where it is there and does not fit.
pub(super) fn or<'r, T>(
    section: &mut Section<'r>,
    key: &'static str,
    good: T,
    read: impl FnOnce(Slot<'r>) -> Option<T>,
) -> Option<T> {
    let slot = section.optional(key);
    if slot.is_present() {
        read(slot)
    } else {
        Some(good)
    }
}

/// A word, or a table of what differs from a healthy machine.
fn posture(slot: Slot<'_>) -> Option<Option<Health>> {
    if !slot.is_table() {
        return slot.word(&POSTURE);
    }
    slot.table(|section| {
        let source = or(section, "source", HEALTHY.source, |slot| slot.word(&SOURCE));
        let age_s = or(section, "age_s", HEALTHY.age_s, |slot| {
            slot.integer(0..=AGE_MAX_S)
        });
        let os = or(section, "os", HEALTHY.os, |slot| slot.word(&OS));
        let days = or(section, "patch_age_days", HEALTHY.patch_age_days, |slot| {
            days(slot)
        });
        let mut yes = |key| or(section, key, true, Slot::boolean);
        let (disk_encrypted, screen_lock) = (yes("disk_encrypted"), yes("screen_lock"));
        let (firewall, agent) = (yes("firewall"), yes("agent"));
        Some(Some(Health {
            source: source?,
            age_s: age_s?,
            os: os?,
            patch_age_days: days?,
            disk_encrypted: disk_encrypted?,
            screen_lock: screen_lock?,
            firewall: firewall?,
            agent: agent?,
        }))
    })
}

/// A number of days, or "unknown".
fn days(slot: Slot<'_>) -> Option<Option<u32>> {
    if slot.is_text() {
        return slot.word(&[("unknown", None)]);
    }
    slot.integer(0..=u32::MAX).map(Some)
}

fn date_time(text: &str) -> Result<DateTime, (String, String)> {
    text.parse().map_err(|_| {
        (
            "that is not a local date and time".to_owned(),
            "write it like \"2026-01-07T12:00\", in the local time of the site".to_owned(),
        )
    })
}

//! What surrounds an act, whatever it is: when, over which way, how sure the gateway is of who asks
//! and of their machine, and of what it knows itself.

use super::facts::{Pairs, push_bool, push_long, push_string};
use cedar_policy::RestrictedExpression;
use interlock_protocols::identity::{AuthStrength, KeyProtection, OsFamily, PostureSource};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What surrounds an act, whatever it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Circumstances {
    /// When.
    pub time: LocalTime,
    /// How the subject reached the gateway.
    pub transport: Transport,
    /// How the subject showed who they are.
    pub presence: Presence,
    /// How the key of the subject's machine is kept, as its owner says; `None` where the machine
    /// has none that is known.
    pub device_key: Option<KeyProtection>,
    /// The health of the machine; `None` where nobody told, or too long ago.
    pub health: Option<Health>,
    /// Whether what the gateway trusts is as young as it has to be.
    pub trust: Trust,
}

/// How strongly a subject has shown who they are, and how long ago.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Presence {
    /// How strongly.
    pub auth: AuthStrength,
    /// How long ago, in seconds.
    pub age_s: i64,
}

impl Presence {
    /// A presence shown at `auth_ms`. One that is yet to come is as old as can be: the clock was
    /// set back since, and nobody can say how long ago it was.
    pub fn at(auth: AuthStrength, auth_ms: i64, wall_ms: i64) -> Presence {
        let since = if (0..=wall_ms).contains(&auth_ms) {
            auth_ms
        } else {
            0
        };
        let age_s = wall_ms.saturating_sub(since).div_euclid(1_000);
        Presence { auth, age_s }
    }
}

/// The health of a machine, as policy sees it: what could not be found out is not good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Health {
    /// Who looked.
    pub source: PostureSource,
    /// How long ago they looked, in seconds.
    pub age_s: i64,
    /// The kind of operating system.
    pub os: OsFamily,
    /// Days since its packages were last brought up to date; `None` where that is not known.
    pub patch_age_days: Option<u32>,
    /// Whether the disk it starts from is known to be encrypted.
    pub disk_encrypted: bool,
    /// Whether its screen is known to lock by itself.
    pub screen_lock: bool,
    /// Whether a firewall is known to be active.
    pub firewall: bool,
    /// Whether the protection agent is known to be running.
    pub agent: bool,
}

/// Whether what the gateway trusts (authorities, and what they took back) is as young as its
/// configuration wants it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Trust {
    /// It is.
    Fresh,
    /// It is not: who was dismissed meanwhile may still pass for good.
    Stale,
}

impl Trust {
    /// The word that policy uses.
    pub const fn name(self) -> &'static str {
        match self {
            Trust::Fresh => "fresh",
            Trust::Stale => "stale",
        }
    }
}

/// How a subject reached the gateway.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Transport {
    /// QUIC with mutual TLS.
    Quic,
}

impl Transport {
    /// The word that policy uses.
    pub const fn name(self) -> &'static str {
        match self {
            Transport::Quic => "quic",
        }
    }
}

/// The time of day and the weekday where the site is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LocalTime {
    minute_of_day: i64,
    weekday: i64,
}

impl LocalTime {
    /// The local time of a moment, given in milliseconds since 1970 UTC. `None` outside the
    /// years that a calendar has: such a clock is broken, and the caller must deny.
    pub fn at(wall_ms: i64, zone: &TimeZone) -> Option<LocalTime> {
        let moment = Timestamp::from_millisecond(wall_ms).ok()?;
        Some(LocalTime::of(zone.to_datetime(moment)))
    }

    /// The local time that a clock on the wall of the site shows.
    pub fn of(local: DateTime) -> LocalTime {
        LocalTime {
            minute_of_day: i64::from(local.hour()) * 60 + i64::from(local.minute()),
            weekday: i64::from(local.weekday().to_monday_one_offset()),
        }
    }

    /// 0 at midnight to 1439.
    pub const fn minute_of_day(self) -> i64 {
        self.minute_of_day
    }

    /// Monday is 1, Sunday is 7.
    pub const fn weekday(self) -> i64 {
        self.weekday
    }
}

/// The word where there is nothing that a word could be for.
const NONE: &str = "none";

/// The part of the context that every act has.
pub(super) fn pairs(circumstances: &Circumstances) -> Result<Pairs, String> {
    let Circumstances {
        time,
        transport,
        presence,
        device_key,
        health,
        trust,
    } = circumstances;
    let mut pairs = Pairs::with_capacity(17);
    push_long(&mut pairs, "minute_of_day", time.minute_of_day);
    push_long(&mut pairs, "weekday", time.weekday);
    push_string(&mut pairs, "transport", transport.name());
    push_string(&mut pairs, "auth", presence.auth.name());
    push_long(&mut pairs, "auth_age_s", presence.age_s);
    let device_key = device_key.map_or(NONE, KeyProtection::name);
    push_string(&mut pairs, "device_key", device_key);
    let source = health.map_or(NONE, |health| health.source.name());
    push_string(&mut pairs, "posture_source", source);
    if let Some(health) = health {
        let posture = RestrictedExpression::new_record(posture(health));
        let posture = posture.map_err(|error| format!("the posture cannot be told: {error}"))?;
        pairs.push(("posture".to_owned(), posture));
    }
    push_string(&mut pairs, "trust", trust.name());
    Ok(pairs)
}

fn posture(health: &Health) -> Pairs {
    let mut pairs = Pairs::with_capacity(7);
    push_long(&mut pairs, "age_s", health.age_s);
    push_string(&mut pairs, "os", health.os.name());
    if let Some(days) = health.patch_age_days {
        push_long(&mut pairs, "patch_age_days", i64::from(days));
    }
    push_bool(&mut pairs, "disk_encrypted", health.disk_encrypted);
    push_bool(&mut pairs, "screen_lock", health.screen_lock);
    push_bool(&mut pairs, "firewall", health.firewall);
    push_bool(&mut pairs, "agent", health.agent);
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_presence_that_is_yet_to_come_is_as_old_as_can_be() {
        let age = |auth_ms| Presence::at(AuthStrength::UserPresent, auth_ms, 10_000_000).age_s;
        assert_eq!(age(9_999_001), 0);
        assert_eq!(age(9_700_000), 300);
        assert_eq!(age(10_000_001), 10_000);
        assert_eq!(age(-1), 10_000);
        assert_eq!(age(i64::MIN), 10_000);
    }
}

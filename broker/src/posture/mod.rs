//! The health of a subject's machine: who may say it, how long it holds, and what policy is told.
//!
//! What came is a [`PostureReport`]; what was verified is [`Evidence`], which nobody else can make.
//! A report of the machine's own is a claim, believed as such: the proof of the machine's key
//! covers it, so it is of this machine and of this connection. A report of a management server is
//! signed by a key that the gateway knows, names the machine by the hash of its key, and may be
//! some hours old.
//!
//! Evidence is a lease. It holds for a short time from when it came, on the gateway's own count of
//! time, and must be said again; what ran out is absent from the very next decision.

mod key;
mod lease;
mod statements;
#[cfg(test)]
mod tests;

use std::time::Duration;

use interlock_protocols::identity::{Posture, PostureReport, PostureSource, posture_statement};

pub use key::{ManagementKey, ManagementSecret, NotAManagementKey};
pub use lease::Change;
pub(crate) use lease::Lease;
pub(crate) use statements::Statements;

use crate::clock::{Mono, Now};
use crate::limits::{
    POSTURE_LEASE, POSTURE_MANAGEMENT_MAX_AGE, POSTURE_OS_MAX_BYTES, POSTURE_SKEW,
};
use crate::policy::Health;
use crate::proof::Proven;

/// How reports are judged on this gateway.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The management servers whose word counts.
    pub management: Vec<ManagementKey>,
    /// How long a report holds from when it came.
    pub lease: Duration,
    /// How old the statement of a management server may be.
    pub management_max_age: Duration,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms {
            management: Vec::new(),
            lease: POSTURE_LEASE,
            management_max_age: POSTURE_MANAGEMENT_MAX_AGE,
        }
    }
}

/// Why a report is not believed. What it said is not taken up; what was known before goes on to
/// run out.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotBelieved {
    /// The machine's key did not sign for this report.
    #[error("the proof of the machine does not cover the report")]
    NotCovered,
    /// It is no statement.
    #[error("the statement cannot be read")]
    Unreadable,
    /// It is about another machine.
    #[error("the statement is about another machine")]
    OtherMachine,
    /// Nobody knows the management server.
    #[error("`{0}` is no management server of this gateway")]
    UnknownSigner(String),
    /// The management server did not sign it.
    #[error("the signature of `{0}` is not over this statement")]
    Forged(String),
    /// It was taken later than now.
    #[error("it says to be from {0} s in the future")]
    Future(u64),
    /// It was taken too long ago.
    #[error("it is {age_s} s old, and may be {max_s} s")]
    TooOld {
        /// How old.
        age_s: u64,
        /// How old it may be.
        max_s: u64,
    },
    /// A later one of the same machine was there before.
    #[error("a later report of this machine came before it")]
    Superseded,
    /// It changes too often to be recorded.
    #[error("the health of this machine changes too often")]
    TooOften,
}

impl NotBelieved {
    /// The stable code in journal, notices and tests.
    pub const fn code(&self) -> &'static str {
        match self {
            NotBelieved::NotCovered => "posture-not-covered",
            NotBelieved::Unreadable => "posture-unreadable",
            NotBelieved::OtherMachine => "posture-of-another-machine",
            NotBelieved::UnknownSigner(_) => "posture-signer-unknown",
            NotBelieved::Forged(_) => "posture-forged",
            NotBelieved::Future(_) => "posture-from-the-future",
            NotBelieved::TooOld { .. } => "posture-too-old",
            NotBelieved::Superseded => "posture-superseded",
            NotBelieved::TooOften => "posture-too-often",
        }
    }

    /// What its sender should do next.
    pub const fn next(&self) -> &'static str {
        match self {
            NotBelieved::NotCovered | NotBelieved::Unreadable => {
                "install the gateway's version of interlock"
            }
            NotBelieved::OtherMachine => {
                "let the management server sign a statement about the key of this machine"
            }
            NotBelieved::UnknownSigner(_) => {
                "add the server's key to [[posture.management]] in edge.toml, or leave its \
                 statement out of the profile"
            }
            NotBelieved::Forged(_) => {
                "fetch the statement from the management server again; if it stays so, compare \
                 the server's key with the one in edge.toml"
            }
            NotBelieved::Future(_) => "set the clock of whoever looked at the machine",
            NotBelieved::TooOld { .. } => {
                "look at the machine again, and see that its clock is right"
            }
            NotBelieved::Superseded => "send the latest report",
            NotBelieved::TooOften => "wait a minute; look for a program that reports in a loop",
        }
    }
}

/// A report that was verified. It cannot be made by anybody who only says so:
///
/// ```compile_fail,E0451
/// # use interlock_broker::{clock::Now, posture::Evidence};
/// # use interlock_protocols::identity::{Posture, PostureSource};
/// fn claimed(posture: Posture, now: Now) -> Evidence {
///     let source = PostureSource::Management;
///     let signer = String::new();
///     Evidence { posture, source, signer, age: now.mono().since(now.mono()), came: now.mono(), ends: now.mono() }
/// }
/// ```
///
/// but by [`believe`] alone:
///
/// ```
/// # use interlock_broker::{clock::Now, posture::{self, Evidence, Terms}, proof::Proven};
/// # use interlock_protocols::identity::PostureReport;
/// fn shown(report: &PostureReport, proven: &Proven<'_>, terms: &Terms, now: Now) -> Option<Evidence> {
///     posture::believe(report, proven, terms, now).ok()
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Evidence {
    posture: Posture,
    source: PostureSource,
    signer: String,
    age: Duration,
    came: Mono,
    ends: Mono,
}

/// Judges a report that came with a proof of the machine.
pub fn believe(
    report: &PostureReport,
    proven: &Proven<'_>,
    terms: &Terms,
    now: Now,
) -> Result<Evidence, NotBelieved> {
    if !proven.covers(report) {
        return Err(NotBelieved::NotCovered);
    }
    let (signer, max) = match report.source {
        PostureSource::Own => (String::new(), terms.lease),
        PostureSource::Management => {
            let signed = signed(report, &terms.management)?;
            (signed, terms.management_max_age)
        }
    };
    let posture = Posture::decode(&report.statement).map_err(|_| NotBelieved::Unreadable)?;
    if posture.os_version.len() > POSTURE_OS_MAX_BYTES {
        return Err(NotBelieved::Unreadable);
    }
    if proven.device_key() != Some(&posture.device_key) {
        return Err(NotBelieved::OtherMachine);
    }
    let age = age(posture.taken_ms, now, max)?;
    let left = max.saturating_sub(age).min(terms.lease);
    Ok(Evidence {
        posture,
        source: report.source,
        signer,
        age,
        came: now.mono(),
        ends: now.mono().after(left),
    })
}

/// The name of the server that signed it.
fn signed(report: &PostureReport, known: &[ManagementKey]) -> Result<String, NotBelieved> {
    let named = known.iter().filter(|key| key.name() == report.signer);
    let mut named = named.peekable();
    // A stranger's text goes no further than the longest name there could be.
    let name = || report.signer.chars().take(64).collect::<String>();
    if named.peek().is_none() {
        return Err(NotBelieved::UnknownSigner(name()));
    }
    // A name may have two keys while one follows the other.
    let statement = posture_statement(&report.statement);
    if named.any(|key| key.verifies(&statement, &report.signature)) {
        Ok(name())
    } else {
        Err(NotBelieved::Forged(name()))
    }
}

/// How long ago it was taken, by the wall clocks of both sides.
fn age(taken_ms: i64, now: Now, max: Duration) -> Result<Duration, NotBelieved> {
    let ago_ms = i128::from(now.wall_ms()) - i128::from(taken_ms);
    let apart = Duration::from_millis(u64::try_from(ago_ms.unsigned_abs()).unwrap_or(u64::MAX));
    if ago_ms < 0 {
        return if apart > POSTURE_SKEW {
            Err(NotBelieved::Future(apart.as_secs()))
        } else {
            Ok(Duration::ZERO)
        };
    }
    if apart > max {
        return Err(NotBelieved::TooOld {
            age_s: apart.as_secs(),
            max_s: max.as_secs(),
        });
    }
    Ok(apart)
}

impl Evidence {
    /// What was found.
    pub fn posture(&self) -> &Posture {
        &self.posture
    }

    /// Who looked.
    pub fn source(&self) -> PostureSource {
        self.source
    }

    /// Name of the management server; empty where the machine looked itself.
    pub fn signer(&self) -> &str {
        &self.signer
    }

    /// What policy is told at this moment; nothing once it has run out.
    fn health(&self, now: Mono) -> Option<Health> {
        if now >= self.ends {
            return None;
        }
        let age = self.age.saturating_add(now.since(self.came));
        let posture = &self.posture;
        let known = |fact: Option<bool>| fact.unwrap_or(false);
        Some(Health {
            source: self.source,
            age_s: i64::try_from(age.as_secs()).unwrap_or(i64::MAX),
            os: posture.os,
            patch_age_days: posture.patch_age_days,
            disk_encrypted: known(posture.disk_encrypted),
            screen_lock: known(posture.screen_lock),
            firewall: known(posture.firewall),
            agent: known(posture.agent),
        })
    }

    /// Whether it says the same of the machine, whenever it was said.
    fn says_the_same(&self, other: &Evidence) -> bool {
        let timeless = |posture: &Posture| Posture {
            taken_ms: 0,
            ..posture.clone()
        };
        self.source == other.source
            && self.signer == other.signer
            && timeless(&self.posture) == timeless(&other.posture)
    }
}

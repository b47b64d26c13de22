//! What one session knows of the machine it comes from, and since when.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use interlock_protocols::identity::PostureSource;

use super::{Evidence, NotBelieved};
use crate::clock::Now;
use crate::policy::Health;

/// What changed, and is to be recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// The machine is in another state than was known before.
    Found(Evidence),
    /// What was known has run out.
    RanOut,
}

/// The evidence of one session.
#[derive(Default)]
pub(crate) struct Lease {
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    evidence: Option<Evidence>,
    /// Whether its running out was noticed. Nothing has run out where there was nothing.
    noticed: bool,
    /// When the latest report of each source was taken, ms since 1970 UTC: outlives the evidence,
    /// so that what has run out cannot be said again.
    own_taken_ms: Option<i64>,
    management_taken_ms: Option<i64>,
}

impl Lease {
    /// Takes up what was verified. `may_record` is asked where it says something new. Gives the
    /// change to record.
    pub(crate) fn take_up(
        &self,
        evidence: Evidence,
        now: Now,
        may_record: impl FnOnce() -> bool,
    ) -> Result<Option<Change>, NotBelieved> {
        let mut held = self.held();
        let taken_ms = evidence.posture.taken_ms;
        // The machine looks anew each time. A server's statement is good for hours, and is the
        // same one each time.
        let (latest, follows) = match evidence.source {
            PostureSource::Own => (&mut held.own_taken_ms, i64::lt as fn(&i64, &i64) -> bool),
            PostureSource::Management => (&mut held.management_taken_ms, i64::le as _),
        };
        if latest.is_some_and(|latest| !follows(&latest, &taken_ms)) {
            return Err(NotBelieved::Superseded);
        }
        *latest = Some(taken_ms);
        let known = held.evidence.as_ref().filter(|_| !held.noticed);
        let same = known.is_some_and(|known| {
            known.says_the_same(&evidence) && known.health(now.mono()).is_some()
        });
        if !same && !may_record() {
            return Err(NotBelieved::TooOften);
        }
        held.evidence = Some(evidence.clone());
        held.noticed = false;
        Ok((!same).then_some(Change::Found(evidence)))
    }

    /// What policy is told now, and the change to record where it has just run out.
    pub(crate) fn health(&self, now: Now) -> (Option<Health>, Option<Change>) {
        let mut held = self.held();
        let health = held
            .evidence
            .as_ref()
            .and_then(|evidence| evidence.health(now.mono()));
        let ran_out = health.is_none() && held.evidence.is_some() && !held.noticed;
        held.noticed |= ran_out;
        (health, ran_out.then_some(Change::RanOut))
    }

    /// For how long what is known holds; `None` where nothing is.
    pub(crate) fn left(&self, now: Now) -> Option<Duration> {
        let held = self.held();
        let left = held.evidence.as_ref()?.ends.since(now.mono());
        (!left.is_zero()).then_some(left)
    }

    /// What is known, in words for screens.
    pub(crate) fn words(&self, now: Now) -> String {
        let held = self.held();
        let Some(evidence) = &held.evidence else {
            return "never told".to_owned();
        };
        match evidence.health(now.mono()) {
            None => "ran out".to_owned(),
            Some(health) => words(&health, &evidence.signer),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn words(health: &Health, signer: &str) -> String {
    let facts = [
        (health.disk_encrypted, "disk not encrypted"),
        (health.screen_lock, "no screen lock"),
        (health.firewall, "no firewall"),
        (health.agent, "no agent"),
    ];
    let mut lacks: Vec<String> = facts
        .into_iter()
        .filter(|(good, _)| !good)
        .map(|(_, lack)| lack.to_owned())
        .collect();
    match health.patch_age_days {
        Some(days) => lacks.push(format!("patched {days} days ago")),
        None => lacks.push("patches unknown".to_owned()),
    }
    let who = match health.source {
        PostureSource::Own => "itself",
        PostureSource::Management => signer,
    };
    format!("{} (by {who}, {} s ago)", lacks.join(", "), health.age_s)
}

//! Looks at the files of authorities, takes up what is new, and has it recorded.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use interlock_broker::clock::{Clock, Now};
use interlock_broker::mediation::Broker;
use interlock_protocols::record::{Event, TrustTakenUp};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::material::Texts;
use super::{Member, Trust};
use crate::limits::TRUST_LOOK_EVERY;

/// Looks again and again, for as long as it is polled.
pub(crate) async fn keep(trust: Arc<Trust>, broker: Arc<Broker>, clock: Clock) {
    if trust.members.iter().all(|member| member.source.is_none()) {
        return;
    }
    let mut tick = interval(TRUST_LOOK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let (now, looking) = (clock.now(), Arc::clone(&trust));
        // A list of many revocations takes a while to be read, and commands do not wait for it.
        let looked = spawn_blocking(move || looking.look(now)).await;
        for taken_up in looked.unwrap_or_default() {
            tracing::info!(what = taken_up.what, "an authority was taken up");
            // What was taken up holds, though it cannot be recorded: it may be a revocation.
            // The register knows of it with the record: one that was kept without it would not
            // be believed at the next start.
            let event = Event::TrustTakenUp(taken_up);
            if let Err(error) = broker.tell_register(event, clock.now()) {
                tracing::warn!(%error, "a record could not be written");
            }
        }
    }
}

/// How a file looks from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Look {
    inode: u64,
    length: u64,
    /// When it was changed, ns since 1970 UTC.
    changed: (i64, i64),
}

impl Look {
    fn at(path: &Path) -> Option<Look> {
        let metadata = fs::metadata(path).ok()?;
        Some(Look {
            inode: metadata.ino(),
            length: metadata.len(),
            changed: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }

    /// Whether it was changed so short a time before it was read that another change since would
    /// not show.
    fn is_young(self, now: Now) -> bool {
        now.wall_ms().div_euclid(1_000) - self.changed.0 < 2
    }
}

impl Trust {
    /// Looks at all files. Gives what is in force and not recorded yet.
    pub(super) fn look(&self, now: Now) -> Vec<TrustTakenUp> {
        let members = self.members.iter();
        let taken_up: Vec<TrustTakenUp> = members.filter_map(|member| member.look(now)).collect();
        if !taken_up.is_empty() {
            self.changed.send_modify(|count| *count += 1);
        }
        taken_up
    }
}

impl Member {
    fn look(&self, now: Now) -> Option<TrustTakenUp> {
        let (config, kept) = self.source.as_ref()?;
        let looks = [Some(config.ca.as_path()), config.crl.as_deref()];
        let looks = looks.map(|path| path.and_then(Look::at));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen != Some(looks) {
            self.consider(Texts::read(&config.ca, config.crl.as_deref()), now);
            let is_young = looks.iter().flatten().any(|look| look.is_young(now));
            *seen = (!is_young).then_some(looks);
        }
        drop(seen);
        let new = self
            .new
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        if let Some(texts) = &new.texts
            && let Err(error) = kept.write(texts)
        {
            let name = self.authority.name();
            tracing::error!(name, %error, "an authority cannot be kept for the next start");
        }
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        if *recorded == Some(new.digest) {
            return None;
        }
        *recorded = Some(new.digest);
        Some(TrustTakenUp {
            what: self.authority.name().to_owned(),
            serial: 0,
            digest: new.digest,
        })
    }
}

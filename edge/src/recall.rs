//! What a starting edge takes up from the run before: its journal, and the policy in force.

use std::path::Path;
use std::sync::Arc;

use interlock_broker::activation;
use interlock_broker::clock::Clock;
use interlock_broker::journal::{
    self, Directory, Journal, OpenError, Options, Recovered, Storage, WhenFull,
};
use interlock_broker::policy::Policy;
use interlock_broker::register::{Parts, Register, read_beside};
use interlock_protocols::record::Event;

use crate::config::{self, JournalConfig};
use crate::service::RunError;
use crate::site::Site;

/// Opens the journal. One that is damaged where it was durable is left as it is: the edge comes
/// up for reading under the last policy that can still be read, and every command with effect is
/// refused until somebody has looked at it.
pub(crate) fn open_journal(
    site: &Site,
    storage: Box<dyn Storage>,
    clock: Clock,
) -> Result<(Journal, Recovered), RunError> {
    match Journal::open(
        storage,
        options(site.config.journal()),
        clock.now().wall_ms(),
    ) {
        Ok((journal, mut recovered)) => {
            if recovered.last_policy.is_none() && recovered.removed_through > 0 {
                // The record of its activation went with the oldest segments.
                recovered.last_policy = activation::remembered(&site.snapshots());
            }
            if recovered.torn_bytes > 0 || !recovered.orphans.is_empty() {
                tracing::warn!(
                    torn_bytes = recovered.torn_bytes,
                    orphans = recovered.orphans.len(),
                    "the edge did not stop in order; open commands are recorded as OUTCOME UNKNOWN"
                );
            }
            Ok((journal, recovered))
        }
        Err(OpenError::Corrupt(damage)) => {
            tracing::error!(
                %damage,
                "commands with effect are refused, reads go on; keep the journal's folder as it is"
            );
            let readable = Readable::of(&site.config.journal().directory);
            let mut recovered = Recovered::of_damaged(
                damage.sequence,
                activation::remembered(&site.snapshots()).or(readable.policy),
                readable.time_ms,
            );
            recovered.register = register_of(site, readable.register);
            let reader = Directory::read_only(&site.config.journal().directory);
            Ok((Journal::damaged(&damage, Box::new(reader)), recovered))
        }
        Err(error) => Err(error.into()),
    }
}

/// The register as it was last kept beside the journal, or as the journal says it before its damage
/// where that is more: who was revoked stays so on the day on which the journal cannot be read.
fn register_of(site: &Site, readable: Register) -> Register {
    let path = site.register();
    let beside = match read_beside(&path) {
        Ok(register) => register,
        Err(error) => {
            tracing::error!(%error, path = %path.display(), "who was enrolled or revoked behind the damage of the journal is not known");
            None
        }
    };
    match beside {
        Some(beside) if beside.through() >= readable.through() => beside,
        _ => readable,
    }
}

fn options(journal: &JournalConfig) -> Options {
    Options {
        segment_bytes: journal.segment_bytes,
        budget_bytes: journal.budget_bytes,
        reserve_bytes: journal.reserve_bytes,
        retention_ms: u64::try_from(journal.retention.as_millis()).unwrap_or(u64::MAX),
        when_full: match journal.when_full {
            config::WhenFull::Refuse => WhenFull::Refuse,
            config::WhenFull::Overwrite => WhenFull::Overwrite,
        },
    }
}

/// What a damaged journal says before its damage.
#[derive(Default)]
struct Readable {
    policy: Option<[u8; 32]>,
    time_ms: Option<i64>,
    register: Register,
}

impl Readable {
    fn of(dir: &Path) -> Readable {
        let (mut readable, mut parts) = (Readable::default(), Parts::default());
        let records = journal::read(dir).into_iter().flatten();
        for record in records.map_while(Result::ok) {
            readable.time_ms = Some(record.time_ms);
            let register = &mut readable.register;
            register.apply(record.sequence, record.time_ms, &record.event);
            match record.event {
                Event::PolicyActivated(activated) => readable.policy = Some(activated.digest),
                // It stands for those before it, which may have gone.
                Event::RegisterKept(kept) => {
                    if let Ok(Some((_, whole))) = parts.take(record.sequence, kept)
                        && whole.through() >= register.through()
                    {
                        *register = whole;
                    }
                }
                _ => {}
            }
        }
        readable
    }
}

/// The policy that was activated last, whatever was edited since; at the very first start, the
/// one in the directory.
pub(crate) async fn take_up_policy(
    site: &Site,
    journal: &Journal,
    last: Option<[u8; 32]>,
    clock: Clock,
) -> Result<Arc<Policy>, RunError> {
    match last {
        Some(digest) => {
            let policy = activation::restore(&site.snapshots(), &digest, &site.plant)
                .map_err(RunError::Site)?;
            activation::remember(&site.snapshots(), &digest);
            if let Ok(edited) = site.load_policy()
                && edited.digest() != digest
            {
                tracing::warn!(
                    "policy/ was edited since it was activated; `interlock policy activate` puts it in force"
                );
            }
            Ok(policy)
        }
        None => {
            let bundle = site.load_policy().map_err(RunError::Site)?;
            let now = clock.now();
            let policy =
                activation::install(journal, &bundle, &site.plant, &site.snapshots(), now).await?;
            Ok(policy)
        }
    }
}

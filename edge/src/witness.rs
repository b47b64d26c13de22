//! Has the checkpoints of the journal cosigned by a witness elsewhere, and notices when the witness
//! knows another journal than this one.
//!
//! It stands in nobody's way: commands pass while no witness can be reached, and `status` says
//! since when. What the witness cosigned last is kept beside the journal, so that a journal which
//! was changed since is noticed before anybody is asked.

mod exchange;
mod kept;
mod step;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use interlock_broker::clock::Clock;
use interlock_broker::witness::{SignedCheckpoint, to_body};
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use self::step::{Local, Next, local, next};
use crate::config::WitnessConfig;
use crate::limits::{WITNESS_EVERY, WITNESS_RETRY_MAX, WITNESS_RETRY_MIN, WITNESS_TRIES_MAX};
use crate::link::backoff::Backoff;

/// What came of asking the witness.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WitnessStanding {
    /// Records that its last cosignature covers.
    pub cosigned_size: u64,
    /// When it cosigned last, by its own clock, ms since 1970 UTC.
    pub cosigned_ms: Option<i64>,
    /// Why the last try failed, if it did.
    pub error: Option<String>,
    /// Since when no try has come off, ms since 1970 UTC.
    pub error_ms: Option<i64>,
    /// Up to where it knows records that this journal does not have, or has otherwise. Stays once
    /// it was seen: whoever holds commands back must not miss it.
    pub ahead: Option<u64>,
}

/// Makes the proof that the tree of `new` records holds that of `old`. It may read files.
pub type Prove = Arc<dyn Fn(u64, u64) -> io::Result<Vec<[u8; 32]>> + Send + Sync>;

/// Whether an administrator accepted that the witness knows records up to here.
pub type Accepted = Arc<dyn Fn(u64) -> bool + Send + Sync>;

/// What the submitter needs to know.
pub struct Setting {
    /// Where the witness is, and its key.
    pub witness: WitnessConfig,
    /// The journal's folder.
    pub journal_dir: PathBuf,
    /// Makes proofs.
    pub prove: Prove,
    /// What was accepted.
    pub accepted: Accepted,
    /// For the time of failures.
    pub clock: Clock,
}

/// The task that submits checkpoints; it ends when this is dropped.
pub struct Submitter {
    standing: watch::Receiver<WitnessStanding>,
    task: JoinHandle<()>,
}

/// Starts to submit each new checkpoint; `note_of` gives its text. If several come while the
/// witness is busy or away, only the newest is submitted.
pub fn start<N>(
    setting: Setting,
    mut checkpoints: watch::Receiver<Option<N>>,
    note_of: fn(&N) -> &str,
) -> Submitter
where
    N: Send + Sync + 'static,
{
    let (tell, standing) = watch::channel(WitnessStanding::default());
    let task = tokio::spawn(async move {
        let mut submission = Submission {
            setting,
            tell,
            cosigned: None,
        };
        submission.take_up().await;
        let mut backoff = Backoff::new(WITNESS_RETRY_MIN, WITNESS_RETRY_MAX);
        loop {
            let note = checkpoints
                .borrow_and_update()
                .as_ref()
                .map(|checkpoint| note_of(checkpoint).to_owned());
            let wait = match note {
                None => WITNESS_EVERY,
                Some(note) => submission.submit(&note, &mut backoff).await,
            };
            // After a failure a new checkpoint is no reason to ask sooner.
            let failed = submission.tell.borrow().error.is_some();
            if failed {
                tokio::time::sleep(wait).await;
            } else if let Ok(Err(_)) = timeout(wait, checkpoints.changed()).await {
                return;
            }
        }
    });
    Submitter { standing, task }
}

impl Submitter {
    /// How it stands, as it changes.
    pub fn standing(&self) -> watch::Receiver<WitnessStanding> {
        self.standing.clone()
    }

    /// Waits, for a bounded time, until so many records are cosigned: at the end of the edge, so
    /// that a journal cut while it is off is noticed.
    pub async fn cosigned(&self, size: u64, within: Duration) -> bool {
        let mut standing = self.standing.clone();
        let reached = standing.wait_for(|standing| standing.cosigned_size >= size);
        matches!(timeout(within, reached).await, Ok(Ok(_)))
    }
}

impl Drop for Submitter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Why a try came to nothing.
enum Failed {
    /// The witness, the way to it, or our own disk.
    Trouble(String),
    /// The journal is not what the witness knows.
    Beyond(u64, String),
}

struct Submission {
    setting: Setting,
    tell: watch::Sender<WitnessStanding>,
    /// What the witness cosigned last.
    cosigned: Option<SignedCheckpoint>,
}

impl Submission {
    /// Reads what was cosigned in an earlier run.
    async fn take_up(&mut self) {
        let dir = self.setting.journal_dir.clone();
        let key = self.setting.witness.key.clone();
        let read = on_a_thread(move || kept::read(&dir, &key)).await;
        match read {
            Ok(Some((checkpoint, time_s))) => {
                self.note_cosigned(checkpoint.size(), time_s);
                self.cosigned = Some(checkpoint);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%error, "what the witness cosigned last cannot be read; it is asked anew");
            }
        }
    }

    /// Submits a checkpoint and tells what came of it; gives how long to wait.
    async fn submit(&mut self, note: &str, backoff: &mut Backoff) -> Duration {
        match self.try_to(note).await {
            Ok(()) => {
                backoff.succeeded();
                WITNESS_EVERY
            }
            Err(failed) => {
                let now_ms = self.setting.clock.now().wall_ms();
                let (ahead, error) = match failed {
                    Failed::Trouble(error) => {
                        tracing::warn!(%error, "the witness did not cosign");
                        (None, error)
                    }
                    Failed::Beyond(size, error) => {
                        tracing::error!(%error, "THE JOURNAL IS NOT WHAT THE WITNESS KNOWS");
                        (Some(size), error)
                    }
                };
                self.tell.send_modify(|standing| {
                    standing.error = Some(error);
                    standing.error_ms.get_or_insert(now_ms);
                    standing.ahead = standing.ahead.max(ahead);
                });
                backoff.failed(fastrand::f64())
            }
        }
    }

    async fn try_to(&mut self, note: &str) -> Result<(), Failed> {
        let checkpoint = SignedCheckpoint::parse(note.as_bytes())
            .map_err(|error| Failed::Trouble(format!("our own checkpoint is none: {error}")))?;
        let (mut old, mut proof) = self.begin(&checkpoint).await?;
        for _ in 0..WITNESS_TRIES_MAX {
            let body = to_body(old, &proof, &checkpoint);
            let reply = exchange::post(&self.setting.witness.address, body)
                .await
                .map_err(Failed::Trouble)?;
            match next(&checkpoint, old, reply, &self.setting.witness.key) {
                Next::Cosigned(cosigned, time_s) => return self.keep(cosigned, time_s).await,
                Next::From(size) => {
                    tracing::info!(
                        size,
                        "the witness is at another size; submitting from there"
                    );
                    (old, proof) = (size, self.prove(size, checkpoint.size()).await?);
                }
                Next::Ahead(size) => return Err(Failed::Beyond(size, cut(size, &checkpoint))),
                Next::Forked(size) => return Err(Failed::Beyond(size, forked(size))),
                Next::Failed(error) => return Err(Failed::Trouble(error)),
            }
        }
        Err(Failed::Trouble(
            "the witness is at another size each time: does another gateway use this key?".into(),
        ))
    }

    /// Where to begin, after a look at what was cosigned before.
    async fn begin(&self, checkpoint: &SignedCheckpoint) -> Result<(u64, Vec<[u8; 32]>), Failed> {
        let Some(cosigned) = &self.cosigned else {
            return Ok((0, Vec::new()));
        };
        let size = cosigned.size();
        let proof = if size <= checkpoint.size() {
            self.prove(size, checkpoint.size()).await?
        } else {
            Vec::new()
        };
        let error = match local(cosigned, checkpoint, &proof) {
            Local::Holds => return Ok((size, proof)),
            Local::Cut => cut(size, checkpoint),
            Local::Changed => forked(size),
        };
        // Asking further could overwrite the only trace of it on this machine.
        if !(self.setting.accepted)(size) {
            return Err(Failed::Beyond(size, error));
        }
        Ok((0, Vec::new()))
    }

    async fn prove(&self, old: u64, new: u64) -> Result<Vec<[u8; 32]>, Failed> {
        if old == 0 {
            return Ok(Vec::new());
        }
        let prove = Arc::clone(&self.setting.prove);
        let proof = on_a_thread(move || prove(old, new)).await;
        proof.map_err(|error| {
            Failed::Trouble(format!(
                "no proof could be made from {old} to {new} records: {error}"
            ))
        })
    }

    async fn keep(&mut self, cosigned: SignedCheckpoint, time_s: u64) -> Result<(), Failed> {
        let dir = self.setting.journal_dir.clone();
        let bytes = cosigned.to_bytes();
        let written = on_a_thread(move || kept::write(&dir, &bytes)).await;
        written.map_err(|error| {
            Failed::Trouble(format!(
                "the cosigned checkpoint could not be kept: {error}"
            ))
        })?;
        self.note_cosigned(cosigned.size(), time_s);
        self.cosigned = Some(cosigned);
        Ok(())
    }

    fn note_cosigned(&self, size: u64, time_s: u64) {
        self.tell.send_modify(|standing| {
            standing.cosigned_size = size;
            standing.cosigned_ms = i64::try_from(time_s.saturating_mul(1_000)).ok();
            standing.error = None;
            standing.error_ms = None;
        });
    }
}

fn cut(size: u64, checkpoint: &SignedCheckpoint) -> String {
    format!(
        "the witness cosigned {size} records and the journal has {}: its end was cut, or an old \
         copy was restored",
        checkpoint.size()
    )
}

fn forked(size: u64) -> String {
    format!(
        "the first {size} records are not those that the witness cosigned: the journal was \
         rewritten, or two gateways write under one key"
    )
}

/// Reads and writes files where nobody waits for them.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

/// How many records the witness has cosigned, as far as is known here. Asked before anybody is let
/// in: the first checkpoint, which is compared whole, comes later.
pub async fn cosigned_size(journal_dir: &Path, witness: &WitnessConfig) -> io::Result<Option<u64>> {
    let (dir, key) = (journal_dir.to_owned(), witness.key.clone());
    let kept = on_a_thread(move || kept::read(&dir, &key)).await?;
    Ok(kept.map(|(checkpoint, _)| checkpoint.size()))
}

/// The file beside the journal that holds what was cosigned last.
pub fn kept_at(journal_dir: &Path) -> PathBuf {
    journal_dir.join(kept::FILE)
}

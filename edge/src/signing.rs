//! Drives the notary: it reads what became durable, keeps the tree and signs checkpoints, on a
//! thread where it may wait for the disk. No command ever waits for it.

use interlock_broker::clock::Clock;
use interlock_broker::journal::Journal;
use interlock_broker::journal::tree::{Notarized, Notary, NotaryError};
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

use crate::limits::{NOTARY_EVERY, NOTARY_PACE};

/// What the notary of a running edge has come to.
#[derive(Clone, Default, Debug)]
pub(crate) struct Signed {
    /// The last checkpoint of this run.
    pub(crate) last: Option<Notarized>,
    /// Why nothing is signed, while that stands.
    pub(crate) trouble: Option<String>,
}

/// A notary at work.
pub(crate) struct Signing {
    signed: watch::Receiver<Signed>,
    checkpoints: watch::Receiver<Option<Notarized>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Signing {
    pub(crate) fn start(notary: Notary, journal: &Journal, clock: Clock) -> Signing {
        let (tell, signed) = watch::channel(Signed::default());
        let (offer, checkpoints) = watch::channel(None);
        let stop = watch::Sender::new(false);
        let desk = Desk {
            journal: journal.clone(),
            clock,
            tell,
            offer,
        };
        let task = tokio::spawn(desk.run(notary, stop.subscribe()));
        Signing {
            signed,
            checkpoints,
            stop,
            task,
        }
    }

    /// What it has come to, as that changes.
    pub(crate) fn signed(&self) -> watch::Receiver<Signed> {
        self.signed.clone()
    }

    /// Each new checkpoint.
    pub(crate) fn checkpoints(&self) -> watch::Receiver<Option<Notarized>> {
        self.checkpoints.clone()
    }

    /// Signs what is left and ends. All that is to be covered must be durable by now.
    pub(crate) async fn finish(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the notary did not end in order");
        }
    }
}

struct Desk {
    journal: Journal,
    clock: Clock,
    tell: watch::Sender<Signed>,
    offer: watch::Sender<Option<Notarized>>,
}

type Step = (Notary, Result<Option<Notarized>, NotaryError>);

impl Desk {
    async fn run(self, mut notary: Notary, mut stop: watch::Receiver<bool>) {
        let mut durable = self.journal.durable();
        loop {
            let through = *durable.borrow_and_update();
            let now = self.clock.now();
            let step = spawn_blocking(move || -> Step {
                let signed = notary.advance(through, now);
                (notary, signed)
            });
            let Ok((back, signed)) = step.await else {
                self.told(Err("the notary's thread ended; restart the edge".to_owned()));
                return;
            };
            notary = back;
            self.journal.tree_has(notary.position());
            let halted = notary.halted().map(str::to_owned);
            self.told(match (signed, halted) {
                (Err(error), _) => Err(error.to_string()),
                (Ok(_), Some(why)) => Err(why),
                (Ok(signed), None) => Ok(signed),
            });
            let woken = async {
                // In a storm of commands each step takes many records at once.
                sleep(NOTARY_PACE).await;
                let _either = timeout(NOTARY_EVERY, durable.changed()).await;
            };
            tokio::select! {
                () = woken => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        let through = *durable.borrow_and_update();
        let now = self.clock.now();
        let last = spawn_blocking(move || notary.close(through, now)).await;
        match last {
            Ok(signed) => self.told(signed.map_err(|error| error.to_string())),
            Err(error) => tracing::error!(%error, "the last checkpoint was not signed"),
        }
    }

    fn told(&self, signed: Result<Option<Notarized>, String>) {
        match signed {
            Ok(None) => {
                self.tell
                    .send_if_modified(|told| told.trouble.take().is_some());
            }
            Ok(Some(checkpoint)) => {
                tracing::debug!(size = checkpoint.size, epoch = checkpoint.epoch, "signed");
                self.offer.send_replace(Some(checkpoint.clone()));
                self.tell.send_replace(Signed {
                    last: Some(checkpoint),
                    trouble: None,
                });
            }
            Err(why) => {
                let is_new = |told: &mut Signed| {
                    let is_new = told.trouble.as_ref() != Some(&why);
                    told.trouble = Some(why.clone());
                    is_new
                };
                if self.tell.send_if_modified(is_new) {
                    tracing::error!(why, "no checkpoint is signed");
                }
            }
        }
    }
}

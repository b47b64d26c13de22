//! Telling the gateway again, every few minutes, how this machine is: what it was told holds for a
//! while only. It goes on beside whatever else a session waits for.

use std::sync::Arc;
use std::time::Duration;

use interlock_broker::clock::Clock;
use quinn::{Connection, SendStream};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::frames;
use super::prove::Prover;
use crate::limits::POSTURE_EVERY;
use crate::screen;

/// The control stream towards the edge: calls and reports go over it, each message whole.
pub(super) type Control = Arc<Mutex<SendStream>>;

/// What tells, until it is dropped.
#[derive(Debug)]
pub(super) struct Telling {
    task: JoinHandle<()>,
    every: watch::Sender<Duration>,
    /// Why the last report was not believed: told once, and not with each report.
    disbelieved: String,
}

impl Telling {
    pub(super) fn start(connection: Connection, control: Control, prover: Arc<Prover>) -> Telling {
        let (every, told) = watch::channel(POSTURE_EVERY);
        Telling {
            task: tokio::spawn(tell(connection, control, prover, told)),
            every,
            disbelieved: String::new(),
        }
    }

    /// The gateway has answered a report: it holds for so long, or was not believed.
    pub(super) fn answered(&mut self, holds_s: Option<u32>, reason: &str, next: &str) {
        let Some(holds_s) = holds_s else {
            // It may be for long, and each such report is recorded.
            self.every
                .send_modify(|every| *every = every.saturating_mul(2).min(POSTURE_EVERY));
            if self.disbelieved != reason {
                reason.clone_into(&mut self.disbelieved);
                let text = format!("the gateway does not believe it: {reason}; {next}");
                screen::say_loud("posture", &text);
            }
            return;
        };
        self.disbelieved.clear();
        // Two may be lost or late before anything is missed.
        let wanted = Duration::from_secs(u64::from(holds_s.max(1))) / 3;
        self.every.send_if_modified(|every| {
            let changed = *every != wanted;
            *every = wanted;
            changed
        });
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn tell(
    connection: Connection,
    control: Control,
    prover: Arc<Prover>,
    mut every: watch::Receiver<Duration>,
) {
    let clock = Clock::start();
    let mut told = clock.now().mono();
    loop {
        let since = clock.now().mono().since(told);
        let left = every.borrow_and_update().saturating_sub(since);
        tokio::select! {
            () = sleep(left) => {}
            changed = every.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        }
        let now = clock.now();
        told = now.mono();
        match prover.report(&connection, now.wall_ms()) {
            Ok(message) => {
                let mut control = control.lock().await;
                if frames::write(&mut control, &message).await.is_err() {
                    // Whoever reads from the connection says that it is lost.
                    return;
                }
            }
            Err(failure) => screen::say_loud("posture", &failure.to_string()),
        }
    }
}

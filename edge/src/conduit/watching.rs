//! A stream that watches: what is decided goes out as it happens, and what was seen comes back.

use std::io;
use std::sync::Arc;

use interlock_broker::mediation::{Refusal, Session, Watch};
use interlock_protocols::conduit::{FromWatcher, Opened, Seen, ToWatcher, Watched};
use quinn::{SendStream, VarInt};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::frames::{self, Frames};
use super::turn_away;
use crate::limits::{HOLD_ANSWER_MAX, MESSAGE_MAX, WATCH_TICK};
use crate::service::Edge;

/// Serves one watch to its end.
pub(super) async fn serve(
    edge: &Arc<Edge>,
    session: &Session,
    watched: Watched,
    mut send: SendStream,
    frames: Frames,
) {
    let watch = match session.watch(watched, edge.clock().now()) {
        Ok(watch) => watch,
        Err(refusal) => return turn_away(send, &refusal).await,
    };
    let mut watching = Watching {
        edge,
        watch: &watch,
        send: &mut send,
        frames,
    };
    let ended = watching.run().await;
    let now = edge.clock().now();
    match ended {
        Ok(reason) => {
            watch.end(&reason, now);
            let _gone = send.finish();
        }
        Err(error) => {
            tracing::debug!(session = session.id(), %error, "a watch broke off");
            watch.end(&format!("the stream was lost: {error}"), now);
            let _gone = send.reset(VarInt::from_u32(0));
        }
    }
}

struct Watching<'w> {
    edge: &'w Arc<Edge>,
    watch: &'w Watch,
    send: &'w mut SendStream,
    frames: Frames,
}

enum Turn {
    Tell(ToWatcher),
    Said(FromWatcher),
    Tick,
    Gone,
}

impl Watching<'_> {
    /// Gives the reason of its end.
    async fn run(&mut self) -> io::Result<String> {
        let opened = Opened::Watch {
            supervises: self.watch.supervises(),
        };
        timeout(MESSAGE_MAX, frames::write(self.send, &opened)).await??;
        let mut tick = interval(WATCH_TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let turn = tokio::select! {
                next = self.watch.next() => Turn::Tell(next),
                said = self.frames.next() => said?.map_or(Turn::Gone, Turn::Said),
                _ = tick.tick() => Turn::Tick,
            };
            let now = self.edge.clock().now();
            let went_on = match turn {
                Turn::Tell(message) => {
                    self.tell(&message).await?;
                    Ok(())
                }
                Turn::Said(FromWatcher::Seen { through }) => self.watch.saw(through, now),
                Turn::Said(FromWatcher::Answer { hold, yes }) => self.answer(hold, yes).await,
                Turn::Tick => self.watch.tick(now),
                Turn::Gone => return Ok("whoever watched is done".to_owned()),
            };
            if let Err(refusal) = went_on {
                return self.part(&refusal).await;
            }
        }
    }

    /// A yes waits for the disk, and what there is to see meanwhile waits with it: whoever answers
    /// looks at the answer.
    async fn answer(&self, hold: u64, yes: bool) -> Result<(), Refusal> {
        let now = self.edge.clock().now();
        let answered = self.watch.answer(hold, yes, now);
        match timeout(HOLD_ANSWER_MAX, answered).await {
            Ok(answered) => answered,
            Err(_) => {
                self.watch.unrecorded(hold);
                Ok(())
            }
        }
    }

    /// All that is to be seen still, and why nothing follows.
    async fn part(&mut self, why: &Refusal) -> io::Result<String> {
        self.watch.part(why, self.edge.clock().now());
        while let Some(message) = self.watch.ready() {
            let last = matches!(message.seen, Seen::Ended { .. });
            self.tell(&message).await?;
            if last {
                break;
            }
        }
        Ok(why.reason().what())
    }

    /// Whoever does not read in time is gone.
    async fn tell(&mut self, message: &ToWatcher) -> io::Result<()> {
        timeout(MESSAGE_MAX, frames::write(self.send, message)).await?
    }
}

//! Watching in a session that is open already, shown on a page of the caller's: the demo's.

use interlock_protocols::conduit::{Seen, ToWatcher};
use jiff::tz::TimeZone;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{introduction, settled, show, watched};
use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;
use crate::gateway::watching::Watching;
use crate::limits::ANSWERS_AHEAD_MAX;

/// Somebody in front of a screen, who sees all that comes while others go on.
#[derive(Debug)]
pub(crate) struct Seat {
    sits: JoinHandle<()>,
    says: mpsc::Sender<(u64, bool)>,
    sees: mpsc::Receiver<Sight>,
}

/// What they see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sight {
    /// As it stands on their screen.
    pub(crate) text: String,
    /// The hold that it asks about.
    pub(crate) asks: Option<u64>,
    /// The hold that it says something of.
    pub(crate) settles: Option<u64>,
}

impl Seat {
    /// `interlock watch`: gives what it begins with as well.
    pub(crate) async fn take(
        gateway: &Gateway,
        what: &str,
        width: u16,
    ) -> Result<(Seat, String), Failure> {
        let mut watching = gateway.watch(watched(what)).await?;
        // It counts from the first thing on that they say they saw.
        if let Some(ToWatcher { number, .. }) = watching.next().await? {
            watching.shown(number).await?;
        }
        let (word, text) = introduction(what, watching.supervises());
        let (tell, sees) = mpsc::channel(ANSWERS_AHEAD_MAX);
        let (says, said) = mpsc::channel(ANSWERS_AHEAD_MAX);
        let sits = tokio::spawn(sit(watching, width, tell, said));
        Ok((Seat { sits, says, sees }, format!("{word} {text}")))
    }

    /// The next thing on their screen.
    pub(crate) async fn next(&mut self) -> Result<Sight, Failure> {
        let over = || Failure::new(Kind::Failed, "nobody watches any more", "");
        self.sees.recv().await.ok_or_else(over)
    }

    /// They type this to a hold.
    pub(crate) async fn answer(&self, hold: u64, yes: bool) -> Result<(), Failure> {
        let sent = self.says.send((hold, yes)).await;
        sent.map_err(|_| Failure::new(Kind::Failed, "nobody watches any more", ""))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.sits.abort();
    }
}

/// Sees all and says so, until something ends it.
async fn sit(
    mut watching: Watching,
    width: u16,
    tell: mpsc::Sender<Sight>,
    mut said: mpsc::Receiver<(u64, bool)>,
) {
    loop {
        tokio::select! {
            told = watching.next() => {
                let Ok(Some(ToWatcher { number, seen })) = told else {
                    return;
                };
                if let Some(sight) = sight(seen, width)
                    && tell.send(sight).await.is_err()
                {
                    return;
                }
                if watching.shown(number).await.is_err() {
                    return;
                }
            }
            answer = said.recv() => match answer {
                Some((hold, yes)) if watching.answer(hold, yes).await.is_ok() => {}
                _ => return,
            },
        }
    }
}

fn sight(seen: Seen, width: u16) -> Option<Sight> {
    let (text, asks, settles) = match seen {
        Seen::Command(command) => {
            let text = show::command(&command, Some(width), &TimeZone::system());
            (text, None, None)
        }
        Seen::Held(hold) => {
            let text = show::question(&hold, 0, Some(width), &TimeZone::system());
            (text, Some(hold.hold), None)
        }
        Seen::Settled { hold, what } => (settled(hold, &what), None, Some(hold)),
        Seen::Unheard { hold, what, .. } => (what, None, Some(hold)),
        Seen::Quiet | Seen::Missed { .. } | Seen::Ended { .. } => return None,
    };
    Some(Sight {
        text,
        asks,
        settles,
    })
}

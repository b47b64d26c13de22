//! The connection to the edge: one session, its control stream, what the edge offers, and the
//! streams opened on it.

mod administer;
mod dial;
pub(crate) mod door;
mod faults;
mod frames;
mod prove;
#[cfg(test)]
pub(crate) mod scripted;
pub(crate) mod steps;
mod telling;
#[cfg(test)]
mod tests;
pub(crate) mod watching;

use std::collections::VecDeque;
use std::sync::Arc;

use interlock_protocols::conduit::{
    CallEnd, DeviceOffer, FromClient, JournalQuery, Notice, Opened, Opening, Status, ToClient,
    Told, WindowStep,
};
use interlock_protocols::record::Record;
use quinn::{Connection, Endpoint, RecvStream, SendStream, VarInt};
use tokio::time::timeout;

pub use self::administer::Answered;
use self::frames::Frames;
use self::prove::Prover;
use self::telling::{Control, Telling};
use crate::failure::{Failure, Kind};
use crate::limits::{CONNECT_TIMEOUT, GOODBYE, NOTICES_HELD_MAX, OPEN_TIMEOUT};
use crate::profile::Profile;
use crate::screen;
use crate::tls;

/// What the edge said of the session when it let us in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Welcome {
    /// Name of the gateway.
    pub gateway: String,
    /// Name of the site.
    pub site: String,
    /// Number of the session, as in the journal.
    pub session: u64,
    /// Who the edge takes us to be.
    pub subject: String,
    /// Our groups.
    pub groups: Vec<String>,
    /// When our certificate ends, ms since 1970 UTC.
    pub certificate_ends_ms: i64,
}

/// A session at the edge. It exists only after the edge's hello: that the transport is up says
/// nothing, since a refused certificate shows later.
#[derive(Debug)]
pub struct Gateway {
    endpoint: Endpoint,
    line: Line,
    control: Control,
    telling: Telling,
    messages: Frames,
    welcome: Welcome,
    offers: Vec<DeviceOffer>,
    held: VecDeque<Notice>,
    steps: VecDeque<WindowStep>,
    calls: u32,
    aloud: bool,
}

/// The connection alone: opens conversations while somebody else waits for notices.
#[derive(Clone, Debug)]
pub struct Line {
    connection: Connection,
}

/// A conversation that the edge has opened: Modbus/TCP from here on, both ways.
#[derive(Debug)]
pub struct Stream {
    /// Its number, as in notices.
    pub conversation: u64,
    /// Towards the edge.
    pub send: SendStream,
    /// From the edge.
    pub recv: RecvStream,
}

/// A journal on its way from the edge.
#[derive(Debug)]
pub struct JournalStream {
    frames: Frames,
}

impl Gateway {
    /// Connects with the profile's certificate and waits for the edge's hello and its offers.
    pub async fn connect(profile: &Profile) -> Result<Gateway, Failure> {
        let config = dial::configuration(tls::configuration(profile)?)?;
        let prover = Arc::new(Prover::of(profile)?);
        let unreachable = |why: &dyn std::fmt::Display| {
            Failure::new(
                Kind::Unreachable,
                format!("the gateway {} cannot be reached: {why}", profile.gateway()),
                "check your network, that UDP to that port passes, and that the gateway runs",
            )
        };
        let addresses = tokio::net::lookup_host(profile.gateway())
            .await
            .map_err(|error| unreachable(&error))?;
        let mut last = unreachable(&"its name has no address");
        for address in addresses {
            let tried = dial::dial(address, profile.server_name(), &prover, config.clone());
            last = match timeout(CONNECT_TIMEOUT, tried).await {
                Ok(Err(failure)) if failure.kind() == Kind::Unreachable => {
                    unreachable(&failure.what())
                }
                Ok(judged) => return judged,
                Err(_) => unreachable(&format!("{address} does not answer")),
            };
        }
        Err(last)
    }

    /// The same session, for whoever shows on a page of their own what comes unasked.
    #[must_use]
    pub(crate) fn quiet(self) -> Gateway {
        Gateway {
            aloud: false,
            ..self
        }
    }

    /// What the edge said when it let us in.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// The devices that we may see.
    pub fn offers(&self) -> &[DeviceOffer] {
        &self.offers
    }

    /// The device of that name, or a failure that lists those there are.
    pub fn offer(&self, device: &str) -> Result<&DeviceOffer, Failure> {
        let found = self.offers.iter().find(|offer| offer.name == device);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.offers.iter().map(|offer| offer.name.as_str()).collect();
            Failure::new(
                Kind::Denied,
                format!("there is no device `{device}` for you"),
                if names.is_empty() {
                    "you may see no device at all; ask whoever keeps the policy of this site"
                        .to_owned()
                } else {
                    format!(
                        "you may see {}; if you need another, ask whoever keeps the policy of this site",
                        names.join(", ")
                    )
                },
            )
        })
    }

    /// The connection alone.
    pub fn line(&self) -> Line {
        self.line.clone()
    }

    /// Opens a conversation with a device; `arm` lets commands with effect pass on it at all.
    pub async fn converse(&self, device: &str, arm: bool) -> Result<Stream, Failure> {
        self.line.converse(device, arm).await
    }

    /// Opens a conversation and gives the offer that goes with it. A device that was not offered
    /// is asked for all the same: to refuse it is the edge's to decide, and to record.
    pub async fn enter(&self, device: &str, arm: bool) -> Result<(Stream, &DeviceOffer), Failure> {
        match self.converse(device, arm).await {
            Ok(stream) => Ok((stream, self.offer(device)?)),
            Err(refused) => Err(self.offer(device).err().unwrap_or(refused)),
        }
    }

    /// Waits for the next refusal to be explained. Fails when the session is over. May be
    /// dropped at any time without losing a notice.
    pub async fn next_notice(&mut self) -> Result<Notice, Failure> {
        if let Some(notice) = self.held.pop_front() {
            return Ok(notice);
        }
        loop {
            if let ToClient::Notice(notice) = self.message().await? {
                return Ok(notice);
            }
            // A reply to a call that nobody waits for any more.
        }
    }

    /// Has the edge load, test and activate the policy in its folder; gives what it says.
    pub async fn activate_policy(&mut self) -> Result<String, Failure> {
        let next = "the policy in force is the same as before";
        let answer = self
            .call(|call| FromClient::ActivatePolicy { call })
            .await?;
        done(answer, next)
    }

    /// Accepts that the journal is behind what others know of it; gives what the edge says.
    pub async fn accept_journal(&mut self, reason: &str) -> Result<String, Failure> {
        let next = "`interlock status` says how the gateway is doing";
        let reason = reason.to_owned();
        let ask = |call| FromClient::AcceptJournal { call, reason };
        done(self.call(ask).await?, next)
    }

    /// Asks how the gateway is doing.
    pub async fn read_status(&mut self) -> Result<Status, Failure> {
        match self.call(|call| FromClient::ReadStatus { call }).await? {
            ToClient::Status { status, .. } => Ok(status),
            other => match done(other, "ask whoever keeps the policy of this site") {
                Ok(_) => Err(faults::unexpected("an answer without a status")),
                Err(failure) => Err(failure),
            },
        }
    }

    /// Makes a call and waits for its answer, or the first part of it.
    async fn call(&mut self, ask: impl FnOnce(u32) -> FromClient) -> Result<ToClient, Failure> {
        self.calls = self.calls.wrapping_add(1);
        let asked = self.calls;
        frames::write(&mut *self.control.lock().await, &ask(asked)).await?;
        self.answer_to(asked).await
    }

    /// The next answer to this call. Notices that come before are held.
    async fn answer_to(&mut self, asked: u32) -> Result<ToClient, Failure> {
        loop {
            match self.message().await? {
                ToClient::Notice(notice) => self.hold(notice),
                ToClient::Window(step) => self.hold_step(step),
                answer @ (ToClient::Reply { call, .. }
                | ToClient::Status { call, .. }
                | ToClient::Answer { call, .. })
                    if call == asked =>
                {
                    return Ok(answer);
                }
                _ => {}
            }
        }
    }

    /// Asks for records of the journal.
    pub async fn read_journal(&self, query: JournalQuery) -> Result<JournalStream, Failure> {
        let opening = Opening::ReadJournal(query);
        match self.line.open(&opening).await? {
            (Opened::Journal, _, recv) => Ok(JournalStream {
                frames: Frames::new(recv),
            }),
            _ => Err(faults::unexpected("another answer than a journal")),
        }
    }

    /// Ends the session in good order.
    pub async fn goodbye(self) {
        // Whatever fails here, the session ends all the same, only less politely.
        let mut control = self.control.lock().await;
        if frames::write(&mut control, &FromClient::Bye).await.is_ok() {
            let _ = control.finish();
            let _ = timeout(GOODBYE, control.stopped()).await;
        }
        self.line.connection.close(VarInt::from_u32(0), b"bye");
        let _ = timeout(GOODBYE, self.endpoint.wait_idle()).await;
    }

    /// The next message that is no sign of the end. Warnings that it comes, announcements and steps
    /// of windows are shown, whatever is waited for.
    async fn message(&mut self) -> Result<ToClient, Failure> {
        loop {
            let message = self.messages.next::<ToClient>().await?;
            match message.ok_or_else(|| faults::lost(&self.line.connection))? {
                ToClient::Ending { reason } => {
                    return Err(Failure::new(
                        Kind::Unreachable,
                        format!("the gateway ended the session: {reason}"),
                        "connect again later",
                    ));
                }
                ToClient::Warning { text, .. } => self.say("soon", &text),
                ToClient::Announcement { text } => self.say("ATTENTION:", &text),
                ToClient::Posture {
                    holds_s,
                    reason,
                    next,
                } => self.telling.answered(holds_s, &reason, &next),
                message => {
                    if let ToClient::Window(step) = &message {
                        let (word, text) = steps::words(step);
                        self.say(&word, &text);
                    }
                    return Ok(message);
                }
            }
        }
    }

    fn say(&self, word: &str, text: &str) {
        if self.aloud {
            screen::say_loud(word, text);
        }
    }

    fn hold(&mut self, notice: Notice) {
        if self.held.len() >= NOTICES_HELD_MAX {
            self.held.pop_front();
        }
        self.held.push_back(notice);
    }
}

fn done(answer: ToClient, next: &str) -> Result<String, Failure> {
    match answer {
        ToClient::Reply { end, text, .. } => match end {
            CallEnd::Done => Ok(text),
            CallEnd::Failed => Err(Failure::new(Kind::Failed, text, next)),
            CallEnd::Denied => Err(Failure::new(Kind::Denied, text, next)),
        },
        _ => Err(faults::unexpected("another answer than a reply")),
    }
}

impl Line {
    /// See [`Gateway::converse`].
    pub async fn converse(&self, device: &str, arm: bool) -> Result<Stream, Failure> {
        let opening = Opening::Conversation {
            device: device.to_owned(),
            arm_writes: arm,
        };
        match self.open(&opening).await? {
            (Opened::Conversation { conversation }, send, recv) => Ok(Stream {
                conversation,
                send,
                recv,
            }),
            _ => Err(faults::unexpected("another answer than a conversation")),
        }
    }

    async fn open(&self, opening: &Opening) -> Result<(Opened, SendStream, RecvStream), Failure> {
        let asked = async {
            let (mut send, mut recv) = self
                .connection
                .open_bi()
                .await
                .map_err(|error| faults::of_connection(&error))?;
            frames::write(&mut send, opening).await?;
            let opened = frames::read_one::<Opened>(&mut recv).await?;
            Ok((opened, send, recv))
        };
        match timeout(OPEN_TIMEOUT, asked).await {
            Ok(Ok((Opened::Refused { code, reason, next }, _, _))) => {
                Err(faults::refused(code, reason, next))
            }
            Ok(answer) => answer,
            Err(_) => Err(Failure::new(
                Kind::Failed,
                "the gateway opened no further stream in time",
                "close tools that you do not need, then try again",
            )),
        }
    }
}

impl JournalStream {
    /// The next record, and why it is shown; `None` at the end of what there was.
    pub async fn next(&mut self) -> Result<Option<Shown>, Failure> {
        let Some(told) = self.frames.next::<Told>().await? else {
            return Ok(None);
        };
        let (body, shown): (_, fn(Record) -> Shown) = match &told {
            Told::Match(body) => (body, Shown::Match),
            Told::Outcome(body) => (body, Shown::Outcome),
            Told::Session(body) => (body, Shown::Session),
        };
        Record::decode(body)
            .map(|record| Some(shown(record)))
            .map_err(|error| {
                Failure::new(
                    Kind::Failed,
                    format!("a record from the gateway cannot be read: {error}"),
                    "",
                )
            })
    }
}

/// A record of the journal, and why it is shown; see [`Told`].
#[derive(Clone, PartialEq, Debug)]
pub enum Shown {
    /// It matches.
    Match(Record),
    /// The end of a command that matches.
    Outcome(Record),
    /// The opening of the session of a match.
    Session(Record),
}

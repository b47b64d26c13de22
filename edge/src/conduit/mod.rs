//! One connection: a session on its control stream, and a task for each further stream.

mod caller;
mod calls;
mod conversation;
mod frames;
mod watching;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use interlock_broker::authority::Verified;
use interlock_broker::mediation::{Arrival, Lost, Refusal, Session, Warning, Wire};
use interlock_broker::policy::Transport;
use interlock_broker::proof::NotProven;
use interlock_protocols::conduit::{
    FromClient, Notice, Opened, Opening, ToClient, VERSION, offer_frames,
};
use quinn::{Connection, RecvStream, SendStream, VarInt};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::limits::{MESSAGE_MAX, NOTICES_MAX, OPENING_MAX, SESSION_TICK};
use crate::listen::quic::vouch;
use crate::service::{Edge, Visit};
use caller::Caller;
use frames::Frames;

/// The transport this session came in by, as policy knows it.
const TRANSPORT: Transport = Transport::Quic;

/// How long to wait for a client to read its last message before the connection is closed.
const LAST_WORD_MAX: Duration = Duration::from_secs(1);

/// Serves one connection whose certificate was verified.
pub(crate) async fn serve(edge: Arc<Edge>, connection: Connection, verified: Verified) {
    let peer = connection.remote_address();
    let subject = verified.identity().subject().clone();
    let visit = edge.enter(&subject);
    if visit.is_crowd() {
        connection.close(VarInt::from_u32(0), b"too many connections");
        return;
    }
    let ended = match opened(&edge, &connection, verified, &visit).await {
        Ok((session, caller, control)) => {
            let session = Arc::new(session);
            let subject = session.subject().to_string();
            tracing::info!(session = session.id(), subject, %peer, "a session was opened");
            let reason = run(&edge, &connection, &session, &caller, control).await;
            session.end(&reason, edge.clock().now());
            tracing::info!(session = session.id(), subject, reason, "a session ended");
            reason
        }
        Err(error) => {
            tracing::info!(%subject, %peer, %error, "no session was opened");
            error.to_string()
        }
    };
    connection.close(VarInt::from_u32(0), ended.as_bytes());
    drop(visit);
}

/// The control stream of a session.
struct Control {
    send: SendStream,
    frames: Frames,
    /// The answer to the report that came with the proof: it follows the welcome.
    report: Option<ToClient>,
}

async fn opened(
    edge: &Arc<Edge>,
    connection: &Connection,
    verified: Verified,
    visit: &Visit,
) -> io::Result<(Session, Caller, Control)> {
    let accepted = timeout(OPENING_MAX, connection.accept_bi());
    let (send, recv) = accepted.await?.map_err(io::Error::other)?;
    let mut control = Control {
        send,
        frames: Frames::new(recv),
        report: None,
    };
    let hello = timeout(OPENING_MAX, control.frames.next()).await??;
    let Some(FromClient::Hello { version, program }) = hello else {
        return Err(io::Error::other("the first message was no hello"));
    };
    if version < VERSION {
        let reason = format!(
            "this gateway speaks version {VERSION} of the conduit, and the client at most {version}"
        );
        return refuse(
            control,
            reason,
            "install the gateway's version of interlock",
        )
        .await;
    }
    if !visit.has_room() {
        let reason = "too many sessions of this subject are open".to_owned();
        return refuse(control, reason, "close one of them first").await;
    }
    let peer = connection.remote_address().to_string();
    let caller = Caller::of(connection, verified)?;
    // Who says something else right after the hello, or nothing, has proven nothing.
    let proven = match timeout(OPENING_MAX, control.frames.next()).await {
        Ok(Ok(Some(FromClient::Prove { device, posture }))) => {
            caller.proven(edge, &device, posture.as_ref())
        }
        Ok(Err(error)) => return Err(error),
        Ok(Ok(_)) | Err(_) => Err(NotProven::Nothing),
    };
    let (proven, reported) = match proven {
        Ok(proven) => proven,
        Err(why) => {
            let now = edge.clock().now();
            let identity = caller.verified.identity();
            edge.broker().turn_away(identity, &peer, why, now);
            return refuse(control, why.to_string(), why.next()).await;
        }
    };
    let (posture, disbelieved) = match reported {
        Some(Ok(evidence)) => (Some(evidence), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    let heard = posture.is_some() || disbelieved.is_some();
    let arrival = Arrival {
        proven,
        authority: caller.verified.authority(),
        freshness: caller.verified.freshness(),
        peer: &peer,
        transport: TRANSPORT,
        posture,
    };
    match edge.broker().open_session(arrival, edge.clock().now()) {
        Ok(session) => {
            tracing::debug!(session = session.id(), program, "hello");
            if let Some(why) = &disbelieved {
                session.disbelieve(why, edge.clock().now());
            }
            control.report = heard.then(|| caller::answer(edge, &session, disbelieved));
            Ok((session, caller, control))
        }
        Err(refusal) => {
            let reason = refusal.reason();
            refuse(control, reason.what(), &reason.next()).await
        }
    }
}

async fn refuse<T>(mut control: Control, reason: String, next: &str) -> io::Result<T> {
    let message = ToClient::Refused {
        reason: reason.clone(),
        next: next.to_owned(),
    };
    last_word(&mut control.send, &message).await;
    Err(io::Error::other(reason))
}

/// Sends a last message and waits, for a bounded time, until the client has it: closing a QUIC
/// connection throws away what is still on its way.
async fn last_word(send: &mut SendStream, message: &ToClient) {
    let said = async {
        frames::write(send, message).await?;
        send.finish().map_err(io::Error::other)?;
        send.stopped().await.map_err(io::Error::other)
    };
    if !matches!(timeout(LAST_WORD_MAX, said).await, Ok(Ok(_))) {
        tracing::debug!("the last word was not received");
    }
}

/// What a session turns to next.
enum Turn {
    Stream(SendStream, RecvStream),
    Said(FromClient),
    Tell(Notice),
    Tick,
    /// Its standing was lost: revoked, or ended.
    Over,
    /// The session is over; nobody is left to be told why.
    Gone(String),
    Stopping,
}

/// Runs a session to its end and returns the reason.
async fn run(
    edge: &Arc<Edge>,
    connection: &Connection,
    session: &Arc<Session>,
    caller: &Caller,
    mut control: Control,
) -> String {
    let mut welcomed = welcome(edge, session, &mut control.send).await;
    if let (Ok(()), Some(report)) = (&welcomed, control.report.take()) {
        welcomed = tell(&mut control.send, &report).await;
    }
    if let Err(error) = welcomed {
        return format!("the client could not be welcomed: {error}");
    }
    let (notices, mut to_tell) = mpsc::channel(NOTICES_MAX);
    let mut tick = interval(SESSION_TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stopping = edge.stopping();
    let mut trust = edge.trust().changes();
    // Something may have changed since the handshake.
    trust.mark_changed();
    let mut over = session.over();
    loop {
        let turn = tokio::select! {
            opened = connection.accept_bi() => match opened {
                Ok((send, recv)) => Turn::Stream(send, recv),
                Err(error) => Turn::Gone(ended_by(&error)),
            },
            said = control.frames.next() => match said {
                Ok(Some(message)) => Turn::Said(message),
                Ok(None) => Turn::Gone("the client is done".to_owned()),
                Err(error) => Turn::Gone(format!("the control stream broke: {error}")),
            },
            Some(notice) = to_tell.recv() => Turn::Tell(notice),
            _ = tick.tick() => Turn::Tick,
            () = stopped(&mut stopping) => Turn::Stopping,
            // The sender lives as long as the session.
            _lost = over.wait_for(|over| *over) => Turn::Over,
        };
        let told = match turn {
            Turn::Stream(send, recv) => {
                let (edge, session) = (Arc::clone(edge), Arc::clone(session));
                tokio::spawn(serve_stream(edge, session, notices.clone(), send, recv));
                Ok(())
            }
            Turn::Said(message) => {
                match calls::said(edge, session, caller, &mut control.send, message).await {
                    Ok(None) => Ok(()),
                    Ok(Some(reason)) => return reason,
                    Err(error) => Err(error),
                }
            }
            Turn::Tell(notice) => tell(&mut control.send, &ToClient::Notice(notice)).await,
            Turn::Tick | Turn::Over => {
                match ticked(edge, connection, session, caller, &mut trust) {
                    Ok(due) => tell_all(&mut control.send, &due).await,
                    Err(refusal) => {
                        return farewell(&mut control.send, refusal.reason().what()).await;
                    }
                }
            }
            Turn::Gone(reason) => return reason,
            Turn::Stopping => {
                session.end_standing(Lost::Stopping);
                return farewell(&mut control.send, "the gateway is stopping".to_owned()).await;
            }
        };
        if let Err(error) = told {
            return format!("the client does not read: {error}");
        }
    }
}

/// What is due each second: whether the session still stands, what to warn of, and what happened to
/// windows. Where somebody
/// may have lost their trust, the certificate is judged again as in the handshake. The authority must
/// be the one that it was: what another one is believed of machines, and how old what is known of it
/// may be, is not what the session rests on.
fn ticked(
    edge: &Edge,
    connection: &Connection,
    session: &Session,
    caller: &Caller,
    trust: &mut watch::Receiver<u64>,
) -> Result<Vec<ToClient>, Refusal> {
    let now = edge.clock().now();
    session.tick(now)?;
    if trust.has_changed().unwrap_or(false) {
        trust.mark_unchanged();
        let authority = caller.verified.authority();
        let lost = match vouch(connection, edge) {
            Ok(verified) if verified.authority() == authority => None,
            Ok(verified) => Some(format!("`{}` alone still does", verified.authority())),
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = lost {
            let id = session.id();
            tracing::warn!(
                session = id,
                authority,
                why,
                "its authority vouches for a session no longer"
            );
            session.end_standing(Lost::Untrusted);
            session.tick(now)?;
        }
    }
    let warning = session.warning(now);
    let warning = warning.map(|Warning { text, ends_ms }| ToClient::Warning { text, ends_ms });
    let steps = session.steps().into_iter().map(ToClient::Window);
    let announced = session.announcements().into_iter();
    let announced = announced.map(|text| ToClient::Announcement { text });
    // What everybody is to know comes first.
    Ok(announced.chain(warning).chain(steps).collect())
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the edge itself is gone, which is a stop as well.
    let _stop = stopping.wait_for(|stop| *stop).await;
}

fn ended_by(error: &quinn::ConnectionError) -> String {
    match error {
        quinn::ConnectionError::ApplicationClosed(_) => "the client is done".to_owned(),
        other => format!("the connection was lost: {other}"),
    }
}

async fn tell(send: &mut SendStream, message: &ToClient) -> io::Result<()> {
    timeout(MESSAGE_MAX, frames::write(send, message)).await?
}

async fn tell_all(send: &mut SendStream, messages: &[ToClient]) -> io::Result<()> {
    for message in messages {
        tell(send, message).await?;
    }
    Ok(())
}

async fn farewell(send: &mut SendStream, reason: String) -> String {
    let message = ToClient::Ending {
        reason: reason.clone(),
    };
    last_word(send, &message).await;
    reason
}

/// Hello, the devices that the subject may see, ready.
async fn welcome(edge: &Edge, session: &Session, send: &mut SendStream) -> io::Result<()> {
    let devices = session.visible_devices(edge.clock().now());
    let hello = ToClient::Hello {
        version: VERSION,
        gateway: edge.gateway().to_owned(),
        site: edge.site().to_owned(),
        session: session.id(),
        subject: session.subject().to_string(),
        groups: session.groups(),
        certificate_ends_ms: session.certificate_ends_ms(),
        devices: u32::try_from(devices.len()).unwrap_or(u32::MAX),
    };
    tell(send, &hello).await?;
    for device in devices {
        // A plant of many points takes a while, and the links are served by the same thread.
        tokio::task::yield_now().await;
        let Some(offer) = session.offer(&device, edge.clock().now()) else {
            return Err(io::Error::other("the clock shows no time of a calendar"));
        };
        for frame in offer_frames(offer).map_err(io::Error::other)? {
            timeout(MESSAGE_MAX, send.write_all(&frame))
                .await?
                .map_err(io::Error::other)?;
        }
    }
    tell(send, &ToClient::Ready).await
}

async fn serve_stream(
    edge: Arc<Edge>,
    session: Arc<Session>,
    notices: mpsc::Sender<Notice>,
    mut send: SendStream,
    recv: RecvStream,
) {
    let mut frames = Frames::new(recv);
    let opening = match timeout(OPENING_MAX, frames.next::<Opening>()).await {
        Ok(Ok(Some(opening))) => opening,
        _ => {
            let _gone = send.reset(VarInt::from_u32(0));
            return;
        }
    };
    let (recv, ahead) = frames.into_parts();
    match opening {
        Opening::Conversation { device, arm_writes } => {
            let opened = session.converse(&device, arm_writes, edge.clock().now());
            let conversation = match opened {
                Ok(conversation) => conversation,
                Err(refusal) => return turn_away(send, &refusal).await,
            };
            let Some(link) = edge.link(conversation.device().name()) else {
                return;
            };
            let opened = Opened::Conversation {
                conversation: conversation.id(),
            };
            if frames::write(&mut send, &opened).await.is_err() {
                return;
            }
            let stream = conversation::Stream {
                session: session.id(),
                edge,
                conversation,
                link,
                notices,
                send,
            };
            conversation::serve(stream, recv, ahead).await;
        }
        Opening::Watch(watched) => {
            watching::serve(&edge, &session, watched, send, Frames::ahead(recv, ahead)).await;
        }
        Opening::ReadJournal(query) => {
            if let Err(refusal) = session.read_journal(&query, edge.clock().now()) {
                return turn_away(send, &refusal).await;
            }
            let may = || {
                let decided = session.goes_on_reading(edge.clock().now());
                decided.map_err(|refusal| refusal.reason().what())
            };
            if frames::write(&mut send, &Opened::Journal).await.is_ok() {
                match edge.reading().answer(&mut send, query, &may).await {
                    Ok(()) => {
                        let _gone = send.finish();
                    }
                    Err(error) => {
                        tracing::warn!(session = session.id(), %error, "the journal was not sent to its end");
                        let _gone = send.reset(VarInt::from_u32(0));
                    }
                }
            }
        }
    }
}

async fn turn_away(mut send: SendStream, refusal: &Refusal) {
    if frames::write(&mut send, &refused(refusal)).await.is_ok() {
        let _gone = send.finish();
    }
}

fn refused(refusal: &Refusal) -> Opened {
    let code = match refusal.wire() {
        Wire::Exception(code) => Some(code.code()),
        Wire::Close => None,
    };
    Opened::Refused {
        code,
        reason: refusal.reason().what(),
        next: refusal.next(),
    }
}

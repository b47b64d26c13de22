//! NATS JetStream: one stream a gateway, one message a record, in the journal's order.
//!
//! What makes it exactly once is the stream itself. Each message names the one before it, and is
//! refused behind any other; and at each connection the stream's last message tells what is
//! there. So it does not matter what became of messages whose acknowledgement never came, nor
//! when those arrive that a network held back.

mod stream;

use std::collections::VecDeque;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::{GetStreamErrorKind, PublishAckFuture};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{Context, ContextBuilder, ErrorCode};
use async_nats::{Client, ConnectOptions, Event};
use interlock_broker::journal::Line;
use tokio::sync::watch;

use super::tail::lineage_from;
use super::{Has, Shelf, SinkError, Source, Transport, tls};
use crate::config::{SinkConfig, SinkTls};
use crate::limits::{
    SINK_ACKNOWLEDGE_MAX, SINK_BATCH_RECORDS, SINK_CONNECT_MAX, SINK_NATS_PING_EVERY,
    SINK_NATS_WINDOW,
};
use stream::{Lineage, parse_id};

/// What the payload is: a record of the journal, byte for byte, so that a copy proves itself.
const CONTENT_TYPE: &str = "application/vnd.interlock.record+cbor";

/// The way to one stream.
pub(super) struct Nats {
    address: String,
    tls: SinkTls,
    gateway: String,
    stream: String,
    subject: String,
    lineage: Lineage,
    link: Option<Link>,
}

/// A connection, and what the next message on it must come behind.
struct Link {
    context: Context,
    broken: Broken,
    behind: Behind,
}

/// Why a connection is of no more use, once it is.
type Broken = watch::Receiver<Option<String>>;

/// What a message must come behind.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Behind {
    /// The message with this id.
    Message(String),
    /// Whatever has this number in the stream: there is no message to name.
    Number(u64),
}

/// The last message of the stream.
struct Last {
    id: String,
    lineage: Lineage,
    sequence: u64,
    number: u64,
    payload: Vec<u8>,
}

impl Nats {
    pub(super) fn new(config: &SinkConfig, source: &Source) -> Nats {
        let (site, gateway) = (&source.site, &source.gateway);
        Nats {
            address: config.address.clone(),
            tls: config.tls.clone(),
            gateway: gateway.clone(),
            stream: stream::name(site, gateway),
            subject: stream::subject(site, gateway),
            lineage: Lineage::none(),
            link: None,
        }
    }

    async fn client(&self) -> Result<(Client, Broken), SinkError> {
        let files = self.tls.clone();
        let config = tokio::task::spawn_blocking(move || {
            tls::client_config(&files, &[&rustls::version::TLS13])
        })
        .await;
        let config = config.map_err(|error| SinkError::Setup(error.to_string()))??;
        let (broken, is_broken) = watch::channel(None);
        let broken = Arc::new(broken);
        let options = ConnectOptions::new()
            .name(format!("interlock-edge {}", self.gateway))
            .require_tls(true)
            .tls_client_config(config)
            .connection_timeout(SINK_CONNECT_MAX / 2)
            .request_timeout(Some(SINK_ACKNOWLEDGE_MAX))
            .ping_interval(SINK_NATS_PING_EVERY)
            .client_capacity(SINK_BATCH_RECORDS)
            // The client would go on by itself with what it has queued. We begin anew instead,
            // behind what the stream then has.
            .max_reconnects(1)
            .reconnect_delay_callback(|_| Duration::ZERO)
            .ignore_discovered_servers()
            .event_callback(move |event| {
                let broken = Arc::clone(&broken);
                async move {
                    if let Some(why) = end_of(&event) {
                        // What came first says most: the server says why, then hangs up.
                        broken.send_modify(|first| _ = first.get_or_insert(why));
                    }
                }
            });
        let url = format!("tls://{}", self.address);
        let client = options
            .connect(url)
            .await
            .map_err(|error| SinkError::Unreachable(full(&error)))?;
        Ok((client, is_broken))
    }

    /// The stream of this gateway, made if it is not there.
    async fn stream(&self, context: &Context) -> Result<Stream, SinkError> {
        match context.get_stream(&self.stream).await {
            Ok(stream) => {
                stream::fit(&stream.cached_info().config, &self.subject)?;
                Ok(stream)
            }
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(why)
                    if why.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                {
                    let config = stream::config(&self.stream, &self.subject);
                    let made = context.create_stream(config).await;
                    made.map_err(|error| SinkError::Refused(full(&error)))
                }
                _ => Err(SinkError::Unreachable(full(&error))),
            },
        }
    }

    /// The message with this number in the stream.
    async fn message(&self, stream: &Stream, number: u64) -> Result<Last, SinkError> {
        let message = stream
            .get_raw_message(number)
            .await
            .map_err(|error| SinkError::Unreachable(full(&error)))?;
        let id = message.headers.get(async_nats::header::NATS_MESSAGE_ID);
        let id = id.map(|id| id.as_str().to_owned()).unwrap_or_default();
        let Some((lineage, sequence)) = parse_id(&self.gateway, &id) else {
            return Err(SinkError::Refused(format!(
                "message {number} of stream {} is none of this gateway's (its id is `{id}`); \
                 nobody else may publish to {}",
                self.stream, self.subject
            )));
        };
        Ok(Last {
            id,
            lineage,
            sequence,
            number,
            payload: message.payload.to_vec(),
        })
    }

    /// The last message up to which stream and journal are the same, given that they are not at
    /// `last`; found by halving. Where a stream has several parted histories this may be an earlier
    /// one of the partings, and more is sent again than needed, in another lineage.
    async fn parting(&self, stream: &Stream, shelf: &Shelf, last: u64) -> Result<u64, SinkError> {
        let mut common = 0;
        let (mut same, mut other) = (stream.cached_info().state.first_sequence, last);
        // The first one is looked at as well: all of it may be of another history.
        same = same.saturating_sub(1);
        while other - same > 1 {
            let middle = same + (other - same) / 2;
            let message = self.message(stream, middle).await?;
            if is_same(shelf, &message).await? {
                common = message.sequence;
                same = middle;
            } else {
                other = middle;
            }
        }
        Ok(common)
    }

    /// What the stream has, and what the next message must come behind.
    async fn learn(
        &mut self,
        context: &Context,
        shelf: &Shelf,
    ) -> Result<(Has, Behind), SinkError> {
        let stream = self.stream(context).await?;
        let state = &stream.cached_info().state;
        if state.messages == 0 {
            // Emptied on purpose, it need not have all of it again; new or lost, it must.
            let is_new = state.last_sequence == 0;
            let has = if is_new { Has::Through(0) } else { Has::Unsaid };
            return Ok((has, Behind::Number(state.last_sequence)));
        }
        let last = self.message(&stream, state.last_sequence).await?;
        let has = if is_same(shelf, &last).await? {
            Has::Through(last.sequence)
        } else {
            Has::Other {
                through: last.sequence,
                common: self.parting(&stream, shelf, last.number).await?,
            }
        };
        self.lineage = last.lineage;
        Ok((has, Behind::Message(last.id)))
    }

    /// The message for the next record.
    fn publish(&mut self, line: &Line, behind: &Behind) -> (PublishMessage, String) {
        if let Some(lineage) = lineage_from(line) {
            self.lineage = Lineage::of(lineage);
        }
        let id = stream::id(&self.gateway, &self.lineage, line.sequence);
        let message = PublishMessage::build()
            .payload(line.bytes.clone().into())
            .header("Content-Type", CONTENT_TYPE)
            .expected_stream(&self.stream)
            .message_id(&id);
        let message = match behind {
            Behind::Message(before) => message.expected_last_message_id(before),
            Behind::Number(number) => message.expected_last_sequence(*number),
        };
        (message, id)
    }

    /// Sends all of them, some ahead of their acknowledgements.
    async fn send(&mut self, link: &mut Link, lines: &[Line]) -> Result<(), SinkError> {
        let mut waiting: VecDeque<PublishAckFuture> = VecDeque::with_capacity(SINK_NATS_WINDOW);
        for line in lines {
            if waiting.len() >= SINK_NATS_WINDOW
                && let Some(oldest) = waiting.pop_front()
            {
                self.acknowledged(oldest).await?;
            }
            let (message, id) = self.publish(line, &link.behind);
            link.behind = Behind::Message(id);
            let sent = link.context.send_publish(self.subject.clone(), message);
            let sent = sent.await;
            waiting.push_back(sent.map_err(|error| SinkError::Unreachable(full(&error)))?);
        }
        for oldest in waiting {
            self.acknowledged(oldest).await?;
        }
        Ok(())
    }

    async fn acknowledged(&self, waiting: PublishAckFuture) -> Result<(), SinkError> {
        let acknowledged = waiting.into_future().await;
        let acknowledged = acknowledged.map_err(|error| SinkError::Unreachable(full(&error)))?;
        // One that is there already is as good: its id names this record and no other.
        if acknowledged.stream == self.stream {
            return Ok(());
        }
        Err(SinkError::Refused(format!(
            "stream {} took a record that was for {}",
            acknowledged.stream, self.stream
        )))
    }
}

impl Transport for Nats {
    async fn connect(&mut self, shelf: &Shelf) -> Result<Has, SinkError> {
        self.link = None;
        let (client, mut broken) = self.client().await?;
        let context = ContextBuilder::new()
            .timeout(SINK_ACKNOWLEDGE_MAX)
            .max_ack_inflight(SINK_NATS_WINDOW)
            .build(client);
        let (has, behind) = tokio::select! {
            learnt = self.learn(&context, shelf) => learnt?,
            error = broke(&mut broken) => return Err(error),
        };
        self.link = Some(Link {
            context,
            broken,
            behind,
        });
        Ok(has)
    }

    fn accepted(&mut self, lineage: [u8; 8]) {
        self.lineage = Lineage::of(lineage);
    }

    async fn deliver(&mut self, lines: &[Line]) -> Result<u64, SinkError> {
        // Taken out while in use: after an error, or when this is dropped, it is not used again.
        let Some(mut link) = self.link.take() else {
            return Err(SinkError::Unreachable("there is no connection".to_owned()));
        };
        let mut broken = link.broken.clone();
        tokio::select! {
            sent = self.send(&mut link, lines) => sent?,
            error = broke(&mut broken) => return Err(error),
        }
        self.link = Some(link);
        Ok(lines.last().map_or(0, |last| last.sequence))
    }

    async fn lost(&mut self) -> SinkError {
        match &mut self.link {
            Some(link) => broke(&mut link.broken).await,
            None => std::future::pending().await,
        }
    }
}

async fn broke(broken: &mut Broken) -> SinkError {
    // A sender that is gone went with its connection.
    let told = broken.wait_for(Option::is_some).await;
    let why = told.ok().and_then(|why| why.clone());
    SinkError::Unreachable(why.unwrap_or_else(|| "the connection broke".to_owned()))
}

/// Why nothing more is sent on the connection that this happened to.
fn end_of(event: &Event) -> Option<String> {
    match event {
        Event::Closed | Event::Disconnected => Some("the connection broke".to_owned()),
        Event::LameDuckMode => Some("the server is about to stop".to_owned()),
        Event::ServerError(error) => Some(format!("the server says: {error}")),
        _ => None,
    }
}

/// Whether the journal has this message's record, byte for byte. One that retention has removed
/// cannot be compared, and counts.
async fn is_same(shelf: &Shelf, message: &Last) -> Result<bool, SinkError> {
    if message.sequence > shelf.last() {
        return Ok(false);
    }
    let record = shelf.record(message.sequence).await?;
    Ok(
        record
            .is_none_or(|line| line.sequence != message.sequence || line.bytes == message.payload),
    )
}

/// An error with what is behind it.
fn full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Some repeat their cause in their own text.
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

//! One stream of Modbus/TCP: read an ADU, authorize it, queue its permit, write the answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use interlock_broker::mediation::{Authorized, Conversation, Reason, Refusal, Wire};
use interlock_broker::wording;
use interlock_protocols::conduit::Notice;
use interlock_protocols::modbus::tcp::{Adu, Framer, encode_adu};
use interlock_protocols::modbus::{ExceptionCode, Pdu, TransactionId, UnitId};
use quinn::{RecvStream, SendStream, VarInt};
use tokio::sync::mpsc;
use tokio::time::{Sleep, sleep};

use crate::limits::MESSAGE_MAX;
use crate::link::{Finished, Link, ReplyTo};
use crate::service::Edge;

/// What one conversation is made of.
pub(crate) struct Stream {
    pub(crate) edge: Arc<Edge>,
    pub(crate) session: u64,
    pub(crate) conversation: Conversation,
    pub(crate) link: Link,
    pub(crate) notices: mpsc::Sender<Notice>,
    pub(crate) send: SendStream,
}

/// What to do with the stream after an ADU or an answer.
#[derive(PartialEq, Eq)]
enum Next {
    Continue,
    Close,
}

/// Serves a conversation to its end. `ahead` was read before it began.
pub(crate) async fn serve(mut stream: Stream, mut recv: RecvStream, ahead: Vec<u8>) {
    match stream.run(&mut recv, &ahead).await {
        Ok(Next::Continue) => {
            let _gone = stream.send.finish();
        }
        Ok(Next::Close) => {
            let _gone = stream.send.finish();
            let _gone = recv.stop(VarInt::from_u32(0));
        }
        Err(error) => {
            let device = stream.conversation.device().name();
            tracing::debug!(session = stream.session, device, %error, "a conversation broke off");
            let _gone = stream.send.reset(VarInt::from_u32(0));
            let _gone = recv.stop(VarInt::from_u32(0));
        }
    }
}

impl Stream {
    async fn run(&mut self, recv: &mut RecvStream, mut ahead: &[u8]) -> io::Result<Next> {
        let (finished, mut answers) = mpsc::unbounded_channel();
        let mut framer = Framer::new();
        let mut open = true;
        // Counts from the first byte of an ADU: one byte a second does not move it.
        let mut stalled: Option<Pin<Box<Sleep>>> = None;
        while open || self.conversation.outstanding() > 0 {
            if !ahead.is_empty() {
                let (spare, taken) = (framer.spare(), ahead.len());
                let taken = taken.min(spare.len());
                let (now, later) = ahead.split_at(taken);
                if let Some(room) = spare.get_mut(..taken) {
                    room.copy_from_slice(now);
                }
                ahead = later;
                framer.filled(taken);
            } else {
                tokio::select! {
                    Some(answer) = answers.recv() => {
                        if self.deliver(answer).await? == Next::Close {
                            return Ok(Next::Close);
                        }
                        continue;
                    }
                    read = recv.read(framer.spare()), if open => match read {
                        Ok(Some(count)) => framer.filled(count),
                        Ok(None) => open = false,
                        Err(error) => return Err(io::Error::other(error)),
                    },
                    () = waiting(&mut stalled) => {
                        let now = self.edge.clock().now();
                        self.conversation.cut_off(Reason::TooSlow, now);
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "an ADU took too long"));
                    }
                }
            }
            if self.drain(&mut framer, &finished).await? == Next::Close {
                return Ok(Next::Close);
            }
            match (framer.is_mid_adu(), &stalled) {
                (true, None) => stalled = Some(Box::pin(sleep(MESSAGE_MAX))),
                (true, Some(_)) => {}
                (false, _) => stalled = None,
            }
        }
        Ok(Next::Continue)
    }

    /// Judges every whole ADU that has arrived.
    async fn drain(
        &mut self,
        framer: &mut Framer,
        finished: &mpsc::UnboundedSender<Finished>,
    ) -> io::Result<Next> {
        loop {
            let adu = match framer.next_adu() {
                Ok(Some(adu)) => adu,
                Ok(None) => return Ok(Next::Continue),
                Err(error) => {
                    // Nothing after a broken header can be trusted to be one.
                    let now = self.edge.clock().now();
                    self.conversation.cut_off(Reason::NotModbus, now);
                    tracing::debug!(%error, "no Modbus/TCP");
                    return Ok(Next::Close);
                }
            };
            if self.judge(adu, finished).await? == Next::Close {
                return Ok(Next::Close);
            }
        }
    }

    async fn judge(
        &mut self,
        adu: Adu<'_>,
        finished: &mpsc::UnboundedSender<Finished>,
    ) -> io::Result<Next> {
        let now = self.edge.clock().now();
        // From here to the link a stopping edge waits for it: its INTENT may be recorded already.
        let edge = Arc::clone(&self.edge);
        let deciding = edge.deciding();
        match self.conversation.authorize(adu, now).await {
            Ok(Authorized::Permit(permit)) => {
                let reply = ReplyTo {
                    transaction: adu.transaction,
                    unit: adu.unit,
                    function: permit.function(),
                    sender: finished.clone(),
                };
                self.link.submit(self.session, permit, reply);
                Ok(Next::Continue)
            }
            Ok(Authorized::Repeat) => Ok(Next::Continue),
            Err(refusal) => {
                // Nothing is owed here, and a client that does not read must delay no stop.
                drop(deciding);
                self.notify(&refusal, adu.transaction, adu.unit, adu.pdu);
                let function = adu.pdu.first().copied().unwrap_or_default();
                self.refuse(&refusal, adu.transaction, adu.unit, function)
                    .await
            }
        }
    }

    /// Gives an answer to the client under its own transaction id (I6).
    async fn deliver(&mut self, finished: Finished) -> io::Result<Next> {
        let Finished {
            transaction,
            unit,
            function,
            result,
        } = finished;
        let asked = self.conversation.settled(transaction);
        match result {
            Ok(answer) => {
                self.write(transaction, unit, answer.pdu()).await?;
                Ok(Next::Continue)
            }
            Err(refusal) => {
                if let Some(pdu) = asked {
                    self.notify(&refusal, transaction, unit, pdu.as_bytes());
                }
                self.refuse(&refusal, transaction, unit, function).await
            }
        }
    }

    async fn refuse(
        &mut self,
        refusal: &Refusal,
        transaction: TransactionId,
        unit: UnitId,
        function: u8,
    ) -> io::Result<Next> {
        let code: ExceptionCode = match refusal.wire() {
            Wire::Exception(code) => code,
            Wire::Close => return Ok(Next::Close),
        };
        self.write(transaction, unit, &Pdu::exception(function, code))
            .await?;
        Ok(match refusal.reason() {
            Reason::Standing(_) => Next::Close,
            _ => Next::Continue,
        })
    }

    async fn write(
        &mut self,
        transaction: TransactionId,
        unit: UnitId,
        pdu: &Pdu,
    ) -> io::Result<()> {
        let adu = encode_adu(transaction, unit, pdu);
        self.send
            .write_all(adu.as_bytes())
            .await
            .map_err(io::Error::other)
    }

    /// Tells the person what the wire cannot say. Where nobody reads, nothing piles up: the
    /// journal holds it all.
    fn notify(&self, refusal: &Refusal, transaction: TransactionId, unit: UnitId, pdu: &[u8]) {
        let device = self.conversation.device();
        let reason = refusal.reason();
        let _full = self.notices.try_send(Notice {
            conversation: self.conversation.id(),
            transaction: transaction.value(),
            device: device.name().to_owned(),
            asked: wording::asked(device, unit, pdu),
            reason: reason.code().to_owned(),
            what: reason.what(),
            rule: refusal.policies().to_vec(),
            next: refusal.next(),
            record: refusal.record(),
        });
    }
}

async fn waiting(stalled: &mut Option<Pin<Box<Sleep>>>) {
    match stalled {
        Some(sleep) => sleep.as_mut().await,
        None => std::future::pending().await,
    }
}

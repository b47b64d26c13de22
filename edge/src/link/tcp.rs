//! Our own Modbus/TCP client: one persistent connection and one request in flight.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use interlock_broker::clock::Clock;
use interlock_broker::mediation::{Awaiting, Handed, Isolation, Permit, Redeemed, Refusal};
use interlock_broker::plant::Device;
use interlock_protocols::modbus::tcp::{Framer, encode_adu};
use interlock_protocols::modbus::{Pdu, TransactionId, UnitId};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::backoff::Backoff;
use super::{Job, Link};
use crate::limits::{READS_AT_HAND_MAX, SILENCES_BEFORE_BREAK};

/// Serves one device for as long as the edge runs. While the device is isolated there is no
/// connection to it, and none is tried.
pub(super) async fn serve(link: &Link, device: Arc<Device>, mut isolation: Isolation) {
    let settings = device.link();
    let mut backoff = Backoff::new(settings.backoff_min, settings.backoff_max);
    loop {
        let barred = isolation.borrow_and_update().clone();
        if let Some(restraint) = barred {
            tracing::warn!(device = device.name(), "isolated: the connection is closed");
            link.shut(&restraint);
            lifted(&mut isolation).await;
            tracing::info!(device = device.name(), "no longer isolated");
            link.up();
        }
        let connected = tokio::select! {
            connected = connect(&device) => connected,
            () = isolated(&mut isolation) => continue,
        };
        let why = match connected {
            Ok(connection) => {
                tracing::info!(device = device.name(), "connected to the device");
                link.up();
                match work(link, &device, connection, &mut backoff, &mut isolation).await {
                    Ended::Isolated => continue,
                    Ended::Idle => {
                        // Closed by us on purpose: the device is well, and the next command
                        // opens the connection again.
                        tokio::select! {
                            () = link.work.notified() => {}
                            () = isolated(&mut isolation) => {}
                        }
                        continue;
                    }
                    Ended::Dropped(why) => {
                        // Many devices drop who was silent for a while. This one answered on
                        // this connection, so it is asked again at once; what comes in the
                        // meantime is refused and does not wait.
                        tracing::info!(device = device.name(), why, "connecting again");
                        link.down(&why);
                        continue;
                    }
                    Ended::Broken(why) => why,
                }
            }
            Err(error) => format!("connecting to {} failed: {error}", device.address()),
        };
        link.down(&why);
        let wait = backoff.failed(fastrand::f64());
        tracing::warn!(
            device = device.name(),
            why,
            wait_ms = wait.as_millis(),
            "the device is down"
        );
        tokio::select! {
            () = sleep(wait) => {}
            () = isolated(&mut isolation) => {}
        }
    }
}

/// Waits until the device is isolated.
async fn isolated(isolation: &mut Isolation) {
    if isolation.wait_for(Option::is_some).await.is_err() {
        // Nobody is left who could.
        std::future::pending::<()>().await;
    }
}

/// Waits until it is not.
async fn lifted(isolation: &mut Isolation) {
    if isolation.wait_for(Option::is_none).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn connect(device: &Device) -> io::Result<Connection> {
    let limit = device.link().connect_timeout;
    let stream = timeout(limit, TcpStream::connect(device.address()))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no answer in time"))??;
    stream.set_nodelay(true)?;
    Ok(Connection {
        stream,
        framer: Framer::new(),
        transaction: 0,
    })
}

/// Why work on a connection ended.
enum Ended {
    /// Nothing was asked for the device's `idle_close`.
    Idle,
    /// The device closed it while nothing was asked, after it had answered on it.
    Dropped(String),
    /// It is of no use any more.
    Broken(String),
    /// The device is isolated.
    Isolated,
}

async fn work(
    link: &Link,
    device: &Device,
    mut connection: Connection,
    backoff: &mut Backoff,
    isolation: &mut Isolation,
) -> Ended {
    let settings = device.link();
    let mut silences = 0;
    let mut answered = false;
    loop {
        if isolation.borrow().is_some() {
            return Ended::Isolated;
        }
        let Some(job) = link.take() else {
            link.done();
            tokio::select! {
                () = isolated(isolation) => return Ended::Isolated,
                () = link.work.notified() => {}
                lost = connection.lost() => return match answered {
                    true => Ended::Dropped(lost),
                    false => Ended::Broken(lost),
                },
                () = idle(settings.idle_close) => return Ended::Idle,
            }
            continue;
        };
        let exchanged = exchange(link.clock, device, &mut connection, isolation, job).await;
        link.done();
        match exchanged {
            Exchanged::Answered => {
                silences = 0;
                answered = true;
                backoff.succeeded();
            }
            Exchanged::Unsent => {}
            Exchanged::Silent => {
                silences += 1;
                if silences >= SILENCES_BEFORE_BREAK {
                    return Ended::Broken(format!("it left {silences} requests unanswered"));
                }
            }
            Exchanged::Broken(why) => return Ended::Broken(why),
            Exchanged::Isolated => return Ended::Isolated,
        }
        if !settings.pause.is_zero() {
            tokio::select! {
                () = sleep(settings.pause) => {}
                () = isolated(isolation) => return Ended::Isolated,
            }
        }
    }
}

async fn idle(close: Option<Duration>) {
    match close {
        Some(after) => sleep(after).await,
        None => std::future::pending().await,
    }
}

enum Exchanged {
    Answered,
    /// It was withheld; the connection is as it was.
    Unsent,
    /// No answer in time. A late one will carry a transaction id that is not asked for.
    Silent,
    Broken(String),
    /// The device was isolated before the answer came.
    Isolated,
}

/// One command: redeem, await the answer, hand it back.
async fn exchange(
    clock: Clock,
    device: &Device,
    connection: &mut Connection,
    isolation: &mut Isolation,
    job: Job,
) -> Exchanged {
    let Job { permit, reply } = job;
    let transaction = connection.next_transaction();
    let (unit, mut awaiting) = match send(clock, connection, isolation, transaction, permit).await {
        Sending::Sent(unit, awaiting) => (unit, awaiting),
        Sending::Torn(awaiting) => {
            let why = "the connection took only a part of the request";
            reply.finish(Err(awaiting.silent(why, clock.now())));
            return Exchanged::Broken(why.to_owned());
        }
        Sending::Withheld(refusal) => {
            reply.finish(Err(refusal));
            return Exchanged::Unsent;
        }
    };
    let limit = sleep(device.link().timeout);
    tokio::pin!(limit);
    let mut late = false;
    loop {
        let arrived = tokio::select! {
            arrived = connection.reply_to(transaction, unit), if !late => Some(arrived),
            () = isolated(isolation), if !late => {
                let why = "the device was isolated before the answer";
                reply.finish(Err(awaiting.silent(why, clock.now())));
                return Exchanged::Isolated;
            }
            () = &mut limit, if !late => {
                // The thread may have been kept elsewhere until now: an answer that is here
                // was not withheld by the device. One last look, and no more waiting.
                late = true;
                connection.at_hand(transaction, unit)
            }
            else => None,
        };
        let Some(arrived) = arrived else {
            let why = format!("no answer within {} ms", device.link().timeout.as_millis());
            reply.finish(Err(awaiting.silent(&why, clock.now())));
            return Exchanged::Silent;
        };
        let pdu = match arrived {
            Ok(pdu) => pdu,
            Err(error) => {
                let why = format!("the connection broke before the answer: {error}");
                reply.finish(Err(awaiting.silent(&why, clock.now())));
                return Exchanged::Broken(why);
            }
        };
        awaiting = match awaiting.answer(pdu.as_bytes(), clock.now()) {
            Ok(answer) => {
                reply.finish(Ok(answer));
                return Exchanged::Answered;
            }
            Err(still_awaiting) => {
                let device = device.name();
                tracing::warn!(
                    device,
                    "a reply that does not answer its request was dropped"
                );
                still_awaiting
            }
        };
    }
}

enum Sending {
    Sent(UnitId, Awaiting),
    Torn(Awaiting),
    Withheld(Refusal),
}

/// Redeems a permit at the moment of sending. While the socket takes nothing the permit stays
/// what it was, and its deadline and standing are judged anew at each attempt (I7).
async fn send(
    clock: Clock,
    connection: &mut Connection,
    isolation: &mut Isolation,
    transaction: TransactionId,
    mut permit: Permit,
) -> Sending {
    let mut sent_to = UnitId::new(0);
    loop {
        let redeemed = permit.redeem(clock.now(), |unit, pdu| {
            sent_to = unit;
            connection.try_send(transaction, unit, pdu)
        });
        permit = match redeemed {
            Redeemed::Sent(awaiting) => return Sending::Sent(sent_to, awaiting),
            Redeemed::Torn(awaiting) => return Sending::Torn(awaiting),
            Redeemed::Withheld(refusal) => return Sending::Withheld(refusal),
            Redeemed::WouldBlock(permit) => permit,
        };
        let left = permit.deadline().since(clock.now().mono());
        // Late, and isolated, is judged by `redeem`; this only makes sure that it is asked.
        tokio::select! {
            _writable = connection.stream.writable() => {}
            () = isolated(isolation) => {}
            () = sleep(left + Duration::from_millis(1)) => {}
        }
    }
}

/// A connection to a device. What leaves it is a permit's PDU under a transaction id of ours.
struct Connection {
    stream: TcpStream,
    framer: Framer,
    transaction: u16,
}

impl Connection {
    fn next_transaction(&mut self) -> TransactionId {
        self.transaction = self.transaction.wrapping_add(1);
        TransactionId::new(self.transaction)
    }

    fn try_send(&self, transaction: TransactionId, unit: UnitId, pdu: &Pdu) -> io::Result<Handed> {
        let adu = encode_adu(transaction, unit, pdu);
        let taken = self.stream.try_write(adu.as_bytes())?;
        Ok(if taken == adu.as_bytes().len() {
            Handed::Whole
        } else {
            Handed::Part
        })
    }

    /// The next reply under this transaction and unit; every other is dropped. Safe to drop at
    /// its await: what has arrived stays in the framer.
    async fn reply_to(&mut self, transaction: TransactionId, unit: UnitId) -> io::Result<Pdu> {
        loop {
            if let Some(pdu) = self.held(transaction, unit)? {
                return Ok(pdu);
            }
            self.receive().await?;
        }
    }

    /// The same without waiting, among the first that the socket holds: a device that never
    /// stops talking must not keep us.
    fn at_hand(&mut self, transaction: TransactionId, unit: UnitId) -> Option<io::Result<Pdu>> {
        for _ in 0..READS_AT_HAND_MAX {
            match self.held(transaction, unit).transpose() {
                None => {}
                found => return found,
            }
            match self.stream.try_read(self.framer.spare()) {
                Ok(0) => return Some(Err(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => self.framer.filled(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }

    fn held(&mut self, transaction: TransactionId, unit: UnitId) -> io::Result<Option<Pdu>> {
        while let Some(adu) = self.framer.next_adu().map_err(io::Error::other)? {
            if adu.transaction == transaction && adu.unit == unit {
                let pdu = Pdu::new(adu.pdu).ok_or(io::ErrorKind::InvalidData)?;
                return Ok(Some(pdu));
            }
        }
        Ok(None)
    }

    /// Waits for the end of a connection that owes us nothing. What arrives is dropped.
    async fn lost(&mut self) -> String {
        loop {
            match self.framer.next_adu() {
                Ok(Some(_)) => tracing::debug!("a reply that nobody asked for was dropped"),
                Ok(None) => {
                    if let Err(error) = self.receive().await {
                        return format!("the connection was lost: {error}");
                    }
                }
                Err(error) => return format!("the device sent no Modbus/TCP: {error}"),
            }
        }
    }

    async fn receive(&mut self) -> io::Result<()> {
        self.stream.readable().await?;
        match self.stream.try_read(self.framer.spare()) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.framer.filled(count);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }
}

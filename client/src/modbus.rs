//! A Modbus/TCP client for one command at a time over one conversation. It speaks through the
//! project's own codec: counts and echoes of every reply are checked against its request.

use interlock_broker::clock::Clock;
use interlock_protocols::conduit::Notice;
use interlock_protocols::modbus::tcp::{Framer, encode_adu};
use interlock_protocols::modbus::{
    ExceptionCode, Pdu, Reply, Request, Response, TransactionId, UnitId,
};
use tokio::time::{sleep, timeout};

use crate::failure::{Failure, Kind};
use crate::gateway::{Gateway, Stream};
use crate::limits::{EXPLANATION_TIMEOUT, HELD_ASKS_EVERY, HELD_MAX, REPLY_TIMEOUT};
use crate::{notice, screen};

/// A client on one conversation.
#[derive(Debug)]
pub struct Client {
    stream: Stream,
    framer: Framer,
    transaction: u16,
}

/// What came back to one request.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and most are replies"
)]
pub enum Answer {
    /// The device's reply; it answers the request. Read it with [`Answer::response`].
    Normal(Pdu),
    /// An exception, from the gateway or from the device.
    Exception {
        /// Our transaction id, by which a notice names the request.
        transaction: u16,
        /// The code.
        code: ExceptionCode,
    },
}

impl Answer {
    /// The reply in its type; `None` for an exception.
    pub fn response<'a>(&'a self, request: &Request<'_>) -> Option<Response<'a>> {
        match self {
            Answer::Normal(pdu) => match Reply::decode(request, pdu.as_bytes()) {
                Ok(Reply::Normal(response)) => Some(response),
                _ => None,
            },
            Answer::Exception { .. } => None,
        }
    }
}

impl Client {
    /// Takes over a conversation that was just opened.
    pub fn new(stream: Stream) -> Client {
        Client {
            stream,
            framer: Framer::new(),
            transaction: 0,
        }
    }

    /// The conversation's number, as in notices.
    pub fn conversation(&self) -> u64 {
        self.stream.conversation
    }

    /// Sends one request and waits for its answer. A request is never sent twice.
    pub async fn ask(&mut self, unit: UnitId, request: &Request<'_>) -> Result<Answer, Failure> {
        self.transaction = self.transaction.wrapping_add(1);
        match timeout(REPLY_TIMEOUT, self.exchange(unit, request)).await {
            Ok(answer) => answer,
            Err(_) => Err(broken(request, "no answer came in time")),
        }
    }

    async fn exchange(&mut self, unit: UnitId, request: &Request<'_>) -> Result<Answer, Failure> {
        let transaction = TransactionId::new(self.transaction);
        let adu = encode_adu(transaction, unit, &request.encode());
        self.stream
            .send
            .write_all(adu.as_bytes())
            .await
            .map_err(|error| broken(request, &error.to_string()))?;
        loop {
            let next = self.framer.next_adu();
            if let Some(adu) = next.map_err(|error| broken(request, &error.to_string()))? {
                // Nothing else is outstanding; an answer to something older is not for us.
                if adu.transaction != transaction {
                    continue;
                }
                return judge(request, transaction, adu.pdu);
            }
            let read = self.stream.recv.read(self.framer.spare()).await;
            match read.map_err(|error| broken(request, &error.to_string()))? {
                Some(count) => self.framer.filled(count),
                None => return Err(broken(request, "the gateway ended the conversation")),
            }
        }
    }
}

fn judge(request: &Request<'_>, transaction: TransactionId, pdu: &[u8]) -> Result<Answer, Failure> {
    match Reply::decode(request, pdu) {
        Ok(Reply::Normal(_)) => Pdu::new(pdu)
            .map(Answer::Normal)
            .ok_or_else(|| broken(request, "an empty reply")),
        Ok(Reply::Exception(code)) => Ok(Answer::Exception {
            transaction: transaction.value(),
            code,
        }),
        Err(mismatch) => Err(broken(request, &mismatch.to_string())),
    }
}

/// Without a good answer to a command with effect, nobody here knows what it did.
fn broken(request: &Request<'_>, why: &str) -> Failure {
    let next = if request.has_effect() {
        "it is not known whether the command took effect: read the value back before you try again; the journal has its outcome"
    } else {
        "try again"
    };
    Failure::new(Kind::Failed, format!("no usable answer: {why}"), next)
}

/// Why there was an exception. The gateway explains its own refusals on the control stream; what
/// it does not explain came from the device.
pub async fn explain(
    gateway: &mut Gateway,
    conversation: u64,
    transaction: u16,
    code: ExceptionCode,
) -> Failure {
    explained(notice_of(gateway, conversation, transaction).await, code)
}

fn explained(notice: Option<Notice>, code: ExceptionCode) -> Failure {
    match notice {
        Some(notice) => Failure::new(kind_of(code), notice::told(&notice), notice.next),
        None => unexplained(code),
    }
}

/// Asks a command, and goes on asking while it waits for somebody's yes: that is for this very
/// session and command, so whoever went away and came back would wait for another one.
pub(crate) async fn ask_through(
    gateway: &mut Gateway,
    client: &mut Client,
    unit: UnitId,
    request: &Request<'_>,
) -> Result<Answer, Failure> {
    let clock = Clock::start();
    let began = clock.now().mono();
    let mut told = None;
    loop {
        let answer = client.ask(unit, request).await?;
        let Answer::Exception { transaction, code } = answer else {
            return Ok(answer);
        };
        let notice = notice_of(gateway, client.conversation(), transaction).await;
        let held = notice.as_ref().is_some_and(|notice| notice.reason == HELD);
        if !held || clock.now().mono().since(began) >= HELD_MAX {
            return Err(explained(notice, code));
        }
        told.get_or_insert_with(|| {
            let what = notice.map(|notice| notice.what).unwrap_or_default();
            screen::say(&format!("{what}; Ctrl-C gives up"));
        });
        sleep(HELD_ASKS_EVERY).await;
    }
}

/// The reason of a refusal that a yes ends.
const HELD: &str = "held";

/// The gateway's explanation of its own refusal; `None` where none comes.
pub(crate) async fn notice_of(
    gateway: &mut Gateway,
    conversation: u64,
    transaction: u16,
) -> Option<Notice> {
    let explained = async {
        loop {
            match gateway.next_notice().await {
                Ok(notice) => {
                    if notice.conversation == conversation && notice.transaction == transaction {
                        return Some(notice);
                    }
                }
                Err(_) => return None,
            }
        }
    };
    timeout(EXPLANATION_TIMEOUT, explained).await.ok()?
}

/// The gateway refuses with 01 what a rule, a limit or the session's standing forbids.
fn kind_of(code: ExceptionCode) -> Kind {
    match code {
        ExceptionCode::IllegalFunction => Kind::Denied,
        ExceptionCode::GatewayPathUnavailable => Kind::Unreachable,
        _ => Kind::Failed,
    }
}

fn unexplained(code: ExceptionCode) -> Failure {
    let kind = match code {
        ExceptionCode::GatewayPathUnavailable => Kind::Unreachable,
        _ => Kind::Failed,
    };
    Failure::new(
        kind,
        format!("the device answered with an exception: {code}"),
        match code {
            ExceptionCode::IllegalDataAddress => "check the address in the device's manual",
            ExceptionCode::IllegalFunction => "the device does not know this function",
            _ => "see the device's manual",
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use interlock_protocols::modbus::Address;

    fn write() -> Request<'static> {
        Request::WriteSingleRegister {
            address: Address::new(100),
            value: 900,
        }
    }

    #[test]
    fn a_reply_that_does_not_echo_is_no_answer() {
        let transaction = TransactionId::new(1);
        let echo = write().encode();
        let answer = judge(&write(), transaction, echo.as_bytes()).unwrap();
        assert_eq!(
            answer.response(&write()),
            Some(Response::WriteSingleRegister {
                address: Address::new(100),
                value: 900
            })
        );
        let failure = judge(&write(), transaction, &[6, 0, 100, 0x03, 0x85]).unwrap_err();
        assert!(failure.next().contains("read the value back"), "{failure}");
    }

    #[test]
    fn an_exception_keeps_its_transaction_to_find_its_notice() {
        let answer = judge(&write(), TransactionId::new(7), &[0x86, 1]).unwrap();
        let expected = Answer::Exception {
            transaction: 7,
            code: ExceptionCode::IllegalFunction,
        };
        assert_eq!(answer, expected);
        assert_eq!(answer.response(&write()), None);
    }

    #[test]
    fn only_an_explained_01_is_a_denial() {
        assert_eq!(kind_of(ExceptionCode::IllegalFunction), Kind::Denied);
        assert_eq!(
            unexplained(ExceptionCode::IllegalFunction).kind(),
            Kind::Failed
        );
        for code in [
            ExceptionCode::IllegalDataAddress,
            ExceptionCode::IllegalDataValue,
            ExceptionCode::ServerDeviceFailure,
            ExceptionCode::ServerDeviceBusy,
            ExceptionCode::GatewayTargetFailed,
        ] {
            assert_eq!(kind_of(code), Kind::Failed, "{code}");
        }
        let unreachable = ExceptionCode::GatewayPathUnavailable;
        assert_eq!(kind_of(unreachable), Kind::Unreachable);
        assert_eq!(unexplained(unreachable).kind(), Kind::Unreachable);
    }

    #[test]
    fn a_read_without_an_answer_may_be_tried_again() {
        let read = Request::ReadFifoQueue {
            address: Address::new(0),
        };
        assert_eq!(broken(&read, "x").next(), "try again");
    }
}

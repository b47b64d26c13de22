//! Replies with a shape of their own: the event log, the server id and the FIFO queue.

use super::{Mismatch, Pdu, Registers};
use crate::limits::{EVENT_LOG_MAX, FIFO_VALUES_MAX, PDU_MAX_BYTES};

/// The reply of function 12.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventLog<'a> {
    status: u16,
    events: u16,
    messages: u16,
    log: &'a [u8],
}

impl<'a> EventLog<'a> {
    /// `None` for more than 64 events in the log. The newest comes first.
    pub fn new(status: u16, events: u16, messages: u16, log: &'a [u8]) -> Option<EventLog<'a>> {
        (log.len() <= EVENT_LOG_MAX).then_some(EventLog {
            status,
            events,
            messages,
            log,
        })
    }

    /// `body` is what follows the function code.
    pub(super) fn decode(body: &'a [u8]) -> Result<EventLog<'a>, Mismatch> {
        match counted(body)? {
            &[s0, s1, e0, e1, m0, m1, ref log @ ..] => EventLog::new(
                u16::from_be_bytes([s0, s1]),
                u16::from_be_bytes([e0, e1]),
                u16::from_be_bytes([m0, m1]),
                log,
            )
            .ok_or(Mismatch::Count),
            _ => Err(Mismatch::Length),
        }
    }

    pub(super) fn encode(&self, pdu: &mut Pdu) {
        pdu.put_count(self.log.len().saturating_add(6));
        pdu.put_word(self.status).put_word(self.events);
        pdu.put_word(self.messages).put(self.log);
    }

    /// 0xFFFF while a command is being carried out, else 0.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Commands carried out.
    pub const fn events(&self) -> u16 {
        self.events
    }

    /// Messages handled.
    pub const fn messages(&self) -> u16 {
        self.messages
    }

    /// One byte an event, the newest first.
    pub const fn log(&self) -> &'a [u8] {
        self.log
    }
}

/// The reply of function 17. Only the maker knows where the id ends and the rest begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServerId<'a>(&'a [u8]);

impl<'a> ServerId<'a> {
    /// `None` for no bytes at all, and for more than fit into a PDU.
    pub fn new(bytes: &'a [u8]) -> Option<ServerId<'a>> {
        let fits = !bytes.is_empty() && bytes.len() <= PDU_MAX_BYTES.saturating_sub(2);
        fits.then_some(ServerId(bytes))
    }

    /// `body` is what follows the function code.
    pub(super) fn decode(body: &'a [u8]) -> Result<ServerId<'a>, Mismatch> {
        ServerId::new(counted(body)?).ok_or(Mismatch::Length)
    }

    pub(super) fn encode(&self, pdu: &mut Pdu) {
        pdu.put_count(self.0.len()).put(self.0);
    }

    /// Id, run indicator and whatever else.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// The reply of function 24: up to 31 values, perhaps none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FifoValues<'a>(Registers<'a>);

impl<'a> FifoValues<'a> {
    /// `None` for more than 31 values.
    pub fn new(values: Registers<'a>) -> Option<FifoValues<'a>> {
        (values.len() <= FIFO_VALUES_MAX).then_some(FifoValues(values))
    }

    /// `body` is what follows the function code: a byte count, which counts the count of values
    /// as well, that count, and the values.
    pub(super) fn decode(body: &'a [u8]) -> Result<FifoValues<'a>, Mismatch> {
        let &[b0, b1, ref counted @ ..] = body else {
            return Err(Mismatch::Length);
        };
        let &[c0, c1, ref values @ ..] = counted else {
            return Err(Mismatch::Length);
        };
        if usize::from(u16::from_be_bytes([b0, b1])) != counted.len() {
            return Err(Mismatch::Length);
        }
        let values = Registers::new(values).ok_or(Mismatch::Length)?;
        if values.len() != usize::from(u16::from_be_bytes([c0, c1])) {
            return Err(Mismatch::Count);
        }
        FifoValues::new(values).ok_or(Mismatch::Count)
    }

    pub(super) fn encode(&self, pdu: &mut Pdu) {
        let bytes = self.0.as_bytes();
        pdu.put(&[0]).put_count(bytes.len().saturating_add(2));
        pdu.put(&[0]).put_count(self.0.len()).put(bytes);
    }

    /// The values, the oldest first.
    pub const fn values(&self) -> Registers<'a> {
        self.0
    }
}

/// What a byte count in front announces, when it says exactly what follows.
pub(super) fn counted(body: &[u8]) -> Result<&[u8], Mismatch> {
    match body.split_first() {
        Some((&count, data)) if usize::from(count) == data.len() => Ok(data),
        _ => Err(Mismatch::Length),
    }
}

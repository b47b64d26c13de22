//! Modbus over TCP: cutting ADUs from a stream, and making them; Messaging on TCP/IP V1.0b §3.

use core::fmt;

use super::{Pdu, TransactionId, UnitId};
use crate::limits::{MBAP_BYTES, TCP_ADU_MAX_BYTES};

/// Unit id and PDU, which the length field counts together.
const LENGTHS: core::ops::RangeInclusive<u16> = 2..=254;
/// Bytes in front of the unit id, which the length field does not count.
const UNCOUNTED: usize = 6;

/// One application data unit, as borrowed from the framer. Its PDU is not judged yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Adu<'a> {
    /// The peer's transaction id.
    pub transaction: TransactionId,
    /// The unit meant.
    pub unit: UnitId,
    /// 1 to 253 bytes.
    pub pdu: &'a [u8],
}

/// Why a stream can not be read any further: it is not Modbus, or its peer lost its place. There
/// is no way to find the next header, so the connection is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FramingError {
    /// The protocol id is not 0.
    Protocol(u16),
    /// The length is below 2 or above 254.
    Length(u16),
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FramingError::Protocol(id) => write!(f, "protocol id {id} in the header, not 0")?,
            FramingError::Length(n) => write!(f, "length {n} in the header, not 2 to 254")?,
        }
        f.write_str("; the peer does not speak Modbus/TCP, the connection is closed")
    }
}

impl core::error::Error for FramingError {}

/// Cuts ADUs from a stream, in memory of one ADU. Read into [`Framer::spare`], say how much with
/// [`Framer::filled`], then call [`Framer::next_adu`] until it has no more.
#[derive(Clone, Debug)]
pub struct Framer {
    buffer: [u8; TCP_ADU_MAX_BYTES],
    start: usize,
    end: usize,
}

impl Framer {
    /// An empty one, for a new connection.
    pub const fn new() -> Framer {
        Framer {
            buffer: [0; TCP_ADU_MAX_BYTES],
            start: 0,
            end: 0,
        }
    }

    /// Where to put the next bytes. Never empty once `next_adu` has said that it has no more: a
    /// read into no space would look like the end of the stream.
    pub fn spare(&mut self) -> &mut [u8] {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end = self.end.saturating_sub(self.start);
        self.start = 0;
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// That many bytes of the spare room now hold what was read.
    pub fn filled(&mut self, count: usize) {
        let end = self.end.saturating_add(count);
        debug_assert!(end <= TCP_ADU_MAX_BYTES, "more bytes than there was room");
        self.end = end.min(TCP_ADU_MAX_BYTES);
    }

    /// The next ADU, once it is there whole. A header is judged as soon as it can be: nobody
    /// makes us wait for bytes that could never be right. An error stays.
    pub fn next_adu(&mut self) -> Result<Option<Adu<'_>>, FramingError> {
        let held = self.buffer.get(self.start..self.end).unwrap_or_default();
        let Some(length) = judge(held)? else {
            return Ok(None);
        };
        let next = self.start.saturating_add(length);
        if next > self.end {
            return Ok(None);
        }
        let adu = self.buffer.get(self.start..next).unwrap_or_default();
        self.start = next;
        match adu {
            &[t0, t1, _, _, _, _, unit, ref pdu @ ..] => Ok(Some(Adu {
                transaction: TransactionId::new(u16::from_be_bytes([t0, t1])),
                unit: UnitId::new(unit),
                pdu,
            })),
            _ => Ok(None),
        }
    }

    /// Whether part of an ADU is waiting for the rest: the time of a slow peer is running.
    pub const fn is_mid_adu(&self) -> bool {
        self.start < self.end
    }
}

impl Default for Framer {
    fn default() -> Framer {
        Framer::new()
    }
}

/// The length of the whole ADU in front; `None` while the header does not say it yet.
fn judge(held: &[u8]) -> Result<Option<usize>, FramingError> {
    let &[_, _, p0, p1, ref rest @ ..] = held else {
        return Ok(None);
    };
    match u16::from_be_bytes([p0, p1]) {
        0 => {}
        other => return Err(FramingError::Protocol(other)),
    }
    let &[l0, l1, ..] = rest else {
        return Ok(None);
    };
    let length = u16::from_be_bytes([l0, l1]);
    if !LENGTHS.contains(&length) {
        return Err(FramingError::Length(length));
    }
    Ok(Some(usize::from(length).saturating_add(UNCOUNTED)))
}

/// A whole ADU, ready to send.
#[derive(Clone)]
pub struct AduBytes {
    bytes: [u8; TCP_ADU_MAX_BYTES],
    length: usize,
}

impl AduBytes {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl fmt::Debug for AduBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AduBytes({:02x?})", self.as_bytes())
    }
}

/// Puts header and PDU together.
pub fn encode_adu(transaction: TransactionId, unit: UnitId, pdu: &Pdu) -> AduBytes {
    let [t0, t1] = transaction.value().to_be_bytes();
    let [l0, l1] = u16::from(pdu.length()).saturating_add(1).to_be_bytes();
    let header: [u8; MBAP_BYTES] = [t0, t1, 0, 0, l0, l1, unit.value()];
    let mut bytes = [0; TCP_ADU_MAX_BYTES];
    let all = header.iter().chain(pdu.as_bytes());
    // Both have a place: 7 and 253 bytes make the 260 of the buffer.
    for (place, byte) in bytes.iter_mut().zip(all) {
        *place = *byte;
    }
    AduBytes {
        bytes,
        length: MBAP_BYTES.saturating_add(usize::from(pdu.length())),
    }
}

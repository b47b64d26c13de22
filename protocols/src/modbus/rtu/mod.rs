//! Modbus on a serial line: CRC and framing of RTU mode; Serial Line V1.02 §2.5.1.
//!
//! Frames are cut by the length that their first bytes imply and judged by their CRC. Whatever
//! fails is dropped until the line falls silent, so no frame is ever found inside another.

mod length;

use core::fmt;

pub use length::{Length, reply_length, request_length};

use super::{Pdu, UnitId};
use crate::limits::{PDU_MAX_BYTES, RTU_ADU_MAX_BYTES};

/// Unit id, the shortest PDU, and CRC.
const SHORTEST: usize = 4;
/// Bytes around a PDU: unit id and CRC.
const AROUND: usize = 3;
/// One byte more than the longest frame, to notice one that is longer.
const BUFFER: usize = 257;

/// CRC-16 of RTU mode: polynomial 0xA001 from the low end, begun at 0xFFFF. On the line the low
/// byte comes first.
pub fn crc16(bytes: &[u8]) -> u16 {
    let mut crc = u16::MAX;
    for byte in bytes {
        crc ^= u16::from(*byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc >>= 1;
            if carry == 1 {
                crc ^= 0xA001;
            }
        }
    }
    crc
}

/// One frame whose CRC is right. Its PDU is not judged yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RtuAdu<'a> {
    /// The unit meant, or the unit that answers.
    pub unit: UnitId,
    /// 1 to 253 bytes.
    pub pdu: &'a [u8],
}

/// Why bytes from a serial line are no frame: noise, or a peer that does not keep the rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RtuError {
    /// Fewer than 4 bytes, more than 256, or not as many as the first bytes imply.
    Length(usize),
    /// The CRC does not match the bytes.
    Crc {
        /// What the bytes give.
        computed: u16,
        /// What the frame says.
        received: u16,
    },
}

impl fmt::Display for RtuError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RtuError::Length(count) => write!(f, "{count} bytes are no frame on the serial line")?,
            RtuError::Crc { computed, received } => {
                write!(f, "CRC {received:04x} on the line, {computed:04x} expected")?;
            }
        }
        f.write_str("; check wiring, speed and parity")
    }
}

impl core::error::Error for RtuError {}

/// Reads exactly one frame.
pub fn decode(frame: &[u8]) -> Result<RtuAdu<'_>, RtuError> {
    if !(SHORTEST..=RTU_ADU_MAX_BYTES).contains(&frame.len()) {
        return Err(RtuError::Length(frame.len()));
    }
    let Some((judged, &crc)) = frame.split_last_chunk() else {
        return Err(RtuError::Length(frame.len()));
    };
    let (computed, received) = (crc16(judged), u16::from_le_bytes(crc));
    match judged {
        &[unit, ref pdu @ ..] if computed == received => Ok(RtuAdu {
            unit: UnitId::new(unit),
            pdu,
        }),
        _ => Err(RtuError::Crc { computed, received }),
    }
}

/// A whole frame, ready to send.
#[derive(Clone)]
pub struct RtuBytes {
    bytes: [u8; RTU_ADU_MAX_BYTES],
    length: usize,
}

impl RtuBytes {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl fmt::Debug for RtuBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RtuBytes({:02x?})", self.as_bytes())
    }
}

/// Puts unit id, PDU and CRC together.
pub fn encode_adu(unit: UnitId, pdu: &Pdu) -> RtuBytes {
    let mut frame = RtuBytes {
        bytes: [0; RTU_ADU_MAX_BYTES],
        length: usize::from(pdu.length()).saturating_add(1),
    };
    copy(&mut frame.bytes, &[&[unit.value()], pdu.as_bytes()]);
    let crc = crc16(frame.as_bytes()).to_le_bytes();
    copy(
        frame.bytes.get_mut(frame.length..).unwrap_or_default(),
        &[&crc],
    );
    frame.length = frame.length.saturating_add(crc.len());
    frame
}

fn copy(into: &mut [u8], parts: &[&[u8]]) {
    for (place, byte) in into.iter_mut().zip(parts.iter().copied().flatten()) {
        *place = *byte;
    }
}

/// Which way the frames of a stream go: their lengths are told differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Towards the units.
    Requests,
    /// From the units.
    Replies,
}

/// Cuts frames from what a serial line delivers. Read into [`Framer::spare`], say how much with
/// [`Framer::filled`], call [`Framer::next_adu`] until it has no more, and tell it with
/// [`Framer::idle`] when the line has been silent.
#[derive(Clone, Debug)]
pub struct Framer {
    direction: Direction,
    buffer: [u8; BUFFER],
    start: usize,
    end: usize,
    // Something was wrong: drop everything until the line is silent.
    lost: bool,
}

impl Framer {
    /// An empty one.
    pub const fn new(direction: Direction) -> Framer {
        Framer {
            direction,
            buffer: [0; BUFFER],
            start: 0,
            end: 0,
            lost: false,
        }
    }

    /// Where to put the next bytes. Never empty once `next_adu` has said that it has no more.
    pub fn spare(&mut self) -> &mut [u8] {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end = self.end.saturating_sub(self.start);
        self.start = 0;
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// That many bytes of the spare room now hold what was read.
    pub fn filled(&mut self, count: usize) {
        if self.lost {
            return;
        }
        let end = self.end.saturating_add(count);
        debug_assert!(end <= BUFFER, "more bytes than there was room");
        self.end = end.min(BUFFER);
    }

    /// The next frame, once it is there whole. After an error, which is told once, everything up
    /// to the next silence is dropped.
    pub fn next_adu(&mut self) -> Result<Option<RtuAdu<'_>>, RtuError> {
        let held = self.end.saturating_sub(self.start);
        match self.length() {
            Length::Exactly(pdu) if pdu > PDU_MAX_BYTES => self.lose(held),
            Length::Exactly(pdu) if held >= pdu.saturating_add(AROUND) => {
                self.cut(pdu.saturating_add(AROUND), true)
            }
            _ if held > RTU_ADU_MAX_BYTES => self.lose(held),
            _ => Ok(None),
        }
    }

    /// The line has been silent for longer than a frame may pause. Gives the frames that are
    /// whole, one a call; then the one that only silence ends, or the error of what is left.
    pub fn idle(&mut self) -> Result<Option<RtuAdu<'_>>, RtuError> {
        self.lost = false;
        let held = self.end.saturating_sub(self.start);
        match self.length() {
            _ if held == 0 => Ok(None),
            Length::Exactly(pdu) if held >= pdu.saturating_add(AROUND) => {
                self.cut(pdu.saturating_add(AROUND), false)
            }
            Length::UntilIdle => self.cut(held, false),
            _ => {
                self.drop_all();
                Err(RtuError::Length(held))
            }
        }
    }

    /// Whether part of a frame is waiting for the rest.
    pub const fn is_mid_adu(&self) -> bool {
        self.start < self.end
    }

    fn length(&self) -> Length {
        let held = self.buffer.get(self.start..self.end).unwrap_or_default();
        let pdu = held.get(1..).unwrap_or_default();
        match self.direction {
            Direction::Requests => request_length(pdu),
            Direction::Replies => reply_length(pdu),
        }
    }

    fn cut(&mut self, count: usize, lost: bool) -> Result<Option<RtuAdu<'_>>, RtuError> {
        let (from, to) = (self.start, self.start.saturating_add(count));
        let frame = self.buffer.get(from..to).unwrap_or_default();
        let unit = match decode(frame) {
            Ok(adu) => adu.unit,
            Err(error) => {
                self.drop_all();
                self.lost = lost;
                return Err(error);
            }
        };
        self.start = to;
        let pdu = self
            .buffer
            .get(from.saturating_add(1)..to.saturating_sub(2));
        let pdu = pdu.unwrap_or_default();
        Ok(Some(RtuAdu { unit, pdu }))
    }

    fn lose(&mut self, held: usize) -> Result<Option<RtuAdu<'_>>, RtuError> {
        self.drop_all();
        self.lost = true;
        Err(RtuError::Length(held))
    }

    fn drop_all(&mut self) {
        self.start = 0;
        self.end = 0;
    }
}

//! The owned form of a request or a reply, which crosses tasks: 253 bytes inline.

use core::fmt;

use super::ExceptionCode;
use crate::limits::PDU_MAX_BYTES;

/// The bit that turns the function code of a request into that of its exception.
pub(super) const EXCEPTION_BIT: u8 = 0x80;

/// A protocol data unit of 1 to 253 bytes. The bytes themselves are not judged here.
#[derive(Clone)]
pub struct Pdu {
    bytes: [u8; PDU_MAX_BYTES],
    length: u8,
}

impl Pdu {
    /// `None` for no bytes at all and for more than 253.
    pub fn new(bytes: &[u8]) -> Option<Pdu> {
        if bytes.is_empty() || bytes.len() > PDU_MAX_BYTES {
            return None;
        }
        let mut pdu = Pdu::empty();
        pdu.put(bytes);
        Some(pdu)
    }

    /// The exception reply to a request of this function code.
    pub fn exception(function: u8, code: ExceptionCode) -> Pdu {
        let mut pdu = Pdu::starting(function | EXCEPTION_BIT);
        pdu.put(&[code.code()]);
        pdu
    }

    /// The bytes, never empty.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }

    /// How many bytes: 1 to 253.
    pub(super) const fn length(&self) -> u8 {
        self.length
    }

    const fn empty() -> Pdu {
        Pdu {
            bytes: [0; PDU_MAX_BYTES],
            length: 0,
        }
    }

    pub(super) fn starting(function: u8) -> Pdu {
        let mut pdu = Pdu::empty();
        pdu.put(&[function]);
        pdu
    }

    /// Appends. The types of requests and replies cannot hold more than fits (`limits.rs` checks
    /// the sums when compiling), so there is no error that a caller could do anything about.
    pub(super) fn put(&mut self, bytes: &[u8]) -> &mut Pdu {
        let start = usize::from(self.length);
        let end = start.saturating_add(bytes.len());
        let room = self.bytes.get_mut(start..end);
        debug_assert!(room.is_some(), "a PDU of {end} bytes");
        if let (Some(room), Ok(length)) = (room, u8::try_from(end)) {
            room.copy_from_slice(bytes);
            self.length = length;
        }
        self
    }

    pub(super) fn put_word(&mut self, word: u16) -> &mut Pdu {
        self.put(&word.to_be_bytes())
    }

    /// A count of bytes in one byte. Counts are bounded by the PDU, which is shorter than 256.
    pub(super) fn put_count(&mut self, count: usize) -> &mut Pdu {
        let byte = u8::try_from(count);
        debug_assert!(byte.is_ok(), "a byte count of {count}");
        self.put(&[byte.unwrap_or(u8::MAX)])
    }
}

impl PartialEq for Pdu {
    fn eq(&self, other: &Pdu) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Pdu {}

impl fmt::Debug for Pdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pdu(")?;
        for (index, byte) in self.as_bytes().iter().enumerate() {
            let gap = if index == 0 { "" } else { " " };
            write!(f, "{gap}{byte:02x}")?;
        }
        f.write_str(")")
    }
}

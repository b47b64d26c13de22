//! Function 8, diagnostics: some sub-functions only count, some change the device; V1.1b3 §6.8.

use super::{Malformed, Mismatch, Pdu};
use crate::limits::LOOPBACK_MAX_BYTES;

const FUNCTION: u8 = 8;
/// The data field of sub-function 1 that also clears the event log.
const CLEAR_LOG: u16 = 0xFF00;

/// A diagnostic request. Sub-functions that we do not know are refused as unknown functions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Diagnostics<'a> {
    /// 0: send the same bytes back.
    Loopback(Loopback<'a>),
    /// 1: restart the port; leaves listen-only mode. An effect.
    RestartCommunications {
        /// Also clear the event log.
        clear_log: bool,
    },
    /// 2: read the diagnostic register.
    DiagnosticRegister,
    /// 3: change the delimiter of ASCII mode. An effect.
    ChangeDelimiter(Delimiter),
    /// 4: fall silent until restarted. An effect, and never answered.
    ForceListenOnly,
    /// 10: clear all counters and the diagnostic register. An effect.
    ClearCounters,
    /// 11 to 18: read one counter.
    Counter(Counter),
    /// 20: clear the overrun counter and its flag. An effect.
    ClearOverrun,
}

/// The counters of sub-functions 11 to 18.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counter {
    /// 11: messages seen on the line.
    BusMessages,
    /// 12: CRC errors seen on the line.
    BusErrors,
    /// 13: exceptions that the server returned.
    Exceptions,
    /// 14: messages addressed to the server.
    ServerMessages,
    /// 15: messages that the server did not answer.
    NoResponse,
    /// 16: negative acknowledgements.
    NegativeAcknowledges,
    /// 17: times that the server was busy.
    Busy,
    /// 18: characters lost to an overrun.
    CharacterOverruns,
}

impl Counter {
    /// All of them, in the order of their sub-functions.
    pub const ALL: [Counter; 8] = [
        Counter::BusMessages,
        Counter::BusErrors,
        Counter::Exceptions,
        Counter::ServerMessages,
        Counter::NoResponse,
        Counter::NegativeAcknowledges,
        Counter::Busy,
        Counter::CharacterOverruns,
    ];

    /// The sub-function that reads it.
    pub const fn sub_function(self) -> u16 {
        match self {
            Counter::BusMessages => 11,
            Counter::BusErrors => 12,
            Counter::Exceptions => 13,
            Counter::ServerMessages => 14,
            Counter::NoResponse => 15,
            Counter::NegativeAcknowledges => 16,
            Counter::Busy => 17,
            Counter::CharacterOverruns => 18,
        }
    }

    fn from_sub_function(code: u16) -> Option<Counter> {
        Counter::ALL.into_iter().find(|c| c.sub_function() == code)
    }
}

/// The bytes of a loopback: 1 to 125 words, meaning nothing to us. On a serial line they could
/// hold a whole frame, so the link bounds their length further.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Loopback<'a>(&'a [u8]);

impl<'a> Loopback<'a> {
    /// `None` unless there are 2 to 250 bytes, an even number.
    pub fn new(bytes: &'a [u8]) -> Option<Loopback<'a>> {
        let fits = !bytes.is_empty() && bytes.len() <= LOOPBACK_MAX_BYTES;
        (fits && bytes.len().is_multiple_of(2)).then_some(Loopback(bytes))
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// The character that ends a message in ASCII mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delimiter(u8);

impl Delimiter {
    /// `None` unless it is an ASCII character.
    pub const fn new(character: u8) -> Option<Delimiter> {
        if character.is_ascii() {
            Some(Delimiter(character))
        } else {
            None
        }
    }

    /// The character.
    pub const fn value(self) -> u8 {
        self.0
    }
}

impl<'a> Diagnostics<'a> {
    /// `body` is what follows the function code.
    pub(super) fn decode(body: &'a [u8]) -> Result<Diagnostics<'a>, Malformed> {
        let &[high, low, ref data @ ..] = body else {
            return Err(Malformed::Structure("diagnostics without a sub-function"));
        };
        let code = u16::from_be_bytes([high, low]);
        match code {
            0 => Loopback::new(data)
                .map(Diagnostics::Loopback)
                .ok_or(Malformed::Structure(
                    "loopback carries 2 to 250 bytes, an even number",
                )),
            1 => match word(data)? {
                0 => Ok(Diagnostics::RestartCommunications { clear_log: false }),
                CLEAR_LOG => Ok(Diagnostics::RestartCommunications { clear_log: true }),
                _ => Err(Malformed::Structure(
                    "restart communications takes 0x0000 or 0xFF00",
                )),
            },
            2 => zero(data, Diagnostics::DiagnosticRegister),
            3 => match word(data)?.to_be_bytes() {
                [character, 0] => Delimiter::new(character),
                _ => None,
            }
            .map(Diagnostics::ChangeDelimiter)
            .ok_or(Malformed::Structure(
                "the delimiter is an ASCII character followed by 0x00",
            )),
            4 => zero(data, Diagnostics::ForceListenOnly),
            10 => zero(data, Diagnostics::ClearCounters),
            20 => zero(data, Diagnostics::ClearOverrun),
            _ => match Counter::from_sub_function(code) {
                Some(counter) => zero(data, Diagnostics::Counter(counter)),
                None => Err(Malformed::UnknownFunction(FUNCTION)),
            },
        }
    }

    pub(super) fn encode(&self, pdu: &mut Pdu) {
        pdu.put_word(self.sub_function());
        match self {
            Diagnostics::Loopback(loopback) => pdu.put(loopback.0),
            Diagnostics::RestartCommunications { clear_log: true } => pdu.put_word(CLEAR_LOG),
            Diagnostics::ChangeDelimiter(delimiter) => pdu.put(&[delimiter.0, 0]),
            _ => pdu.put_word(0),
        };
    }

    /// The code on the wire.
    pub const fn sub_function(&self) -> u16 {
        match self {
            Diagnostics::Loopback(_) => 0,
            Diagnostics::RestartCommunications { .. } => 1,
            Diagnostics::DiagnosticRegister => 2,
            Diagnostics::ChangeDelimiter(_) => 3,
            Diagnostics::ForceListenOnly => 4,
            Diagnostics::ClearCounters => 10,
            Diagnostics::Counter(counter) => counter.sub_function(),
            Diagnostics::ClearOverrun => 20,
        }
    }

    /// Whether the device is another one afterwards.
    pub const fn has_effect(&self) -> bool {
        match self {
            Diagnostics::Loopback(_)
            | Diagnostics::DiagnosticRegister
            | Diagnostics::Counter(_) => false,
            Diagnostics::RestartCommunications { .. }
            | Diagnostics::ChangeDelimiter(_)
            | Diagnostics::ForceListenOnly
            | Diagnostics::ClearCounters
            | Diagnostics::ClearOverrun => true,
        }
    }
}

/// The reply to a diagnostic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiagnosticsReply<'a> {
    /// The request again: the loopback and everything with an effect.
    Echo(Diagnostics<'a>),
    /// The diagnostic register.
    Register(u16),
    /// One counter.
    Counter(Counter, u16),
}

impl<'a> DiagnosticsReply<'a> {
    /// `body` is what follows the function code.
    pub(super) fn decode(
        asked: &Diagnostics<'_>,
        body: &'a [u8],
    ) -> Result<DiagnosticsReply<'a>, Mismatch> {
        let &[high, low, ref data @ ..] = body else {
            return Err(Mismatch::Length);
        };
        if u16::from_be_bytes([high, low]) != asked.sub_function() {
            return Err(Mismatch::Echo);
        }
        match asked {
            Diagnostics::ForceListenOnly => Err(Mismatch::Unexpected),
            Diagnostics::DiagnosticRegister => Ok(DiagnosticsReply::Register(answer(data)?)),
            Diagnostics::Counter(counter) => Ok(DiagnosticsReply::Counter(*counter, answer(data)?)),
            _ => match Diagnostics::decode(body) {
                Ok(echo) if echo == *asked => Ok(DiagnosticsReply::Echo(echo)),
                _ => Err(Mismatch::Echo),
            },
        }
    }

    pub(super) fn encode(&self, pdu: &mut Pdu) {
        match self {
            DiagnosticsReply::Echo(echo) => echo.encode(pdu),
            DiagnosticsReply::Register(value) => {
                pdu.put_word(Diagnostics::DiagnosticRegister.sub_function());
                pdu.put_word(*value);
            }
            DiagnosticsReply::Counter(counter, value) => {
                pdu.put_word(counter.sub_function()).put_word(*value);
            }
        }
    }
}

fn answer(data: &[u8]) -> Result<u16, Mismatch> {
    word(data).map_err(|_| Mismatch::Length)
}

/// All sub-functions but the loopback carry exactly one word.
fn word(data: &[u8]) -> Result<u16, Malformed> {
    match *data {
        [high, low] => Ok(u16::from_be_bytes([high, low])),
        _ => Err(Malformed::Structure("this diagnostic is exactly 5 bytes")),
    }
}

fn zero<'a>(data: &[u8], request: Diagnostics<'a>) -> Result<Diagnostics<'a>, Malformed> {
    match word(data)? {
        0 => Ok(request),
        _ => Err(Malformed::Structure("this diagnostic takes 0x0000 alone")),
    }
}

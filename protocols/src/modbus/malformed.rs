//! Why bytes are not a request.

use core::fmt;

use super::ExceptionCode;

/// The client's fault, in the order in which it is judged. Each maps to one reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// No function code, or one of 128 and above: only a server may say that. There is no reply
    /// to it; the connection is closed.
    NotARequest,
    /// A function, sub-function or MEI type that we cannot judge: exception 01.
    UnknownFunction(u8),
    /// Length, count, byte count or a fixed value are wrong: exception 03. Says which.
    Structure(&'static str),
    /// The structure is right, but the range ends outside its table or file: exception 02.
    Address,
}

impl Malformed {
    /// What to answer; `None` means to close the connection.
    pub const fn exception(&self) -> Option<ExceptionCode> {
        match self {
            Malformed::NotARequest => None,
            Malformed::UnknownFunction(_) => Some(ExceptionCode::IllegalFunction),
            Malformed::Structure(_) => Some(ExceptionCode::IllegalDataValue),
            Malformed::Address => Some(ExceptionCode::IllegalDataAddress),
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::NotARequest => f.write_str(
                "not a Modbus request: no function code below 128; check what the client speaks",
            ),
            Malformed::UnknownFunction(code) => write!(
                f,
                "function {code}, or its sub-function, is not one that can be judged; ask with a \
                 function of the public standard"
            ),
            Malformed::Structure(what) => write!(f, "the client's request is malformed: {what}"),
            Malformed::Address => f.write_str(
                "the client's request ends outside the address space; check start and quantity",
            ),
        }
    }
}

impl core::error::Error for Malformed {}

//! Why bytes from a device are not the reply to what it was asked.

use core::fmt;

/// The device's fault, or a reply to something else. It is dropped: a client never gets to see
/// a reply that does not answer its request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mismatch {
    /// No bytes at all.
    Empty,
    /// It answers another function.
    Function {
        /// The function asked.
        asked: u8,
        /// The function code of the reply.
        answered: u8,
    },
    /// Its length is not the one that function and byte count imply.
    Length,
    /// It carries another number of values than was asked for.
    Count,
    /// It does not repeat what it has to repeat: address, value, sub-function.
    Echo,
    /// A field has a value that the standard does not know.
    Field(&'static str),
    /// There is no reply to this request, ever.
    Unexpected,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the device's reply does not answer the request: ")?;
        match self {
            Mismatch::Empty => f.write_str("it is empty"),
            Mismatch::Function { asked, answered } => {
                write!(f, "function {answered} in reply to function {asked}")
            }
            Mismatch::Length => f.write_str("its length is not the one that its function implies"),
            Mismatch::Count => f.write_str("it carries another number of values than asked for"),
            Mismatch::Echo => f.write_str("it does not repeat the request"),
            Mismatch::Field(name) => write!(f, "the standard knows no such {name}"),
            Mismatch::Unexpected => f.write_str("this request is never answered"),
        }
    }
}

impl core::error::Error for Mismatch {}

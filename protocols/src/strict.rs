//! One spelling for every message: CBOR that decodes, but is not what we would have written, is
//! refused. The library reads over-long integers, unknown later fields and trailing bytes; a
//! signature or a hash over bytes that have a second spelling proves less than it seems to.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use minicbor::{Decode, Encode};

/// Why bytes are not a message of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// Not CBOR of this shape; the text says what and where.
    Shape(String),
    /// It reads, but its one spelling is another: over-long numbers, unknown later fields, or
    /// bytes behind the end.
    Spelling,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::Shape(what) => write!(f, "not of the expected shape: {what}"),
            Malformed::Spelling => f.write_str(
                "not in its one spelling (over-long numbers, unknown fields or trailing bytes)",
            ),
        }
    }
}

impl core::error::Error for Malformed {}

impl From<minicbor::decode::Error> for Malformed {
    fn from(error: minicbor::decode::Error) -> Malformed {
        Malformed::Shape(error.to_string())
    }
}

/// The bytes of a message. Writing into a `Vec` cannot fail and no type of ours refuses to be
/// written; should that ever change, the result is empty, which no decoder here accepts.
pub(crate) fn to_bytes(message: &impl Encode<()>) -> Vec<u8> {
    minicbor::to_vec(message).unwrap_or_default()
}

/// The message of `bytes`, if they are its one spelling. Compares bytes, not values: NaN is
/// equal to itself here.
pub(crate) fn from_bytes<'b, T>(bytes: &'b [u8]) -> Result<T, Malformed>
where
    T: Decode<'b, ()> + Encode<()>,
{
    let message: T = minicbor::decode(bytes)?;
    if to_bytes(&message) == bytes {
        Ok(message)
    } else {
        Err(Malformed::Spelling)
    }
}

//! A grant: what one holder may do with one device, signed by approvers, or by the site root for
//! break-glass. Its layout is fixed, so that a write guard can check it without an allocator.
//!
//! ```text
//! domain 15 "interlock-grant" | version 1
//! kind 1 | flags 1 | quorum 1 | number of approvers 1 | of points 1 | of spans 1
//! id 16 | most writes 4 | open for 4 (s) | holder's device key 32 | plant 32
//! site | gateway | device | guard | holder             each: length 1, text
//! approvers 32 each | points 24 each | spans 12 each
//! -- the body ends here: it is what is signed, from its first byte on --
//! number of signatures 1 | (place of the approver 1 | signature 64) each
//! ```
//!
//! A point is: unit 1, table 1 (its Modicon digit), first address 2, registers 2, type 1 (0 a bit,
//! then u16, i16, u32, i32, f32), word order 1, functions 8 (bit *n* is function *n*), least raw
//! value 4, greatest 4 (as the type holds them; 16 bits are widened). A span is: start 8 (ms since
//! 1970 UTC), length 4 (s). Numbers are big-endian. Texts are printable ASCII: no name has
//! anything else, and whoever approves reads what they sign. There is no second spelling: whatever a
//! field could say twice is refused.

#[cfg(feature = "alloc")]
mod draft;
mod point;
mod read;
mod scope;
#[cfg(test)]
mod tests;

use core::fmt;

#[cfg(feature = "alloc")]
pub use draft::{Draft, TooLong, signed};
pub use point::{Functions, Point, table_of, writes};
pub use scope::NotCovered;

use crate::modbus::{Request, UnitId};

/// What every grant begins with, and so what every signature of one is over.
pub const DOMAIN: &[u8; 15] = b"interlock-grant";

/// The version of the layout written here, and the only one read.
pub const VERSION: u8 = 1;

/// Length of an Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;

const POINT_BYTES: usize = 24;
const SPAN_BYTES: usize = 12;
const SUPERVISED: u8 = 1;
const HOLD: u8 = 2;

/// What a grant is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// A maintenance window: approvers sign it.
    Window,
    /// For emergencies: the site root signs it, long before.
    BreakGlass,
}

/// A grant, taken apart and not yet believed: nothing here judges a signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grant<'a> {
    /// What it is.
    pub kind: Kind,
    /// Whether nothing passes unless somebody of another organisation watches.
    pub supervised: bool,
    /// Whether each write waits for the yes of whoever watches.
    pub hold: bool,
    /// How many approvers must have signed.
    pub quorum: u8,
    /// Random, so that no two grants are alike.
    pub id: &'a [u8; 16],
    /// The site.
    pub site: &'a str,
    /// The gateway that may use it.
    pub gateway: &'a str,
    /// The device.
    pub device: &'a str,
    /// The write guard before the device; empty where there is none.
    pub guard: &'a str,
    /// SPIFFE id of whoever may use it; empty for break-glass: whoever turns the key switch.
    pub holder: &'a str,
    /// SHA-256 of the key of their machine; zeros for break-glass.
    pub holder_key: &'a [u8; 32],
    /// SHA-256 of the plant it was resolved against.
    pub plant: &'a [u8; 32],
    /// Most commands with effect, in each of its spans.
    pub max_writes: u32,
    /// For how long break-glass holds once it was opened, in seconds; 0 for windows.
    pub open_s: u32,
    /// Everything up to the signatures: what is signed.
    pub body: &'a [u8],
    approvers: &'a [[u8; 32]],
    points: &'a [[u8; POINT_BYTES]],
    spans: &'a [[u8; SPAN_BYTES]],
    signatures: &'a [[u8; 1 + SIGNATURE_BYTES]],
}

/// A time in which a grant holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Span {
    /// Its first millisecond since 1970 UTC.
    pub start_ms: u64,
    /// How long it is, in seconds.
    pub length_s: u32,
}

impl Span {
    /// The first millisecond after it.
    pub fn end_ms(&self) -> u64 {
        self.start_ms
            .saturating_add(u64::from(self.length_s).saturating_mul(1_000))
    }
}

/// One signature under a grant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signature<'a> {
    /// Place of the signer among [`Grant::approvers`].
    pub approver: u8,
    /// Over the body; Ed25519.
    pub signature: &'a [u8; SIGNATURE_BYTES],
}

/// Why bytes are no grant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotAGrant {
    /// They do not begin with [`DOMAIN`].
    Domain,
    /// They are of another version.
    Version(u8),
    /// They are cut off, something is behind their end, or a count is beyond its bound.
    Length,
    /// A text has what no name has, or is missing.
    Text,
    /// A field says what no grant says.
    Field(&'static str),
}

impl fmt::Display for NotAGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotAGrant::Domain => f.write_str("it is no grant"),
            NotAGrant::Version(version) => write!(
                f,
                "it is a grant of version {version}, and this program reads version {VERSION}"
            ),
            NotAGrant::Length => f.write_str("it is cut off, too long, or something is behind it"),
            NotAGrant::Text => f.write_str("a name in it is none"),
            NotAGrant::Field(what) => write!(f, "no grant says this of {what}"),
        }
    }
}

impl core::error::Error for NotAGrant {}

impl<'a> Grant<'a> {
    /// The keys of those who may sign it, in order.
    pub fn approvers(&self) -> &'a [[u8; 32]] {
        self.approvers
    }

    /// What may be touched, in the order of unit, table and address.
    pub fn points(&self) -> impl ExactSizeIterator<Item = Point> + use<'a> {
        // They were read once already, so none is missing.
        self.points
            .iter()
            .map(|point| Point::read(point).unwrap_or_default())
    }

    /// When it holds, in order.
    pub fn spans(&self) -> impl ExactSizeIterator<Item = Span> + use<'a> {
        self.spans.iter().map(|bytes| {
            let [a, b, c, d, e, f, g, h, length @ ..] = *bytes;
            Span {
                start_ms: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
                length_s: u32::from_be_bytes(length),
            }
        })
    }

    /// The span that a moment lies in, and its place among [`Grant::spans`].
    pub fn span_at(&self, wall_ms: i64) -> Option<(usize, Span)> {
        let wall_ms = u64::try_from(wall_ms).ok()?;
        self.spans()
            .enumerate()
            .find(|(_, span)| (span.start_ms..span.end_ms()).contains(&wall_ms))
    }

    /// The first millisecond in which it ever holds, and the first after all of them.
    pub fn reach_ms(&self) -> (u64, u64) {
        let mut spans = self.spans();
        let first = spans.next();
        let last = spans.last().or(first);
        let start_ms = first.map_or(0, |span| span.start_ms);
        (start_ms, last.map_or(0, |span| span.end_ms()))
    }

    /// Those who have signed, in the order of their places.
    pub fn signatures(&self) -> impl ExactSizeIterator<Item = Signature<'a>> + use<'a> {
        self.signatures.iter().map(|bytes| {
            let (approver, signature) = bytes.split_first().unwrap_or((&0, &[]));
            Signature {
                approver: *approver,
                signature: signature.try_into().unwrap_or(&[0; SIGNATURE_BYTES]),
            }
        })
    }

    /// Whether a request, sent to this unit of the device, stays within the points: every address
    /// of it, with this function, and with values in their ranges. Times and holders are for
    /// whoever asks.
    pub fn covers(&self, unit: UnitId, request: &Request<'_>) -> Result<(), NotCovered> {
        scope::covers(self, unit, request)
    }
}

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
//! 1970 UTC), length 4 (s). Numbers are big-endian. There is no second spelling: whatever a field
//! could say twice is refused.

#[cfg(feature = "alloc")]
mod draft;
mod scope;
#[cfg(test)]
mod tests;

use core::fmt;

#[cfg(feature = "alloc")]
pub use draft::{Draft, TooLong, signed};
pub use scope::{Functions, NotCovered, Point};

use crate::limits::{
    GRANT_APPROVERS_MAX, GRANT_MAX_BYTES, GRANT_POINTS_MAX, GRANT_SPAN_MAX_S, GRANT_SPANS_MAX,
};
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
    /// A text is no name, or is missing.
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

/// Takes fields off the front of bytes.
struct Front<'a>(&'a [u8]);

impl<'a> Front<'a> {
    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], NotAGrant> {
        let (field, rest) = self.0.split_first_chunk().ok_or(NotAGrant::Length)?;
        self.0 = rest;
        Ok(field)
    }

    fn byte(&mut self) -> Result<u8, NotAGrant> {
        self.array::<1>().map(|[byte]| *byte)
    }

    fn word(&mut self) -> Result<u32, NotAGrant> {
        self.array().map(|bytes| u32::from_be_bytes(*bytes))
    }

    fn text(&mut self) -> Result<&'a str, NotAGrant> {
        let length = usize::from(self.byte()?);
        let (text, rest) = self.0.split_at_checked(length).ok_or(NotAGrant::Length)?;
        self.0 = rest;
        let text = core::str::from_utf8(text).map_err(|_| NotAGrant::Text)?;
        if text.chars().any(char::is_control) {
            return Err(NotAGrant::Text);
        }
        Ok(text)
    }

    fn many<const N: usize>(&mut self, count: u8) -> Result<&'a [[u8; N]], NotAGrant> {
        let bytes = usize::from(count).checked_mul(N).ok_or(NotAGrant::Length)?;
        let (field, rest) = self.0.split_at_checked(bytes).ok_or(NotAGrant::Length)?;
        self.0 = rest;
        Ok(field.as_chunks().0)
    }
}

impl<'a> Grant<'a> {
    /// Takes a grant apart, with its signatures. It must be there whole, and nothing behind it.
    pub fn read(bytes: &'a [u8]) -> Result<Grant<'a>, NotAGrant> {
        if bytes.len() > GRANT_MAX_BYTES {
            return Err(NotAGrant::Length);
        }
        let mut front = Front(bytes);
        if front.array().map_err(|_| NotAGrant::Domain)? != DOMAIN {
            return Err(NotAGrant::Domain);
        }
        let version = front.byte()?;
        if version != VERSION {
            return Err(NotAGrant::Version(version));
        }
        let kind = match front.byte()? {
            1 => Kind::Window,
            2 => Kind::BreakGlass,
            _ => return Err(NotAGrant::Field("its kind")),
        };
        let flags = front.byte()?;
        let [quorum, approvers, points, spans] = *front.array()?;
        let id = front.array()?;
        let max_writes = front.word()?;
        let open_s = front.word()?;
        let holder_key = front.array()?;
        let plant = front.array()?;
        let site = front.text()?;
        let gateway = front.text()?;
        let device = front.text()?;
        let guard = front.text()?;
        let holder = front.text()?;
        let approvers = front.many(approvers)?;
        let points = front.many(points)?;
        let spans = front.many(spans)?;
        let body_bytes = bytes.len().saturating_sub(front.0.len());
        let body = bytes.get(..body_bytes).ok_or(NotAGrant::Length)?;
        let signatures = front.byte()?;
        let signatures = front.many(signatures)?;
        if !front.0.is_empty() || flags & !(SUPERVISED | HOLD) != 0 {
            return Err(NotAGrant::Length);
        }
        let grant = Grant {
            kind,
            supervised: flags & SUPERVISED != 0,
            hold: flags & HOLD != 0,
            quorum,
            id,
            site,
            gateway,
            device,
            guard,
            holder,
            holder_key,
            plant,
            max_writes,
            open_s,
            body,
            approvers,
            points,
            spans,
            signatures,
        };
        grant.judge()?;
        Ok(grant)
    }

    /// Takes apart what is to be signed: a grant that nobody has signed yet.
    pub fn read_unsigned(bytes: &'a [u8]) -> Result<Grant<'a>, NotAGrant> {
        let grant = Grant::read(bytes)?;
        if grant.signatures.is_empty() {
            Ok(grant)
        } else {
            Err(NotAGrant::Field("signatures"))
        }
    }

    fn judge(&self) -> Result<(), NotAGrant> {
        let field = |holds: bool, what| holds.then_some(()).ok_or(NotAGrant::Field(what));
        let names = [self.site, self.gateway, self.device];
        if names.iter().any(|name| name.is_empty()) {
            return Err(NotAGrant::Text);
        }
        field(
            (1..=GRANT_POINTS_MAX).contains(&self.points.len()),
            "points",
        )?;
        field((1..=GRANT_SPANS_MAX).contains(&self.spans.len()), "spans")?;
        field(
            self.approvers.is_sorted_by(|one, other| one < other),
            "approvers",
        )?;
        match self.kind {
            Kind::Window => {
                let approvers = 1..=GRANT_APPROVERS_MAX;
                field(approvers.contains(&self.approvers.len()), "approvers")?;
                let quorum = usize::from(self.quorum);
                field((1..=self.approvers.len()).contains(&quorum), "its quorum")?;
                field(!self.holder.is_empty() && self.open_s == 0, "its holder")?;
            }
            Kind::BreakGlass => {
                let nobody = self.approvers.is_empty() && self.quorum == 0;
                field(nobody, "approvers")?;
                let anybody = self.holder.is_empty() && self.holder_key == &[0; 32];
                field(anybody && !self.supervised && !self.hold, "its holder")?;
                let open = (1..=GRANT_SPAN_MAX_S).contains(&self.open_s);
                field(open && self.spans.len() == 1, "its time")?;
            }
        }
        self.judge_times()?;
        let signed = self.signatures().map(|signature| signature.approver);
        field(signed.is_sorted_by(|one, other| one < other), "signatures")?;
        let places = self
            .signatures()
            .all(|signature| usize::from(signature.approver) < self.approvers.len().max(1));
        field(places, "signatures")?;
        field(
            self.points.iter().all(|point| Point::read(point).is_some()),
            "points",
        )?;
        let keys = self.points().map(|point| point.place());
        field(
            keys.is_sorted_by(|one, other| one.1 < other.0),
            "the order of points",
        )
    }

    /// Spans come in order and do not touch: one that continues another is the same.
    fn judge_times(&self) -> Result<(), NotAGrant> {
        let mut free_from_ms = None;
        for span in self.spans() {
            let longest = match self.kind {
                Kind::Window => GRANT_SPAN_MAX_S,
                Kind::BreakGlass => u32::MAX,
            };
            let late = free_from_ms.is_none_or(|free_ms| span.start_ms > free_ms);
            // Such a time is beyond every calendar that could show it to somebody.
            let known = span.end_ms() <= i64::MAX.cast_unsigned();
            if !(1..=longest).contains(&span.length_s) || !late || !known {
                return Err(NotAGrant::Field("spans"));
            }
            free_from_ms = Some(span.end_ms());
        }
        Ok(())
    }

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

//! What the site root signs. Its key is made offline and never stands on a gateway, so whoever
//! takes the gateway can make none of these documents.
//!
//! Each has a fixed head that needs no allocator to be read, so that a microcontroller can check
//! it; what stands in it is CBOR in its one spelling. A document begins with its domain: what is
//! signed is the file itself, less the signature at its end.
//!
//! ```text
//! domain 16 | kind 1 | length of site 1 | length of body 2 | serial 8 | site | body | signature 64
//! ```
//!
//! Numbers are big-endian.

#[cfg(feature = "alloc")]
mod document;
#[cfg(test)]
mod tests;

use core::fmt;

#[cfg(feature = "alloc")]
pub use document::{Approver, ApproverList, PlantBundle};

use crate::limits::{ROOT_BODY_MAX_BYTES, ROOT_SITE_MAX_BYTES};

/// What every document begins with. Another version would be another domain.
pub const DOMAIN: &[u8; 16] = b"interlock-root-1";

/// Length of a signature, Ed25519.
pub const SIGNATURE_BYTES: usize = 64;

/// What a document is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Who may approve, and by which keys.
    Approvers,
    /// The plant, by its hash.
    Plant,
}

impl Kind {
    /// Its number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Kind::Approvers => 1,
            Kind::Plant => 2,
        }
    }

    /// The reverse of [`Kind::code`].
    pub const fn from_code(code: u8) -> Option<Kind> {
        match code {
            1 => Some(Kind::Approvers),
            2 => Some(Kind::Plant),
            _ => None,
        }
    }

    /// The word of records and screens.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Approvers => "approvers",
            Kind::Plant => "plant",
        }
    }
}

/// A document, taken apart and not yet believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Envelope<'a> {
    /// What it is.
    pub kind: Kind,
    /// The site it is for.
    pub site: &'a str,
    /// Its number, which only grows.
    pub serial: u64,
    /// What it says.
    pub body: &'a [u8],
    /// The bytes that are signed.
    pub signed: &'a [u8],
    /// The signature.
    pub signature: &'a [u8; SIGNATURE_BYTES],
}

/// Why bytes are no such document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotADocument {
    /// They do not begin with [`DOMAIN`].
    Domain,
    /// They are of a kind that is not known.
    Kind(u8),
    /// A length is not what it may be, or not what is there.
    Length,
    /// The site is no name.
    Site,
}

impl fmt::Display for NotADocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotADocument::Domain => f.write_str("it is no document of a site root"),
            NotADocument::Kind(code) => write!(f, "it is a document of the unknown kind {code}"),
            NotADocument::Length => f.write_str("it is cut off, or something is behind its end"),
            NotADocument::Site => f.write_str("the site in it is no name"),
        }
    }
}

impl core::error::Error for NotADocument {}

impl<'a> Envelope<'a> {
    /// Takes a document apart. It must be there whole, and nothing behind it.
    pub fn read(bytes: &'a [u8]) -> Result<Envelope<'a>, NotADocument> {
        use NotADocument::{Domain, Length, Site};
        let rest = bytes.strip_prefix(DOMAIN.as_slice()).ok_or(Domain)?;
        let (&[kind, site, high, low], rest) = rest.split_first_chunk().ok_or(Length)?;
        let kind = Kind::from_code(kind).ok_or(NotADocument::Kind(kind))?;
        let (serial, rest) = rest.split_first_chunk().ok_or(Length)?;
        let (site, rest) = rest.split_at_checked(usize::from(site)).ok_or(Length)?;
        if !(1..=ROOT_SITE_MAX_BYTES).contains(&site.len()) {
            return Err(Site);
        }
        let site = core::str::from_utf8(site).map_err(|_| Site)?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (body, signature) = rest.split_at_checked(length).ok_or(Length)?;
        if body.len() > ROOT_BODY_MAX_BYTES {
            return Err(Length);
        }
        let (signed, _) = bytes.split_last_chunk::<SIGNATURE_BYTES>().ok_or(Length)?;
        Ok(Envelope {
            kind,
            site,
            serial: u64::from_be_bytes(*serial),
            body,
            signed,
            signature: signature.try_into().map_err(|_| Length)?,
        })
    }
}

/// The bytes that are to be signed; the signature goes behind them. `None` where a part is longer
/// than it may be.
#[cfg(feature = "alloc")]
pub fn unsigned(kind: Kind, site: &str, serial: u64, body: &[u8]) -> Option<alloc::vec::Vec<u8>> {
    if site.is_empty() || site.len() > ROOT_SITE_MAX_BYTES || body.len() > ROOT_BODY_MAX_BYTES {
        return None;
    }
    let (site_bytes, body_bytes) = (site.len().try_into().ok()?, body.len().try_into().ok()?);
    let [high, low] = u16::to_be_bytes(body_bytes);
    let head = [kind.code(), site_bytes, high, low];
    Some(
        [
            DOMAIN.as_slice(),
            &head,
            &serial.to_be_bytes(),
            site.as_bytes(),
            body,
        ]
        .concat(),
    )
}

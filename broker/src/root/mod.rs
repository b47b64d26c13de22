//! The site root: who may approve, and the plant as it was signed. Its key is made offline and is
//! never on a gateway; what it signed is believed by its pinned public half alone.
//!
//! A [`Signed`] document can only be made here, out of bytes whose signature was good.

mod key;
mod list;
mod seal;
#[cfg(test)]
mod tests;

use std::fmt;

use interlock_protocols::grant::NotAGrant;
use interlock_protocols::root::{ApproverList, Envelope, Kind, NotADocument, PlantBundle};

pub use key::is_signed_by_approver;
pub use key::{ApproverKey, NotARoot, NotAnApprover, RootKey, RootSecret, SignFailure};
pub use list::read_list;
pub use seal::{NotSealed, Sealed, Sealing};

use crate::proof::sha256;
use crate::register::TakenUp;

/// A document of the root, its signature good, its site this one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed<T> {
    serial: u64,
    digest: [u8; 32],
    document: T,
}

impl<T> Signed<T> {
    /// Its number, which only grows.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// SHA-256 of the whole of it.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// What it says.
    pub fn document(&self) -> &T {
        &self.document
    }

    /// Whether it may follow what was taken up last: an older one was replaced for a reason, and
    /// two of one number contradict each other.
    pub fn may_follow(&self, last: Option<&TakenUp>) -> Result<(), NotTrusted> {
        match last {
            Some(last) if self.serial < last.serial => Err(NotTrusted::Older {
                serial: self.serial,
                last: last.serial,
            }),
            Some(last) if self.serial == last.serial && self.digest != last.digest => {
                Err(NotTrusted::Twice(self.serial))
            }
            _ => Ok(()),
        }
    }

    /// Whether it is another one than was taken up last.
    pub fn is_new(&self, last: Option<&TakenUp>) -> bool {
        last.is_none_or(|last| last.serial != self.serial || last.digest != self.digest)
    }
}

/// Why a document is not believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotTrusted {
    /// It is none.
    NotADocument(NotADocument),
    /// It is no grant, or none that is sealed.
    NotAGrant(NotAGrant),
    /// It is another one.
    OtherKind(Kind),
    /// Its signature is not the pinned root's.
    BadSignature,
    /// It is for another site.
    OtherSite(String),
    /// What it says cannot be read, or contradicts itself.
    Content(String),
    /// The plant is another one than was signed.
    OtherPlant,
    /// A later one was taken up already.
    Older {
        /// Its number.
        serial: u64,
        /// The number of the one taken up.
        last: u64,
    },
    /// Another one of the same number was taken up.
    Twice(u64),
}

impl fmt::Display for NotTrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotTrusted::NotADocument(why) => write!(f, "{why}"),
            NotTrusted::NotAGrant(why) => write!(f, "{why}"),
            NotTrusted::OtherKind(kind) => write!(f, "it is signed as `{}`", kind.name()),
            NotTrusted::BadSignature => {
                f.write_str("the site root that edge.toml pins has not signed it, or not like this")
            }
            NotTrusted::OtherSite(site) => write!(f, "it was signed for the site `{site}`"),
            NotTrusted::Content(why) => write!(f, "what it says cannot be used: {why}"),
            NotTrusted::OtherPlant => f.write_str("plant.toml is not the one that was signed"),
            NotTrusted::Older { serial, last } => write!(
                f,
                "it is number {serial}, and number {last} was taken up before"
            ),
            NotTrusted::Twice(serial) => write!(
                f,
                "another one with the number {serial} was taken up before"
            ),
        }
    }
}

impl std::error::Error for NotTrusted {}

impl NotTrusted {
    /// What to do about it.
    pub fn next(&self) -> &'static str {
        match self {
            NotTrusted::NotADocument(_) | NotTrusted::OtherKind(_) => {
                "copy the file that `interlock root sign` wrote for it"
            }
            NotTrusted::NotAGrant(_) => "bring the file that `interlock root seal` wrote",
            NotTrusted::BadSignature | NotTrusted::OtherSite(_) => {
                "have it signed with the root of this site; `interlock root show FILE` tells what \
                 it says. If nobody here changed anything, ask who did"
            }
            NotTrusted::Content(_) => "have it made again with `interlock root sign`",
            NotTrusted::OtherPlant => {
                "put the signed plant.toml back, or have this one signed with the next number: \
                 `interlock root sign plant plant.toml`. If nobody here changed it, ask who did"
            }
            NotTrusted::Older { .. } => {
                "put the later one back: an older one may name approvers who are none any more"
            }
            NotTrusted::Twice(_) => "have it signed again, with the next number",
        }
    }
}

impl RootKey {
    /// Who may approve, of a document in whole.
    pub fn approvers(&self, bytes: &[u8]) -> Result<Signed<ApproverList>, NotTrusted> {
        let envelope = self.open(bytes, Kind::Approvers)?;
        let list = ApproverList::decode(envelope.body).map_err(content)?;
        list::judge(&list, self.site()).map_err(NotTrusted::Content)?;
        Ok(signed(bytes, &envelope, list))
    }

    /// The plant, of a document in whole, if it is this one.
    pub fn plant(&self, bytes: &[u8], plant: &[u8]) -> Result<Signed<PlantBundle>, NotTrusted> {
        let envelope = self.open(bytes, Kind::Plant)?;
        let bundle = PlantBundle::decode(envelope.body).map_err(content)?;
        if bundle.digest != sha256(plant) {
            return Err(NotTrusted::OtherPlant);
        }
        Ok(signed(bytes, &envelope, bundle))
    }

    /// Whether this root signed a document for its site, whatever it says.
    pub fn verify(&self, envelope: &Envelope<'_>) -> Result<(), NotTrusted> {
        if !self.has_signed(envelope.signed, envelope.signature) {
            return Err(NotTrusted::BadSignature);
        }
        if envelope.site != self.site() {
            return Err(NotTrusted::OtherSite(envelope.site.to_owned()));
        }
        Ok(())
    }

    /// The signature is judged before anything is made of the content.
    fn open<'a>(&self, bytes: &'a [u8], kind: Kind) -> Result<Envelope<'a>, NotTrusted> {
        let envelope = Envelope::read(bytes).map_err(NotTrusted::NotADocument)?;
        self.verify(&envelope)?;
        if envelope.kind != kind {
            return Err(NotTrusted::OtherKind(envelope.kind));
        }
        Ok(envelope)
    }
}

fn content(error: impl fmt::Display) -> NotTrusted {
    NotTrusted::Content(error.to_string())
}

fn signed<T>(bytes: &[u8], envelope: &Envelope<'_>, document: T) -> Signed<T> {
    Signed {
        serial: envelope.serial,
        digest: sha256(bytes),
        document,
    }
}

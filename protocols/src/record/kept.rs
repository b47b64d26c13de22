//! What the register of identities knows, entry by entry, as [`super::RegisterKept`] carries it: so
//! that the records it came from may be removed.

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::decode::Decoder;
use minicbor::{Decode, Encode};

use super::identity::{Enrolment, Invited, Restricted, TrustTakenUp};
use super::window::{KeptBreakGlass, KeptWindow};
use crate::identity::AuthStrength;
use crate::strict::Malformed;

/// One entry.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum RegisterEntry {
    /// An invitation.
    #[n(0)]
    Invitation(#[n(0)] KeptInvitation),
    /// A subject on a machine.
    #[n(1)]
    Identity(#[n(0)] KeptIdentity),
    /// A restriction that holds.
    #[n(2)]
    Restriction(#[n(0)] KeptRestriction),
    /// What a subject has done with a device.
    #[n(3)]
    Use(#[n(0)] KeptUse),
    /// What was taken up last of one kind, as its record says.
    #[n(4)]
    Taken(#[n(0)] TrustTakenUp),
    /// A maintenance window.
    #[n(5)]
    Window(#[n(0)] KeptWindow),
    /// A break-glass grant that was opened.
    #[n(6)]
    BreakGlass(#[n(0)] KeptBreakGlass),
}

/// An invitation, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct KeptInvitation {
    /// Its number.
    #[n(0)]
    pub number: u64,
    /// When it was made, ms since 1970 UTC.
    #[n(1)]
    pub time_ms: i64,
    /// What its record says.
    #[n(2)]
    pub invited: Invited,
    /// What became of it.
    #[n(3)]
    pub fate: InvitationFate,
}

/// What became of an invitation.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum InvitationFate {
    /// Nothing yet.
    #[n(0)]
    Open,
    /// Somebody waits to be confirmed.
    #[n(1)]
    Waiting(#[n(0)] Enrolment),
    /// It was used.
    #[n(2)]
    Used(#[n(0)] Enrolment),
    /// It was withdrawn, or who waited was turned away.
    #[n(3)]
    Closed,
}

/// A subject on a machine.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct KeptIdentity {
    /// Sequence of the record of its enrolment.
    #[n(0)]
    pub number: u64,
    /// When that was, ms since 1970 UTC.
    #[n(1)]
    pub enrolled_ms: i64,
    /// Who, on which machine, by which keys.
    #[n(2)]
    pub enrolment: Enrolment,
    /// Who invited them.
    #[n(3)]
    pub owner: String,
    /// Groups that the invitation put them in.
    #[n(4)]
    pub groups: Vec<String>,
    /// How strongly they last showed who they are.
    #[n(5)]
    pub auth: AuthStrength,
    /// When that was, ms since 1970 UTC.
    #[n(6)]
    pub auth_ms: i64,
    /// When a session of theirs was last opened, ms since 1970 UTC.
    #[n(7)]
    pub used_ms: Option<i64>,
    /// Certificates, oldest first.
    #[n(8)]
    pub certificates: Vec<KeptCertificate>,
}

/// A certificate that was issued.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct KeptCertificate {
    /// When it was issued, ms since 1970 UTC.
    #[n(0)]
    pub time_ms: i64,
    /// SHA-256 of it.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub certificate: [u8; 32],
    /// SHA-256 of the key it is for.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub key: [u8; 32],
    /// SHA-256 of the certificate it follows.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub parent: Option<[u8; 32]>,
    /// When it ends, ms since 1970 UTC.
    #[n(4)]
    pub ends_ms: i64,
}

/// A restriction that holds.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct KeptRestriction {
    /// Its number.
    #[n(0)]
    pub number: u64,
    /// When it was made, ms since 1970 UTC.
    #[n(1)]
    pub time_ms: i64,
    /// What its record says.
    #[n(2)]
    pub restricted: Restricted,
}

/// What a subject has done with a device, ever.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct KeptUse {
    /// Who.
    #[n(0)]
    pub subject: String,
    /// The device.
    #[n(1)]
    pub device: String,
    /// 1 read, 2 written, 4 diagnosed; their sum.
    #[n(2)]
    pub done: u8,
}

impl RegisterEntry {
    /// Entries in parts of at most `most` bytes, one behind the other in each. An entry that is
    /// longer than that has a part of its own.
    pub fn parts(entries: impl IntoIterator<Item = RegisterEntry>, most: usize) -> Vec<Vec<u8>> {
        let mut parts = Vec::from([Vec::new()]);
        for entry in entries {
            let bytes = crate::strict::to_bytes(&entry);
            match parts.last_mut() {
                Some(part) if part.is_empty() || part.len().saturating_add(bytes.len()) <= most => {
                    part.extend_from_slice(&bytes);
                }
                _ => parts.push(bytes),
            }
        }
        parts
    }

    /// Reads the entries of one part, each in its one spelling.
    pub fn read(part: &[u8]) -> Result<Vec<RegisterEntry>, Malformed> {
        let mut entries = Vec::new();
        let mut decoder = Decoder::new(part);
        while decoder.position() < part.len() {
            let from = decoder.position();
            let entry: RegisterEntry = decoder.decode()?;
            if part.get(from..decoder.position())
                != Some(crate::strict::to_bytes(&entry).as_slice())
            {
                return Err(Malformed::Spelling);
            }
            entries.push(entry);
        }
        Ok(entries)
    }
}

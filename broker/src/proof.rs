//! That somebody has the private key of a public one: the one place that verifies such
//! signatures, and the proof that a session rests on.
//!
//! A person's certificate alone is worth nothing: it names the key of one machine, and that key
//! has to sign this very connection. What was verified is a [`Proven`], which nobody else can
//! make, and which carries the identity it was made for.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use interlock_protocols::identity::{
    AuthStrength, KeyProtection, PostureReport, Signed, posture_digest, proof_statement,
};

use crate::authority::Verified;
use crate::subject::{Bound, Identity};

/// How a P-256 key begins as `SubjectPublicKeyInfo` in DER (RFC 5480): its algorithm, its curve,
/// and a bit string of 65 bytes. An uncompressed point follows. No other spelling passes, so that
/// one key has one hash.
pub(crate) const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A,
    0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Bytes of an uncompressed point of that curve, the leading 04 included.
pub(crate) const POINT_BYTES: usize = 65;

/// Why a signature shows nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadSignature {
    /// The key is no P-256 key in its one spelling.
    #[error("the key is no P-256 key")]
    NotP256,
    /// It was not made with that key, or over something else.
    #[error("the signature does not belong to the key, to this connection and to what is claimed")]
    NotOverThis,
}

/// Why a client does not get past its proof. The fault is the client's in each case.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotProven {
    /// No proof came, or something else in its place.
    #[error("no proof of the machine came")]
    Nothing,
    /// The certificate binds its owner to no machine.
    #[error("the certificate does not say on which machine it may be used")]
    NotBound,
    /// The certificate was made for another machine.
    #[error("the certificate was made for another machine than this one")]
    OtherMachine,
    /// The key of the machine did not sign this.
    #[error("the machine did not prove that it has its key: {0}")]
    Signature(#[from] BadSignature),
}

impl NotProven {
    /// The stable code in journal, notices and tests.
    pub const fn code(self) -> &'static str {
        match self {
            NotProven::Nothing | NotProven::Signature(_) => "machine-not-proven",
            NotProven::NotBound => "no-machine",
            NotProven::OtherMachine => "other-machine",
        }
    }

    /// What the client should do next.
    pub const fn next(self) -> &'static str {
        match self {
            NotProven::Nothing => "install the gateway's version of interlock",
            NotProven::NotBound => {
                "ask whoever administers the gateway for an invitation, and enrol this machine"
            }
            NotProven::OtherMachine => {
                "use the profile on the machine it was enrolled on, or enrol this one; if \
                 somebody copied it, have the other machine revoked"
            }
            NotProven::Signature(_) => {
                "use the keys that this machine was enrolled with; if they are lost, enrol it again"
            }
        }
    }
}

/// A machine that has proven itself for one identity, in one connection, or a program that need not
/// have one. It cannot be made by
/// anybody who only says so:
///
/// ```compile_fail,E0451
/// # use interlock_broker::{proof::Proven, subject::{Bound, Identity}};
/// fn claimed(identity: &Identity, bound: Bound) -> Proven<'_> {
///     Proven { identity, bound: Some(bound), posture: [0; 32] }
/// }
/// ```
///
/// but by [`prove`] and [`excused`] alone:
///
/// ```
/// # use interlock_broker::{proof::{self, Proven}, subject::Identity};
/// # use interlock_protocols::identity::Signed;
/// fn shown<'a>(identity: &'a Identity, exporter: &[u8; 32], device: &Signed) -> Option<Proven<'a>> {
///     proof::prove(identity, exporter, "gateway-1.waterworks", device, None).ok()
/// }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Proven<'a> {
    identity: &'a Identity,
    bound: Option<Bound>,
    posture: [u8; 32],
    exporter: Option<[u8; 32]>,
}

impl<'a> Proven<'a> {
    /// Whose certificate it is.
    pub fn identity(&self) -> &'a Identity {
        self.identity
    }

    /// SHA-256 of the key of the machine; `None` for a program that need not have one.
    pub fn device_key(&self) -> Option<&[u8; 32]> {
        self.bound.as_ref().map(|bound| &bound.device_key)
    }

    /// What this connection has and no other.
    pub(crate) fn exporter(&self) -> Option<[u8; 32]> {
        self.exporter
    }

    /// How that key is kept, as its owner says.
    pub fn protection(&self) -> Option<KeyProtection> {
        self.bound.map(|bound| bound.protection)
    }

    /// Whether the machine signed for this very report.
    pub fn covers(&self, report: &PostureReport) -> bool {
        self.posture == posture_digest(Some(report), sha256)
    }

    /// How the subject showed who they are, and when. Of a program without a machine nobody knows:
    /// by its certificate's key, and as long ago as can be.
    pub fn auth(&self) -> Auth {
        self.bound.map_or(
            Auth {
                strength: AuthStrength::SingleFactor,
                at_ms: 0,
            },
            |bound| Auth {
                strength: bound.auth,
                at_ms: bound.auth_ms,
            },
        )
    }
}

/// How, and when, a subject last showed who they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Auth {
    /// How strongly.
    pub strength: AuthStrength,
    /// When, ms since 1970 UTC.
    pub at_ms: i64,
}

/// Judges the proof of a machine. `exporter` is of this connection, `server_name` the name in this
/// gateway's certificate, and `posture` what came with the proof. The identity is one that its
/// authority vouched for: what one that is not believed says of machines is not in it.
pub fn prove<'a>(
    identity: &'a Identity,
    exporter: &[u8; 32],
    server_name: &str,
    device: &Signed,
    posture: Option<&PostureReport>,
) -> Result<Proven<'a>, NotProven> {
    let bound = *identity.bound().ok_or(NotProven::NotBound)?;
    let posture = posture_digest(posture, sha256);
    let statement = proof_statement(exporter, identity.key(), server_name, &posture);
    let device_key = verify(device, &statement)?;
    if device_key != bound.device_key {
        return Err(NotProven::OtherMachine);
    }
    Ok(Proven {
        identity,
        bound: Some(bound),
        posture,
        exporter: Some(*exporter),
    })
}

/// Lets a program in whose certificate names no machine, where its authority was given that right.
pub fn excused(verified: &Verified) -> Result<Proven<'_>, NotProven> {
    let identity = verified.identity();
    match identity.bound() {
        None if verified.may_lack_device() => Ok(Proven {
            identity,
            bound: None,
            // The digest of no report.
            posture: [0; 32],
            exporter: None,
        }),
        _ => Err(NotProven::NotBound),
    }
}

/// Verifies one signature over one statement, and gives the SHA-256 of the key as
/// `SubjectPublicKeyInfo`, by which keys are known here.
pub fn verify(signed: &Signed, statement: &[u8]) -> Result<[u8; 32], BadSignature> {
    let point = p256_point(&signed.key).ok_or(BadSignature::NotP256)?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        .verify(statement, &signed.signature)
        .map_err(|_| BadSignature::NotOverThis)?;
    Ok(sha256(&signed.key))
}

/// The point of a P-256 key in its one spelling.
pub(crate) fn p256_point(spki: &[u8]) -> Option<&[u8]> {
    spki.strip_prefix(&P256)
        .filter(|point| point.len() == POINT_BYTES && point.first() == Some(&4))
}

/// SHA-256, as keys, certificates and reports are known by it.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests;

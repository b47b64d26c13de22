//! From which certificate a new one goes on. A program renews from the one it got last, with a new
//! key. Whoever goes on from a certificate that another key has followed already has a copy of
//! the program's keys.

use interlock_protocols::record::{KeptCertificate, KeptIdentity};

use crate::limits::CERTIFICATES_KEPT_MAX;

/// What a renewal is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Lineage<'i> {
    /// It goes on from the latest.
    Next,
    /// The answer to it was lost.
    Again(&'i KeptCertificate),
    /// Another has gone on from there.
    Clone,
    /// It says nothing of where it goes on.
    Nothing,
    /// Nobody knows where it goes on.
    Unknown,
}

/// Judges a renewal of a program. A certificate that was signed twice for one key, since an answer
/// was lost, is one and the same here: what counts is its key.
pub(super) fn lineage<'i>(
    identity: &'i KeptIdentity,
    parent: Option<&[u8; 32]>,
    key: &[u8; 32],
) -> Lineage<'i> {
    let certificates = &identity.certificates;
    let Some(latest) = certificates.last() else {
        // It was enrolled, and the answer was lost before anything was signed.
        return Lineage::Next;
    };
    let Some(parent) = parent else {
        return match latest {
            first if first.parent.is_none() && &first.key == key => Lineage::Again(first),
            _ => Lineage::Nothing,
        };
    };
    let key_of = |hash: &[u8; 32]| {
        let mut named = certificates.iter().filter(|each| &each.certificate == hash);
        named.next().map(|each| each.key)
    };
    let Some(from) = key_of(parent) else {
        return match latest {
            // Of the oldest that is remembered, the one before is not.
            latest if latest.parent.as_ref() == Some(parent) && &latest.key == key => {
                Lineage::Again(latest)
            }
            // So many came since that the one it names may be forgotten: whoever has a copy could
            // renew until it is, and be alone with the identity.
            _ if certificates.len() >= CERTIFICATES_KEPT_MAX => Lineage::Clone,
            _ => Lineage::Unknown,
        };
    };
    let followed = certificates
        .iter()
        .any(|each| each.parent.as_ref().and_then(key_of) == Some(from));
    match (followed, &latest.key == key) {
        (false, _) if from == latest.key => Lineage::Next,
        (true, true) if latest.parent.as_ref().and_then(key_of) == Some(from) => {
            Lineage::Again(latest)
        }
        _ => Lineage::Clone,
    }
}

//! One revocation list (RFC 5280 §5): by whom, since when, and whether it is theirs.
//!
//! The TLS library verifies a list when it judges a certificate by it, and turns everybody away if
//! the list is none. That is too late for a file that somebody else refreshes: here it is verified
//! before it is taken up.

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::der_parser::asn1_rs::Any;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::material::Unusable;

/// A list that can be read.
pub(super) struct List {
    /// Its bytes.
    pub(super) der: CertificateRevocationListDer<'static>,
    /// When it was made, ms since 1970 UTC.
    pub(super) made_ms: i64,
    /// When the next one is due, ms since 1970 UTC.
    pub(super) next_ms: Option<i64>,
}

impl List {
    pub(super) fn parse(der: CertificateRevocationListDer<'static>) -> Result<List, Unusable> {
        let (made_ms, next_ms) = {
            let list = read(&der)
                .ok_or_else(|| Unusable("a revocation list cannot be read".to_owned()))?;
            let next = list.next_update();
            let ms = |s: i64| s.saturating_mul(1_000);
            (
                ms(list.last_update().timestamp()),
                next.map(|next| ms(next.timestamp())),
            )
        };
        Ok(List {
            der,
            made_ms,
            next_ms,
        })
    }

    /// Whether an authority of this name and this key signed it.
    pub(super) fn is_of(&self, authority: &X509Certificate<'_>) -> bool {
        read(&self.der).is_some_and(|list| {
            list.issuer().as_raw() == authority.subject().as_raw()
                && is_signed(&list, authority).is_some()
        })
    }

    fn names(&self, certificate: &X509Certificate<'_>) -> bool {
        read(&self.der).is_some_and(|list| {
            list.iter_revoked_certificates()
                .any(|revoked| revoked.raw_serial() == certificate.raw_serial())
        })
    }
}

/// Whether one of `lists`, all of them of authorities among `all`, revokes this one.
pub(super) fn revokes(
    lists: &[List],
    all: &[CertificateDer<'static>],
    certificate: &X509Certificate<'_>,
) -> bool {
    let issuers = all.iter().filter_map(|der| {
        let (_, issuer) = X509Certificate::from_der(der).ok()?;
        (issuer.subject().as_raw() == certificate.issuer().as_raw()).then_some(issuer)
    });
    issuers.into_iter().any(|issuer| {
        let mut lists = lists.iter();
        lists.any(|list| list.names(certificate) && list.is_of(&issuer))
    })
}

fn read<'d>(
    der: &'d CertificateRevocationListDer<'static>,
) -> Option<CertificateRevocationList<'d>> {
    let (rest, list) = CertificateRevocationList::from_der(der).ok()?;
    rest.is_empty().then_some(list)
}

/// `None` where it is not, or in a way that chains could not be either.
fn is_signed(list: &CertificateRevocationList<'_>, authority: &X509Certificate<'_>) -> Option<()> {
    let signed = list.tbs_cert_list.as_ref();
    // CertificateList is a sequence of what is signed, the algorithm, and the signature.
    let (_, whole) = Any::from_der(list.as_raw()).ok()?;
    let algorithm = content(whole.data.get(signed.len()..)?)?;
    let (_, key) = Any::from_der(authority.public_key().raw).ok()?;
    let key_algorithm = content(key.data)?;
    let known = default_provider().signature_verification_algorithms.all;
    known
        .iter()
        .filter(|known| {
            known.signature_alg_id().as_ref() == algorithm
                && known.public_key_alg_id().as_ref() == key_algorithm
        })
        .any(|known| {
            let key = &authority.public_key().subject_public_key.data;
            let signature = &list.signature_value.data;
            known.verify_signature(key, signed, signature).is_ok()
        })
        .then_some(())
}

/// The content of the first value in DER.
fn content(der: &[u8]) -> Option<&[u8]> {
    let (_, value) = Any::from_der(der).ok()?;
    Some(value.data)
}

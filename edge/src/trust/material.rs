//! What an authority is known by: its certificates, and the lists of those that it revoked. Both
//! are taken up whole or not at all.

use std::cmp::Reverse;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::revocations::{List, revokes};
use crate::limits::{TRUST_ANCHORS_MAX, TRUST_FILE_MAX_BYTES};

/// Why files are of no use, in words for whoever refreshes them.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unusable(pub(crate) String);

/// The two files as they were read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Texts {
    /// Certificates, in PEM.
    pub(crate) ca: String,
    /// Revocation lists, in PEM, if there are to be any.
    pub(crate) crl: Option<String>,
    /// When the certificates were last refreshed, ms since 1970 UTC.
    pub(crate) ca_ms: i64,
}

/// What was read of one authority.
pub(crate) struct Material {
    anchors: Vec<Anchor>,
    /// Since when it is known, ms since 1970 UTC: by the oldest list, or by the file.
    pub(crate) as_of_ms: i64,
    /// When the next list is due by the authority's own word, ms since 1970 UTC.
    pub(crate) next_ms: Option<i64>,
    /// SHA-256 over the certificates' file and the lists' behind it.
    pub(crate) digest: [u8; 32],
}

/// One certificate of an authority, with the lists that are signed by its key.
pub(crate) struct Anchor {
    /// Verifies chains that end in it. Each has its own, so that two keys of one name, as there are
    /// while an authority changes its key, do not get each other's lists.
    pub(crate) chain: Arc<dyn ClientCertVerifier>,
    /// When it begins and ends, ms since 1970 UTC.
    pub(crate) valid_ms: (i64, i64),
    /// SHA-256 of its key.
    key: [u8; 32],
    /// When its lists were made, ms since 1970 UTC, the oldest of them.
    listed_ms: Option<i64>,
}

impl Texts {
    /// Reads the files. They are bounded, since whoever writes them is somebody else.
    pub(crate) fn read(ca: &Path, crl: Option<&Path>) -> Result<Texts, Unusable> {
        let (ca, ca_ms) = text(ca)?;
        let crl = crl.map(text).transpose()?;
        Ok(Texts {
            ca,
            crl: crl.map(|(text, _)| text),
            ca_ms,
        })
    }
}

fn text(path: &Path) -> Result<(String, i64), Unusable> {
    let read = || {
        let file = std::fs::File::open(path)?;
        let changed = file.metadata()?.modified()?;
        let mut text = String::new();
        let mut bounded = file.take(TRUST_FILE_MAX_BYTES + 1);
        bounded.read_to_string(&mut text)?;
        if text.len() as u64 > TRUST_FILE_MAX_BYTES {
            let why = format!("it is longer than {} MiB", TRUST_FILE_MAX_BYTES >> 20);
            return Err(io::Error::other(why));
        }
        let since_1970 = changed.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok((text, millis(since_1970)))
    };
    read().map_err(|error| Unusable(format!("{}: {error}", path.display())))
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl Material {
    /// Reads all of it, and refuses what could let anybody in who is not meant.
    pub(crate) fn parse(texts: &Texts) -> Result<Material, Unusable> {
        let certificates = CertificateDer::pem_slice_iter(texts.ca.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Unusable(format!("the certificates cannot be read: {error}")))?;
        let lists = texts.crl.as_deref().map(lists).transpose()?;
        let count = certificates.len();
        if !(1..=TRUST_ANCHORS_MAX).contains(&count) {
            return Err(Unusable(format!(
                "there are {count} certificates in it, and 1 to {TRUST_ANCHORS_MAX} can be trusted"
            )));
        }
        let mut anchors = Vec::new();
        let mut used = vec![false; lists.as_ref().map_or(0, Vec::len)];
        for der in &certificates {
            if let Some(anchor) = anchor(der, &certificates, lists.as_deref(), &mut used)? {
                anchors.push(anchor);
            }
        }
        if used.contains(&false) {
            return Err(Unusable(
                "a revocation list is not signed by any of the certificates".to_owned(),
            ));
        }
        if anchors.is_empty() {
            return Err(Unusable("each of its certificates is revoked".to_owned()));
        }
        let all = || lists.iter().flatten();
        let next_ms = all().filter_map(|list| list.next_ms).min();
        let listed_ms = all().map(|list| list.made_ms).min();
        let whole = [&texts.ca, texts.crl.as_deref().unwrap_or_default()].concat();
        Ok(Material {
            anchors,
            as_of_ms: listed_ms.unwrap_or(texts.ca_ms),
            next_ms,
            digest: sha256(whole.as_bytes()),
        })
    }

    /// The certificates that chains may end in.
    pub(crate) fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    /// Whether this would take back what the other one says of revocations: a list of the same
    /// key that is older.
    pub(crate) fn is_behind(&self, other: &Material) -> bool {
        self.anchors.iter().any(|ours| {
            let theirs = other.anchors.iter().find(|theirs| theirs.key == ours.key);
            theirs.is_some_and(|theirs| ours.listed_ms < theirs.listed_ms)
        })
    }
}

/// `None` where another certificate of the file has revoked this one.
fn anchor(
    der: &CertificateDer<'static>,
    all: &[CertificateDer<'static>],
    lists: Option<&[List]>,
    used: &mut [bool],
) -> Result<Option<Anchor>, Unusable> {
    let (_, certificate) = X509Certificate::from_der(der)
        .map_err(|error| Unusable(format!("a certificate cannot be read: {error}")))?;
    let name = certificate.subject().to_string();
    let is_authority = certificate.is_ca()
        && certificate
            .key_usage()
            .is_ok_and(|usage| usage.is_none_or(|usage| usage.value.key_cert_sign()));
    if !is_authority {
        // The key of whoever it is could sign anybody else.
        return Err(Unusable(format!(
            "`{name}` is no certificate of an authority"
        )));
    }
    let mut own = Vec::new();
    for (list, used) in lists.unwrap_or_default().iter().zip(used) {
        if list.is_of(&certificate) {
            *used = true;
            own.push(list);
        }
    }
    // The TLS library asks the first list that it finds: a new one that was put behind an old one in
    // the file must not go unread.
    own.sort_by_key(|list| Reverse(list.made_ms));
    if lists.is_some() && own.is_empty() {
        return Err(Unusable(format!("there is no revocation list of `{name}`")));
    }
    if lists.is_some_and(|lists| revokes(lists, all, &certificate)) {
        tracing::warn!(
            name,
            "a certificate of an authority is revoked and left out"
        );
        return Ok(None);
    }
    let setup = |error: &dyn std::fmt::Display| Unusable(format!("`{name}`: {error}"));
    let mut roots = RootCertStore::empty();
    roots.add(der.clone()).map_err(|error| setup(&error))?;
    let provider = Arc::new(default_provider());
    let lists = own.iter().map(|list| list.der.clone());
    let chain = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .with_crls(lists)
        .build()
        .map_err(|error| setup(&error))?;
    let validity = certificate.validity();
    let ms = |s: i64| s.saturating_mul(1_000);
    Ok(Some(Anchor {
        chain,
        valid_ms: (
            ms(validity.not_before.timestamp()),
            ms(validity.not_after.timestamp()),
        ),
        key: sha256(certificate.public_key().raw),
        listed_ms: own.iter().map(|list| list.made_ms).min(),
    }))
}

fn lists(pem: &str) -> Result<Vec<List>, Unusable> {
    let lists = CertificateRevocationListDer::pem_slice_iter(pem.as_bytes())
        .map(|der| {
            let der = der.map_err(|error| Unusable(format!("a list cannot be read: {error}")))?;
            List::parse(der)
        })
        .collect::<Result<Vec<_>, _>>()?;
    if lists.is_empty() {
        return Err(Unusable("there is no revocation list in it".to_owned()));
    }
    Ok(lists)
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

//! Who somebody is, from the certificate of their connection: the *subject* of NIST SP 800-207.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use interlock_protocols::identity::{AuthStrength, KeyProtection};
use x509_parser::asn1_rs::Utf8String;
use x509_parser::der_parser::{Oid, oid};
use x509_parser::oid_registry::OID_X509_SERIALNUMBER;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::digits::{hash_of_hex, hex};

use crate::limits::ROLE_MAX_BYTES;

/// People, vendors and workloads are different kinds, and policy tells them apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum SubjectKind {
    /// Somebody of the plant: `spiffe://SITE/person/NAME`.
    Person,
    /// Somebody of another firm: `spiffe://SITE/vendor/FIRM/NAME`.
    Vendor,
    /// A program: `spiffe://SITE/workload/NAME`.
    Workload,
}

/// A SPIFFE id of one of the three kinds, held in parts so that no illegal one exists.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SubjectId {
    text: String,
    kind: SubjectKind,
    site_len: usize,
}

/// Why a text is no subject.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{text}` is no subject id: {why}; write spiffe://SITE/person/NAME, spiffe://SITE/vendor/FIRM/NAME or spiffe://SITE/workload/NAME, each part of a-z, 0-9, '.', '_' and '-'"
)]
pub struct NotASubject {
    text: String,
    why: &'static str,
}

const SCHEME: &str = "spiffe://";

impl SubjectId {
    /// Reads a whole SPIFFE id. Only lower-case letters, digits, `.`, `_` and `-` pass in a
    /// part: two ids that differ to the eye differ in bytes, and none can carry a path trick.
    pub fn parse(text: &str) -> Result<SubjectId, NotASubject> {
        let fail = |why| NotASubject {
            text: text.chars().take(120).collect(),
            why,
        };
        if text.len() > 255 {
            return Err(fail("it is longer than 255 bytes"));
        }
        let rest = text
            .strip_prefix(SCHEME)
            .ok_or_else(|| fail("it does not begin with spiffe://"))?;
        let mut parts = rest.split('/');
        let site = parts.next().unwrap_or_default();
        let kind = match parts.next() {
            Some("person") => SubjectKind::Person,
            Some("vendor") => SubjectKind::Vendor,
            Some("workload") => SubjectKind::Workload,
            _ => {
                return Err(fail(
                    "its first path segment is not person, vendor or workload",
                ));
            }
        };
        let names: Vec<&str> = parts.collect();
        let wanted = if kind == SubjectKind::Vendor { 2 } else { 1 };
        if names.len() != wanted {
            return Err(fail("it has too few or too many path segments"));
        }
        if !is_name(site) || !names.iter().all(|name| is_name(name)) {
            return Err(fail(
                "a part is empty or has a character that is not allowed",
            ));
        }
        Ok(SubjectId {
            text: text.to_owned(),
            kind,
            site_len: site.len(),
        })
    }

    /// Reads the short form `person/NAME` of a site's own subject, or a whole id.
    pub fn parse_at(site: &str, text: &str) -> Result<SubjectId, NotASubject> {
        if text.starts_with(SCHEME) {
            SubjectId::parse(text)
        } else {
            SubjectId::parse(&format!("{SCHEME}{site}/{text}"))
        }
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The kind.
    pub fn kind(&self) -> SubjectKind {
        self.kind
    }

    /// The site, which is the trust domain.
    pub fn site(&self) -> &str {
        self.text
            .get(SCHEME.len()..SCHEME.len() + self.site_len)
            .unwrap_or_default()
    }

    /// The firm of a vendor; nothing for people and programs of the site.
    pub fn firm(&self) -> Option<&str> {
        let (firm, _) = self.path().strip_prefix("vendor/")?.split_once('/')?;
        Some(firm)
    }

    /// `person/NAME`, `vendor/FIRM/NAME` or `workload/NAME`.
    pub fn path(&self) -> &str {
        self.text
            .get(SCHEME.len() + self.site_len + 1..)
            .unwrap_or_default()
    }
}

impl fmt::Display for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for SubjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SubjectKind::Person => "person",
            SubjectKind::Vendor => "vendor",
            SubjectKind::Workload => "workload",
        })
    }
}

/// What a verified client certificate says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    subject: SubjectId,
    begins_ms: i64,
    ends_ms: i64,
    fingerprint: [u8; 32],
    key: [u8; 32],
    bound: Option<Bound>,
    role: Option<String>,
}

/// What our own issuer says beside the name, in the certificate's subject: `serialNumber` (X.520
/// §6.2.9) is the SHA-256 of the machine's key, `description` the rest as [`Bound`] shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bound {
    /// SHA-256 of the key of the one machine that the certificate may be used on.
    pub device_key: [u8; 32],
    /// How that key is kept, as its owner says.
    pub protection: KeyProtection,
    /// How strongly the subject showed who they are.
    pub auth: AuthStrength,
    /// When they last did so, ms since 1970 UTC.
    pub auth_ms: i64,
}

impl Bound {
    /// The text of `serialNumber`.
    pub fn serial_number(&self) -> String {
        hex(&self.device_key)
    }

    fn read(serial_number: &str, description: &str) -> Option<Bound> {
        let mut words = description.split(' ');
        let mut word = |name: &str| words.next()?.strip_prefix(name)?.strip_prefix('=');
        let bound = Bound {
            device_key: hash_of_hex(serial_number)?,
            protection: KeyProtection::from_name(word("device-key")?)?,
            auth: AuthStrength::from_name(word("auth")?)?,
            auth_ms: word("auth-time")?.parse::<i64>().ok()?.checked_mul(1_000)?,
        };
        // One spelling alone.
        let same = bound.to_string() == description && bound.serial_number() == serial_number;
        same.then_some(bound)
    }
}

/// The text of `description`.
impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "device-key={} auth={} auth-time={}",
            self.protection.name(),
            self.auth.name(),
            self.auth_ms.div_euclid(1_000)
        )
    }
}

/// `id-at-description` of X.520.
static OID_DESCRIPTION: Oid<'static> = oid!(2.5.4.13);

fn bound(certificate: &X509Certificate<'_>) -> Option<Bound> {
    Bound::read(
        one(certificate, &OID_X509_SERIALNUMBER)?,
        one(certificate, &OID_DESCRIPTION)?,
    )
}

/// The text of an attribute of the subject that is there exactly once.
fn one<'c>(certificate: &'c X509Certificate<'_>, oid: &'c Oid<'static>) -> Option<&'c str> {
    let mut found = certificate.subject().iter_by_oid(oid);
    let first = found.next()?.as_str().ok()?;
    found.next().is_none().then_some(first)
}

/// The role of a client in Modbus/TCP Security.
static OID_ROLE: Oid<'static> = oid!(1.3.6.1.4.1.50316.802.1);

/// A certificate without the extension has no role; one with two, or with something else than one
/// text in it, was not meant for anybody who reads it strictly.
fn role(certificate: &X509Certificate<'_>) -> Result<Option<String>, NoIdentity> {
    let extension = certificate
        .get_extension_unique(&OID_ROLE)
        .map_err(|_| NoIdentity::NotOneRole)?;
    let Some(extension) = extension else {
        return Ok(None);
    };
    match Utf8String::from_der(extension.value) {
        Ok((rest, role)) if rest.is_empty() && role.as_ref().len() <= ROLE_MAX_BYTES => {
            Ok(Some(role.string()))
        }
        _ => Err(NoIdentity::NotOneRole),
    }
}

/// Why a certificate names no subject.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoIdentity {
    /// It cannot be read.
    #[error("the certificate cannot be read")]
    Unreadable,
    /// It has no URI, or several.
    #[error("the certificate must carry exactly one URI as its subject alternative name")]
    NotOneUri,
    /// Its URI is no subject.
    #[error("the certificate's subject: {0}")]
    NotASubject(#[from] NotASubject),
    /// Its role, as Modbus/TCP Security has it, is not one text.
    #[error("the certificate's role must be one text of at most {ROLE_MAX_BYTES} bytes")]
    NotOneRole,
    /// It was made for another site.
    #[error("the certificate is of site `{theirs}`, and this is site `{ours}`")]
    OtherSite {
        /// The site of the certificate.
        theirs: String,
        /// The site of this gateway.
        ours: String,
    },
}

impl Identity {
    /// Reads the subject out of a certificate whose chain the TLS stack has verified. A
    /// certificate of another site is refused, whoever signed it.
    pub fn of_certificate(der: &[u8], site: &str) -> Result<Identity, NoIdentity> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_| NoIdentity::Unreadable)?;
        if !rest.is_empty() {
            return Err(NoIdentity::Unreadable);
        }
        let names = certificate
            .subject_alternative_name()
            .map_err(|_| NoIdentity::Unreadable)?
            .ok_or(NoIdentity::NotOneUri)?;
        let mut uris = names
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                GeneralName::URI(uri) => Some(*uri),
                _ => None,
            });
        let (Some(uri), None) = (uris.next(), uris.next()) else {
            return Err(NoIdentity::NotOneUri);
        };
        let subject = SubjectId::parse(uri)?;
        if subject.site() != site {
            return Err(NoIdentity::OtherSite {
                theirs: subject.site().to_owned(),
                ours: site.to_owned(),
            });
        }
        let begins_s = certificate.validity().not_before.timestamp();
        let ends_s = certificate.validity().not_after.timestamp();
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest(&SHA256, der).as_ref());
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, certificate.public_key().raw).as_ref());
        Ok(Identity {
            subject,
            begins_ms: begins_s.saturating_mul(1_000),
            ends_ms: ends_s.saturating_mul(1_000),
            fingerprint,
            key,
            bound: bound(&certificate),
            role: role(&certificate)?,
        })
    }

    /// SHA-256 over its public key, as `SubjectPublicKeyInfo`.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// What the certificate says beside the name. Another authority than our own may write what it
    /// likes there: it is dropped in [`crate::authority::TrustedAuthority::vouch`] unless that one
    /// is believed.
    pub fn bound(&self) -> Option<&Bound> {
        self.bound.as_ref()
    }

    /// The same, with nothing beside the name.
    pub(crate) fn without_bound(mut self) -> Identity {
        self.bound = None;
        self
    }

    /// The role of Modbus/TCP Security that the certificate names, if it does. Nothing here is
    /// decided by it; the groups of the policy are what counts.
    pub fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// Whose certificate it is.
    pub fn subject(&self) -> &SubjectId {
        &self.subject
    }

    /// When it begins, in milliseconds since 1970-01-01 UTC.
    pub fn begins_ms(&self) -> i64 {
        self.begins_ms
    }

    /// When it ends, in milliseconds since 1970-01-01 UTC.
    pub fn ends_ms(&self) -> i64 {
        self.ends_ms
    }

    /// SHA-256 over the certificate.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }
}

/// `person/olga` of `spiffe://site/person/olga`; another text as it is.
pub fn path(subject: &str) -> &str {
    let rest = subject.strip_prefix(SCHEME);
    let path = rest.and_then(|rest| rest.split_once('/'));
    path.map_or(subject, |(_, path)| path)
}

fn is_name(part: &str) -> bool {
    !part.is_empty()
        && part != "."
        && part != ".."
        && part
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_kinds_are_read_and_shown_in_their_parts() {
        for (text, kind, path) in [
            (
                "spiffe://waterworks/person/olga",
                SubjectKind::Person,
                "person/olga",
            ),
            (
                "spiffe://waterworks/vendor/acme/victor",
                SubjectKind::Vendor,
                "vendor/acme/victor",
            ),
            (
                "spiffe://waterworks/workload/historian",
                SubjectKind::Workload,
                "workload/historian",
            ),
        ] {
            let id = SubjectId::parse(text).unwrap();
            assert_eq!(
                (id.kind(), id.site(), id.path()),
                (kind, "waterworks", path)
            );
            assert_eq!(SubjectId::parse_at("waterworks", path).unwrap(), id);
        }
    }

    #[test]
    fn anything_else_is_no_subject() {
        for text in [
            "",
            "spiffe://",
            "spiffe://waterworks",
            "spiffe://waterworks/person",
            "spiffe://waterworks/person/",
            "spiffe://waterworks/person/olga/",
            "spiffe://waterworks/person/Olga",
            "spiffe://waterworks/person/../olga",
            "spiffe://waterworks/person/..",
            "spiffe://waterworks/vendor/acme",
            "spiffe://waterworks/vendor/acme/victor/x",
            "spiffe://waterworks/gateway/g1",
            "spiffe:///person/olga",
            "https://waterworks/person/olga",
            "spiffe://waterworks/person/ol\u{430}ga",
        ] {
            assert!(SubjectId::parse(text).is_err(), "{text}");
        }
    }
}

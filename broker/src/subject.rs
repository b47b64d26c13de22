//! Who somebody is, from the certificate of their connection: the *subject* of NIST SP 800-207.

use std::fmt;

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

fn is_name(part: &str) -> bool {
    !part.is_empty()
        && part != "."
        && part != ".."
        && part
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
}

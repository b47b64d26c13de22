//! Certificates: an [`Authority`] that signs them, for clients and for the gateway itself.
//!
//! Two authorities are kept apart. The *identity issuer* signs client certificates and nothing
//! else; the *gateway authority* signs the certificate that the edge shows, and clients trust it
//! for nothing else. Neither can stand in for the other. Authorities of others may sign clients
//! too, each as far as its [`Bindings`] go.

mod key;
#[cfg(test)]
mod tests;
mod trust;

pub use trust::{
    Bindings, DeviceBinding, Freshness, Listener, OWN_ISSUER, Outside, TrustedAuthority, Verified,
};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PublicKeyData, SanType,
};
use time::OffsetDateTime;

use self::key::Key;

use crate::clock::Now;
use crate::limits::ROLE_MAX_BYTES;
use crate::proof::p256_point;
use crate::subject::{Bound, SubjectId, SubjectKind};
use crate::token::{Token, TokenFault};

/// `id-at-serialNumber` of X.520.
const SERIAL_NUMBER: [u64; 4] = [2, 5, 4, 5];
/// `id-at-description` of X.520.
const DESCRIPTION: [u64; 4] = [2, 5, 4, 13];
/// The role of a client in Modbus/TCP Security (§ 8.3 of its specification).
const ROLE: [u64; 9] = [1, 3, 6, 1, 4, 1, 50316, 802, 1];
/// The tag of a `UTF8String` in DER.
const UTF8_STRING: u8 = 0x0C;

/// A clock that runs a little behind must not refuse a certificate made a moment ago.
const BACKDATE_S: i64 = 300;
const HOUR_S: i64 = 3_600;
/// An authority lasts as long as the gateway stands; it is replaced by hand until enrolment
/// renews it.
const AUTHORITY_S: i64 = 10 * 365 * 24 * HOUR_S;
/// The gateway's own certificate.
const GATEWAY_S: i64 = 365 * 24 * HOUR_S;

/// Why a certificate could not be made or taken up.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The certificate library refused.
    #[error("{0}")]
    Certificate(#[from] rcgen::Error),
    /// A key and a certificate were mixed up.
    #[error("the key is not the one of the certificate")]
    OtherKey,
    /// The token that has the key did not sign.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// A certificate was asked for with a key of another kind.
    #[error("certificates are for P-256 keys alone, and this is another one")]
    NotP256,
    /// A role that cannot be one.
    #[error(
        "a role is for a workload alone, and is 1 to {ROLE_MAX_BYTES} bytes without control characters"
    )]
    NotARole,
}

/// A key pair and certificate in PEM. `Debug` shows no key.
#[derive(Clone)]
pub struct Credential {
    /// The certificate, `CERTIFICATE` in PEM.
    pub certificate: String,
    /// The private key, PKCS#8 `PRIVATE KEY` in PEM.
    pub key: String,
}

impl Credential {
    /// Whether the key can be read, and is the one of the certificate.
    pub fn check(&self) -> Result<(), AuthorityError> {
        let key = KeyPair::from_pem(&self.key)?;
        belongs(&self.certificate, &key)
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").finish_non_exhaustive()
    }
}

/// A signing certificate with its key. Where that is in a token, signing waits for the token.
pub struct Authority {
    issuer: Issuer<'static, Key>,
}

/// How long a new client certificate lasts, in hours: a shift for people, an hour for vendors,
/// a day for workloads.
pub const fn client_hours(kind: SubjectKind) -> u32 {
    match kind {
        SubjectKind::Person => 8,
        SubjectKind::Vendor => 1,
        SubjectKind::Workload => 24,
    }
}

impl Authority {
    /// Makes a new authority of that name, with its key.
    pub fn create(name: &str, now: Now) -> Result<Credential, AuthorityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        Ok(Credential {
            certificate: root_params(name, now).self_signed(&key)?.pem(),
            key: key.serialize_pem(),
        })
    }

    /// Makes a new authority of that name for a key in a token; gives its certificate in PEM.
    pub fn create_token(name: &str, token: &Token, now: Now) -> Result<String, AuthorityError> {
        let made = root_params(name, now).self_signed(token);
        Ok(made.map_err(|error| key::why(Some(token), error))?.pem())
    }

    /// Takes up an authority that was made before.
    pub fn open(credential: &Credential) -> Result<Authority, AuthorityError> {
        let key = Key::File(KeyPair::from_pem(&credential.key)?);
        Ok(Authority {
            issuer: Issuer::from_ca_cert_pem(&credential.certificate, key)?,
        })
    }

    /// Whether signing waits for a token.
    pub fn waits(&self) -> bool {
        self.issuer.key().token().is_some()
    }

    /// Takes up an authority whose key is in a token.
    pub fn open_token(certificate_pem: &str, token: Token) -> Result<Authority, AuthorityError> {
        belongs(certificate_pem, &token)?;
        Ok(Authority {
            issuer: Issuer::from_ca_cert_pem(certificate_pem, Key::Token(token))?,
        })
    }

    /// Signs a certificate of a client for a key of theirs, which stays where it is. `spki` is that
    /// key as `SubjectPublicKeyInfo` in DER: P-256 and nothing else.
    pub fn sign_client(
        &self,
        subject: &SubjectId,
        spki: &[u8],
        bound: &Bound,
        ends_ms: i64,
        now: Now,
    ) -> Result<String, AuthorityError> {
        self.sign_for(subject, spki, bound, &[], ends_ms, now)
    }

    /// The same for a program that is also to be known by a role, as PLCs with Modbus/TCP Security
    /// of their own ask for.
    pub fn sign_in_role(
        &self,
        subject: &SubjectId,
        role: &str,
        spki: &[u8],
        bound: &Bound,
        ends_ms: i64,
        now: Now,
    ) -> Result<String, AuthorityError> {
        let fits = (1..=ROLE_MAX_BYTES).contains(&role.len()) && !role.contains(char::is_control);
        if subject.kind() != SubjectKind::Workload || !fits {
            return Err(AuthorityError::NotARole);
        }
        // Below 128 bytes a length has one byte.
        let length = u8::try_from(role.len()).map_err(|_| AuthorityError::NotARole)?;
        let value = [&[UTF8_STRING, length], role.as_bytes()].concat();
        let role = CustomExtension::from_oid_content(&ROLE, value);
        self.sign_for(subject, spki, bound, &[role], ends_ms, now)
    }

    fn sign_for(
        &self,
        subject: &SubjectId,
        spki: &[u8],
        bound: &Bound,
        extensions: &[CustomExtension],
        ends_ms: i64,
        now: Now,
    ) -> Result<String, AuthorityError> {
        if p256_point(spki).is_none() {
            return Err(AuthorityError::NotP256);
        }
        let mut params = CertificateParams::default();
        let mut name = named(subject.path());
        name.push(
            DnType::CustomDnType(SERIAL_NUMBER.to_vec()),
            DnValue::PrintableString(bound.serial_number().try_into()?),
        );
        name.push(
            DnType::CustomDnType(DESCRIPTION.to_vec()),
            DnValue::Utf8String(bound.to_string()),
        );
        params.distinguished_name = name;
        params.subject_alt_names = vec![SanType::URI(subject.as_str().try_into()?)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        params.custom_extensions = extensions.to_vec();
        valid(&mut params, now, (ends_ms - now.wall_ms()) / 1_000);
        let key = rcgen::SubjectPublicKeyInfo::from_der(spki)?;
        self.signed(&params, &key)
    }

    /// Makes the key and certificate that the edge shows to clients, who look for `server_name`.
    pub fn issue_gateway(&self, server_name: &str, now: Now) -> Result<Credential, AuthorityError> {
        let mut params = CertificateParams::new(vec![server_name.to_owned()])?;
        params.distinguished_name = named(server_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        valid(&mut params, now, GATEWAY_S);
        self.sign(params)
    }

    fn sign(&self, mut params: CertificateParams) -> Result<Credential, AuthorityError> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        Ok(Credential {
            certificate: self.signed(&params, &key)?,
            key: key.serialize_pem(),
        })
    }

    fn signed(
        &self,
        params: &CertificateParams,
        key: &impl PublicKeyData,
    ) -> Result<String, AuthorityError> {
        let made = params.signed_by(key, &self.issuer);
        let token = self.issuer.key().token();
        Ok(made.map_err(|error| key::why(token, error))?.pem())
    }
}

fn root_params(name: &str, now: Now) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, now, AUTHORITY_S);
    params
}

/// Whether the key is the one of the certificate.
fn belongs(certificate_pem: &str, key: &impl PublicKeyData) -> Result<(), AuthorityError> {
    let unreadable = || rcgen::Error::CouldNotParseCertificate;
    let (_, pem) =
        x509_parser::pem::parse_x509_pem(certificate_pem.as_bytes()).map_err(|_| unreadable())?;
    let certificate = pem.parse_x509().map_err(|_| unreadable())?;
    if certificate.public_key().raw == key.subject_public_key_info() {
        Ok(())
    } else {
        Err(AuthorityError::OtherKey)
    }
}

/// Issuer and leaf must differ in name: OpenSSL takes a leaf named like its issuer for
/// self-signed.
fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn valid(params: &mut CertificateParams, now: Now, seconds: i64) {
    let now_s = now.wall_ms() / 1_000;
    let at = |s: i64| OffsetDateTime::from_unix_timestamp(s).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    params.not_before = at(now_s - BACKDATE_S);
    params.not_after = at(now_s + seconds);
}

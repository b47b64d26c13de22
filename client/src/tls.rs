//! TLS towards the gateway: version 1.3 alone, our certificate, one authority, nothing resumed.

mod pinned;

use std::sync::Arc;

use interlock_protocols::conduit::ALPN;
use interlock_protocols::identity::{ENROL_ALPN, LOGIN_ALPN};
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use self::pinned::Pinned;
use crate::failure::Failure;
use crate::profile::{Profile, unreadable};

/// The configuration for this profile. The crypto provider is named here and not taken from the
/// process, where another library may have put its own.
pub(crate) fn configuration(profile: &Profile) -> Result<ClientConfig, Failure> {
    let file = profile.credential_file();
    let chain = certificates(&file)?;
    let key = PrivateKeyDer::from_pem_file(&file).map_err(|error| unreadable(&file, &error))?;
    let tls = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(Failure::of_program)?
        .with_root_certificates(roots(profile)?)
        .with_client_auth_cert(chain, key)
        .map_err(|error| unreadable(&file, &error))?;
    Ok(strict(tls, ALPN))
}

/// For a gateway that the profile knows, and that does not know us yet: to renew.
pub(crate) fn renewal(profile: &Profile) -> Result<ClientConfig, Failure> {
    let tls = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(Failure::of_program)?
        .with_root_certificates(roots(profile)?)
        .with_no_client_auth();
    Ok(strict(tls, LOGIN_ALPN))
}

/// For a gateway of which no more is known than the SHA-256 of its authority: to enrol.
pub(crate) fn enrolment(authority: [u8; 32]) -> Result<ClientConfig, Failure> {
    let pinned = Pinned::new(authority, provider());
    let tls = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(Failure::of_program)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(pinned))
        .with_no_client_auth();
    Ok(strict(tls, ENROL_ALPN))
}

/// The first certificate of a text in PEM.
pub(crate) fn first_certificate(pem: &str) -> Option<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(pem.as_bytes()).ok()
}

/// The certificate that a profile shows to the gateway.
pub(crate) fn leaf(profile: &Profile) -> Result<CertificateDer<'static>, Failure> {
    let file = profile.credential_file();
    let chain = certificates(&file)?;
    let leaf = chain.into_iter().next();
    leaf.ok_or_else(|| unreadable(&file, &"it holds no certificate"))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn roots(profile: &Profile) -> Result<RootCertStore, Failure> {
    let file = profile.gateway_ca_file();
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&file)? {
        roots
            .add(certificate)
            .map_err(|error| unreadable(&file, &error))?;
    }
    Ok(roots)
}

fn strict(mut tls: ClientConfig, protocol: &[u8]) -> ClientConfig {
    tls.alpn_protocols = vec![protocol.to_vec()];
    // A resumed session would skip the look at the certificate.
    tls.resumption = Resumption::disabled();
    tls.enable_early_data = false;
    tls
}

fn certificates(file: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file)
        .map_err(|error| unreadable(file, &error))?
        .collect();
    let read = read.map_err(|error| unreadable(file, &error))?;
    if read.is_empty() {
        return Err(unreadable(file, &"it holds no certificate"));
    }
    Ok(read)
}

//! TLS towards the gateway: version 1.3 alone, our certificate, one authority, nothing resumed.

use std::sync::Arc;

use interlock_protocols::conduit::ALPN;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::failure::Failure;
use crate::profile::{Profile, unreadable};

/// The configuration for this profile. The crypto provider is named here and not taken from the
/// process, where another library may have put its own.
pub(crate) fn configuration(profile: &Profile) -> Result<ClientConfig, Failure> {
    let ca_file = profile.gateway_ca_file();
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&ca_file)? {
        roots
            .add(certificate)
            .map_err(|error| unreadable(&ca_file, &error))?;
    }
    let file = profile.credential_file();
    let chain = certificates(&file)?;
    let key = PrivateKeyDer::from_pem_file(&file).map_err(|error| unreadable(&file, &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(Failure::of_program)?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(|error| unreadable(&file, &error))?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    // A resumed session would skip the look at the certificate.
    tls.resumption = Resumption::disabled();
    tls.enable_early_data = false;
    Ok(tls)
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

//! Mutual TLS towards a sink, from the files that `edge.toml` names. They are read at every
//! connection, so that a renewed certificate needs no restart.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};

use super::SinkError;
use crate::config::SinkTls;

/// TLS that shows our certificate and takes theirs only if the configured authority signed
/// it for the configured name, whatever name or address is dialled. Reads files: blocking.
pub(super) fn client_config(
    tls: &SinkTls,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ClientConfig, SinkError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let setup = |error: &dyn std::fmt::Display| SinkError::Setup(format!("TLS: {error}"));
    let mut roots = RootCertStore::empty();
    for root in certificates(&tls.ca)? {
        roots.add(root).map_err(|error| setup(&error))?;
    }
    let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| setup(&error))?;
    let name = ServerName::try_from(tls.server_name.clone()).map_err(|error| setup(&error))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| SinkError::Setup(format!("{}: {error}", tls.key.display())))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| setup(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Named { chain, name }))
        .with_client_auth_cert(certificates(&tls.certificate)?, key)
        .map_err(|error| setup(&error))?;
    // A resumed session would not ask for the certificate again.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, SinkError> {
    let fail = |why: String| SinkError::Setup(format!("{}: {why}", file.display()));
    let found = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| fail(error.to_string()))?;
    if found.is_empty() {
        return Err(fail("there is no certificate in it".to_owned()));
    }
    Ok(found)
}

/// Looks for the configured name in the certificate: the address may be another one, or a
/// number.
#[derive(Debug)]
struct Named {
    chain: Arc<WebPkiServerVerifier>,
    name: ServerName<'static>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _dialled: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.chain
            .verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

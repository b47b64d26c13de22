//! Mutual TLS towards a sink, from the files that `edge.toml` names. They are read at every
//! connection, so that a renewed certificate needs no restart.

use std::path::{Path, PathBuf};
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
    for root in certificates(&tls.ca).map_err(in_file(&tls.ca))? {
        roots.add(root).map_err(|error| setup(&error))?;
    }
    let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| setup(&error))?;
    let name = ServerName::try_from(tls.server_name.clone()).map_err(|error| setup(&error))?;
    let chain_shown = certificates(&tls.certificate).map_err(in_file(&tls.certificate))?;
    let key = key(&tls.key).map_err(in_file(&tls.key))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| setup(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Named { chain, name }))
        .with_client_auth_cert(chain_shown, key)
        .map_err(|error| setup(&error))?;
    // A resumed session would not ask for the certificate again.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

/// What is wrong with the files, each with its own: for whoever asks before anything is dialled.
pub(crate) fn faults(tls: &SinkTls) -> Vec<(PathBuf, String)> {
    let read = [
        (&tls.ca, certificates(&tls.ca).err()),
        (&tls.certificate, certificates(&tls.certificate).err()),
        (&tls.key, key(&tls.key).err()),
    ];
    let found = read
        .into_iter()
        .filter_map(|(file, why)| Some((file.clone(), why?)));
    let found: Vec<_> = found.collect();
    if !found.is_empty() {
        return found;
    }
    // Each can be read; whether they go together shows when they are put together.
    let fitted = client_config(tls, rustls::ALL_VERSIONS);
    let why = fitted.err().map(|error| match error {
        SinkError::Setup(why) => why,
        other => other.to_string(),
    });
    why.map(|why| (tls.certificate.clone(), why))
        .into_iter()
        .collect()
}

fn in_file(file: &Path) -> impl FnOnce(String) -> SinkError {
    move |why| SinkError::Setup(format!("{}: {why}", file.display()))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| error.to_string())?;
    if found.is_empty() {
        return Err("there is no certificate in it".to_owned());
    }
    Ok(found)
}

fn key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| error.to_string())
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

//! TLS 1.3 with client certificates, and nothing that lets a later connection skip them.

use std::sync::Arc;
use std::time::Duration;

use interlock_broker::authority::Credential;
use interlock_broker::clock::Clock;
use interlock_broker::proof::sha256;
use interlock_protocols::conduit::ALPN;
use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ParsedCertificate};
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{Error, ServerConfig};

/// Why the listener's TLS could not be set up, in words for whoever keeps the gateway.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A PEM text holds not what it should.
    #[error("{what} cannot be read: {why}")]
    Pem {
        /// Which text.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// The pieces do not fit together.
    #[error("the TLS listener cannot be set up: {0}")]
    Setup(String),
}

/// The texts that a listener is made of.
pub(crate) struct Material<'a> {
    /// The gateway's own certificate.
    pub(crate) certificate_pem: &'a str,
    /// Its key.
    pub(crate) key_pem: &'a str,
    /// Who says whose certificates count.
    pub(crate) verifier: Arc<dyn ClientCertVerifier>,
}

/// Builds the configuration of the conduit's listener.
///
/// rustls hands out session tickets unless told not to, and a resumed session skips the client
/// certificate; quinn's own constructor turns 0-RTT on. So it is all set here, by hand.
pub(crate) fn server_config(material: &Material<'_>) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let setup = |error: &dyn std::fmt::Display| TlsError::Setup(error.to_string());
    let certificate = certificates("the gateway's certificate", material.certificate_pem)?;
    let key = PrivateKeyDer::from_pem_slice(material.key_pem.as_bytes()).map_err(|error| {
        TlsError::Pem {
            what: "the gateway's key",
            why: error.to_string(),
        }
    })?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| setup(&error))?
        .with_client_cert_verifier(Arc::clone(&material.verifier))
        .with_single_cert(certificate, key)
        .map_err(|error| setup(&error))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.max_early_data_size = 0;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

/// Builds the configuration of the identity listener: nobody shows a certificate there, and the
/// gateway shows its authority as well, so that a client can hold that against its join line.
pub(crate) fn identity_config(
    server: &Credential,
    authority_pem: &str,
    alpn: &[&[u8]],
    clock: Clock,
) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let setup = |error: &dyn std::fmt::Display| TlsError::Setup(error.to_string());
    let mut chain = certificates("the gateway's certificate", &server.certificate)?;
    chain.extend(certificates("the gateway's authority", authority_pem)?);
    let key =
        PrivateKeyDer::from_pem_slice(server.key.as_bytes()).map_err(|error| TlsError::Pem {
            what: "the gateway's key",
            why: error.to_string(),
        })?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| setup(&error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| setup(&error))?;
    config.time_provider = Arc::new(ByClock(clock));
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config.max_early_data_size = 0;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

/// SHA-256 of the certificate in a PEM text.
pub(crate) fn fingerprint(pem: &str) -> Result<[u8; 32], TlsError> {
    let chain = certificates("the gateway's authority", pem)?;
    let first = chain.first().map(|first| sha256(first));
    first.ok_or(TlsError::Setup("there is no certificate".to_owned()))
}

/// Whether clients that look for `name` find it in the gateway's certificate.
pub(crate) fn names_server(certificate_pem: &str, name: &str) -> Result<(), String> {
    let chain = certificates("the gateway's certificate", certificate_pem)
        .map_err(|error| error.to_string())?;
    let leaf = chain.first().ok_or("it is empty")?;
    let leaf = ParsedCertificate::try_from(leaf).map_err(|error| error.to_string())?;
    let name = ServerName::try_from(name).map_err(|error| error.to_string())?;
    verify_server_name(&leaf, &name).map_err(|error| match error {
        Error::InvalidCertificate(why) => why.to_string(),
        other => other.to_string(),
    })
}

fn certificates(what: &'static str, pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let fail = |why: String| TlsError::Pem { what, why };
    let found = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| fail(error.to_string()))?;
    if found.is_empty() {
        return Err(fail("there is no certificate in it".to_owned()));
    }
    Ok(found)
}

/// Has certificates judged by the time that everything else is judged by: what the system's clock
/// shows may be in doubt.
#[derive(Debug)]
pub(crate) struct ByClock(pub(crate) Clock);

impl TimeProvider for ByClock {
    fn current_time(&self) -> Option<UnixTime> {
        let ms = u64::try_from(self.0.now().wall_ms()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_millis(ms)))
    }
}

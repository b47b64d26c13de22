//! What a listener asks in the handshake.

use std::fmt;
use std::sync::Arc;

use interlock_broker::authority::Listener;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::Trust;

/// Lets those in for whom somebody vouches on this listener: all others are refused before they
/// cost a session.
pub(crate) struct Verifier {
    trust: Arc<Trust>,
    listener: Listener,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(crate) fn new(trust: Arc<Trust>, listener: Listener) -> Verifier {
        Verifier {
            trust,
            listener,
            algorithms: default_provider().signature_verification_algorithms,
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}

impl ClientCertVerifier for Verifier {
    /// None: who is trusted changes while the edge runs, and strangers need not know it.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let vouched = self
            .trust
            .vouch(self.listener, end_entity, intermediates, now);
        match vouched {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(error) => {
                tracing::info!(%error, "a client certificate was refused");
                Err(error.into_tls())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

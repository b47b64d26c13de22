//! Knowing a gateway by the fingerprint of its authority alone, as a join line tells it.

use std::sync::Arc;

use interlock_broker::proof::sha256;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

/// Takes the authority out of what the gateway sends, if it is the one of this fingerprint, and
/// then wants all that is always wanted: that it signed the gateway's certificate, for this name,
/// and for now.
#[derive(Debug)]
pub(super) struct Pinned {
    authority: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    pub(super) fn new(authority: [u8; 32], provider: Arc<CryptoProvider>) -> Pinned {
        Pinned {
            authority,
            provider,
        }
    }

    fn roots(&self, sent: &[CertificateDer<'_>]) -> Result<RootCertStore, Error> {
        let ours = |each: &&CertificateDer<'_>| sha256(each) == self.authority;
        let authority = sent
            .iter()
            .find(ours)
            .ok_or(CertificateError::UnknownIssuer)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        Ok(roots)
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let roots = Arc::new(self.roots(intermediates)?);
        let verifier =
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&self.provider))
                .build()
                .map_err(|error| CertificateError::Other(OtherError(Arc::new(error))))?;
        verifier.verify_server_cert(end_entity, &[], server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken here".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use interlock_broker::authority::{Authority, Credential};
    use interlock_broker::clock::Clock;
    use rustls::pki_types::pem::PemObject as _;

    const NAME: &str = "gateway-1.waterworks";

    fn der(credential: &Credential) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(credential.certificate.as_bytes()).unwrap()
    }

    fn verified(
        pinned: &Pinned,
        leaf: &Credential,
        sent: &[CertificateDer<'_>],
        name: &str,
    ) -> Result<(), Error> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let now = UnixTime::now();
        let verified = pinned.verify_server_cert(&der(leaf), sent, &name, &[], now);
        verified.map(drop)
    }

    #[test]
    fn the_gateway_of_the_join_line_is_known_and_nobody_else() {
        let now = Clock::start().now();
        let [ours, theirs] = ["ours", "theirs"].map(|name| Authority::create(name, now).unwrap());
        let leaf = |of: &Credential| {
            Authority::open(of)
                .unwrap()
                .issue_gateway(NAME, now)
                .unwrap()
        };
        let (leaf_of_ours, leaf_of_theirs) = (leaf(&ours), leaf(&theirs));
        let pinned = Pinned::new(
            sha256(&der(&ours)),
            Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
        );
        verified(&pinned, &leaf_of_ours, &[der(&ours)], NAME).unwrap();
        for (why, leaf, sent, name) in [
            ("no authority is sent", &leaf_of_ours, vec![], NAME),
            (
                "another one is sent",
                &leaf_of_theirs,
                vec![der(&theirs)],
                NAME,
            ),
            (
                "it did not sign this",
                &leaf_of_theirs,
                vec![der(&ours)],
                NAME,
            ),
            (
                "it did not sign this, both are sent",
                &leaf_of_theirs,
                vec![der(&theirs), der(&ours)],
                NAME,
            ),
            (
                "another name",
                &leaf_of_ours,
                vec![der(&ours)],
                "gateway-2.waterworks",
            ),
        ] {
            assert!(verified(&pinned, leaf, &sent, name).is_err(), "{why}");
        }
    }
}

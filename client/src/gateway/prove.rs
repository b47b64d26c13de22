//! The proof that this machine is the one that the certificate names, made anew in each connection.

use interlock_broker::proof::sha256;
use interlock_protocols::conduit::FromClient;
use interlock_protocols::identity::{PostureReport, Signed, posture_digest, proof_statement};
use quinn::Connection;

use super::administer;
use crate::failure::Failure;
use crate::keys::Key;
use crate::profile::Profile;

/// What a proof is made with.
#[derive(Debug)]
pub(super) struct Prover {
    device: Key,
    leaf: [u8; 32],
    server_name: String,
}

impl Prover {
    /// Opens the key of the machine.
    pub(super) fn of(profile: &Profile) -> Result<Prover, Failure> {
        Ok(Prover {
            device: profile.device().open()?,
            leaf: sha256(profile.session_key()?.spki()),
            server_name: profile.server_name().to_owned(),
        })
    }

    /// The second message of a session.
    pub(super) fn prove(
        &self,
        connection: &Connection,
        posture: Option<PostureReport>,
    ) -> Result<FromClient, Failure> {
        let device = self.sign(connection, posture.as_ref())?;
        Ok(FromClient::Prove { device, posture })
    }

    /// The machine's signature over this connection and what it says of itself.
    fn sign(
        &self,
        connection: &Connection,
        posture: Option<&PostureReport>,
    ) -> Result<Signed, Failure> {
        let exporter = administer::exporter(connection)?;
        let posture = posture_digest(posture, sha256);
        let statement = proof_statement(&exporter, &self.leaf, &self.server_name, &posture);
        self.device.sign(&statement)
    }
}

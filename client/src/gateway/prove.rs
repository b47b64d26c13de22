//! The proof that this machine is the one that the certificate names, made anew in each connection.

use interlock_broker::proof::sha256;
use interlock_protocols::conduit::FromClient;
use interlock_protocols::identity::{PostureReport, Signed, posture_digest, proof_statement};
use quinn::Connection;

use super::administer;
use crate::failure::Failure;
use crate::keys::Key;
use crate::posture::Reporter;
use crate::profile::Profile;
use crate::screen;

/// What a proof is made with.
#[derive(Debug)]
pub(super) struct Prover {
    device: Key,
    leaf: [u8; 32],
    server_name: String,
    reporter: Reporter,
}

impl Prover {
    /// Opens the key of the machine.
    pub(super) fn of(profile: &Profile) -> Result<Prover, Failure> {
        let device = profile.device().open()?;
        let reporter = Reporter::new(profile, sha256(device.spki()));
        Ok(Prover {
            device,
            reporter,
            leaf: sha256(profile.session_key()?.spki()),
            server_name: profile.server_name().to_owned(),
        })
    }

    /// The second message of a session. A machine that cannot say how it is may come in all the
    /// same: what it may do then is for the gateway to decide.
    pub(super) fn prove(
        &self,
        connection: &Connection,
        now_ms: i64,
    ) -> Result<FromClient, Failure> {
        let posture = match self.reporter.report(now_ms) {
            Ok(report) => Some(report),
            Err(failure) => {
                screen::say_loud("posture", &failure.to_string());
                None
            }
        };
        let device = self.sign(connection, posture.as_ref())?;
        Ok(FromClient::Prove { device, posture })
    }

    /// How this machine is now, told while the session is open.
    pub(super) fn report(
        &self,
        connection: &Connection,
        now_ms: i64,
    ) -> Result<FromClient, Failure> {
        let posture = self.reporter.report(now_ms)?;
        let device = self.sign(connection, Some(&posture))?;
        Ok(FromClient::Posture { device, posture })
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

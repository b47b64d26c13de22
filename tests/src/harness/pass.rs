//! Certificates with their keys, in memory: for clients that do what no profile would.

use std::path::Path;

use interlock::keys::FileKey;
use interlock_broker::authority::{Authority, Credential};
use interlock_broker::clock::Now;
use interlock_broker::proof::sha256;
use interlock_broker::subject::{Bound, SubjectId};
use interlock_protocols::identity::{AuthStrength, KeyProtection};

const HOUR_MS: i64 = 3_600_000;

/// A certificate, the key that it is for, and the key of the machine.
pub struct Pass {
    /// The certificate, in PEM.
    pub certificate: String,
    /// The key that it is for.
    pub session: FileKey,
    /// The key of the machine.
    pub device: FileKey,
}

impl Pass {
    /// One of an hour for somebody who showed at that time that they are there, on a machine of
    /// their own. `subject` is a whole SPIFFE id.
    pub fn signed_by(authority: &Authority, subject: &str, at: Now) -> Pass {
        let key = || FileKey::generate().expect("a key");
        let (session, device) = (key(), key());
        let subject = SubjectId::parse(subject).expect("a subject");
        let bound = Bound {
            device_key: sha256(device.spki()),
            protection: KeyProtection::Software,
            auth: AuthStrength::UserPresent,
            auth_ms: at.wall_ms(),
        };
        let ends_ms = at.wall_ms() + HOUR_MS;
        let signed = authority.sign_client(&subject, session.spki(), &bound, ends_ms, at);
        Pass {
            certificate: signed.expect("a certificate"),
            session,
            device,
        }
    }

    /// What is in a profile.
    pub fn of_profile(folder: &Path) -> Pass {
        let credential = folder.join("client.pem");
        Pass {
            certificate: std::fs::read_to_string(&credential).expect("a certificate"),
            session: FileKey::open(&credential).expect("the key of the session"),
            device: FileKey::open(&folder.join("device.key")).expect("the key of the machine"),
        }
    }

    /// Certificate and key in one, as elsewhere.
    pub fn credential(&self) -> Credential {
        Credential {
            certificate: self.certificate.clone(),
            key: self.session.to_secret_pem(),
        }
    }
}

//! Profiles for people of a site whose issuer is at hand: the demo's, and those of the tests.

use std::path::Path;

use interlock_broker::authority::client_hours;
use interlock_broker::clock::Now;
use interlock_broker::proof::sha256;
use interlock_broker::subject::{Bound, SubjectId, SubjectKind};
use interlock_edge::site::Site;
use interlock_protocols::identity::{AuthStrength, KeyProtection};

use crate::failure::Failure;
use crate::keys::{FileKey, Key};
use crate::profile::{NewProfile, Profile};

const HOUR_MS: i64 = 3_600_000;

/// Makes the keys of a machine, its owner and a first session, has the site's issuer sign, and
/// writes the profile. `subject` is `person/olga` and the like, `gateway` where the edge serves.
///
/// People get a certificate as if they had just shown that they are there: these are played, and
/// there is nobody to ask. Programs never are.
pub fn hand_out(
    site: &Site,
    subject: &str,
    gateway: &str,
    folder: &Path,
    now: Now,
) -> Result<Profile, Failure> {
    let name = site.plant.site();
    let subject = SubjectId::parse_at(name, subject).map_err(Failure::of_program)?;
    let (device, authenticator) = (FileKey::generate()?, FileKey::generate()?);
    let session = FileKey::generate()?;
    let bound = Bound {
        device_key: sha256(device.spki()),
        protection: KeyProtection::Software,
        auth: match subject.kind() {
            SubjectKind::Workload => AuthStrength::SingleFactor,
            SubjectKind::Person | SubjectKind::Vendor => AuthStrength::UserPresent,
        },
        auth_ms: now.wall_ms(),
    };
    let ends_ms = now.wall_ms() + i64::from(client_hours(subject.kind())) * HOUR_MS;
    let issuer = site.keys.issuer.open().map_err(Failure::of_program)?;
    let certificate = issuer
        .sign_client(&subject, session.spki(), &bound, ends_ms, now)
        .map_err(Failure::of_program)?;
    Profile::create(
        folder,
        &NewProfile {
            gateway,
            server_name: &site.config.server_name(name),
            subject: subject.as_str(),
            identity_port: None,
            gateway_ca: &site.keys.gateway_authority.certificate,
            certificate: &certificate,
            session: &session,
            device: &Key::File(device),
            authenticator: &Key::File(authenticator),
        },
    )
}

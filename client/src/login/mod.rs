//! `interlock login`: the next certificate, with the keys that were enrolled.

mod renewal;

use std::fs::{File, OpenOptions};

use clap::Args;
use interlock_broker::proof::sha256;
use interlock_broker::subject::{Identity, SubjectId, SubjectKind};
use interlock_protocols::identity::AuthStrength;
use interlock_protocols::identity::{IdentityReply, LoginRequest, VERSION, login_statement};
use jiff::tz::TimeZone;

pub(crate) use self::renewal::keep_renewed;
use crate::failure::{Failure, Kind};
use crate::gateway::door::{self, Door};
use crate::keys::{Authenticator, FileKey};
use crate::profile::{Profile, unreadable};
use crate::{Setting, moment, screen, tls};

/// The key that the next certificate is for, while that is asked for.
const NEXT: &str = "next.key";

/// Held by the process that asks for it.
const LOCK: &str = "renewal.lock";

/// Get a new certificate, with the keys that you enrolled with
///
/// With your key in a token you are asked for its PIN, which shows that you are there: writing,
/// inviting and approving may need that. With a key in a file the new certificate is as strong as
/// the one before, and at most 12 hours after you were last seen there is no further one.
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// Renew as a program does: nobody is asked, and nobody is said to be there
    #[arg(long)]
    renew: bool,
}

pub(crate) async fn run(asked: &Login, setting: &Setting) -> Result<(), Failure> {
    let profile = setting.profile()?;
    let authenticator = profile.authenticator().open()?;
    let present = !asked.renew && Authenticator::present(&authenticator);
    let _turn = turn(&profile).await?;
    let identity = renew(&profile, &authenticator, present).await?;
    let zone = TimeZone::system();
    let strength = match identity.bound() {
        Some(bound) if bound.auth == AuthStrength::UserPresent => {
            format!(
                "user-present, as of {}",
                moment::minute(bound.auth_ms, &zone)
            )
        }
        _ => "single-factor: nobody has shown that they are there".to_owned(),
    };
    screen::say(&format!(
        "{}: the certificate ends {}; {strength}",
        identity.subject(),
        moment::minute(identity.ends_ms(), &zone)
    ));
    Ok(())
}

/// What the certificate of a profile says.
pub(crate) fn identity(profile: &Profile) -> Result<Identity, Failure> {
    let leaf = tls::leaf(profile)?;
    let file = profile.credential_file();
    let site = profile
        .subject()
        .and_then(|subject| SubjectId::parse(subject).ok());
    let site = site.ok_or_else(|| not_enrolled(profile))?;
    Identity::of_certificate(&leaf, site.site()).map_err(|error| unreadable(&file, &error))
}

/// Whether a profile is a program's, which nobody sits in front of.
pub(crate) fn is_workload(profile: &Profile) -> bool {
    let subject = profile.subject().map(SubjectId::parse);
    matches!(subject, Some(Ok(subject)) if subject.kind() == SubjectKind::Workload)
}

/// Asks for the next certificate and puts it into the profile, in one's [`turn`]. The key for it is on the disk
/// before it is asked for: if the answer is lost, the next try asks for the same one again, and
/// is not taken for a copy.
pub(crate) async fn renew(
    profile: &Profile,
    authenticator: &dyn Authenticator,
    present: bool,
) -> Result<Identity, Failure> {
    let (Some(subject), Some(port)) = (profile.subject(), profile.identity_port()) else {
        return Err(not_enrolled(profile));
    };
    let device = profile.device().open()?;
    let session = next_key(profile)?;
    let parent = sha256(&tls::leaf(profile)?);
    let address = beside(profile.gateway(), port);
    let door = Door::knock(&address, profile.server_name(), tls::renewal(profile)?).await?;
    let hashes = [session.spki(), device.spki(), authenticator.spki()].map(sha256);
    let statement = login_statement(
        door.exporter(),
        profile.server_name(),
        &hashes,
        Some(&parent),
        present,
    );
    let request = LoginRequest {
        version: VERSION,
        subject: subject.to_owned(),
        session: session.sign(&statement)?,
        device: device.sign(&statement)?,
        authenticator: authenticator.sign(&statement)?,
        parent: Some(parent),
        present,
    };
    let mut replies = door.ask(&request).await?;
    let reply = replies.next().await?;
    door.leave().await;
    let certificate = match reply {
        IdentityReply::Issued { certificate, .. } => certificate,
        IdentityReply::Refused { code, reason, next } => {
            let what = format!("the gateway gives no new certificate: {reason}");
            return Err(door::refused(&code, what, next));
        }
        IdentityReply::Waiting { .. } => return Err(wrong("an answer to another question")),
    };
    take_up(
        profile,
        subject,
        &certificate,
        &session,
        &device_of(&hashes),
    )
}

fn device_of(hashes: &[[u8; 32]; 3]) -> [u8; 32] {
    let [_, device, _] = hashes;
    *device
}

/// Puts a certificate in the place of the one before, if it is what was asked for.
fn take_up(
    profile: &Profile,
    subject: &str,
    certificate: &str,
    session: &FileKey,
    device: &[u8; 32],
) -> Result<Identity, Failure> {
    let site = SubjectId::parse(subject).map_err(|_| not_enrolled(profile))?;
    let identity = tls::first_certificate(certificate)
        .and_then(|der| Identity::of_certificate(&der, site.site()).ok())
        .ok_or_else(|| wrong("a certificate that cannot be read"))?;
    let machine = identity.bound().map(|bound| &bound.device_key);
    if identity.subject() != &site
        || identity.key() != &sha256(session.spki())
        || machine != Some(device)
    {
        return Err(wrong("a certificate for other keys than ours"));
    }
    profile.renew(certificate, session)?;
    forget_next(profile);
    Ok(identity)
}

/// Waits until no other process renews this profile, and keeps others out while it is held. Two at
/// once would each make a key, and the gateway would take them for two copies of the program.
pub(crate) async fn turn(profile: &Profile) -> Result<File, Failure> {
    let path = profile.folder().join(LOCK);
    let locked = tokio::task::spawn_blocking(move || {
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(path)?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    });
    locked
        .await
        .map_err(Failure::of_program)?
        .map_err(|error| unreadable(&profile.folder().join(LOCK), &error))
}

/// The key that was made for an earlier try, or a new one.
fn next_key(profile: &Profile) -> Result<FileKey, Failure> {
    let file = profile.folder().join(NEXT);
    if file.exists() && FileKey::open(&file)?.spki() == profile.session_key()?.spki() {
        // It has its certificate; only the tidying up is missing.
        forget_next(profile);
    }
    FileKey::obtain(&file)
}

fn forget_next(profile: &Profile) {
    let file = profile.folder().join(NEXT);
    if let Err(error) = std::fs::remove_file(&file) {
        tracing::warn!(%error, file = %file.display(), "cannot be removed");
    }
}

/// Another port on the host of `HOST:PORT`.
fn beside(gateway: &str, port: u16) -> String {
    let host = gateway.rsplit_once(':').map_or(gateway, |(host, _)| host);
    format!("{host}:{port}")
}

fn wrong(what: &str) -> Failure {
    Failure::new(
        Kind::Failed,
        format!("the gateway sent {what}"),
        "tell whoever administers the gateway; the certificate of before is still there",
    )
}

fn not_enrolled(profile: &Profile) -> Failure {
    Failure::new(
        Kind::Configuration,
        format!(
            "the profile in {} does not say whose it is, or where certificates are renewed",
            profile.folder().display()
        ),
        "ask the administrator of the gateway for an invitation, and enrol this machine again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_process_at_a_time_renews_a_profile() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(crate::profile::FILE);
        let text = "gateway = \"127.0.0.1:4802\"\nserver_name = \"gateway.waterworks\"\n";
        std::fs::write(file, text).unwrap();
        let key = FileKey::generate().unwrap();
        key.write(&folder.path().join("client.pem")).unwrap();
        let profile = Profile::open(folder.path()).unwrap();
        let first = turn(&profile).await.unwrap();
        let other = File::open(folder.path().join(LOCK)).unwrap();
        assert!(other.try_lock().is_err());
        drop(first);
        other.try_lock().unwrap();
    }

    #[test]
    fn certificates_are_renewed_on_the_host_of_the_gateway() {
        for (gateway, address) in [
            ("gateway.example.com:4802", "gateway.example.com:4803"),
            ("192.0.2.7:4802", "192.0.2.7:4803"),
            ("[2001:db8::7]:4802", "[2001:db8::7]:4803"),
        ] {
            assert_eq!(beside(gateway, 4803), address);
        }
    }
}

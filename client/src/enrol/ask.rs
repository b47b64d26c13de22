//! Asking the gateway, for as long as somebody has yet to confirm.

use interlock_broker::join::JoinLine;
use interlock_broker::proof::sha256;
use interlock_broker::subject::{Identity, SubjectId};
use interlock_protocols::identity::{
    EnrolRequest, IdentityReply, KeyProtection, VERSION, enrol_statement,
};
use tokio::time::sleep;

use super::kept::Keys;
use crate::failure::{Failure, Kind};
use crate::fingerprint::grouped;
use crate::gateway::door::{self, Door};
use crate::limits::{RETRY_MAX, RETRY_MIN};
use crate::{screen, tls};

/// What a profile is made of, beside what the join line says.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) certificate: String,
    pub(super) gateway_ca: String,
    pub(super) conduit_port: u16,
    pub(super) subject: String,
}

/// Asks until there is a certificate or a refusal. Once the gateway has said that somebody must
/// confirm, a connection that breaks is only made anew.
pub(super) async fn issued(line: &JoinLine, keys: &Keys, machine: &str) -> Result<Issued, Failure> {
    let mut waits = false;
    let mut wait = RETRY_MIN;
    loop {
        let asked = once(line, keys, machine, &mut waits).await;
        match asked {
            Err(failure) if waits && failure.kind() == Kind::Unreachable => {
                tracing::debug!(%failure, "asked again");
            }
            other => return other,
        }
        sleep(wait.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        wait = wait.saturating_mul(2).min(RETRY_MAX);
    }
}

async fn once(
    line: &JoinLine,
    keys: &Keys,
    machine: &str,
    waits: &mut bool,
) -> Result<Issued, Failure> {
    let tls = tls::enrolment(line.fingerprint)?;
    let door = Door::knock(&line.address(line.port), &line.server_name, tls).await?;
    let request = request(line, keys, machine, door.exporter())?;
    let mut replies = door.ask(&request).await?;
    let issued = loop {
        match replies.next().await? {
            IdentityReply::Issued {
                certificate,
                gateway_ca,
                server_name,
                conduit_port,
                subject,
                ends_ms: _,
            } => {
                let issued = Issued {
                    certificate,
                    gateway_ca,
                    conduit_port,
                    subject,
                };
                break judge(line, keys, &server_name, issued);
            }
            IdentityReply::Waiting { invitation, .. } => {
                if !std::mem::replace(waits, true) {
                    // Our own hash, and not what was sent: that is the point of comparing.
                    tell(invitation, &sha256(keys.device.spki()));
                }
            }
            IdentityReply::Refused { code, reason, next } => {
                let what = format!("the gateway does not enrol you: {reason}");
                break Err(door::refused(&code, what, next));
            }
        }
    };
    door.leave().await;
    issued
}

fn request(
    line: &JoinLine,
    keys: &Keys,
    machine: &str,
    exporter: &[u8; 32],
) -> Result<EnrolRequest, Failure> {
    let hashes = [
        sha256(keys.session.spki()),
        sha256(keys.device.spki()),
        sha256(keys.authenticator.spki()),
    ];
    let statement = enrol_statement(exporter, &sha256(&line.token), &hashes);
    Ok(EnrolRequest {
        version: VERSION,
        token: line.token,
        machine: machine.to_owned(),
        session: keys.session.sign(&statement)?,
        device: keys.device.sign(&statement)?,
        device_protection: keys.device.protection(),
        authenticator: keys.authenticator.sign(&statement)?,
        // Where a person is asked for a PIN it is a token to the gateway, a TPM's too.
        authenticator_protection: match keys.authenticator.protection() {
            KeyProtection::Software => KeyProtection::Software,
            KeyProtection::Token | KeyProtection::Tpm => KeyProtection::Token,
        },
    })
}

fn tell(invitation: u64, device_key: &[u8; 32]) {
    screen::say(&format!(
        "invitation {invitation} waits to be confirmed. Read this fingerprint of your machine to whoever \
         invited you, by telephone or face to face:\n\n    {}\n\nThey give it to the gateway, which \
         compares. This goes on by itself then; Ctrl-C ends it, and the same command goes on later",
        grouped(device_key)
    ));
}

/// The gateway is who the join line says; what it sends must fit all the same, or a profile would
/// be written that opens nothing.
fn judge(
    line: &JoinLine,
    keys: &Keys,
    server_name: &str,
    issued: Issued,
) -> Result<Issued, Failure> {
    let wrong = |what: &str| {
        Failure::new(
            Kind::Failed,
            format!("the gateway sent {what}"),
            "tell whoever administers the gateway; no profile was written",
        )
    };
    let ca = tls::first_certificate(&issued.gateway_ca);
    if ca.is_none_or(|ca| sha256(&ca) != line.fingerprint) {
        return Err(wrong("another authority than the one in the join line"));
    }
    if server_name != line.server_name {
        return Err(wrong("another name than the one in the join line"));
    }
    let subject =
        SubjectId::parse(&issued.subject).map_err(|_| wrong("a certificate for nobody"))?;
    let certificate = tls::first_certificate(&issued.certificate);
    let identity = certificate
        .and_then(|der| Identity::of_certificate(&der, subject.site()).ok())
        .ok_or_else(|| wrong("a certificate that cannot be read"))?;
    let machine = identity.bound().map(|bound| bound.device_key);
    if identity.subject() != &subject
        || identity.key() != &sha256(keys.session.spki())
        || machine != Some(sha256(keys.device.spki()))
    {
        return Err(wrong("a certificate for other keys than ours"));
    }
    Ok(issued)
}

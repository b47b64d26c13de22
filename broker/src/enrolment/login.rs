//! Renewing: the enrolled keys ask for the next certificate.

use interlock_protocols::identity::{
    AuthStrength, KeyProtection, LoginRequest, VERSION, login_statement,
};
use interlock_protocols::record::{KeptCertificate, KeptIdentity, Measure, Restricted, Scope};

use super::issue::{Grant, is_too_often};
use super::lineage::{Lineage, lineage};
use super::{Declined, Issued, Registrar};
use crate::clock::Now;
use crate::limits::PRESENCE_LASTS_MS;
use crate::proof::{Auth, sha256, verify};
use crate::register::Register;
use crate::subject::{SubjectId, SubjectKind};

/// Who the gateway is where it acts by itself.
const GATEWAY: &str = "gateway";

impl Registrar {
    /// Decides a renewal. `exporter` is of the very connection, `server_name` the name in this
    /// gateway's certificate.
    pub async fn login(
        &self,
        request: &LoginRequest,
        exporter: &[u8; 32],
        server_name: &str,
        peer: &str,
        now: Now,
    ) -> Result<Issued, Declined> {
        let keys = proven(request, exporter, server_name)?;
        if now.doubted() {
            return Err(Declined::ClockDoubted);
        }
        let _turn = self.turn().await;
        let (subject, identity) = {
            let register = self.broker.register();
            self.identity(&register, request, &keys)?
        };
        let renewed = self.renew(request, &subject, &identity, &keys, now).await;
        renewed.inspect_err(|why| self.declined(&subject, peer, why, now))
    }

    /// Renews for somebody whose keys were proven to be those enrolled.
    async fn renew(
        &self,
        request: &LoginRequest,
        subject: &SubjectId,
        identity: &KeptIdentity,
        keys: &[[u8; 32]; 3],
        now: Now,
    ) -> Result<Issued, Declined> {
        let [session, device, authenticator] = keys;
        if session == device || session == authenticator {
            return Err(Declined::SameKey);
        }
        self.stands(subject, identity, now)?;
        let certificates = &identity.certificates;
        let again = if subject.kind() == SubjectKind::Workload {
            match lineage(identity, request.parent.as_ref(), session) {
                Lineage::Next => None,
                // One that has ended is no answer: it was off for longer than that.
                Lineage::Again(last) => Some(last).filter(|last| last.ends_ms > now.wall_ms()),
                Lineage::Clone => {
                    self.revoke_both(identity, now).await;
                    return Err(Declined::Cloned);
                }
                Lineage::Nothing => return Err(Declined::NoParent),
                Lineage::Unknown => return Err(Declined::UnknownParent),
            }
        } else {
            certificates.iter().rfind(|each| &each.key == session)
        };
        if let Some(last) = again {
            return self.again(request, subject, identity, last, now).await;
        }
        if is_too_often(certificates, now) {
            return Err(Declined::TooOften);
        }
        let auth = auth(identity, request.present, now)?;
        let grant = Grant {
            subject,
            enrolment: &identity.enrolment,
            key: &request.session.key,
            parent: request.parent,
            auth,
            ends_ms: self.ends_ms(subject, &identity.enrolment.device_key, auth, now)?,
        };
        self.issue(grant, now).await
    }

    /// Whether the identity may be used at all.
    fn stands(
        &self,
        subject: &SubjectId,
        identity: &KeptIdentity,
        now: Now,
    ) -> Result<(), Declined> {
        let register = self.broker.register();
        let machine = Some(&identity.enrolment.device_key);
        if register
            .restraints
            .revoked(subject, machine, None)
            .is_some()
        {
            return Err(Declined::Revoked);
        }
        if self.terms.is_disabled(identity, now) {
            return Err(Declined::Disabled);
        }
        Ok(())
    }

    /// Whose keys they are. All three of what is claimed must be what was enrolled together.
    fn identity(
        &self,
        register: &Register,
        request: &LoginRequest,
        keys: &[[u8; 32]; 3],
    ) -> Result<(SubjectId, KeptIdentity), Declined> {
        let [_, device, authenticator] = keys;
        let subject = SubjectId::parse(&request.subject).map_err(|_| Declined::NotEnrolled)?;
        let identity = register.identities.on_machine(subject.as_str(), device);
        let identity = identity
            .filter(|identity| &identity.enrolment.authenticator == authenticator)
            .ok_or(Declined::NotEnrolled)?;
        Ok((subject, identity.clone()))
    }

    /// The answer to the same key was lost: the same certificate, or one that ends as it does.
    async fn again(
        &self,
        request: &LoginRequest,
        subject: &SubjectId,
        identity: &KeptIdentity,
        last: &KeptCertificate,
        now: Now,
    ) -> Result<Issued, Declined> {
        let key = sha256(&request.session.key);
        if let Some(issued) = self.issued_for(subject, &key, now) {
            return Ok(issued);
        }
        if last.ends_ms <= now.wall_ms() {
            return Err(Declined::KeyUsed);
        }
        if is_too_often(&identity.certificates, now) {
            return Err(Declined::TooOften);
        }
        let auth = Auth {
            strength: identity.auth,
            at_ms: identity.auth_ms,
        };
        let grant = Grant {
            subject,
            enrolment: &identity.enrolment,
            key: &request.session.key,
            parent: last.parent,
            auth,
            ends_ms: last.ends_ms,
        };
        self.issue(grant, now).await
    }

    /// When a certificate ends that is issued now: after its time, and for people no later than 12
    /// hours after they last showed that they are there. Who works in a window need not interrupt
    /// the work for it.
    fn ends_ms(
        &self,
        subject: &SubjectId,
        machine: &[u8; 32],
        auth: Auth,
        now: Now,
    ) -> Result<i64, Declined> {
        let kind = subject.kind();
        let until_ms = (kind == SubjectKind::Vendor)
            .then(|| self.broker.window_open_until(subject, machine, now))
            .flatten();
        let ends_ms = self.terms.ends_ms(kind, until_ms, now);
        if kind == SubjectKind::Workload {
            return Ok(ends_ms);
        }
        let at_most_ms = auth.at_ms.saturating_add(PRESENCE_LASTS_MS);
        if now.wall_ms() >= at_most_ms || auth.at_ms > now.wall_ms() {
            return Err(Declined::TooLongAgo);
        }
        Ok(ends_ms.min(at_most_ms))
    }

    /// Nobody knows which of two copies is the right one.
    async fn revoke_both(&self, identity: &KeptIdentity, now: Now) {
        let enrolment = &identity.enrolment;
        tracing::error!(
            subject = enrolment.subject,
            machine = enrolment.machine,
            "two have renewed from the same certificate: the keys were copied, and are revoked"
        );
        let restricted = Restricted {
            session: None,
            by: GATEWAY.to_owned(),
            measure: Measure::Revoke,
            scope: Scope::Machine(enrolment.device_key),
            reason: format!(
                "{} was renewed twice from the same certificate: its keys were copied",
                enrolment.subject
            ),
            sessions: Vec::new(),
            open: Vec::new(),
        };
        let mut taken = self.broker.restrain(restricted, now);
        taken.recorded().await;
        // Where it is not on the disk, nothing with effect passes until it is.
        let _told_to_nobody = taken.acknowledge();
    }
}

/// The keys of a request by their hashes, each proven: session, machine, authenticator.
fn proven(
    request: &LoginRequest,
    exporter: &[u8; 32],
    server_name: &str,
) -> Result<[[u8; 32]; 3], Declined> {
    if request.version != VERSION {
        return Err(Declined::Version);
    }
    let signed = [&request.session, &request.device, &request.authenticator];
    let keys = signed.map(|signed| sha256(&signed.key));
    let parent = request.parent.as_ref();
    let statement = login_statement(exporter, server_name, &keys, parent, request.present);
    for signed in signed {
        verify(signed, &statement)?;
    }
    Ok(keys)
}

/// How the subject has shown who they are: just now, or as they last did.
fn auth(identity: &KeptIdentity, present: bool, now: Now) -> Result<Auth, Declined> {
    if !present {
        return Ok(Auth {
            strength: identity.auth,
            at_ms: identity.auth_ms,
        });
    }
    if identity.enrolment.authenticator_protection != KeyProtection::Token {
        return Err(Declined::NoToken);
    }
    Ok(Auth {
        strength: AuthStrength::UserPresent,
        at_ms: now.wall_ms(),
    })
}

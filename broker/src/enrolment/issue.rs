//! Signing a certificate, once everything was decided.

use std::sync::Arc;

use interlock_protocols::record::{CertificateIssued, Enrolment, Event, KeptCertificate};

use super::{Declined, Registrar};
use crate::authority::AuthorityError;
use crate::clock::Now;
use crate::limits::{ISSUED_AT_ONCE, ISSUED_AT_ONCE_MS, ISSUED_RECENT_MAX};
use crate::proof::{Auth, sha256};
use crate::subject::{Bound, SubjectId, SubjectKind};

/// A certificate for somebody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issued {
    /// It, in PEM.
    pub certificate: String,
    /// Whose it is.
    pub subject: SubjectId,
    /// When it ends, ms since 1970 UTC.
    pub ends_ms: i64,
    key: [u8; 32],
}

/// What is to be signed.
pub(super) struct Grant<'a> {
    pub(super) subject: &'a SubjectId,
    pub(super) enrolment: &'a Enrolment,
    /// The key it is for, as `SubjectPublicKeyInfo`.
    pub(super) key: &'a [u8],
    pub(super) parent: Option<[u8; 32]>,
    pub(super) auth: Auth,
    pub(super) ends_ms: i64,
}

impl Registrar {
    /// Signs, records, and gives the certificate out once the record is on the disk.
    pub(super) async fn issue(&self, grant: Grant<'_>, now: Now) -> Result<Issued, Declined> {
        let bound = Bound {
            device_key: grant.enrolment.device_key,
            protection: grant.enrolment.device_protection,
            auth: grant.auth.strength,
            auth_ms: grant.auth.at_ms,
        };
        // Whole seconds, as the certificate has them.
        let ends_ms = grant.ends_ms.div_euclid(1_000) * 1_000;
        let certificate = self.signed(&grant, bound, ends_ms, now).await?;
        // A token takes its time, in which somebody may have been revoked.
        if self.is_revoked(grant.subject, &bound.device_key) {
            return Err(Declined::Revoked);
        }
        let der = x509_parser::pem::parse_x509_pem(certificate.as_bytes())
            .map(|(_, pem)| pem.contents)
            .map_err(|_| rcgen::Error::CouldNotParseCertificate)
            .map_err(crate::authority::AuthorityError::from)?;
        let issued = Issued {
            certificate,
            subject: grant.subject.clone(),
            ends_ms,
            key: sha256(grant.key),
        };
        let event = Event::CertificateIssued(CertificateIssued {
            subject: grant.subject.to_string(),
            certificate: sha256(&der),
            key: issued.key,
            device_key: grant.enrolment.device_key,
            parent: grant.parent,
            ends_ms,
            auth: grant.auth.strength,
            auth_ms: grant.auth.at_ms,
        });
        self.act(event, now).await?;
        let mut recent = self.recent();
        recent.push_back(issued.clone());
        if recent.len() > ISSUED_RECENT_MAX {
            recent.pop_front();
        }
        Ok(issued)
    }

    fn is_revoked(&self, subject: &SubjectId, machine: &[u8; 32]) -> bool {
        let register = self.broker.register();
        let revoked = register.restraints.revoked(subject, Some(machine), None);
        revoked.is_some()
    }

    /// A token takes its time, and nobody else is to wait for it: signing by one has a thread of
    /// its own.
    async fn signed(
        &self,
        grant: &Grant<'_>,
        bound: Bound,
        ends_ms: i64,
        now: Now,
    ) -> Result<String, AuthorityError> {
        let (subject, key) = (grant.subject.clone(), grant.key.to_vec());
        let role = self.role(&subject);
        let issuer = Arc::clone(&self.issuer);
        let sign = move || match role {
            Some(role) => issuer.sign_in_role(&subject, &role, &key, &bound, ends_ms, now),
            None => issuer.sign_client(&subject, &key, &bound, ends_ms, now),
        };
        if !self.issuer.waits() {
            return sign();
        }
        match tokio::task::spawn_blocking(sign).await {
            Ok(signed) => signed,
            Err(_) => Err(rcgen::Error::RemoteKeyError.into()),
        }
    }

    /// The role of a program in Modbus/TCP Security, which knows one for each client: the first of
    /// its groups. Here nothing is decided by it.
    fn role(&self, subject: &SubjectId) -> Option<String> {
        let is_program = subject.kind() == SubjectKind::Workload;
        is_program
            .then(|| self.broker.view_of(subject).groups().first().cloned())
            .flatten()
    }

    /// What was issued a moment ago for this key, to this subject: the same bytes again.
    pub(super) fn issued_for(
        &self,
        subject: &SubjectId,
        key: &[u8; 32],
        now: Now,
    ) -> Option<Issued> {
        let recent = self.recent();
        let mut found = recent.iter().rev();
        let found = found.find(|issued| {
            &issued.subject == subject && &issued.key == key && now.wall_ms() < issued.ends_ms
        });
        found.cloned()
    }
}

/// Whether so many certificates were issued that one more has to wait.
pub(super) fn is_too_often(certificates: &[KeptCertificate], now: Now) -> bool {
    let since_ms = now.wall_ms().saturating_sub(ISSUED_AT_ONCE_MS);
    let lately = certificates.iter().filter(|each| each.time_ms > since_ms);
    lately.count() >= ISSUED_AT_ONCE
}

//! Who is enrolled, what they may do, and what of that they never did.

use interlock_protocols::conduit::{IdentityRow, IdentityStanding};
use interlock_protocols::identity::{AuthStrength, KeyProtection, OsFamily, PostureSource};
use interlock_protocols::record::KeptIdentity;

use super::{NotDone, Registrar};
use crate::clock::Now;
use crate::limits::IDENTITY_LINES_MAX;
use crate::mediation::Session;
use crate::offers;
use crate::policy::{Action, Circumstances, Health, LocalTime, Presence, Transport, Trust};
use crate::subject::SubjectId;

impl Registrar {
    /// Whether a session may see who is enrolled, and who that is. What they may do is left to
    /// [`Registrar::row`], which takes its time.
    pub fn identities(&self, session: &Session, now: Now) -> Result<Vec<KeptIdentity>, NotDone> {
        let act = session.administer(Action::ReadIdentities, now);
        act.map_err(NotDone::Refused)?;
        let register = self.broker.register();
        Ok(register.identities.all().cloned().collect())
    }

    /// All that is to be said of one of them. It takes some decisions for each point of the plant:
    /// not on a thread that serves others.
    pub fn row(&self, identity: &KeptIdentity, now: Now) -> IdentityRow {
        let enrolment = &identity.enrolment;
        let subject = SubjectId::parse(&enrolment.subject);
        let (groups, may, never_used) = match &subject {
            Ok(subject) => self.rights(subject, identity, now),
            Err(_) => Default::default(),
        };
        let revoked = subject.as_ref().is_ok_and(|subject| {
            let register = self.broker.register();
            let machine = Some(&enrolment.device_key);
            register
                .restraints
                .revoked(subject, machine, None)
                .is_some()
        });
        let standing = match revoked {
            true => IdentityStanding::Revoked,
            false if self.terms.is_disabled(identity, now) => IdentityStanding::Disabled,
            false => IdentityStanding::Active,
        };
        IdentityRow {
            subject: enrolment.subject.clone(),
            owner: identity.owner.clone(),
            groups,
            machine: enrolment.machine.clone(),
            device_key: enrolment.device_key,
            device_protection: enrolment.device_protection,
            authenticator_protection: enrolment.authenticator_protection,
            enrolled_ms: identity.enrolled_ms,
            ends_ms: identity.certificates.last().map(|last| last.ends_ms),
            used_ms: identity.used_ms,
            standing,
            unused: self.terms.is_unused(identity, now),
            may: shown(may),
            never_used: shown(never_used),
        }
    }

    /// Groups, what they may do, and what they never did.
    fn rights(
        &self,
        subject: &SubjectId,
        identity: &KeptIdentity,
        now: Now,
    ) -> (Vec<String>, Vec<String>, Vec<String>) {
        let mut view = self.broker.view_of(subject);
        let groups = view.groups().to_vec();
        let Some(circumstances) = self.at_best(identity, now) else {
            return (groups, Vec::new(), Vec::new());
        };
        let (mut may, mut never_used) = (Vec::new(), Vec::new());
        let register = self.broker.register();
        let uses = register.identities.uses.clone();
        drop(register);
        for device in self.broker.plant().devices() {
            for what in offers::possible(&mut view, circumstances, device) {
                let line = format!("{} {}", what.name(), device.name());
                if !uses.has_done(subject.as_str(), device.name(), what) {
                    never_used.push(line.clone());
                }
                may.push(line);
            }
        }
        may.extend(offers::acts(&mut view, circumstances));
        (groups, may, never_used)
    }

    /// The circumstances in which the subject may do most: it has just shown that it is there, if it
    /// can, on a healthy machine.
    fn at_best(&self, identity: &KeptIdentity, now: Now) -> Option<Circumstances> {
        let enrolment = &identity.enrolment;
        let auth = match enrolment.authenticator_protection {
            KeyProtection::Token => AuthStrength::UserPresent,
            _ => AuthStrength::SingleFactor,
        };
        Some(Circumstances {
            time: LocalTime::at(now.wall_ms(), self.broker.zone())?,
            transport: Transport::Quic,
            presence: Presence { auth, age_s: 0 },
            device_key: Some(enrolment.device_protection),
            health: Some(healthy()),
            trust: Trust::Fresh,
        })
    }
}

/// As many lines as surely fit an answer.
fn shown(mut lines: Vec<String>) -> Vec<String> {
    let over = lines.len().saturating_sub(IDENTITY_LINES_MAX);
    if over > 0 {
        lines.truncate(IDENTITY_LINES_MAX);
        lines.push(format!("... and {over} more"));
    }
    lines
}

/// A machine about which nothing is wrong.
fn healthy() -> Health {
    Health {
        source: PostureSource::Management,
        age_s: 0,
        os: OsFamily::Linux,
        patch_age_days: Some(0),
        disk_encrypted: true,
        screen_lock: true,
        firewall: true,
        agent: true,
    }
}

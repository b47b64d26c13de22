//! Enrolling: an invitation and three keys become an identity.

use interlock_protocols::identity::{EnrolRequest, VERSION, enrol_statement};
use interlock_protocols::record::{Enrolled, Enrolment, Event, InvitationFate, KeptInvitation};

use super::issue::Grant;
use super::{Declined, Issued, Registrar};
use crate::clock::Now;
use crate::limits::MACHINE_NAME_MAX_BYTES;
use crate::proof::{Auth, sha256, verify};
use crate::register::{InvitationState, Register, same_keys, state_of};
use crate::subject::{SubjectId, SubjectKind};

use interlock_protocols::identity::AuthStrength;

/// What becomes of an enrolment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Enrolling {
    /// A certificate.
    Issued(Issued),
    /// Somebody must confirm the machine's key first.
    Waiting {
        /// The invitation.
        invitation: u64,
        /// SHA-256 of the machine's key.
        device_key: [u8; 32],
    },
}

/// What has to happen next.
enum Step {
    /// Have it confirmed.
    Ask,
    /// Wait for that.
    Wait,
    /// Record it.
    Enrol,
    /// Give the certificate, once more if it was given before.
    Issue,
}

impl Registrar {
    /// Decides an enrolment. `exporter` is of the very connection, `peer` where it comes from. The
    /// same keys that ask again are told the same: an answer may be lost.
    pub async fn enrol(
        &self,
        request: &EnrolRequest,
        exporter: &[u8; 32],
        peer: &str,
        now: Now,
    ) -> Result<Enrolling, Declined> {
        // Everything that costs time comes first, whatever the token is.
        let proven = Proven::of(request, exporter)?;
        if now.doubted() {
            return Err(Declined::ClockDoubted);
        }
        let _turn = self.turn().await;
        let (step, enrolment, subject) = self.decide(request, &proven, peer, now)?;
        let waiting = Enrolling::Waiting {
            invitation: enrolment.invitation,
            device_key: enrolment.device_key,
        };
        match step {
            Step::Wait => return Ok(waiting),
            Step::Ask => {
                self.act(Event::EnrolmentAsked(enrolment), now).await?;
                return Ok(waiting);
            }
            Step::Enrol => {
                let enrolled = Event::Enrolled(Enrolled {
                    enrolment: enrolment.clone(),
                    confirmed_by: None,
                    session: None,
                });
                self.act(enrolled, now).await?;
            }
            Step::Issue => {}
        }
        let issued = self.first(request, &enrolment, &subject, now).await?;
        Ok(Enrolling::Issued(issued))
    }

    fn decide(
        &self,
        request: &EnrolRequest,
        proven: &Proven,
        peer: &str,
        now: Now,
    ) -> Result<(Step, Enrolment, SubjectId), Declined> {
        let register = self.broker.register();
        let invitations = &register.identities.invitations;
        let invitation = invitations.with_token(&proven.token);
        let invitation = invitation.ok_or(Declined::NoInvitation)?;
        let subject = SubjectId::parse(&invitation.invited.subject);
        let subject = subject.map_err(|_| Declined::NoInvitation)?;
        let enrolment = proven.enrolment(request, invitation, peer);
        let step = step(invitation, &enrolment, subject.kind(), now)
            .and_then(|step| may_enrol(&register, &subject, &enrolment).map(|()| step))
            .and_then(|step| inviter_stands(&register, invitation).map(|()| step))
            .inspect_err(|why| self.declined(&subject, peer, why, now))?;
        Ok((step, enrolment, subject))
    }

    /// The first certificate of an identity. Whoever asks again gets no longer one.
    async fn first(
        &self,
        request: &EnrolRequest,
        enrolment: &Enrolment,
        subject: &SubjectId,
        now: Now,
    ) -> Result<Issued, Declined> {
        let kept = {
            let register = self.broker.register();
            let kept = register
                .identities
                .on_machine(subject.as_str(), &enrolment.device_key);
            kept.cloned().ok_or(Declined::NotEnrolled)?
        };
        // The machine may have been enrolled anew since, by a later invitation.
        if kept.enrolment.invitation != enrolment.invitation
            || !same_keys(&kept.enrolment, enrolment)
        {
            return Err(Declined::Used);
        }
        if let Some(issued) = self.issued_for(subject, &enrolment.session_key, now) {
            return Ok(issued);
        }
        let ends_ms = match kept.certificates.as_slice() {
            [] => now.wall_ms() + self.terms.lifetime_ms(subject.kind()),
            [first] if first.key == enrolment.session_key && first.ends_ms > now.wall_ms() => {
                first.ends_ms
            }
            _ => return Err(Declined::Used),
        };
        let grant = Grant {
            subject,
            // As it was recorded and confirmed: whoever asks again does not say anew how their
            // keys are kept.
            enrolment: &kept.enrolment,
            key: &request.session.key,
            parent: None,
            auth: Auth {
                strength: AuthStrength::SingleFactor,
                at_ms: kept.enrolled_ms,
            },
            ends_ms,
        };
        self.issue(grant, now).await
    }
}

/// The keys of a request, each proven.
struct Proven {
    token: [u8; 32],
    session: [u8; 32],
    device: [u8; 32],
    authenticator: [u8; 32],
}

impl Proven {
    fn of(request: &EnrolRequest, exporter: &[u8; 32]) -> Result<Proven, Declined> {
        if request.version != VERSION {
            return Err(Declined::Version);
        }
        let name = &request.machine;
        if !(1..=MACHINE_NAME_MAX_BYTES).contains(&name.len()) || name.contains(char::is_control) {
            return Err(Declined::MachineName);
        }
        let signed = [&request.session, &request.device, &request.authenticator];
        let keys = signed.map(|signed| sha256(&signed.key));
        let [session, device, authenticator] = keys;
        if session == device || device == authenticator || authenticator == session {
            return Err(Declined::SameKey);
        }
        let token = sha256(&request.token);
        let statement = enrol_statement(exporter, &token, &keys);
        for signed in signed {
            verify(signed, &statement)?;
        }
        Ok(Proven {
            token,
            session,
            device,
            authenticator,
        })
    }

    fn enrolment(
        &self,
        request: &EnrolRequest,
        invitation: &KeptInvitation,
        peer: &str,
    ) -> Enrolment {
        Enrolment {
            invitation: invitation.number,
            subject: invitation.invited.subject.clone(),
            machine: request.machine.clone(),
            device_key: self.device,
            device_protection: request.device_protection,
            authenticator: self.authenticator,
            authenticator_protection: request.authenticator_protection,
            peer: peer.to_owned(),
            session_key: self.session,
        }
    }
}

/// An invitation works once: for the keys that came first, until its time.
fn step(
    invitation: &KeptInvitation,
    enrolment: &Enrolment,
    kind: SubjectKind,
    now: Now,
) -> Result<Step, Declined> {
    let until_ms = invitation.invited.until_ms;
    match (state_of(invitation, now.wall_ms()), &invitation.fate) {
        (InvitationState::Expired, _) => Err(Declined::Late),
        (InvitationState::Withdrawn, _) => Err(Declined::Withdrawn),
        (InvitationState::Open, _) if kind == SubjectKind::Vendor => Ok(Step::Ask),
        (InvitationState::Open, _) => Ok(Step::Enrol),
        (InvitationState::Waiting, InvitationFate::Waiting(by)) if same_keys(by, enrolment) => {
            Ok(Step::Wait)
        }
        (InvitationState::Used, InvitationFate::Used(by))
            if same_keys(by, enrolment) && now.wall_ms() < until_ms =>
        {
            Ok(Step::Issue)
        }
        _ => Err(Declined::Used),
    }
}

/// Who was revoked must not come in again by an invitation that they made before.
fn inviter_stands(register: &Register, invitation: &KeptInvitation) -> Result<(), Declined> {
    // One that was made on the gateway's own disk names nobody that could be revoked.
    let Ok(inviter) = SubjectId::parse(&invitation.invited.by) else {
        return Ok(());
    };
    match register.restraints.revoked(&inviter, None, None) {
        Some(_) => Err(Declined::InviterRevoked),
        None => Ok(()),
    }
}

fn may_enrol(
    register: &Register,
    subject: &SubjectId,
    enrolment: &Enrolment,
) -> Result<(), Declined> {
    let revoked = register
        .restraints
        .revoked(subject, Some(&enrolment.device_key), None);
    if revoked.is_some() {
        return Err(Declined::Revoked);
    }
    let mut holders = register
        .identities
        .of_authenticator(&enrolment.authenticator);
    if holders.any(|holder| holder.enrolment.subject != enrolment.subject) {
        return Err(Declined::KeyOfAnother);
    }
    Ok(())
}

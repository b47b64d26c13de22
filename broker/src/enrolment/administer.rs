//! What administrators do: invite, withdraw, confirm.

use aws_lc_rs::rand;
use interlock_protocols::record::{
    Enrolled, Event, InvitationClosed, InvitationFate, Invited, KeptInvitation,
};

use super::Registrar;
use crate::clock::Now;
use crate::journal::Unrecordable;
use crate::limits::{
    ACT_REASON_MAX_BYTES, INVITATION_VALID_S, INVITATIONS_OPEN_MAX, INVITED_GROUPS_MAX,
};
use crate::mediation::{Refusal, Session};
use crate::policy::{Action, InvitedFacts, Matter};
use crate::proof::sha256;
use crate::register::{InvitationState, state_of};
use crate::subject::{NotASubject, SubjectId, SubjectKind};

/// Why an act on invitations was not done.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// The subject may not.
    #[error("{}: {}", .0.reason().what(), .0.next())]
    Refused(Refusal),
    /// No subject.
    #[error(transparent)]
    NotASubject(#[from] NotASubject),
    /// A subject of another site.
    #[error("`{0}` is of another site")]
    OtherSite(SubjectId),
    /// An unknown group.
    #[error(
        "there is no group `{0}`: list it in groups.toml, with members or without, and activate the policy"
    )]
    NoGroup(String),
    /// Too many groups.
    #[error("an invitation names {INVITED_GROUPS_MAX} groups at most")]
    Groups,
    /// A time that is none.
    #[error("an invitation is valid for 1 minute to 7 days")]
    Valid,
    /// Too many of them.
    #[error(
        "{INVITATIONS_OPEN_MAX} invitations are open already: withdraw some, or wait for their end"
    )]
    TooMany,
    /// The one invited is revoked.
    #[error("`{0}` is revoked: reinstate them first")]
    Revoked(SubjectId),
    /// No such invitation.
    #[error("there is no invitation {0} that could still be used")]
    NoInvitation(u64),
    /// Nobody waits on it.
    #[error("nobody waits on invitation {0}")]
    NobodyWaits(u64),
    /// The key read out is not the one that waits.
    #[error(
        "the key that waits is another one: compare them again; if they differ, somebody else has used the invitation, so withdraw it"
    )]
    OtherKey,
    /// Nobody confirms themselves.
    #[error("nobody confirms their own machine")]
    OwnKey,
    /// The reason is none.
    #[error("a reason has 1 to {ACT_REASON_MAX_BYTES} bytes")]
    NoReason,
    /// The system gave no randomness.
    #[error("the system gave no random bytes for the token; try again")]
    NoRandomness,
    /// It cannot be recorded.
    #[error("it cannot be recorded: {0}")]
    Journal(#[from] Unrecordable),
}

/// An invitation that was just made.
pub struct Invitation {
    /// Its number.
    pub number: u64,
    /// The token, which is nowhere else.
    pub token: [u8; 16],
    /// Until when it may be used, ms since 1970 UTC.
    pub until_ms: i64,
    /// Whether somebody must confirm the machine's key.
    pub confirm: bool,
}

impl Registrar {
    /// Lets somebody enrol, once and for a time.
    pub async fn invite(
        &self,
        session: &Session,
        subject: &str,
        groups: &[String],
        valid_s: u32,
        now: Now,
    ) -> Result<Invitation, NotDone> {
        let site = self.broker.plant().site().to_owned();
        let subject = SubjectId::parse_at(&site, subject)?;
        // Judged behind the wait: in it they may have lost the right.
        let _turn = self.turn().await;
        let facts = self.groups_then(&subject, groups);
        may_invite(session, &subject, &facts, now)?;
        if subject.site() != site {
            return Err(NotDone::OtherSite(subject));
        }
        let mut groups = groups.to_vec();
        groups.sort();
        groups.dedup();
        self.judge(&groups, valid_s)?;
        let mut token = [0; 16];
        rand::fill(&mut token).map_err(|_| NotDone::NoRandomness)?;
        let until_ms = now.wall_ms() + i64::from(valid_s) * 1_000;
        self.has_room(&subject, now)?;
        let confirm = subject.kind() == SubjectKind::Vendor;
        let invited = Event::Invited(Invited {
            session: Some(session.id()),
            by: session.subject().to_string(),
            subject: subject.to_string(),
            groups,
            token: sha256(&token),
            until_ms,
        });
        let number = self.act(invited, now).await?;
        Ok(Invitation {
            number,
            token,
            until_ms,
            confirm,
        })
    }

    /// The groups of somebody once they have enrolled. Whoever uses the invitation is that subject,
    /// with all that it was given by others before.
    fn groups_then(&self, subject: &SubjectId, groups: &[String]) -> Vec<String> {
        let before = self.broker.view_of(subject);
        let mut all = [before.groups(), groups].concat();
        all.sort();
        all.dedup();
        all
    }

    fn judge(&self, groups: &[String], valid_s: u32) -> Result<(), NotDone> {
        if !INVITATION_VALID_S.contains(&valid_s) {
            return Err(NotDone::Valid);
        }
        if groups.len() > INVITED_GROUPS_MAX {
            return Err(NotDone::Groups);
        }
        let policy = self.broker.policy();
        let known = |group: &&String| policy.group_names().any(|known| known == group.as_str());
        match groups.iter().find(|group| !known(group)) {
            Some(group) => Err(NotDone::NoGroup(group.clone())),
            None => Ok(()),
        }
    }

    fn has_room(&self, subject: &SubjectId, now: Now) -> Result<(), NotDone> {
        let register = self.broker.register();
        if register.restraints.revoked(subject, None, None).is_some() {
            return Err(NotDone::Revoked(subject.clone()));
        }
        let pending = register.identities.invitations.pending(now.wall_ms());
        if pending.count() >= INVITATIONS_OPEN_MAX {
            return Err(NotDone::TooMany);
        }
        Ok(())
    }

    /// Those that may be used or wait to be confirmed.
    pub fn invitations(&self, session: &Session, now: Now) -> Result<Vec<KeptInvitation>, NotDone> {
        let act = session.administer(Action::ReadIdentities, now);
        act.map_err(NotDone::Refused)?;
        let register = self.broker.register();
        let pending = register.identities.invitations.pending(now.wall_ms());
        Ok(pending.cloned().collect())
    }

    /// Withdraws an invitation, or turns away who waits on it.
    pub async fn close(
        &self,
        session: &Session,
        number: u64,
        reason: &str,
        now: Now,
    ) -> Result<u64, NotDone> {
        let _turn = self.turn().await;
        let invitation = self.numbered(number);
        let invited = invitation.as_ref().map(|invitation| &invitation.invited);
        let groups = invited.map_or(&[][..], |invited| &invited.groups);
        let subject = invited.and_then(|invited| SubjectId::parse(&invited.subject).ok());
        // Of one that there is not, whoever may invite people may know.
        let subject = subject.unwrap_or_else(|| session.subject().clone());
        may_invite(session, &subject, groups, now)?;
        let reason = reason.trim();
        if reason.is_empty() || reason.len() > ACT_REASON_MAX_BYTES {
            return Err(NotDone::NoReason);
        }
        let state = invitation.map(|invitation| state_of(&invitation, now.wall_ms()));
        let Some(InvitationState::Open | InvitationState::Waiting) = state else {
            return Err(NotDone::NoInvitation(number));
        };
        let closed = Event::InvitationClosed(InvitationClosed {
            invitation: number,
            session: Some(session.id()),
            by: session.subject().to_string(),
            reason: reason.to_owned(),
        });
        Ok(self.act(closed, now).await?)
    }

    /// Confirms that the machine which waits has the key that its owner read out.
    pub async fn confirm(
        &self,
        session: &Session,
        number: u64,
        device_key: &[u8; 32],
        now: Now,
    ) -> Result<u64, NotDone> {
        // Judged behind the wait: in it they may have lost the right.
        let _turn = self.turn().await;
        let act = session.administer(Action::ConfirmEnrolment, now);
        act.map_err(NotDone::Refused)?;
        let invitation = self.numbered(number).ok_or(NotDone::NoInvitation(number))?;
        let state = state_of(&invitation, now.wall_ms());
        let (InvitationState::Waiting, InvitationFate::Waiting(enrolment)) =
            (state, invitation.fate)
        else {
            return Err(NotDone::NobodyWaits(number));
        };
        if enrolment.subject == session.subject().as_str() {
            return Err(NotDone::OwnKey);
        }
        if &enrolment.device_key != device_key {
            tracing::warn!(
                invitation = number,
                by = %session.subject(),
                "another key was read out than the one that waits"
            );
            return Err(NotDone::OtherKey);
        }
        let enrolled = Event::Enrolled(Enrolled {
            enrolment,
            confirmed_by: Some(session.subject().to_string()),
            session: Some(session.id()),
        });
        Ok(self.act(enrolled, now).await?)
    }

    fn numbered(&self, number: u64) -> Option<KeptInvitation> {
        let register = self.broker.register();
        let invitation = register.identities.invitations.numbered(number);
        invitation.cloned()
    }
}

fn may_invite(
    session: &Session,
    subject: &SubjectId,
    groups: &[String],
    now: Now,
) -> Result<(), NotDone> {
    let matter = Matter::Invitation(InvitedFacts {
        kind: subject.kind(),
        groups,
    });
    let act = session.administer_with(Action::Invite, matter, now);
    act.map_err(NotDone::Refused)
}

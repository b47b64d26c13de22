//! Invitations, and what became of them.

use std::collections::BTreeMap;

use interlock_protocols::record::{Event, InvitationFate, KeptInvitation};

use crate::limits::{INVITATIONS_KEPT_MAX, INVITATIONS_KEPT_MS};

/// Whether an invitation may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvitationState {
    /// It may.
    Open,
    /// Somebody used it and waits to be confirmed.
    Waiting,
    /// It was used.
    Used,
    /// Its time is over.
    Expired,
    /// It was withdrawn, or who waited was turned away.
    Withdrawn,
}

/// All that are not forgotten.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Invitations {
    by_number: BTreeMap<u64, KeptInvitation>,
}

/// The state of an invitation at a time. One whose time is over is expired, also while somebody
/// waits on it.
pub fn state_of(invitation: &KeptInvitation, now_ms: i64) -> InvitationState {
    match invitation.fate {
        InvitationFate::Used(_) => InvitationState::Used,
        InvitationFate::Closed => InvitationState::Withdrawn,
        _ if now_ms >= invitation.invited.until_ms => InvitationState::Expired,
        InvitationFate::Open => InvitationState::Open,
        InvitationFate::Waiting(_) => InvitationState::Waiting,
    }
}

impl Invitations {
    pub(super) fn apply(&mut self, sequence: u64, time_ms: i64, event: &Event) {
        match event {
            Event::Invited(invited) => {
                self.forget(time_ms);
                self.take(KeptInvitation {
                    number: sequence,
                    time_ms,
                    invited: invited.clone(),
                    fate: InvitationFate::Open,
                });
            }
            Event::InvitationClosed(closed) => {
                self.ends(closed.invitation, InvitationFate::Closed);
            }
            Event::EnrolmentAsked(asked) => {
                self.ends(asked.invitation, InvitationFate::Waiting(asked.clone()));
            }
            Event::Enrolled(enrolled) => {
                let fate = InvitationFate::Used(enrolled.enrolment.clone());
                self.ends(enrolled.enrolment.invitation, fate);
            }
            _ => {}
        }
    }

    pub(super) fn take(&mut self, invitation: KeptInvitation) {
        self.by_number.insert(invitation.number, invitation);
    }

    fn ends(&mut self, number: u64, fate: InvitationFate) {
        if let Some(invitation) = self.by_number.get_mut(&number) {
            invitation.fate = fate;
        }
    }

    /// Forgets what ended long ago, and, where there are too many, the oldest.
    fn forget(&mut self, now_ms: i64) {
        self.by_number.retain(|_, invitation| {
            let until_ms = invitation.invited.until_ms;
            now_ms < until_ms.saturating_add(INVITATIONS_KEPT_MS)
        });
        while self.by_number.len() >= INVITATIONS_KEPT_MAX {
            let settled = |invitation: &&KeptInvitation| {
                !matches!(
                    invitation.fate,
                    InvitationFate::Open | InvitationFate::Waiting(_)
                )
            };
            let oldest = self.by_number.values().find(settled);
            let oldest = oldest.or(self.by_number.values().next());
            let Some(number) = oldest.map(|oldest| oldest.number) else {
                return;
            };
            self.by_number.remove(&number);
        }
    }

    /// All of them, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &KeptInvitation> {
        self.by_number.values()
    }

    /// The one of that number.
    pub fn numbered(&self, number: u64) -> Option<&KeptInvitation> {
        self.by_number.get(&number)
    }

    /// The one whose token has this SHA-256. How long it takes to compare hashes says nothing of
    /// a token.
    pub fn with_token(&self, token: &[u8; 32]) -> Option<&KeptInvitation> {
        let mut all = self.by_number.values();
        all.rfind(|each| &each.invited.token == token)
    }

    /// Those that may be used or wait to be confirmed.
    pub fn pending(&self, now_ms: i64) -> impl Iterator<Item = &KeptInvitation> {
        self.by_number.values().filter(move |each| {
            matches!(
                state_of(each, now_ms),
                InvitationState::Open | InvitationState::Waiting
            )
        })
    }
}

//! Who never approves a window, whatever policy says: whoever asked, and whoever could be them, be
//! in their debt, or have been made an approver for the purpose.

use std::fmt;

use interlock_protocols::root::Approver;

use super::valid::Reliance;
use crate::clock::Now;
use crate::limits::APPROVER_AGE_MIN;
use crate::register::{Identities, Register};
use crate::subject::SubjectId;

/// Why somebody may not approve or refuse a window.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ineligible {
    /// They asked for it.
    Requester,
    /// They sit at the machine that it was asked for from.
    SameMachine,
    /// Nothing says which machine they sit at.
    NoMachine,
    /// They invited whoever asked, or were invited by them.
    Invited,
    /// They work for the firm of whoever asked; the text names it.
    SameFirm(String),
    /// They became an approver, or were enrolled on their machine, a short time ago.
    Young,
    /// They are revoked.
    Revoked,
    /// The site root's list does not name them.
    NotListed,
    /// The list says that the key is somebody else's, or nobody's.
    OtherKey,
    /// Their key is not in the grant: they could not approve when it was made.
    NotNamed,
    /// The signature is not that of their key over this grant.
    BadSignature,
}

impl fmt::Display for Ineligible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ineligible::Requester => "you asked for it yourself",
            Ineligible::SameMachine => "it was asked for from the machine that you sit at",
            Ineligible::NoMachine => "your session comes from no machine that is known",
            Ineligible::Invited => "one of you invited the other: you and whoever asked",
            Ineligible::SameFirm(firm) => {
                return write!(f, "you and whoever asked work for `{firm}`");
            }
            Ineligible::Young => {
                "you became an approver, or enrolled on this machine, less than 24 hours ago"
            }
            Ineligible::Revoked => "your access was revoked",
            Ineligible::NotListed => "you are not on the list of approvers of the site root",
            Ineligible::OtherKey => "the list of approvers does not say that this key is yours",
            Ineligible::NotNamed => {
                "you could not approve it when it was asked for, so that its grant does not name your key"
            }
            Ineligible::BadSignature => "the signature is not that of your key over this grant",
        })
    }
}

impl Ineligible {
    /// What to do about it.
    pub const fn next(&self) -> &'static str {
        match self {
            Ineligible::Requester | Ineligible::Invited | Ineligible::SameFirm(_) => {
                "ask another approver of this site"
            }
            Ineligible::SameMachine | Ineligible::NoMachine => "approve from a machine of your own",
            Ineligible::Young => "ask another approver, or wait until tomorrow",
            Ineligible::Revoked => "ask another approver",
            Ineligible::NotListed | Ineligible::OtherKey => {
                "use the key that the list has for you; whoever keeps the site root says who is on it"
            }
            Ineligible::NotNamed => "ask another approver, or have the window asked for again",
            Ineligible::BadSignature => {
                "sign what `interlock window show` shows, with the key of the list; if that fails \
                 again, somebody changes what you see"
            }
        }
    }
}

/// Whoever asks for a window, and holds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder<'a> {
    pub(super) who: &'a SubjectId,
    pub(super) machine: &'a [u8; 32],
}

impl Reliance {
    /// The keys of those who may approve for a holder: each person once for each of their keys.
    pub(super) fn eligible(
        &self,
        register: &Register,
        holder: Holder<'_>,
        now: Now,
    ) -> Vec<&Approver> {
        let approvers = self.approvers().iter();
        let may = |approver: &&Approver| self.may_ever(register, approver, holder, now).is_ok();
        approvers.filter(may).collect()
    }

    /// Whether an approver of the list may approve for a holder, wherever they sit.
    fn may_ever(
        &self,
        register: &Register,
        approver: &Approver,
        holder: Holder<'_>,
        now: Now,
    ) -> Result<(), Ineligible> {
        let Ok(who) = SubjectId::parse(&approver.subject) else {
            return Err(Ineligible::NotListed);
        };
        if who == *holder.who {
            return Err(Ineligible::Requester);
        }
        if register.restraints.revoked(&who, None, None).is_some() {
            return Err(Ineligible::Revoked);
        }
        if let Some(firm) = self.common_firm(&who, holder.who) {
            return Err(Ineligible::SameFirm(firm));
        }
        if invited(&register.identities, &who, holder.who) {
            return Err(Ineligible::Invited);
        }
        if is_young(approver.since_ms, now) {
            return Err(Ineligible::Young);
        }
        Ok(())
    }

    /// Whether somebody on a machine may approve or refuse a window of a holder. Gives their entries
    /// in the list.
    pub(super) fn approver(
        &self,
        register: &Register,
        who: &SubjectId,
        machine: Option<&[u8; 32]>,
        holder: Holder<'_>,
        now: Now,
    ) -> Result<Vec<&Approver>, Ineligible> {
        // Before the list: whoever asked is told that, and not of a list.
        if who == holder.who {
            return Err(Ineligible::Requester);
        }
        let machine = machine.ok_or(Ineligible::NoMachine)?;
        if machine == holder.machine {
            return Err(Ineligible::SameMachine);
        }
        let listed = self.approvers().iter();
        let listed: Vec<&Approver> = listed.filter(|one| one.subject == who.as_str()).collect();
        let may = |one: &&Approver| self.may_ever(register, one, holder, now);
        let (mut able, mut why) = (Vec::new(), Ineligible::NotListed);
        for one in listed {
            match may(&one) {
                Ok(()) => able.push(one),
                Err(because) => why = because,
            }
        }
        if able.is_empty() {
            return Err(why);
        }
        let enrolled = register.identities.on_machine(who.as_str(), machine);
        if enrolled.is_some_and(|identity| is_young(identity.enrolled_ms, now)) {
            return Err(Ineligible::Young);
        }
        Ok(able)
    }
}

/// What is yet to come is young.
fn is_young(since_ms: i64, now: Now) -> bool {
    let age_ms = now.wall_ms().saturating_sub(since_ms);
    let least_ms = i64::try_from(APPROVER_AGE_MIN.as_millis()).unwrap_or(i64::MAX);
    age_ms < least_ms
}

/// Whether one of two invited the other: by what is known of enrolments, and of invitations, used
/// or not.
fn invited(identities: &Identities, one: &SubjectId, other: &SubjectId) -> bool {
    let by = |host: &SubjectId, guest: &SubjectId| {
        let mut enrolled = identities.of_subject(guest.as_str());
        let mut invitations = identities.invitations.all();
        enrolled.any(|identity| identity.owner == host.as_str())
            || invitations.any(|kept| {
                let invited = &kept.invited;
                invited.by == host.as_str() && invited.subject == guest.as_str()
            })
    };
    by(one, other) || by(other, one)
}

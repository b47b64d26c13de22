//! What is done about a window that was asked for: approved, refused, taken back. Each is decided
//! by policy, and in the journal before it counts.

use interlock_protocols::conduit::WindowState;
use interlock_protocols::grant::Grant;
use interlock_protocols::record::{
    Event, KeptWindow, WindowApproved, WindowEnd, WindowEnded, WindowRefused,
};

use super::eligible::{Holder, Ineligible};
use super::refused::NotDone;
use super::resolve::{functions_of, is_text};
use super::rows::state_of;
use super::valid::Reliance;
use crate::clock::Now;
use crate::mediation::Session;
use crate::policy::{Action, Matter, WindowFacts};
use crate::root::is_signed_by_approver;
use crate::subject::SubjectId;

/// A window that somebody approved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Approved {
    /// The record that says so.
    pub record: u64,
    /// How many approvals count now.
    pub has: usize,
    /// How many it takes.
    pub quorum: u8,
}

/// What an approver gives.
#[derive(Clone, Copy, Debug)]
pub struct Approval<'a> {
    /// Their grant key.
    pub key: &'a [u8; 32],
    /// Its signature over the body of the grant.
    pub signature: &'a [u8; 64],
    /// In their words; may be empty.
    pub comment: &'a str,
}

/// None of these futures may be dropped before it has ended: what was recorded then would be taken up
/// at the next start alone.
impl Session {
    /// Takes up an approver's signature. The signature counts as long as they may approve, whatever is
    /// said of it elsewhere; policy is asked now and not again.
    pub async fn approve_window(
        &self,
        number: u64,
        approval: Approval<'_>,
        now: Now,
    ) -> Result<Approved, NotDone> {
        let broker = self.broker();
        let _turn = broker.window_turn().await;
        let comment = comment(approval.comment)?;
        let (window, device, policies) = self.decided(number, now)?;
        let reliance = broker.reliance().ok_or(NotDone::NoRoot)?;
        let grant = Grant::read_unsigned(&window.requested.grant).map_err(NotDone::NotAGrant)?;
        let state = state_of(Some(reliance), &broker.register(), &window, now);
        if !matches!(state, WindowState::Pending | WindowState::Short) {
            return Err(NotDone::Stands(number, state));
        }
        let not_theirs = |why| self.may_not_approve(&device, number, why, now);
        self.may_sign(reliance, &grant, &approval, now)
            .map_err(not_theirs)?;
        let again = |valid: &[String]| valid.iter().any(|who| who == self.subject().as_str());
        if again(&reliance.counting(&broker.register(), &window)) {
            return Err(NotDone::Again(number));
        }
        let approved = Event::WindowApproved(WindowApproved {
            window: number,
            session: self.id(),
            by: self.subject().to_string(),
            key: *approval.key,
            signature: *approval.signature,
            comment,
            policies,
        });
        let record = broker.act(approved, now).await?;
        let has = {
            let register = broker.register();
            let kept = register.windows.numbered(number);
            kept.map_or(0, |kept| reliance.counting(&register, kept).len())
        };
        let approved = Approved {
            record,
            has,
            quorum: grant.quorum,
        };
        broker.tell_holder(&window, approved.words(number, self.subject()));
        Ok(approved)
    }

    /// The window, its device, and the rules that let this session decide on it.
    fn decided(&self, number: u64, now: Now) -> Result<(KeptWindow, String, Vec<String>), NotDone> {
        self.stands(now)?;
        let kept = self.broker().register().windows.numbered(number).cloned();
        let window = kept.ok_or(NotDone::NoWindow(number))?;
        let requested = &window.requested;
        let grant = Grant::read_unsigned(&requested.grant).map_err(NotDone::NotAGrant)?;
        let holder = SubjectId::parse(grant.holder).map_err(|_| NotDone::NoWindow(number))?;
        let mut names = requested.points.clone();
        names.sort_unstable();
        let facts = WindowFacts {
            points: &names,
            functions: functions_of(&grant),
            length_s: grant.spans().map(|span| span.length_s).max().unwrap_or(0),
            spans: u32::try_from(grant.spans().len()).unwrap_or(u32::MAX),
            max_writes: grant.max_writes,
            holder: &holder,
            supervised: grant.supervised,
            hold: grant.hold,
        };
        let act = Action::ApproveWindow;
        let verdict = self.administer_device(act, grant.device, Matter::Window(facts), now)?;
        let device = grant.device.to_owned();
        Ok((window, device, verdict.policies))
    }

    /// Whether this session is an approver of a grant, and this their signature.
    fn may_sign(
        &self,
        reliance: &Reliance,
        grant: &Grant<'_>,
        approval: &Approval<'_>,
        now: Now,
    ) -> Result<(), Ineligible> {
        let holder = SubjectId::parse(grant.holder).map_err(|_| Ineligible::NotNamed)?;
        let holder = Holder {
            who: &holder,
            machine: grant.holder_key,
        };
        let register = self.broker().register();
        let (who, machine) = (self.subject(), self.device_key());
        let entries = reliance.approver(&register, who, machine, holder, now)?;
        if !entries.iter().any(|entry| entry.key == *approval.key) {
            return Err(Ineligible::OtherKey);
        }
        if !grant.approvers().contains(approval.key) {
            return Err(Ineligible::NotNamed);
        }
        if !is_signed_by_approver(approval.key, grant.body, approval.signature) {
            return Err(Ineligible::BadSignature);
        }
        Ok(())
    }

    /// Refuses a window for good. It takes an approver, as approving does; what is approved already
    /// is revoked instead.
    pub async fn refuse_window(
        &self,
        number: u64,
        comment: &str,
        now: Now,
    ) -> Result<u64, NotDone> {
        let broker = self.broker();
        let _turn = broker.window_turn().await;
        let comment = comment.trim();
        if !is_text(comment) {
            return Err(NotDone::Comment);
        }
        let (window, device, _) = self.decided(number, now)?;
        let reliance = broker.reliance().ok_or(NotDone::NoRoot)?;
        let grant = Grant::read_unsigned(&window.requested.grant).map_err(NotDone::NotAGrant)?;
        let holder = SubjectId::parse(grant.holder).map_err(|_| NotDone::NoWindow(number))?;
        let holder = Holder {
            who: &holder,
            machine: grant.holder_key,
        };
        let state = state_of(Some(reliance), &broker.register(), &window, now);
        if !matches!(
            state,
            WindowState::Pending | WindowState::Short | WindowState::Outdated
        ) {
            return Err(NotDone::Stands(number, state));
        }
        let may = {
            let register = broker.register();
            let (who, machine) = (self.subject(), self.device_key());
            let approver = reliance.approver(&register, who, machine, holder, now);
            approver.map(|_| ())
        };
        may.map_err(|why| self.may_not_approve(&device, number, why, now))?;
        let refused = Event::WindowRefused(WindowRefused {
            window: number,
            session: self.id(),
            by: self.subject().to_string(),
            comment: comment.to_owned(),
        });
        let record = broker.act(refused, now).await?;
        let who = self.subject().path();
        broker.tell_holder(
            &window,
            format!("window {number} was refused by {who}: {comment}"),
        );
        Ok(record)
    }

    /// Takes one's own request or window back: from here on it opens nothing. That holds as soon as
    /// this was polled; it then waits until it is on the disk, which takes for ever where a disk
    /// hangs. So bound it; it may be dropped at any time.
    pub async fn withdraw_window(&self, number: u64, now: Now) -> Result<u64, NotDone> {
        let record = self.withdraw(number, now)?;
        let mut durable = self.broker().journal().durable();
        // An error means that the journal has ended: it is as durable as it will be.
        let _ended = durable.wait_for(|through| *through >= record).await;
        Ok(record)
    }

    /// It takes something away, so it waits for nobody's turn.
    fn withdraw(&self, number: u64, now: Now) -> Result<u64, NotDone> {
        self.stands(now)?;
        let broker = self.broker();
        let kept = broker.register().windows.numbered(number).cloned();
        let own = |window: &KeptWindow| window.requested.by == self.subject().as_str();
        let window = kept.filter(own).ok_or(NotDone::NotOwn(number))?;
        if window.refused.is_some() || window.ended.is_some() {
            let state = state_of(broker.reliance(), &broker.register(), &window, now);
            return Err(NotDone::Stands(number, state));
        }
        let ended = Event::WindowEnded(WindowEnded {
            window: number,
            end: WindowEnd::Withdrawn,
            session: Some(self.id()),
            by: self.subject().to_string(),
        });
        let record = broker.tell_register(ended, now)?;
        let who = self.subject().path();
        broker.tell_approvers(&window, &format!("window {number} was taken back by {who}"));
        Ok(record)
    }
}

impl Approved {
    fn words(&self, window: u64, by: &SubjectId) -> String {
        let (has, quorum, who) = (self.has, self.quorum, by.path());
        if has >= usize::from(quorum) {
            format!(
                "window {window} is approved, by {who} last: it opens at its time; `interlock window show {window}`"
            )
        } else {
            format!("window {window} was approved by {who}: {has} of {quorum} approvals are there")
        }
    }
}

fn comment(text: &str) -> Result<String, NotDone> {
    let text = text.trim();
    if text.is_empty() || is_text(text) {
        Ok(text.to_owned())
    } else {
        Err(NotDone::Comment)
    }
}

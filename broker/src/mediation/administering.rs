//! Administrative acts, as sessions ask for them: decided by policy, and denied with a record.

use super::refusal::{Reason, Refusal};
use super::session::Session;
use crate::clock::Now;
use crate::policy::{Action, Facts, Matter, Resource, Verdict, View};
use crate::window::Ineligible;

impl Session {
    /// Decides an administrative act on the site.
    pub(crate) fn administer(&self, action: Action, now: Now) -> Result<(), Refusal> {
        self.administer_with(action, Matter::Plain, now)
    }

    /// Decides an administrative act of which policy is told more than its name.
    pub(crate) fn administer_with(
        &self,
        action: Action,
        matter: Matter<'_>,
        now: Now,
    ) -> Result<(), Refusal> {
        let judged = self.judge_act(action, Resource::Site, matter, now);
        self.inner.last_use.mark(now);
        judged.map(|_| ())
    }

    /// Decides an act that concerns one device, and gives what determined it. Of a device that there
    /// is not, and of one that is not this subject's to see, whoever may not act learns the same.
    pub(crate) fn administer_device(
        &self,
        action: Action,
        device: &str,
        matter: Matter<'_>,
        now: Now,
    ) -> Result<Verdict, Refusal> {
        self.inner.may_act(now).map_err(Refusal::new)?;
        self.inner.last_use.mark(now);
        if self.broker().plant().device(device).is_none() {
            return Err(self.refuse_device(device, Vec::new(), now));
        }
        let judged = self.judge_act(action, Resource::Device(device), matter, now);
        judged.map_err(|refusal| {
            let unexplained = matches!(refusal.reason(), Reason::Forbidden | Reason::NoRule);
            if unexplained && !self.may_connect(device, now) {
                // The record says more than whoever asked is told.
                return Refusal::new(Reason::NotYours).recorded_as(refusal.record());
            }
            refusal
        })
    }

    fn may_connect(&self, device: &str, now: Now) -> bool {
        let mut visible = self.visible_devices(now).into_iter();
        visible.any(|known| known.name() == device)
    }

    /// Whether policy lets the session do something to the site. Nobody is denied anything by it, and
    /// nothing is recorded.
    pub(crate) fn could(&self, action: Action, now: Now) -> bool {
        let decided = |view: &mut View, circumstances| {
            let matter = Matter::Plain;
            let facts = Facts {
                circumstances,
                matter,
            };
            view.decide(action, Resource::Site, &facts).allow
        };
        self.with_view(now, decided)
    }

    /// Denies the approval of a window, with a record.
    pub(crate) fn may_not_approve(
        &self,
        device: &str,
        window: u64,
        why: Ineligible,
        now: Now,
    ) -> Refusal {
        let reason = Reason::MayNotApprove(why);
        let detail = format!("window {window}: {}", reason.what());
        self.refuse(device, reason, detail, Vec::new(), now)
    }

    pub(super) fn judge_act(
        &self,
        action: Action,
        resource: Resource<'_>,
        matter: Matter<'_>,
        now: Now,
    ) -> Result<Verdict, Refusal> {
        self.inner.may_act(now).map_err(Refusal::new)?;
        let device = match resource {
            Resource::Device(device) => device,
            Resource::Site => "",
        };
        let verdict = self
            .undiminished(action)
            .map_err(|reason| (reason, Vec::new()))
            .and_then(|()| self.permitted(action, resource, matter, now))
            .map_err(|(reason, policies)| {
                // A denial of a command has its bytes; this one has but its name.
                let detail = format!("{}: {}", action.name(), reason.what());
                self.refuse(device, reason, detail, policies, now)
            })?;
        if now.doubted() && action.needs_time() {
            let reason = Reason::ClockDoubted;
            let detail = format!("{}: {}", action.name(), reason.what());
            return Err(self.refuse(device, reason, detail, Vec::new(), now));
        }
        Ok(verdict)
    }

    /// Whoever was left nothing but reading may look, and no more.
    fn undiminished(&self, action: Action) -> Result<(), Reason> {
        match action {
            Action::ReadJournal
            | Action::ReadStatus
            | Action::ReadIdentities
            | Action::ReadSessions
            | Action::ReadWindows => Ok(()),
            _ => match self.inner.standing.downgraded() {
                Some(restraint) => Err(Reason::Downgraded(restraint)),
                None => Ok(()),
            },
        }
    }
}

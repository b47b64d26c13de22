//! Asking for a window: what others may sign is made here, and recorded before anybody sees it.

use aws_lc_rs::rand;
use interlock_protocols::conduit::{WindowRequest, WindowRow};
use interlock_protocols::grant::{Draft, Grant, Kind};
use interlock_protocols::limits::GRANT_APPROVERS_MAX;
use interlock_protocols::record::{Event, KeptWindow, WindowRequested};

use super::eligible::Holder;
use super::refused::NotDone;
use super::resolve::{Asked, Scope};
use super::rows::{self, is_live, state_of};
use super::valid::Reliance;
use crate::clock::Now;
use crate::limits::{WINDOWS_KEPT_MAX, WINDOWS_PER_DAY_MAX, WINDOWS_PER_SUBJECT_MAX};
use crate::mediation::Session;
use crate::policy::{Action, Matter, Obligations};
use crate::subject::SubjectId;

const DAY_MS: i64 = 86_400_000;

impl Session {
    /// Asks for a window. It opens nothing until others have signed its grant, which is made here.
    /// The future must not be dropped before it has ended: what was recorded then would be taken up at
    /// the next start alone.
    pub async fn request_window(
        &self,
        request: &WindowRequest,
        now: Now,
    ) -> Result<WindowRow, NotDone> {
        let broker = self.broker();
        let asked = Asked::read(request, now)?;
        // Judged behind the wait: in it they may have lost the right.
        let _turn = broker.window_turn().await;
        let (facts, device) = (asked.facts(self.subject()), &request.device);
        let act = Action::RequestWindow;
        let verdict = self.administer_device(act, device, Matter::Window(facts), now)?;
        let reliance = broker.reliance().ok_or(NotDone::NoRoot)?;
        let machine = self.device_key().ok_or(NotDone::NoMachine)?;
        let device = broker.plant().device(device).ok_or(NotDone::NoDevice)?;
        let scope = asked.resolve(device, &self.groups())?;
        self.has_room(now)?;
        self.may_extend(request)?;
        let holder = Holder {
            who: self.subject(),
            machine,
        };
        let names = scope.names.clone();
        let draft = self.draft(reliance, &asked, scope, holder, verdict.obligations, now)?;
        let requested = WindowRequested {
            session: self.id(),
            by: self.subject().to_string(),
            grant: draft.encode().map_err(|_| NotDone::TooLong)?,
            points: names,
            reason: asked.reason.to_owned(),
            waits_until_ms: asked.waits_until_ms,
            extends: request.extends,
            policies: verdict.policies,
        };
        // What nobody could read later must not be recorded as asked for.
        Grant::read_unsigned(&requested.grant).map_err(NotDone::NotAGrant)?;
        let number = broker.act(Event::WindowRequested(requested), now).await?;
        let register = broker.register();
        let kept = register
            .windows
            .numbered(number)
            .ok_or(NotDone::NoWindow(number))?;
        let row = rows::row(Some(reliance), &register, kept, now);
        let kept = kept.clone();
        drop(register);
        broker.tell_approvers(&kept, &asked_words(&kept, &request.device));
        Ok(row)
    }

    fn draft(
        &self,
        reliance: &Reliance,
        asked: &Asked<'_>,
        scope: Scope,
        holder: Holder<'_>,
        obliged: Obligations,
        now: Now,
    ) -> Result<Draft, NotDone> {
        let register = self.broker().register();
        let eligible = reliance.eligible(&register, holder, now);
        let mut people: Vec<&str> = eligible.iter().map(|one| one.subject.as_str()).collect();
        people.dedup();
        if people.len() < usize::from(obliged.quorum) {
            return Err(NotDone::TooFew {
                could: people.len(),
                quorum: obliged.quorum,
            });
        }
        if eligible.len() > GRANT_APPROVERS_MAX {
            tracing::warn!(
                listed = eligible.len(),
                named = GRANT_APPROVERS_MAX,
                "more keys could approve than a grant names: the first are named"
            );
        }
        let mut id = [0; 16];
        rand::fill(&mut id).map_err(|_| NotDone::NoRandomness)?;
        let keys = eligible.iter().map(|approver| approver.key);
        Ok(Draft {
            kind: Kind::Window,
            supervised: asked.request.supervised || obliged.supervised,
            hold: asked.request.hold || obliged.hold,
            quorum: obliged.quorum,
            id,
            site: reliance.root().site().to_owned(),
            gateway: reliance.gateway().to_owned(),
            device: asked.request.device.clone(),
            guard: String::new(),
            holder: holder.who.to_string(),
            holder_key: *holder.machine,
            plant: *reliance.plant(),
            max_writes: asked.request.max_writes,
            open_s: 0,
            approvers: keys.take(GRANT_APPROVERS_MAX).collect(),
            points: scope.points,
            spans: asked.spans.clone(),
        })
    }

    /// Who asks for ever more would fill the register, and nobody would look any more.
    fn has_room(&self, now: Now) -> Result<(), NotDone> {
        let broker = self.broker();
        let register = broker.register();
        let day_ago_ms = now.wall_ms().saturating_sub(DAY_MS);
        let of_today = |window: &&KeptWindow| window.time_ms > day_ago_ms;
        let is_live = |window: &&KeptWindow| {
            let state = state_of(broker.reliance(), &register, window, now);
            is_live(state)
        };
        let by = self.subject().as_str();
        let own = register.windows.iter().filter(|it| it.requested.by == by);
        if own.clone().filter(of_today).count() >= WINDOWS_PER_DAY_MAX {
            return Err(NotDone::TooOften);
        }
        if own.filter(is_live).count() >= WINDOWS_PER_SUBJECT_MAX {
            return Err(NotDone::TooMany);
        }
        let undecided = |window: &&KeptWindow| window.refused.is_none() && window.ended.is_none();
        if register.windows.iter().filter(undecided).count() >= WINDOWS_KEPT_MAX {
            return Err(NotDone::Full);
        }
        Ok(())
    }

    /// One extends what they asked for themselves, on the same device.
    fn may_extend(&self, request: &WindowRequest) -> Result<(), NotDone> {
        let Some(number) = request.extends else {
            return Ok(());
        };
        let register = self.broker().register();
        let window = register.windows.numbered(number);
        let own = window.filter(|it| it.requested.by == self.subject().as_str());
        let grant = own.and_then(|it| Grant::read_unsigned(&it.requested.grant).ok());
        match grant {
            Some(grant) if grant.device == request.device => Ok(()),
            _ => Err(NotDone::Extends(number)),
        }
    }
}

fn asked_words(window: &KeptWindow, device: &str) -> String {
    let number = window.number;
    let by = SubjectId::parse(&window.requested.by);
    let by = by.map_or_else(|_| window.requested.by.clone(), |by| by.path().to_owned());
    format!(
        "{by} asks for window {number} on {device}: `interlock window show {number}`, then approve or refuse it"
    )
}

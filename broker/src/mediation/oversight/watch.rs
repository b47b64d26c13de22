//! Watching one session, or one device.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use interlock_protocols::conduit::{Seen, ToWatcher, Watched};
use interlock_protocols::record::{Event, WatchEnded, WatchOpened};

use super::feed::{Rights, Watcher};
use super::reason::Oversight;
use super::supervision::{Ahead, differ};
use crate::clock::Now;
use crate::mediation::refusal::{Reason, Refusal};
use crate::mediation::session::{Inner, Session};
use crate::policy::{Action, Matter, Resource};
use crate::subject::SubjectId;

/// Somebody watches. Dropping it ends that, and records the end.
pub struct Watch {
    pub(super) session: Arc<Inner>,
    pub(super) watcher: Arc<Watcher>,
    supervises: bool,
    ended: AtomicBool,
}

impl Session {
    /// Begins to watch, if policy lets this session watch the device; or, where it is a session
    /// that is to be watched, some device of the plant: what that session does at others is not
    /// shown.
    pub fn watch(&self, watched: Watched, now: Now) -> Result<Watch, Refusal> {
        let inner = &self.inner;
        inner.may_act(now).map_err(Refusal::new)?;
        let (name, what) = match &watched {
            Watched::Device(device) => (device.clone(), "watch".to_owned()),
            Watched::Session(session) => (String::new(), format!("watch session {session}")),
        };
        let rights = inner.rights(&watched, now);
        let rights = rights.map_err(|(reason, rules)| {
            let detail = format!("{what}: {}", reason.what());
            self.refuse(&name, reason, detail, rules, now)
        })?;
        if !inner.broker.allowances.reading(&inner.subject, now) {
            return Err(Refusal::new(Oversight::TooOften.into()));
        }
        inner.last_use.mark(now);
        let number = inner.next_conversation.fetch_add(1, Ordering::Relaxed);
        let supervises = !rights.supervise.is_empty();
        let watcher = Arc::new(Watcher::new(
            inner.id,
            inner.subject.clone(),
            number,
            watched,
            inner.standing.clone(),
            rights,
        ));
        let feed = &inner.broker.overseer.feed;
        feed.join(&watcher)
            .map_err(|_| Refusal::new(Oversight::WatchesFull.into()))?;
        inner.append(now, opened(&watcher, supervises));
        // From here on every new one is told; those of before are told now.
        let follows = |held: &super::hold::Held| watcher.follows(held.session, &held.device);
        for held in inner.broker.seen_holds(follows, now) {
            watcher.push(held);
        }
        watcher.quiet();
        Ok(Watch {
            session: Arc::clone(inner),
            watcher,
            supervises,
            ended: AtomicBool::new(false),
        })
    }
}

fn opened(watcher: &Watcher, supervises: bool) -> Event {
    let (watched, device) = match &watcher.watched {
        Watched::Session(session) => (Some(*session), String::new()),
        Watched::Device(device) => (None, device.clone()),
    };
    Event::WatchOpened(WatchOpened {
        session: watcher.session,
        subject: watcher.subject.to_string(),
        watch: watcher.number,
        watched,
        device,
        supervises,
    })
}

impl Watch {
    /// Whether it can supervise what it watches, as it was when it began. Where that is lost, the
    /// watch ends.
    pub fn supervises(&self) -> bool {
        self.supervises
    }

    /// Waits for something to be seen. May be dropped at any time, and loses nothing.
    pub async fn next(&self) -> ToWatcher {
        self.watcher.next().await
    }

    /// What is to be seen at this moment.
    pub fn ready(&self) -> Option<ToWatcher> {
        self.watcher.ready()
    }

    /// They saw everything up to this number. An error ends the watch.
    pub fn saw(&self, through: u64, now: Now) -> Result<(), Refusal> {
        let said = self.watcher.saw(through, now);
        said.map_err(|Ahead| Refusal::new(Oversight::WatchBroken.into()))
    }

    /// Decides again whether it may go on; forgets what has run out; shows that nothing happens.
    /// Call it once a second. An error ends the watch.
    pub fn tick(&self, now: Now) -> Result<(), Refusal> {
        self.session.broker.overseer.run_out(now.mono());
        self.decide(now)?;
        if self.supervises {
            // Whoever supervises is at work, though they send no command.
            self.session.last_use.mark(now);
        }
        self.watcher.quiet();
        Ok(())
    }

    /// Decides whether it may go on.
    pub(super) fn decide(&self, now: Now) -> Result<(), Refusal> {
        self.session.may_act(now).map_err(Refusal::new)?;
        let rights = self.session.rights(&self.watcher.watched, now);
        let rights = rights.map_err(|(reason, rules)| Refusal::new(reason).decided_by(rules))?;
        let supervises = !rights.supervise.is_empty();
        *self.watcher.rights() = rights;
        if self.watcher.has_burst() {
            return Err(Refusal::new(Oversight::WatchBehind.into()));
        }
        // They believe that they do, and others rest on it.
        if self.supervises && !supervises {
            return Err(Refusal::new(Oversight::NoSupervisor.into()));
        }
        Ok(())
    }

    /// Ends it with a last word for whoever watches, which comes behind what is to be seen still.
    pub fn part(&self, why: &Refusal, now: Now) {
        self.watcher.push(Seen::Ended {
            what: why.reason().what(),
            next: why.next(),
        });
        self.end(&why.reason().what(), now);
    }

    /// Records its end, once. From here on it supervises nothing.
    pub fn end(&self, reason: &str, now: Now) {
        if self.ended.swap(true, Ordering::AcqRel) {
            return;
        }
        self.session.broker.overseer.feed.leave(&self.watcher);
        let ended = Event::WatchEnded(WatchEnded {
            session: self.watcher.session,
            subject: self.watcher.subject.to_string(),
            watch: self.watcher.number,
            reason: reason.to_owned(),
        });
        self.session.append(now, ended);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end("the stream was lost", self.session.ledger.latest());
    }
}

impl Inner {
    /// Where somebody may watch what they want to, and supervise it. None at all is an error.
    fn rights(&self, watched: &Watched, now: Now) -> Result<Rights, (Reason, Vec<String>)> {
        let unknown = || (Reason::NotYours, Vec::new());
        let plant = self.broker.plant();
        let (devices, holder): (Vec<&str>, Option<SubjectId>) = match watched {
            Watched::Device(name) => {
                let device = plant.device(name).ok_or_else(unknown)?;
                (vec![device.name()], None)
            }
            Watched::Session(session) => {
                let present = self.broker.roll.present().into_iter();
                let mut open = present.filter(|present| present.is_open());
                let found = open.find(|present| present.whose.session == *session);
                let devices = plant.devices().iter().map(|device| device.name());
                match found {
                    Some(found) => (devices.collect(), Some(found.whose.subject.clone())),
                    None => return Err((Oversight::WatchedOver.into(), Vec::new())),
                }
            }
        };
        // Nobody supervises their own people; at a device it depends on who comes.
        let apart = holder.is_none_or(|holder| differ(&holder, &self.subject));
        let apart = apart && self.standing.downgraded().is_none();
        let mut rights = Rights::default();
        let mut denied = unknown();
        for device in devices {
            match self.permitted(Action::Watch, Resource::Device(device), Matter::Plain, now) {
                Ok(_) => {
                    rights.watch.insert(device.to_owned());
                }
                Err((_, rules)) => {
                    denied.1 = rules;
                    continue;
                }
            }
            let supervise = Resource::Device(device);
            if apart
                && self
                    .permitted(Action::Supervise, supervise, Matter::Plain, now)
                    .is_ok()
            {
                rights.supervise.insert(device.to_owned());
            }
        }
        if rights.watch.is_empty() {
            return Err(denied);
        }
        Ok(rights)
    }
}

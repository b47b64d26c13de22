//! What time, and others, do to windows: looked at each second. Those whose time is over, or that
//! nobody approved in time, get the record of their end; whoever holds one is told when it opens, and
//! when something is taken from it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use interlock_protocols::conduit::WindowState;
use interlock_protocols::grant::Grant;
use interlock_protocols::record::{Event, KeptWindow, WindowEnd, WindowEnded};

use super::rows::state_of;
use crate::clock::Now;
use crate::mediation::Broker;

/// Where each window stood when it was last looked at.
#[derive(Default, Debug)]
pub(crate) struct Attended(Mutex<Option<Before>>);

#[derive(Debug)]
struct Before {
    states: BTreeMap<u64, WindowState>,
    /// What the register had heard of.
    through: u64,
    /// Nothing happens by itself before this moment.
    until_ms: i64,
}

impl Broker {
    /// Records which windows came to their end, and tells those whom it concerns what changed. Call it
    /// each second, whether or not anybody is there.
    pub fn attend_windows(&self, now: Now) {
        let attended = &self.attended.0;
        let mut before = attended.lock().unwrap_or_else(PoisonError::into_inner);
        let through = self.register().through();
        let idle = before
            .as_ref()
            .is_some_and(|before| before.through == through && now.wall_ms() < before.until_ms);
        if idle {
            return;
        }
        let ended = self.end_windows(now);
        let (states, until_ms, changed) = self.look(before.as_ref(), now);
        for (window, state) in changed {
            self.tell_change(&window, state);
        }
        *before = Some(Before {
            states,
            through,
            // What could not be ended is tried again.
            until_ms: if ended { until_ms } else { i64::MIN },
        });
    }

    /// A clock in doubt ends nothing: that could not be taken back. False where something is left to
    /// do.
    fn end_windows(&self, now: Now) -> bool {
        if now.doubted() {
            return false;
        }
        let ends = |window: &KeptWindow, state: WindowState| match state {
            WindowState::Over => Some(WindowEnd::Over),
            WindowState::Lapsed => Some(WindowEnd::Lapsed),
            // It has its record, and is only forgotten sooner for this one.
            WindowState::Revoked => is_over(window, now).then_some(WindowEnd::Over),
            _ => None,
        };
        let over: Vec<(u64, WindowEnd)> = {
            let register = self.register();
            let live = register.windows.iter();
            let live = live.filter(|window| window.ended.is_none() && window.refused.is_none());
            live.filter_map(|window| {
                let state = state_of(self.reliance(), &register, window, now);
                Some((window.number, ends(window, state)?))
            })
            .collect()
        };
        for (window, end) in over {
            let ended = Event::WindowEnded(WindowEnded {
                window,
                end,
                session: None,
                by: String::new(),
            });
            if let Err(error) = self.tell_register(ended, now) {
                // It opens nothing all the same, and is tried again.
                tracing::debug!(window, %error, "the end of a window could not be recorded");
                return false;
            }
        }
        true
    }

    /// Where each window stands, until when nothing happens by itself, and which ones changed.
    #[allow(
        clippy::type_complexity,
        reason = "three answers of one look, for one caller"
    )]
    fn look(
        &self,
        before: Option<&Before>,
        now: Now,
    ) -> (
        BTreeMap<u64, WindowState>,
        i64,
        Vec<(KeptWindow, WindowState)>,
    ) {
        let register = self.register();
        let (mut states, mut until_ms, mut changed) = (BTreeMap::new(), i64::MAX, Vec::new());
        for window in register.windows.iter() {
            let state = state_of(self.reliance(), &register, window, now);
            until_ms = until_ms.min(next_edge_ms(window, now));
            // At a start everything is as it was: nobody is told.
            if let Some(before) = before
                && before
                    .states
                    .get(&window.number)
                    .is_some_and(|was| *was != state)
            {
                changed.push((window.clone(), state));
            }
            states.insert(window.number, state);
        }
        (states, until_ms, changed)
    }

    fn tell_change(&self, window: &KeptWindow, state: WindowState) {
        let number = window.number;
        let text = match state {
            WindowState::Open => format!("window {number} is open now"),
            WindowState::Over => format!("window {number} is over"),
            WindowState::Lapsed => {
                format!("window {number} was not approved in time: if the work goes on, ask again")
            }
            WindowState::Revoked => {
                let register = self.register();
                let restraint = register.restraints.window_revoked(number);
                let why = restraint.map_or_else(String::new, |it| format!(": {}", it.reason()));
                format!("window {number} was revoked{why}")
            }
            WindowState::Short => {
                let text = format!(
                    "an approval of window {number} counts no longer: it opens nothing until somebody else approves"
                );
                self.tell_approvers(window, &text);
                text
            }
            WindowState::Exhausted => {
                format!("all writes of window {number} are used, for this time of it")
            }
            // Whoever did it told of it.
            WindowState::Pending
            | WindowState::Approved
            | WindowState::Outdated
            | WindowState::Refused
            | WindowState::Withdrawn => return,
        };
        self.tell_holder(window, text);
    }
}

fn is_over(window: &KeptWindow, now: Now) -> bool {
    let grant = Grant::read_unsigned(&window.requested.grant);
    grant.is_ok_and(|grant| {
        let (_, end_ms) = grant.reach_ms();
        u64::try_from(now.wall_ms()).is_ok_and(|now_ms| now_ms >= end_ms)
    })
}

/// The next moment at which a window begins, ends or lapses.
fn next_edge_ms(window: &KeptWindow, now: Now) -> i64 {
    let Ok(grant) = Grant::read_unsigned(&window.requested.grant) else {
        return i64::MAX;
    };
    let spans = grant
        .spans()
        .flat_map(|span| [span.start_ms, span.end_ms()]);
    let spans = spans.map(|edge_ms| i64::try_from(edge_ms).unwrap_or(i64::MAX));
    let edges = spans.chain([window.requested.waits_until_ms]);
    let next = edges.filter(|edge_ms| *edge_ms > now.wall_ms()).min();
    next.unwrap_or(i64::MAX)
}

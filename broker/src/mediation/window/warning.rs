//! Warning whoever holds a window that its time will be over.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Now;
use crate::limits::SESSION_WARNINGS;
use crate::mediation::schedule::{Warning, in_words};
use crate::mediation::session::Inner;

use super::gate::Pane;

/// The shortest warning that a session was given of each span: by the window, and its beginning.
#[derive(Default, Debug)]
pub(in crate::mediation) struct Told(Mutex<BTreeMap<(u64, u64), Duration>>);

impl Inner {
    /// What there is to warn of now. Each warning comes once; who comes late gets only the last.
    pub(in crate::mediation) fn window_warning(&self, now: Now) -> Option<Warning> {
        let machine = self.whose.machine.as_ref()?;
        let panes = self.broker.windows.of_holder(self.subject.as_str());
        let mut told = self.told.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|(number, _), _| panes.iter().any(|pane| pane.number() == *number));
        panes
            .iter()
            .filter(|pane| pane.is_held_on(machine))
            .find_map(|pane| warning(pane, &mut told, now))
    }
}

fn warning(pane: &Pane, told: &mut BTreeMap<(u64, u64), Duration>, now: Now) -> Option<Warning> {
    if pane.barred().is_some() {
        return None;
    }
    let (_, span) = pane.span(now.wall_ms()).ok()?;
    let now_ms = u64::try_from(now.wall_ms()).ok()?;
    let left = Duration::from_millis(span.end_ms().saturating_sub(now_ms));
    let length = Duration::from_secs(u64::from(span.length_s));
    // Nobody is warned in the first moment of what is that short.
    let due = SESSION_WARNINGS.into_iter();
    let due = due.filter(|due| left <= *due && *due < length).min()?;
    let key = (pane.number(), span.start_ms);
    if told.get(&key).is_some_and(|before| *before <= due) {
        return None;
    }
    told.insert(key, due);
    let (number, device) = (pane.number(), pane.grant().ok()?.device);
    Some(Warning {
        text: format!(
            "window {number} for {device} ends in {}: finish what you are at, or ask for more with `interlock window extend {number}`",
            in_words(left)
        ),
        ends_ms: i64::try_from(span.end_ms()).unwrap_or(i64::MAX),
    })
}

//! What those whom a window concerns are told of it, while they are there. Whoever is not finds it
//! in the list.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use interlock_protocols::conduit::WindowStep;
use interlock_protocols::grant::Grant;
use interlock_protocols::record::KeptWindow;

use super::valid::Reliance;
use crate::limits::STEPS_WAITING_MAX;
use crate::mediation::Broker;

/// Steps that wait until a session is told.
#[derive(Default, Debug)]
pub(crate) struct Steps(Mutex<VecDeque<WindowStep>>);

impl Steps {
    /// The oldest gives way: what was said last is what holds.
    pub(crate) fn push(&self, step: WindowStep) {
        let mut steps = self.steps();
        while steps.len() >= STEPS_WAITING_MAX {
            steps.pop_front();
        }
        steps.push_back(step);
    }

    pub(crate) fn take(&self) -> Vec<WindowStep> {
        self.steps().drain(..).collect()
    }

    fn steps(&self) -> MutexGuard<'_, VecDeque<WindowStep>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reliance {
    /// Those who may sign a grant, by the list of now; each once.
    pub(super) fn named_in(&self, grant: &Grant<'_>) -> Vec<&str> {
        let named = self.approvers().iter();
        let named = named.filter(|approver| grant.approvers().contains(&approver.key));
        let mut named: Vec<&str> = named.map(|approver| approver.subject.as_str()).collect();
        named.dedup();
        named
    }
}

impl Broker {
    /// Tells whoever holds a window of a step.
    pub(super) fn tell_holder(&self, window: &KeptWindow, text: String) {
        self.tell_step(&window.requested.by, window.number, &text);
    }

    /// Tells those who may sign a window's grant of a step.
    pub(super) fn tell_approvers(&self, window: &KeptWindow, text: &str) {
        let Some(reliance) = self.reliance() else {
            return;
        };
        let Ok(grant) = Grant::read_unsigned(&window.requested.grant) else {
            return;
        };
        for approver in reliance.named_in(&grant) {
            self.tell_step(approver, window.number, text);
        }
    }
}

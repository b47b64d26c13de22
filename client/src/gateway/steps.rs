//! What the gateway tells of maintenance windows without being asked.

use interlock_protocols::conduit::{ToClient, WindowStep};

use super::Gateway;
use crate::failure::Failure;
use crate::limits::STEPS_HELD_MAX;
use crate::screen;

impl Gateway {
    /// Waits for the next step of a window that concerns us; it was shown already. Fails when the
    /// session is over. May be dropped at any time without losing a step.
    pub(crate) async fn next_step(&mut self) -> Result<WindowStep, Failure> {
        if let Some(step) = self.steps.pop_front() {
            return Ok(step);
        }
        loop {
            match self.message().await? {
                ToClient::Window(step) => return Ok(step),
                ToClient::Notice(notice) => self.hold(notice),
                // A reply to a call that nobody waits for any more.
                _ => {}
            }
        }
    }

    pub(super) fn hold_step(&mut self, step: WindowStep) {
        if self.steps.len() >= STEPS_HELD_MAX {
            self.steps.pop_front();
        }
        self.steps.push_back(step);
    }
}

/// A step in words, the first of which is to be set off. It has words of others in it, and stays
/// one line.
pub(crate) fn words(step: &WindowStep) -> (String, String) {
    let text = screen::one_line(&step.text);
    let window = format!("window {}", step.window);
    // Most begin with it anyway.
    match text.strip_prefix(&format!("{window} ")) {
        Some(rest) => (window, rest.to_owned()),
        None => (window + ":", text),
    }
}

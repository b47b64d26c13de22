//! Telling sessions what happened to windows that concern their subjects.

use interlock_protocols::conduit::WindowStep;

use super::broker::Broker;
use super::session::Session;

impl Broker {
    /// Tells each open session of a subject, with its next look.
    pub(crate) fn tell_step(&self, subject: &str, window: u64, text: &str) {
        let sessions = self.open_sessions().into_iter();
        for session in sessions.filter_map(|present| present.session) {
            if session.subject.as_str() == subject {
                let text = text.to_owned();
                session.steps.push(WindowStep { window, text });
            }
        }
    }
}

impl Session {
    /// What happened, since this was last asked, to windows that concern its subject. Call it after
    /// [`Session::tick`].
    pub fn steps(&self) -> Vec<WindowStep> {
        self.inner.steps.take()
    }
}

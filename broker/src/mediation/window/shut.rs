//! Why a window does not open what was asked, in words.

use std::sync::Arc;

use crate::register::Restraint;

/// The window of whoever asks that comes nearest to what was asked, and why it does not open it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotInForce {
    /// Its number.
    pub window: u64,
    /// Why it does not.
    pub why: Shut,
}

/// Why a window opens nothing, or not this.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Shut {
    /// It is not approved, or not by as many as it takes.
    Pending,
    /// An approver refused it.
    Refused,
    /// Nobody approved it in time.
    Lapsed,
    /// Whoever asked for it took it back.
    Withdrawn,
    /// It was revoked.
    Revoked(Arc<Restraint>),
    /// It was approved, and a signature under it counts no longer.
    Short,
    /// The plant is another one since it was asked for.
    Outdated,
    /// It cannot be judged here at all; the text says what is missing.
    Unjudged(String),
    /// It has not begun, or its next time has not.
    NotYet,
    /// Its last time is over.
    Over,
    /// It is open, and what was asked goes beyond it; the text says in what.
    Outside(String),
    /// As many commands with effect as it allows were used, of this one of its times.
    Exhausted {
        /// How many.
        most: u32,
    },
    /// The lock that guards the answer broke; nothing passes on a guess.
    Broken,
}

impl NotInForce {
    /// The stable code in journal, notices and tests.
    pub fn code(&self) -> &'static str {
        match self.why {
            Shut::Pending => "window-pending",
            Shut::Refused => "window-refused",
            Shut::Lapsed => "window-lapsed",
            Shut::Withdrawn => "window-withdrawn",
            Shut::Revoked(_) => "window-revoked",
            Shut::Short => "window-short",
            Shut::Outdated => "window-outdated",
            Shut::Unjudged(_) => "window-unjudged",
            Shut::NotYet => "window-not-yet",
            Shut::Over => "window-over",
            Shut::Outside(_) => "outside-window",
            Shut::Exhausted { .. } => "window-exhausted",
            Shut::Broken => "internal",
        }
    }

    /// What happened, in one sentence for the person who asked.
    pub fn what(&self) -> String {
        let window = self.window;
        match &self.why {
            Shut::Pending => format!("window {window} is not approved"),
            Shut::Refused => format!("window {window} was refused"),
            Shut::Lapsed => format!("window {window} was not approved in time"),
            Shut::Withdrawn => format!("window {window} was taken back by whoever asked for it"),
            Shut::Revoked(it) => {
                let number = it.number();
                let number = number.map_or_else(String::new, |it| format!(" (restriction {it})"));
                format!("window {window} was revoked{number}: {}", it.reason())
            }
            Shut::Short => format!("an approval of window {window} counts no longer"),
            Shut::Outdated => {
                format!("window {window} was asked for when the plant was another one")
            }
            Shut::Unjudged(why) => format!("window {window} opens nothing here: {why}"),
            Shut::NotYet => format!("window {window} has not begun, or its next time has not"),
            Shut::Over => format!("window {window} is over"),
            Shut::Outside(how) => format!("window {window} does not go as far: {how}"),
            Shut::Exhausted { most: 0 } => format!("window {window} is for reading alone"),
            Shut::Exhausted { most: 1 } => {
                format!("the one command with effect of window {window} was used")
            }
            Shut::Exhausted { most } => {
                format!("the {most} commands with effect of window {window} were used")
            }
            Shut::Broken => format!("the gateway could not tell whether window {window} holds"),
        }
    }

    /// What the person can do about it.
    pub fn next(&self) -> String {
        let window = self.window;
        match &self.why {
            Shut::Pending => {
                format!("`interlock window show {window}` says how many must approve it; remind an approver")
            }
            Shut::Refused | Shut::Lapsed | Shut::Withdrawn => {
                "if your work goes on, ask for another one with `interlock window request`"
                    .to_owned()
            }
            Shut::Revoked(it) => match it.number() {
                Some(number) => format!(
                    "an administrator who does not hold it, and did not revoke it, lifts that with `interlock reinstate {number}`"
                ),
                None => "ask the administrator".to_owned(),
            },
            Shut::Short => format!("another approver must sign it: `interlock window show {window}`"),
            Shut::Outdated => {
                "ask for it again with `interlock window request`, so that approvers see what the plant is now"
                    .to_owned()
            }
            Shut::Unjudged(_) => "tell the administrator of this site".to_owned(),
            Shut::NotYet => format!("`interlock window show {window}` says when it begins"),
            Shut::Over | Shut::Exhausted { .. } => format!(
                "if your work goes on, ask for more with `interlock window extend {window}`"
            ),
            Shut::Outside(_) => format!(
                "`interlock window show {window}` says how far it goes; what lies beyond must be asked for"
            ),
            Shut::Broken => "tell the administrator of this site".to_owned(),
        }
    }
}

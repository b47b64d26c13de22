//! Why a window does not open what was asked, in words.

use std::sync::Arc;

use crate::register::Restraint;

/// The window of whoever asks that comes nearest to what was asked, and why it does not open it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotInForce {
    /// Its number.
    pub window: u64,
    /// Whether it is break-glass, and no window; the number is that of the record that opened it.
    pub glass: bool,
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
    /// It is break-glass, and over; the text says why.
    Glass(String),
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
            Shut::Glass(_) => "break-glass-over",
            Shut::Broken => "internal",
        }
    }

    /// What happened, in one sentence for the person who asked.
    pub fn what(&self) -> String {
        let it = self.called();
        match &self.why {
            Shut::Pending => format!("{it} is not approved"),
            Shut::Refused => format!("{it} was refused"),
            Shut::Lapsed => format!("{it} was not approved in time"),
            Shut::Withdrawn => format!("{it} was taken back by whoever asked for it"),
            Shut::Revoked(restraint) => {
                let number = restraint.number();
                let number = number.map_or_else(String::new, |it| format!(" (restriction {it})"));
                format!("{it} was revoked{number}: {}", restraint.reason())
            }
            Shut::Short => format!("an approval of {it} counts no longer"),
            Shut::Outdated => {
                format!("{it} was asked for when the plant was another one")
            }
            Shut::Unjudged(why) => format!("{it} opens nothing here: {why}"),
            Shut::NotYet => format!("{it} has not begun, or its next time has not"),
            Shut::Over => format!("{it} is over"),
            Shut::Outside(how) => format!("{it} does not go as far: {how}"),
            Shut::Exhausted { most: 0 } => format!("{it} is for reading alone"),
            Shut::Exhausted { most: 1 } => {
                format!("the one command with effect of {it} was used")
            }
            Shut::Exhausted { most } => {
                format!("the {most} commands with effect of {it} were used")
            }
            Shut::Glass(why) => format!("{it} is over: {why}"),
            Shut::Broken => format!("the gateway could not tell whether {it} holds"),
        }
    }

    /// What the person can do about it.
    pub fn next(&self) -> String {
        if self.glass {
            return "use the local panel; it does not run through this gateway".to_owned();
        }
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
            Shut::Glass(_) | Shut::Broken => "tell the administrator of this site".to_owned(),
        }
    }

    /// As it is called in sentences.
    fn called(&self) -> String {
        if self.glass {
            "break-glass".to_owned()
        } else {
            format!("window {}", self.window)
        }
    }
}

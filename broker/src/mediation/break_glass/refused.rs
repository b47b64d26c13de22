//! Why break-glass is not opened, in words.

use crate::root::NotTrusted;

/// Why it is not opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotBroken {
    /// There is no key switch here.
    NoSwitch,
    /// The key switch is off, or cannot be read.
    SwitchOff,
    /// No site root is pinned here.
    NoRoot,
    /// The session is of a program that need not have a machine.
    NoMachine,
    /// No reason was given, or a long one.
    NoReason,
    /// The site root has not sealed it, or not like this.
    NotTrusted(NotTrusted),
    /// It is for another gateway.
    OtherGateway(String),
    /// The plant is another one since it was sealed.
    OtherPlant,
    /// It cannot be opened yet.
    NotYet,
    /// It can be opened no longer.
    Over,
    /// It was opened before.
    Used,
    /// It could not be recorded durably, or not in time.
    NotRecorded(String),
    /// The gateway could not tell whether it may be opened.
    Broken,
}

impl NotBroken {
    /// The stable code in journal, notices and tests.
    pub fn code(&self) -> &'static str {
        match self {
            NotBroken::NoSwitch => "glass-no-switch",
            NotBroken::SwitchOff => "glass-switch-off",
            NotBroken::NoRoot => "glass-no-root",
            NotBroken::NoMachine => "glass-no-machine",
            NotBroken::NoReason => "glass-no-reason",
            NotBroken::NotTrusted(_) => "glass-not-trusted",
            NotBroken::OtherGateway(_) => "glass-other-gateway",
            NotBroken::OtherPlant => "glass-other-plant",
            NotBroken::NotYet => "glass-not-yet",
            NotBroken::Over => "glass-over",
            NotBroken::Used => "glass-used",
            NotBroken::NotRecorded(_) => "journal-failed",
            NotBroken::Broken => "internal",
        }
    }

    /// What happened, in one sentence.
    pub fn what(&self) -> String {
        match self {
            NotBroken::NoSwitch => {
                "this gateway has no key switch, and without one no glass is broken".to_owned()
            }
            NotBroken::SwitchOff => "the key switch beside the gateway is not on".to_owned(),
            NotBroken::NoRoot => "this gateway pins no site root, so it believes none".to_owned(),
            NotBroken::NoMachine => {
                "your session is bound to no machine, and break-glass is opened for one".to_owned()
            }
            NotBroken::NoReason => {
                "break-glass takes a reason, of some sentences at most".to_owned()
            }
            NotBroken::NotTrusted(why) => format!("the sealed grant is not believed: {why}"),
            NotBroken::OtherGateway(other) => {
                format!("the sealed grant is for the gateway `{other}`")
            }
            NotBroken::OtherPlant => {
                "the plant is another one since the grant was sealed".to_owned()
            }
            NotBroken::NotYet => "the sealed grant cannot be opened yet".to_owned(),
            NotBroken::Over => "the sealed grant can be opened no longer".to_owned(),
            NotBroken::Used => "the sealed grant was opened before, and opens once".to_owned(),
            NotBroken::NotRecorded(why) => {
                format!("that it is opened cannot be recorded, so it is not: {why}")
            }
            NotBroken::Broken => "the gateway could not tell whether it may be opened".to_owned(),
        }
    }

    /// What to do about it: whoever asks has an emergency.
    pub fn next(&self) -> String {
        match self {
            NotBroken::SwitchOff => {
                "turn the key and keep it turned, then ask again; or use the local panel".to_owned()
            }
            NotBroken::NoReason => "say why with --reason".to_owned(),
            NotBroken::NotTrusted(why) => format!("use the local panel now; then, {}", why.next()),
            NotBroken::OtherGateway(_) => {
                "bring the one of this gateway; or use the local panel".to_owned()
            }
            NotBroken::NoMachine => {
                "ask from a session of a person on their machine; or use the local panel".to_owned()
            }
            NotBroken::NoSwitch
            | NotBroken::NoRoot
            | NotBroken::OtherPlant
            | NotBroken::NotYet
            | NotBroken::Over
            | NotBroken::Used
            | NotBroken::NotRecorded(_)
            | NotBroken::Broken => {
                "use the local panel; it does not run through this gateway".to_owned()
            }
        }
    }
}

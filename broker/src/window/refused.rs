//! Why nothing was done about a window.

use interlock_protocols::conduit::WindowState;
use interlock_protocols::grant::NotAGrant;

use super::resolve::Wrong;
use super::valid::NO_ROOT;
use crate::journal::Unrecordable;
use crate::limits::{ACT_REASON_MAX_BYTES, WINDOWS_PER_DAY_MAX, WINDOWS_PER_SUBJECT_MAX};
use crate::mediation::Refusal;

/// Why an act on windows was not done.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// The subject may not.
    #[error("{}: {}", .0.reason().what(), .0.next())]
    Refused(Refusal),
    /// What is asked for cannot be granted.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// Nobody could approve.
    #[error("{NO_ROOT}")]
    NoRoot,
    /// The session comes from no machine.
    #[error(
        "a window is for one machine, and your session comes from none that is known: enrol it"
    )]
    NoMachine,
    /// It went meanwhile.
    #[error("there is no such device")]
    NoDevice,
    /// No such window, or none of theirs.
    #[error(
        "there is no window {0} that concerns you; `interlock window list` lists those that do"
    )]
    NoWindow(u64),
    /// Somebody else's.
    #[error(
        "there is no window {0} that you asked for; who may revoke stops one with `interlock revoke window {0}`"
    )]
    NotOwn(u64),
    /// Nothing of theirs to extend.
    #[error(
        "there is no window {0} of yours on this device that could be extended: ask for one without"
    )]
    Extends(u64),
    /// It stands otherwise.
    #[error("window {0} is {name}{next}", name = .1.name(), next = next(*.1, *.0))]
    Stands(u64, WindowState),
    /// Their approval counts already.
    #[error("you approved window {0} before; it waits for somebody else")]
    Again(u64),
    /// Not enough people on the list.
    #[error(
        "it takes {quorum} approvers, and {could} of the site root's list may approve for you: have more put on the list"
    )]
    TooFew {
        /// So many could.
        could: usize,
        /// So many it takes.
        quorum: u8,
    },
    /// Too many of theirs.
    #[error(
        "{WINDOWS_PER_SUBJECT_MAX} windows of yours wait or hold already: take some back with `interlock window withdraw`"
    )]
    TooMany,
    /// They asked too often.
    #[error(
        "you asked for {WINDOWS_PER_DAY_MAX} windows within a day, which is as many as anybody may: put more into one, or ask tomorrow"
    )]
    TooOften,
    /// Too many of all.
    #[error(
        "too many windows wait or hold at this gateway: have some refused, withdrawn or revoked"
    )]
    Full,
    /// A comment that is none.
    #[error(
        "a comment has at most {ACT_REASON_MAX_BYTES} bytes of text, and one is needed to refuse: whoever asked reads it"
    )]
    Comment,
    /// A name is longer than a grant can hold.
    #[error("a name in it is longer than a grant can hold: it has 255 bytes at most")]
    TooLong,
    /// A grant cannot be read.
    #[error("its grant cannot be read: {0}; tell the administrator")]
    NotAGrant(NotAGrant),
    /// The system gave no randomness.
    #[error("the system gave no random bytes for the grant; try again")]
    NoRandomness,
    /// It cannot be recorded.
    #[error("it cannot be recorded: {0}")]
    Journal(#[from] Unrecordable),
}

impl From<Refusal> for NotDone {
    fn from(refusal: Refusal) -> NotDone {
        NotDone::Refused(refusal)
    }
}

fn next(state: WindowState, window: u64) -> String {
    match state {
        WindowState::Pending | WindowState::Short => String::new(),
        WindowState::Approved | WindowState::Open | WindowState::Exhausted => format!(
            ": who may revoke stops it with `interlock revoke window {window}`, and whoever asked takes it back with `interlock window withdraw {window}`"
        ),
        WindowState::Outdated => {
            ": it must be asked for again, so that approvers see what the plant is now".to_owned()
        }
        _ => ": if the work goes on, it must be asked for again".to_owned(),
    }
}

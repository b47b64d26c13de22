//! What an administrator at the gateway itself asks of the running edge: one message, one answer,
//! over a socket in the site directory. Who asks is told by the system, not by the message.

use alloc::string::String;

use minicbor::{Decode, Encode};

/// One question.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum LocalAsk {
    /// What the clocks show.
    #[n(0)]
    ShowClock,
    /// Believe the system's clock from now on.
    #[n(1)]
    AcceptClock {
        /// Why, in the asker's words.
        #[n(0)]
        reason: String,
    },
}

/// The answer to it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum LocalReply {
    /// What the clocks show.
    #[n(0)]
    Clock {
        /// The system's, ms since 1970 UTC.
        #[n(0)]
        system_ms: i64,
        /// What the edge counts, ms since 1970 UTC.
        #[n(1)]
        counted_ms: i64,
        /// Why the system's is not believed; `None` where it is.
        #[n(2)]
        doubt: Option<String>,
    },
    /// It is done.
    #[n(1)]
    Done {
        /// The sequence of its record.
        #[n(0)]
        record: u64,
    },
    /// It is not done.
    #[n(2)]
    Refused {
        /// Why, and what to do next.
        #[n(0)]
        what: String,
    },
}

//! What is asked of the journal, and what comes back.

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

/// Which records are wanted. What is `None` or false narrows nothing.
#[derive(Clone, PartialEq, Eq, Default, Debug, Encode, Decode)]
pub struct JournalQuery {
    /// The first sequence that may match.
    #[n(0)]
    pub from: u64,
    /// The subject, as a whole id or as its path (`person/olga`).
    #[n(1)]
    pub subject: Option<String>,
    /// The device.
    #[n(2)]
    pub device: Option<String>,
    /// A named point that a command writes.
    #[n(3)]
    pub point: Option<String>,
    /// Modbus function code.
    #[n(4)]
    pub function: Option<u8>,
    /// What was decided.
    #[n(5)]
    pub decision: Option<Decided>,
    /// The session.
    #[n(6)]
    pub session: Option<u64>,
    /// Not before, ms since 1970 UTC.
    #[n(7)]
    pub since_ms: Option<i64>,
    /// Before, ms since 1970 UTC.
    #[n(8)]
    pub until_ms: Option<i64>,
    /// Newest first; else oldest first.
    #[n(9)]
    pub newest_first: bool,
    /// At most so many matches.
    #[n(10)]
    pub limit: Option<u64>,
    /// Go on as records are written, until the client resets the stream. Oldest first only.
    #[n(11)]
    pub follow: bool,
}

/// What was decided about a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum Decided {
    /// It was allowed.
    #[n(0)]
    Allow,
    /// It was denied.
    #[n(1)]
    Deny,
}

/// One record of an answer, whole as it is in the journal, and why it is shown. What belongs to a
/// match comes directly before it: the opening of its session, once each, and its outcome.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Told {
    /// It matches.
    #[n(0)]
    Match(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// It says how a command ended that matches.
    #[n(1)]
    Outcome(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// It says who opened the session of a match, and from where.
    #[n(2)]
    Session(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
}

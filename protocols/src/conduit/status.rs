//! How a gateway is doing.

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

/// See [`super::FromClient::ReadStatus`].
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub struct Status {
    /// Version of the program.
    #[n(0)]
    pub version: String,
    /// Since when it runs, ms since 1970 UTC.
    #[n(1)]
    pub started_ms: i64,
    /// Its clock, ms since 1970 UTC.
    #[n(2)]
    pub now_ms: i64,
    /// Open sessions.
    #[n(3)]
    pub sessions: u32,
    /// The journal.
    #[n(4)]
    pub journal: JournalStatus,
    /// Where the journal is forwarded to.
    #[n(5)]
    pub sinks: Vec<SinkStatus>,
    /// The witness, where one is configured.
    #[n(6)]
    pub witness: Option<WitnessStatus>,
    /// Why the system's clock is not believed, and so no command with effect passes.
    #[n(7)]
    pub clock_doubt: Option<String>,
    /// Number of the plant as the site root signed it; `None` where no root is pinned.
    #[n(8)]
    pub plant_serial: Option<u64>,
    /// Number of the list of approvers, likewise.
    #[n(9)]
    pub approvers_serial: Option<u64>,
    /// The authorities of others that vouch for clients.
    #[n(10)]
    pub trust: Vec<TrustStatus>,
}

/// How the journal is doing.
#[derive(Clone, PartialEq, Debug, Default, Encode, Decode)]
pub struct JournalStatus {
    /// Why nothing can be recorded, and so no command with effect passes; `None` where all is
    /// well.
    #[n(0)]
    pub failure: Option<String>,
    /// Why no command with effect passes until an administrator accepts it.
    #[n(1)]
    pub held: Option<String>,
    /// The oldest record whose body is still there.
    #[n(2)]
    pub first_sequence: u64,
    /// The sequence of the next record.
    #[n(3)]
    pub next_sequence: u64,
    /// Disk that it uses, in bytes.
    #[n(4)]
    pub used_bytes: u64,
    /// Disk that it may use, in bytes.
    #[n(5)]
    pub budget_bytes: u64,
    /// Free space of its disk, in bytes; `None` where that is not known.
    #[n(6)]
    pub free_bytes: Option<u64>,
    /// Growth at the present rate, in bytes a day; `None` until it has been seen long enough.
    #[n(7)]
    pub bytes_per_day: Option<u64>,
    /// Days until the budget is used up at that rate.
    #[n(8)]
    pub days_left: Option<f64>,
    /// What is worth a warning, a sentence each.
    #[n(9)]
    pub warnings: Vec<String>,
    /// Records that the last signed checkpoint covers.
    #[n(10)]
    pub checkpoint_size: u64,
    /// When it was signed, ms since 1970 UTC.
    #[n(11)]
    pub checkpoint_ms: Option<i64>,
    /// The epoch whose key signs.
    #[n(12)]
    pub epoch: u64,
    /// Records that the view for searching covers.
    #[n(13)]
    pub view_size: u64,
    /// Since when nothing can be recorded, ms since 1970 UTC, where that is known.
    #[n(14)]
    pub failed_ms: Option<i64>,
}

/// How one sink is doing.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct SinkStatus {
    /// Its name.
    #[n(0)]
    pub name: String,
    /// What it is: `nats`, `syslog`.
    #[n(1)]
    pub kind: String,
    /// Whether records stay until it has them.
    #[n(2)]
    pub required: bool,
    /// The last sequence that it has acknowledged.
    #[n(3)]
    pub acknowledged: u64,
    /// Records that it has not acknowledged.
    #[n(4)]
    pub lag_records: u64,
    /// When it last acknowledged something, ms since 1970 UTC.
    #[n(5)]
    pub acknowledged_ms: Option<i64>,
    /// The last error, if it stands.
    #[n(6)]
    pub error: Option<String>,
    /// Since when, ms since 1970 UTC.
    #[n(7)]
    pub error_ms: Option<i64>,
    /// Records that were removed before it had them, since the start.
    #[n(8)]
    pub missed_records: u64,
}

/// How the witness is doing.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct WitnessStatus {
    /// Where it is.
    #[n(0)]
    pub url: String,
    /// Records that its last cosignature covers; those after it could be cut unseen.
    #[n(1)]
    pub cosigned_size: u64,
    /// When it cosigned last, ms since 1970 UTC.
    #[n(2)]
    pub cosigned_ms: Option<i64>,
    /// Records after that.
    #[n(3)]
    pub exposed_records: u64,
    /// The last error, if it stands.
    #[n(4)]
    pub error: Option<String>,
    /// Since when, ms since 1970 UTC.
    #[n(5)]
    pub error_ms: Option<i64>,
}

/// How it stands with one authority of others.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct TrustStatus {
    /// Its name.
    #[n(0)]
    pub name: String,
    /// The paths of subjects that it may vouch for.
    #[n(1)]
    pub paths: Vec<String>,
    /// Since when what is known of it is known, ms since 1970 UTC; `None` where nothing is.
    #[n(2)]
    pub as_of_ms: Option<i64>,
    /// When that is too old, ms since 1970 UTC.
    #[n(3)]
    pub stale_ms: Option<i64>,
    /// Whether it is.
    #[n(4)]
    pub stale: bool,
    /// Why its files are of no use, while that stands.
    #[n(5)]
    pub error: Option<String>,
    /// Since when, ms since 1970 UTC.
    #[n(6)]
    pub error_ms: Option<i64>,
}

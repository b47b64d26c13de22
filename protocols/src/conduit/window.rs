//! Maintenance windows over the control stream.

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use crate::record::{KeptApproval, WindowEnd};

/// What a window is asked for with. The gateway makes a grant of it that others can sign.
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub struct WindowRequest {
    /// The device.
    #[n(0)]
    pub device: String,
    /// Its points, by name.
    #[n(1)]
    pub points: Vec<String>,
    /// Codes of the Modbus functions; reading the points is among them, said or not.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub functions: Vec<u8>,
    /// When, each as its first millisecond since 1970 UTC and its length in seconds.
    #[n(3)]
    pub spans: Vec<WindowSpan>,
    /// Most commands with effect in each span; 0 for reading alone.
    #[n(4)]
    pub max_writes: u32,
    /// Narrower limits for points, in engineering units.
    #[n(5)]
    pub limits: Vec<WindowLimit>,
    /// What for.
    #[n(6)]
    pub reason: String,
    /// For how long it may wait to be approved, in seconds.
    #[n(7)]
    pub waits_s: u32,
    /// The window that it extends.
    #[n(8)]
    pub extends: Option<u64>,
    /// Whether somebody of another organisation is to watch all of it; policy may want it anyway.
    #[n(9)]
    pub supervised: bool,
    /// Whether each write is to wait for their yes; policy may want it anyway.
    #[n(10)]
    pub hold: bool,
}

/// See [`WindowRequest::spans`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct WindowSpan {
    /// Its first millisecond since 1970 UTC.
    #[n(0)]
    pub start_ms: u64,
    /// How long it is, in seconds.
    #[n(1)]
    pub length_s: u32,
}

/// See [`WindowRequest::limits`].
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub struct WindowLimit {
    /// Name of the point.
    #[n(0)]
    pub point: String,
    /// Least value that may be written.
    #[n(1)]
    pub min: f64,
    /// Greatest value that may be written.
    #[n(2)]
    pub max: f64,
}

/// Where a window stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum WindowState {
    /// It waits for approvers.
    #[n(0)]
    Pending,
    /// It is approved, and none of its spans is now.
    #[n(1)]
    Approved,
    /// It may be used now.
    #[n(2)]
    Open,
    /// All writes of this span are used.
    #[n(3)]
    Exhausted,
    /// It was approved, but a signature under it counts no longer: it opens nothing until somebody
    /// else approves.
    #[n(4)]
    Short,
    /// The plant is another one since; it opens nothing.
    #[n(5)]
    Outdated,
    /// An approver refused it.
    #[n(6)]
    Refused,
    /// Nobody approved it in time.
    #[n(7)]
    Lapsed,
    /// Whoever asked for it took it back.
    #[n(8)]
    Withdrawn,
    /// It was revoked.
    #[n(9)]
    Revoked,
    /// Its last span is over.
    #[n(10)]
    Over,
}

impl WindowState {
    /// The word of screens.
    pub const fn name(self) -> &'static str {
        match self {
            WindowState::Pending => "pending",
            WindowState::Approved => "approved",
            WindowState::Open => "open",
            WindowState::Exhausted => "exhausted",
            WindowState::Short => "short of approvals",
            WindowState::Outdated => "plant changed",
            WindowState::Refused => "refused",
            WindowState::Lapsed => WindowEnd::Lapsed.name(),
            WindowState::Withdrawn => WindowEnd::Withdrawn.name(),
            WindowState::Revoked => "revoked",
            WindowState::Over => WindowEnd::Over.name(),
        }
    }
}

/// One window.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct WindowRow {
    /// Its number.
    #[n(0)]
    pub window: u64,
    /// Where it stands.
    #[n(1)]
    pub state: WindowState,
    /// Who asked for it, and holds it.
    #[n(2)]
    pub by: String,
    /// When they asked, ms since 1970 UTC.
    #[n(3)]
    pub asked_ms: i64,
    /// Until when it may be approved, ms since 1970 UTC.
    #[n(4)]
    pub waits_until_ms: i64,
    /// The grant, as it is to be signed: [`crate::grant`], without a signature.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub grant: Vec<u8>,
    /// Names of its points, in its order. Approvers do not rest on them.
    #[n(6)]
    pub points: Vec<String>,
    /// What for.
    #[n(7)]
    pub reason: String,
    /// The window that it extends.
    #[n(8)]
    pub extends: Option<u64>,
    /// Who approved it.
    #[n(9)]
    pub approvals: Vec<KeptApproval>,
    /// What an approver who refused said.
    #[n(10)]
    pub refusal: String,
    /// Commands with effect that were used of this span, or of the last one.
    #[n(11)]
    pub used: u32,
    /// The restriction that revoked it.
    #[n(12)]
    pub restriction: Option<u64>,
}

/// Something happened to a window that concerns this session's subject.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct WindowStep {
    /// The window.
    #[n(0)]
    pub window: u64,
    /// What happened, and what to do next, in words.
    #[n(1)]
    pub text: String,
}

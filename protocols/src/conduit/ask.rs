//! Administration over the control stream: what may be asked, and what is answered. An answer
//! that is a list comes in parts, each in a frame of its own.

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::window::{WindowRequest, WindowRow};
use crate::identity::{AuthStrength, KeyProtection};
use crate::record::{Measure, Scope};

/// What is asked. Each is decided by policy under the name of its act.
#[derive(Clone, PartialEq, Debug, Encode, Decode)]
pub enum Ask {
    /// Let somebody enrol; needs a fresh presence.
    #[n(0)]
    Invite {
        /// person/NAME, vendor/FIRM/NAME or workload/NAME.
        #[n(0)]
        subject: String,
        /// Groups to put them in.
        #[n(1)]
        groups: Vec<String>,
        /// For how long the invitation may be used, in seconds.
        #[n(2)]
        valid_s: u32,
    },
    /// List invitations that are open or wait to be confirmed.
    #[n(1)]
    Invitations,
    /// Withdraw an invitation, or turn away who waits on it.
    #[n(2)]
    CloseInvitation {
        /// Its number.
        #[n(0)]
        invitation: u64,
        /// Why.
        #[n(1)]
        reason: String,
    },
    /// Confirm the key of a machine that waits; needs a fresh presence.
    #[n(3)]
    ConfirmEnrolment {
        /// Number of the invitation.
        #[n(0)]
        invitation: u64,
        /// SHA-256 of the machine's key, as its owner read it out.
        #[cbor(n(1), with = "minicbor::bytes")]
        device_key: [u8; 32],
    },
    /// List everybody who is enrolled.
    #[n(4)]
    Identities,
    /// List the sessions that are open.
    #[n(5)]
    Sessions,
    /// Take something away, at once.
    #[n(6)]
    Restrict {
        /// What.
        #[n(0)]
        measure: Measure,
        /// From whom, or from what.
        #[n(1)]
        scope: Scope,
        /// Why.
        #[n(2)]
        reason: String,
    },
    /// List the restrictions that hold.
    #[n(7)]
    Restrictions,
    /// Lift a restriction; needs a fresh presence, and somebody else than who restricted.
    #[n(8)]
    Reinstate {
        /// Its number.
        #[n(0)]
        restriction: u64,
        /// Why.
        #[n(1)]
        reason: String,
    },
    /// Ask for a maintenance window; needs a fresh presence.
    #[n(9)]
    RequestWindow(#[n(0)] WindowRequest),
    /// List windows: those that concern whoever asks, or, where policy lets them, all.
    #[n(10)]
    Windows {
        /// Only those that wait for approvers.
        #[n(0)]
        pending: bool,
    },
    /// One window.
    #[n(11)]
    Window {
        /// Its number.
        #[n(0)]
        window: u64,
    },
    /// Sign a window's grant; needs a fresh presence.
    #[n(12)]
    ApproveWindow {
        /// Its number.
        #[n(0)]
        window: u64,
        /// The approver's grant key, Ed25519.
        #[cbor(n(1), with = "minicbor::bytes")]
        key: [u8; 32],
        /// Its signature over the body of the grant.
        #[cbor(n(2), with = "minicbor::bytes")]
        signature: [u8; 64],
        /// In their words; may be empty.
        #[n(3)]
        comment: String,
    },
    /// Refuse a window for good.
    #[n(13)]
    RefuseWindow {
        /// Its number.
        #[n(0)]
        window: u64,
        /// Why.
        #[n(1)]
        comment: String,
    },
    /// Take one's own request or window back.
    #[n(14)]
    WithdrawWindow {
        /// Its number.
        #[n(0)]
        window: u64,
    },
    /// Be the only one who may write to a device, for as long as it is used.
    #[n(15)]
    TakeWriter {
        /// The device.
        #[n(0)]
        device: String,
    },
    /// Let others write again.
    #[n(16)]
    ReturnWriter {
        /// The device.
        #[n(0)]
        device: String,
    },
    /// Open break-glass.
    #[n(17)]
    BreakGlass {
        /// The grant, signed by the site root.
        #[cbor(n(0), with = "minicbor::bytes")]
        grant: Vec<u8>,
        /// Why.
        #[n(1)]
        reason: String,
    },
}

/// What is answered.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Answer {
    /// To [`Ask::Invite`].
    #[n(0)]
    Invited(#[n(0)] Invited),
    /// To [`Ask::Invitations`].
    #[n(1)]
    Invitations(#[n(0)] Vec<InvitationRow>),
    /// To [`Ask::Identities`].
    #[n(2)]
    Identities(#[n(0)] Vec<IdentityRow>),
    /// To [`Ask::Sessions`].
    #[n(3)]
    Sessions(#[n(0)] Vec<SessionRow>),
    /// To [`Ask::Restrict`].
    #[n(4)]
    Restricted(#[n(0)] Acknowledged),
    /// To [`Ask::Restrictions`].
    #[n(5)]
    Restrictions(#[n(0)] Vec<RestrictionRow>),
    /// To [`Ask::RequestWindow`], [`Ask::Windows`] and [`Ask::Window`].
    #[n(6)]
    Windows(#[n(0)] Vec<WindowRow>),
}

/// An invitation, and all that makes up its join line but the host.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Invited {
    /// Its number.
    #[n(0)]
    pub invitation: u64,
    /// The token, which is told here alone.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub token: [u8; 16],
    /// UDP port of the identity listener.
    #[n(2)]
    pub port: u16,
    /// The name in the gateway's certificate.
    #[n(3)]
    pub server_name: String,
    /// SHA-256 of the certificate of the gateway's authority.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub fingerprint: [u8; 32],
    /// Until when it may be used, ms since 1970 UTC.
    #[n(5)]
    pub until_ms: i64,
    /// Whether somebody must confirm the machine's key.
    #[n(6)]
    pub confirm: bool,
}

/// One invitation.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct InvitationRow {
    /// Its number.
    #[n(0)]
    pub invitation: u64,
    /// Whom it is for.
    #[n(1)]
    pub subject: String,
    /// Who invited.
    #[n(2)]
    pub by: String,
    /// Groups to be put in.
    #[n(3)]
    pub groups: Vec<String>,
    /// Until when it may be used, ms since 1970 UTC.
    #[n(4)]
    pub until_ms: i64,
    /// SHA-256 of the key of the machine that waits, if one does.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub waiting: Option<[u8; 32]>,
    /// What that machine calls itself.
    #[n(6)]
    pub machine: String,
    /// Address and port it waits at.
    #[n(7)]
    pub peer: String,
}

/// Whether an identity may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum IdentityStanding {
    /// It may.
    #[n(0)]
    Active,
    /// Revoked.
    #[n(1)]
    Revoked,
    /// Disabled, since it was not used for long.
    #[n(2)]
    Disabled,
}

/// One subject on one machine.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct IdentityRow {
    /// Who.
    #[n(0)]
    pub subject: String,
    /// Who invited them, and answers for them.
    #[n(1)]
    pub owner: String,
    /// Their groups.
    #[n(2)]
    pub groups: Vec<String>,
    /// What the machine calls itself.
    #[n(3)]
    pub machine: String,
    /// SHA-256 of its key.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub device_key: [u8; 32],
    /// How that one is kept, as its owner says.
    #[n(5)]
    pub device_protection: KeyProtection,
    /// How the key of the person or program is kept, as its owner says.
    #[n(6)]
    pub authenticator_protection: KeyProtection,
    /// When they enrolled, ms since 1970 UTC.
    #[n(7)]
    pub enrolled_ms: i64,
    /// When their latest certificate ends, ms since 1970 UTC.
    #[n(8)]
    pub ends_ms: Option<i64>,
    /// When a session of theirs was last open, ms since 1970 UTC.
    #[n(9)]
    pub used_ms: Option<i64>,
    /// Whether it may be used.
    #[n(10)]
    pub standing: IdentityStanding,
    /// Whether it was not used for as long as the gateway is told to flag.
    #[n(11)]
    pub unused: bool,
    /// What they can do, a line each, in words.
    #[n(12)]
    pub may: Vec<String>,
    /// Those of them that they never did, as far as the journal goes back.
    #[n(13)]
    pub never_used: Vec<String>,
}

/// One session.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct SessionRow {
    /// Its number.
    #[n(0)]
    pub session: u64,
    /// Who.
    #[n(1)]
    pub subject: String,
    /// What the machine calls itself; empty where it is not enrolled here.
    #[n(2)]
    pub machine: String,
    /// SHA-256 of its key.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub device_key: Option<[u8; 32]>,
    /// Address and port they come from.
    #[n(4)]
    pub peer: String,
    /// Devices with an open conversation.
    #[n(5)]
    pub devices: Vec<String>,
    /// Since when, ms since 1970 UTC.
    #[n(6)]
    pub since_ms: i64,
    /// When the last command came, ms since 1970 UTC.
    #[n(7)]
    pub last_ms: Option<i64>,
    /// What it was, in words.
    #[n(8)]
    pub last: String,
    /// How strongly they have shown who they are.
    #[n(9)]
    pub auth: AuthStrength,
    /// When, ms since 1970 UTC.
    #[n(10)]
    pub auth_ms: i64,
    /// When the session ends at the latest, ms since 1970 UTC.
    #[n(11)]
    pub ends_ms: i64,
    /// Whether it was downgraded to reading.
    #[n(12)]
    pub read_only: bool,
    /// What is known of the machine's health, in words.
    #[n(13)]
    pub posture: String,
}

/// From here on no byte of a command in the scope is handed to a socket (I7).
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Acknowledged {
    /// Sequence of its record, which is its number. `None` where not even a place in memory was
    /// left for it.
    #[n(0)]
    pub restriction: Option<u64>,
    /// Whether that record is on the disk. Where it is not, nothing with effect passes until it
    /// is, and the restriction is lost if the gateway stops before.
    #[n(1)]
    pub durable: bool,
    /// Sessions in the scope, which have ended or lost what was taken.
    #[n(2)]
    pub sessions: Vec<u64>,
    /// Commands with effect in the scope that had been sent and whose outcome is open.
    #[n(3)]
    pub open: Vec<OpenWrite>,
}

/// A command with effect on its way.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct OpenWrite {
    /// Sequence of its intent.
    #[n(0)]
    pub intent: u64,
    /// Its session.
    #[n(1)]
    pub session: u64,
    /// The device.
    #[n(2)]
    pub device: String,
    /// What it does, in words.
    #[n(3)]
    pub what: String,
}

/// One restriction that holds.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct RestrictionRow {
    /// Its number.
    #[n(0)]
    pub restriction: u64,
    /// What was taken away.
    #[n(1)]
    pub measure: Measure,
    /// From whom, or from what.
    #[n(2)]
    pub scope: Scope,
    /// What the machine calls itself, where the scope is one.
    #[n(3)]
    pub machine: String,
    /// Who did it.
    #[n(4)]
    pub by: String,
    /// Why, in their words.
    #[n(5)]
    pub reason: String,
    /// When, ms since 1970 UTC.
    #[n(6)]
    pub since_ms: i64,
}

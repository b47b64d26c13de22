//! The messages between client and edge.
//!
//! The first stream of a connection is the control stream: [`FromClient`] one way, [`ToClient`]
//! the other. Each further stream opens with one [`Opening`], answered by one [`Opened`]; what
//! follows is Modbus/TCP as it is; or, for the journal, a [`Told`] in each frame; or, for watching, a
//! [`ToWatcher`] in each frame one way and a [`FromWatcher`] the other.
//!
//! **Versions.** Within one version the messages and their fields are closed: an unknown
//! message, an unknown later field and a second spelling are all refused. So a change of any
//! message is a new version. The client names the highest version it speaks in its `Hello`; the
//! edge answers with the one that holds, which is not higher, or with `Refused`. That both can
//! always be read, [`FromClient::Hello`] and [`ToClient::Refused`] never change, number and
//! fields, in any version.

mod ask;
mod frame;
mod journal;
mod message;
mod status;
#[cfg(test)]
mod tests;
mod watch;
mod window;

use alloc::vec::Vec;

pub use crate::strict::Malformed;
pub use ask::{
    Acknowledged, Answer, Ask, IdentityRow, IdentityStanding, InvitationRow, Invited, OpenWrite,
    RestrictionRow, SessionRow,
};
pub use frame::{FrameError, frame, next_frame};
pub use journal::{Decided, JournalQuery, Told};
pub use message::{
    CallEnd, DeviceOffer, FromClient, Notice, Opened, Opening, PointOffer, ToClient, offer_frames,
};
pub use status::{JournalStatus, SinkStatus, Status, TrustStatus, WitnessStatus};
pub use watch::{FromWatcher, HeldPoint, Seen, SeenCommand, SeenHold, ToWatcher, Watched};
pub use window::{WindowLimit, WindowRequest, WindowRow, WindowSpan, WindowState, WindowStep};

/// The version written here, and the only one read.
pub const VERSION: u16 = 4;

/// The protocol named in the TLS handshake.
pub const ALPN: &[u8] = b"interlock/1";

/// One of the messages: [`FromClient`], [`ToClient`], [`Opening`], [`Opened`], [`Told`],
/// [`FromWatcher`], [`ToWatcher`], and those of the identity port in [`crate::identity`].
pub trait Message: sealed::Sealed + Sized {
    /// Its one spelling in bytes, without a frame.
    fn encode(&self) -> Vec<u8>;

    /// Reads the body of one frame; refuses any other spelling.
    fn decode(body: &[u8]) -> Result<Self, Malformed>;

    /// Its bytes in a frame, ready to be sent.
    fn to_frame(&self) -> Result<Vec<u8>, FrameError> {
        frame(&self.encode())
    }
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! message {
    ($($name:ty),*) => {$(
        impl sealed::Sealed for $name {}
        impl Message for $name {
            fn encode(&self) -> Vec<u8> {
                crate::strict::to_bytes(self)
            }

            fn decode(body: &[u8]) -> Result<Self, Malformed> {
                crate::strict::from_bytes(body)
            }
        }
    )*};
}

message!(
    FromClient,
    ToClient,
    Opening,
    Opened,
    Told,
    FromWatcher,
    ToWatcher,
    crate::identity::EnrolRequest,
    crate::identity::LoginRequest,
    crate::identity::IdentityReply,
    crate::local::LocalAsk,
    crate::local::LocalReply
);

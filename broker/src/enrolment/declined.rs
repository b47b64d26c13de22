//! Why somebody gets no certificate.

use crate::authority::AuthorityError;
use crate::journal::Unrecordable;
use crate::limits::MACHINE_NAME_MAX_BYTES;
use crate::proof::BadSignature;

/// Why somebody gets no certificate.
#[derive(Debug, thiserror::Error)]
pub enum Declined {
    /// Another version of the messages.
    #[error("the request is of a version that this gateway does not speak")]
    Version,
    /// A signature does not hold.
    #[error("a key was not proven: {0}")]
    Signature(#[from] BadSignature),
    /// One key in two places.
    #[error("the keys of session, machine and person must be three, and two of them are one")]
    SameKey,
    /// A machine's name that no screen could show.
    #[error(
        "the machine's name must have 1 to {MACHINE_NAME_MAX_BYTES} bytes and no control characters"
    )]
    MachineName,
    /// No such token.
    #[error("there is no such invitation")]
    NoInvitation,
    /// Its time is over.
    #[error("the invitation's time is over")]
    Late,
    /// It was used.
    #[error("the invitation was used already")]
    Used,
    /// It was withdrawn.
    #[error("the invitation was withdrawn")]
    Withdrawn,
    /// Whoever made it was revoked since.
    #[error("whoever made the invitation was revoked")]
    InviterRevoked,
    /// The key by which somebody else asks for certificates.
    #[error("the authenticator is somebody else's")]
    KeyOfAnother,
    /// The subject, or the machine, was revoked.
    #[error("this subject, or this machine, was revoked")]
    Revoked,
    /// Nobody used it for long.
    #[error("this identity was not used for so long that it is disabled")]
    Disabled,
    /// Nobody of that name has enrolled with these keys.
    #[error("nobody of that name is enrolled on this machine with this authenticator")]
    NotEnrolled,
    /// A session key for the second time.
    #[error("a certificate for this session key has ended: each one is for a new key")]
    KeyUsed,
    /// A presence that cannot be one.
    #[error("the authenticator is a key in a file, which shows nobody's presence")]
    NoToken,
    /// Too long since somebody showed that they are there.
    #[error("it is more than 12 hours ago that you showed that you are there")]
    TooLongAgo,
    /// A program does not say from which certificate it goes on.
    #[error("the request does not name the certificate that it follows")]
    NoParent,
    /// It goes on from a certificate that is not known.
    #[error("the certificate that this one would follow is not known here")]
    UnknownParent,
    /// Two have gone on from the same certificate.
    #[error(
        "somebody else has renewed from the same certificate: there are two copies of these keys, and both are revoked"
    )]
    Cloned,
    /// Nobody knows what time it is.
    #[error("the gateway's clock is in doubt, and a certificate is for a time")]
    ClockDoubted,
    /// Too many certificates.
    #[error("too many certificates were issued to this identity in a short time")]
    TooOften,
    /// It could not be recorded.
    #[error("it cannot be recorded: {0}")]
    Journal(#[from] Unrecordable),
    /// The issuer could not sign.
    #[error("the certificate cannot be signed: {0}")]
    Issuer(#[from] AuthorityError),
}

impl Declined {
    /// The stable code in replies, logs and tests.
    pub const fn code(&self) -> &'static str {
        match self {
            Declined::Version => "version",
            Declined::Signature(_) => "not-proven",
            Declined::SameKey => "same-key",
            Declined::MachineName => "machine-name",
            Declined::NoInvitation => "no-invitation",
            Declined::Late => "invitation-late",
            Declined::Used => "invitation-used",
            Declined::Withdrawn => "invitation-withdrawn",
            Declined::InviterRevoked => "inviter-revoked",
            Declined::KeyOfAnother => "key-of-another",
            Declined::Revoked => "revoked",
            Declined::Disabled => "disabled",
            Declined::NotEnrolled => "not-enrolled",
            Declined::KeyUsed => "key-used",
            Declined::NoToken => "no-token",
            Declined::TooLongAgo => "presence-too-old",
            Declined::NoParent => "no-parent",
            Declined::UnknownParent => "unknown-parent",
            Declined::Cloned => "cloned",
            Declined::ClockDoubted => "clock-doubted",
            Declined::TooOften => "too-often",
            Declined::Journal(_) => "journal-failed",
            Declined::Issuer(_) => "issuer-failed",
        }
    }

    /// What to do next.
    pub const fn next(&self) -> &'static str {
        match self {
            Declined::Version => "install the gateway's version of interlock",
            Declined::Signature(_)
            | Declined::SameKey
            | Declined::MachineName
            | Declined::KeyUsed => {
                "use the program of the gateway's version; if it is, report this to its makers"
            }
            Declined::InviterRevoked => "ask whoever administers the gateway for a new invitation",
            Declined::NoInvitation | Declined::Late | Declined::Withdrawn => {
                "ask whoever invited you for a new invitation"
            }
            Declined::Used => {
                "if it was not you who used it, tell whoever invited you at once; else ask for a new one"
            }
            Declined::KeyOfAnother => "enrol with an authenticator of your own",
            Declined::Revoked => "ask whoever administers the gateway; they see when and why",
            Declined::Disabled | Declined::NotEnrolled => {
                "ask whoever administers the gateway for an invitation"
            }
            Declined::NoToken => {
                "log in without presence; what needs it needs an authenticator in a token"
            }
            Declined::TooLongAgo => {
                "log in with a PIN or a touch; without a token, ask for a new invitation"
            }
            Declined::NoParent | Declined::UnknownParent => {
                "renew from the latest certificate; if it is lost, ask for a new invitation"
            }
            Declined::Cloned => "find the other copy, then enrol the program anew with new keys",
            Declined::TooOften => "wait a minute; look for a program that asks in a loop",
            Declined::ClockDoubted => {
                "tell whoever administers the gateway: `interlock-edge clock show` says more; then ask again"
            }
            Declined::Journal(_) => "tell whoever administers the gateway; then ask again",
            Declined::Issuer(_) => "tell whoever administers the gateway",
        }
    }
}

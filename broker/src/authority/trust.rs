//! Whom an authority may vouch for: each is bound to listeners, kinds of subjects and paths, so
//! that the loss of one is the loss of what it was trusted for and no more.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::clock::Now;
use crate::subject::{Identity, SubjectId, SubjectKind};

/// Name of the issuer that stands in the gateway itself.
pub const OWN_ISSUER: &str = "issuer";

/// A way in from the north.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Listener {
    /// The conduit over QUIC.
    Quic,
}

impl Listener {
    /// The word of configuration and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Listener::Quic => "quic",
        }
    }
}

/// What an authority is believed of the machines of its subjects.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DeviceBinding {
    /// Nothing: whatever stands in its certificates beside the name is not looked at.
    None,
    /// It writes the machine's key into the certificate's subject as our own issuer does.
    Subject,
}

/// What one authority is trusted for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bindings {
    /// Where its subjects may come in.
    pub listeners: Vec<Listener>,
    /// Which kinds of subjects they may be.
    pub kinds: Vec<SubjectKind>,
    /// Which paths they may have. One that ends in `/` stands for all below it, another one for
    /// itself alone.
    pub paths: Vec<String>,
    /// What it is believed of machines.
    pub device: DeviceBinding,
    /// Whether a program may come in whose certificate names no machine. People and vendors never
    /// may: a certificate that was stolen from one of them must open nothing.
    pub without_device: bool,
}

/// Why an authority may not vouch for somebody whose certificate it signed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Outside {
    /// Not on this listener.
    #[error("the authority `{authority}` vouches for nobody on the listener `{}`", .listener.name())]
    Listener {
        /// Its name.
        authority: String,
        /// The listener.
        listener: Listener,
    },
    /// Not for this kind of subject.
    #[error("the authority `{authority}` may not vouch for a {}, and `{subject}` is one", .subject.kind())]
    Kind {
        /// Its name.
        authority: String,
        /// The subject.
        subject: SubjectId,
    },
    /// Not for this path.
    #[error("the authority `{authority}` may not vouch for `{subject}`: that is none of its paths")]
    Path {
        /// Its name.
        authority: String,
        /// The subject.
        subject: SubjectId,
    },
}

/// An authority whose word counts, as far as its bindings go.
#[derive(Clone, Debug)]
pub struct TrustedAuthority {
    name: Arc<str>,
    own: bool,
    pub(super) bindings: Bindings,
    freshness: Freshness,
}

/// Somebody whose certificate was verified and for whom its authority may vouch. Made by
/// [`TrustedAuthority::vouch`] alone.
#[derive(Clone, Debug)]
pub struct Verified {
    identity: Identity,
    authority: Arc<str>,
    own: bool,
    without_device: bool,
    freshness: Freshness,
}

impl Bindings {
    /// Everything there is: our own issuer, whose certificates follow decisions of the broker.
    pub fn all() -> Bindings {
        let kinds = [
            SubjectKind::Person,
            SubjectKind::Vendor,
            SubjectKind::Workload,
        ];
        Bindings {
            listeners: vec![Listener::Quic],
            kinds: kinds.to_vec(),
            paths: kinds.iter().map(|kind| format!("{kind}/")).collect(),
            device: DeviceBinding::Subject,
            without_device: false,
        }
    }
}

impl TrustedAuthority {
    /// The issuer of the gateway itself, which nothing ever makes old.
    pub fn own() -> TrustedAuthority {
        TrustedAuthority {
            name: OWN_ISSUER.into(),
            own: true,
            bindings: Bindings::all(),
            freshness: Freshness::default(),
        }
    }

    /// Another authority.
    pub fn external(name: &str, bindings: Bindings) -> TrustedAuthority {
        TrustedAuthority {
            name: name.into(),
            own: false,
            bindings,
            freshness: Freshness::default(),
        }
    }

    /// Its name in configuration, records and screens.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is trusted for.
    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// Until when what is known of it is young enough.
    pub fn freshness(&self) -> &Freshness {
        &self.freshness
    }

    /// Judges a subject whose certificate this authority signed. What its certificates say of
    /// machines is dropped unless it is believed.
    pub fn vouch(&self, identity: Identity, listener: Listener) -> Result<Verified, Outside> {
        let (bindings, subject) = (&self.bindings, identity.subject());
        let authority = || self.name.to_string();
        if !bindings.listeners.contains(&listener) {
            return Err(Outside::Listener {
                authority: authority(),
                listener,
            });
        }
        if !bindings.kinds.contains(&subject.kind()) {
            return Err(Outside::Kind {
                authority: authority(),
                subject: subject.clone(),
            });
        }
        if !bindings.paths.iter().any(|path| covers(path, subject)) {
            return Err(Outside::Path {
                authority: authority(),
                subject: subject.clone(),
            });
        }
        let without_device = bindings.without_device && subject.kind() == SubjectKind::Workload;
        Ok(Verified {
            identity: match bindings.device {
                DeviceBinding::Subject => identity,
                DeviceBinding::None => identity.without_bound(),
            },
            authority: Arc::clone(&self.name),
            own: self.own,
            without_device,
            freshness: self.freshness.clone(),
        })
    }
}

/// A prefix ends where a segment ends: `vendor/acme` covers nothing of `vendor/acme2`.
fn covers(path: &str, subject: &SubjectId) -> bool {
    if path.ends_with('/') {
        subject.path().starts_with(path)
    } else {
        subject.path() == path
    }
}

impl Verified {
    /// Who they are. What it says of a machine may be believed.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Name of the authority that vouches for them.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether that is the gateway's own issuer.
    pub fn is_own(&self) -> bool {
        self.own
    }

    /// Whether they may come in though their certificate names no machine.
    pub fn may_lack_device(&self) -> bool {
        self.without_device
    }

    /// Until when what is known of the authority is young enough.
    pub fn freshness(&self) -> &Freshness {
        &self.freshness
    }
}

/// Until when what is known of an authority (its certificates, and what it took back) is young
/// enough. Whoever holds one sees at once when it is renewed.
#[derive(Clone)]
pub struct Freshness(Arc<AtomicI64>);

impl Freshness {
    /// Says until when, in ms since 1970 UTC.
    pub fn until(&self, stale_ms: i64) {
        self.0.store(stale_ms, Ordering::Release);
    }

    /// When it is too old, in ms since 1970 UTC; `i64::MAX` for never.
    pub fn stale_ms(&self) -> i64 {
        self.0.load(Ordering::Acquire)
    }

    /// Whether it is too old.
    pub fn is_stale(&self, now: Now) -> bool {
        now.wall_ms() >= self.stale_ms()
    }
}

impl Default for Freshness {
    fn default() -> Freshness {
        Freshness(Arc::new(AtomicI64::new(i64::MAX)))
    }
}

impl fmt::Debug for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Freshness").field(&self.stale_ms()).finish()
    }
}

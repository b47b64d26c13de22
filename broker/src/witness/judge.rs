//! Whether a checkpoint is cosigned.

use std::io;

use signed_note::{Signature, Verifier as _};
use tlog_tiles::tlog::EMPTY_HASH;

use super::checkpoint::{Seen, SignedCheckpoint, is_consistent};
use super::key::{LogKey, WitnessKey};
use super::request::{AddCheckpoint, Malformed};

/// Why a checkpoint is not cosigned.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// The request cannot be understood.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// No key of this log was given to the witness.
    #[error("no log of this origin is known here")]
    UnknownOrigin,
    /// No key of this log has signed it.
    #[error("no key that is known for this origin has signed the checkpoint")]
    NotSigned,
    /// The proof starts elsewhere than where the witness is.
    #[error("the last cosigned checkpoint covers {size} records")]
    OtherSize {
        /// The size that was cosigned last.
        size: u64,
    },
    /// Two trees of one size, both signed by the log: whoever has both has proof of it.
    #[error("another tree of {size} records was cosigned: the log has forked")]
    Forked {
        /// The size.
        size: u64,
    },
    /// The proof does not show that nothing was changed.
    #[error("the proof does not show that the tree holds what was cosigned before")]
    Unproven,
    /// The witness's own clock shows nothing that could be signed.
    #[error("the clock of the witness shows no time after 1970")]
    NoTime,
}

impl Refused {
    /// The status of the reply, as C2SP `tlog-witness` gives it.
    pub const fn status(&self) -> u16 {
        match self {
            Refused::Malformed(_) => 400,
            Refused::NotSigned => 403,
            Refused::UnknownOrigin => 404,
            Refused::OtherSize { .. } | Refused::Forked { .. } => 409,
            Refused::Unproven => 422,
            Refused::NoTime => 500,
        }
    }

    /// The size that the reply tells, where it tells one.
    pub const fn size(&self) -> Option<u64> {
        match self {
            Refused::OtherSize { size } | Refused::Forked { size } => Some(*size),
            _ => None,
        }
    }
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Verdict {
    /// It is cosigned, once that is kept.
    Cosign(Cosigned),
    /// It is not.
    Refuse(Refused),
}

/// A cosignature that nobody has seen yet.
#[derive(Debug)]
#[must_use]
pub struct Cosigned {
    seen: Seen,
    line: Vec<u8>,
}

impl Cosigned {
    /// Keeps what was seen, and only then hands out the line that cosigns it. Were it the other
    /// way round, a crash in between would let the witness sign another tree afterwards.
    pub fn stored(self, keep: impl FnOnce(&Seen) -> io::Result<()>) -> io::Result<Vec<u8>> {
        keep(&self.seen)?;
        Ok(self.line)
    }
}

/// A witness: its key, and the logs that it knows.
pub struct Witness {
    key: WitnessKey,
    logs: Vec<LogKey>,
}

impl Witness {
    /// A witness. A log may have several keys.
    pub fn new(key: WitnessKey, logs: Vec<LogKey>) -> Witness {
        Witness { key, logs }
    }

    /// Whether a log of this origin is known.
    pub fn knows(&self, origin: &str) -> bool {
        self.logs.iter().any(|log| log.origin() == origin)
    }

    /// Whether what was kept is a checkpoint of this log that the log has signed.
    pub fn recognises(&self, origin: &str, seen: &Seen) -> bool {
        seen.checkpoint().origin() == origin && self.signature(seen.checkpoint()).is_some()
    }

    /// Decides about a request. `seen` must be what was kept last of its origin, and must stay so
    /// until the verdict has been carried out: requests are judged one after the other.
    pub fn judge(&self, seen: Option<&Seen>, asked: &AddCheckpoint, now_ms: i64) -> Verdict {
        match self.decide(seen, asked, now_ms) {
            Ok(cosigned) => Verdict::Cosign(cosigned),
            Err(refused) => Verdict::Refuse(refused),
        }
    }

    fn decide(
        &self,
        seen: Option<&Seen>,
        asked: &AddCheckpoint,
        now_ms: i64,
    ) -> Result<Cosigned, Refused> {
        let new = asked.checkpoint();
        if !self.knows(new.origin()) {
            return Err(Refused::UnknownOrigin);
        }
        let log = self.signature(new).ok_or(Refused::NotSigned)?;
        let (size, root) = seen.map_or((0, EMPTY_HASH.0), |seen| {
            (seen.checkpoint().size(), seen.checkpoint().root())
        });
        if asked.old() != size {
            return Err(Refused::OtherSize { size });
        }
        if new.size() == size && new.root() != root {
            return Err(Refused::Forked { size });
        }
        if !is_consistent((size, root), (new.size(), new.root()), asked.proof()) {
            return Err(Refused::Unproven);
        }
        self.cosign(new, &log, now_ms)
    }

    fn cosign(
        &self,
        new: &SignedCheckpoint,
        log: &Signature,
        now_ms: i64,
    ) -> Result<Cosigned, Refused> {
        let time_s = u64::try_from(now_ms / 1_000).unwrap_or(0);
        if time_s == 0 {
            return Err(Refused::NoTime);
        }
        let public = self.key.public();
        let cosignature = Signature::new(
            public.name().to_owned(),
            public.key_id(),
            self.key.cosign(new.text(), time_s),
        );
        // Name and text were judged before; a note that could not be made is one that nobody signed.
        let cosignature = cosignature.map_err(|_| Refused::NotSigned)?;
        let seen = Seen::of(new, log, &cosignature).ok_or(Refused::NotSigned)?;
        Ok(Cosigned {
            seen,
            line: cosignature.to_bytes(),
        })
    }

    fn signature(&self, checkpoint: &SignedCheckpoint) -> Option<Signature> {
        self.logs.iter().find_map(|log| checkpoint.signed_by(log))
    }
}

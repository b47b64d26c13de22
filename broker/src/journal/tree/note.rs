//! Checkpoints: how many records a log has and the root over them, as a C2SP signed note.

use signed_note::Signature;

use super::hash::Hash;
use super::key::{JournalKey, VerifierKey};
use crate::limits::{CHECKPOINT_MAX_BYTES, TREE_MAX_RECORDS};

/// The state of a log at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// The name of the log.
    pub origin: String,
    /// How many records, which is also the sequence of the last of them.
    pub size: u64,
    /// The root over their hashes.
    pub root: Hash,
}

/// Why a text is no signed checkpoint.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this is no signed checkpoint: {what}")]
pub struct NotACheckpoint {
    what: &'static str,
}

/// A checkpoint with the signatures under it. None is checked until somebody asks.
#[derive(Clone, PartialEq, Debug)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    body: String,
    signatures: Vec<Signature>,
}

impl Checkpoint {
    /// What is signed.
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// Signs it with each of `keys`.
    pub(super) fn sign(self, keys: &[&JournalKey]) -> SignedCheckpoint {
        let body = self.body();
        let signatures = keys.iter().filter_map(|key| {
            let verifier = key.verifier();
            let signature = key.sign(body.as_bytes()).to_vec();
            // No key has a name that is refused here: making one judges it.
            Signature::new(verifier.name().to_owned(), verifier.id(), signature).ok()
        });
        SignedCheckpoint {
            signatures: signatures.collect(),
            checkpoint: self,
            body,
        }
    }

    fn parse(body: &str) -> Option<Checkpoint> {
        let mut lines = body.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let size_of: u64 = size.parse().ok()?;
        // One spelling: no leading zeros and no plus, and no lines of others behind ours.
        let strict = lines.next().is_none() && size_of.to_string() == size && !origin.is_empty();
        let checkpoint = Checkpoint {
            origin: origin.to_owned(),
            size: size_of,
            root: Hash::parse(root)?,
        };
        (strict && size_of <= TREE_MAX_RECORDS).then_some(checkpoint)
    }
}

impl SignedCheckpoint {
    /// Reads a signed note.
    pub fn parse(text: &str) -> Result<SignedCheckpoint, NotACheckpoint> {
        let no = |what| Err(NotACheckpoint { what });
        if text.len() > CHECKPOINT_MAX_BYTES {
            return no("it is too long");
        }
        let Some((body, lines)) = text
            .rsplit_once("\n\n")
            .and_then(|(body, lines)| Some((format!("{body}\n"), lines.strip_suffix('\n')?)))
        else {
            return no("it does not end with signatures behind an empty line");
        };
        let Some(checkpoint) = Checkpoint::parse(&body) else {
            return no("its text is not an origin, a size and a root");
        };
        let signatures = lines
            .split('\n')
            .map(|line| Signature::from_bytes(line.as_bytes()));
        match signatures.collect() {
            Ok(signatures) => Ok(SignedCheckpoint {
                checkpoint,
                body,
                signatures,
            }),
            Err(_) => no("a signature line cannot be read"),
        }
    }

    /// What it says, whoever signed it.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The whole note.
    pub fn text(&self) -> String {
        let mut bytes = self.body.clone().into_bytes();
        bytes.push(b'\n');
        for signature in &self.signatures {
            bytes.extend(signature.to_bytes());
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whether `key` signed it. A signature that bears the key's name and is not its own makes
    /// this false, whatever else stands there.
    pub fn is_signed_by(&self, key: &VerifierKey) -> bool {
        let mut own = self.by(key.name(), key.id()).peekable();
        own.peek().is_some()
            && own.all(|signature| key.signed(self.body.as_bytes(), signature.signature()))
    }

    /// The epoch whose key is named under it; which key that is, is for the log to say.
    pub fn epoch(&self) -> Option<u64> {
        let prefix = epoch_name(&self.checkpoint.origin, "");
        self.signatures
            .iter()
            .find_map(|signature| signature.name().strip_prefix(&prefix)?.parse().ok())
    }

    fn by(&self, name: &str, id: u32) -> impl Iterator<Item = &Signature> {
        let of = move |signature: &&Signature| signature.id() == id && signature.name() == name;
        self.signatures.iter().filter(of)
    }
}

/// The name of an epoch's key.
pub(super) fn epoch_name(origin: &str, epoch: impl std::fmt::Display) -> String {
    format!("{origin}/epoch/{epoch}")
}

/// The name of a gateway's log.
pub fn origin(site: &str, gateway: &str) -> String {
    format!("{site}/gateway/{gateway}")
}

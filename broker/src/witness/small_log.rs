//! A log in memory that signs what it is asked to, honest or not: for the tests of those who
//! witness logs and of those who have theirs witnessed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use signed_note::{Note, StandardSigner, key_id, new_ed25519_verifier_key};
use tlog_tiles::Checkpoint;
use tlog_tiles::tlog::{self, Error, Hash, HashReader, prove_tree, stored_hashes, tree_hash};

/// See the module.
#[derive(Clone)]
pub struct SmallLog {
    origin: String,
    key: SigningKey,
    hashes: Vec<Hash>,
    size: u64,
}

/// The stored hashes of a tree, in the order in which they came to be.
struct Stored<'h>(&'h [Hash]);

impl HashReader for Stored<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let at = |index: &u64| {
            let index = usize::try_from(*index).ok()?;
            self.0.get(index).copied()
        };
        let hashes: Option<Vec<Hash>> = indexes.iter().map(at).collect();
        hashes.ok_or(Error::IndexesNotInTree)
    }
}

impl SmallLog {
    /// An empty log. Logs of one origin and one seed have one key.
    pub fn new(origin: &str, seed: u8) -> SmallLog {
        SmallLog {
            origin: origin.to_owned(),
            key: SigningKey::from_bytes(&[seed; 32]),
            hashes: Vec::new(),
            size: 0,
        }
    }

    /// Its public key, as text.
    pub fn key(&self) -> String {
        new_ed25519_verifier_key(&self.origin, &self.key.verifying_key())
    }

    /// How many records it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds records until it has so many. Logs whose records were all added with one `flavour`
    /// hold one another.
    pub fn grow(&mut self, size: u64, flavour: &str) -> Result<(), Error> {
        while self.size < size {
            let record = format!("{flavour} {}", self.size);
            let new = stored_hashes(self.size, record.as_bytes(), &Stored(&self.hashes))?;
            self.hashes.extend(new);
            self.size += 1;
        }
        Ok(())
    }

    /// The hash over its first records.
    pub fn root(&self, size: u64) -> Result<[u8; 32], Error> {
        if size == 0 {
            return Ok(tlog::EMPTY_HASH.0);
        }
        Ok(tree_hash(size, &Stored(&self.hashes))?.0)
    }

    /// A signed checkpoint of its first records.
    pub fn checkpoint(&self, size: u64) -> Result<String, Error> {
        self.sign(&self.text(size)?)
    }

    /// As [`SmallLog::checkpoint`], with a signature of another key before its own.
    pub fn checkpoint_with(&self, other: &SmallLog, size: u64) -> Result<String, Error> {
        let (ours, theirs) = (self.checkpoint(size)?, other.sign(&self.text(size)?)?);
        let (text, signature) = ours.rsplit_once("\n\n").ok_or(Error::InvalidProof)?;
        let (_, theirs) = theirs.rsplit_once("\n\n").ok_or(Error::InvalidProof)?;
        Ok(format!("{text}\n\n{theirs}{signature}"))
    }

    /// A proof that the first `new` records hold the first `old`.
    pub fn proof(&self, old: u64, new: u64) -> Result<Vec<[u8; 32]>, Error> {
        if old == 0 {
            return Ok(Vec::new());
        }
        let proof = prove_tree(new, old, &Stored(&self.hashes))?;
        Ok(proof.into_iter().map(|hash| hash.0).collect())
    }

    fn text(&self, size: u64) -> Result<Vec<u8>, Error> {
        let root = Hash(self.root(size)?);
        let checkpoint = Checkpoint::new(&self.origin, size, root, "");
        Ok(checkpoint.map_err(|_| Error::BadMath)?.to_bytes())
    }

    fn sign(&self, text: &[u8]) -> Result<String, Error> {
        let (public, secret) = (self.key.verifying_key(), self.key.to_bytes());
        let typed = |key: &[u8; 32]| [&[1], key.as_slice()].concat();
        let hash = key_id(&self.origin, &typed(public.as_bytes()));
        let secret = STANDARD.encode(typed(&secret));
        let signer = format!("PRIVATE+KEY+{}+{hash:08x}+{secret}", self.origin);
        let signer = StandardSigner::new(&signer).map_err(|_| Error::BadMath)?;
        let mut note = Note::new(text, &[]).map_err(|_| Error::BadMath)?;
        note.add_sigs(&[&signer]).map_err(|_| Error::BadMath)?;
        String::from_utf8(note.to_bytes()).map_err(|_| Error::BadMath)
    }
}

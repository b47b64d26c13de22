//! Hashes of the tree, as RFC 6962 makes them: leaves and nodes are told apart by their first
//! byte, so that no node can be passed off as a record.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// One SHA-256 hash in the tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; HASH_BYTES]);

/// Bytes of a hash.
pub const HASH_BYTES: usize = 32;

/// First byte of what is hashed for a leaf.
pub(super) const LEAF: u8 = 0;
const NODE: u8 = 1;

impl Hash {
    /// The root of a tree without leaves.
    pub fn empty() -> Hash {
        Hash::of(&[])
    }

    /// The leaf hash of a whole record.
    pub fn leaf(record: &[u8]) -> Hash {
        let mut bytes = Vec::with_capacity(record.len() + 1);
        bytes.push(LEAF);
        bytes.extend_from_slice(record);
        Hash::of(&bytes)
    }

    /// The leaf hash of a record that stands behind [`LEAF`] already: nothing is copied.
    pub(super) fn prefixed_leaf(bytes: &[u8]) -> Hash {
        Hash::of(bytes)
    }

    /// The hash over two subtrees.
    pub fn node(left: Hash, right: Hash) -> Hash {
        let mut bytes = [NODE; 1 + 2 * HASH_BYTES];
        let (_, both) = bytes.split_at_mut(1);
        let (first, second) = both.split_at_mut(HASH_BYTES);
        first.copy_from_slice(&left.0);
        second.copy_from_slice(&right.0);
        Hash::of(&bytes)
    }

    /// The root over `hashes`, whose number is a power of two.
    pub(super) fn subtree(hashes: &[Hash]) -> Hash {
        match hashes {
            [] => Hash::empty(),
            [one] => *one,
            _ => {
                let (left, right) = hashes.split_at(hashes.len() / 2);
                Hash::node(Hash::subtree(left), Hash::subtree(right))
            }
        }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }

    /// Reads base64 as it stands in checkpoints and proofs.
    pub fn parse(text: &str) -> Option<Hash> {
        BASE64_STANDARD.decode(text).ok()?.try_into().ok().map(Hash)
    }

    /// The hashes of a tile; `None` if its length is that of no tile.
    pub(super) fn of_tile(bytes: &[u8]) -> Option<Vec<Hash>> {
        let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
        rest.is_empty()
            .then(|| hashes.iter().copied().map(Hash).collect())
    }

    fn of(bytes: &[u8]) -> Hash {
        let mut hash = [0; HASH_BYTES];
        // The length is fixed by the algorithm.
        if let Some(found) = digest(&SHA256, bytes).as_ref().first_chunk() {
            hash = *found;
        }
        Hash(hash)
    }
}

/// The bytes of a tile.
pub(super) fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

impl From<[u8; HASH_BYTES]> for Hash {
    fn from(bytes: [u8; HASH_BYTES]) -> Hash {
        Hash(bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

//! Proofs from the tiles: that a record is in a tree, and that a tree holds an earlier one.

use std::io;

use tlog_tiles::tlog;

use super::hash::{HASH_BYTES, Hash};
use super::tiles::{Tile, TileStore, read_tile};
use crate::limits::TREE_TILE_HASHES;

/// One hash of a proof.
pub type ProofHash = [u8; HASH_BYTES];

/// The hashes that lead from the leaf at `index` to the root of the tree of `size` leaves
/// (RFC 6962 §2.1.1).
pub fn prove_inclusion(store: &dyn TileStore, index: u64, size: u64) -> io::Result<Vec<ProofHash>> {
    let stored = Stored { store, size };
    proof(tlog::prove_record(size, index, &stored))
}

/// The hashes that show that the tree of `new` leaves begins with that of `old` (RFC 6962
/// §2.1.2). The empty tree is the beginning of all, and needs no proof.
pub fn prove_consistency(store: &dyn TileStore, old: u64, new: u64) -> io::Result<Vec<ProofHash>> {
    if old == 0 {
        return Ok(Vec::new());
    }
    let stored = Stored { store, size: new };
    proof(tlog::prove_tree(new, old, &stored))
}

fn proof(proved: Result<Vec<tlog::Hash>, tlog::Error>) -> io::Result<Vec<ProofHash>> {
    match proved {
        Ok(hashes) => Ok(hashes.into_iter().map(|hash| hash.0).collect()),
        Err(error) => Err(io::Error::other(error.to_string())),
    }
}

/// The inner hashes of a tree, computed from its tiles.
struct Stored<'s> {
    store: &'s dyn TileStore,
    size: u64,
}

impl tlog::HashReader for Stored<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        let hashes = indexes.iter().map(|index| {
            let (level, n) = tlog::split_stored_hash_index(*index);
            match self.hash(u32::from(level), n) {
                Ok(Some(hash)) => Ok(tlog::Hash(*hash.bytes())),
                Ok(None) => Err(tlog::Error::InvalidInput(format!(
                    "a tile of level {} is missing or damaged",
                    level / 8
                ))),
                Err(error) => Err(tlog::Error::InvalidInput(error.to_string())),
            }
        });
        hashes.collect()
    }
}

impl Stored<'_> {
    /// The hash over the leaves `n << level ..` of a whole subtree of that height.
    fn hash(&self, level: u32, n: u64) -> io::Result<Option<Hash>> {
        let (tile_level, height) = (level / 8, level % 8);
        let first = n << height;
        let width = TREE_TILE_HASHES as u64;
        let Some(tile) = Tile::at(tile_level, first / width, self.size) else {
            return Ok(None);
        };
        let Some(hashes) = read_tile(self.store, tile)? else {
            return Ok(None);
        };
        let skip = usize::try_from(first % width).unwrap_or(TREE_TILE_HASHES);
        let Some(hashes) = hashes.get(skip..skip + (1 << height)) else {
            return Ok(None);
        };
        let mut row = hashes.to_vec();
        while row.len() > 1 {
            let pairs = row.chunks_exact(2);
            row = pairs
                .filter_map(|pair| Some(Hash::node(*pair.first()?, *pair.last()?)))
                .collect();
        }
        Ok(row.first().copied())
    }
}

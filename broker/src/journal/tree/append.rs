//! The tree itself. Of all that it has, only the right edge is held: the tiles that still grow,
//! 256 hashes a level at the most.

use std::io;

use super::hash::Hash;
use super::tiles::{Tile, TileStore, hashes_at, levels, read_tile, write_tile};
use crate::limits::TREE_TILE_HASHES;

/// An RFC 6962 tree that grows to the right.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Tree {
    size: u64,
    /// For each level the hashes of its last tile, as far as that is not full.
    edge: Vec<Vec<Hash>>,
    /// Tiles that became full and were not taken yet.
    full: Vec<(Tile, Vec<Hash>)>,
}

impl Tree {
    /// A tree without leaves.
    pub fn new() -> Tree {
        Tree::default()
    }

    /// The tree of `size` leaves that is kept in `store`; `None` where a tile of its edge is
    /// missing or has the wrong length. Its root is for the caller to compare.
    pub fn load(store: &dyn TileStore, size: u64) -> io::Result<Option<Tree>> {
        let mut tree = Tree {
            size,
            ..Tree::default()
        };
        for level in 0..levels(size) {
            let number = hashes_at(level, size) / TREE_TILE_HASHES as u64;
            let edge = match Tile::at(level, number, size) {
                None => Vec::new(),
                Some(tile) => match read_tile(store, tile)? {
                    Some(hashes) => hashes,
                    None => return Ok(None),
                },
            };
            tree.edge.push(edge);
        }
        Ok(Some(tree))
    }

    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds one leaf.
    pub fn append(&mut self, leaf: Hash) {
        self.size += 1;
        self.push(0, leaf);
    }

    /// Adds a whole tile of leaves whose root is known. The tree must end on a tile's boundary.
    pub(super) fn append_tile(&mut self, root: Hash) {
        debug_assert!(self.is_aligned());
        self.size += TREE_TILE_HASHES as u64;
        self.push(1, root);
    }

    /// Whether the last tile of leaves is full.
    pub(super) fn is_aligned(&self) -> bool {
        self.size.is_multiple_of(TREE_TILE_HASHES as u64)
    }

    fn push(&mut self, level: usize, hash: Hash) {
        if self.edge.len() <= level {
            self.edge.resize(level + 1, Vec::new());
        }
        let Some(tile) = self.edge.get_mut(level) else {
            return;
        };
        tile.push(hash);
        if tile.len() < TREE_TILE_HASHES {
            return;
        }
        let hashes = std::mem::take(tile);
        let root = Hash::subtree(&hashes);
        let level_name = u32::try_from(level).unwrap_or(u32::MAX);
        let tile = Tile {
            level: level_name,
            number: (hashes_at(level_name, self.size) / TREE_TILE_HASHES as u64).saturating_sub(1),
            width: TREE_TILE_HASHES,
        };
        self.full.push((tile, hashes));
        self.push(level + 1, root);
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        // Perfect subtrees from the right, which are the smallest: each joins what is to its
        // right already.
        let mut root = None;
        for hashes in &self.edge {
            let mut rest = hashes.as_slice();
            while !rest.is_empty() {
                let width = 1 << rest.len().trailing_zeros();
                let (left, last) = rest.split_at(rest.len() - width);
                let subtree = Hash::subtree(last);
                root = Some(root.map_or(subtree, |right| Hash::node(subtree, right)));
                rest = left;
            }
        }
        root.unwrap_or_else(Hash::empty)
    }

    /// Tiles that became full since they were last taken.
    pub(super) fn take_full(&mut self) -> Vec<(Tile, Vec<Hash>)> {
        std::mem::take(&mut self.full)
    }

    /// Which tiles became full since they were last taken or written.
    pub(super) fn full_tiles(&self) -> Vec<Tile> {
        self.full.iter().map(|(tile, _)| *tile).collect()
    }

    /// The tiles of the edge, which still grow.
    pub(super) fn partial(&self) -> impl Iterator<Item = (Tile, &[Hash])> {
        (0..).zip(&self.edge).filter_map(|(level, hashes)| {
            let number = hashes_at(level, self.size) / TREE_TILE_HASHES as u64;
            let tile = Tile::at(level, number, self.size)?;
            Some((tile, hashes.as_slice()))
        })
    }

    /// Writes the full tiles that are not written yet. A tile that cannot be written stays.
    pub(super) fn write_full(&mut self, store: &mut dyn TileStore) -> io::Result<()> {
        let mut written = 0;
        let result = self.full.iter().try_for_each(|(tile, hashes)| {
            write_tile(store, *tile, hashes)?;
            written += 1;
            Ok(())
        });
        self.full.drain(..written);
        result
    }

    /// Writes all that a checkpoint of this size needs.
    pub(super) fn write(&mut self, store: &mut dyn TileStore) -> io::Result<()> {
        self.write_full(store)?;
        for (tile, hashes) in self.partial() {
            write_tile(store, tile, hashes)?;
        }
        Ok(())
    }
}

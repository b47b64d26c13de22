//! The tree of a journal while it is verified: it grows by whole batches, and gives its root at
//! any size that is not too far behind.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};

use super::append::Tree;
use super::batch::Batch;
use super::hash::Hash;
use super::tiles::{Tile, hashes_at, levels};
use crate::limits::{CHECKPOINT_BEHIND_MAX_RECORDS, TREE_TILE_HASHES};

/// Inner hashes that are kept, a megabyte or so; they are made again where they are needed.
const INNER_MAX: usize = 16_384;

pub(super) struct Roots {
    tree: Tree,
    /// Roots of subtrees inside tiles above the leaves, by level, first hash and number of
    /// hashes. A checkpoint needs nearly the same ones as the one before it.
    inner: RefCell<HashMap<(u32, u64, usize), Hash>>,
    /// Leaves not yet too far behind, in runs, with the index of the first of each.
    recent: VecDeque<(u64, Vec<Hash>)>,
    /// Full tiles above the leaves, not yet too far behind.
    kept: BTreeMap<(u32, u64), Vec<Hash>>,
}

impl Roots {
    /// Goes on from `base`, the tree of records that were removed.
    pub(super) fn new(base: Tree) -> Roots {
        let leaves = base.partial().find(|(tile, _)| tile.level == 0);
        let recent = leaves.map(|(tile, hashes)| (tile.first_leaf(), hashes.to_vec()));
        Roots {
            recent: recent.into_iter().collect(),
            inner: RefCell::default(),
            kept: BTreeMap::new(),
            tree: base,
        }
    }

    /// Adds the records of `batch`. Gives the tiles that became full by it, but for those of
    /// leaves that are whole inside it.
    pub(super) fn push(&mut self, batch: &mut Batch) -> Vec<(Tile, Vec<Hash>)> {
        let leaves = std::mem::take(&mut batch.leaves);
        let mut tiles = batch.tiles.iter();
        let mut rest = leaves.as_slice();
        while let Some((leaf, later)) = rest.split_first() {
            if self.tree.is_aligned()
                && let Some((_, later)) = rest.split_at_checked(TREE_TILE_HASHES)
                && let Some(root) = tiles.next()
            {
                self.tree.append_tile(*root);
                rest = later;
            } else {
                self.tree.append(*leaf);
                rest = later;
            }
        }
        let full = self.tree.take_full();
        for (tile, hashes) in full.iter().filter(|(tile, _)| tile.level > 0) {
            self.kept.insert((tile.level, tile.number), hashes.clone());
        }
        self.forget(batch.first.saturating_sub(1));
        self.recent
            .push_back((batch.first.saturating_sub(1), leaves));
        full
    }

    /// Forgets what no checkpoint from index `from` on may ask for.
    fn forget(&mut self, from: u64) {
        let from = from.saturating_sub(CHECKPOINT_BEHIND_MAX_RECORDS);
        // One tile more, since a size may lie in the middle of one.
        let leaves_from = from.saturating_sub(TREE_TILE_HASHES as u64);
        let ends = |(first, leaves): &(u64, Vec<Hash>)| first + leaves.len() as u64;
        while self
            .recent
            .front()
            .is_some_and(|run| ends(run) < leaves_from)
        {
            self.recent.pop_front();
        }
        if self.inner.borrow().len() > INNER_MAX {
            self.inner.borrow_mut().clear();
        }
        self.kept.retain(|(level, number), _| {
            let tile = Tile {
                level: *level,
                number: number + 1,
                width: TREE_TILE_HASHES,
            };
            tile.first_leaf() >= from
        });
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The root over the first `size` records; `None` where that is too far behind, or to come.
    pub(super) fn at(&self, size: u64) -> Option<Hash> {
        let mut root = None;
        for (level, hashes) in (0..).zip(self.edge_at(size)?) {
            // From the right, where subtrees are smallest: each joins what is right of it.
            let mut rest = hashes.as_slice();
            let first = hashes_at(level, size) - hashes.len() as u64;
            while !rest.is_empty() {
                let width = 1 << rest.len().trailing_zeros();
                let (left, last) = rest.split_at(rest.len() - width);
                let subtree = self.subtree(level, first + left.len() as u64, last);
                root = Some(root.map_or(subtree, |right| Hash::node(subtree, right)));
                rest = left;
            }
        }
        Some(root.unwrap_or_else(Hash::empty))
    }

    /// The root over `hashes`, the first of which is number `first` of its level.
    fn subtree(&self, level: u32, first: u64, hashes: &[Hash]) -> Hash {
        if level == 0 || hashes.len() < 2 {
            return Hash::subtree(hashes);
        }
        let key = (level, first, hashes.len());
        if let Some(known) = self.inner.borrow().get(&key) {
            return *known;
        }
        let (left, right) = hashes.split_at(hashes.len() / 2);
        let middle = first + left.len() as u64;
        let root = Hash::node(
            self.subtree(level, first, left),
            self.subtree(level, middle, right),
        );
        self.inner.borrow_mut().insert(key, root);
        root
    }

    /// The hashes of the tiles that grow at that size, for each level.
    pub(super) fn edge_at(&self, size: u64) -> Option<Vec<Vec<Hash>>> {
        if size > self.tree.size() {
            return None;
        }
        let mut edge = Vec::new();
        for level in 0..levels(size) {
            let whole = hashes_at(level, size);
            let number = whole / TREE_TILE_HASHES as u64;
            let width = usize::try_from(whole % TREE_TILE_HASHES as u64).ok()?;
            edge.push(match (width, level) {
                (0, _) => Vec::new(),
                (_, 0) => self.leaves(number * TREE_TILE_HASHES as u64, width)?,
                _ => self.tile(level, number)?.get(..width)?.to_vec(),
            });
        }
        Some(edge)
    }

    fn tile(&self, level: u32, number: u64) -> Option<&[Hash]> {
        let kept = self.kept.get(&(level, number)).map(Vec::as_slice);
        kept.or_else(|| {
            let mut partial = self.tree.partial();
            let is_it = |tile: &Tile| tile.level == level && tile.number == number;
            partial.find_map(|(tile, hashes)| is_it(&tile).then_some(hashes))
        })
    }

    /// `count` leaves from `first` on, which may lie in several runs.
    fn leaves(&self, first: u64, count: usize) -> Option<Vec<Hash>> {
        let mut found = Vec::with_capacity(count);
        for (start, run) in &self.recent {
            let next = first + found.len() as u64;
            let Some(skip) = next.checked_sub(*start) else {
                continue;
            };
            let run = run.get(usize::try_from(skip).ok()?..).unwrap_or_default();
            found.extend(run.iter().take(count - found.len()));
        }
        (found.len() == count).then_some(found)
    }
}

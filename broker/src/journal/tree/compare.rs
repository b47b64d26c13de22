//! Tiles as they are kept against tiles as the records make them.

use super::append::Tree;
use super::batch::{Batch, Fault};
use super::hash::{HASH_BYTES, Hash, tile_bytes};
use super::note::Checkpoint;
use super::tiles::{Tile, TileStore, read_tile};
use crate::limits::TREE_TILE_HASHES;

/// Faults of one kind that are listed: one is enough to act on, and a lost folder has thousands.
const FAULTS_MAX: usize = 16;

/// Compares the tiles of leaves that are whole in `batch`. Those under `covered` records have to
/// be there; later ones may be.
pub(super) fn leaves(store: &dyn TileStore, batch: &Batch, covered: u64) -> Vec<Fault> {
    let (before, tiles) = batch.whole_tiles();
    let first = batch.first.saturating_sub(1) + before as u64;
    let numbers = (first / TREE_TILE_HASHES as u64)..;
    let faults = numbers.zip(tiles).filter_map(|(number, hashes)| {
        let tile = Tile {
            level: 0,
            number,
            width: TREE_TILE_HASHES,
        };
        full(store, tile, hashes, covered)
    });
    faults.take(FAULTS_MAX).collect()
}

/// Compares one full tile.
pub(super) fn full(
    store: &dyn TileStore,
    tile: Tile,
    hashes: &[Hash],
    covered: u64,
) -> Option<Fault> {
    let next = Tile {
        number: tile.number + 1,
        ..tile
    };
    compare(store, tile, hashes, next.first_leaf() <= covered)
}

/// Compares the tiles that still grew when the checkpoint of `size` was signed, and their
/// narrower forms.
pub(super) fn partial(store: &dyn TileStore, size: u64, edge: &[Vec<Hash>]) -> Vec<(u32, Fault)> {
    let mut faults = Vec::new();
    for (level, hashes) in (0..).zip(edge) {
        let number = super::tiles::hashes_at(level, size) / TREE_TILE_HASHES as u64;
        let Some(tile) = Tile::at(level, number, size) else {
            continue;
        };
        let widths = store.partials(&tile.full().path()).unwrap_or_default();
        let replaced = matches!(store.read(&tile.full().path()), Ok(Some(_)));
        for width in widths.into_iter().filter(|width| *width < tile.width) {
            let hashes = hashes.get(..width).unwrap_or_default();
            let fault = compare(store, Tile { width, ..tile }, hashes, true);
            faults.extend(fault.map(|fault| (level, fault)));
        }
        let fault = compare(store, tile, hashes, !replaced);
        faults.extend(fault.map(|fault| (level, fault)));
    }
    faults
}

fn compare(store: &dyn TileStore, tile: Tile, hashes: &[Hash], needed: bool) -> Option<Fault> {
    let (at, what) = match store.read(&tile.path()) {
        Ok(Some(bytes)) => {
            let expected = tile_bytes(hashes);
            if bytes == expected {
                return None;
            }
            let pairs = expected
                .chunks(HASH_BYTES)
                .zip(bytes.chunks(HASH_BYTES))
                .take_while(|(ours, kept)| ours == kept);
            (pairs.count() as u64, "does not match the records")
        }
        Ok(None) if needed => (0, "is missing"),
        Ok(None) => return None,
        Err(_) => (0, "cannot be read"),
    };
    Some(Fault {
        sequence: tile.first_leaf() + (at << (8 * tile.level)) + 1,
        what: format!("the file {} {what}", tile.path()),
    })
}

/// Whether the leaves that are kept give the root of `checkpoint`. If so they are those that it was
/// signed over, and where they and the records part is where the records changed.
pub(super) fn is_signed(store: &dyn TileStore, base: Tree, checkpoint: &Checkpoint) -> bool {
    let mut tree = base;
    while tree.size() < checkpoint.size {
        let number = tree.size() / TREE_TILE_HASHES as u64;
        let tile = Tile::at(0, number, checkpoint.size);
        let Some(Ok(Some(hashes))) = tile.map(|tile| read_tile(store, tile)) else {
            return false;
        };
        let skip = usize::try_from(tree.size() % TREE_TILE_HASHES as u64).unwrap_or(0);
        for leaf in hashes.iter().skip(skip) {
            tree.append(*leaf);
        }
        drop(tree.take_full());
    }
    tree.root() == checkpoint.root
}

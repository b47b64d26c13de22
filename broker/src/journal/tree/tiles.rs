//! Where the tree is kept: C2SP tlog-tiles, 256 hashes a tile, as files beside the segments.
//!
//! Only tiles of hashes are kept. The *entry bundles* of the standard are not: the segments are the
//! entries, and a second copy would have to be kept equal to the first.

use std::io;

use super::hash::{Hash, tile_bytes};
use crate::limits::TREE_TILE_HASHES;

/// A place for tiles, the checkpoint and the key of the next epoch. Paths are those of C2SP,
/// relative to the folder of the journal.
pub trait TileStore: Send {
    /// What stands at `path`; `None` if there is nothing.
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>>;

    /// Puts `bytes` at `path`, whole or not at all. Durable after the next [`TileStore::sync`];
    /// until then a power cut leaves what was there before, or these bytes.
    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Returns when all that was written survives a power cut.
    fn sync(&mut self) -> io::Result<()>;

    /// Moves a file over another, in one step that is durable when this returns.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Overwrites a file with zeros, flushes that, and removes it. Nothing there is no error.
    fn wipe(&mut self, path: &str) -> io::Result<()>;

    /// Removes the folder of partial tiles beside the full tile at `path`.
    fn drop_partials(&mut self, path: &str) -> io::Result<()>;

    /// Widths of the partial tiles beside the full tile at `path`, ascending.
    fn partials(&self, path: &str) -> io::Result<Vec<usize>>;

    /// The same place, for reading alone.
    fn reader(&self) -> Box<dyn TileStore>;
}

/// Which tile: its level, its number within that, and how many hashes it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tile {
    /// Level: 0 holds leaf hashes.
    pub level: u32,
    /// Number within the level, from 0.
    pub number: u64,
    /// Hashes in it: 256 if it is full.
    pub width: usize,
}

impl Tile {
    /// The tile `number` of `level`, as it is in a tree of `size` leaves; `None` if that tree
    /// has no hash in it.
    pub fn at(level: u32, number: u64, size: u64) -> Option<Tile> {
        let whole = hashes_at(level, size);
        let left = whole.checked_sub(number.checked_mul(WIDTH)?)?;
        let width = usize::try_from(left.min(WIDTH)).ok()?;
        (width > 0).then_some(Tile {
            level,
            number,
            width,
        })
    }

    /// Whether no hash will ever be added to it.
    pub fn is_full(&self) -> bool {
        self.width == TREE_TILE_HASHES
    }

    /// Its C2SP path. (The paths of the `tlog_tiles` crate also name the height of a tile, as
    /// those of Go do; here it is always 8.)
    pub fn path(&self) -> String {
        let full = tlog_tiles::Tile::new(8, level(self.level), self.number, 256, false).path();
        let path = full.replacen("tile/8/", "tile/", 1);
        if self.is_full() {
            path
        } else {
            format!("{path}.p/{}", self.width)
        }
    }

    /// The same tile with all its hashes.
    pub fn full(&self) -> Tile {
        Tile {
            width: TREE_TILE_HASHES,
            ..*self
        }
    }

    /// The first leaf under it.
    pub fn first_leaf(&self) -> u64 {
        (self.number * WIDTH) << (8 * self.level)
    }
}

const WIDTH: u64 = TREE_TILE_HASHES as u64;

/// Whole hashes at `level` of a tree of `size` leaves.
pub(super) fn hashes_at(level: u32, size: u64) -> u64 {
    size.checked_shr(8 * level).unwrap_or(0)
}

/// Levels of tiles that a tree of this size has.
pub(super) fn levels(size: u64) -> u32 {
    (0..8)
        .take_while(|level| hashes_at(*level, size) > 0)
        .count() as u32
}

fn level(level: u32) -> u8 {
    u8::try_from(level).unwrap_or(63)
}

/// The hashes of one tile. Where it is partial and not there, the wider ones that replaced it are
/// looked at: they begin with the same hashes.
pub(super) fn read_tile(store: &dyn TileStore, tile: Tile) -> io::Result<Option<Vec<Hash>>> {
    let full = tile.full();
    let mut widths = vec![tile.width];
    if !tile.is_full() {
        widths.push(full.width);
        widths.extend(store.partials(&full.path())?);
    }
    for width in widths.into_iter().filter(|width| *width >= tile.width) {
        let Some(bytes) = store.read(&Tile { width, ..tile }.path())? else {
            continue;
        };
        if let Some(mut hashes) = Hash::of_tile(&bytes)
            && hashes.len() == width
        {
            hashes.truncate(tile.width);
            return Ok(Some(hashes));
        }
    }
    Ok(None)
}

/// Puts one tile where it belongs.
pub(super) fn write_tile(store: &mut dyn TileStore, tile: Tile, hashes: &[Hash]) -> io::Result<()> {
    store.write(&tile.path(), &tile_bytes(hashes))
}

//! Finding the tree again when the notary opens: load it at the last checkpoint, hold it against
//! the journal's end, or make it anew from the records.

use std::io;

use interlock_protocols::record::Ahead;

use super::super::Journal;
use super::super::follow::Follower;
use super::super::reader::ReadError;
use super::super::storage::Storage;
use super::append::Tree;
use super::epoch::{self, Link};
use super::hash::Hash;
use super::history::{self, AHEAD, History};
use super::key::JournalKey;
use super::notarized::{NotaryError, Opened};
use super::notary::CHECKPOINT;
use super::note::{Checkpoint, SignedCheckpoint};
use super::tiles::{Tile, TileStore, hashes_at, levels, read_tile};
use crate::limits::{TREE_BATCH_RECORDS, TREE_TILE_HASHES};

/// What a notary begins with.
pub(super) struct Base {
    pub(super) tree: Tree,
    /// The record to go on with.
    pub(super) next: u64,
    pub(super) opened: Opened,
    pub(super) link: Option<Link>,
    /// Whether an administrator accepted that the chain of keys begins anew.
    pub(super) may_restart: bool,
    pub(super) position: u64,
}

/// Reads as little as it can: the edge of the tree and the records under its last tile. That all
/// other records are those under the checkpoint is for a verification to say.
pub(super) fn open(
    journal: &Journal,
    store: &mut dyn TileStore,
    gateway: &JournalKey,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Base, NotaryError> {
    let Some(reader) = journal.reader() else {
        let why = "the journal could not be opened";
        return Err(ReadError::Storage(io::Error::new(io::ErrorKind::NotFound, why)).into());
    };
    let through = *journal.durable().borrow();
    let mut history = history::read(reader.as_ref(), through)?;
    if history.link.is_none() && history.first > 1 {
        // The record of the last epoch was removed with the oldest: its key tells what it said.
        history.link = epoch::link_of_next(store)?;
    }
    let stored = store.read(CHECKPOINT)?;
    let held = stored.as_deref().map(|bytes| held(bytes, gateway));
    let accepted = held.iter().flatten().any(|held| history.accepts(held.size));
    let mut why = match &held {
        Some(None) => "the checkpoint file is not signed by this gateway's key",
        _ => "there was none",
    };
    if let Some(Some(held)) = &held
        && !accepted
    {
        if held.size > through {
            return Ok(ahead(history, through, held.size));
        }
        why = "its tiles are missing or do not match the last checkpoint";
        if let Some(tree) = loaded(store, held)? {
            if !end_agrees(reader.as_ref(), store, held.size, history.first)? {
                return Ok(ahead(history, through, held.size));
            }
            return Ok(Base::of(tree, history, None));
        }
    }
    let mut expected: Vec<Checkpoint> = match &held {
        Some(Some(held)) if !accepted => vec![held.clone()],
        _ => Vec::new(),
    };
    let recorded = history.checkpoint.as_ref();
    expected.extend(
        recorded
            .filter(|note| !accepted && note.is_signed_by(gateway.verifier()))
            .map(|note| note.checkpoint().clone()),
    );
    if history.first > 1 && !accepted && expected.iter().all(|known| known.size < history.first) {
        // Nothing signed vouches for the tiles of what was removed.
        return Err(NotaryError::TilesLost {
            first: history.first,
        });
    }
    let was_there = stored.is_some() || !expected.is_empty();
    let foreign = accepted || matches!(held, Some(None));
    match rebuild(
        reader.as_ref(),
        store,
        (history.first, through),
        &expected,
        progress,
    )? {
        Err(size) => Ok(ahead(history, through, size)),
        Ok(tree) => {
            let mut base = Base::of(tree, history, was_there.then(|| why.to_owned()));
            if foreign {
                // It speaks of another journal.
                store.wipe(CHECKPOINT)?;
            }
            // The tiles may not be flushed yet.
            base.position = 0;
            Ok(base)
        }
    }
}

impl Base {
    fn of(tree: Tree, history: History, rebuilt: Option<String>) -> Base {
        Base {
            next: tree.size() + 1,
            position: tree.size(),
            opened: Opened {
                size: tree.size(),
                rebuilt,
                ..Opened::default()
            },
            tree,
            may_restart: !history.accepted.is_empty(),
            link: history.link,
        }
    }
}

fn ahead(history: History, through: u64, size: u64) -> Base {
    let mut base = Base::of(Tree::new(), history, None);
    base.opened.ahead = Some(Ahead {
        what: AHEAD.to_owned(),
        through: size,
    });
    // What comes is looked through for the acceptance alone.
    base.next = through + 1;
    // One that was there before was for something else.
    base.may_restart = false;
    base
}

/// The last checkpoint, if this gateway signed it for this log.
fn held(bytes: &[u8], gateway: &JournalKey) -> Option<Checkpoint> {
    let note = SignedCheckpoint::parse(std::str::from_utf8(bytes).ok()?).ok()?;
    let own = note.checkpoint().origin == gateway.verifier().name();
    (own && note.is_signed_by(gateway.verifier())).then(|| note.checkpoint().clone())
}

fn loaded(store: &dyn TileStore, held: &Checkpoint) -> io::Result<Option<Tree>> {
    let tree = Tree::load(store, held.size)?;
    Ok(tree.filter(|tree| tree.root() == held.root))
}

/// Whether the last records under the checkpoint are those whose hashes are in its last tile. A
/// journal that was put back and then grew again has others there.
fn end_agrees(
    reader: &dyn Storage,
    store: &dyn TileStore,
    size: u64,
    first: u64,
) -> Result<bool, NotaryError> {
    let Some(last) = size.checked_sub(1) else {
        return Ok(true);
    };
    let number = last / TREE_TILE_HASHES as u64;
    let Some(tile) = Tile::at(0, number, size) else {
        return Ok(true);
    };
    let Some(leaves) = read_tile(store, tile)? else {
        return Ok(false);
    };
    let from = (tile.first_leaf() + 1).max(first);
    let mut lines = Follower::of(reader.reader(), from)?.read(size, TREE_TILE_HASHES)?;
    lines.retain(|line| line.sequence >= from);
    let expected = usize::try_from((size + 1).saturating_sub(from)).unwrap_or(usize::MAX);
    Ok(lines.len() == expected
        && lines.iter().all(|line| {
            let at = usize::try_from(line.sequence - 1 - tile.first_leaf()).unwrap_or(usize::MAX);
            leaves.get(at) == Some(&Hash::leaf(&line.bytes))
        }))
}

/// Makes the tree from the records `first..=through`, and compares it with `expected` on the way;
/// `Err` holds the size of the one that it does not match. Writes nothing unless all match.
pub(super) fn rebuild(
    reader: &dyn Storage,
    store: &mut dyn TileStore,
    (first, through): (u64, u64),
    expected: &[Checkpoint],
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Result<Tree, u64>, NotaryError> {
    let base = match Tree::load(store, first.saturating_sub(1))? {
        Some(tree) => tree,
        None => return Err(NotaryError::TilesLost { first }),
    };
    let all = 2 * through.saturating_sub(base.size());
    let mut done = 0;
    for writes in [false, true] {
        let mut tree = base.clone();
        if writes {
            clear(store, base.size())?;
        }
        let mut follower = Follower::of(reader.reader(), first)?;
        loop {
            let lines = follower.read(through, TREE_BATCH_RECORDS)?;
            if lines.is_empty() {
                break;
            }
            for line in &lines {
                tree.append(Hash::leaf(&line.bytes));
                let size = tree.size();
                let differs = |known: &&Checkpoint| known.size == size && known.root != tree.root();
                if let Some(known) = expected.iter().find(differs) {
                    return match first {
                        1 => Ok(Err(known.size)),
                        _ => Err(NotaryError::TilesLost { first }),
                    };
                }
            }
            if writes {
                tree.write_full(store)?;
            } else {
                drop(tree.take_full());
            }
            done += lines.len() as u64;
            progress(done, all);
        }
        if writes {
            return Ok(Ok(tree));
        }
    }
    Ok(Ok(base))
}

/// Removes the tiles that have leaves from `size` on: those of another journal must not be taken
/// for ours later, when ours has grown as far.
fn clear(store: &mut dyn TileStore, size: u64) -> io::Result<()> {
    for level in 0..levels(u64::MAX) {
        let mut number = hashes_at(level, size) / TREE_TILE_HASHES as u64;
        let mut any = true;
        while any {
            let tile = Tile {
                level,
                number,
                width: TREE_TILE_HASHES,
            };
            // The one that `size` ends in also stands for what is before it.
            let shared = tile.first_leaf() < size;
            any = !store.partials(&tile.path())?.is_empty() || store.read(&tile.path())?.is_some();
            if any && !shared {
                store.drop_partials(&tile.path())?;
                store.wipe(&tile.path())?;
            }
            number += 1;
        }
    }
    Ok(())
}

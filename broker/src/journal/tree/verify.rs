//! Verifying a whole journal: frames, checksums, sequences, outcomes; then the tree, its tiles,
//! and every signature.
//!
//! Segments are independent once their heads are read, so each is scanned by whichever thread is
//! free, and only what the scans found goes through one hand, in order. A scan that finds anything
//! odd says no more than that: the rest is then read by the same slow reader that opens journals,
//! which knows damage from a torn tail.

use std::io;
use std::path::Path;

use interlock_protocols::record::Heading;

use super::super::directory::Directory;
use super::super::error::{Damage, Fault as Stop};
use super::super::reader::ReadError;
use super::super::storage::Storage;
use super::super::walk::Walk;
use super::append::Tree;
use super::batch::{Batch, Fault, Open};
use super::compare;
use super::folder::TileFolder;
use super::found::{Against, Verification};
use super::hash::Hash;
use super::judge::Judge;
use super::notary::CHECKPOINT;
use super::note::SignedCheckpoint;
use super::parallel::{self, Chain};
use super::roots::Roots;
use super::tiles::TileStore;
use crate::limits::TREE_BATCH_RECORDS;

/// Verifies the journal in `dir`, without a key.
pub fn verify(dir: &Path) -> Result<Verification, ReadError> {
    verify_against(dir, Against::default(), &mut |_, _| {})
}

/// Verifies the journal in `dir`, its tiles included. `progress` is told of bytes done, of all.
pub fn verify_against(
    dir: &Path,
    against: Against,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verification, ReadError> {
    let tiles: Box<dyn TileStore> = Box::new(TileFolder::read_only(dir));
    let storage = Box::new(Directory::read_only(dir));
    verify_kept(storage, Some(tiles), against, progress)
}

/// Verifies a journal kept elsewhere, without its tiles.
pub fn verify_storage(storage: Box<dyn Storage>) -> Result<Verification, ReadError> {
    verify_kept(storage, None, Against::default(), &mut |_, _| {})
}

/// Verifies a journal and tiles kept elsewhere.
pub fn verify_kept(
    mut storage: Box<dyn Storage>,
    tiles: Option<Box<dyn TileStore>>,
    against: Against,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verification, ReadError> {
    let chain = Chain::read(storage.as_mut())?;
    let mut course = Course::new(tiles, against, chain.first())?;
    let sound = parallel::scan(storage.as_ref(), &chain, &mut course, progress)?;
    if sound < chain.len() || chain.len() == 0 {
        course.walk(storage, chain.first_of(sound))?;
    }
    Ok(course.end()?)
}

/// The verification under way: what one hand does, in order.
pub(super) struct Course {
    tiles: Option<Box<dyn TileStore>>,
    roots: Option<Roots>,
    judge: Judge,
    /// The file `checkpoint`, and the one that was kept elsewhere.
    held: Option<SignedCheckpoint>,
    elsewhere: Option<SignedCheckpoint>,
    open: Open,
    found: Verification,
    first: u64,
    /// The first record whose hash is not the one in its tile.
    exact: Option<u64>,
}

impl Course {
    fn new(
        tiles: Option<Box<dyn TileStore>>,
        against: Against,
        first: u64,
    ) -> Result<Course, ReadError> {
        let mut judge = Judge::new(against.key, first);
        let mut held = None;
        let mut base = (first == 1).then(Tree::new);
        if let Some(tiles) = &tiles {
            if first > 1 {
                base = Tree::load(tiles.as_ref(), first - 1)?;
            }
            if base.is_none() {
                let what = "the tiles that stand for the records before this one, which were removed, are missing".to_owned();
                judge.fault(first, what);
            }
            if let Some(bytes) = tiles.read(CHECKPOINT)? {
                match SignedCheckpoint::parse(&String::from_utf8_lossy(&bytes)) {
                    Ok(note) => held = Some(note),
                    Err(error) => judge.fault(first, format!("the file checkpoint: {error}")),
                }
            }
        }
        Ok(Course {
            found: Verification {
                next_sequence: first,
                key_known: judge.gateway.is_some(),
                ..Verification::default()
            },
            tiles,
            roots: base.map(Roots::new),
            judge,
            held,
            elsewhere: against.checkpoint,
            open: Open::default(),
            first,
            exact: None,
        })
    }

    /// The tiles, for another thread to read.
    pub(super) fn tiles(&self) -> Option<Box<dyn TileStore>> {
        self.tiles.as_ref().map(|tiles| tiles.reader())
    }

    /// Records whose tiles have to be there.
    pub(super) fn covered(&self) -> u64 {
        self.held.as_ref().map_or(0, |held| held.checkpoint().size)
    }

    pub(super) fn next(&self) -> u64 {
        self.found.next_sequence
    }

    /// Takes the records that come next.
    pub(super) fn take(&mut self, mut batch: Batch, segment: u64) {
        let found = &mut self.found;
        found.segments = segment;
        found.records += batch.leaves.len() as u64;
        found.next_sequence = batch.next();
        for (sequence, intent) in &batch.unmatched {
            // The intent of one at the beginning may have been removed.
            if !self.open.remove(*intent) && *intent >= self.first {
                found.stray_outcomes.push(*sequence);
            }
        }
        self.open.append(&mut batch.open);
        let leaves = std::mem::take(&mut batch.faults);
        let mut odd: Vec<(u32, Fault)> = leaves.into_iter().map(|fault| (0, fault)).collect();
        let before = batch.first.saturating_sub(1);
        if let Some(roots) = &mut self.roots {
            let covered = self.held.as_ref().map_or(0, |held| held.checkpoint().size);
            for (tile, hashes) in roots.push(&mut batch) {
                if let Some(tiles) = &self.tiles {
                    let fault = compare::full(tiles.as_ref(), tile, &hashes, covered);
                    odd.extend(fault.map(|fault| (tile.level, fault)));
                }
            }
        }
        self.tile_faults(odd);
        self.judge.acts(&batch.acts, self.roots.as_ref());
        self.compare_held(before);
    }

    /// Holds the checkpoints that are no records against the tree, once it is just as large.
    fn compare_held(&mut self, before: u64) {
        let Some(roots) = &self.roots else {
            return;
        };
        let size = roots.tree().size();
        let is_now = |note: &&SignedCheckpoint| {
            let at = note.checkpoint().size;
            (at > before || before + 1 == self.first) && at <= size && at + 1 >= self.first
        };
        let mut odd_partial = Vec::new();
        if let Some(held) = self.held.as_ref().filter(is_now) {
            let checkpoint = held.checkpoint().clone();
            if roots.at(checkpoint.size) != Some(checkpoint.root) {
                self.judge.differs(&checkpoint, "the file checkpoint");
            }
            if let (Some(edge), Some(tiles)) = (roots.edge_at(checkpoint.size), &self.tiles) {
                odd_partial = compare::partial(tiles.as_ref(), checkpoint.size, &edge);
            }
        }
        if let Some(elsewhere) = self.elsewhere.as_ref().filter(is_now) {
            let checkpoint = elsewhere.checkpoint().clone();
            if roots.at(checkpoint.size) != Some(checkpoint.root) {
                self.judge
                    .differs(&checkpoint, "the checkpoint kept elsewhere");
            }
        }
        self.tile_faults(odd_partial);
    }

    /// Tiles that are not those of the records, with their levels. One of leaves names a record,
    /// one further up as many as are under one of its hashes.
    fn tile_faults(&mut self, odd: Vec<(u32, Fault)>) {
        for (level, fault) in odd {
            if level == 0 {
                self.exact = Some(fault.sequence.min(self.exact.unwrap_or(u64::MAX)));
                self.judge.faults.push(fault);
            } else {
                let under = 1_u64.checked_shl(8 * level).unwrap_or(u64::MAX);
                let through = fault.sequence.saturating_add(under - 1);
                self.judge.range(fault, through);
            }
        }
    }

    /// Reads on from record `from` with the reader that knows what damage is.
    fn walk(&mut self, storage: Box<dyn Storage>, from: Option<u64>) -> Result<(), ReadError> {
        let mut walk = Walk::new(storage);
        if let Some(from) = from {
            walk.skip_to(from)?;
        }
        let mut batch = Batch::new(self.next());
        let stop = loop {
            let line = match walk.step() {
                Ok(Some(line)) => line,
                Ok(None) => break None,
                Err(stop) => break Some(stop),
            };
            let heading = Heading {
                kind: line.kind,
                sequence: line.sequence,
                time_ms: line.time_ms,
            };
            let leaf = Hash::leaf(&line.bytes);
            if let Err(what) = batch.take((heading, line.place), &line.bytes, leaf) {
                break Some(walk.damaged(&line, what));
            }
            if batch.leaves.len() >= TREE_BATCH_RECORDS {
                let next = Batch::new(batch.next());
                self.take(std::mem::replace(&mut batch, next), walk.segment());
            }
        };
        self.take(batch, walk.segment());
        match stop {
            None => self.found.torn_bytes = walk.torn_bytes()?,
            Some(Stop::Damage(damage)) => self.found.damage = Some(damage),
            Some(Stop::Io(error)) => return Err(error.into()),
        }
        Ok(())
    }

    fn end(mut self) -> io::Result<Verification> {
        self.judge.end();
        let held = self.held.clone();
        if self.found.damage.is_none() {
            self.judge_beginning();
            self.judge_end();
        }
        self.held = held;
        self.pinpoint()?;
        let Course {
            mut found, judge, ..
        } = self;
        found.open_intents = self.open.into_vec();
        found.removed_through = judge.removed;
        found.epochs = judge.epochs + judge.unjudged;
        found.silent_epochs = judge.silent;
        found.checkpoints = judge.checkpoints;
        found.keyless_checkpoints = judge.keyless;
        let covered = judge.last.as_ref().map_or(0, |last| last.size);
        found.exposed = (found.next_sequence.saturating_sub(1)).saturating_sub(covered);
        found.last_checkpoint = judge.last;
        found.accepted = judge.accepted;
        found.root = self.roots.map(|roots| roots.tree().root());
        found.faults = judge.faults;
        found.faults.sort();
        found.faults.dedup();
        found.faults.truncate(FAULTS_MAX);
        Ok(found)
    }

    /// Where records differ from what was signed, finds out which is the first, if tiles tell.
    fn pinpoint(&mut self) -> io::Result<()> {
        if let (Some(exact), Some(tiles), Some(held)) = (self.exact, &self.tiles, &self.held)
            && let Some(base) = Tree::load(tiles.as_ref(), self.first.saturating_sub(1))?
            && compare::is_signed(tiles.as_ref(), base, held.checkpoint())
        {
            self.judge.pinpoint(exact);
        }
        Ok(())
    }

    /// Whether all before the oldest record is accounted for.
    fn judge_beginning(&mut self) {
        let (first, removed) = (self.first, self.judge.removed);
        if first > removed.saturating_add(1) {
            self.found.damage = Some(Damage {
                segment: 1,
                offset: 0,
                sequence: removed + 1,
                what: format!(
                    "the oldest record is {first}, and no record says that those before it were removed"
                ),
            });
        }
    }

    /// Whether the checkpoints that are no records know of more than there is.
    fn judge_end(&mut self) {
        let there = self.found.next_sequence.saturating_sub(1);
        let notes = [
            (self.held.take(), "the file checkpoint"),
            (self.elsewhere.take(), "the checkpoint kept elsewhere"),
        ];
        for (note, which) in notes {
            let Some(note) = note else {
                continue;
            };
            let checkpoint = note.checkpoint();
            let origin = self.judge.origin.get_or_insert(checkpoint.origin.clone());
            if *origin != checkpoint.origin {
                let what = format!("{which} is of another log, `{}`", checkpoint.origin);
                self.judge.fault(there.max(1), what);
                continue;
            }
            if let Some(key) = &self.judge.gateway
                && !note.is_signed_by(key)
            {
                let what = format!("{which} is not signed by the gateway's key");
                self.judge
                    .fault(checkpoint.size.clamp(1, there.max(1)), what);
                continue;
            }
            if checkpoint.size > there {
                if !self.judge.accepts(checkpoint.size) {
                    let size = checkpoint.size;
                    let what = format!(
                        "{which} covers {size} records, and those from here on are missing: the end was cut off"
                    );
                    self.judge.fault(there + 1, what);
                }
                continue;
            }
            let known = self.judge.last.as_ref().map_or(0, |last| last.size);
            let holds = !self
                .judge
                .faults
                .iter()
                .any(|fault| fault.what.contains(which));
            if checkpoint.size > known && holds && self.roots.is_some() {
                self.judge.last = Some(checkpoint.clone());
            }
        }
    }
}

/// Faults that are listed.
const FAULTS_MAX: usize = 64;

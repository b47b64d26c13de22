//! The notary: follows the journal, keeps its tree, and signs what it has seen.
//!
//! Whatever it writes, the tiles come first and are flushed, then the `checkpoint` file, then the
//! record. So a checkpoint that anybody holds is covered by tiles that survive a power cut.

use std::io;
use std::time::Duration;

use interlock_protocols::record::{Checkpointed, Event, Record, kind};

use super::super::Journal;
use super::super::follow::Follower;
use super::super::walk::Line;
use super::append::Tree;
use super::epoch::{self, Link, Starting};
use super::hash::Hash;
use super::history;
use super::key::JournalKey;
use super::notarized::{Notarized, NotaryError, Opened};
use super::note::Checkpoint;
use super::opening::{self, Base};
use super::tiles::{Tile, TileStore};
use crate::clock::{Mono, Now};
use crate::limits::{
    CHECKPOINT_AFTER_RECORDS, CHECKPOINT_EVERY, EPOCH_MAX_AGE, TREE_BATCH_RECORDS,
};

/// The file of the last checkpoint, as C2SP names it.
pub(super) const CHECKPOINT: &str = "checkpoint";

/// The key that signs now.
struct Epoch {
    number: u64,
    key: JournalKey,
    since: Mono,
    /// Whether it has signed a checkpoint, and so can be held against a copy.
    used: bool,
    /// Whether its private key is gone from the disk.
    settled: bool,
}

/// Keeps the tree of one journal. Blocks while the disk works.
pub struct Notary {
    journal: Journal,
    store: Box<dyn TileStore>,
    gateway: JournalKey,
    follower: Follower,
    tree: Tree,
    link: Option<Link>,
    epoch: Option<Epoch>,
    starting: Option<Starting>,
    halted: Option<Halt>,
    last: Option<Notarized>,
    signed_at: Option<Mono>,
    /// Records since the last checkpoint that are worth one.
    fresh: u64,
    /// Tiles that became full since then: their partial forms may go.
    filled: Vec<Tile>,
    /// Whether an administrator accepted that the chain of keys begins anew.
    may_restart: bool,
    /// Records whose tiles are on the disk.
    position: u64,
}

/// Why nothing is signed until an administrator accepts it.
struct Halt {
    why: String,
    /// Whether the tree is that of another journal and has to be made anew.
    stale: bool,
}

impl Notary {
    /// Loads the tree at the last checkpoint, or makes it anew from the records, which
    /// `progress` is told of (records done, of all).
    pub fn open(
        journal: &Journal,
        mut store: Box<dyn TileStore>,
        gateway: JournalKey,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(Notary, Opened), NotaryError> {
        let Base {
            tree,
            next,
            mut opened,
            link,
            may_restart,
            position,
        } = opening::open(journal, store.as_mut(), &gateway, progress)?;
        let why = opened.ahead.as_ref().map(|ahead| {
            format!(
                "the last checkpoint covers records through {} that are not, or not so, in the journal",
                ahead.through
            )
        });
        let stale = why.is_some();
        let mut notary = Notary {
            journal: journal.clone(),
            gateway,
            follower: journal.follow(next)?,
            tree,
            link,
            epoch: None,
            starting: None,
            halted: why.map(|why| Halt { why, stale }),
            last: None,
            signed_at: None,
            fresh: 0,
            filled: Vec::new(),
            may_restart,
            position,
            store,
        };
        if notary.halted.is_none() {
            notary.next_key()?;
            opened.broken = notary.halted().map(str::to_owned);
        }
        Ok((notary, opened))
    }

    /// Reads what is durable, through sequence `through`, and signs a checkpoint when one is
    /// due. Call it whenever records became durable, and each second.
    pub fn advance(&mut self, through: u64, now: Now) -> Result<Option<Notarized>, NotaryError> {
        self.read(through, now)?;
        if self.halted.is_some() {
            return Ok(None);
        }
        let settling = self.settle();
        let due = self.is_due(now.mono());
        let ages = self
            .epoch
            .as_ref()
            .is_some_and(|epoch| epoch.used && now.mono().since(epoch.since) >= EPOCH_MAX_AGE);
        let mut signed = None;
        if due || (ages && self.fresh > 0) {
            signed = self.sign(now)?;
        }
        if self.epoch.is_none() || ages {
            self.start_epoch(now)?;
        }
        settling?;
        Ok(signed)
    }

    /// Signs what is left. The last thing before the journal is closed, with `through` all of it.
    pub fn close(mut self, through: u64, now: Now) -> Result<Option<Notarized>, NotaryError> {
        self.read(through, now)?;
        let left = self.halted.is_none() && self.fresh > 0;
        if left { self.sign(now) } else { Ok(None) }
    }

    /// Records through this one are in tiles on the disk: what is behind must not be removed.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Records that it has read.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The last checkpoint that it signed.
    pub fn last(&self) -> Option<&Notarized> {
        self.last.as_ref()
    }

    /// Why nothing is signed.
    pub fn halted(&self) -> Option<&str> {
        self.halted.as_ref().map(|halt| halt.why.as_str())
    }

    /// Where the tree is kept, for reading: a witness is sent proofs from there.
    pub fn tiles(&self) -> Box<dyn TileStore> {
        self.store.reader()
    }

    fn read(&mut self, through: u64, now: Now) -> Result<(), NotaryError> {
        loop {
            let lines = self.follower.read(through, TREE_BATCH_RECORDS)?;
            if lines.is_empty() {
                return Ok(());
            }
            for line in &lines {
                self.take(line, now)?;
            }
            if !self.is_stale() {
                self.write_full()?;
            }
        }
    }

    fn is_stale(&self) -> bool {
        self.halted.as_ref().is_some_and(|halt| halt.stale)
    }

    fn take(&mut self, line: &Line, now: Now) -> Result<(), NotaryError> {
        if !self.is_stale() {
            self.tree.append(Hash::leaf(&line.bytes));
        }
        match line.kind {
            kind::EPOCH_STARTED => self.epoch_started(line, now),
            // Its own, and what its own lead to: an idle journal must stay idle.
            kind::CHECKPOINTED | kind::SINK_PROGRESS => {}
            kind::JOURNAL_ACCEPTED if self.halted.is_some() => {
                self.fresh += 1;
                return self.accepted(line.sequence);
            }
            kind::JOURNAL_ACCEPTED => {
                self.fresh += 1;
                self.may_restart = true;
            }
            _ => self.fresh += 1,
        }
        Ok(())
    }

    /// A record that starts an epoch is on the disk: if it is ours, its key signs from here on.
    fn epoch_started(&mut self, line: &Line, now: Now) {
        let Ok(Event::EpochStarted(started)) =
            Record::decode(&line.bytes).map(|record| record.event)
        else {
            return;
        };
        self.link = Some(Link::of(&started));
        self.may_restart = false;
        if let Some(starting) = self.starting.take_if(|starting| starting.event == started) {
            self.epoch = Some(Epoch {
                number: started.epoch,
                key: starting.key,
                since: now.mono(),
                used: false,
                settled: false,
            });
        }
    }

    /// Takes the key of the running epoch from the disk; tried again each time until it is gone.
    fn settle(&mut self) -> io::Result<()> {
        if let Some(epoch) = self.epoch.as_mut().filter(|epoch| !epoch.settled) {
            epoch::settle(self.store.as_mut())?;
            epoch.settled = true;
        }
        Ok(())
    }

    fn is_due(&self, now: Mono) -> bool {
        let Some(epoch) = &self.epoch else {
            return false;
        };
        let since = |at: Mono| now.since(at);
        let waited = self.signed_at.map_or(Duration::MAX, since);
        // Each epoch signs at once, so that one without a checkpoint stands out.
        !epoch.used
            || self.fresh >= CHECKPOINT_AFTER_RECORDS
            || (self.fresh > 0 && waited >= CHECKPOINT_EVERY)
    }

    fn write_full(&mut self) -> io::Result<()> {
        let full = self.tree.full_tiles();
        self.tree.write_full(self.store.as_mut())?;
        self.filled.extend(full);
        Ok(())
    }

    fn sign(&mut self, now: Now) -> Result<Option<Notarized>, NotaryError> {
        let Some(epoch) = &mut self.epoch else {
            return Ok(None);
        };
        let store = self.store.as_mut();
        self.tree.write(store)?;
        store.sync()?;
        let checkpoint = Checkpoint {
            origin: self.gateway.verifier().name().to_owned(),
            size: self.tree.size(),
            root: self.tree.root(),
        };
        let note = checkpoint.sign(&[&self.gateway, &epoch.key]).text();
        store.write(CHECKPOINT, note.as_bytes())?;
        store.sync()?;
        self.position = self.tree.size();
        let event = Event::Checkpointed(Checkpointed { note: note.clone() });
        // What is not recorded is tried again when the next one is due.
        self.signed_at = Some(now.mono());
        self.journal.append(now.wall_ms(), event)?;
        epoch.used = true;
        self.fresh = 0;
        // Not before: the partial forms may be all that covers the checkpoint before this one.
        // What cannot be removed costs a little space and is tried again.
        self.filled
            .retain(|tile| store.drop_partials(&tile.path()).is_err());
        let notarized = Notarized {
            size: self.position,
            signed_ms: now.wall_ms(),
            epoch: epoch.number,
            note,
        };
        self.last = Some(notarized.clone());
        Ok(Some(notarized))
    }

    /// Hands over to the next epoch. The old key signs nothing more from here on, since what it
    /// signed would stand behind the record of the new one.
    fn start_epoch(&mut self, now: Now) -> Result<(), NotaryError> {
        if self.starting.is_some() {
            return Ok(());
        }
        let Some((number, key)) = self.next_key()? else {
            return Ok(());
        };
        self.begin(number, key, now)
    }

    /// The key that follows in the chain; halts where there is none.
    fn next_key(&mut self) -> Result<Option<(u64, JournalKey)>, NotaryError> {
        let origin = self.gateway.verifier().name();
        let number = self
            .link
            .as_ref()
            .map_or(1, |link| link.epoch.saturating_add(1));
        match epoch::take(self.store.as_mut(), origin, self.link.as_ref())? {
            Ok(key) => Ok(Some((number, key))),
            Err(_) if self.may_restart => Ok(Some((number, epoch::fresh(origin, number)?))),
            Err(why) => {
                self.halted = Some(Halt { why, stale: false });
                Ok(None)
            }
        }
    }

    /// An administrator accepted the journal as it is: the tree is made from it, and the chain of
    /// keys may begin anew.
    fn accepted(&mut self, through: u64) -> Result<(), NotaryError> {
        if self.is_stale()
            && let Some(reader) = self.journal.reader()
        {
            let (reader, store) = (reader.as_ref(), self.store.as_mut());
            let range = (history::first(reader)?, through);
            match opening::rebuild(reader, store, range, &[], &mut |_, _| {})? {
                Ok(tree) => self.tree = tree,
                // Nothing was expected, so nothing differs.
                Err(_) => return Ok(()),
            }
            // What it says of the journal that was is of no use to the one that is.
            store.wipe(CHECKPOINT)?;
        }
        self.halted = None;
        self.may_restart = true;
        Ok(())
    }

    fn begin(&mut self, number: u64, key: JournalKey, now: Now) -> Result<(), NotaryError> {
        let origin = self.gateway.verifier().name().to_owned();
        let starting = epoch::begin(self.store.as_mut(), &origin, &self.gateway, (number, key))?;
        let event = Event::EpochStarted(starting.event.clone());
        self.journal.append(now.wall_ms(), event)?;
        self.starting = Some(starting);
        self.epoch = None;
        Ok(())
    }
}

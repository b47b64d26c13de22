//! What the records of a journal say of the journal itself, judged in their order: epochs,
//! checkpoints, removals and acceptances.

use std::collections::BTreeMap;

use interlock_protocols::record::{Ahead, Event, Record, kind};

use super::super::walk::Line;
use super::batch::Fault;
use super::epoch::{self, Link};
use super::history::AHEAD;
use super::key::VerifierKey;
use super::note::{Checkpoint, SignedCheckpoint};
use super::roots::Roots;
use super::signatures::{self, Checked};
use crate::limits::CHECKPOINT_BEHIND_MAX_RECORDS;

#[derive(Default)]
pub(super) struct Judge {
    /// The gateway's key, if whoever verifies knows it.
    pub(super) gateway: Option<VerifierKey>,
    /// The name of the log: the key's, or that of the first checkpoint.
    pub(super) origin: Option<String>,
    /// The oldest sequence that is there.
    pub(super) first: u64,
    /// The last sequence that a record says was removed.
    pub(super) removed: u64,
    /// Epochs that started.
    pub(super) epochs: u64,
    /// Checkpoints that hold.
    pub(super) checkpoints: u64,
    /// The last checkpoint that holds.
    pub(super) last: Option<Checkpoint>,
    /// Sequences of acceptances.
    pub(super) accepted: Vec<u64>,
    /// What was accepted to be ahead, behind the last epoch.
    pub(super) ahead: Vec<Ahead>,
    /// Epochs that ended without a checkpoint of their own.
    pub(super) silent: Vec<u64>,
    /// Checkpoints whose epoch's key is in no record that is left.
    pub(super) keyless: u64,
    pub(super) faults: Vec<Fault>,
    /// Those of them that only say through which record something changed, and which that is.
    ranges: Vec<(usize, u64)>,
    /// Epochs that no checkpoint gave the name of a log to.
    pub(super) unjudged: u64,
    /// Signatures that were checked ahead, by the sequences of their records.
    checked: BTreeMap<u64, Checked>,
    link: Option<Link>,
    current: Option<VerifierKey>,
    used: bool,
    /// Whether an acceptance stands behind the last epoch: the chain may begin anew.
    may_restart: bool,
    /// Epochs and acceptances met before the name of the log was known.
    waiting: Vec<Line>,
}

impl Judge {
    /// Judges a journal whose oldest record is `first`, against the gateway's key.
    pub(super) fn new(gateway: Option<VerifierKey>, first: u64) -> Judge {
        Judge {
            origin: gateway.as_ref().map(|key| key.name().to_owned()),
            gateway,
            first,
            ..Judge::default()
        }
    }

    /// Judges the records of these types, in their order.
    pub(super) fn acts(&mut self, acts: &[Line], roots: Option<&Roots>) {
        if let Some(origin) = &self.origin {
            let (gateway, current) = (self.gateway.as_ref(), self.current.as_ref());
            self.checked = signatures::check(acts, origin, gateway, current);
        }
        for act in acts {
            self.act(act, roots);
        }
        self.checked.clear();
    }

    /// Judges one record, of one of the types that matter here. `roots` is of all records
    /// through it, at the least.
    fn act(&mut self, line: &Line, roots: Option<&Roots>) {
        let event = match Record::decode(&line.bytes) {
            Ok(record) => record.event,
            Err(error) => return self.fault(line.sequence, error.to_string()),
        };
        match event {
            Event::RecordsRemoved(gone) => self.removed = self.removed.max(gone.last),
            Event::JournalAccepted(_) | Event::EpochStarted(_) if self.origin.is_none() => {
                self.waiting.push(line.clone());
            }
            Event::JournalAccepted(accepted) => {
                self.accepted.push(line.sequence);
                self.ahead.extend(accepted.ahead);
                self.may_restart = true;
            }
            Event::EpochStarted(started) => self.epoch(line.sequence, &started),
            Event::Checkpointed(checkpointed) => {
                match SignedCheckpoint::parse(&checkpointed.note) {
                    Ok(note) => {
                        if self.origin.is_none() {
                            self.origin = Some(note.checkpoint().origin.clone());
                            for line in std::mem::take(&mut self.waiting) {
                                self.act(&line, roots);
                            }
                        }
                        self.checkpoint(line.sequence, &note, roots);
                    }
                    Err(error) => self.fault(line.sequence, error.to_string()),
                }
            }
            _ => {}
        }
    }

    fn epoch(&mut self, sequence: u64, started: &interlock_protocols::record::EpochStarted) {
        self.epochs += 1;
        let origin = self.origin.clone().unwrap_or_default();
        let before = self.link.as_ref().filter(|_| !self.may_restart);
        let mut fault = epoch::fault(started, &origin, self.gateway.as_ref(), before);
        let begins = self.link.is_none() && self.first == 1 && !self.may_restart;
        if fault.is_none() && begins && started.epoch != 1 {
            fault = Some(format!(
                "the first epoch is {}: those before it are missing",
                started.epoch
            ));
        }
        if let Some(what) = fault {
            self.fault(sequence, what);
        }
        if let Some(link) = &self.link
            && !self.used
        {
            self.silent.push(link.epoch);
        }
        // A forged epoch must not vouch for what follows: those who can forge one could sign
        // under it, and all of that would look right.
        self.link = Some(Link::of(started));
        self.current = Some(epoch::verifier(&origin, started.epoch, started.key));
        self.used = false;
        self.may_restart = false;
        // What was accepted lay before this. An end that was cut off since is another matter,
        // though it be shorter than what was lost then.
        self.ahead.clear();
    }

    fn checkpoint(&mut self, sequence: u64, note: &SignedCheckpoint, roots: Option<&Roots>) {
        let checkpoint = note.checkpoint();
        let size = checkpoint.size;
        if let Some(what) = self.wrongly_signed(sequence, note) {
            return self.fault(sequence, what);
        }
        let known = self.last.as_ref().map_or(0, |last| last.size);
        if size >= sequence || size < known || sequence - size > CHECKPOINT_BEHIND_MAX_RECORDS {
            let what = format!("the checkpoint of {size} records stands at the wrong place");
            return self.fault(sequence, what);
        }
        let Some(roots) = roots else {
            return;
        };
        match roots.at(size) {
            Some(root) if root == checkpoint.root => {
                self.checkpoints += 1;
                self.last = Some(checkpoint.clone());
                self.used = true;
            }
            Some(_) => self.differs(checkpoint, &format!("the checkpoint in record {sequence}")),
            // It was recorded behind records that are kept, yet all that it covers was removed since:
            // of what is here it says nothing.
            None if size.saturating_add(1) < self.first => self.used = true,
            None => {
                let what = format!("the checkpoint of {size} records cannot be checked any more");
                self.fault(sequence, what);
            }
        }
    }

    fn wrongly_signed(&mut self, sequence: u64, note: &SignedCheckpoint) -> Option<String> {
        let origin = &note.checkpoint().origin;
        if self.origin.as_ref() != Some(origin) {
            return Some(format!("the checkpoint is of another log, `{origin}`"));
        }
        let checked = self.checked.get(&sequence);
        let is_signed_by = |key: &VerifierKey, known: Option<bool>| {
            known.unwrap_or_else(|| note.is_signed_by(key))
        };
        let by_gateway = checked.map(|checked| checked.by_gateway);
        let by_epoch = checked.map(|checked| checked.by_epoch);
        if let Some(gateway) = &self.gateway
            && !is_signed_by(gateway, by_gateway)
        {
            return Some("the checkpoint is not signed by the gateway's key".to_owned());
        }
        match (&self.current, &self.link) {
            (Some(key), _) if is_signed_by(key, by_epoch) => None,
            (Some(_), Some(link)) => Some(match note.epoch() {
                Some(epoch) if epoch != link.epoch => format!(
                    "the checkpoint is signed for epoch {epoch}, and epoch {} holds here",
                    link.epoch
                ),
                _ => format!(
                    "the checkpoint is not signed by the key of epoch {}",
                    link.epoch
                ),
            }),
            _ if self.first > 1 => {
                // The record that names its key was removed with the oldest.
                self.keyless += 1;
                None
            }
            _ => Some("the checkpoint is signed before any epoch started".to_owned()),
        }
    }

    /// The records are not those that `which` was signed over. Which of them changed, only tiles
    /// can tell; here it is the first that no earlier checkpoint covers.
    pub(super) fn differs(&mut self, checkpoint: &Checkpoint, which: &str) {
        let sound = self.last.as_ref().map_or(0, |last| last.size);
        let from = sound.min(checkpoint.size.saturating_sub(1)) + 1;
        let what = format!(
            "the records from here through {} are not those that {which} was signed over",
            checkpoint.size
        );
        self.range(
            Fault {
                sequence: from,
                what,
            },
            checkpoint.size,
        );
    }

    /// Something from `fault` on through record `through` is not as it must be.
    pub(super) fn range(&mut self, fault: Fault, through: u64) {
        self.ranges.push((self.faults.len(), through));
        self.faults.push(fault);
    }

    /// Tiles that were signed say that record `exact` is the first that changed.
    pub(super) fn pinpoint(&mut self, exact: u64) {
        for (at, through) in &self.ranges {
            if let Some(fault) = self.faults.get_mut(*at).filter(|_| exact <= *through) {
                fault.sequence = fault.sequence.max(exact);
            }
        }
    }

    /// Whether somebody accepted that a checkpoint of `size` is ahead.
    pub(super) fn accepts(&self, size: u64) -> bool {
        self.ahead
            .iter()
            .any(|ahead| ahead.what == AHEAD && ahead.through >= size)
    }

    pub(super) fn fault(&mut self, sequence: u64, what: String) {
        self.faults.push(Fault { sequence, what });
    }

    /// The end of the journal: without any checkpoint nobody has named the log, and epochs can be
    /// held against their own words alone.
    pub(super) fn end(&mut self) {
        if self.origin.is_none() && !self.waiting.is_empty() {
            let epochs = |line: &Line| line.kind == kind::EPOCH_STARTED;
            self.unjudged = self.waiting.iter().filter(|line| epochs(line)).count() as u64;
            let accepted = self.waiting.iter().filter(|line| !epochs(line));
            self.accepted.extend(accepted.map(|line| line.sequence));
        }
    }
}

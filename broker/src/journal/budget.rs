//! How much disk the journal may take, and which segments may go for new ones.
//!
//! One segment of the budget is never filled: it is the place for the record of a removal when
//! all else is full. The reserve is what tellings may not take, and what nothing takes while
//! something may be removed instead.

use std::collections::VecDeque;

use crate::limits::{JOURNAL_SEGMENT_BYTES, JOURNAL_TELLINGS_SHARE_PERCENT};

/// What to do when the budget is used up and nothing may be removed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum WhenFull {
    /// Commands with effect are refused.
    #[default]
    Refuse,
    /// The oldest segments go, however young and whoever has not had them.
    Overwrite,
}

/// How a journal is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Size of a new segment in bytes: a multiple of 512, at least 131,072.
    pub segment_bytes: u64,
    /// Disk that the segments may take in bytes: four segments at least.
    pub budget_bytes: u64,
    /// The part of the budget, in bytes, that denials and summaries may not take.
    pub reserve_bytes: u64,
    /// Nothing younger than this, in ms, is removed unless it has to be overwritten.
    pub retention_ms: u64,
    /// What to do when the budget is used up.
    pub when_full: WhenFull,
}

impl Options {
    /// Segments of the usual size, and no end to them.
    pub const UNBOUNDED: Options = Options {
        segment_bytes: JOURNAL_SEGMENT_BYTES,
        budget_bytes: u64::MAX,
        reserve_bytes: 0,
        retention_ms: 0,
        when_full: WhenFull::Refuse,
    };

    /// What is to be kept to as long as something may be removed.
    fn wanted_bytes(&self) -> u64 {
        self.budget_bytes.saturating_sub(self.reserve_bytes)
    }

    /// Most that tellings may take of the disk.
    pub(super) fn tellings_max_bytes(&self) -> u64 {
        self.wanted_bytes() / 100 * JOURNAL_TELLINGS_SHARE_PERCENT
    }

    /// What may be used before tellings are refused. While removing works, less is used.
    pub(super) fn tellings_until_bytes(&self) -> u64 {
        self.wanted_bytes().saturating_sub(self.segment_bytes)
    }

    /// What may be used before everything is refused.
    pub(super) fn usable_bytes(&self) -> u64 {
        self.budget_bytes.saturating_sub(self.segment_bytes)
    }
}

impl Default for Options {
    fn default() -> Options {
        Options::UNBOUNDED
    }
}

/// How much the journal takes of its disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// Bytes up to its end. What was made ahead of need is not counted.
    pub used_bytes: u64,
    /// Those of them that may go as soon as their room is needed.
    pub removable_bytes: u64,
    /// Bytes of all its files of records.
    pub allocated_bytes: u64,
    /// What may be used before everything is refused, or the oldest overwritten.
    pub usable_bytes: u64,
    /// Disk that it may take.
    pub budget_bytes: u64,
    /// Bytes that denials and summaries take.
    pub tellings_bytes: u64,
    /// Most that those may take.
    pub tellings_max_bytes: u64,
    /// Bytes written since it was opened: grows whatever is removed.
    pub written_bytes: u64,
    /// Free space of its disk; `None` where nobody can say.
    pub free_bytes: Option<u64>,
    /// Segments that hold something.
    pub segments: u64,
    /// The oldest record that is there.
    pub first_sequence: u64,
    /// The sequence of the next record.
    pub next_sequence: u64,
    /// Records refused since it was opened: for want of room, or because it could not be
    /// written.
    pub refused: u64,
}

/// One segment, as far as this is concerned.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Extent {
    pub(super) number: u64,
    pub(super) bytes: u64,
    pub(super) first: u64,
    /// One before the first if it holds none.
    pub(super) last: u64,
    pub(super) last_ms: i64,
    pub(super) tellings_bytes: u64,
}

impl Extent {
    pub(super) fn begin(number: u64, bytes: u64, first: u64) -> Extent {
        Extent {
            number,
            bytes,
            first,
            last: first.saturating_sub(1),
            ..Extent::default()
        }
    }
}

/// Behind which sequence nothing may go, and for whose sake.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Bounds {
    /// All who must have them have the records through this one.
    pub(super) acknowledged: u64,
    /// The tree has kept the leaf hashes through this one.
    pub(super) tree: u64,
    /// The oldest record that the register is made from.
    pub(super) register: Option<u64>,
    /// The oldest intent without an outcome.
    pub(super) open: Option<u64>,
    pub(super) now_ms: i64,
}

impl Bounds {
    /// Whether it must stay whatever is needed.
    fn keep(&self, extent: &Extent) -> bool {
        let oldest = [self.open, self.register].into_iter().flatten().min();
        extent.last > self.tree || oldest.is_some_and(|oldest| oldest <= extent.last)
    }

    /// Whether it is old enough, and everybody has it.
    fn release(&self, extent: &Extent, options: &Options) -> bool {
        extent.last <= self.acknowledged
            && self.now_ms.saturating_sub(extent.last_ms)
                >= i64::try_from(options.retention_ms).unwrap_or(i64::MAX)
    }
}

/// Segments that are to go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Plan {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) why: &'static str,
}

/// All segments.
pub(super) struct Shelf {
    pub(super) closed: VecDeque<Extent>,
    pub(super) present: Extent,
    /// Of the segment made ahead of need.
    pub(super) spare_bytes: u64,
}

impl Shelf {
    pub(super) fn allocated_bytes(&self) -> u64 {
        let closed: u64 = self.closed.iter().map(|extent| extent.bytes).sum();
        closed + self.present.bytes + self.spare_bytes
    }

    pub(super) fn used_bytes(&self, end: u64) -> u64 {
        self.closed.iter().map(|extent| extent.bytes).sum::<u64>() + end
    }

    pub(super) fn tellings_bytes(&self) -> u64 {
        let closed: u64 = self.closed.iter().map(|extent| extent.tellings_bytes).sum();
        closed + self.present.tellings_bytes
    }

    pub(super) fn first_sequence(&self) -> u64 {
        self.closed.front().unwrap_or(&self.present).first
    }

    /// Whether one more segment leaves room for yet another.
    pub(super) fn has_room(&self, options: &Options) -> bool {
        let two = options.segment_bytes.saturating_mul(2);
        self.allocated_bytes().saturating_add(two) <= options.budget_bytes
    }

    /// Bytes that must go before the next segment is made, to keep to the budget; one at least
    /// when the disk itself is full.
    fn missing_bytes(&self, options: &Options, disk_full: bool) -> u64 {
        let two = options.segment_bytes.saturating_mul(2);
        let wanted = self.allocated_bytes().saturating_add(two);
        let missing = wanted.saturating_sub(options.wanted_bytes());
        missing.max(u64::from(disk_full))
    }

    /// Bytes that may go once their room is needed: oldest first, since nothing is taken out of
    /// the middle.
    pub(super) fn removable_bytes(&self, options: &Options, bounds: &Bounds) -> u64 {
        let overwrites = options.when_full == WhenFull::Overwrite;
        let removable = self.closed.iter().take_while(|extent| {
            !bounds.keep(extent) && (bounds.release(extent, options) || overwrites)
        });
        removable.map(|extent| extent.bytes).sum()
    }

    /// What has to go and may, if anything.
    pub(super) fn plan(&self, options: &Options, bounds: &Bounds, disk_full: bool) -> Option<Plan> {
        let missing = self.missing_bytes(options, disk_full);
        let overwrites = options.when_full == WhenFull::Overwrite;
        let mut freed = 0;
        let mut plan: Option<Plan> = None;
        for extent in &self.closed {
            // The bound of the tree holds for overwriting too: without its leaves, no proof of
            // what remains would be possible. Nor does an intent go before its outcome is known.
            let (kept, due) = (bounds.keep(extent), bounds.release(extent, options));
            if freed >= missing || kept || !(due || overwrites) {
                break;
            }
            freed += extent.bytes;
            let plan = plan.get_or_insert(Plan {
                first: extent.first,
                last: extent.last,
                why: "retention",
            });
            plan.last = extent.last;
            if !due {
                plan.why = "overwrite";
            }
        }
        plan
    }
}

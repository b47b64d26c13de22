//! `[journal]`: where the command log is, how much disk it may take, and for how long.

use std::path::{Path, PathBuf};
use std::time::Duration;

use interlock_broker::document::Section;

/// Least and greatest segment of the journal, in MiB: below, every record would bring a new
/// file; above, one torn segment takes long to read.
const SEGMENT_MIB: std::ops::RangeInclusive<u64> = 1..=1024;
const SEGMENT_DEFAULT_MIB: u64 = 64;

/// At least some segments, or retention could never delete a whole one.
const BUDGET_MIB: std::ops::RangeInclusive<u64> = 8..=1_048_576;
/// Some ten million commands.
const BUDGET_DEFAULT_MIB: u64 = 4096;

const RETENTION_DAYS: std::ops::RangeInclusive<u64> = 0..=36_500;
/// A year: incidents are often looked into months later.
const RETENTION_DEFAULT_DAYS: u64 = 365;

const RESERVE_PERCENT: std::ops::RangeInclusive<u64> = 1..=50;
const RESERVE_DEFAULT_PERCENT: u64 = 10;

const WARN_PERCENT: std::ops::RangeInclusive<u64> = 1..=99;
const WARN_DEFAULT_PERCENT: [u64; 2] = [50, 80];

const DAY_S: u64 = 24 * 60 * 60;

/// What to do when the budget is used up and nothing may be deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhenFull {
    /// Commands with effect are refused.
    Refuse,
    /// The bodies of the oldest records go, whoever has not had them yet.
    Overwrite,
}

/// How the journal is kept.
#[derive(Clone, PartialEq, Debug)]
pub struct JournalConfig {
    /// Its directory.
    pub directory: PathBuf,
    /// Bytes of one segment.
    pub segment_bytes: u64,
    /// Disk that it may take, in bytes.
    pub budget_bytes: u64,
    /// The part of the budget, in bytes, that denials may not take.
    pub reserve_bytes: u64,
    /// Shares of the budget, in percent, at which a warning is due.
    pub warn_percent: Vec<u64>,
    /// Nothing younger than this is deleted, unless [`WhenFull::Overwrite`] has to.
    pub retention: Duration,
    /// What to do when the budget is used up.
    pub when_full: WhenFull,
}

impl JournalConfig {
    pub(super) fn none(dir: &Path) -> JournalConfig {
        JournalConfig {
            directory: dir.join("journal"),
            segment_bytes: SEGMENT_DEFAULT_MIB << 20,
            budget_bytes: BUDGET_DEFAULT_MIB << 20,
            reserve_bytes: (BUDGET_DEFAULT_MIB << 20) / 100 * RESERVE_DEFAULT_PERCENT,
            warn_percent: WARN_DEFAULT_PERCENT.to_vec(),
            retention: Duration::from_secs(RETENTION_DEFAULT_DAYS * DAY_S),
            when_full: WhenFull::Refuse,
        }
    }

    pub(super) fn read(dir: &Path, section: &mut Section<'_>) -> Option<JournalConfig> {
        let none = JournalConfig::none(dir);
        let directory = section.optional("directory").text();
        let segment = section.optional("segment_mib").integer(SEGMENT_MIB);
        let budget = section.optional("budget_mib").integer(BUDGET_MIB);
        let reserve = section.optional("reserve_percent").integer(RESERVE_PERCENT);
        let warn = section
            .optional("warn_percent")
            .list(|slot| slot.integer(WARN_PERCENT));
        let retention = section.optional("retention_days").integer(RETENTION_DAYS);
        let when_full = section.optional("when_full").word(&[
            ("refuse", WhenFull::Refuse),
            ("overwrite", WhenFull::Overwrite),
        ]);
        let segment = segment.unwrap_or(SEGMENT_DEFAULT_MIB);
        let budget = budget.unwrap_or(BUDGET_DEFAULT_MIB.max(segment * 4));
        if budget < segment * 4 {
            section.fault(
                "budget_mib",
                format!("a budget of {budget} MiB has no room for four segments of {segment} MiB"),
                "give the journal more room, or make `segment_mib` smaller: only whole segments \
                 are ever deleted",
            );
            return None;
        }
        let budget_bytes = budget << 20;
        Some(JournalConfig {
            directory: directory.map_or(none.directory, |directory| dir.join(directory)),
            segment_bytes: segment << 20,
            budget_bytes,
            reserve_bytes: budget_bytes / 100 * reserve.unwrap_or(RESERVE_DEFAULT_PERCENT),
            warn_percent: warn.unwrap_or(none.warn_percent),
            retention: Duration::from_secs(retention.unwrap_or(RETENTION_DEFAULT_DAYS) * DAY_S),
            when_full: when_full.unwrap_or(none.when_full),
        })
    }
}

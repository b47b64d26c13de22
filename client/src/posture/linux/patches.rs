//! When packages were last brought up to date.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::UNIX_EPOCH;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Machine;
use crate::limits::POSTURE_FILE_MAX_BYTES;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Where package managers keep what is installed; each changes with every package that does. That
/// is a little too kind to a machine that got a new program and no update: where the history of
/// upgrades can be read, that counts.
const INSTALLED: [&str; 5] = [
    "var/lib/dpkg/status",
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/rpm/Packages",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "var/lib/pacman/local",
];

const APT_HISTORY: &str = "var/log/apt/history.log";

pub(super) fn age_days(machine: &Machine<'_>, now_ms: i64) -> Option<u32> {
    let upgraded = tail(&machine.path(APT_HISTORY)).and_then(|text| upgraded(&text));
    let at_ms = upgraded.or_else(|| {
        let changed = INSTALLED
            .iter()
            .filter_map(|path| changed_ms(&machine.path(path)));
        changed.max()
    })?;
    let days = now_ms.saturating_sub(at_ms).max(0) / DAY_MS;
    u32::try_from(days).ok()
}

/// The last upgrade in the history of apt. It writes the time on the machine's wall; read as UTC it
/// is wrong by hours, where days are asked for.
fn upgraded(history: &str) -> Option<i64> {
    let entries = history.split("\n\n");
    let upgrades = entries.filter(|entry| entry.lines().any(|line| line.starts_with("Upgrade:")));
    let dates = upgrades.filter_map(|entry| {
        let date = entry
            .lines()
            .find_map(|line| line.strip_prefix("Start-Date:"))?;
        let mut words = date.split_whitespace();
        let date: DateTime = format!("{}T{}", words.next()?, words.next()?)
            .parse()
            .ok()?;
        let at = date.to_zoned(TimeZone::UTC).ok()?;
        Some(at.timestamp().as_millisecond())
    });
    dates.max()
}

/// The end of a file that may be long.
fn tail(path: &Path) -> Option<String> {
    let mut file = fs::File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let from = length.saturating_sub(POSTURE_FILE_MAX_BYTES);
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut bytes = Vec::new();
    file.take(POSTURE_FILE_MAX_BYTES)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn changed_ms(path: &Path) -> Option<i64> {
    let changed = fs::metadata(path).ok()?.modified().ok()?;
    let since = changed.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

//! What can be found out about a machine with Linux without asking anybody: from files alone, all
//! below a root, so that tests can make a machine. What cannot be found out is `None`, and never
//! taken for good or bad.

mod disk;
mod firewall;
mod patches;
mod screen;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use crate::limits::{POSTURE_ENTRIES_MAX, POSTURE_FILE_MAX_BYTES};

/// Where to look.
pub(super) struct Machine<'a> {
    /// The root of its files.
    pub(super) root: &'a Path,
    /// The home of its user, where that is known.
    pub(super) home: Option<&'a Path>,
}

impl Machine<'_> {
    /// Name and version of the distribution.
    pub(super) fn os_version(&self) -> Option<String> {
        let text = self
            .text("etc/os-release")
            .or_else(|| self.text("usr/lib/os-release"))?;
        let of = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key))?;
            let value = line.strip_prefix('=')?.trim().trim_matches(['"', '\'']);
            Some(value.to_owned()).filter(|value| !value.is_empty())
        };
        of("PRETTY_NAME").or_else(|| of("NAME"))
    }

    /// Days since packages were last brought up to date.
    pub(super) fn patch_age_days(&self, now_ms: i64) -> Option<u32> {
        patches::age_days(self, now_ms)
    }

    /// Whether the root of its files is on an encrypted disk.
    pub(super) fn disk_encrypted(&self) -> Option<bool> {
        disk::encrypted(self)
    }

    /// Whether its screen locks by itself.
    pub(super) fn screen_lock(&self) -> Option<bool> {
        screen::locks(self)
    }

    /// Whether a firewall is switched on.
    pub(super) fn firewall(&self) -> Option<bool> {
        firewall::active(self)
    }

    /// Whether a program of that name runs. The kernel keeps 15 bytes of a name.
    pub(super) fn runs(&self, name: &str) -> Option<bool> {
        let name = name.as_bytes();
        let kept = name.get(..15).unwrap_or(name);
        let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
        let mut seen = false;
        for process in self.entries("proc")? {
            if !is_number(&process) {
                continue;
            }
            // It may be gone by now.
            if let Some(comm) = self.text(&format!("proc/{process}/comm")) {
                seen = true;
                if comm.trim_end().as_bytes() == kept {
                    return Some(true);
                }
            }
        }
        seen.then_some(false)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A text that is short enough to be one of the system's settings.
    fn text(&self, path: &str) -> Option<String> {
        text(&self.path(path))
    }

    /// Whether something of that name is there, be it a link that leads nowhere.
    fn has(&self, path: &str) -> bool {
        fs::symlink_metadata(self.path(path)).is_ok()
    }

    /// The names in a folder.
    fn entries(&self, path: &str) -> Option<Vec<String>> {
        let read = fs::read_dir(self.path(path)).ok()?;
        let names = read.take(POSTURE_ENTRIES_MAX).filter_map(|entry| {
            let name = entry.ok()?.file_name();
            name.into_string().ok()
        });
        Some(names.collect())
    }
}

fn text(path: &Path) -> Option<String> {
    use std::io::Read as _;

    let file = fs::File::open(path).ok()?;
    let mut bytes = Vec::new();
    file.take(POSTURE_FILE_MAX_BYTES)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

//! `facts.toml`: what a management server found on a machine, for `interlock posture sign`.

use std::fs;
use std::path::Path;

use interlock_broker::document;
use interlock_broker::limits::POSTURE_OS_MAX_BYTES;
use interlock_protocols::identity::{OsFamily, Posture};

use crate::failure::{Failure, Kind};

const OS: [(&str, OsFamily); 4] = [
    ("linux", OsFamily::Linux),
    ("windows", OsFamily::Windows),
    ("macos", OsFamily::Macos),
    ("other", OsFamily::Other),
];

/// Reads the facts about the machine with this key. What is left out is unknown.
pub(super) fn read(file: &Path, device_key: [u8; 32], taken_ms: i64) -> Result<Posture, Failure> {
    let next = "name a file with os = \"linux\" and any of os_version, patch_age_days, \
                disk_encrypted, screen_lock, firewall and agent";
    let text = fs::read_to_string(file).map_err(|error| {
        let what = format!("{} cannot be read: {error}", file.display());
        Failure::new(Kind::Usage, what, next)
    })?;
    let read = document::read(file, &text, |root| {
        let os = root.required("os").word(&OS);
        let os_version = root.optional("os_version").text_as(|text| {
            if text.len() <= POSTURE_OS_MAX_BYTES {
                Ok(text.to_owned())
            } else {
                let why = format!("it is longer than {POSTURE_OS_MAX_BYTES} bytes");
                Err((why, "shorten it: it is for people to read".to_owned()))
            }
        });
        let patch_age_days = root.optional("patch_age_days").integer(0..=u32::MAX);
        let mut fact = |key| root.optional(key).boolean();
        let (disk_encrypted, screen_lock) = (fact("disk_encrypted"), fact("screen_lock"));
        let (firewall, agent) = (fact("firewall"), fact("agent"));
        Some(Posture {
            device_key,
            taken_ms,
            os: os?,
            os_version: os_version.unwrap_or_default(),
            patch_age_days,
            disk_encrypted,
            screen_lock,
            firewall,
            agent,
        })
    });
    read.map_err(|findings| {
        let all: Vec<String> = findings.iter().map(ToString::to_string).collect();
        Failure::new(Kind::Usage, all.join("\n"), next)
    })
}

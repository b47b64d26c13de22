//! A management server that finds every machine in order: the demo's, and that of the tests. It
//! plays what it found, and signs it as a real one does.

use std::fs::OpenOptions;
use std::io::Write as _;

use interlock_broker::clock::Now;
use interlock_broker::posture::ManagementSecret;
use interlock_broker::proof::sha256;
use interlock_protocols::identity::{OsFamily, Posture, PostureReport};

use crate::failure::Failure;
use crate::posture::write_statement;
use crate::profile::Profile;

const STATEMENT: &str = "health";

/// The server, which is no more than its key.
pub struct Management {
    secret: ManagementSecret,
}

impl Management {
    /// A new one, called `mdm-1`.
    pub fn new() -> Result<Management, Failure> {
        let secret = ManagementSecret::generate("mdm-1").map_err(Failure::of_program)?;
        Ok(Management { secret })
    }

    /// What `edge.toml` says of it, with a report's lease in seconds.
    pub fn configuration(&self, lease_s: u32) -> String {
        format!(
            "\n[posture]\nlease_s = {lease_s}\n\n[[posture.management]]\nkey = \"{}\"\n",
            self.secret.public().text()
        )
    }

    /// What it says of a machine that is in order.
    pub fn healthy(device_key: [u8; 32], now: Now) -> Posture {
        Posture {
            device_key,
            taken_ms: now.wall_ms(),
            os: OsFamily::Linux,
            os_version: "Debian GNU/Linux 13 (trixie)".to_owned(),
            patch_age_days: Some(3),
            disk_encrypted: Some(true),
            screen_lock: Some(true),
            firewall: Some(true),
            agent: None,
        }
    }

    /// Signs what it found.
    pub fn sign(&self, posture: &Posture) -> PostureReport {
        self.secret.sign(posture)
    }

    /// Finds the machine of this profile in order, and leaves its statement there.
    pub fn vouch(&self, profile: &Profile, now: Now) -> Result<(), Failure> {
        let device_key = sha256(profile.device().open()?.spki());
        self.state(profile, &Management::healthy(device_key, now))?;
        let file = profile.folder().join("profile.toml");
        OpenOptions::new()
            .append(true)
            .open(file)
            .and_then(|mut file| write!(file, "\n[posture]\nstatement = \"{STATEMENT}\"\n"))
            .map_err(Failure::of_program)
    }

    /// Leaves another statement in a profile that has one.
    pub fn state(&self, profile: &Profile, found: &Posture) -> Result<(), Failure> {
        write_statement(&profile.folder().join(STATEMENT), &self.sign(found))
    }
}

//! The health of this machine: what it finds out itself, or what a management server has signed,
//! told to the gateway with the proof of the machine's key and again every few minutes.
//!
//! What a machine says of itself is a claim: whoever rules the machine rules what it says.

mod command;
mod facts;
#[cfg(target_os = "linux")]
mod linux;
mod statement;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use interlock_protocols::identity::{OsFamily, Posture, PostureReport, PostureSource};

use crate::failure::Failure;
use crate::profile::Profile;

pub(crate) use command::{PostureCommand, run};
pub use statement::write as write_statement;

/// What the gateway is told of this machine.
#[derive(Clone, Debug)]
pub(crate) struct Reporter {
    device_key: [u8; 32],
    statement: Option<PathBuf>,
    agent: Option<String>,
}

impl Reporter {
    /// Tells of the machine with this key, as its profile says.
    pub(crate) fn new(profile: &Profile, device_key: [u8; 32]) -> Reporter {
        Reporter {
            device_key,
            statement: profile.posture_statement().map(ToOwned::to_owned),
            agent: profile.posture_agent().map(ToOwned::to_owned),
        }
    }

    /// The report of this moment. A statement is read anew each time: the management server
    /// writes a newer one now and then.
    pub(crate) fn report(&self, now_ms: i64) -> Result<PostureReport, Failure> {
        if let Some(file) = &self.statement {
            return statement::read(file);
        }
        let posture = look(self.device_key, self.agent.as_deref(), now_ms);
        Ok(PostureReport {
            source: PostureSource::Own,
            statement: posture.encode(),
            signer: String::new(),
            signature: Vec::new(),
        })
    }
}

/// Looks at this machine. It reads some dozens of small files.
#[cfg(target_os = "linux")]
fn look(device_key: [u8; 32], agent: Option<&str>, now_ms: i64) -> Posture {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let machine = linux::Machine {
        root: std::path::Path::new("/"),
        home: home.as_deref(),
    };
    Posture {
        device_key,
        taken_ms: now_ms,
        os: OsFamily::Linux,
        os_version: short(machine.os_version().unwrap_or_default()),
        patch_age_days: machine.patch_age_days(now_ms),
        disk_encrypted: machine.disk_encrypted(),
        screen_lock: machine.screen_lock(),
        firewall: machine.firewall(),
        agent: agent.and_then(|name| machine.runs(name)),
    }
}

/// Elsewhere nothing is found out yet but the kind of system: a management server's statement
/// says the rest.
#[cfg(not(target_os = "linux"))]
fn look(device_key: [u8; 32], _agent: Option<&str>, now_ms: i64) -> Posture {
    let os = match std::env::consts::OS {
        "windows" => OsFamily::Windows,
        "macos" => OsFamily::Macos,
        _ => OsFamily::Other,
    };
    Posture {
        device_key,
        taken_ms: now_ms,
        os,
        os_version: short(std::env::consts::OS.to_owned()),
        patch_age_days: None,
        disk_encrypted: None,
        screen_lock: None,
        firewall: None,
        agent: None,
    }
}

/// As much of a name as a gateway takes.
fn short(mut name: String) -> String {
    use interlock_broker::limits::POSTURE_OS_MAX_BYTES;

    while name.len() > POSTURE_OS_MAX_BYTES {
        name.pop();
    }
    name
}

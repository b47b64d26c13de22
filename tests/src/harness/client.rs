//! The program of people: one command to its end, or `connect` as long as a test needs it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use super::{Modbus, Process, binary};

/// A command that came to its end.
pub struct Ended {
    /// The exit code.
    pub code: i32,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

impl Ended {
    /// Runs a command to its end, with nothing to read.
    pub fn of(name: &str, command: &mut Command) -> Ended {
        let mut process = Process::start(name, command);
        process.close_stdin();
        let status = process.exit(&format!("{command:?}"));
        Ended {
            code: status.code().unwrap_or(-1),
            stdout: lines(&process.stdout()),
            stderr: lines(&process.stderr()),
        }
    }
}

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ended {
            code,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "exit code {code}\n--- standard output:\n{stdout}--- standard error:\n{stderr}---"
        )
    }
}

/// A running `interlock connect`.
pub struct Connected {
    process: Process,
    addresses: BTreeMap<String, SocketAddr>,
}

impl Connected {
    /// Starts it with a profile and the devices that are armed; when this returns, it serves.
    pub fn start(profile: &Path, armed: &[&str]) -> Connected {
        Connected::start_with(profile, armed, &[])
    }

    /// The same as the one writer of these devices.
    pub fn sole(profile: &Path, armed: &[&str]) -> Connected {
        Connected::start_with(profile, armed, &["--sole"])
    }

    fn start_with(profile: &Path, armed: &[&str], more: &[&str]) -> Connected {
        let mut command = Command::new(binary("client"));
        command.arg("--profile").arg(profile);
        command.args(["-o", "json", "connect"]);
        for device in armed {
            command.args(["--write", device]);
        }
        command.args(more);
        let mut process = Process::start("connect", &mut command);
        let mut rows = String::new();
        process.next_line("end of the rows", |line| {
            rows.push_str(line);
            (line == "]").then_some(())
        });
        let addresses = served(&rows);
        process.complaint("that it serves", |line| {
            line.contains("Ctrl-C ends it").then_some(())
        });
        Connected { process, addresses }
    }

    /// The local address of a device.
    pub fn address(&self, device: &str) -> SocketAddr {
        let served = self.addresses.get(device);
        *served.unwrap_or_else(|| panic!("{device} is not served: {:?}", self.addresses))
    }

    /// Whether a device is served.
    pub fn serves(&self, device: &str) -> bool {
        self.addresses.contains_key(device)
    }

    /// A connection to a device's local address.
    pub fn modbus(&self, device: &str) -> Modbus {
        Modbus::connect(self.address(device))
    }

    /// The process, to be killed or listened to.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Ctrl-C, and its exit code.
    pub fn end(mut self) -> i32 {
        self.process.signal(Signal::INT);
        let status = self.process.exit("it was interrupted");
        status.code().unwrap_or(-1)
    }
}

fn served(rows: &str) -> BTreeMap<String, SocketAddr> {
    let rows: Vec<serde_json::Value> =
        serde_json::from_str(rows).unwrap_or_else(|why| panic!("{why}: {rows}"));
    let word = |row: &serde_json::Value, key: &str| {
        let word = row[key].as_str();
        word.unwrap_or_else(|| panic!("no {key}: {row}")).to_owned()
    };
    let row = |row| {
        let address = word(row, "address").parse();
        let address = address.unwrap_or_else(|why| panic!("{why}: {row}"));
        (word(row, "device"), address)
    };
    rows.iter().map(row).collect()
}

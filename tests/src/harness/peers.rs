//! Programs that nobody here wrote, as `tests/peers/install` leaves them.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A command that runs a peer: `mbpoll`, `libmodbus`, `pymodbus-client`, `pymodbus-server`,
/// `nats-server`, `rsyslogd`, `softhsm2-util` or `pkcs11-tool`.
/// A peer that is not installed fails the test: a comparison that was skipped compares nothing.
pub fn peer(name: &str) -> Command {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let python = || installed().join("venv/bin/python");
    let (program, script) = match name {
        "mbpoll" => (PathBuf::from("mbpoll"), None),
        "libmodbus" => (installed().join("libmodbus_client"), None),
        // Not on everybody's path.
        "nats-server" => (PathBuf::from("/usr/sbin/nats-server"), None),
        "rsyslogd" => (PathBuf::from("/usr/sbin/rsyslogd"), None),
        "softhsm2-util" => (PathBuf::from("/usr/bin/softhsm2-util"), None),
        "pkcs11-tool" => (PathBuf::from("/usr/bin/pkcs11-tool"), None),
        "pymodbus-client" => (python(), Some(scripts.join("pymodbus_client.py"))),
        "pymodbus-server" => (python(), Some(scripts.join("pymodbus_server.py"))),
        _ => panic!("{name} is no peer"),
    };
    if program.is_absolute() {
        assert!(
            program.exists(),
            "{} is missing: run tests/peers/install first",
            program.display()
        );
    }
    let mut command = Command::new(program);
    command.args(script);
    command
}

/// Where `tests/peers/install` puts what it builds: beside cargo's own output.
fn installed() -> PathBuf {
    if let Some(folder) = std::env::var_os("INTERLOCK_PEERS") {
        return PathBuf::from(folder);
    }
    let test = std::env::current_exe().expect("a test knows its own path");
    let folders: Vec<_> = test
        .ancestors()
        .map(|folder| folder.join("peers"))
        .collect();
    let found = folders
        .iter()
        .find(|folder| folder.join("libmodbus_client").exists());
    found.cloned().unwrap_or_else(|| {
        panic!(
            "no peers beside {}: run tests/peers/install first",
            test.display()
        )
    })
}

/// A loopback address that nobody listens on: a dead device, or the port for a peer that cannot
/// be told to pick its own. Another process may take it later; only a failing test would notice.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    listener
        .local_addr()
        .expect("a bound socket has an address")
}

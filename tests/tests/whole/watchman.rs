//! A witness, as its operator runs it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use interlock_tests::harness::{Ended, Gateway, Process, binary, own_address};
use rustix::process::Signal;

/// `interlock witness run`, which comes back at the same address on what it knew.
pub(crate) struct Watchman {
    address: SocketAddr,
    state: PathBuf,
    secret: PathBuf,
    log: PathBuf,
    process: Option<Process>,
}

impl Watchman {
    /// Makes its key, tells the gateway's configuration of it, and starts it.
    pub(crate) fn over(gateway: &Gateway) -> Watchman {
        let mut watchman = Watchman {
            address: own_address(),
            state: gateway.beside("witness"),
            secret: gateway.beside("witness.key"),
            log: gateway.site().join("keys/journal.vkey"),
            process: None,
        };
        let mut make = client();
        make.args(["witness", "key", "--name", "witness.test", "--out"]);
        let made = Ended::of("witness key", make.arg(&watchman.secret));
        assert_eq!(made.code, 0, "{made}");
        let (address, key) = (watchman.address, made.stdout.trim());
        let section = format!("\n[witness]\naddress = \"{address}\"\nkey = \"{key}\"\n");
        gateway.append("edge.toml", &section);
        watchman.start();
        watchman
    }

    pub(crate) fn start(&mut self) {
        let mut run = client();
        run.args(["witness", "run", "--listen", &self.address.to_string()]);
        run.arg("--state").arg(&self.state);
        run.arg("--key").arg(&self.secret);
        run.arg("--log").arg(&self.log);
        let mut process = Process::start("witness", &mut run);
        process.next_line("address it listens on", |line| {
            line.starts_with("listening on ").then_some(())
        });
        self.process = Some(process);
    }

    pub(crate) fn stop(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.signal(Signal::TERM);
        assert_eq!(process.exit("it was told to").code(), Some(0));
    }

    /// What its operator does once an administrator has accepted.
    pub(crate) fn forget(&mut self, origin: &str) {
        let mut forget = client();
        forget.args(["witness", "forget", origin, "--state"]);
        let forgotten = Ended::of("witness forget", forget.arg(&self.state));
        assert_eq!(forgotten.code, 0, "{forgotten}");
    }
}

fn client() -> Command {
    Command::new(binary("client"))
}

//! The journal end to end, with the real programs: what it proves, what it survives, who notices
//! that it was cut, and what people are told meanwhile.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod behind;
mod cosigned;
mod counters;
mod disk;
mod flood;
mod proofs;
mod watchman;

use std::fs;
use std::path::Path;
use std::time::Instant;

use interlock_tests::harness::{Bench, Ended, Gateway, PATIENCE};
use serde_json::Value;

/// What `interlock status` says to programs, and its exit code.
struct Told {
    code: i32,
    tree: Value,
}

impl Told {
    /// Asks as an administrator.
    #[track_caller]
    fn of(gateway: &Gateway) -> Told {
        Told::ask(gateway).unwrap_or_else(|ended| panic!("{ended}"))
    }

    fn ask(gateway: &Gateway) -> Result<Told, Ended> {
        let ended = gateway.client("person/adam", &["-o", "jsonl", "status"]);
        match serde_json::from_str(&ended.stdout) {
            Ok(tree) => Ok(Told {
                code: ended.code,
                tree,
            }),
            Err(_) => Err(ended),
        }
    }

    /// Asks until the answer is as wanted. Each asking is a process and a session: nothing spins,
    /// and whoever asks too often is turned away for a second.
    #[track_caller]
    fn until(gateway: &Gateway, what: &str, wanted: impl Fn(&Told) -> bool) -> Told {
        let end = Instant::now() + PATIENCE;
        loop {
            let asked = Told::ask(gateway);
            let shown = match asked {
                Ok(told) if wanted(&told) => return told,
                Ok(told) => format!("{:#}", told.tree),
                Err(ended) => ended.to_string(),
            };
            assert!(Instant::now() < end, "not {what}: {shown}");
        }
    }

    fn held(&self) -> Option<&str> {
        self.tree["journal"]["held"].as_str()
    }

    fn failure(&self) -> Option<&str> {
        self.tree["journal"]["failure"].as_str()
    }

    fn number(&self, part: &str, name: &str) -> u64 {
        let number = self.tree[part][name].as_u64();
        number.unwrap_or_else(|| panic!("no {name} of {part}: {:#}", self.tree))
    }
}

/// Writes the setpoint as olga, who may.
fn write(gateway: &Gateway, value: u32) -> Ended {
    let point = format!("speed_setpoint={value}");
    gateway.client("person/olga", &["write", "press-4", &point])
}

/// Some writes that pass.
#[track_caller]
fn work(gateway: &Gateway, values: impl IntoIterator<Item = u32>) {
    for value in values {
        let written = write(gateway, value);
        assert_eq!(written.code, 0, "{written}");
    }
}

#[track_caller]
fn accept(gateway: &Gateway) {
    let args = ["journal", "accept", "--reason", "restored by adam"];
    let accepted = gateway.client("person/adam", &args);
    assert_eq!(accepted.code, 0, "{accepted}");
}

/// Nothing with effect passes, whoever asks is told why; everything else goes on; and who has no
/// right to it cannot change that.
#[track_caller]
fn assert_held(bench: &mut Bench, by: &str) {
    let gateway = &bench.gateway;
    let told = Told::of(gateway);
    assert_eq!(told.code, 1, "{:#}", told.tree);
    let held = told.held().unwrap_or_else(|| panic!("{:#}", told.tree));
    assert!(held.contains(by), "{held}");
    let before = bench.press.holding(100);
    let mut connected = gateway.connect("person/olga", &["press-4"]);
    let mut modbus = connected.modbus("press-4");
    assert_eq!(modbus.write_holding(1, 100, 7_770), [0x86, 4]);
    connected.process().complaint("the reason", |line| {
        (line.contains("behind what others know") && line.contains(by)).then_some(())
    });
    assert_eq!(modbus.read_holding(1, 100, 1), [before]);
    assert_eq!(connected.end(), 0);
    let refused = write(gateway, 777);
    assert_ne!(refused.code, 0, "{refused}");
    assert!(refused.stderr.contains(by), "{refused}");
    let read = gateway.client("person/olga", &["read", "press-4", "speed_setpoint"]);
    assert_eq!(read.code, 0, "{read}");
    for nobody in ["person/olga", "person/emil", "vendor/acme/victor"] {
        let args = ["journal", "accept", "--reason", "let me"];
        let denied = gateway.client(nobody, &args);
        assert_eq!(denied.code, 3, "{nobody}: {denied}");
    }
    assert!(Told::of(gateway).held().is_some());
    assert_eq!(bench.press.holding(100), before);
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}

/// Puts a copy in the place of a folder.
fn put_back(from: &Path, to: &Path) {
    fs::remove_dir_all(to).unwrap();
    copy(from, to);
}

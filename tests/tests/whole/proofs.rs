//! What the log proves to somebody else, and how a single changed byte shows.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use interlock_protocols::record::Event;
use interlock_tests::harness::{Bench, Ended, Process, Site, binary};
use rustix::process::Signal;
use serde_json::Value;

use crate::{copy, work};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// `interlock journal`, without a gateway.
fn journal(args: &[&str]) -> Ended {
    let mut command = Command::new(binary("client"));
    Ended::of("journal", command.arg("journal").args(args))
}

#[track_caller]
fn good(args: &[&str]) -> Ended {
    let ended = journal(args);
    assert_eq!(ended.code, 0, "{ended}");
    ended
}

#[track_caller]
fn bad(args: &[&str], why: &str) {
    let ended = journal(args);
    assert_eq!(ended.code, 1, "{ended}");
    assert!(ended.stderr.contains(why), "{why:?}: {ended}");
}

/// A log of two runs, copied to another place with the key.
struct Copied {
    place: Site,
    log: PathBuf,
    key: PathBuf,
    /// A write that stands in the first run.
    intent: u64,
}

fn copied() -> Copied {
    let mut bench = Bench::start();
    work(&bench.gateway, [800, 810, 820]);
    assert_eq!(bench.gateway.stop(), 0);
    bench.gateway.start();
    work(&bench.gateway, [830]);
    bench.settle();
    let place = Site::new();
    let (log, key) = (place.join("log"), place.join("journal.vkey"));
    copy(&bench.gateway.site().join("journal"), &log);
    fs::copy(bench.gateway.site().join("keys/journal.vkey"), &key).unwrap();
    let intent = bench.gateway.record("a write", |record| {
        matches!(record.event, Event::Intent(_)).then_some(record.sequence)
    });
    Copied {
        place,
        log,
        key,
        intent,
    }
}

/// Changes one byte of a file: the first of `at`.
fn change(path: &Path, at: &[u8]) {
    let mut bytes = fs::read(path).unwrap();
    let found = bytes.windows(at.len()).position(|window| window == at);
    bytes[found.unwrap()] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// The widest tile of leaves: that of the last checkpoint.
fn tile(log: &Path) -> PathBuf {
    let entries = fs::read_dir(log.join("tile/0/000.p")).unwrap();
    let width =
        |path: &PathBuf| -> u64 { path.file_name().unwrap().to_str().unwrap().parse().unwrap() };
    let tiles = entries.map(|entry| entry.unwrap().path());
    tiles.max_by_key(width).unwrap()
}

#[test]
fn a_changed_byte_anywhere_is_found_and_named() {
    let whole = copied();
    let key = text(&whole.key);
    let verified = good(&["verify", text(&whole.log), "--key", key]);
    assert!(verified.stdout.contains("2 signing keys"), "{verified}");
    let spoilt = |name: &str, spoil: &dyn Fn(&Path), why: &str| {
        let log = whole.place.join(name);
        copy(&whole.log, &log);
        spoil(&log);
        bad(&["verify", text(&log), "--key", key], why);
    };
    let segment = "000000000001.segment";
    spoilt(
        "record",
        &|log| change(&log.join(segment), b"speed_setpoint"),
        &format!("record {}", whole.intent),
    );
    spoilt(
        "tile",
        &|log| change(&tile(log), &first(&tile(log))),
        "tile/0/",
    );
    spoilt(
        "checkpoint",
        &|log| change(&log.join("checkpoint"), b"waterworks"),
        "checkpoint",
    );
    spoilt(
        "no tile",
        &|log| fs::remove_file(tile(log)).unwrap(),
        "is missing",
    );
    // Signed by somebody else, and whole in itself.
    let other = Bench::start();
    let stranger = other.gateway.site().join("keys/journal.vkey");
    let with = ["verify", text(&whole.log), "--key", text(&stranger)];
    let strange = journal(&with);
    assert_eq!(strange.code, 1, "{strange}");
}

fn first(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()[..8].to_vec()
}

#[test]
fn a_proof_holds_elsewhere_and_a_changed_one_nowhere() {
    let whole = copied();
    let (log, key) = (text(&whole.log), text(&whole.key));
    let proof = whole.place.join("write.tlog-proof");
    let sequence = whole.intent.to_string();
    good(&["prove", &sequence, "--dir", log, "--out", text(&proof)]);
    let held = good(&["verify-proof", text(&proof), "--key", key]);
    assert!(held.stdout.contains("the proof holds"), "{held}");
    assert!(held.stdout.contains("speed_setpoint"), "{held}");

    let grown = whole.place.join("grown");
    let sizes = sizes(&whole.log);
    assert!(sizes.len() >= 2, "{sizes:?}");
    let (old, new) = (sizes[0].to_string(), sizes[sizes.len() - 1].to_string());
    good(&[
        "consistency",
        &old,
        &new,
        "--dir",
        log,
        "--out",
        text(&grown),
    ]);
    let check = ["consistency", "--check", text(&grown), "--key", key];
    let held = good(&check);
    assert!(held.stdout.contains("the proof holds"), "{held}");

    // Every line of both, one byte at a time in the middle of it.
    for (file, check) in [
        (&proof, &["verify-proof", text(&proof), "--key", key][..]),
        (&grown, &check[..]),
    ] {
        let whole = fs::read_to_string(file).unwrap();
        let mut start = 0;
        for line in whole.lines() {
            let middle = start + line.len() / 2;
            start += line.len() + 1;
            // In a proof of growth nothing vouches for the keys of epochs, and none of theirs
            // is asked for.
            let beside = file == &grown && line.contains("/epoch/");
            if line.is_empty() || beside {
                continue;
            }
            let mut bytes = whole.clone().into_bytes();
            bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
            fs::write(file, bytes).unwrap();
            let ended = journal(check);
            assert!([1, 7].contains(&ended.code), "{line:?}: {ended}");
            assert!(!ended.stdout.contains("holds"), "{ended}");
        }
        fs::write(file, &whole).unwrap();
        good(check);
    }
}

/// Records under each checkpoint of a log, in their order.
fn sizes(log: &Path) -> Vec<u64> {
    let records = interlock_broker::journal::read(log).unwrap();
    let size = |event: Event| match event {
        Event::Checkpointed(checkpointed) => checkpointed.note.lines().nth(1)?.parse().ok(),
        _ => None,
    };
    records.filter_map(|it| size(it.unwrap().event)).collect()
}

#[test]
fn the_edge_shows_the_log_newest_first_follows_it_and_writes_csv() {
    let mut bench = Bench::start();
    work(&bench.gateway, [800, 810, 820]);
    let show = |more: &[&str]| {
        let args = [&["journal", "show", "--device", "press-4"], more].concat();
        let shown = bench.gateway.client("person/aida", &args);
        assert_eq!(shown.code, 0, "{shown}");
        shown
    };
    let value = |line: &str| -> Option<f64> {
        let object: Value = serde_json::from_str(line).unwrap();
        object["points"][0]["value"].as_f64()
    };
    let newest = show(&["-o", "jsonl", "--limit", "2"]);
    let values: Vec<_> = newest.stdout.lines().filter_map(value).collect();
    assert_eq!(values, [820.0, 810.0]);
    let csv = show(&["-o", "csv", "--point", "speed_setpoint"]);
    let mut lines = csv.stdout.lines();
    assert!(lines.next().unwrap().starts_with("sequence,time,kind,"));
    assert_eq!(lines.count(), 3, "{csv}");
    let table = show(&[]);
    assert!(table.stdout.contains("820 rpm"), "{table}");

    let mut command = Command::new(binary("client"));
    command
        .arg("--profile")
        .arg(bench.gateway.issue("person/aida"));
    command.args(["-o", "jsonl", "journal", "show", "-f"]);
    command.args(["--device", "press-4", "--decision", "allow"]);
    let mut follow = Process::start("follow", &mut command);
    let mut seen = |wanted: f64| {
        follow.next_line("the write", |line| {
            (value(line) == Some(wanted)).then_some(())
        });
    };
    seen(820.0);
    work(&bench.gateway, [830]);
    seen(830.0);
    follow.signal(Signal::INT);
    assert_eq!(follow.exit("Ctrl-C").code(), Some(0), "{}", follow.output());
    let denied = bench.gateway.client("person/olga", &["journal", "show"]);
    assert_eq!(denied.code, 3, "{denied}");
    let records = bench.settle();
    let read = |event: &Event| matches!(event, Event::JournalRead(read) if read.subject.ends_with("/aida"));
    // Whoever follows asks twice: for what was, and for what comes.
    assert_eq!(records.events.iter().filter(|event| read(event)).count(), 5);
}

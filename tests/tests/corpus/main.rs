//! Captured Modbus traffic, replayed through our codec: ordinary plants are not refused, and
//! nothing makes it panic.
//!
//! The captures are other projects' and are not part of this one. They are looked for in
//! `INTERLOCK_CORPUS`, else in `../shared/corpus` beside the workspace. Without them these tests
//! say so and pass; with `INTERLOCK_CORPUS` set they must be there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![allow(
    clippy::print_stdout,
    reason = "what was replayed is for people: --nocapture shows it"
)]

mod pcap;
mod replay;

use replay::{Tally, replay};
use std::path::{Path, PathBuf};

/// The captures, sorted by name; `None` when there are none to be had.
fn captures() -> Option<Vec<PathBuf>> {
    let named = std::env::var_os("INTERLOCK_CORPUS").map(PathBuf::from);
    let folder = match &named {
        Some(folder) => folder.clone(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"),
    };
    if named.is_none() && !folder.is_dir() {
        println!("no captures in {}: nothing was replayed", folder.display());
        return None;
    }
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "pcap"));
    paths.sort();
    assert!(!paths.is_empty(), "{} holds no .pcap", folder.display());
    Some(paths)
}

fn replayed(path: &Path) -> Tally {
    let bytes = std::fs::read(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let streams = pcap::streams(&bytes).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let tally = replay(&streams);
    println!("{}: {tally}", path.file_name().expect("a file").display());
    tally
}

/// What passes is also encoded back to the very bytes that came.
#[test]
fn nothing_captured_makes_the_codec_panic() {
    let Some(paths) = captures() else { return };
    let mut requests = 0;
    for path in paths {
        let tally = replayed(&path);
        assert!(
            tally.requests + tally.refused.len() + tally.framing.len() > 0,
            "{}: nothing was read",
            path.display()
        );
        requests += tally.requests;
    }
    assert!(requests > 0);
}

#[test]
fn no_ordinary_plant_request_is_refused() {
    const ORDINARY: [(&str, usize); 2] =
        [("zeek_modbusBig.pcap", 2000), ("zeek_modbusSmall.pcap", 10)];
    let Some(paths) = captures() else { return };
    for (name, at_least) in ORDINARY {
        let path = paths.iter().find(|path| path.ends_with(name));
        let tally = replayed(path.unwrap_or_else(|| panic!("{name} is not among {paths:?}")));
        assert!(tally.requests >= at_least, "{name}: {tally}");
        assert!(
            tally.refused.is_empty(),
            "{name}: refused {:#?}",
            tally.refused
        );
        assert!(
            tally.framing.is_empty(),
            "{name}: no Modbus {:#?}",
            tally.framing
        );
        assert!(
            tally.mismatched.is_empty(),
            "{name}: dropped replies {:#?}",
            tally.mismatched
        );
    }
}

//! The rules of the house, kept by reading the house: manifests, sources, folders. What the
//! compiler or clippy can hold is held there; here is the rest.
//!
//! Every rule is a function from text to sentences, so that each is also shown a text which
//! breaks it: a rule that nothing can break protects nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod blank;
mod documents;
mod manifests;
mod sources;

use std::path::{Path, PathBuf};

/// The workspace, wherever it was checked out.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests crate is a folder of the workspace")
        .to_path_buf()
}

/// Fails with every broken rule at once: one sentence each, naming the rule and the place.
#[track_caller]
fn hold(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// Every file under a folder of the workspace, by its path from the root, without what no person
/// wrote. Sorted, so that a failing test says the same thing twice.
fn files(under: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![PathBuf::from(under)];
    while let Some(folder) = left.pop() {
        let Ok(entries) = std::fs::read_dir(root().join(&folder)) else {
            continue;
        };
        for entry in entries {
            let entry = entry.expect("a readable folder");
            let path = folder.join(entry.file_name());
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || name == "target" {
                continue;
            }
            if entry.file_type().expect("a file type").is_dir() {
                left.push(path);
            } else {
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

/// A file of the workspace.
fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// The crates that are shipped. The tests crate is under none of their rules but the arrows.
const SHIPPED: [&str; 4] = ["protocols", "broker", "edge", "client"];

/// (path, text with comments and literals blanked) of every Rust file that is shipped.
fn shipped_sources() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for member in SHIPPED {
        for path in files(member) {
            if path.ends_with(".rs") {
                let code = blank::code(&text(&path));
                all.push((path, code));
            }
        }
    }
    assert!(
        all.len() >= SHIPPED.len(),
        "the house has sources: {}",
        all.len()
    );
    all
}

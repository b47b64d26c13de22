//! A policy as files: what is versioned, tested, activated and named by one digest.

use crate::finding::Finding;
use crate::limits::POLICY_MAX_BYTES;
use aws_lc_rs::digest::{Context, SHA256};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub(super) const SCHEMA: &str = "schema.cedarschema";
pub(super) const GROUPS: &str = "groups.toml";
const CASES: &str = "tests";

/// The files of a policy directory, as they were read.
#[derive(Clone, Debug)]
pub struct Bundle {
    dir: PathBuf,
    /// By name below the directory, `/` between folder and file, in the order of the bytes.
    files: BTreeMap<String, String>,
}

impl Bundle {
    /// Reads a policy directory: `schema.cedarschema`, `groups.toml`, `*.cedar` and
    /// `tests/*.toml`. Nothing else may lie there, since a rule in a file that is not read would
    /// look as if it were in force; only hidden files and editors' copies (`name~`) are passed
    /// over.
    pub fn load(dir: &Path) -> Result<Bundle, Vec<Finding>> {
        let mut bundle = Bundle {
            dir: dir.to_owned(),
            files: BTreeMap::new(),
        };
        let mut findings = Vec::new();
        bundle.read_dir("", &mut findings);
        for needed in [SCHEMA, GROUPS] {
            if !bundle.files.contains_key(needed) && findings.is_empty() {
                findings.push(Finding::of_file(
                    &bundle.path(needed),
                    "the file is missing",
                    "`interlock-edge init` writes one to begin with",
                ));
            }
        }
        if bundle.cedar_files().next().is_none() && findings.is_empty() {
            findings.push(Finding::of_file(
                dir,
                "there is no rule: no file ends in .cedar",
                "add one; a single `permit` is enough to begin with",
            ));
        }
        if findings.is_empty() {
            Ok(bundle)
        } else {
            Err(findings)
        }
    }

    /// A bundle that never was a directory. Its names are not checked, so it is for tests alone.
    #[cfg(test)]
    pub(super) fn of_texts<'t>(files: impl IntoIterator<Item = (&'t str, String)>) -> Bundle {
        let files = files.into_iter();
        Bundle {
            dir: PathBuf::from("policy"),
            files: files.map(|(name, text)| (name.to_owned(), text)).collect(),
        }
    }

    /// The directory it was read from.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Names below the directory, and contents, in the order that the digest has them.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self.files.iter();
        files.map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// SHA-256 over every name and content. Each is preceded by its length, so no two different
    /// bundles make the same bytes.
    pub fn digest(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(b"interlock policy 1\0");
        for (name, text) in &self.files {
            for part in [name, text] {
                // A usize always fits into 64 bits here; the cast keeps the bytes the same on
                // every machine.
                context.update(&(part.len() as u64).to_be_bytes());
                context.update(part.as_bytes());
            }
        }
        let mut digest = [0; 32];
        let made = context.finish();
        for (to, from) in digest.iter_mut().zip(made.as_ref()) {
            *to = *from;
        }
        digest
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.files.get(name).map_or("", String::as_str)
    }

    pub(super) fn cedar_files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(|(name, _)| name.ends_with(".cedar"))
    }

    pub(super) fn case_files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(|(name, _)| name.starts_with("tests/"))
    }

    fn read_dir(&mut self, folder: &str, findings: &mut Vec<Finding>) {
        let dir = self.dir.join(folder);
        let entries = match fs::read_dir(&dir).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(error) => {
                let hint = "a policy is a directory; check its name and that you may read it";
                findings.push(Finding::of_file(&dir, error.to_string(), hint));
                return;
            }
        };
        let mut names: Vec<_> = entries.into_iter().map(|entry| entry.file_name()).collect();
        names.sort();
        for name in names {
            let name = name.to_string_lossy();
            if name.starts_with('.') || name.ends_with('~') {
                continue;
            }
            let is_dir = dir.join(&*name).is_dir();
            match (folder, &*name) {
                ("", CASES) if is_dir => self.read_dir(CASES, findings),
                ("", SCHEMA | GROUPS) if !is_dir => self.read_file(name.into_owned(), findings),
                ("", file) if !is_dir && is_file_name(file, ".cedar") => {
                    self.read_file(name.into_owned(), findings);
                }
                (CASES, file) if !is_dir && is_file_name(file, ".toml") => {
                    self.read_file(format!("{CASES}/{name}"), findings);
                }
                _ => findings.push(Finding::of_file(
                    &dir.join(&*name),
                    "this is not part of a policy and would not be read",
                    "rules are in *.cedar, cases in tests/*.toml, each name of a-z, 0-9, `_`, `-` and `.`; move anything else away",
                )),
            }
        }
    }

    fn read_file(&mut self, name: String, findings: &mut Vec<Finding>) {
        let path = self.path(&name);
        match read_bounded(&path) {
            Ok(text) => {
                self.files.insert(name, text);
            }
            Err((what, hint)) => findings.push(Finding::of_file(&path, what, hint)),
        }
    }
}

fn read_bounded(path: &Path) -> Result<String, (String, &'static str)> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(POLICY_MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| (error.to_string(), "check that you may read it"))?;
    if bytes.len() as u64 > POLICY_MAX_BYTES {
        let what = format!("the file is longer than {POLICY_MAX_BYTES} bytes");
        return Err((what, "split it, or look what it is"));
    }
    String::from_utf8(bytes)
        .map_err(|_| ("the file is not UTF-8 text".to_owned(), "save it as UTF-8"))
}

fn is_file_name(name: &str, end: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.');
    name.strip_suffix(end)
        .is_some_and(|stem| !stem.is_empty() && stem.bytes().all(allowed))
}

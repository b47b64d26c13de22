//! The files of a policy: loading, naming by digest, keeping.

use super::*;
use crate::digits::hex;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn write(dir: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("written");
    }
}

const GOOD: [(&str, &str); 4] = [
    ("schema.cedarschema", SCHEMA),
    ("groups.toml", GROUPS),
    ("a.cedar", "@id(\"a\") permit(principal, action, resource);"),
    ("tests/t.toml", ""),
];

fn good() -> TempDir {
    let dir = TempDir::new().expect("a directory");
    write(dir.path(), &GOOD);
    dir
}

fn load(dir: &Path) -> Result<Bundle, Vec<String>> {
    Bundle::load(dir).map_err(|findings| findings.iter().map(ToString::to_string).collect())
}

#[test]
fn reads_what_belongs_to_a_policy() {
    let dir = good();
    write(
        dir.path(),
        &[
            (".git/x", ""),
            (
                "a.cedar~",
                "627842877a22b122a57f685b03ded79857e96d8e6aa076249e567779523c5050",
            ),
            (".a.cedar.swp", "?"),
        ],
    );
    let bundle = load(dir.path()).expect("a good bundle");
    let names: Vec<&str> = bundle.files().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "a.cedar",
            "groups.toml",
            "schema.cedarschema",
            "tests/t.toml"
        ]
    );
    assert!(Policy::compile(&bundle, &estate()).is_ok());
}

#[test]
fn what_would_not_be_read_is_reported() {
    for name in [
        "b.ceder",
        "B.cedar",
        "b.cedar.bak",
        "more/c.cedar",
        "tests/t.cedar",
        "tests/more/t.toml",
        "groups.toml.d/x",
        ".cedar/../b c.cedar",
    ] {
        let dir = good();
        fs::create_dir_all(dir.path().join(".cedar")).expect("a directory");
        write(dir.path(), &[(name, "")]);
        let all = load(dir.path()).expect_err(name);
        assert_eq!(all.len(), 1, "{name}: {all:?}");
        assert!(all[0].contains("would not be read"), "{name}: {all:?}");
    }
}

#[test]
fn what_is_missing_or_unreadable_is_reported() {
    for (name, words) in [
        ("schema.cedarschema", "missing"),
        ("groups.toml", "missing"),
        ("a.cedar", "no rule"),
    ] {
        let dir = good();
        fs::remove_file(dir.path().join(name)).expect("removed");
        let all = load(dir.path()).expect_err(name);
        assert!(all[0].contains(words), "{name}: {all:?}");
    }
    let dir = good();
    fs::write(dir.path().join("a.cedar"), b"\xff").expect("written");
    let long = " ".repeat(usize::try_from(crate::limits::POLICY_MAX_BYTES).unwrap() + 1);
    write(dir.path(), &[("b.cedar", &long)]);
    let all = load(dir.path()).expect_err("two faults");
    assert!(
        all[0].contains("UTF-8") && all[1].contains("longer"),
        "{all:?}"
    );
    assert!(load(&dir.path().join("absent")).is_err());
}

#[test]
fn the_digest_names_every_byte_and_its_place() {
    let digest = |files: &[(&str, &str)]| {
        Bundle::of_texts(files.iter().map(|(name, text)| (*name, (*text).to_owned()))).digest()
    };
    let all = [
        digest(&[]),
        digest(&[("a", "")]),
        digest(&[("", "a")]),
        digest(&[("a", "b")]),
        digest(&[("ab", "")]),
        digest(&[("a", "b"), ("c", "")]),
        digest(&[("a", ""), ("b", ""), ("c", "")]),
        digest(&[("a", "c"), ("b", "")]),
        digest(&[("a", ""), ("b", "c")]),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(!all[at + 1..].contains(one), "{at}");
    }
    // Kept for good, since journals and snapshots name policies by it; reckoned by another program.
    assert_eq!(
        hex(&digest(&[("a.cedar", "b"), ("groups.toml", "")])),
        "627842877a22b122a57f685b03ded79857e96d8e6aa076249e567779523c5050"
    );
}

#[test]
fn a_kept_policy_comes_back_as_it_was() {
    let (dir, kept) = (good(), TempDir::new().expect("a directory"));
    let snapshots = kept.path().join("policies");
    let bundle = load(dir.path()).expect("a good bundle");
    let place = bundle.store(&snapshots).expect("stored");
    assert!(place.ends_with(hex(&bundle.digest())));
    // Whatever is edited afterwards.
    fs::remove_file(dir.path().join("a.cedar")).expect("removed");
    let again = Bundle::load_snapshot(&snapshots, &bundle.digest()).expect("kept");
    assert!(again.files().eq(bundle.files()));
    // Storing twice is storing once.
    assert_eq!(bundle.store(&snapshots).expect("stored"), place);
    assert_eq!(fs::read_dir(&snapshots).expect("a directory").count(), 1);
    assert!(Bundle::load_snapshot(&snapshots, &[0; 32]).is_err());
}

#[test]
fn a_kept_policy_that_was_changed_is_refused_and_can_be_kept_anew() {
    let (dir, kept) = (good(), TempDir::new().expect("a directory"));
    let bundle = load(dir.path()).expect("a good bundle");
    let place = bundle.store(kept.path()).expect("stored");
    for change in [
        (
            "a.cedar",
            "@id(\"a\") permit(principal, action, resource); ",
        ),
        ("b.cedar", ""),
        ("tests/u.toml", ""),
    ] {
        write(&place, &[change]);
        let findings = Bundle::load_snapshot(kept.path(), &bundle.digest()).expect_err("changed");
        assert!(findings[0].what.contains("not the policy"), "{findings:?}");
        assert_eq!(bundle.store(kept.path()).expect("stored"), place);
        assert!(Bundle::load_snapshot(kept.path(), &bundle.digest()).is_ok());
    }
}

/// A crash while storing leaves a hidden directory and no name.
#[test]
fn what_a_crash_left_behind_is_in_nobodys_way() {
    let (dir, kept) = (good(), TempDir::new().expect("a directory"));
    let bundle = load(dir.path()).expect("a good bundle");
    let beside = format!(".{}.{}", hex(&bundle.digest()), std::process::id());
    write(&kept.path().join(beside), &[("b.cedar", "half a ru")]);
    assert!(Bundle::load_snapshot(kept.path(), &bundle.digest()).is_err());
    bundle.store(kept.path()).expect("stored");
    assert!(Bundle::load_snapshot(kept.path(), &bundle.digest()).is_ok());
    assert_eq!(fs::read_dir(kept.path()).expect("a directory").count(), 1);
}

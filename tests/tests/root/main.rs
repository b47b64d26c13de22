//! The site root: made and used with the program of people, pinned and demanded by the gateway.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use interlock_protocols::record::Event;
use interlock_tests::harness::{Ended, Gateway, binary, free_address};

/// A gateway, and a root beside it: on another machine in real life.
struct Rooted {
    gateway: Gateway,
    root: PathBuf,
}

fn interlock(args: &[&str]) -> Ended {
    Ended::of("interlock", Command::new(binary("client")).args(args))
}

#[track_caller]
fn done(args: &[&str]) -> Ended {
    let ended = interlock(args);
    assert_eq!(ended.code, 0, "{ended}");
    ended
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

impl Rooted {
    /// Pinned and signed, and not started.
    fn new() -> Rooted {
        let rooted = Rooted::unsigned();
        rooted.sign("plant", 1);
        rooted.sign("approvers", 1);
        rooted
    }

    /// Pinned, with nothing signed.
    fn unsigned() -> Rooted {
        let gateway = Gateway::new(free_address(), free_address());
        let rooted = Rooted {
            root: gateway.beside("root"),
            gateway,
        };
        let lines = rooted.make_root(&rooted.root, "waterworks");
        rooted.gateway.append("edge.toml", &format!("\n{lines}"));
        let ann = done(&[
            "approver",
            "key",
            "--name",
            "ann",
            "--out",
            path(&rooted.gateway.beside("ann.key")),
        ]);
        let list = format!(
            "[[approver]]\nsubject = \"person/ann\"\nname = \"Ann\"\nsince = \"2026-01-02\"\nkey = \"{}\"\n",
            ann.stdout.trim()
        );
        std::fs::write(rooted.gateway.beside("approvers.toml"), list).unwrap();
        rooted
    }

    /// The lines for edge.toml.
    fn make_root(&self, at: &Path, site: &str) -> String {
        done(&["root", "init", path(at), "--site", site]).stdout
    }

    fn sign(&self, what: &str, serial: u32) {
        self.sign_with(&self.root, what, serial);
    }

    fn sign_with(&self, root: &Path, what: &str, serial: u32) {
        let file = match what {
            "plant" => self.gateway.site().join("plant.toml"),
            _ => self.gateway.beside("approvers.toml"),
        };
        let (key, out) = (root.join("site-root.key"), self.signed(what));
        let serial = serial.to_string();
        done(&[
            "root",
            "sign",
            what,
            path(&file),
            "--key",
            path(&key),
            "--serial",
            &serial,
            "--out",
            path(&out),
        ]);
    }

    fn signed(&self, what: &str) -> PathBuf {
        self.gateway.site().join(format!("{what}.signed"))
    }

    fn check(&self) -> Ended {
        self.gateway
            .edge_command(&["check", path(&self.gateway.site())])
    }

    /// Both `check` and `run` refuse, naming the file and why, and say what to do.
    #[track_caller]
    fn assert_refused(&self, file: &str, why: &str) {
        for act in ["check", "run"] {
            self.assert_refused_by(act, file, why);
        }
    }

    #[track_caller]
    fn assert_refused_by(&self, act: &str, file: &str, why: &str) {
        let refused = self
            .gateway
            .edge_command(&[act, path(&self.gateway.site())]);
        assert_eq!(refused.code, 7, "{act}: {refused}");
        assert!(refused.stderr.contains(file), "{act}: {refused}");
        assert!(refused.stderr.contains(why), "{act}: {refused}");
    }

    fn taken_up(&self) -> Vec<(String, u64)> {
        let records = self.gateway.records();
        let taken = |event| match event {
            Event::TrustTakenUp(taken) => Some((taken.what, taken.serial)),
            _ => None,
        };
        records
            .into_iter()
            .filter_map(|record| taken(record.event))
            .collect()
    }
}

#[test]
fn what_is_signed_is_served_taken_up_once_and_shown() {
    let mut rooted = Rooted::new();
    assert_eq!(rooted.check().code, 0, "{}", rooted.check());
    let shown = done(&["root", "show", path(&rooted.signed("approvers"))]);
    assert!(
        shown.stdout.contains("spiffe://waterworks/person/ann"),
        "{shown}"
    );
    for _ in 0..2 {
        rooted.gateway.start();
        let status = rooted.gateway.client("person/adam", &["status"]);
        assert!(
            status
                .stdout
                .contains("signed plant number 1, approvers number 1"),
            "{status}"
        );
        assert_eq!(rooted.gateway.stop(), 0);
    }
    let first = [("approvers".to_owned(), 1), ("plant".to_owned(), 1)];
    assert_eq!(rooted.taken_up(), first);
    rooted.sign("plant", 5);
    rooted.gateway.start();
    assert_eq!(rooted.gateway.stop(), 0);
    assert_eq!(rooted.taken_up()[2..], [("plant".to_owned(), 5)]);
}

#[test]
fn a_plant_that_was_altered_is_not_served() {
    let rooted = Rooted::new();
    rooted
        .gateway
        .edit("plant.toml", "Screw speed the drive is to hold", "Speed");
    rooted.assert_refused("plant.signed", "plant.toml is not the one that was signed");
    // Signing it, with the next number, is the way.
    rooted.sign("plant", 2);
    assert_eq!(rooted.check().code, 0, "{}", rooted.check());
}

#[test]
fn what_is_not_signed_or_cut_off_is_not_served() {
    let rooted = Rooted::unsigned();
    rooted.assert_refused("plant.signed", "interlock root sign");
    rooted.sign("plant", 1);
    rooted.assert_refused("approvers.signed", "interlock root sign");
    rooted.sign("approvers", 1);
    assert_eq!(rooted.check().code, 0, "{}", rooted.check());
    let whole = std::fs::read(rooted.signed("approvers")).unwrap();
    std::fs::write(rooted.signed("approvers"), &whole[..whole.len() - 1]).unwrap();
    rooted.assert_refused("approvers.signed", "cut off");
}

#[test]
fn what_was_signed_for_something_else_does_not_take_its_place() {
    let rooted = Rooted::new();
    let plant = std::fs::read(rooted.signed("plant")).unwrap();
    std::fs::copy(rooted.signed("approvers"), rooted.signed("plant")).unwrap();
    rooted.assert_refused("plant.signed", "it is signed as `approvers`");
    std::fs::write(rooted.signed("approvers"), &plant).unwrap();
    std::fs::write(rooted.signed("plant"), &plant).unwrap();
    rooted.assert_refused("approvers.signed", "it is signed as `plant`");
}

#[test]
fn the_word_of_another_root_counts_for_nothing() {
    let rooted = Rooted::new();
    let other = rooted.gateway.beside("other");
    rooted.make_root(&other, "waterworks");
    rooted.sign_with(&other, "approvers", 2);
    rooted.assert_refused("approvers.signed", "has not signed it");
    rooted.sign("approvers", 2);
    rooted.sign_with(&other, "plant", 2);
    rooted.assert_refused("plant.signed", "has not signed it");
}

#[test]
fn a_root_of_another_site_is_not_pinned_and_signs_no_plant_of_this_one() {
    let rooted = Rooted::new();
    let quay = rooted.gateway.beside("quay");
    let lines = rooted.make_root(&quay, "quay");
    let refused = interlock(&[
        "root",
        "sign",
        "plant",
        path(&rooted.gateway.site().join("plant.toml")),
        "--key",
        path(&quay.join("site-root.key")),
        "--serial",
        "1",
        "--out",
        path(&rooted.signed("plant")),
    ]);
    assert_eq!(refused.code, 7, "{refused}");
    assert!(
        refused.stderr.contains("the root is of `quay`"),
        "{refused}"
    );
    // Its list of approvers, empty, where this site's should be.
    std::fs::write(rooted.gateway.beside("approvers.toml"), "").unwrap();
    rooted.sign_with(&quay, "approvers", 7);
    rooted.assert_refused("approvers.signed", "has not signed it");
    // And pinned in the place of this site's root.
    let edge = rooted.gateway.site().join("edge.toml");
    let text = std::fs::read_to_string(&edge).unwrap();
    let (before, _) = text.split_once("\n[root]").unwrap();
    std::fs::write(&edge, format!("{before}\n{lines}")).unwrap();
    rooted.assert_refused("edge.toml", "the pinned root is that of the site `quay`");
}

#[test]
fn a_lower_number_than_was_taken_up_is_refused_after_a_restart() {
    let mut rooted = Rooted::new();
    rooted.sign("approvers", 4);
    let newer = std::fs::read(rooted.signed("approvers")).unwrap();
    rooted.gateway.start();
    assert_eq!(rooted.gateway.stop(), 0);
    rooted.sign("approvers", 3);
    // Only the journal knows what was taken up: `check` changes nothing and reads no journal.
    rooted.assert_refused_by("run", "approvers.signed", "number 4 was taken up before");
    // Another list under the same number.
    std::fs::write(rooted.gateway.beside("approvers.toml"), "").unwrap();
    rooted.sign("approvers", 4);
    rooted.assert_refused_by("run", "approvers.signed", "another one with the number 4");
    std::fs::write(rooted.signed("approvers"), newer).unwrap();
    rooted.gateway.start();
    assert_eq!(rooted.gateway.stop(), 0);
}

#[test]
fn a_root_that_cannot_be_read_does_not_become_none() {
    let rooted = Rooted::new();
    let edge = rooted.gateway.site().join("edge.toml");
    let text = std::fs::read_to_string(&edge).unwrap();
    std::fs::write(&edge, text.replace("waterworks/root+", "waterwork/root+")).unwrap();
    rooted.assert_refused("edge.toml", "another key or another name");
    std::fs::write(&edge, text.replace("[root]\nkey", "[root]\nkeys")).unwrap();
    rooted.assert_refused("edge.toml", "key");
}

#[test]
fn a_key_that_others_may_read_signs_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let rooted = Rooted::new();
    let key = rooted.root.join("site-root.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = interlock(&[
        "root",
        "sign",
        "plant",
        path(&rooted.gateway.site().join("plant.toml")),
        "--key",
        path(&key),
        "--serial",
        "9",
        "--out",
        path(&rooted.signed("plant")),
    ]);
    assert_eq!(refused.code, 7, "{refused}");
    let again = interlock(&["root", "init", path(&rooted.root), "--site", "waterworks"]);
    assert_eq!(again.code, 7, "{again}");
    assert!(again.stderr.contains("nothing is overwritten"), "{again}");
}

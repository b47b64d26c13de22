//! `interlock-edge check`: every problem at once, each with its place and what to do, and nothing
//! on the disk changes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use interlock_tests::harness::{Gateway, free_address};

/// Nine faults: file, what is there, what is written instead.
const FAULTS: [(&str, &str, &str); 9] = [
    (
        "edge.toml",
        "time_zone = \"UTC\"",
        "time_zone = \"Mars/Olympus\"",
    ),
    ("edge.toml", "segment_mib = 1", "segment_mb = 1"),
    ("plant.toml", "min = 5\nmax = 100", "min = 100\nmax = 5"),
    (
        "plant.toml",
        "type = \"f32\"\norder = \"cdab\"\nunit = \"bar\"",
        "type = \"f32\"\nunit = \"bar\"",
    ),
    (
        "plant.toml",
        "\"pump-2.flow_setpoint\" =",
        "\"pump-3.flow_setpoint\" =",
    ),
    ("policy/groups.toml", "\"person/emil\"", "\"persn/emil\""),
    (
        "policy/guards.cedar",
        "context.minute_of_day < 1080",
        "context.minute_of_dy < 1080",
    ),
    ("policy/staff.cedar", "@id(\"historian-read\")", ""),
    (
        "policy/tests/guards.toml",
        "name = \"nobody silences a controller\"\nas = \"person/olga\"\ndevice = \"pump-2\"",
        "name = \"nobody silences a controller\"\nas = \"person/olga\"\ndevice = \"pump-9\"",
    ),
];

/// What is said of them. The tenth is a key that others may read.
const GOLDEN: &str = r#"SITE/edge.toml:9: `time_zone` is `Mars/Olympus`: failed to find time zone `Mars/Olympus` in time zone database
    write a name of the IANA time zone database, such as "Europe/Berlin"; on Debian the package tzdata has them
SITE/edge.toml:42: `segment_mb` is not a key of `journal`
    did you mean `segment_mib`?
SITE/plant.toml:88: `min` is 100, above `max`, which is 5
    no value is inside: exchange them, or correct one
SITE/plant.toml:94: `order` is missing in `point`
    add a line `order = ...`
SITE/plant.toml:242: there is no point `pump-3.flow_setpoint`
    did you mean `pump-2.flow_setpoint`?
SITE/keys/server.key: others than its owner may read this key
    chmod 600 SITE/keys/server.key
SITE/policy/groups.toml:7: `engineers` is `persn/emil`: `spiffe://waterworks/persn/emil` is no subject id: its first path segment is not person, vendor or workload; write spiffe://SITE/person/NAME, spiffe://SITE/vendor/FIRM/NAME or spiffe://SITE/workload/NAME, each part of a-z, 0-9, '.', '_' and '-'
    write person/NAME, vendor/FIRM/NAME or workload/NAME
SITE/policy/staff.cedar:70: this rule has no usable @id
    write @id("some-words") above it, of a-z, 0-9, `_`, `-` and `.`: denials and the journal name the rule by it
SITE/policy/guards.cedar:39: attribute `minute_of_dy` in context for Interlock::Action::"mask-write-register" not found
    did you mean `minute_of_day`?
SITE/policy/tests/guards.toml:83: `device` is `pump-9`: the plant has no such device
    did you mean `pump-2`?
10 problems
"#;

/// Everything below a folder: what kind, which rights, when changed, and its content.
fn listing(folder: &Path) -> BTreeMap<PathBuf, (u32, i64, i64, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = std::fs::symlink_metadata(&path).unwrap();
            let content = if metadata.is_dir() {
                folders.push(path.clone());
                Vec::new()
            } else {
                std::fs::read(&path).unwrap()
            };
            let about = (
                metadata.mode(),
                metadata.mtime(),
                metadata.mtime_nsec(),
                content,
            );
            found.insert(path, about);
        }
    }
    found
}

fn sample() -> Gateway {
    Gateway::new(free_address(), free_address())
}

#[test]
fn ten_faults_are_reported_at_once_each_with_its_place_and_what_to_do() {
    let gateway = sample();
    let site = gateway.site();
    for (file, from, to) in FAULTS {
        gateway.edit(file, from, to);
    }
    let key = site.join("keys/server.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let before = listing(&site);
    let name = site.to_str().unwrap();
    let checked = gateway.edge_command(&["check", name]);
    assert_eq!(checked.code, 7, "{checked}");
    assert_eq!(checked.stdout, "", "findings are words, not data");
    assert_eq!(checked.stderr.replace(name, "SITE"), GOLDEN);
    assert_eq!(listing(&site), before, "check changes nothing");
    // What does not pass the check does not run either, and leaves no trace.
    let run = gateway.edge_command(&["run", name]);
    assert_eq!(run.code, 7, "{run}");
    assert_eq!(
        listing(&site),
        before,
        "an edge that did not start changed something"
    );
}

#[test]
fn a_sound_site_has_no_problems_and_stays_as_it_is() {
    let gateway = sample();
    let site = gateway.site();
    let before = listing(&site);
    let name = site.to_str().unwrap();
    let checked = gateway.edge_command(&["check", name]);
    assert_eq!(checked.code, 0, "{checked}");
    assert_eq!(checked.stdout, format!("{name}: no problems\n"));
    assert_eq!(listing(&site), before);
    // `init` overwrites nothing, in whole or in part.
    let again = gateway.edge_command(&["init", name]);
    assert_eq!(again.code, 1, "{again}");
    assert_eq!(listing(&site), before);
}

#[test]
fn the_files_that_a_sink_is_known_by_are_looked_at() {
    let gateway = sample();
    let site = gateway.site();
    let sink = "\n[[sink]]\nname = \"siem\"\nkind = \"nats\"\naddress = \"192.0.2.7:4222\"\n\
                ca = \"keys/ca.pem\"\ncertificate = \"keys/server.pem\"\nkey = \"keys/none.key\"\n";
    gateway.append("edge.toml", sink);
    std::fs::write(site.join("keys/ca.pem"), "not a certificate\n").unwrap();
    let check = || gateway.edge_command(&["check", site.to_str().unwrap()]);
    let checked = check();
    assert_eq!(checked.code, 7, "{checked}");
    for words in [
        "keys/ca.pem: sink `siem` cannot use it: there is no certificate in it",
        "keys/none.key: sink `siem` cannot use it:",
    ] {
        assert!(checked.stderr.contains(words), "{words}: {checked}");
    }
    assert!(!checked.stderr.contains("keys/server.pem"), "{checked}");
    // Files that are sound and do not belong together.
    gateway.edit("edge.toml", "keys/ca.pem", "keys/issuer.pem");
    gateway.edit("edge.toml", "\"keys/none.key\"", "\"keys/issuer.key\"");
    let checked = check();
    assert_eq!(checked.code, 7, "{checked}");
    assert!(
        checked
            .stderr
            .contains("keys/server.pem: sink `siem` cannot use it"),
        "{checked}"
    );
    gateway.edit("edge.toml", "\"keys/issuer.key\"", "\"keys/server.key\"");
    let checked = check();
    assert_eq!(checked.code, 0, "{checked}");
}

#[test]
fn a_case_that_fails_is_a_problem_of_the_site() {
    let gateway = sample();
    gateway.edit("policy/groups.toml", "\"person/olga\"", "\"person/olaf\"");
    let checked = gateway.edge_command(&["check", gateway.site().to_str().unwrap()]);
    assert_eq!(checked.code, 7, "{checked}");
    assert!(
        checked
            .stderr
            .contains("the case `an operator sets the speed` fails"),
        "{checked}"
    );
    assert!(
        checked.stderr.contains("policy/tests/staff.toml:"),
        "{checked}"
    );
}

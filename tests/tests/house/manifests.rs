//! Rules about who depends on whom, read from the manifests and from what cargo resolves.

use crate::{hold, root, text};
use std::process::Command;
use toml_span::Value;

/// The arrows: each member and the crates of ours that it may name.
const ARROWS: [(&str, &[&str]); 5] = [
    ("protocols", &[]),
    ("broker", &["protocols"]),
    ("edge", &["protocols", "broker"]),
    ("client", &["protocols", "broker", "edge"]),
    ("tests", &["protocols", "broker", "edge", "client"]),
];

/// Our crates, by folder.
const CRATES: [(&str, &str); 5] = [
    ("protocols", "interlock-protocols"),
    ("broker", "interlock-broker"),
    ("edge", "interlock-edge"),
    ("client", "interlock"),
    ("tests", "interlock-tests"),
];

/// Features by which a crate that opens no socket would be able to.
const SOCKET_FEATURES: [&str; 2] = ["net", "full"];

/// One entry of any `…dependencies` table.
struct Dependency {
    name: String,
    features: Vec<String>,
}

fn parse(manifest: &str) -> Value<'_> {
    toml_span::parse(manifest).expect("a manifest that cargo reads")
}

/// All dependencies of a manifest: normal, dev, build, and those under a `target`.
fn dependencies(manifest: &Value<'_>) -> Vec<Dependency> {
    let mut found = Vec::new();
    let Some(table) = manifest.as_table() else {
        return found;
    };
    for (key, value) in table {
        if key.name.ends_with("dependencies") {
            for (name, spec) in value.as_table().into_iter().flatten() {
                let renamed = spec.pointer("/package").and_then(Value::as_str);
                let features = spec.pointer("/features").and_then(Value::as_array);
                found.push(Dependency {
                    name: renamed.unwrap_or(&name.name).to_owned(),
                    features: features
                        .into_iter()
                        .flatten()
                        .filter_map(|feature| Some(feature.as_str()?.to_owned()))
                        .collect(),
                });
            }
        } else if key.name == "target" {
            for (_, platform) in value.as_table().into_iter().flatten() {
                found.extend(dependencies(platform));
            }
        }
    }
    found
}

/// The arrows that this member's manifest breaks.
fn broken_arrows(member: &str, manifest: &str) -> Vec<String> {
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == member) else {
        return vec![format!(
            "{member} is a member that the house does not know: decide its arrows in tests/tests/house/manifests.rs"
        )];
    };
    let mut broken = Vec::new();
    for dependency in dependencies(&parse(manifest)) {
        let ours = CRATES.iter().find(|(_, name)| *name == dependency.name);
        if let Some((folder, _)) = ours
            && !allowed.contains(folder)
        {
            broken.push(format!(
                "{member}/Cargo.toml depends on {}, but {member} may depend on {allowed:?} of ours alone: arrows point one way",
                dependency.name
            ));
        }
    }
    broken
}

/// Who may name a crate that is reserved to some.
fn broken_reservations(member: &str, manifest: &str) -> Vec<String> {
    const RESERVED: [(&str, &[&str]); 3] = [
        ("cedar-policy", &["broker"]),
        ("sled", &["broker"]),
        ("tokio-modbus", &["client", "tests"]),
    ];
    let mut broken = Vec::new();
    for dependency in dependencies(&parse(manifest)) {
        for (name, members) in RESERVED {
            if dependency.name == name && !members.contains(&member) {
                broken.push(format!(
                    "{member}/Cargo.toml depends on {name}, which only {members:?} may"
                ));
            }
        }
        let no_sockets = member == "protocols" || member == "broker";
        for feature in &dependency.features {
            if no_sockets && SOCKET_FEATURES.contains(&feature.as_str()) {
                broken.push(format!(
                    "{member}/Cargo.toml takes {} with `{feature}`, but {member} opens no socket",
                    dependency.name
                ));
            }
        }
    }
    broken
}

/// A crate of ours without the workspace's lints would be under no lint at all.
fn without_lints(member: &str, manifest: &str) -> Option<String> {
    let taken = parse(manifest)
        .pointer("/lints/workspace")
        .and_then(Value::as_bool);
    (taken != Some(true)).then(|| {
        format!("{member}/Cargo.toml does not say `[lints] workspace = true`: the lint table holds for every crate")
    })
}

/// Folders of the members that the workspace lists.
fn members() -> Vec<String> {
    let manifest = text("Cargo.toml");
    let parsed = parse(&manifest);
    let listed = parsed
        .pointer("/workspace/members")
        .and_then(Value::as_array)
        .expect("the workspace lists its members");
    listed
        .iter()
        .filter_map(|member| Some(member.as_str()?.to_owned()))
        .collect()
}

/// Judges every member by one rule.
fn each(rule: impl Fn(&str, &str) -> Vec<String>) {
    let members = members();
    assert!(members.len() >= CRATES.len(), "{members:?}");
    let broken: Vec<String> = members
        .iter()
        .flat_map(|member| rule(member, &text(&format!("{member}/Cargo.toml"))))
        .collect();
    hold(&broken);
}

#[test]
fn arrows_point_one_way() {
    each(broken_arrows);
    let bad = "[target.'cfg(unix)'.dev-dependencies]\nb = { package = \"interlock-edge\", path = \"../edge\" }";
    assert_eq!(broken_arrows("broker", bad).len(), 1);
    assert_eq!(broken_arrows("client", bad).len(), 0);
    assert_eq!(broken_arrows("common", "").len(), 1);
}

#[test]
fn reserved_crates_are_named_by_their_owners_alone() {
    each(broken_reservations);
    let bad = "[dependencies]\ncedar-policy.workspace = true\ntokio = { workspace = true, features = [\"net\"] }";
    assert_eq!(broken_reservations("edge", bad).len(), 1);
    assert_eq!(broken_reservations("protocols", bad).len(), 2);
}

#[test]
fn every_crate_takes_the_lint_table() {
    each(|member, manifest| without_lints(member, manifest).into_iter().collect());
    assert!(without_lints("edge", "[lints.rust]\nunsafe_code = \"forbid\"").is_some());
}

/// Crates that are built here though the house does not want them.
fn unwanted(resolved: &str) -> Vec<String> {
    const UNWANTED: [(&str, &str); 3] = [
        ("ring", "aws-lc-rs is the one crypto provider"),
        ("openssl-sys", "TLS is rustls with aws-lc-rs"),
        ("native-tls", "TLS is rustls with aws-lc-rs"),
    ];
    let mut broken = Vec::new();
    for line in resolved.lines() {
        let name = line.split(' ').next().unwrap_or_default();
        for (crate_name, why) in UNWANTED {
            if name == crate_name {
                broken.push(format!("{line} is in the tree, but {why}: find who asks for it with `cargo tree -i {name} -e features`"));
            }
        }
    }
    broken
}

/// Cargo.lock also lists what other platforms would build, so this asks for what is built here;
/// deny.toml asks the same for the other platforms.
#[test]
fn there_is_one_crypto_provider() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--locked", "--offline"])
        .args([
            "--edges",
            "normal,build,dev",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let resolved = String::from_utf8_lossy(&tree.stdout);
    assert!(resolved.contains("interlock-protocols v"), "{resolved}");
    hold(&unwanted(&resolved));
    assert_eq!(
        unwanted("ring v0.17.14\nstring v1.0.0\nring v0.17.14 (*)").len(),
        2
    );
}

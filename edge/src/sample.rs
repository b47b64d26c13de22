//! The sample site: one source for `init`, the demo and the tests, in `deploy/site`.

/// The site's name in the sample plant.
pub const SITE: &str = "waterworks";
/// The gateway's name in the sample configuration.
pub const GATEWAY: &str = "gateway-1";

/// Every file of the sample, by its path inside the site directory.
pub const FILES: &[(&str, &str)] = &[
    ("edge.toml", include_str!("../../deploy/site/edge.toml")),
    ("plant.toml", include_str!("../../deploy/site/plant.toml")),
    (
        "policy/schema.cedarschema",
        include_str!("../../deploy/site/policy/schema.cedarschema"),
    ),
    (
        "policy/groups.toml",
        include_str!("../../deploy/site/policy/groups.toml"),
    ),
    (
        "policy/staff.cedar",
        include_str!("../../deploy/site/policy/staff.cedar"),
    ),
    (
        "policy/guards.cedar",
        include_str!("../../deploy/site/policy/guards.cedar"),
    ),
    (
        "policy/windows.cedar",
        include_str!("../../deploy/site/policy/windows.cedar"),
    ),
    (
        "policy/tests/staff.toml",
        include_str!("../../deploy/site/policy/tests/staff.toml"),
    ),
    (
        "policy/tests/guards.toml",
        include_str!("../../deploy/site/policy/tests/guards.toml"),
    ),
    (
        "policy/tests/windows.toml",
        include_str!("../../deploy/site/policy/tests/windows.toml"),
    ),
];

/// The files with other names of site and gateway in them, wherever the sample's stand.
pub(crate) fn named(site: &str, gateway: &str) -> Vec<(&'static str, String)> {
    let names = [
        (format!("site = \"{SITE}\""), format!("site = \"{site}\"")),
        (format!("Site::\"{SITE}\""), format!("Site::\"{site}\"")),
        (format!("spiffe://{SITE}/"), format!("spiffe://{site}/")),
        (
            format!("gateway = \"{GATEWAY}\""),
            format!("gateway = \"{gateway}\""),
        ),
    ];
    let renamed = |text: &str| {
        let text = text.to_owned();
        names
            .iter()
            .fold(text, |text, (old, new)| text.replace(old, new))
    };
    FILES
        .iter()
        .map(|(name, text)| (*name, renamed(text)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn files_below(dir: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files_below(&path, root, found);
            } else {
                found.push(
                    path.strip_prefix(root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned(),
                );
            }
        }
    }

    #[test]
    fn no_file_of_the_sample_is_forgotten() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/site");
        let mut found = Vec::new();
        files_below(&root, &root, &mut found);
        let mut named: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        found.sort();
        named.sort_unstable();
        assert_eq!(found, named);
    }

    #[test]
    fn another_name_replaces_every_mention_and_nothing_else() {
        for ((name, text), (_, renamed)) in FILES.iter().zip(named("harbour", "berth")) {
            let back = renamed.replace("harbour", SITE).replace("berth", GATEWAY);
            assert_eq!(&back, text, "{name}");
            for mention in [format!("\"{SITE}"), format!("/{SITE}"), GATEWAY.to_owned()] {
                assert!(!renamed.contains(&mention), "{name} still names {mention}");
            }
        }
        let same: Vec<(&str, String)> = named(SITE, GATEWAY);
        assert!(FILES.iter().zip(&same).all(|((_, a), (_, b))| a == b));
    }
}

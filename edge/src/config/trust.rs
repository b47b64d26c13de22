//! `[[trust]]`: whose word on clients counts, and for what.

use std::path::{Path, PathBuf};
use std::time::Duration;

use interlock_broker::authority::{Bindings, DeviceBinding, Listener, OWN_ISSUER};
use interlock_broker::document::{Section, Slot};
use interlock_broker::subject::{SubjectId, SubjectKind};

use crate::limits::{TRUST_STALE_MAX_H, TRUSTED_AUTHORITIES_MAX};

/// An authority of others, and the files it is known by. Somebody else refreshes these.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrustConfig {
    /// Its name: in `status`, in records and in the session's record.
    pub name: String,
    /// PEM file of its certificates; those of its intermediates may stand there as well.
    pub ca: PathBuf,
    /// PEM file of its revocation lists: one for each certificate in `ca`.
    pub crl: Option<PathBuf>,
    /// How old these may be before its word is stale; `None`: as long as the revocation lists say
    /// of themselves.
    pub stale_after: Option<Duration>,
    /// What it is trusted for.
    pub bindings: Bindings,
}

const KINDS: [(&str, SubjectKind); 3] = [
    ("person", SubjectKind::Person),
    ("vendor", SubjectKind::Vendor),
    ("workload", SubjectKind::Workload),
];

impl TrustConfig {
    pub(super) fn read(dir: &Path, section: &mut Section<'_>) -> Option<TrustConfig> {
        let name = section.required("name").name();
        let ca = section.required("ca").text();
        let crl = section.optional("crl").text();
        let stale_after_h = section
            .optional("stale_after_h")
            .integer(1..=TRUST_STALE_MAX_H);
        let bindings = bindings(section);
        let name = name?;
        if [OWN_ISSUER, "approvers", "plant"].contains(&name.as_str()) {
            section.fault(
                "name",
                format!("`{name}` is the name of something else that is trusted"),
                "records and sessions name their authority by it: choose another one",
            );
            return None;
        }
        Some(TrustConfig {
            name,
            ca: dir.join(ca?),
            crl: crl.map(|crl| dir.join(crl)),
            stale_after: stale_after_h.map(|hours| Duration::from_secs(hours * 3_600)),
            bindings: bindings?,
        })
    }
}

fn bindings(section: &mut Section<'_>) -> Option<Bindings> {
    let listeners = section
        .required("listeners")
        .list(|slot| slot.word(&[("quic", Listener::Quic)]));
    let kinds = section.required("kinds").list(|slot| slot.word(&KINDS));
    let paths = section.required("paths").list(path);
    let believed = section
        .optional("device_binding")
        .word(&[("subject", DeviceBinding::Subject)]);
    let without_device = section.optional("without_device").boolean();
    let bindings = Bindings {
        listeners: listeners?,
        kinds: kinds?,
        paths: paths?,
        device: believed.unwrap_or(DeviceBinding::None),
        without_device: without_device.unwrap_or(false),
    };
    judge(section, &bindings).then_some(bindings)
}

/// What is bound so that nobody comes in by it is a mistake, and so is what opens more than it
/// seems to.
fn judge(section: &Section<'_>, bindings: &Bindings) -> bool {
    let mut sound = true;
    let mut fault = |key: &str, what: String, hint: &str| {
        section.fault(key, what, hint);
        sound = false;
    };
    for (key, is_empty) in [
        ("listeners", bindings.listeners.is_empty()),
        ("kinds", bindings.kinds.is_empty()),
        ("paths", bindings.paths.is_empty()),
    ] {
        if is_empty {
            fault(
                key,
                format!("`{key}` is empty: nobody could come in by this authority"),
                "name at least one, or take the whole table out",
            );
        }
    }
    let of_kind = |path: &str, kind: &SubjectKind| path.starts_with(&format!("{kind}/"));
    for path in &bindings.paths {
        if !bindings.kinds.iter().any(|kind| of_kind(path, kind)) {
            fault(
                "paths",
                format!("`{path}` belongs to none of `kinds`, so nobody could come in by it"),
                "add its kind, or take the path out",
            );
        }
    }
    for kind in &bindings.kinds {
        if !bindings.paths.iter().any(|path| of_kind(path, kind)) {
            fault(
                "kinds",
                format!("no path of `paths` belongs to `{kind}`, so none could come in"),
                "add a path such as \"workload/\", or take the kind out",
            );
        }
    }
    if bindings.without_device
        && bindings
            .kinds
            .iter()
            .any(|kind| *kind != SubjectKind::Workload)
    {
        fault(
            "without_device",
            "people and vendors come in with a proof of their machine alone".to_owned(),
            "a certificate that was stolen from one of them would be all it takes: make a table \
             of its own for workloads",
        );
    }
    if !bindings.without_device && bindings.device == DeviceBinding::None {
        fault(
            "kinds",
            "no certificate of this authority would name a machine, so none opens a session"
                .to_owned(),
            "where it writes serialNumber and description as the gateway's own issuer does, say \
             device_binding = \"subject\"; for workloads without a machine of their own say \
             without_device = true",
        );
    }
    sound
}

/// `workload/`, `vendor/acme/` or one whole path.
fn path(slot: Slot<'_>) -> Option<String> {
    slot.text_as(|text| {
        let whole = match text.strip_suffix('/') {
            None => text.to_owned(),
            // What stands below is one name, or for a whole kind of vendors two.
            Some("vendor") => "vendor/any/any".to_owned(),
            Some(above) => format!("{above}/any"),
        };
        match SubjectId::parse_at("any", &whole) {
            Ok(subject) if subject.path() == whole => Ok(text.to_owned()),
            _ => Err((
                "nobody has such a path".to_owned(),
                "write \"person/\", \"vendor/FIRM/\" or \"workload/\" for all below, or one whole \
                 path such as \"workload/historian\""
                    .to_owned(),
            )),
        }
    })
}

/// What is wrong with all of them together.
pub(super) fn judge_all(root: &Section<'_>, own_issuer: bool, trust: &[TrustConfig]) {
    let mut names: Vec<&str> = trust.iter().map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    if let Some([name, _]) = names.array_windows().find(|[one, other]| one == other) {
        root.fault(
            "trust",
            format!("two authorities are called `{name}`"),
            "records and sessions name their authority by it; give each another one",
        );
    }
    if trust.len() > TRUSTED_AUTHORITIES_MAX {
        root.fault(
            "trust",
            format!("there are {} authorities, and at most {TRUSTED_AUTHORITIES_MAX} are tried at each handshake", trust.len()),
            "put what is trusted for the same into one file",
        );
    }
    if !own_issuer && trust.is_empty() {
        root.fault(
            "issuer",
            "without the own issuer and without any [[trust]] nobody could come in",
            "enable it, or add the authority that is to stand in for it",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const BASE: &str = "gateway = \"g\"\n[listen]\nquic = \"127.0.0.1:4433\"\n";
    const SPIRE: &str = "[[trust]]\nname = \"spire\"\nca = \"trust/spire.pem\"\n\
                         listeners = [\"quic\"]\nkinds = [\"workload\"]\n\
                         paths = [\"workload/\"]\nwithout_device = true\n";

    fn read(text: &str) -> Result<Config, Vec<String>> {
        let config = Config::parse(Path::new("/site"), &format!("{BASE}{text}"));
        config.map_err(|found| found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn without_a_word_the_own_issuer_alone_is_trusted() {
        let config = read("").unwrap();
        assert!(config.own_issuer() && config.trust().is_empty());
    }

    #[test]
    fn what_is_said_of_an_authority_is_taken() {
        let text = format!(
            "[issuer]\nenabled = false\n{SPIRE}crl = \"/pki/spire.crl\"\nstale_after_h = 48\n"
        );
        let config = read(&text).unwrap();
        assert!(!config.own_issuer());
        let [spire] = config.trust() else {
            panic!("one authority");
        };
        assert_eq!(spire.ca, Path::new("/site/trust/spire.pem"));
        assert_eq!(spire.crl.as_deref(), Some(Path::new("/pki/spire.crl")));
        assert_eq!(spire.stale_after, Some(Duration::from_secs(48 * 3_600)));
        let bindings = &spire.bindings;
        assert_eq!(bindings.kinds, [SubjectKind::Workload]);
        assert_eq!(bindings.paths, ["workload/"]);
        assert!(bindings.without_device && bindings.device == DeviceBinding::None);
    }

    #[test]
    fn each_mistake_is_told_with_what_comes_of_it() {
        for (from, to, what) in [
            ("\"spire\"", "\"issuer\"", "something else that is trusted"),
            (
                "\"spire\"",
                "\"approvers\"",
                "something else that is trusted",
            ),
            ("[\"quic\"]", "[]", "nobody could come in"),
            ("[\"quic\"]", "[\"tls\"]", "quic"),
            ("[\"workload\"]", "[\"machine\"]", "workload"),
            ("[\"workload\"]", "[\"workload\", \"vendor\"]", "no path"),
            (
                "[\"workload/\"]",
                "[\"workload/\", \"person/\"]",
                "none of `kinds`",
            ),
            ("\"workload/\"", "\"workload\"", "nobody has such a path"),
            ("\"workload/\"", "\"/\"", "nobody has such a path"),
            (
                "\"workload/\"",
                "\"workload/a/b/\"",
                "nobody has such a path",
            ),
            (
                "\"workload/\"",
                "\"workload/../person/olga\"",
                "nobody has such a path",
            ),
            (
                "\"workload/\"",
                "\"spiffe://any/workload/a\"",
                "nobody has such a path",
            ),
            ("without_device = true\n", "", "names a machine"),
            (
                "without_device = true",
                "device_binding = \"serial\"",
                "subject",
            ),
            (
                "without_device = true",
                "without_devices = true",
                "without_device",
            ),
            (
                "without_device",
                "stale_after_h = 0\nwithout_device",
                "stale_after_h",
            ),
        ] {
            let found = read(&SPIRE.replace(from, to)).unwrap_err().join("\n");
            let what = what.replace("names a machine", "name a machine");
            assert!(found.contains(&what), "{to}: {found}");
        }
        let people = SPIRE
            .replace("[\"workload\"]", "[\"person\"]")
            .replace("\"workload/\"", "\"person/\"");
        let found = read(&people).unwrap_err().join("\n");
        assert!(found.contains("a proof of their machine alone"), "{found}");
        let bound = people.replace("without_device = true", "device_binding = \"subject\"");
        assert!(read(&bound).is_ok());
    }

    #[test]
    fn what_all_of_them_come_to_is_judged() {
        let found = read(&SPIRE.repeat(2)).unwrap_err().join("\n");
        assert!(
            found.contains("two authorities are called `spire`"),
            "{found}"
        );
        let none = read("[issuer]\nenabled = false\n").unwrap_err().join("\n");
        assert!(none.contains("nobody could come in"), "{none}");
        let many: String = (0..=TRUSTED_AUTHORITIES_MAX)
            .map(|number| SPIRE.replace("\"spire\"", &format!("\"spire-{number}\"")))
            .collect();
        let found = read(&many).unwrap_err().join("\n");
        assert!(found.contains("at most"), "{found}");
    }

    #[test]
    fn vendors_are_bound_by_firm() {
        let acme = SPIRE
            .replace("[\"workload\"]", "[\"vendor\"]")
            .replace("without_device = true", "device_binding = \"subject\"");
        for (path, passes) in [
            ("vendor/", true),
            ("vendor/acme/", true),
            ("vendor/acme/victor", true),
            ("vendor/acme", false),
            ("vendor/acme/victor/", false),
        ] {
            let text = acme.replace("\"workload/\"", &format!("\"{path}\""));
            assert_eq!(read(&text).is_ok(), passes, "{path}");
        }
    }
}

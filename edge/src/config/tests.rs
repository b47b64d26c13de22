//! What the file may say of the log, its sinks, its witness and its metrics; and that every fault
//! of it is reported, each with its line.

use std::path::Path;
use std::time::Duration;

use interlock_broker::finding::Finding;
use interlock_broker::posture::ManagementSecret;

use super::*;

const BASE: &str = "gateway = \"g\"\n[listen]\nquic = \"127.0.0.1:4802\"\n";

fn parsed(rest: &str) -> Result<Config, Vec<Finding>> {
    Config::parse(Path::new("site"), &format!("{BASE}{rest}"))
}

/// The one finding, as a person reads it.
fn fault(rest: &str) -> String {
    let findings = parsed(rest).err().unwrap_or_default();
    let [finding] = findings.as_slice() else {
        panic!("one finding, and not {findings:?}, of {rest}");
    };
    finding.to_string()
}

fn sink(name: &str, kind: &str) -> String {
    format!(
        "[[sink]]\nname = \"{name}\"\nkind = \"{kind}\"\naddress = \"siem.example:6514\"\n\
         ca = \"sinks/ca.pem\"\ncertificate = \"c.pem\"\nkey = \"c.key\"\n"
    )
}

#[test]
fn what_is_left_out_has_a_sensible_value() {
    let config = parsed("").unwrap();
    let journal = config.journal();
    assert_eq!(journal.directory, Path::new("site/journal"));
    assert_eq!(journal.budget_bytes, 4096 << 20);
    assert!(journal.reserve_bytes > journal.budget_bytes / 11);
    assert_eq!(journal.warn_percent, [50, 80]);
    assert_eq!(journal.retention, Duration::from_secs(365 * 24 * 3600));
    assert_eq!(journal.when_full, WhenFull::Refuse);
    assert!(config.sinks().is_empty());
    assert_eq!((config.witness(), config.metrics()), (None, None));
}

#[test]
fn what_is_said_is_taken() {
    let text = "[journal]\ndirectory = \"log\"\nsegment_mib = 1\nbudget_mib = 8\nreserve_percent = 20\n\
                warn_percent = [70]\nretention_days = 0\nwhen_full = \"overwrite\"\n\
                [metrics]\nlisten = \"[::1]:9464\"\n";
    let sinks = sink("fleet", "nats") + &sink("siem", "syslog-zeek") + "required = false\n";
    let config = parsed(&format!("{text}{sinks}")).unwrap();
    let journal = config.journal();
    assert_eq!(journal.directory, Path::new("site/log"));
    assert_eq!(
        (journal.segment_bytes, journal.budget_bytes),
        (1 << 20, 8 << 20)
    );
    assert_eq!(journal.reserve_bytes, (8 << 20) / 100 * 20);
    assert_eq!(journal.retention, Duration::ZERO);
    assert_eq!(journal.when_full, WhenFull::Overwrite);
    assert!(config.metrics().is_some());
    let [fleet, siem] = config.sinks() else {
        panic!("two sinks");
    };
    assert_eq!((fleet.kind, fleet.required), (SinkKind::Nats, true));
    assert_eq!(fleet.tls.server_name, "siem.example");
    assert_eq!(fleet.tls.ca, Path::new("site/sinks/ca.pem"));
    assert_eq!((siem.kind, siem.required), (SinkKind::SyslogZeek, false));
}

#[test]
fn each_fault_is_told_with_its_line() {
    let metrics = "[metrics]\nlisten = \"10.0.0.1:9464\"\n";
    for (text, line, what) in [
        ("[journal]\nbudget_mib = 1\n", 5, "budget_mib"),
        (
            "[journal]\nsegment_mib = 4\nbudget_mib = 8\n",
            6,
            "four segments",
        ),
        ("[journal]\nreserve_percent = 60\n", 5, "reserve_percent"),
        ("[journal]\nwarn_percent = [0]\n", 5, "warn_percent"),
        ("[journal]\nretention_days = -1\n", 5, "retention_days"),
        ("[journal]\nwhen_full = \"panic\"\n", 5, "refuse"),
        ("[journal]\nbugdet_mib = 8\n", 5, "budget_mib"),
        (metrics, 5, "loopback"),
        (
            "[witness]\naddress = \"w:1\"\nkey = \"nonsense\"\n",
            6,
            "witness",
        ),
    ] {
        let told = fault(text);
        let place = format!("site/edge.toml:{line}:");
        assert!(told.starts_with(&place) && told.contains(what), "{told}");
    }
    let twice = fault(&(sink("siem", "nats") + &sink("siem", "syslog-ocsf")));
    assert!(twice.contains("two sinks are called `siem`"), "{twice}");
    let kind = fault(&sink("siem", "kafka"));
    assert!(kind.contains("syslog-ocsf"), "{kind}");
    let many = parsed("[journal]\nbudget_mib = 1\nwhen_full = \"x\"\n[metrics]\nlisten = \"x\"\n");
    assert_eq!(many.err().unwrap_or_default().len(), 3, "all at once");
}

#[test]
fn whose_word_on_a_machine_counts_and_for_how_long() {
    let usual = parsed("").unwrap();
    assert_eq!(usual.posture().lease, Duration::from_secs(600));
    assert_eq!(
        usual.posture().management_max_age,
        Duration::from_secs(86_400)
    );
    assert!(usual.posture().management.is_empty());
    let secret = ManagementSecret::generate("mdm-1").unwrap();
    let key = secret.public().text();
    let said = parsed(&format!(
        "[posture]\nlease_s = 30\nmanagement_max_age_h = 2\n[[posture.management]]\nkey = \"{key}\"\n"
    ))
    .unwrap();
    assert_eq!(said.posture().lease, Duration::from_secs(30));
    assert_eq!(
        said.posture().management_max_age,
        Duration::from_secs(7_200)
    );
    assert_eq!(said.posture().management, [secret.public()]);
    let key = |text: &str| format!("[[posture.management]]\nkey = \"{text}\"\n");
    for (text, words) in [
        ("[posture]\nlease_s = 1\n".to_owned(), "2 to 3600"),
        (
            "[posture]\nmanagement_max_age_h = 0\n".to_owned(),
            "1 to 744",
        ),
        (key("mdm-1"), "interlock posture key"),
        (key(secret.secret_text().trim()), "another kind"),
    ] {
        let fault = fault(&text);
        assert!(fault.contains(words), "{fault}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_key_switch_is_said_whole_or_not_at_all() {
    let root = interlock_broker::root::RootSecret::generate("site").unwrap();
    let root = format!("[root]\nkey = \"{}\"\n", root.public());
    let switch = "[break_glass]\nchip = \"/dev/gpiochip0\"\nline = 17\nactive = \"low\"\n";
    let config = parsed(&format!("{root}{switch}")).unwrap();
    let configured = SwitchConfig {
        chip: "/dev/gpiochip0".into(),
        line: 17,
        active: Active::Low,
    };
    assert_eq!(config.key_switch(), Some(&configured));
    assert_eq!(parsed(&root).unwrap().key_switch(), None);
    assert!(fault(switch).contains("no site root"));
    for (before, after, what) in [
        ("\"/dev/gpiochip0\"", "\"gpiochip0\"", "that is no device"),
        ("17", "-1", "out of range"),
        ("\"low\"", "\"on\"", "that word is not known"),
        ("line = 17\n", "", "`line` is missing"),
        ("active", "activ", "did you mean `active`"),
    ] {
        let text = format!("{root}{}", switch.replace(before, after));
        assert!(fault(&text).contains(what), "{what}: {}", fault(&text));
    }
}

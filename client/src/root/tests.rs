use interlock_broker::root::ApproverKey;

use super::*;
use interlock_protocols::root::SIGNATURE_BYTES;

fn said(bytes: &[u8], root: Option<&str>) -> Result<String, String> {
    let rows = rows(bytes, root)?;
    let line = |row: &Said| format!("{}: {}\n", row.what, row.says);
    Ok(rows.iter().map(line).collect())
}

#[test]
fn a_root_signs_what_it_was_given_and_its_key_is_the_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("root");
    init(&dir, "waterworks").unwrap();
    let key = dir.join(SECRET);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&key), mode(&dir)), (0o600, 0o700));
    }
    assert!(init(&dir, "waterworks").is_err(), "it overwrote a root");
    let secret = RootSecret::parse(&fs::read_to_string(&key).unwrap()).unwrap();
    let public = secret.public().to_string();

    let plant = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/site/plant.toml");
    let mut asked = Signing {
        file: plant,
        key,
        serial: 4,
        out: dir.join("plant.signed"),
    };
    let signed = asked.plant().unwrap();
    let shown = said(&signed, Some(&public)).unwrap();
    assert!(
        shown.starts_with("kind: plant\nsite: waterworks\nnumber: 4\nSHA-256"),
        "{shown}"
    );
    let mut altered = signed;
    // The last byte before the signature is the last of the plant's hash.
    let last = altered.len() - SIGNATURE_BYTES - 1;
    altered[last] ^= 1;
    assert!(said(&altered, Some(&public)).is_err());
    assert!(
        said(&altered, None).is_ok(),
        "without a root it is only read"
    );

    asked.file = dir.join("approvers.toml");
    let ann = ApproverKey::generate("ann").unwrap().public_text();
    let list = format!(
        "[[approver]]\nsubject = \"person/ann\"\nname = \"Ann\"\nsince = \"2026-11-01\"\nkey = \"{ann}\"\n"
    );
    fs::write(&asked.file, list).unwrap();
    let signed = asked.approvers().unwrap();
    let shown = said(&signed, Some(&public)).unwrap();
    assert!(
        shown.contains("approver: spiffe://waterworks/person/ann (Ann), since 2026-11-01 00:00"),
        "{shown}"
    );
    // A list is no plant.
    assert!(asked.plant().is_err());
    let other = RootSecret::generate("waterworks")
        .unwrap()
        .public()
        .to_string();
    assert!(said(&signed, Some(&other)).is_err());
}

#[test]
fn a_root_signs_no_plant_of_another_site() {
    let folder = tempfile::tempdir().unwrap();
    init(folder.path(), "harbour").unwrap();
    let asked = Signing {
        file: Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/site/plant.toml"),
        key: folder.path().join(SECRET),
        serial: 1,
        out: folder.path().join("plant.signed"),
    };
    let failure = asked.plant().unwrap_err();
    assert!(failure.what().contains("`harbour`"), "{failure}");
}

fn sealing(dir: &Path) -> Vec<String> {
    let plant = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/site/plant.toml");
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let asked = [
        ("--gateway", "gate-1"),
        ("--device", "press-4"),
        ("--points", "speed_setpoint,run"),
        ("--functions", "write-register,write-coil"),
        ("--limit", "speed_setpoint=0..300"),
        ("--open-for", "2h"),
        ("--valid-from", "2026-01-01T00:00:00Z"),
        ("--valid-until", "2027-06-01T00:00:00Z"),
    ];
    let asked = asked.map(|(name, value)| [name.to_owned(), value.to_owned()]);
    let files = [
        ["--plant".to_owned(), path(&plant)],
        ["--key".to_owned(), path(&dir.join(SECRET))],
        ["--out".to_owned(), path(&dir.join("press-4.sealed"))],
    ];
    asked.into_iter().chain(files).flatten().collect()
}

fn seal(asked: &[String]) -> Result<(), Failure> {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        seal: super::seal::Seal,
    }
    let words = std::iter::once("seal").chain(asked.iter().map(String::as_str));
    let line = <Line as clap::Parser>::try_parse_from(words).unwrap();
    super::seal::run(&line.seal)
}

#[test]
fn a_sealed_grant_says_what_it_was_asked_and_is_the_roots_alone() {
    let folder = tempfile::tempdir().unwrap();
    init(folder.path(), "waterworks").unwrap();
    seal(&sealing(folder.path())).unwrap();
    let sealed = fs::read(folder.path().join("press-4.sealed")).unwrap();
    let secret = fs::read_to_string(folder.path().join(SECRET)).unwrap();
    let public = RootSecret::parse(&secret).unwrap().public().to_string();
    let shown = said(&sealed, Some(&public)).unwrap();
    let expected = "kind: break-glass\nsite: waterworks\ngateway: gate-1\ndevice: press-4\n\
         valid: Thu 2026-01-01 00:00 +00:00 to Tue 2027-06-01 00:00 +00:00\nopen for: 2 h 0 min\n\
         writes: 1000 at the most\n\
         point: unit 255, coil 0 (00001), bool: read-coils, write-coil, raw 0 to 1\n\
         point: unit 255, holding 100 (40101), u16: read-holding-registers, write-register, raw 0 to 3000\n\
         SHA-256 of plant.toml: ";
    assert!(shown.starts_with(expected), "{shown}");
    let other = RootSecret::generate("waterworks").unwrap();
    let other = other.public().to_string();
    assert!(said(&sealed, Some(&other)).is_err());
    assert!(
        said(&sealed, None).is_ok(),
        "without a root it is only read"
    );
    // Not over another one.
    assert!(seal(&sealing(folder.path())).is_err());
}

#[test]
fn what_cannot_be_sealed_is_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    init(folder.path(), "waterworks").unwrap();
    let with = |name: &str, value: &str| {
        let mut asked = sealing(folder.path());
        let at = asked.iter().position(|word| word == name).unwrap();
        asked[at + 1] = value.to_owned();
        seal(&asked).unwrap_err().to_string()
    };
    for (name, value, why) in [
        ("--gateway", "Gate 1", "no name of a gateway"),
        ("--device", "press-5", "no device `press-5`"),
        ("--points", "sped", "no point `sped`"),
        ("--functions", "write-everything", "write-everything"),
        ("--limit", "speed_setpoint=0..1300", "never more"),
        ("--open-for", "2d", "24 hours"),
        (
            "--valid-from",
            "2027-06-01T00:00:00Z",
            "1 second to 732 days",
        ),
        (
            "--valid-from",
            "2028-06-01T00:00:00Z",
            "ends before it begins",
        ),
        ("--valid-until", "2026-02-01T00:00:00Z", "over already"),
        (
            "--valid-until",
            "2036-02-01T00:00:00Z",
            "1 second to 732 days",
        ),
    ] {
        let text = with(name, value);
        assert!(text.contains(why), "{name} {value}: {text}");
    }
    assert!(!folder.path().join("press-4.sealed").exists());
}

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

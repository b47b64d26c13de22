//! What an approver keeps, and what is refused.

use interlock_broker::root::RootSecret;

use super::*;

/// The plant of the sample.
pub(crate) fn sample() -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/site/plant.toml");
    fs::read(file).unwrap()
}

pub(crate) fn root() -> RootSecret {
    RootSecret::generate("waterworks").unwrap()
}

/// Puts a signed plant into a profile.
pub(crate) fn keep(
    folder: &Path,
    root: &RootSecret,
    plant: &[u8],
    serial: u64,
) -> Result<(), Failure> {
    let beside = tempfile::tempdir().unwrap();
    let asked = Trust {
        root: root.public().to_string(),
        plant: beside.path().join("plant.toml"),
        signed: beside.path().join("plant.signed"),
    };
    fs::write(&asked.plant, plant).unwrap();
    fs::write(&asked.signed, root.sign_plant(plant, serial).unwrap()).unwrap();
    trust(&asked, folder)
}

#[test]
fn a_signed_plant_is_kept_and_verified_again_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, root) = (folder.path(), root());
    let none = Trusted::open(folder).unwrap_err();
    assert!(none.next().contains("interlock approver trust"), "{none}");
    keep(folder, &root, &sample(), 4).unwrap();
    let trusted = Trusted::open(folder).unwrap();
    assert_eq!(
        (trusted.serial(), trusted.plant().site()),
        (4, "waterworks")
    );
    // Whatever of it is altered, all of it is refused.
    for name in ["root.pub", "plant.toml", "plant.signed"] {
        let file = folder.join(name);
        let good = fs::read(&file).unwrap();
        let mut altered = good.clone();
        altered[20] ^= 1;
        fs::write(&file, altered).unwrap();
        assert!(Trusted::open(folder).is_err(), "{name} was altered");
        fs::remove_file(&file).unwrap();
        assert!(Trusted::open(folder).is_err(), "{name} is gone");
        fs::write(&file, good).unwrap();
    }
    assert!(Trusted::open(folder).is_ok());
}

#[test]
fn only_a_later_plant_of_the_same_root_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, root) = (folder.path(), root());
    keep(folder, &root, &sample(), 4).unwrap();
    let mut changed = sample();
    changed.extend(b"\n# changed\n");
    for (root, plant, serial, words) in [
        (&self::root(), sample(), 5, "trusts the root"),
        (&root, sample(), 3, "number 4 is kept already"),
        (&root, changed.clone(), 4, "number 4 is kept already"),
        (&root, b"site = 7".to_vec(), 5, "site"),
    ] {
        let failure = keep(folder, root, &plant, serial).unwrap_err();
        assert_eq!(failure.kind(), Kind::Configuration);
        assert!(failure.what().contains(words), "{failure}");
        assert_eq!(Trusted::open(folder).unwrap().serial(), 4);
    }
    keep(folder, &root, &changed, 5).unwrap();
    assert_eq!(Trusted::open(folder).unwrap().serial(), 5);
    let elsewhere = RootSecret::generate("harbour").unwrap();
    let other = tempfile::tempdir().unwrap();
    let failure = keep(other.path(), &elsewhere, &sample(), 1).unwrap_err();
    assert!(failure.what().contains("harbour"), "{failure}");
}

#[test]
fn a_grant_key_is_found_in_the_profile_and_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let setting = Setting {
        profile: Some(folder.path().to_owned()),
        pin_file: None,
        format: screen::Format::Table,
    };
    let none = key(None, folder.path()).unwrap_err();
    assert!(none.next().contains("interlock approver key"), "{none}");
    make(None, "ann", &setting).unwrap();
    assert!(make(None, "ann", &setting).is_err(), "it overwrote a key");
    let made = key(None, folder.path()).unwrap();
    assert!(
        made.public_text().starts_with("ann/grant+"),
        "{}",
        made.public_text()
    );
    let file = folder.path().join(GRANT_KEY);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(key(None, folder.path()).is_err(), "others can read it");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::write(&file, root().to_secret_text()).unwrap();
    let other = key(Some(&file), folder.path()).unwrap_err();
    assert!(other.what().contains("waterworks/root"), "{other}");
}

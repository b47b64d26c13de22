use super::*;
use crate::keys::Place;

/// The keys of a machine and its owner, and the first session's.
struct Made {
    device: Key,
    authenticator: Key,
    session: FileKey,
}

impl Made {
    fn new() -> Made {
        let key = || FileKey::generate().unwrap();
        Made {
            device: Key::File(key()),
            authenticator: Key::File(key()),
            session: key(),
        }
    }

    fn create(&self, folder: &Path) -> Result<Profile, Failure> {
        Profile::create(
            folder,
            &NewProfile {
                gateway: "127.0.0.1:4802",
                server_name: "gateway.waterworks",
                subject: "spiffe://waterworks/person/olga",
                identity_port: Some(4803),
                gateway_ca: "the authority\n",
                certificate: "the certificate\n",
                session: &self.session,
                device: &self.device,
                authenticator: &self.authenticator,
            },
        )
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_profile_that_was_made_is_read_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("a/profile");
    let made = Made::new();
    let profile = made.create(&folder).unwrap();
    assert_eq!(profile, Profile::open(&folder).unwrap());
    assert_eq!(profile.gateway(), "127.0.0.1:4802");
    assert_eq!(profile.server_name(), "gateway.waterworks");
    assert_eq!(profile.subject(), Some("spiffe://waterworks/person/olga"));
    assert_eq!(profile.identity_port(), Some(4803));
    assert_eq!(profile.posture_statement(), None);
    for (place, key) in [
        (profile.device(), &made.device),
        (profile.authenticator(), &made.authenticator),
    ] {
        assert_eq!(place.open().unwrap().spki(), key.spki());
    }
    assert_eq!(profile.session_key().unwrap().spki(), made.session.spki());
    let all = [
        "authenticator.key",
        "client.pem",
        "device.key",
        "gateway-ca.pem",
        "profile.toml",
    ];
    assert_eq!(names(&folder), all);
}

#[cfg(unix)]
#[test]
fn its_owner_alone_can_read_the_keys() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("profile");
    let profile = Made::new().create(&folder).unwrap();
    profile
        .renew("another\n", &FileKey::generate().unwrap())
        .unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for name in ["authenticator.key", "device.key", "client.pem"] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
}

#[test]
fn nothing_is_overwritten_and_what_was_begun_is_brought_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new();
    // A machine that waits for somebody to confirm it has its keys already.
    keep(folder.path(), DEVICE, &made.device).unwrap();
    let other = Made::new().create(folder.path()).unwrap_err();
    assert!(other.what().contains("device.key"), "{other}");
    assert_eq!(names(folder.path()), ["device.key"]);
    made.create(folder.path()).unwrap();
    let again = made.create(folder.path()).unwrap_err();
    assert_eq!(again.kind(), Kind::Configuration);
    assert!(again.what().contains("already"), "{again}");
}

#[test]
fn a_new_certificate_comes_with_its_key_and_leaves_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new();
    let profile = made.create(folder.path()).unwrap();
    let before = fs::read_to_string(folder.path().join(FILE)).unwrap();
    let session = FileKey::generate().unwrap();
    // What an earlier attempt left behind is in nobody's way.
    fs::write(folder.path().join("client.part"), "half").unwrap();
    profile.renew("the second\n", &session).unwrap();
    let credential = fs::read_to_string(folder.path().join(CREDENTIAL)).unwrap();
    assert!(credential.ends_with("the second\n") && !credential.contains("the certificate"));
    assert_eq!(profile.session_key().unwrap().spki(), session.spki());
    assert_eq!(
        fs::read_to_string(folder.path().join(FILE)).unwrap(),
        before
    );
    let Place::File(device) = profile.device() else {
        panic!("a key in a file");
    };
    assert_eq!(FileKey::open(device).unwrap().spki(), made.device.spki());
    assert_eq!(names(folder.path()).len(), 5);
}

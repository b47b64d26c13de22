use super::*;

fn asked(authenticator: &str, module: Option<&str>, label: Option<&str>) -> Enroll {
    Enroll {
        join: String::new(),
        authenticator: authenticator.to_owned(),
        device_key: "file".to_owned(),
        module: module.map(PathBuf::from),
        token_label: label.map(str::to_owned),
        machine: None,
    }
}

fn placed(asked: &Enroll) -> Result<Place, Failure> {
    let kept = Kept::beside(Path::new("/home/olga/.config/interlock")).unwrap();
    let pin = PinFrom::Person;
    place(asked, &asked.authenticator, "authenticator", &kept, &pin)
}

#[test]
fn a_key_is_put_where_the_command_line_says() {
    let file = placed(&asked("file", None, None)).unwrap();
    let beside = "/home/olga/.config/interlock.enrolling/authenticator.key";
    assert_eq!(file, Place::File(beside.into()));

    let token = placed(&asked("token", Some("/lib/m.so"), Some("olga"))).unwrap();
    let Place::Token { key, .. } = token else {
        panic!("{token:?}");
    };
    let uri = "pkcs11:token=olga;object=interlock-authenticator";
    assert_eq!(key.to_string(), uri);
    let named = placed(&asked(uri, Some("/lib/m.so"), None)).unwrap();
    assert!(matches!(named, Place::Token { key: again, .. } if again == key));
}

#[test]
fn what_is_not_clear_is_asked_for() {
    for (asked, word) in [
        (asked("token", None, Some("olga")), "--module"),
        (asked("token", Some("/lib/m.so"), None), "--token-label"),
        (
            asked("pkcs11:token=t", Some("/lib/m.so"), None),
            "no object",
        ),
        (asked("pkcs11:token=t;object=k", None, None), "module"),
        (asked("tpm", None, None), "write file, token"),
    ] {
        let failure = placed(&asked).unwrap_err();
        assert_eq!(failure.kind(), Kind::Usage);
        assert!(failure.to_string().contains(word), "{failure}");
    }
}

#[test]
fn a_second_run_has_the_same_keys_and_leaves_a_finished_profile_alone() {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("profile");
    let kept = Kept::beside(&profile).unwrap();
    let keys = || {
        let [device, authenticator] =
            ["device", "authenticator"].map(|name| Place::File(kept.file(name)));
        kept.keys(&device, &authenticator).unwrap()
    };
    let (first, second) = (keys(), keys());
    assert_eq!(first.session.spki(), second.session.spki());
    assert_eq!(first.device.spki(), second.device.spki());
    assert_eq!(first.authenticator.spki(), second.authenticator.spki());
    assert!(kept.finished(&profile).unwrap().is_none());
    assert!(!profile.exists(), "nothing of a profile is there yet");

    let new = |session| NewProfile {
        gateway: "127.0.0.1:4802",
        server_name: "gateway-1.waterworks",
        subject: "spiffe://waterworks/person/olga",
        identity_port: Some(4803),
        gateway_ca: "ca",
        certificate: "certificate",
        session,
        device: &first.device,
        authenticator: &first.authenticator,
    };
    Profile::create(&profile, &new(&first.session)).unwrap();
    // Stopped before it could clean up: the profile is the one of these keys.
    assert!(kept.finished(&profile).unwrap().is_some());
    kept.remove();
    let other = kept.finished(&profile).unwrap_err();
    assert!(other.next().contains("interlock login"), "{other}");
}

#[test]
fn a_machine_has_a_name_that_a_screen_can_show() {
    assert_eq!(machine(Some("laptop 7")).unwrap(), "laptop 7");
    for name in ["", "a\nb", &"m".repeat(MACHINE_NAME_MAX_BYTES + 1)] {
        assert_eq!(machine(Some(name)).unwrap_err().kind(), Kind::Usage);
    }
}

//! What certificates say, and whom their authorities may vouch for.

use super::*;
use crate::clock::Mono;
use crate::subject::{Identity, NoIdentity};
use interlock_protocols::identity::{AuthStrength, KeyProtection};
use std::time::Duration;

fn at(wall_ms: i64) -> Now {
    Now::new(wall_ms, Mono::at(Duration::ZERO))
}

fn der(pem: &str) -> Vec<u8> {
    x509_parser::pem::parse_x509_pem(pem.as_bytes())
        .unwrap()
        .1
        .contents
}

#[test]
fn a_certificate_names_its_subject_its_end_its_machine_and_how_its_owner_was_shown() {
    let now = at(1_795_000_000_000);
    let authority = Authority::open(&Authority::create("issuer", now).unwrap()).unwrap();
    let subject = SubjectId::parse("spiffe://waterworks/person/olga").unwrap();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let bound = Bound {
        device_key: [0xA7; 32],
        protection: KeyProtection::Tpm,
        auth: AuthStrength::UserPresent,
        auth_ms: 1_794_999_000_000,
    };
    let ends_ms = 1_795_003_600_000;
    let pem = authority
        .sign_client(
            &subject,
            &key.subject_public_key_info(),
            &bound,
            ends_ms,
            now,
        )
        .unwrap();
    let identity = Identity::of_certificate(&der(&pem), "waterworks").unwrap();
    assert_eq!(identity.subject(), &subject);
    assert_eq!(identity.bound(), Some(&bound));
    assert_eq!(identity.ends_ms(), ends_ms);
    assert!(matches!(
        Identity::of_certificate(&der(&pem), "otherworks"),
        Err(NoIdentity::OtherSite { .. })
    ));
    let hash =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &key.subject_public_key_info());
    assert_eq!(identity.key(), hash.as_ref());
}

#[test]
fn a_gateway_certificate_is_no_subject() {
    let now = at(1_795_000_000_000);
    let authority = Authority::open(&Authority::create("gateways", now).unwrap()).unwrap();
    let issued = authority.issue_gateway("gateway.waterworks", now).unwrap();
    assert_eq!(
        Identity::of_certificate(&der(&issued.certificate), "waterworks"),
        Err(NoIdentity::NotOneUri)
    );
}

fn bound() -> Bound {
    Bound {
        device_key: [0xA7; 32],
        protection: KeyProtection::Software,
        auth: AuthStrength::UserPresent,
        auth_ms: 1_794_999_000_000,
    }
}

/// Somebody as any authority of this site may certify them, and says what it likes of machines.
fn certified(path: &str) -> Identity {
    let now = at(1_795_000_000_000);
    let authority = Authority::open(&Authority::create("issuer", now).unwrap()).unwrap();
    let subject = SubjectId::parse_at("waterworks", path).unwrap();
    let spki = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
        .unwrap()
        .subject_public_key_info();
    let pem = authority.sign_client(&subject, &spki, &bound(), 1_795_003_600_000, now);
    Identity::of_certificate(&der(&pem.unwrap()), "waterworks").unwrap()
}

fn external(kinds: &[SubjectKind], paths: &[&str]) -> TrustedAuthority {
    let bindings = Bindings {
        listeners: vec![Listener::Quic],
        kinds: kinds.to_vec(),
        paths: paths.iter().map(ToString::to_string).collect(),
        device: DeviceBinding::None,
        without_device: true,
    };
    TrustedAuthority::external("spire", bindings)
}

#[test]
fn an_authority_vouches_inside_its_bindings_and_nowhere_else() {
    let all = [
        SubjectKind::Person,
        SubjectKind::Vendor,
        SubjectKind::Workload,
    ];
    let workloads = external(&[SubjectKind::Workload], &["workload/"]);
    let acme = external(&all, &["vendor/acme/", "workload/historian"]);
    for (authority, path, passes) in [
        (&workloads, "workload/historian", true),
        (&workloads, "person/olga", false),
        (&workloads, "vendor/acme/victor", false),
        (&acme, "vendor/acme/victor", true),
        (&acme, "vendor/acme2/victor", false),
        (&acme, "workload/historian", true),
        (&acme, "workload/historian2", false),
        (&acme, "workload/hist", false),
        (&acme, "person/olga", false),
    ] {
        let vouched = authority.vouch(certified(path), Listener::Quic);
        assert_eq!(vouched.is_ok(), passes, "{path}: {vouched:?}");
    }
    // A kind and a path have to fit, each for itself.
    let torn = external(&[SubjectKind::Workload], &["person/", "workload/"]);
    let refused = torn.vouch(certified("person/olga"), Listener::Quic);
    assert!(matches!(refused, Err(Outside::Kind { .. })), "{refused:?}");
    let mut nowhere = external(&all, &["person/"]);
    nowhere.bindings.listeners.clear();
    let refused = nowhere.vouch(certified("person/olga"), Listener::Quic);
    let listener = matches!(refused, Err(Outside::Listener { .. }));
    assert!(listener, "{refused:?}");
}

#[test]
fn what_another_authority_says_of_machines_is_dropped_unless_it_is_believed() {
    let mut spire = external(&[SubjectKind::Workload], &["workload/"]);
    let vouched = |by: &TrustedAuthority| {
        let identity = certified("workload/historian");
        by.vouch(identity, Listener::Quic).unwrap()
    };
    assert_eq!(vouched(&spire).identity().bound(), None);
    assert!(!vouched(&spire).is_own());
    spire.bindings.device = DeviceBinding::Subject;
    assert_eq!(vouched(&spire).identity().bound(), Some(&bound()));
    let own = vouched(&TrustedAuthority::own());
    assert_eq!(own.identity().bound(), Some(&bound()));
    assert_eq!((own.authority(), own.is_own()), (OWN_ISSUER, true));
}

#[test]
fn no_person_and_no_vendor_comes_in_without_a_machine() {
    let kinds = [
        SubjectKind::Person,
        SubjectKind::Vendor,
        SubjectKind::Workload,
    ];
    let mut spire = external(&kinds, &["person/", "vendor/", "workload/"]);
    let may = |by: &TrustedAuthority, path: &str| {
        let vouched = by.vouch(certified(path), Listener::Quic);
        vouched.unwrap().may_lack_device()
    };
    assert!(may(&spire, "workload/historian"));
    assert!(!may(&spire, "person/olga"));
    assert!(!may(&spire, "vendor/acme/victor"));
    spire.bindings.without_device = false;
    assert!(!may(&spire, "workload/historian"));
    let own = TrustedAuthority::own();
    assert!(!may(&own, "workload/historian"));
}

#[test]
fn whoever_was_vouched_for_sees_at_once_that_an_authority_is_stale() {
    let spire = external(&[SubjectKind::Workload], &["workload/"]);
    let identity = certified("workload/historian");
    let vouched = spire.vouch(identity, Listener::Quic).unwrap();
    assert!(!vouched.freshness().is_stale(at(i64::MAX - 1)));
    spire.freshness().until(1_000);
    assert!(!vouched.freshness().is_stale(at(999)));
    assert!(vouched.freshness().is_stale(at(1_000)));
    spire.freshness().until(2_000);
    assert!(!vouched.freshness().is_stale(at(1_000)));
}

#[test]
fn a_workload_carries_its_role_and_nobody_else_has_one() {
    let now = at(1_795_000_000_000);
    let authority = Authority::open(&Authority::create("issuer", now).unwrap()).unwrap();
    let spki = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
        .unwrap()
        .subject_public_key_info();
    let signed = |path: &str, role: &str| {
        let subject = SubjectId::parse_at("waterworks", path).unwrap();
        authority.sign_in_role(&subject, role, &spki, &bound(), 1_795_003_600_000, now)
    };
    let pem = signed("workload/historian", "Überwacher").unwrap();
    let identity = Identity::of_certificate(&der(&pem), "waterworks").unwrap();
    assert_eq!(identity.role(), Some("Überwacher"));
    assert_eq!(identity.bound(), Some(&bound()));
    assert_eq!(certified("workload/historian").role(), None);
    let long = "r".repeat(ROLE_MAX_BYTES + 1);
    for (path, role) in [
        ("person/olga", "operator"),
        ("vendor/acme/victor", "operator"),
        ("workload/historian", ""),
        ("workload/historian", "a\nb"),
        ("workload/historian", &long),
    ] {
        let refused = signed(path, role);
        let refused = matches!(refused, Err(AuthorityError::NotARole));
        assert!(refused, "{path} {role:?}");
    }
}

#[test]
fn a_role_that_is_not_one_text_makes_no_identity() {
    let now = at(1_795_000_000_000);
    let made = Authority::create("issuer", now).unwrap();
    let authority = Authority::open(&made).unwrap();
    let identity = |values: &[&[u8]]| {
        let mut params = CertificateParams::default();
        let uri = "spiffe://waterworks/workload/historian".try_into().unwrap();
        params.subject_alt_names = vec![SanType::URI(uri)];
        valid(&mut params, now, HOUR_S);
        params.custom_extensions = values
            .iter()
            .map(|value| CustomExtension::from_oid_content(&ROLE, value.to_vec()))
            .collect();
        let pem = authority.sign(params).unwrap().certificate;
        Identity::of_certificate(&der(&pem), "waterworks")
    };
    let role = |values: &[&[u8]]| identity(values).map(|one| one.role().map(str::to_owned));
    assert_eq!(role(&[b"\x0C\x02op"]), Ok(Some("op".to_owned())));
    for bad in [
        &[&b"\x0C\x02op"[..], b"\x0C\x02op"][..],
        &[b"\x13\x02op"],
        &[b"\x0C\x02opx"],
        &[b"\x0C\x03op"],
        &[b"\x0C\x02\xFF\xFE"],
        &[b""],
    ] {
        assert_eq!(role(bad), Err(NoIdentity::NotOneRole), "{bad:02x?}");
    }
}

#[test]
fn certificates_are_for_p256_keys_alone() {
    let now = at(1_795_000_000_000);
    let authority = Authority::open(&Authority::create("issuer", now).unwrap()).unwrap();
    let subject = SubjectId::parse("spiffe://waterworks/person/olga").unwrap();
    for algorithm in [&rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let spki = key.subject_public_key_info();
        let signed = authority.sign_client(&subject, &spki, &bound(), 1_795_003_600_000, now);
        assert!(matches!(signed, Err(AuthorityError::NotP256)));
    }
}

#[test]
fn an_authority_is_not_taken_up_with_the_key_of_another() {
    let now = at(1_795_000_000_000);
    let [one, other] = ["one", "other"].map(|name| Authority::create(name, now).unwrap());
    one.check().unwrap();
    let mixed = Credential {
        certificate: one.certificate,
        key: other.key,
    };
    assert!(matches!(mixed.check(), Err(AuthorityError::OtherKey)));
}

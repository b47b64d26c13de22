//! What the certificates say that an authority makes.

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
fn a_client_certificate_names_its_subject_and_its_end() {
    let now = at(1_795_000_000_000);
    let made = Authority::create("identity issuer of waterworks", now).unwrap();
    let authority = Authority::open(&made).unwrap();
    let subject = SubjectId::parse("spiffe://waterworks/vendor/acme/victor").unwrap();
    let issued = authority.issue_client(&subject, 1, now).unwrap();
    let identity = Identity::of_certificate(&der(&issued.certificate), "waterworks").unwrap();
    assert_eq!(identity.subject(), &subject);
    assert_eq!(identity.ends_ms(), 1_795_000_000_000 + 3_600_000);
    assert!(matches!(
        Identity::of_certificate(&der(&issued.certificate), "otherworks"),
        Err(NoIdentity::OtherSite { .. })
    ));
}

#[test]
fn a_certificate_carries_its_machine_and_how_its_owner_showed_themselves() {
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

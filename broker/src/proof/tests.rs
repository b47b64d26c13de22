//! Every part of the statement is bound: a proof that is right in all but one is none.

use std::time::Duration;

use interlock_protocols::identity::{OsFamily, Posture, PostureSource};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PublicKeyData, SigningKey};

use super::*;
use crate::authority::Authority;
use crate::clock::{Mono, Now};
use crate::subject::SubjectId;

const NOW_MS: i64 = 1_795_000_000_000;
const HERE: &str = "gateway-1.waterworks";
const EXPORTER: [u8; 32] = [7; 32];

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn signed(key: &KeyPair, statement: &[u8]) -> Signed {
    Signed {
        key: key.subject_public_key_info(),
        signature: key.sign(statement).unwrap(),
    }
}

fn identity_on(device: &KeyPair) -> Identity {
    let now = Now::new(NOW_MS, Mono::at(Duration::ZERO));
    let authority = Authority::open(&Authority::create("issuer", now).unwrap()).unwrap();
    let subject = SubjectId::parse("spiffe://waterworks/person/olga").unwrap();
    let bound = Bound {
        device_key: sha256(&device.subject_public_key_info()),
        protection: KeyProtection::Software,
        auth: AuthStrength::UserPresent,
        auth_ms: NOW_MS,
    };
    let spki = key().subject_public_key_info();
    let pem = authority
        .sign_client(&subject, &spki, &bound, NOW_MS + 3_600_000, now)
        .unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    Identity::of_certificate(&pem.contents, "waterworks").unwrap()
}

fn report(patch_age_days: u32) -> PostureReport {
    let posture = Posture {
        device_key: [1; 32],
        taken_ms: NOW_MS,
        os: OsFamily::Linux,
        os_version: "Debian 13".to_owned(),
        patch_age_days: Some(patch_age_days),
        disk_encrypted: Some(true),
        screen_lock: None,
        firewall: None,
        agent: None,
    };
    PostureReport {
        source: PostureSource::Own,
        statement: posture.encode(),
        signer: String::new(),
        signature: Vec::new(),
    }
}

/// The proof of a machine over these parts.
fn proof(
    device: &KeyPair,
    exporter: &[u8; 32],
    leaf: &[u8; 32],
    server_name: &str,
    posture: Option<&PostureReport>,
) -> Signed {
    let digest = posture_digest(posture, sha256);
    signed(
        device,
        &proof_statement(exporter, leaf, server_name, &digest),
    )
}

#[test]
fn the_right_key_over_this_connection_proves_the_machine() {
    let device = key();
    let identity = identity_on(&device);
    for posture in [None, Some(report(3))] {
        let posture = posture.as_ref();
        let given = proof(&device, &EXPORTER, identity.key(), HERE, posture);
        let proven = prove(&identity, &EXPORTER, HERE, &given, posture).unwrap();
        assert_eq!(
            proven.device_key(),
            Some(&identity.bound().unwrap().device_key)
        );
        assert_eq!(proven.protection(), Some(KeyProtection::Software));
        assert_eq!(proven.auth().strength, AuthStrength::UserPresent);
        assert_eq!(proven.auth().at_ms, NOW_MS);
    }
}

#[test]
fn a_proof_of_anything_else_is_none() {
    let device = key();
    let identity = identity_on(&device);
    let leaf = identity.key();
    let other_leaf = identity_on(&device);
    let (mine, better) = (report(300), report(3));
    let refused = |given: &Signed, posture: Option<&PostureReport>| {
        prove(&identity, &EXPORTER, HERE, given, posture).unwrap_err()
    };
    for (what, given) in [
        (
            "another connection",
            proof(&device, &[8; 32], leaf, HERE, None),
        ),
        (
            "another certificate",
            proof(&device, &EXPORTER, other_leaf.key(), HERE, None),
        ),
        (
            "another gateway",
            proof(&device, &EXPORTER, leaf, "gateway-2.waterworks", None),
        ),
        (
            "a posture that was taken away",
            proof(&device, &EXPORTER, leaf, HERE, Some(&mine)),
        ),
        ("nothing", signed(&device, b"")),
    ] {
        let why = refused(&given, None);
        assert_eq!(why, BadSignature::NotOverThis.into(), "{what}");
    }
    let swapped = proof(&device, &EXPORTER, leaf, HERE, Some(&mine));
    assert_eq!(
        refused(&swapped, Some(&better)),
        BadSignature::NotOverThis.into()
    );
    let stranger = proof(&key(), &EXPORTER, leaf, HERE, None);
    assert_eq!(refused(&stranger, None), NotProven::OtherMachine);
    // The right key named, and a signature of another.
    let borrowed = Signed {
        key: device.subject_public_key_info(),
        ..stranger
    };
    assert_eq!(refused(&borrowed, None), BadSignature::NotOverThis.into());
}

#[test]
fn a_certificate_that_binds_no_machine_proves_nothing() {
    let device = key();
    let bound = identity_on(&device);
    let identity = bound.clone().without_bound();
    let given = proof(&device, &EXPORTER, identity.key(), HERE, None);
    let why = prove(&identity, &EXPORTER, HERE, &given, None).unwrap_err();
    assert_eq!(why, NotProven::NotBound);
}

#[test]
fn a_key_has_one_spelling_and_one_curve() {
    let device = key();
    let good = signed(&device, b"this");
    assert_eq!(verify(&good, b"this"), Ok(sha256(&good.key)));
    assert_eq!(verify(&good, b"that"), Err(BadSignature::NotOverThis));
    let with = |key: Vec<u8>| {
        let changed = Signed {
            key,
            ..good.clone()
        };
        verify(&changed, b"this").unwrap_err()
    };
    let point = good.key[P256.len()..].to_vec();
    let compressed: Vec<u8> = [&[2 | (point[64] & 1)], &point[1..33]].concat();
    let mut lengthened = good.key.clone();
    lengthened.push(0);
    for key in [
        Vec::new(),
        point,
        [&P256[..], &compressed].concat(),
        lengthened,
        good.key[..90].to_vec(),
    ] {
        assert_eq!(with(key), BadSignature::NotP256);
    }
    // A point that is on no curve.
    let mut off = good.key.clone();
    off[90] ^= 1;
    assert_eq!(with(off), BadSignature::NotOverThis);
    let longer = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    assert_eq!(
        verify(&signed(&longer, b"this"), b"this"),
        Err(BadSignature::NotP256)
    );
}

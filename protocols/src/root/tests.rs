use alloc::format;
use alloc::string::ToString as _;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::limits::ROOT_BODY_MAX_BYTES;

fn list() -> ApproverList {
    ApproverList {
        approvers: vec![
            Approver {
                subject: "spiffe://w/person/ann".into(),
                name: "Ann".into(),
                firm: None,
                key: [1; 32],
                since_ms: 0,
            },
            Approver {
                subject: "spiffe://w/vendor/acme/bob".into(),
                name: "Bob".into(),
                firm: Some("acme".into()),
                key: [2; 32],
                since_ms: 1_793_491_200_000,
            },
        ],
    }
}

fn hex(bytes: &[u8]) -> alloc::string::String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_bytes_of_a_plant_are_these() {
    let body = PlantBundle { digest: [0xab; 32] }.encode();
    let mut bytes = unsigned(Kind::Plant, "w", 258, &body).unwrap();
    bytes.extend_from_slice(&[0xcd; 64]);
    let expected = [
        "696e7465726c6f636b2d726f6f742d31", // interlock-root-1
        "02",                               // a plant
        "01",                               // length of the site
        "0023",                             // length of the body
        "0000000000000102",                 // serial
        "77",                               // w
        "815820",                           // an array of one byte string of 32
        &"ab".repeat(32),
        &"cd".repeat(64),
    ]
    .concat();
    assert_eq!(hex(&bytes), expected);
    let read = Envelope::read(&bytes).unwrap();
    assert_eq!((read.kind, read.site, read.serial), (Kind::Plant, "w", 258));
    assert_eq!(read.signed, &bytes[..bytes.len() - 64]);
    assert_eq!(read.signature, &[0xcd; 64]);
    assert_eq!(
        PlantBundle::decode(read.body),
        Ok(PlantBundle { digest: [0xab; 32] })
    );
}

#[test]
fn the_bytes_of_a_list_are_these() {
    let body = list().encode();
    let expected = [
        "8182",
        "85",
        "75",
        &hex(b"spiffe://w/person/ann"),
        "63416e6e",
        "f6",
        "5820",
        &"01".repeat(32),
        "00",
        "85",
        "781a",
        &hex(b"spiffe://w/vendor/acme/bob"),
        "63426f62",
        "6461636d65",
        "5820",
        &"02".repeat(32),
        "1b000001a19467e800", // 2026-11-01
    ]
    .concat();
    assert_eq!(hex(&body), expected);
    assert_eq!(ApproverList::decode(&body), Ok(list()));
    let mut behind = body;
    behind.push(0);
    assert!(ApproverList::decode(&behind).is_err());
}

#[test]
fn what_is_cut_off_or_has_something_behind_it_is_no_document() {
    let mut bytes = unsigned(Kind::Approvers, "w", 1, &list().encode()).unwrap();
    bytes.extend_from_slice(&[7; 64]);
    assert!(Envelope::read(&bytes).is_ok());
    for length in 0..bytes.len() {
        let error = Envelope::read(&bytes[..length]).unwrap_err();
        let expected = if length < 16 {
            NotADocument::Domain
        } else {
            NotADocument::Length
        };
        assert_eq!(error, expected, "{length}");
        assert!(!error.to_string().is_empty());
    }
    bytes.push(0);
    assert_eq!(Envelope::read(&bytes), Err(NotADocument::Length));
    bytes.pop();
    bytes[16] = 9;
    assert_eq!(Envelope::read(&bytes), Err(NotADocument::Kind(9)));
    bytes[16] = 1;
    bytes[28] = 0xff;
    assert_eq!(Envelope::read(&bytes), Err(NotADocument::Site));
}

#[test]
fn what_is_longer_than_it_may_be_is_not_made() {
    let long = vec![0; ROOT_BODY_MAX_BYTES + 1];
    assert!(unsigned(Kind::Plant, "w", 1, &long).is_none());
    assert!(unsigned(Kind::Plant, "w", 1, &long[1..]).is_some());
    assert!(unsigned(Kind::Plant, "", 1, &[]).is_none());
    assert!(unsigned(Kind::Plant, &"w".repeat(65), 1, &[]).is_none());
    // Nor is it read.
    let mut bytes = [DOMAIN.as_slice(), &[2, 1, 0x40, 0x01], &[0; 8], b"w", &long].concat();
    bytes.extend_from_slice(&[0; 64]);
    assert_eq!(Envelope::read(&bytes), Err(NotADocument::Length));
}

proptest! {
    #[test]
    fn what_is_made_is_read_and_has_no_other_spelling(
        kind in prop_oneof![Just(Kind::Approvers), Just(Kind::Plant)],
        site in "[a-z]{1,64}",
        serial in any::<u64>(),
        body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut bytes = unsigned(kind, &site, serial, &body).unwrap();
        bytes.extend_from_slice(&[5; 64]);
        let read = Envelope::read(&bytes).unwrap();
        prop_assert_eq!((read.kind, read.site, read.serial), (kind, site.as_str(), serial));
        prop_assert_eq!(read.body, body.as_slice());
        let again: Vec<u8> = unsigned(read.kind, read.site, read.serial, read.body).unwrap();
        prop_assert_eq!(again.as_slice(), read.signed);
    }

    #[test]
    fn any_bytes_are_read_or_refused(tail in proptest::collection::vec(any::<u8>(), 0..400)) {
        let bytes = [DOMAIN.as_slice(), &tail].concat();
        if let Ok(read) = Envelope::read(&bytes) {
            prop_assert_eq!(read.signed.len() + 64, bytes.len());
            let _read = ApproverList::decode(read.body);
        }
    }
}

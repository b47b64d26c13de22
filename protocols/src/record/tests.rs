use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Write;

use super::*;

mod identity;
mod window;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn points() -> Vec<PointValue> {
    vec![
        PointValue {
            name: "setpoint".into(),
            value: Some(61.5),
            unit: "bar".into(),
            before: None,
            before_age_ms: None,
        },
        PointValue {
            name: "mode".into(),
            value: None,
            unit: String::new(),
            before: None,
            before_age_ms: None,
        },
    ]
}

/// One of each type, results and optional fields in every form.
fn samples() -> Vec<Event> {
    let subject = || String::from("spiffe://a/person/b");
    let outcome = |result| {
        Event::Outcome(Outcome {
            intent: 6,
            result,
            latency_us: 1200,
        })
    };
    let denial = |exception| {
        Event::Denial(Denial {
            session: 7,
            subject: subject(),
            transaction: 2,
            device: "mixer".into(),
            unit: 1,
            pdu: vec![6, 0, 1, 0, 2],
            points: points(),
            reason: "policy".into(),
            detail: "no rule".into(),
            policies: vec!["a.cedar/x".into()],
            exception,
        })
    };
    let mut all = vec![
        Event::EdgeStarted(EdgeStarted {
            gateway: "gw".into(),
            version: "0.1.0".into(),
        }),
        Event::EdgeStopped(EdgeStopped {
            gateway: "gw".into(),
        }),
        Event::PolicyActivated(PolicyActivated {
            digest: [0xAB; 32],
            by: "edge".into(),
            session: None,
            cases: 12,
        }),
        Event::SessionOpened(SessionOpened {
            session: 7,
            subject: subject(),
            groups: vec!["operators".into()],
            peer: "[::1]:9".into(),
            certificate: [1; 32],
            certificate_ends_ms: 1_700_000_000_000,
            device_key: None,
            device_protection: None,
            auth: None,
            auth_ms: None,
            authority: None,
        }),
        Event::SessionEnded(SessionEnded {
            session: 7,
            subject: subject(),
            reason: "bye".into(),
        }),
        Event::Intent(Intent {
            session: 7,
            subject: subject(),
            transaction: 513,
            device: "mixer".into(),
            unit: 1,
            pdu: vec![6, 0, 1, 0, 2],
            points: points(),
            policies: vec!["a.cedar/x".into()],
            policy: [2; 32],
            window: None,
        }),
        outcome(CommandResult::Answered {
            pdu: vec![6, 0, 1, 0, 2],
        }),
        outcome(CommandResult::Exception { code: 4 }),
        outcome(CommandResult::Withheld {
            reason: "deadline".into(),
        }),
        outcome(CommandResult::Unknown { why: "?".into() }),
        denial(Some(1)),
        denial(None),
        Event::DenialSummary(DenialSummary {
            session: 7,
            subject: subject(),
            device: "mixer".into(),
            function: 6,
            table: Some(3),
            first: 1,
            last: 2,
            reason: "policy".into(),
            count: 90,
            first_ms: -1,
            last_ms: 5,
        }),
        Event::ReadSummary(ReadSummary {
            session: 7,
            subject: subject(),
            device: "mixer".into(),
            unit: 255,
            function: 43,
            table: None,
            first: 0,
            last: 65_535,
            count: 600,
            failed: 1,
            first_ms: 4,
            last_ms: 5,
        }),
        Event::JournalRead(JournalRead {
            session: 7,
            subject: subject(),
            from: 1,
            filter: None,
        }),
        Event::JournalRead(JournalRead {
            session: 7,
            subject: subject(),
            from: 1,
            filter: Some("device mixer".into()),
        }),
        Event::EpochStarted(EpochStarted {
            epoch: 2,
            key: [3; 32],
            next_key: [4; 32],
            by_key: [5; 64],
            by_gateway: [6; 64],
        }),
        Event::Checkpointed(Checkpointed {
            note: "a/b\n1\nAA==\n\n".into(),
        }),
        Event::RecordsRemoved(RecordsRemoved {
            first: 1,
            last: 300,
            why: "retention".into(),
        }),
        Event::JournalRecovered(JournalRecovered {
            why: "no space".into(),
            since_ms: 5,
            refused: 2,
        }),
        Event::JournalAccepted(JournalAccepted {
            session: 7,
            subject: subject(),
            reason: "restored".into(),
            ahead: vec![Ahead {
                what: "witness".into(),
                through: 900,
            }],
            lineage: [7; 8],
        }),
        Event::SinkProgress(SinkProgress {
            sink: "siem".into(),
            through: 299,
        }),
        Event::Intent(Intent {
            session: 7,
            subject: subject(),
            transaction: 513,
            device: "mixer".into(),
            unit: 1,
            pdu: vec![6, 0, 1, 0, 2],
            points: vec![PointValue {
                name: "setpoint".into(),
                value: Some(61.5),
                unit: "bar".into(),
                before: Some(60.0),
                before_age_ms: Some(1_500),
            }],
            policies: vec!["a.cedar/x".into()],
            policy: [2; 32],
            window: None,
        }),
    ];
    all.extend(identity::samples());
    all.extend(window::samples());
    all
}

fn record(event: Event) -> Record {
    Record {
        sequence: 300,
        time_ms: 1_700_000_000_000,
        event,
    }
}

/// Bytes on the disks of others: if this test fails, the format has changed.
#[test]
fn golden_bytes() {
    let got: Vec<String> = samples()
        .into_iter()
        .map(|event| hex(&record(event).encode()))
        .collect();
    let golden: Vec<&str> = include_str!("golden.txt").lines().collect();
    assert_eq!(got, golden);
}

#[test]
fn the_sample_is_the_whole_list() {
    let mut kinds: Vec<u64> = samples().iter().map(Event::kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, (1..=kind::LAST).collect::<Vec<_>>());
}

#[test]
fn decode_gives_back_what_was_encoded() {
    for event in samples() {
        let record = record(event);
        assert_eq!(Record::decode(&record.encode()), Ok(record));
    }
}

#[test]
fn the_heading_is_read_without_the_rest() {
    for event in samples() {
        let kind = event.kind();
        let bytes = record(event).encode();
        let heading = Heading {
            kind,
            sequence: 300,
            time_ms: 1_700_000_000_000,
        };
        assert_eq!(Heading::decode(&bytes), Ok(heading));
        assert_eq!(Heading::decode(&bytes[..17]), Ok(heading));
    }
}

#[test]
fn nan_survives_as_its_own_bits() {
    let odd = f64::from_bits(0x7ff0_0000_0000_0001);
    let Event::Intent(mut intent) = samples().remove(5) else {
        panic!("the sixth sample is the intent");
    };
    intent.points[0].value = Some(odd);
    let bytes = record(Event::Intent(intent)).encode();
    assert_eq!(Record::decode(&bytes).unwrap().encode(), bytes);
}

#[test]
fn a_newer_record_is_called_newer() {
    let mut bytes = record(samples().remove(1)).encode();
    bytes[1] = 2;
    assert_eq!(Record::decode(&bytes), Err(Unreadable::Version(2)));
    bytes[1] = 1;
    let newer = kind::LAST + 1;
    bytes.splice(2..3, [0x18, u8::try_from(newer).unwrap()]);
    let error = Record::decode(&bytes).unwrap_err();
    assert_eq!(error, Unreadable::Type(newer));
    assert!(error.to_string().contains("newer Interlock"));
}

#[test]
fn a_second_spelling_is_refused() {
    let plain = record(samples().remove(1)).encode();
    let spelling = Err(Unreadable::Malformed(Malformed::Spelling));

    let mut trailing = plain.clone();
    trailing.push(0);
    assert_eq!(Record::decode(&trailing), spelling);

    // Version 1 written in two bytes.
    let mut overlong = plain.clone();
    overlong.splice(1..2, [0x18, 0x01]);
    assert_eq!(Record::decode(&overlong), spelling);

    // A second field behind the gateway of EDGE STOPPED.
    let payload = plain.len() - 4;
    assert_eq!(plain[payload], 0x81);
    let mut later_field = plain.clone();
    later_field[payload] = 0x82;
    later_field.push(5);
    assert_eq!(Record::decode(&later_field), spelling);
}

#[test]
fn no_part_and_no_flipped_bit_passes_as_the_same_record() {
    for event in samples() {
        let whole = record(event);
        let bytes = whole.encode();
        for end in 0..bytes.len() {
            assert!(Record::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        for at in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            if let Ok(other) = Record::decode(&flipped) {
                assert_ne!(other, whole, "bit {at}");
                assert_eq!(other.encode(), flipped, "bit {at}");
            }
        }
    }
}

#[test]
fn the_first_number_of_an_outcome_is_its_intent() {
    for event in samples() {
        let expected = match &event {
            Event::Outcome(outcome) => Some(outcome.intent),
            _ => None,
        };
        let record = Record {
            sequence: 9,
            time_ms: -1,
            event,
        };
        let bytes = record.encode();
        assert!(record.event.kind() <= kind::LAST);
        if expected.is_some() {
            assert_eq!(Heading::first_number(&bytes), expected);
            assert_eq!(Heading::first_number(&bytes[..4]), None);
        }
    }
}

#[test]
fn what_a_proof_encloses_has_one_spelling() {
    let enclosed = Enclosed {
        record: vec![1, 2],
        epoch_record: vec![3],
        epoch_index: 4,
        epoch_hashes: vec![5; 32],
    };
    let mut bytes = enclosed.encode();
    assert_eq!(hex(&bytes[..8]), "8442010241030458");
    assert_eq!(Enclosed::decode(&bytes), Ok(enclosed));
    bytes.push(0);
    assert!(Enclosed::decode(&bytes).is_err());
}

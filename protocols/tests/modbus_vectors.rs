//! Requests written down byte by byte, legal and not: what each one is, or the exception it gets.
//! Independent of the encoder, which the properties test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its own functions too"
)]

use interlock_protocols::modbus::{ExceptionCode, Malformed, Pdu, Request, Table, Values};

/// Every function, at its smallest and its largest, and each must come back as the same bytes.
fn legal() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = vec![
        vec![1, 0, 0, 0, 1],
        vec![1, 0xF8, 0x30, 0x07, 0xD0],
        vec![2, 0x00, 0xC4, 0x00, 0x16],
        vec![2, 0xFF, 0xFF, 0x00, 0x01],
        vec![3, 0x00, 0x6B, 0x00, 0x03],
        vec![3, 0xFF, 0x83, 0x00, 0x7D],
        vec![4, 0x00, 0x08, 0x00, 0x01],
        vec![5, 0x00, 0xAC, 0xFF, 0x00],
        vec![5, 0xFF, 0xFF, 0x00, 0x00],
        vec![6, 0x00, 0x01, 0x00, 0x03],
        vec![7],
        vec![8, 0, 0, 0xA5, 0x37],
        vec![8, 0, 1, 0, 0],
        vec![8, 0, 1, 0xFF, 0],
        vec![8, 0, 2, 0, 0],
        vec![8, 0, 3, 0x0A, 0],
        vec![8, 0, 4, 0, 0],
        vec![8, 0, 10, 0, 0],
        vec![8, 0, 20, 0, 0],
        vec![11],
        vec![12],
        vec![15, 0, 0x13, 0, 0x0A, 2, 0xCD, 0x01],
        vec![16, 0, 1, 0, 2, 4, 0, 0x0A, 0x01, 0x02],
        vec![17],
        vec![20, 14, 6, 0, 4, 0, 1, 0, 2, 6, 0, 3, 0, 9, 0, 2],
        vec![20, 7, 6, 0xFF, 0xFF, 0x27, 0x0F, 0, 1],
        vec![21, 13, 6, 0, 4, 0, 7, 0, 3, 6, 0xAF, 4, 0xBE, 0x10, 0x0D],
        vec![22, 0, 4, 0, 0xF2, 0, 0x25],
        vec![23, 0, 3, 0, 6, 0, 0x0E, 0, 3, 6, 0, 0xFF, 0, 0xFF, 0, 0xFF],
        vec![24, 0x04, 0xDE],
        vec![43, 14, 1, 0],
        vec![43, 14, 4, 0x80],
    ];
    all.extend((11..=18).map(|counter| vec![8, 0, counter, 0, 0]));
    all.push(joined(&[8, 0, 0], 250));
    all.push(joined(&[15, 0, 0, 0x07, 0xB0, 246], 246));
    all.push(joined(&[16, 0xFF, 0x85, 0, 123, 246], 246));
    all.push(joined(&[23, 0, 0, 0, 125, 0, 0, 0, 121, 242], 242));
    // 122 registers fill the group: 7 + 244 = 251.
    all.push(joined(&[21, 251, 6, 0, 1, 0, 0, 0, 122], 244));
    all
}

fn joined(head: &[u8], zeros: usize) -> Vec<u8> {
    let mut bytes = head.to_vec();
    bytes.resize(head.len() + zeros, 0);
    bytes
}

#[test]
fn every_function_is_read_and_written_to_the_byte() {
    for bytes in legal() {
        let request = Request::decode(&bytes).unwrap_or_else(|e| panic!("{bytes:02x?}: {e}"));
        assert_eq!(request.function().code(), bytes[0]);
        assert_eq!(request.encode().as_bytes(), bytes);
    }
}

#[test]
fn a_length_other_than_the_implied_one_is_refused() {
    for bytes in legal() {
        let hidden: [&[u8]; 3] = [&[0], &[0, 0], &[0, 1, 0, 0, 0, 6, 1, 6, 0, 1, 0xBE, 0xEF]];
        for tail in hidden {
            let long = [&bytes, tail].concat();
            // A loopback carries any even number of bytes: those are judged, and echoed.
            if bytes.starts_with(&[8, 0, 0]) && tail.len() % 2 == 0 && long.len() <= 253 {
                continue;
            }
            assert!(
                matches!(Request::decode(&long), Err(Malformed::Structure(_))),
                "{long:02x?}"
            );
        }
        for end in 1..bytes.len() {
            if bytes.starts_with(&[8, 0, 0]) && end > 3 && end % 2 == 1 {
                continue;
            }
            assert!(
                matches!(Request::decode(&bytes[..end]), Err(Malformed::Structure(_))),
                "{:02x?} of {bytes:02x?}",
                &bytes[..end]
            );
        }
    }
}

#[test]
fn each_hostile_request_gets_its_exception() {
    use ExceptionCode::{IllegalDataAddress, IllegalDataValue, IllegalFunction};
    let value = Some(IllegalDataValue);
    let address = Some(IllegalDataAddress);
    let function = Some(IllegalFunction);
    let cases: &[(&str, &[u8], Option<ExceptionCode>)] = &[
        ("nothing at all", &[], None),
        ("an exception as a request", &[0x83, 2], None),
        ("function 255", &[0xFF], None),
        ("function 0", &[0, 0, 0, 0, 1], function),
        ("unlisted function", &[9], function),
        ("UMAS stop", &[90, 0, 0x41, 0xFF, 0], function),
        ("user defined function", &[100, 1, 2], function),
        ("CANopen tunnel", &[43, 13, 0, 0], function),
        ("MEI type missing", &[43], value),
        ("identification code 0", &[43, 14, 0, 0], value),
        ("identification code 5", &[43, 14, 5, 0], value),
        (
            "reserved object before a bad code",
            &[43, 14, 9, 7],
            address,
        ),
        ("reserved object", &[43, 14, 4, 0x7F], address),
        ("quantity 0", &[3, 0, 0, 0, 0], value),
        ("quantity 126", &[3, 0, 0, 0, 126], value),
        ("quantity 2,001", &[1, 0, 0, 0x07, 0xD1], value),
        ("0xFFFF and 2", &[3, 0xFF, 0xFF, 0, 2], address),
        (
            "bad quantity before a bad address",
            &[3, 0xFF, 0xFF, 0, 126],
            value,
        ),
        ("coil of 0x0001", &[5, 0, 0, 0, 1], value),
        ("coil of 0xFFFF", &[5, 0, 0, 0xFF, 0xFF], value),
        (
            "coils: 2,000 in one byte",
            &[15, 0, 0, 0x07, 0xD0, 1, 0],
            value,
        ),
        ("coils: 16 in one byte", &[15, 0, 0, 0, 16, 1, 0], value),
        ("coils: none", &[15, 0, 0, 0, 0, 0], value),
        ("coils: a pad bit", &[15, 0, 0, 0, 7, 1, 0x80], value),
        (
            "coils: past the end",
            &[15, 0xFF, 0xFF, 0, 2, 1, 3],
            address,
        ),
        (
            "coils: a pad bit past the end",
            &[15, 0xFF, 0xFF, 0, 2, 1, 4],
            value,
        ),
        (
            "registers: 0x8001 in 2 bytes",
            &[16, 0, 0, 0x80, 1, 2, 0, 0],
            value,
        ),
        ("registers: none", &[16, 0, 0, 0, 0, 0], value),
        ("registers: odd", &[16, 0, 0, 0, 1, 3, 0, 0, 0], value),
        (
            "registers: 2 announced as 1",
            &[16, 0, 0, 0, 1, 4, 0, 0, 0, 0],
            value,
        ),
        (
            "registers: past the end",
            &[16, 0xFF, 0xFF, 0, 2, 4, 0, 0, 0, 0],
            address,
        ),
        (
            "registers: 4 bytes announced as 2",
            &[16, 0, 0, 0, 2, 2, 0, 0, 0, 0],
            value,
        ),
        (
            "coils: 2 bytes announced as 1",
            &[15, 0, 0, 0, 16, 1, 0, 0],
            value,
        ),
        (
            "function 23: read past the end",
            &[23, 0xFF, 0xFF, 0, 2, 0, 0, 0, 1, 2, 0, 0],
            address,
        ),
        (
            "function 23: write past the end",
            &[23, 0, 0, 0, 2, 0xFF, 0xFF, 0, 2, 4, 0, 0, 0, 0],
            address,
        ),
        (
            "function 23: structure first",
            &[23, 0xFF, 0xFF, 0, 2, 0, 0, 0, 1, 1, 0],
            value,
        ),
        (
            "function 23: reads none",
            &[23, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0],
            value,
        ),
        ("diagnostics: reserved 19", &[8, 0, 19, 0, 0], function),
        ("diagnostics: reserved 5", &[8, 0, 5, 0, 0], function),
        ("diagnostics: 0x0100", &[8, 1, 0, 0, 0], function),
        ("diagnostics: unknown at any length", &[8, 0, 21], function),
        ("diagnostics: restart with 0x0001", &[8, 0, 1, 0, 1], value),
        ("diagnostics: counter with data", &[8, 0, 11, 0, 1], value),
        (
            "diagnostics: delimiter in the low byte",
            &[8, 0, 3, 0, 0x0A],
            value,
        ),
        (
            "diagnostics: delimiter not ASCII",
            &[8, 0, 3, 0x80, 0],
            value,
        ),
        (
            "diagnostics: listen only with data",
            &[8, 0, 4, 0xFF, 0],
            value,
        ),
        ("diagnostics: odd loopback", &[8, 0, 0, 1], value),
        ("diagnostics: empty loopback", &[8, 0, 0], value),
        ("file 0", &[20, 7, 6, 0, 0, 0, 0, 0, 1], address),
        (
            "record 10,000",
            &[20, 7, 6, 0, 1, 0x27, 0x10, 0, 1],
            address,
        ),
        (
            "records 9,999 and 10,000",
            &[20, 7, 6, 0, 1, 0x27, 0x0F, 0, 2],
            address,
        ),
        ("reference type 5", &[20, 7, 5, 0, 1, 0, 0, 0, 1], value),
        ("no record", &[20, 7, 6, 0, 1, 0, 0, 0, 0], value),
        (
            "a reply of 255 bytes",
            &[20, 7, 6, 0, 1, 0, 0, 0, 125],
            value,
        ),
        (
            "structure of the second group before the file of the first",
            &[20, 14, 6, 0, 0, 0, 0, 0, 1, 7, 0, 1, 0, 0, 0, 1],
            value,
        ),
        ("file write: 0 announced", &[21, 0], value),
        (
            "file write: group longer than the PDU",
            &[21, 9, 6, 0, 1, 0, 0, 0, 2, 0, 0],
            value,
        ),
        (
            "file write: half a group behind",
            &[21, 12, 6, 0, 1, 0, 0, 0, 1, 0, 0, 6, 0, 1],
            value,
        ),
        (
            "file write: file 0",
            &[21, 9, 6, 0, 0, 0, 0, 0, 1, 0, 0],
            address,
        ),
    ];
    for (name, bytes, expected) in cases {
        let malformed = Request::decode(bytes).expect_err(name);
        assert_eq!(malformed.exception(), *expected, "{name}: {malformed}");
    }
}

#[test]
fn one_more_than_the_most_is_refused() {
    // Head and number of zeros: each is whole and consistent, and one too many.
    let cases: [(&[u8], usize); 5] = [
        (&[15, 0, 0, 0x07, 0xB1, 247], 247),
        (&[16, 0, 0, 0, 124, 248], 248),
        (&[23, 0, 0, 0, 1, 0, 0, 0, 122, 244], 244),
        (&[23, 0, 0, 0, 126, 0, 0, 0, 1, 2], 2),
        (&[8, 0, 0], 252),
    ];
    for (head, zeros) in cases {
        let malformed = Request::decode(&joined(head, zeros)).unwrap_err();
        assert!(matches!(malformed, Malformed::Structure(_)), "{head:02x?}");
    }
}

#[test]
fn a_pdu_is_1_to_253_bytes() {
    assert_eq!(Pdu::new(&[]), None);
    assert_eq!(Pdu::new(&[7; 254]), None);
    assert_eq!(Pdu::new(&[7; 253]).unwrap().as_bytes(), [7; 253]);
    assert_eq!(format!("{:?}", Pdu::new(&[7, 0xAB]).unwrap()), "Pdu(07 ab)");
}

#[test]
fn what_a_request_touches() {
    let both = [23, 0, 3, 0, 6, 0, 0x0E, 0, 1, 2, 0xAB, 0xCD];
    let request = Request::decode(&both).unwrap();
    let read = request.reads().unwrap();
    assert_eq!(read.table, Table::HoldingRegisters);
    assert_eq!(
        (read.range.first().value(), read.range.last().value()),
        (3, 8)
    );
    let written = request.writes().unwrap();
    assert_eq!(written.area.range.first().value(), 14);
    assert_eq!(written.area.range.count(), 1);
    let Values::Registers(values) = written.values else {
        panic!("{written:?}");
    };
    assert!(values.iter().eq([0xABCD]));

    let coils = [15, 0, 0x13, 0, 0x0A, 2, 0xCD, 0x01];
    let written = Request::decode(&coils).unwrap().writes().unwrap();
    let Values::Coils(values) = written.values else {
        panic!("{written:?}");
    };
    let expected = [1, 0, 1, 1, 0, 0, 1, 1, 1, 0].map(|bit| bit == 1);
    assert!(values.iter().eq(expected));
    assert_eq!(values.at(10), None);
}

#[test]
fn effects_are_the_listed_ones_and_no_others() {
    for bytes in legal() {
        let request = Request::decode(&bytes).unwrap();
        let effect = match bytes[..] {
            [5 | 6 | 15 | 16 | 21 | 22 | 23, ..] => true,
            [8, 0, sub, ..] => [1, 3, 4, 10, 20].contains(&sub),
            _ => false,
        };
        assert_eq!(request.has_effect(), effect, "{request:?}");
        assert_eq!(
            request.answer_expected(),
            bytes[..3.min(bytes.len())] != [8, 0, 4]
        );
        let changes_tables = matches!(bytes[0], 5 | 6 | 15 | 16 | 22 | 23);
        assert_eq!(request.writes().is_some(), changes_tables, "{request:?}");
    }
}

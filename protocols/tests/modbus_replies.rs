//! Replies written down byte by byte: a device that answers something else is not believed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use interlock_protocols::modbus::{
    DiagnosticsReply, ExceptionCode, Mismatch, Reply, Request, Response,
};

const READ_COILS: &[u8] = &[1, 0, 0, 0, 10];
const READ_REGISTERS: &[u8] = &[3, 0, 0, 0, 2];
const WRITE_COILS: &[u8] = &[15, 0, 5, 0, 3, 1, 7];
const WRITE_REGISTERS: &[u8] = &[16, 0, 5, 0, 1, 2, 0xAB, 0xCD];
const COUNTER: &[u8] = &[8, 0, 11, 0, 0];
const LISTEN_ONLY: &[u8] = &[8, 0, 4, 0, 0];
const READ_FILE: &[u8] = &[20, 14, 6, 0, 4, 0, 1, 0, 2, 6, 0, 3, 0, 9, 0, 1];
const ONE_OBJECT: &[u8] = &[43, 14, 4, 2];
const BASIC_OBJECTS: &[u8] = &[43, 14, 1, 0];

fn joined(head: &[u8], count: usize) -> Vec<u8> {
    [head, &vec![0; count]].concat()
}

#[test]
fn a_right_reply_is_taken_to_the_byte() {
    let cases: &[(&[u8], &[u8])] = &[
        (READ_COILS, &[1, 2, 0xCD, 0x01]),
        (READ_REGISTERS, &[3, 4, 0, 1, 0xFF, 0xFE]),
        (&[5, 0, 0xAC, 0xFF, 0], &[5, 0, 0xAC, 0xFF, 0]),
        (&[6, 0, 1, 0, 3], &[6, 0, 1, 0, 3]),
        (&[7], &[7, 0x6D]),
        (&[8, 0, 0, 0xA5, 0x37], &[8, 0, 0, 0xA5, 0x37]),
        (COUNTER, &[8, 0, 11, 0x12, 0x34]),
        (&[8, 0, 2, 0, 0], &[8, 0, 2, 0x56, 0x78]),
        (&[8, 0, 10, 0, 0], &[8, 0, 10, 0, 0]),
        (&[11], &[11, 0xFF, 0xFF, 0x01, 0x08]),
        (&[12], &[12, 8, 0, 0, 1, 8, 1, 0x21, 0x20, 0]),
        (WRITE_COILS, &[15, 0, 5, 0, 3]),
        (WRITE_REGISTERS, &[16, 0, 5, 0, 1]),
        (&[17], &[17, 3, 0x42, 0xFF, 1]),
        (READ_FILE, &[20, 10, 5, 6, 1, 2, 3, 4, 3, 6, 5, 6]),
        (
            &[21, 9, 6, 0, 4, 0, 7, 0, 1, 1, 2],
            &[21, 9, 6, 0, 4, 0, 7, 0, 1, 1, 2],
        ),
        (&[22, 0, 4, 0, 0xF2, 0, 0x25], &[22, 0, 4, 0, 0xF2, 0, 0x25]),
        (&[23, 0, 3, 0, 1, 0, 9, 0, 1, 2, 0, 0], &[23, 2, 0, 0xFE]),
        (&[24, 4, 0xDE], &[24, 0, 6, 0, 2, 1, 0xB8, 0x12, 0x84]),
        (&[24, 4, 0xDE], &[24, 0, 2, 0, 0]),
        (ONE_OBJECT, &[43, 14, 4, 0x81, 0, 0, 1, 2, 2, b'V', b'1']),
        (BASIC_OBJECTS, &[43, 14, 1, 1, 0xFF, 2, 2, 0, 1, b'A', 1, 0]),
    ];
    for (request, bytes) in cases {
        let request = Request::decode(request).unwrap();
        let reply = Reply::decode(&request, bytes).unwrap_or_else(|e| panic!("{bytes:02x?}: {e}"));
        assert_eq!(reply.encode(&request).as_bytes(), *bytes);
    }
}

#[test]
fn a_wrong_reply_is_dropped_and_says_why() {
    let other = |asked, answered| Mismatch::Function { asked, answered };
    let (length, count, echo) = (Mismatch::Length, Mismatch::Count, Mismatch::Echo);
    let cases: &[(&str, &[u8], &[u8], Mismatch)] = &[
        ("empty", READ_COILS, &[], Mismatch::Empty),
        (
            "another function",
            READ_REGISTERS,
            &[4, 4, 0, 0, 0, 0],
            other(3, 4),
        ),
        (
            "exception of another",
            READ_REGISTERS,
            &[0x84, 2],
            other(3, 0x84),
        ),
        ("long exception", READ_REGISTERS, &[0x83, 2, 0], length),
        ("short exception", READ_REGISTERS, &[0x83], length),
        ("one register less", READ_REGISTERS, &[3, 2, 0, 0], count),
        (
            "one register more",
            READ_REGISTERS,
            &[3, 6, 0, 0, 0, 0, 0, 0],
            count,
        ),
        ("half a register", READ_REGISTERS, &[3, 3, 0, 0, 0], count),
        ("byte count lies", READ_REGISTERS, &[3, 4, 0, 0, 0], length),
        ("one byte of coils less", READ_COILS, &[1, 1, 0], count),
        (
            "one byte of coils more",
            READ_COILS,
            &[1, 3, 0, 0, 0],
            count,
        ),
        (
            "written elsewhere",
            WRITE_REGISTERS,
            &[16, 0, 6, 0, 1],
            echo,
        ),
        (
            "written another number",
            WRITE_COILS,
            &[15, 0, 5, 0, 2],
            echo,
        ),
        ("echo too long", WRITE_COILS, &[15, 0, 5, 0, 3, 0], echo),
        (
            "coil the other way",
            &[5, 0, 1, 0xFF, 0],
            &[5, 0, 1, 0, 0],
            echo,
        ),
        ("another value", &[6, 0, 1, 0, 3], &[6, 0, 1, 0, 4], echo),
        (
            "another mask",
            &[22, 0, 4, 0, 2, 0, 5],
            &[22, 0, 4, 0, 2, 0, 4],
            echo,
        ),
        (
            "another file",
            &[21, 9, 6, 0, 4, 0, 7, 0, 1, 1, 2],
            &[21, 9, 6, 0, 5, 0, 7, 0, 1, 1, 2],
            echo,
        ),
        ("another sub-function", COUNTER, &[8, 0, 12, 0, 0], echo),
        ("long counter", COUNTER, &[8, 0, 11, 0, 0, 0, 0], length),
        ("no sub-function", COUNTER, &[8, 0], length),
        ("another loopback", &[8, 0, 0, 1, 2], &[8, 0, 0, 1, 3], echo),
        (
            "listen-only answered",
            LISTEN_ONLY,
            LISTEN_ONLY,
            Mismatch::Unexpected,
        ),
        ("short status", &[7], &[7], length),
        ("short event counter", &[11], &[11, 0, 0, 0], length),
        ("short event log", &[12], &[12, 5, 0, 0, 0, 0, 0], length),
        ("no server id", &[17], &[17, 0], length),
        (
            "group of another length",
            READ_FILE,
            &[20, 10, 3, 6, 1, 2, 5, 6, 3, 4, 5, 6],
            count,
        ),
        (
            "group of another type",
            READ_FILE,
            &[20, 10, 5, 7, 1, 2, 3, 4, 3, 6, 5, 6],
            length,
        ),
        (
            "a group more",
            READ_FILE,
            &[20, 14, 5, 6, 1, 2, 3, 4, 3, 6, 5, 6, 3, 6, 0, 0],
            length,
        ),
        (
            "a group less",
            READ_FILE,
            &[20, 6, 5, 6, 1, 2, 3, 4],
            length,
        ),
        (
            "half a record",
            READ_FILE,
            &[20, 9, 4, 6, 1, 2, 3, 3, 6, 5, 6],
            length,
        ),
        (
            "queue byte count",
            &[24, 0, 0],
            &[24, 0, 5, 0, 1, 0, 0],
            length,
        ),
        ("queue count", &[24, 0, 0], &[24, 0, 4, 0, 2, 0, 0], count),
        (
            "queue half a value",
            &[24, 0, 0],
            &[24, 0, 3, 0, 0, 0],
            length,
        ),
        (
            "another MEI type",
            BASIC_OBJECTS,
            &[43, 13, 1, 1, 0, 0, 0],
            echo,
        ),
        (
            "another code",
            BASIC_OBJECTS,
            &[43, 14, 2, 1, 0, 0, 0],
            echo,
        ),
        (
            "more follows 1",
            BASIC_OBJECTS,
            &[43, 14, 1, 1, 1, 0, 0],
            Mismatch::Field("more follows"),
        ),
        (
            "next without more",
            BASIC_OBJECTS,
            &[43, 14, 1, 1, 0, 3, 0],
            Mismatch::Field("more follows"),
        ),
        (
            "conformity 4",
            BASIC_OBJECTS,
            &[43, 14, 1, 4, 0, 0, 0],
            Mismatch::Field("conformity level"),
        ),
        (
            "an object less",
            BASIC_OBJECTS,
            &[43, 14, 1, 1, 0, 0, 2, 0, 1, b'A'],
            length,
        ),
        (
            "an object more",
            BASIC_OBJECTS,
            &[43, 14, 1, 1, 0, 0, 0, 0, 1, b'A'],
            length,
        ),
        (
            "object too long",
            BASIC_OBJECTS,
            &[43, 14, 1, 1, 0, 0, 1, 0, 2, b'A'],
            length,
        ),
        (
            "another object",
            ONE_OBJECT,
            &[43, 14, 4, 1, 0, 0, 1, 1, 1, b'A'],
            echo,
        ),
        (
            "more than the one object",
            ONE_OBJECT,
            &[43, 14, 4, 1, 0, 0, 2, 2, 0, 3, 0],
            echo,
        ),
        ("no object", ONE_OBJECT, &[43, 14, 4, 1, 0, 0, 0], echo),
    ];
    for (name, request, bytes, expected) in cases {
        let request = Request::decode(request).unwrap();
        assert_eq!(Reply::decode(&request, bytes), Err(*expected), "{name}");
    }
}

#[test]
fn lists_longer_than_the_standard_has_them_are_dropped() {
    let queue = Request::decode(&[24, 0, 0]).unwrap();
    assert!(Reply::decode(&queue, &joined(&[24, 0, 64, 0, 31], 62)).is_ok());
    let more = joined(&[24, 0, 66, 0, 32], 64);
    assert_eq!(Reply::decode(&queue, &more), Err(Mismatch::Count));
    let log = Request::decode(&[12]).unwrap();
    assert!(Reply::decode(&log, &joined(&[12, 70], 70)).is_ok());
    let more = joined(&[12, 71], 71);
    assert_eq!(Reply::decode(&log, &more), Err(Mismatch::Count));
    // Two objects whose lengths add up to a whole PDU, and to one byte more.
    let basic = Request::decode(BASIC_OBJECTS).unwrap();
    for (second, fits) in [(142, true), (143, false)] {
        let first = joined(&[43, 14, 1, 1, 0, 0, 2, 0, 100], 100);
        let reply = joined(&[&first[..], &[1, second]].concat(), usize::from(second));
        assert_eq!(reply.len() <= 253, fits);
        assert_eq!(Reply::decode(&basic, &reply).is_ok(), fits);
    }
    // A server id may fill the PDU, and no more than that.
    let id = Request::decode(&[17]).unwrap();
    assert!(Reply::decode(&id, &joined(&[17, 251], 251)).is_ok());
    assert!(Reply::decode(&id, &joined(&[17, 252], 252)).is_err());
}

#[test]
fn a_typed_reply_says_what_it_holds() {
    let request = Request::decode(READ_FILE).unwrap();
    let bytes = [20, 10, 5, 6, 1, 2, 3, 4, 3, 6, 5, 6];
    let Ok(Reply::Normal(Response::ReadFileRecord(records))) = Reply::decode(&request, &bytes)
    else {
        panic!("a file record");
    };
    let values: Vec<Vec<u16>> = records.iter().map(|group| group.iter().collect()).collect();
    assert_eq!(values, [vec![0x0102, 0x0304], vec![0x0506]]);

    let request = Request::decode(COUNTER).unwrap();
    let reply = Reply::decode(&request, &[8, 0, 11, 0x12, 0x34]).unwrap();
    let Reply::Normal(Response::Diagnostics(DiagnosticsReply::Counter(_, 0x1234))) = reply else {
        panic!("{reply:?}");
    };

    let request = Request::decode(BASIC_OBJECTS).unwrap();
    let bytes = [43, 14, 1, 1, 0xFF, 2, 2, 0, 1, b'A', 1, 0];
    let Ok(Reply::Normal(Response::ReadDeviceIdentification(found))) =
        Reply::decode(&request, &bytes)
    else {
        panic!("an identification");
    };
    assert_eq!((found.conformity(), found.next()), (1, Some(2)));
    let objects: Vec<(u8, &[u8])> = found.iter().map(|o| (o.id, o.value)).collect();
    assert_eq!(objects, [(0, &b"A"[..]), (1, &b""[..])]);
}

#[test]
fn listen_only_may_still_be_refused() {
    let request = Request::decode(LISTEN_ONLY).unwrap();
    let reply = Reply::decode(&request, &[0x88, 1]);
    assert_eq!(reply, Ok(Reply::Exception(ExceptionCode::IllegalFunction)));
}

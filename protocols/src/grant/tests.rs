use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::*;
use crate::limits::{
    GRANT_APPROVERS_MAX, GRANT_MAX_BYTES, GRANT_OPEN_MAX_S, GRANT_POINTS_MAX, GRANT_SEALED_MAX_S,
    GRANT_SPAN_MAX_S, GRANT_SPANS_MAX,
};
use crate::modbus::value::{DataType, WordOrder};
use crate::modbus::{Address, FunctionCode, Table};

mod covers;
mod hostile;
mod refused;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Kept in a fixed order for the golden bytes: a coil, a signed register, a float, an input.
fn points() -> Vec<Point> {
    let point = |table, first, data_type, functions: &[FunctionCode], raw_min, raw_max| Point {
        unit: UnitId::new(255),
        table,
        first: Address::new(first),
        data_type,
        order: WordOrder::Abcd,
        functions: functions
            .iter()
            .fold(Functions::NONE, |all, function| all.with(*function)),
        raw_min,
        raw_max,
    };
    use FunctionCode as F;
    vec![
        point(
            Table::Coils,
            7,
            None,
            &[F::ReadCoils, F::WriteSingleCoil],
            0,
            1,
        ),
        point(
            Table::InputRegisters,
            30,
            Some(DataType::U16),
            &[F::ReadInputRegisters],
            0,
            0,
        ),
        point(
            Table::HoldingRegisters,
            100,
            Some(DataType::I16),
            &[F::ReadHoldingRegisters, F::WriteSingleRegister],
            0xFFFF_FFF6,
            800,
        ),
        Point {
            order: WordOrder::Cdab,
            ..point(
                Table::HoldingRegisters,
                110,
                Some(DataType::F32),
                &[F::ReadHoldingRegisters, F::WriteMultipleRegisters],
                0,
                0x4120_0000,
            )
        },
    ]
}

fn draft() -> Draft {
    Draft {
        kind: Kind::Window,
        supervised: false,
        hold: true,
        quorum: 2,
        id: [7; 16],
        site: "waterworks".into(),
        gateway: "gw-1".into(),
        device: "press-4".into(),
        guard: "".into(),
        holder: "spiffe://waterworks/vendor/acme/victor".into(),
        holder_key: [8; 32],
        plant: [9; 32],
        max_writes: 20,
        open_s: 0,
        approvers: vec![[2; 32], [3; 32], [1; 32]],
        points: points().into_iter().rev().collect(),
        spans: vec![
            Span {
                start_ms: 1_795_000_000_000,
                length_s: 7_200,
            },
            Span {
                start_ms: 1_795_604_800_000,
                length_s: 7_200,
            },
        ],
    }
}

fn sealed() -> Draft {
    Draft {
        kind: Kind::BreakGlass,
        hold: false,
        quorum: 0,
        holder: "".into(),
        holder_key: [0; 32],
        open_s: 3_600,
        approvers: vec![],
        spans: vec![Span {
            start_ms: 1_795_000_000_000,
            length_s: GRANT_SEALED_MAX_S,
        }],
        ..draft()
    }
}

/// Signed by the first and the third.
fn signed_window() -> Vec<u8> {
    let bytes = draft().encode().unwrap();
    let grant = Grant::read_unsigned(&bytes).unwrap();
    signed(&grant, &[([3; 32], [0xC3; 64]), ([1; 32], [0xC1; 64])]).unwrap()
}

fn signed_glass() -> Vec<u8> {
    let bytes = sealed().encode().unwrap();
    let grant = Grant::read_unsigned(&bytes).unwrap();
    signed(&grant, &[([4; 32], [0xC4; 64])]).unwrap()
}

/// A grant spelt a second time, signatures included.
fn respelt(grant: &Grant<'_>) -> Vec<u8> {
    let body = Draft::of(grant).encode().unwrap();
    let unsigned = Grant::read_unsigned(&body).unwrap();
    let key = |place: u8| {
        let approvers = grant.approvers();
        approvers
            .get(usize::from(place))
            .copied()
            .unwrap_or([0; 32])
    };
    let signatures: Vec<_> = grant
        .signatures()
        .map(|it| (key(it.approver), *it.signature))
        .collect();
    signed(&unsigned, &signatures).unwrap()
}

/// Other programs, microcontrollers among them, read these: if this fails, it is another version.
#[test]
fn the_bytes_of_a_window_are_these() {
    let expected = [
        "696e7465726c6f636b2d6772616e74", // interlock-grant
        "01",                             // version
        "01",                             // a window
        "02",                             // hold
        "02",                             // quorum
        "03",                             // approvers
        "04",                             // points
        "02",                             // spans
        "07070707070707070707070707070707",
        "00000014", // most writes
        "00000000", // not for break-glass
        &"08".repeat(32),
        &"09".repeat(32),
        "0a",
        "7761746572776f726b73", // waterworks
        "04",
        "67772d31", // gw-1
        "07",
        "70726573732d34", // press-4
        "00",             // no guard
        "26",
        &hex(b"spiffe://waterworks/vendor/acme/victor"),
        &"01".repeat(32),
        &"02".repeat(32),
        &"03".repeat(32),
        // unit 255, coil 7, 1 of it, a bit, functions 1 and 5, 0 to 1
        "ff00000700010000000000000000002200000000",
        "00000001",
        // input 30, u16, function 4
        "ff03001e00010100000000000000001000000000",
        "00000000",
        // holding 100, i16, functions 3 and 6, -10 to 800
        "ff040064000102000000000000000048fffffff6",
        "00000320",
        // holding 110 and 111, f32 with its low word first, functions 3 and 16, 0 to 10.0
        "ff04006e000205010000000000010008",
        "0000000041200000",
        "000001a1ee565e0000001c20",
        "000001a21262e20000001c20",
        "02", // signatures
        "00",
        &"c1".repeat(64),
        "02",
        &"c3".repeat(64),
    ]
    .concat();
    let bytes = signed_window();
    assert_eq!(hex(&bytes), expected);
    let grant = Grant::read(&bytes).unwrap();
    assert_eq!(
        grant.body,
        draft().encode().unwrap().split_last().unwrap().1
    );
    assert_eq!(grant.approvers(), [[1; 32], [2; 32], [3; 32]]);
    assert_eq!(grant.points().collect::<Vec<_>>(), points());
    let signers: Vec<u8> = grant.signatures().map(|it| it.approver).collect();
    assert_eq!(signers, [0, 2]);
}

#[test]
fn the_bytes_of_a_sealed_grant_are_these() {
    let bytes = signed_glass();
    let head = [
        "696e7465726c6f636b2d6772616e74", // interlock-grant
        "01",
        "02", // break-glass
        "00",
        "00", // nobody approves
        "00",
        "04",
        "01",
        "07070707070707070707070707070707",
        "00000014",
        "00000e10", // open for an hour
        &"00".repeat(32),
        &"09".repeat(32),
        "0a",
        "7761746572776f726b73",
        "04",
        "67772d31",
        "07",
        "70726573732d34",
        "00",
        "00", // whoever turns the key
    ]
    .concat();
    let tail = [
        "000001a1ee565e00",
        "03c50a00", // 732 days
        "01",
        "00",
        &"c4".repeat(64),
    ]
    .concat();
    let text = hex(&bytes);
    assert!(text.starts_with(&head), "{text}");
    assert!(text.ends_with(&tail), "{text}");
    assert_eq!(text.len(), head.len() + 4 * 48 + tail.len());
}

#[test]
fn what_was_written_is_read_and_has_one_spelling() {
    for bytes in [signed_window(), signed_glass()] {
        let grant = Grant::read(&bytes).unwrap();
        assert_eq!(respelt(&grant), bytes);
        assert_eq!(
            Grant::read_unsigned(&bytes),
            Err(NotAGrant::Field("signatures"))
        );
    }
    assert_eq!(
        Draft::of(&Grant::read(&signed_glass()).unwrap()),
        Draft {
            points: points(),
            ..sealed()
        }
    );
}

#[test]
fn times_are_looked_up_by_their_spans() {
    let bytes = signed_window();
    let grant = Grant::read(&bytes).unwrap();
    let spans: Vec<Span> = grant.spans().collect();
    let start = 1_795_000_000_000_i64;
    let end = start + 7_200_000;
    assert_eq!(grant.span_at(start - 1), None);
    assert_eq!(grant.span_at(start), Some((0, spans[0])));
    assert_eq!(grant.span_at(end - 1), Some((0, spans[0])));
    assert_eq!(grant.span_at(end), None);
    assert_eq!(grant.span_at(1_795_604_800_000), Some((1, spans[1])));
    assert_eq!(grant.span_at(-1), None);
    assert_eq!(grant.span_at(i64::MIN), None);
    assert_eq!(
        grant.reach_ms(),
        (1_795_000_000_000, 1_795_604_800_000 + 7_200_000)
    );
}

#[test]
fn the_largest_grant_fits_with_all_its_signatures() {
    let mut points = points();
    points.resize(GRANT_POINTS_MAX, points[2]);
    for (at, point) in (0_u16..).zip(&mut points) {
        *point = Point {
            first: Address::new(at),
            ..points_of_a_register()
        };
    }
    let approvers: Vec<[u8; 32]> = (1..=u8::try_from(GRANT_APPROVERS_MAX).unwrap())
        .map(|byte| [byte; 32])
        .collect();
    let spans = (0..u64::try_from(GRANT_SPANS_MAX).unwrap()).map(|week| Span {
        start_ms: week * 2 * u64::from(GRANT_SPAN_MAX_S) * 1_000,
        length_s: GRANT_SPAN_MAX_S,
    });
    let text = || "x".repeat(255);
    let draft = Draft {
        site: text(),
        gateway: text(),
        device: text(),
        guard: text(),
        holder: text(),
        approvers: approvers.clone(),
        points,
        spans: spans.collect(),
        ..draft()
    };
    let bytes = draft.encode().unwrap();
    let grant = Grant::read_unsigned(&bytes).unwrap();
    let signatures: Vec<_> = approvers.iter().map(|key| (*key, [5; 64])).collect();
    let bytes = signed(&grant, &signatures).unwrap();
    assert!(bytes.len() < GRANT_MAX_BYTES);
    assert_eq!(Grant::read(&bytes).unwrap().signatures().len(), 32);
}

fn points_of_a_register() -> Point {
    points()[2]
}

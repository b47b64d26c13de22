//! Bytes that somebody cut, bent or made up.

use proptest::prelude::*;

use super::*;

#[test]
fn what_is_cut_off_is_no_grant() {
    for bytes in [signed_window(), signed_glass()] {
        for end in 0..bytes.len() {
            let error = Grant::read(&bytes[..end]).unwrap_err();
            let domain = end < DOMAIN.len();
            let wanted = if domain {
                NotAGrant::Domain
            } else {
                NotAGrant::Length
            };
            assert_eq!(error, wanted, "cut at {end}");
        }
    }
}

#[test]
fn no_flipped_bit_and_no_other_byte_leaves_the_same_grant() {
    for bytes in [signed_window(), signed_glass()] {
        let whole = Grant::read(&bytes).unwrap();
        for at in 0..bytes.len() {
            for byte in 0..=u8::MAX {
                let mut bent = bytes.clone();
                if bent[at] == byte {
                    continue;
                }
                bent[at] = byte;
                if let Ok(other) = Grant::read(&bent) {
                    assert_ne!(other, whole, "byte {at}");
                    let signed = at >= whole.body.len();
                    assert_eq!(other.body == whole.body, signed, "byte {at}");
                    assert_eq!(respelt(&other), bent, "byte {at}");
                }
            }
        }
    }
}

/// A point of any kind, somewhere; more of them may overlap.
pub(super) fn point(places: u16) -> impl Strategy<Value = Point> {
    let kind = prop_oneof![
        1 => Just((Table::Coils, None)),
        1 => Just((Table::DiscreteInputs, None)),
        1 => proptest::sample::select(&DataType::ALL[..])
            .prop_map(|it| (Table::InputRegisters, Some(it))),
        4 => proptest::sample::select(&DataType::ALL[..])
            .prop_map(|it| (Table::HoldingRegisters, Some(it))),
    ];
    let place = prop_oneof![
        9 => 0..places,
        1 => (u16::MAX - 3)..=u16::MAX,
    ];
    (
        1..3_u8,
        kind,
        place,
        proptest::sample::select(&WordOrder::ALL[..]),
        any::<u32>(),
        (raw(), raw()),
    )
        .prop_map(|(unit, (table, data_type), first, order, functions, raw)| {
            put_together(unit, table, first, data_type, order, functions, raw)
        })
}

/// Numbers at which types begin, end and change their sign, and any others.
fn raw() -> impl Strategy<Value = u32> {
    let odd = [
        0,
        1,
        2,
        0x7FFF,
        0x8000,
        0xFFFF,
        0x1_0000,
        0x7FFF_FFFF,
        0x8000_0000,
        0x8000_0001,
        0xFFFF_0000,
        0xFFFF_8000,
        0xFFFF_FFFF,
        0x3F80_0000,
        0xBF80_0000,
        0x7F7F_FFFF,
        0xFF7F_FFFF,
    ];
    prop_oneof![proptest::sample::select(odd.to_vec()), any::<u32>()]
}

fn put_together(
    unit: u8,
    table: Table,
    first: u16,
    data_type: Option<DataType>,
    order: WordOrder,
    functions: u32,
    (one, other): (u32, u32),
) -> Point {
    let all: Vec<FunctionCode> = FunctionCode::ALL
        .into_iter()
        .filter(|function| table_of(*function) == Some(table))
        .collect();
    let some = all
        .iter()
        .enumerate()
        .filter(|(at, _)| functions & (1 << at) != 0)
        .fold(Functions::NONE, |some, (_, function)| some.with(*function));
    let some = if some == Functions::NONE {
        some.with(all[0])
    } else {
        some
    };
    let mut point = Point {
        unit: UnitId::new(unit),
        table,
        first: Address::new(first),
        data_type,
        order: WordOrder::Abcd,
        functions: some,
        raw_min: 0,
        raw_max: 0,
    };
    if point.registers() > 1 {
        point.order = order;
        point.first = Address::new(first.min(u16::MAX - 1));
    }
    if some.iter().any(writes) {
        let fit = |raw: u32| match data_type {
            None => raw & 1,
            Some(DataType::U16) => raw & 0xFFFF,
            Some(DataType::I16) => {
                let [_, _, high, low] = raw.to_be_bytes();
                let word = i16::from_be_bytes([high, low]);
                i32::from(word).cast_unsigned()
            }
            Some(DataType::F32) if !f32::from_bits(raw).is_finite() => raw & 0x807F_FFFF,
            Some(_) => raw,
        };
        let fit = |raw: u32| match (data_type, fit(raw)) {
            (Some(DataType::F32), 0x8000_0000) => 0,
            (_, raw) => raw,
        };
        let (one, other) = (fit(one), fit(other));
        let turned = point.number(one) > point.number(other);
        (point.raw_min, point.raw_max) = if turned { (other, one) } else { (one, other) };
    }
    point
}

/// Those of them that share no address with one before.
pub(super) fn apart(points: Vec<Point>) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    for point in points {
        let area = point.area().unwrap();
        let free = kept.iter().all(|other| {
            let taken = other.area().unwrap();
            (other.unit, other.table) != (point.unit, point.table)
                || !taken.range.overlaps(area.range)
        });
        if free {
            kept.push(point);
        }
    }
    kept
}

pub(super) fn any_draft(places: u16) -> impl Strategy<Value = Draft> {
    let keys = proptest::collection::btree_set(any::<[u8; 32]>(), 1..6);
    let spans = proptest::collection::vec((1..1_000_000_u64, 1..=GRANT_SPAN_MAX_S), 1..5);
    let names = proptest::collection::vec("[!-~]{1,40}", 4);
    (
        (any::<bool>(), any::<bool>(), any::<bool>(), any::<u8>()),
        names,
        "[!-~]{0,20}",
        any::<([u8; 16], [u8; 32], [u8; 32], u32, u32)>(),
        (keys, spans),
        proptest::collection::vec(point(places), 1..16),
    )
        .prop_map(
            |((glass, supervised, hold, quorum), names, guard, plain, (keys, spans), points)| {
                let mut free_ms = 0;
                let spans = spans.into_iter().map(|(gap_ms, length_s)| {
                    let span = Span {
                        start_ms: free_ms + gap_ms,
                        length_s,
                    };
                    free_ms = span.end_ms();
                    span
                });
                let (id, holder_key, plant, max_writes, open_s) = plain;
                let approvers: Vec<[u8; 32]> = keys.into_iter().collect();
                let draft = Draft {
                    kind: Kind::Window,
                    supervised,
                    hold,
                    quorum: quorum % u8::try_from(approvers.len()).unwrap() + 1,
                    id,
                    site: names[0].clone(),
                    gateway: names[1].clone(),
                    device: names[2].clone(),
                    guard,
                    holder: names[3].clone(),
                    holder_key,
                    plant,
                    max_writes,
                    open_s: 0,
                    approvers,
                    points: apart(points),
                    spans: spans.collect(),
                };
                if !glass {
                    return draft;
                }
                Draft {
                    kind: Kind::BreakGlass,
                    supervised: false,
                    hold: false,
                    quorum: 0,
                    holder: String::new(),
                    holder_key: [0; 32],
                    open_s: open_s % GRANT_OPEN_MAX_S + 1,
                    approvers: Vec::new(),
                    spans: draft.spans[..1].to_vec(),
                    ..draft
                }
            },
        )
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_as_it_was(
        draft in any_draft(200), signers in any::<u8>(), byte in any::<u8>(),
    ) {
        let bytes = draft.encode().unwrap();
        let grant = Grant::read_unsigned(&bytes).unwrap();
        let mut expected = draft.clone();
        expected.approvers.sort_unstable();
        expected.points.sort_unstable_by_key(|it| (it.unit, it.table.modicon_digit(), it.first));
        prop_assert_eq!(Draft::of(&grant), expected);
        let keys = match draft.kind {
            Kind::Window => draft.approvers.clone(),
            Kind::BreakGlass => vec![[0; 32]],
        };
        let chosen = keys.iter().enumerate().filter(|(at, _)| signers & (1 << at) != 0);
        let signatures: Vec<_> = chosen.map(|(_, key)| (*key, [byte; 64])).collect();
        let signed = signed(&grant, &signatures).unwrap();
        let read = Grant::read(&signed).unwrap();
        prop_assert_eq!(read.body, grant.body);
        prop_assert_eq!(read.signatures().len(), signatures.len());
        prop_assert_eq!(respelt(&read), signed);
    }

    #[test]
    fn bytes_near_a_grant_are_refused_or_have_one_spelling(
        draft in any_draft(200),
        changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = draft.encode().unwrap();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if let Ok(grant) = Grant::read(&bytes) {
            prop_assert_eq!(respelt(&grant), bytes);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(tail in proptest::collection::vec(any::<u8>(), 0..600)) {
        let bytes = [DOMAIN.as_slice(), &[VERSION], &tail].concat();
        if let Ok(grant) = Grant::read(&bytes) {
            prop_assert_eq!(respelt(&grant), bytes);
        }
    }

    #[test]
    fn a_number_and_its_raw_value_are_one(point in point(200), any in raw()) {
        for raw in [point.raw_min, point.raw_max] {
            prop_assert_eq!(point.raw(point.number(raw)), Some(raw));
        }
        let number = point.number(any);
        if let Some(raw) = point.raw(number) {
            prop_assert_eq!(point.number(raw), number);
        }
    }
}

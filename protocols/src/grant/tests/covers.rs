//! What a grant covers, against a model that goes address by address and bit by bit, and shares no
//! line with what it judges but the requests' bytes.

use proptest::prelude::*;

use super::hostile::{any_draft, apart, point};
use super::*;

const PLACES: u16 = 16;

/// What a request does, taken from its bytes alone.
#[derive(Debug)]
struct Asked {
    function: u8,
    /// Table by its Modicon digit, and addresses.
    reads: Option<(u8, Vec<u32>)>,
    writes: Option<(u8, Vec<(u32, Cell)>)>,
}

#[derive(Clone, Copy, Debug)]
enum Cell {
    Bit(bool),
    Word(u16),
    Mask { and: u16, or: u16 },
}

fn asked(pdu: &[u8]) -> Asked {
    let word = |at: usize| u16::from_be_bytes([pdu[at], pdu[at + 1]]);
    let range = |at: usize| {
        let first = u32::from(word(at));
        (first..first + u32::from(word(at + 2))).collect::<Vec<_>>()
    };
    let words = |at: usize, first: u16, bytes: u8| {
        let words = pdu[at..at + usize::from(bytes)].chunks(2);
        let words = words.map(|pair| Cell::Word(u16::from_be_bytes([pair[0], pair[1]])));
        (u32::from(first)..).zip(words).collect::<Vec<_>>()
    };
    let one = |cell| vec![(u32::from(word(1)), cell)];
    let function = pdu[0];
    let reads = match function {
        1 => Some((0, range(1))),
        2 => Some((1, range(1))),
        3 | 23 => Some((4, range(1))),
        4 => Some((3, range(1))),
        _ => None,
    };
    let writes = match function {
        5 => Some((0, one(Cell::Bit(word(3) == 0xFF00)))),
        6 => Some((4, one(Cell::Word(word(3))))),
        15 => {
            let bit = |at: u32| {
                let at = usize::try_from(at).unwrap();
                Cell::Bit(pdu[6 + at / 8] & (1 << (at % 8)) != 0)
            };
            let bits = (0..u32::from(word(3))).map(|at| (u32::from(word(1)) + at, bit(at)));
            Some((0, bits.collect()))
        }
        16 => Some((4, words(6, word(1), pdu[5]))),
        22 => Some((
            4,
            one(Cell::Mask {
                and: word(3),
                or: word(5),
            }),
        )),
        23 => Some((4, words(10, word(5), pdu[9]))),
        _ => None,
    };
    Asked {
        function,
        reads,
        writes,
    }
}

fn allowed(points: &[Point], unit: u8, asked: &Asked) -> bool {
    let owner = |table: u8, address: u32| {
        points.iter().find(|point| {
            let first = u32::from(point.first.value());
            let wide = matches!(
                point.data_type,
                Some(DataType::U32 | DataType::I32 | DataType::F32)
            );
            point.unit.value() == unit
                && point.table.modicon_digit() == table
                && (first..=first + u32::from(wide)).contains(&address)
        })
    };
    let has = |point: &Point, function: u8| point.functions.bits() >> function & 1 == 1;
    if let Some((table, addresses)) = &asked.reads {
        let readable =
            |point: &Point| has(point, asked.function) || asked.function == 23 && has(point, 3);
        if !addresses
            .iter()
            .all(|at| owner(*table, *at).is_some_and(readable))
        {
            return false;
        }
    }
    let Some((table, cells)) = &asked.writes else {
        return asked.reads.is_some();
    };
    cells.iter().all(|(address, _)| {
        let Some(point) = owner(*table, *address) else {
            return false;
        };
        has(point, asked.function) && value_allowed(point, cells)
    })
}

fn value_allowed(point: &Point, cells: &[(u32, Cell)]) -> bool {
    let first = u32::from(point.first.value());
    let cell = |at: u32| {
        cells
            .iter()
            .find(|(address, _)| *address == at)
            .map(|(_, it)| *it)
    };
    let (min, max) = (point.raw_min, point.raw_max);
    let of_word = |word: u16| match point.data_type {
        Some(DataType::U16) => (min..=max).contains(&u32::from(word)),
        Some(DataType::I16) => {
            let value = i64::from(i16::from_be_bytes(word.to_be_bytes()));
            let end = |raw: u32| i64::from(i32::from_be_bytes(raw.to_be_bytes()));
            (end(min)..=end(max)).contains(&value)
        }
        _ => false,
    };
    match (point.data_type, cell(first), cell(first + 1)) {
        (None, Some(Cell::Bit(on)), _) => (min..=max).contains(&u32::from(on)),
        (Some(DataType::U16 | DataType::I16), Some(Cell::Word(word)), _) => of_word(word),
        // Whatever is there now.
        (Some(DataType::U16 | DataType::I16), Some(Cell::Mask { and, or }), _) => {
            (0..=u16::MAX).all(|now| of_word((now & and) | (or & !and)))
        }
        (Some(data_type), Some(Cell::Word(one)), Some(Cell::Word(other))) => {
            let ([a, b], [c, d]) = (one.to_be_bytes(), other.to_be_bytes());
            let bytes = match point.order {
                WordOrder::Abcd => [a, b, c, d],
                WordOrder::Cdab => [c, d, a, b],
                WordOrder::Badc => [b, a, d, c],
                WordOrder::Dcba => [d, c, b, a],
            };
            match data_type {
                DataType::U32 => (min..=max).contains(&u32::from_be_bytes(bytes)),
                DataType::I32 => {
                    let end = |raw: u32| i32::from_be_bytes(raw.to_be_bytes());
                    (end(min)..=end(max)).contains(&i32::from_be_bytes(bytes))
                }
                _ => {
                    let (value, end) = (f32::from_be_bytes(bytes), f32::from_bits);
                    !value.is_nan() && end(min) <= value && value <= end(max)
                }
            }
        }
        _ => false,
    }
}

/// How to fill a register: with one half of a number near an end of its point, or with anything.
#[derive(Clone, Copy, Debug)]
struct Fill {
    near: Option<i8>,
    word: u16,
}

fn fill() -> impl Strategy<Value = Fill> {
    let near = prop_oneof![3 => (-3..=5_i8).prop_map(Some), 1 => Just(None)];
    let odd = [
        0, 1, 0x7F, 0x80, 0x7F80, 0x7FC0, 0x8000, 0xFF80, 0x807F, 0xC07F, 0xFFFF, 0x7FFF, 0x0080,
    ];
    let word = prop_oneof![
        1 => proptest::sample::select(odd.to_vec()),
        1 => any::<u16>(),
    ];
    (near, word).prop_map(|(near, word)| Fill { near, word })
}

/// The registers from an address on. A point in them gets a value at or beside an end of its range,
/// an infinity, NaN, or a zero with a sign.
fn registers(points: &[Point], unit: u8, first: u16, fills: &[Fill]) -> Vec<u16> {
    let mut words: Vec<u16> = fills.iter().map(|fill| fill.word).collect();
    for point in points {
        if (point.unit.value(), point.table) != (unit, Table::HoldingRegisters) {
            continue;
        }
        let Some(at) = point.first.value().checked_sub(first).map(usize::from) else {
            continue;
        };
        let Some(near) = fills.get(at).and_then(|fill| fill.near) else {
            continue;
        };
        let middle = point
            .raw_min
            .wrapping_add(point.raw_max.wrapping_sub(point.raw_min) / 2);
        let raw = match near {
            -3 => 0x7FC0_0000,
            -2 => 0x7F80_0000,
            -1 => 0x8000_0000,
            0 => point.raw_min.wrapping_sub(1),
            1 => point.raw_min,
            2 => point.raw_max,
            3 => point.raw_max.wrapping_add(1),
            _ => middle,
        };
        let [a, b, c, d] = raw.to_be_bytes();
        let spelt: Vec<u16> = if point.registers() == 1 {
            vec![u16::from_be_bytes([c, d])]
        } else {
            let bytes = match point.order {
                WordOrder::Abcd => [a, b, c, d],
                WordOrder::Cdab => [c, d, a, b],
                WordOrder::Badc => [b, a, d, c],
                WordOrder::Dcba => [d, c, b, a],
            };
            bytes
                .chunks(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect()
        };
        for (at, word) in (at..).zip(spelt) {
            if let Some(place) = words.get_mut(at) {
                *place = word;
            }
        }
    }
    words
}

#[derive(Clone, Debug)]
struct Shape {
    function: u8,
    unit: u8,
    /// Begin at this point, rather than anywhere.
    at: Option<proptest::sample::Index>,
    first: u16,
    /// Or this much behind its first address, or before it.
    beside: i16,
    count: u16,
    also: (u16, u16),
    fills: Vec<Fill>,
    mask: (u16, u16),
    on: bool,
}

fn shape() -> impl Strategy<Value = Shape> {
    (
        proptest::sample::select(vec![1_u8, 2, 3, 4, 5, 6, 15, 16, 22, 23]),
        1..4_u8,
        proptest::option::weighted(0.8, any::<proptest::sample::Index>()),
        (0..PLACES, prop_oneof![4 => Just(0), 1 => -1..=1_i16]),
        prop_oneof![3 => 1..=2_u16, 1 => 1..6_u16],
        (0..PLACES, 1..4_u16),
        proptest::collection::vec(fill(), 6),
        (masks(), any::<u16>()),
        any::<bool>(),
    )
        .prop_map(
            |(function, unit, at, (first, beside), count, also, fills, mask, on)| Shape {
                function,
                unit,
                at,
                first,
                beside,
                count,
                also,
                fills,
                mask,
                on,
            },
        )
}

fn masks() -> impl Strategy<Value = u16> {
    prop_oneof![
        Just(0),
        Just(0xFFFF),
        Just(0x7FFF),
        Just(0x8000),
        Just(1),
        Just(0x00FF),
        any::<u16>()
    ]
}

/// The bytes of a request, and the unit it goes to: mostly at a point that it may be for.
fn request(shape: &Shape, points: &[Point]) -> (u8, Vec<u8>) {
    let fitting: Vec<&Point> = points
        .iter()
        .filter(|point| point.functions.bits() >> shape.function & 1 == 1)
        .collect();
    let (unit, first) = match shape.at {
        Some(index) if !fitting.is_empty() => {
            let point = index.get(&fitting);
            (
                point.unit.value(),
                point.first.value().saturating_add_signed(shape.beside),
            )
        }
        _ => (shape.unit, shape.first),
    };
    let count = shape.count.min((u16::MAX - first).saturating_add(1));
    let mut pdu = vec![shape.function];
    let words = registers(points, unit, first, &shape.fills[..usize::from(count)]);
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    let length = u8::try_from(bytes.len()).unwrap();
    let put = |pdu: &mut Vec<u8>, words: &[u16]| {
        pdu.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    };
    match shape.function {
        1..=4 => put(&mut pdu, &[first, count]),
        5 => put(&mut pdu, &[first, if shape.on { 0xFF00 } else { 0 }]),
        6 => put(&mut pdu, &[first, words[0]]),
        15 => {
            put(&mut pdu, &[first, count]);
            let [_, low] = shape.mask.0.to_be_bytes();
            pdu.extend([1, low & u8::try_from((1_u16 << count) - 1).unwrap()]);
        }
        16 => {
            put(&mut pdu, &[first, count]);
            pdu.push(length);
            pdu.extend(&bytes);
        }
        22 => {
            let (and, or) = shape.mask;
            put(
                &mut pdu,
                &[first, and, if shape.on { words[0] } else { or }],
            );
        }
        _ => {
            // Often what is written is read back.
            let (read, many) = if shape.on { (first, count) } else { shape.also };
            put(&mut pdu, &[read, many, first, count]);
            pdu.push(length);
            pdu.extend(&bytes);
        }
    }
    (unit, pdu)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_covered_is_what_the_model_allows(
        draft in any_draft(PLACES),
        points in proptest::collection::vec(point(PLACES), 1..24),
        shapes in proptest::collection::vec(shape(), 8),
    ) {
        let draft = Draft { points: apart(points), ..draft };
        let bytes = draft.encode().unwrap();
        let grant = Grant::read_unsigned(&bytes).unwrap();
        for shape in &shapes {
            let (unit, pdu) = request(shape, &draft.points);
            let typed = Request::decode(&pdu).unwrap();
            let model = allowed(&draft.points, unit, &asked(&pdu));
            let covered = grant.covers(UnitId::new(unit), &typed);
            prop_assert_eq!(covered.is_ok(), model, "{:?} {:x?} {:?}", covered, pdu, draft.points);
            // Towards another unit it is another point.
            let other = UnitId::new(unit ^ 0x80);
            let elsewhere = matches!(grant.covers(other, &typed), Err(NotCovered::Address { .. }));
            prop_assert!(elsewhere);
        }
    }
}

/// The model above would prove nothing if it never allowed, or never denied, one of these.
#[test]
fn the_model_says_both_yes_and_no_of_each_function() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let points = proptest::collection::vec(point(PLACES), 1..24);
    let mut said = alloc::collections::BTreeSet::new();
    for _ in 0..4_000 {
        let points = apart(points.new_tree(&mut runner).unwrap().current());
        let shape = shape().new_tree(&mut runner).unwrap().current();
        let (unit, pdu) = request(&shape, &points);
        let asked = asked(&pdu);
        let wide = points.iter().any(|point| {
            let (table, at) = (point.table.modicon_digit(), u32::from(point.first.value()));
            let writes = asked.writes.iter().any(|(written, cells)| {
                *written == table && cells.iter().any(|(address, _)| *address == at)
            });
            point.unit.value() == unit && point.registers() > 1 && writes
        });
        said.insert((shape.function, wide, allowed(&points, unit, &asked)));
    }
    for function in [1, 2, 3, 4, 5, 6, 15, 16, 22, 23] {
        for yes in [true, false] {
            assert!(said.contains(&(function, false, yes)), "{function} {yes}");
        }
    }
    for function in [16, 23] {
        for yes in [true, false] {
            assert!(said.contains(&(function, true, yes)), "{function} {yes}");
        }
    }
}

/// The second half of one number and the whole of the next: to whoever loses count they are one
/// number, and any is allowed.
#[test]
fn a_half_is_no_whole_whatever_is_beside_it() {
    let first = Point {
        data_type: Some(DataType::U32),
        raw_min: 0,
        raw_max: u32::MAX,
        ..points()[3]
    };
    let next = Point {
        first: Address::new(first.first.value() + 2),
        ..first
    };
    let draft = Draft {
        points: vec![first, next],
        ..draft()
    };
    let bytes = draft.encode().unwrap();
    let grant = Grant::read_unsigned(&bytes).unwrap();
    let write = |at: u8, count: u8| {
        let mut pdu = vec![16, 0, at, 0, count, count * 2];
        pdu.resize(pdu.len() + usize::from(count) * 2, 0);
        grant.covers(UnitId::new(255), &Request::decode(&pdu).unwrap())
    };
    assert_eq!(write(110, 4), Ok(()));
    assert_eq!(write(112, 2), Ok(()));
    assert_eq!(write(111, 3), Err(NotCovered::Part { point: 0 }));
    assert_eq!(write(111, 2), Err(NotCovered::Part { point: 0 }));
    assert_eq!(write(110, 3), Err(NotCovered::Part { point: 1 }));
    assert_eq!(write(110, 1), Err(NotCovered::Part { point: 0 }));
}

fn covers(pdu: &[u8]) -> Result<(), NotCovered> {
    let bytes = draft().encode().unwrap();
    let grant = Grant::read_unsigned(&bytes).unwrap();
    grant.covers(UnitId::new(255), &Request::decode(pdu).unwrap())
}

#[test]
fn each_refusal_names_what_is_not_covered() {
    let value = |number| Err(NotCovered::Value { point: 2, number });
    assert_eq!(covers(&[6, 0, 100, 3, 32]), Ok(()));
    assert_eq!(covers(&[6, 0, 100, 3, 33]), value(801.0));
    assert_eq!(covers(&[6, 0, 100, 0xFF, 0xF6]), Ok(()));
    assert_eq!(covers(&[6, 0, 100, 0xFF, 0xF5]), value(-11.0));
    let function = |point, function| Err(NotCovered::Function { point, function });
    let mask = FunctionCode::MaskWriteRegister;
    assert_eq!(covers(&[22, 0, 100, 0, 0, 0, 0]), function(2, mask));
    // The float written in half, and a register that is nobody's.
    let half = covers(&[16, 0, 110, 0, 1, 2, 0, 0]);
    assert_eq!(half, Err(NotCovered::Part { point: 3 }));
    let beyond = covers(&[3, 0, 100, 0, 2]).unwrap_err();
    assert_eq!(
        beyond.to_string(),
        "holding 101 (40102) of unit 255 is not in it"
    );
    // Part of it may be read.
    assert_eq!(covers(&[3, 0, 111, 0, 1]), Ok(()));
    // NaN and the infinities are in no range, and zero has no sign here.
    let float = |raw: u32| {
        let [a, b, c, d] = raw.to_be_bytes();
        covers(&[16, 0, 110, 0, 2, 4, c, d, a, b])
    };
    assert_eq!(float(0x4120_0000), Ok(()));
    assert_eq!(float(0x8000_0000), Ok(()));
    for raw in [
        0x7FC0_0000,
        0x7F80_0000,
        0xFF80_0000,
        0x8000_0001,
        0x4120_0001,
    ] {
        assert!(matches!(
            float(raw),
            Err(NotCovered::Value { point: 3, .. })
        ));
    }
    // What no address describes is never covered.
    for pdu in [
        &[7][..],
        &[8, 0, 0, 1, 2],
        &[17],
        &[24, 0, 100],
        &[43, 14, 1, 0],
    ] {
        let refused = covers(pdu).unwrap_err();
        assert!(matches!(refused, NotCovered::NoAddresses(_)), "{pdu:?}");
        assert!(refused.to_string().ends_with("is not for points"));
    }
}

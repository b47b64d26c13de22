//! No write passes that decodes to a value outside the limits.

use super::*;
use interlock_protocols::modbus::{DataType, value};
use proptest::prelude::*;

const ORDERS: [&str; 4] = ["abcd", "cdab", "badc", "dcba"];

/// A device with one number of each width, with these limits, and a device-side reading of it
/// that shares no code with the one under test but the bytes of the standard.
fn device_with(data_type: DataType, order: &str, min: f64, max: f64) -> Arc<Device> {
    let order = if data_type.registers() == 2 {
        format!("order = '{order}'")
    } else {
        String::new()
    };
    press(&format!(
        "
[[device.point]]
name = 'x'
table = 'holding'
address = 100
type = '{}'
{order}
access = 'read-write'
min = {min:?}
max = {max:?}
",
        data_type.name()
    ))
}

/// What the device will make of the bytes, spelt out.
fn as_the_device_reads(data_type: DataType, order: &str, words: &[u16]) -> f64 {
    let [a, b, c, d] = match *words {
        [one] => {
            let [high, low] = one.to_be_bytes();
            [0, 0, high, low]
        }
        [one, two] => {
            let ([p, q], [r, s]) = (one.to_be_bytes(), two.to_be_bytes());
            match order {
                "abcd" => [p, q, r, s],
                "cdab" => [r, s, p, q],
                "badc" => [q, p, s, r],
                _ => [s, r, q, p],
            }
        }
        _ => panic!("one register or two"),
    };
    let whole = u32::from_be_bytes([a, b, c, d]);
    match data_type {
        DataType::U16 | DataType::U32 => f64::from(whole),
        DataType::I16 => f64::from(whole as u16 as i16),
        DataType::I32 => f64::from(whole as i32),
        DataType::F32 => f64::from(f32::from_bits(whole)),
    }
}

fn words(data_type: DataType) -> impl Strategy<Value = Vec<u16>> {
    // Small words and those near the ends as often as any, so that limits are met from both sides.
    let word = prop_oneof![
        any::<u16>(),
        0u16..200,
        65_400u16..,
        Just(0x40A0),
        Just(0x7F80),
        Just(0x807F),
        Just(0x8000),
        Just(0x7FFF)
    ];
    proptest::collection::vec(word, usize::from(data_type.registers()))
}

fn any_write() -> impl Strategy<Value = (DataType, &'static str, Vec<u16>)> {
    let data_type = proptest::sample::select(DataType::ALL.to_vec());
    let order = proptest::sample::select(ORDERS.to_vec());
    (data_type, order).prop_flat_map(|(data_type, order)| {
        words(data_type).prop_map(move |words| (data_type, order, words))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// A write passes exactly where the device will read a value inside the limits.
    #[test]
    fn passes_exactly_what_is_inside(
        (data_type, order, words) in any_write(),
        low in -200i32..200,
        width in 0i32..300,
    ) {
        let (lowest, highest) = match data_type {
            DataType::U16 | DataType::U32 => (low.abs(), low.abs() + width),
            _ => (low, low + width),
        };
        let device = device_with(data_type, order, lowest.into(), highest.into());
        let read = as_the_device_reads(data_type, order, &words);
        let inside = read >= f64::from(lowest) && read <= f64::from(highest);
        let big_endian = bytes(&words);
        let written = write_registers(100, &big_endian);
        prop_assert_eq!(judged(&device, &written) == "passes", inside, "{} {:?}", read, words);
        let both = read_and_write(100, 100, &big_endian);
        prop_assert_eq!(judged(&device, &both) == "passes", inside, "{} {:?}", read, words);
    }

    /// Whatever range of a laid-out device is written, nothing passes but whole, writable points
    /// with values inside; a reference works it out register by register.
    #[test]
    fn passes_only_whole_named_points(
        first in 95u16..115,
        words in proptest::collection::vec(prop_oneof![0u16..10, any::<u16>()], 1..12),
    ) {
        let next = SPEED.replace("'speed'", "'second'").replace("address = 100", "address = 101");
        let device = press(&format!("{SPEED}{next}{PRESSURE}"));
        let at = |address: u16| words.get(usize::from(address.checked_sub(first)?)).copied();
        let end = first + words.len() as u16;
        let mut fine = (first..end).all(|address| [100, 101, 110, 111].contains(&address));
        for address in [100, 101] {
            fine &= at(address).is_none_or(|raw| raw <= 12_000);
        }
        fine &= match (at(110), at(111)) {
            (None, None) => true,
            (Some(low), Some(high)) => {
                let value = f32::from_bits(u32::from(high) << 16 | u32::from(low));
                (0.0..=10.1).contains(&value)
            }
            _ => false,
        };
        let big_endian = bytes(&words);
        let request = write_registers(first, &big_endian);
        prop_assert_eq!(judged(&device, &request) == "passes", fine);
        let touched = device.touched(ITSELF, &request);
        // What passes is named and whole.
        prop_assert!(!fine || touched.all_named);
    }

    /// What a person asks for in engineering units comes out of the registers again, to half a
    /// step, and within what decoding shows to be written.
    #[test]
    fn encoding_is_exact_to_half_a_step(
        raw in -32_768i64..=32_767,
        part in -0.5f64..0.5,
        decimals in 0u32..4,
        order in proptest::sample::select(ORDERS.to_vec()),
    ) {
        let scale: f64 = format!("1e-{decimals}").parse().expect("a number");
        let device = press(&format!("
[[device.point]]
name = 'short'
table = 'holding'
address = 1
type = 'i16'
scale = {scale:?}
[[device.point]]
name = 'long'
table = 'holding'
address = 2
type = 'i32'
order = '{order}'
scale = {scale:?}
"));
        let value = (raw as f64 + part) * scale;
        for name in ["short", "long"] {
            let point = device.point(name).expect("it is there");
            let Some(registers) = point.encode(value) else {
                // Only past the end of the type.
                prop_assert!(name == "short" && (value / scale).abs() > 32_767.0, "{value}");
                continue;
            };
            let back = point.decode(registers.as_slice()).expect("its own registers");
            prop_assert!((back - value).abs() <= scale * 0.500_001, "{value} -> {back}");
        }
    }

    #[test]
    fn floats_survive_every_order(bits: u32, order in proptest::sample::select(ORDERS.to_vec())) {
        let device = device_with(DataType::F32, order, 0.0, 1.0);
        let point = device.point("x").expect("it is there");
        let value = f32::from_bits(bits);
        match point.encode(value.into()) {
            None => prop_assert!(!value.is_finite()),
            Some(registers) => {
                let back = point.decode(registers.as_slice()).expect("two registers");
                prop_assert_eq!(back as f32, value);
                let read = as_the_device_reads(DataType::F32, order, registers.as_slice());
                prop_assert_eq!(read as f32, value);
            }
        }
    }
}

#[test]
fn encoding_refuses_what_the_type_cannot_hold() {
    let device = press(SPEED);
    let speed = device.point("speed").expect("it is there");
    let raw = |value: f64| Some(speed.encode(value)?.as_slice().to_vec());
    for (value, wanted) in [
        (0.0, Some(0)),
        (850.0, Some(8_500)),
        (850.04, Some(8_500)),
        (850.06, Some(8_501)),
        (-0.04, Some(0)),
        (-0.06, None),
        (6_553.5, Some(65_535)),
        (6_553.54, Some(65_535)),
        (6_553.56, None),
        (1e300, None),
        (-1e300, None),
        (f64::NAN, None),
        (f64::INFINITY, None),
    ] {
        assert_eq!(raw(value), wanted.map(|raw| vec![raw]), "{value}");
    }
    assert_eq!(speed.decode(&[1, 2]), None, "too many registers");
    assert_eq!(speed.decode(&[]), None);
    let device = press(&format!("{PRESSURE}{COILS}"));
    let pressure = device.point("pressure").expect("it is there");
    assert_eq!(pressure.encode(3.5e38), None);
    assert_eq!(pressure.encode(f64::NAN), None);
    let run = device.point("run").expect("it is there");
    assert!(run.encode(1.0).is_none() && run.decode(&[1]).is_none());
}

/// The vector of four orders that manuals print.
#[test]
fn word_orders() {
    for (order, words) in [
        (WordOrder::Abcd, [0x47F1, 0x2000]),
        (WordOrder::Cdab, [0x2000, 0x47F1]),
        (WordOrder::Badc, [0xF147, 0x0020]),
        (WordOrder::Dcba, [0x0020, 0xF147]),
    ] {
        assert_eq!(value::decode(DataType::F32, order, &words), Some(123_456.0));
        let device = device_with(DataType::F32, order.name(), 0.0, 1e6);
        let point = device.point("x").expect("it is there");
        assert_eq!(point.decode(&words), Some(123_456.0), "{order:?}");
        let registers = point.encode(123_456.0).expect("it fits");
        assert_eq!(registers.as_slice(), words, "{order:?}");
    }
}

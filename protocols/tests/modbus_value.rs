//! Numbers in registers, with the word orders written down.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use interlock_protocols::modbus::{DataType, WordOrder, value};

#[test]
fn word_orders_of_123456() {
    let orders = [
        (WordOrder::Abcd, [0x47F1, 0x2000]),
        (WordOrder::Cdab, [0x2000, 0x47F1]),
        (WordOrder::Badc, [0xF147, 0x0020]),
        (WordOrder::Dcba, [0x0020, 0xF147]),
    ];
    for (order, registers) in orders {
        let encoded = value::encode(DataType::F32, order, 123_456.0).unwrap();
        assert_eq!(encoded.as_slice(), registers);
        assert_eq!(
            value::decode(DataType::F32, order, &registers),
            Some(123_456.0)
        );
        let [a, b] = registers.map(u16::to_be_bytes);
        assert_eq!(encoded.as_bytes(), [a, b].concat());
    }
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    let abcd = WordOrder::Abcd;
    let refused = [
        (DataType::U16, -1.0),
        (DataType::U16, 65_536.0),
        (DataType::U16, 0.5),
        (DataType::I16, 32_768.0),
        (DataType::I16, -32_769.0),
        (DataType::U32, 4_294_967_296.0),
        (DataType::I32, 2_147_483_648.0),
        (DataType::I32, -2_147_483_649.0),
        (DataType::F32, 3.5e38),
        (DataType::F32, f64::NAN),
        (DataType::F32, f64::NEG_INFINITY),
        (DataType::U16, f64::NAN),
        (DataType::I32, f64::INFINITY),
    ];
    for (data_type, number) in refused {
        assert_eq!(
            value::encode(data_type, abcd, number),
            None,
            "{data_type:?} {number}"
        );
    }
    let kept = [
        (DataType::U16, 65_535.0, &[0xFFFF][..]),
        (DataType::I16, -32_768.0, &[0x8000]),
        (DataType::U32, 4_294_967_295.0, &[0xFFFF, 0xFFFF]),
        (DataType::I32, -2.0, &[0xFFFF, 0xFFFE]),
    ];
    for (data_type, number, registers) in kept {
        let encoded = value::encode(data_type, abcd, number).unwrap();
        assert_eq!(encoded.as_slice(), registers);
        assert_eq!(value::decode(data_type, abcd, registers), Some(number));
        assert_eq!(encoded.as_bytes().len(), registers.len() * 2);
    }
    // Half a float, or a register too many, is no value.
    assert_eq!(value::decode(DataType::F32, abcd, &[0x47F1]), None);
    assert_eq!(value::decode(DataType::U16, abcd, &[1, 2]), None);
}

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::modbus::value::{DataType, WordOrder};
use crate::modbus::{Address, FunctionCode, Table};

fn speed() -> Point {
    Point {
        unit: UnitId::new(255),
        table: Table::HoldingRegisters,
        first: Address::new(100),
        data_type: Some(DataType::U16),
        order: WordOrder::Abcd,
        functions: Functions::NONE
            .with(FunctionCode::ReadHoldingRegisters)
            .with(FunctionCode::WriteSingleRegister),
        raw_min: 0,
        raw_max: 800,
    }
}

fn draft() -> Draft {
    Draft {
        kind: Kind::Window,
        supervised: false,
        hold: true,
        quorum: 1,
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
        approvers: vec![[2; 32], [1; 32]],
        points: vec![speed()],
        spans: vec![Span {
            start_ms: 1_795_000_000_000,
            length_s: 7_200,
        }],
    }
}

fn write(value: u16) -> Vec<u8> {
    [&[6, 0, 100][..], &value.to_be_bytes()].concat()
}

#[test]
fn what_was_written_is_read_and_covers_what_it_says() {
    let bytes = draft().encode().unwrap();
    let grant = Grant::read_unsigned(&bytes).unwrap();
    assert_eq!(grant.approvers(), [[1; 32], [2; 32]]);
    assert_eq!(grant.points().collect::<Vec<_>>(), [speed()]);
    let covers = |pdu: &[u8]| grant.covers(UnitId::new(255), &Request::decode(pdu).unwrap());
    assert_eq!(covers(&write(800)), Ok(()));
    let above = NotCovered::Value {
        point: 0,
        number: 801.0,
    };
    assert_eq!(covers(&write(801)), Err(above));
}

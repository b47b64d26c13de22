//! What a point holds: its type, word order, scale and offset.

use crate::document::{Section, Slot};
use crate::plant::point::Holds;
use crate::plant::scaling::{DECIMALS_MAX, MAGNITUDE_MAX, Scaling};
use interlock_protocols::modbus::{DataType, Table, WordOrder};

#[derive(Clone, Copy)]
enum Type {
    Bool,
    Number(DataType),
}

const TYPES: [(&str, Type); 6] = [
    ("u16", Type::Number(DataType::U16)),
    ("i16", Type::Number(DataType::I16)),
    ("u32", Type::Number(DataType::U32)),
    ("i32", Type::Number(DataType::I32)),
    ("f32", Type::Number(DataType::F32)),
    ("bool", Type::Bool),
];

const ORDERS: [(&str, WordOrder); 4] = [
    ("abcd", WordOrder::Abcd),
    ("cdab", WordOrder::Cdab),
    ("badc", WordOrder::Badc),
    ("dcba", WordOrder::Dcba),
];

pub(super) fn read(section: &mut Section<'_>, table: Option<Table>) -> Option<Holds> {
    let bits = table.map(Table::is_bits);
    // Of an unknown table it cannot be said whether there must be a type.
    let slot = if bits == Some(false) {
        section.required("type")
    } else {
        section.optional("type")
    };
    let written = if slot.is_present() {
        slot.word(&TYPES)
    } else {
        bits.filter(|bits| *bits).map(|_| Type::Bool)
    };
    match (written, bits) {
        (Some(Type::Bool), Some(false)) => {
            section.fault(
                "type",
                "a register is not a bool",
                "name the register as a whole, as u16; single bits are points in the coil tables only",
            );
            numbers_only(section);
            None
        }
        (Some(Type::Number(_)), Some(true)) => {
            section.fault(
                "type",
                "a coil or discrete input is not a number",
                "its type is bool",
            );
            numbers_only(section);
            None
        }
        (Some(Type::Bool), _) => {
            for key in numbers_only(section) {
                section.fault(
                    key,
                    format!("`{key}` is for numbers"),
                    "take it out: this is a bit",
                );
            }
            Some(Holds::Bit)
        }
        (Some(Type::Number(data_type)), _) => number(section, data_type),
        (None, _) => {
            numbers_only(section);
            None
        }
    }
}

/// Takes the keys that only numbers have, and says which were there.
fn numbers_only(section: &mut Section<'_>) -> Vec<&'static str> {
    ["order", "scale", "offset"]
        .into_iter()
        .filter(|key| section.optional(key).is_present())
        .collect()
}

fn number(section: &mut Section<'_>, data_type: DataType) -> Option<Holds> {
    let wide = data_type.registers() > 1;
    let order = if wide {
        section.required("order").word(&ORDERS)
    } else if section.optional("order").is_present() {
        section.fault(
            "order",
            format!(
                "`order` is for 32-bit types, and {} has 16",
                data_type.name()
            ),
            "take it out: a single register is always high byte first",
        );
        None
    } else {
        Some(WordOrder::Abcd)
    };
    let scale = number_or(section.optional("scale"), 1.0);
    let offset = number_or(section.optional("offset"), 0.0);
    let (scale, offset) = (scale?, offset?);
    let Some(scaling) = Scaling::new(scale, offset) else {
        let key = if Scaling::new(scale, 0.0).is_none() {
            "scale"
        } else {
            "offset"
        };
        section.fault(
            key,
            format!("`{key}` cannot be computed with exactly"),
            format!(
                "it goes to {MAGNITUDE_MAX} and has at most {DECIMALS_MAX} decimals, and a scale is not 0"
            ),
        );
        return None;
    };
    Some(Holds::Number {
        data_type,
        order: order?,
        scaling,
    })
}

fn number_or(slot: Slot<'_>, default: f64) -> Option<f64> {
    if slot.is_present() {
        slot.number(f64::MIN..=f64::MAX)
    } else {
        Some(default)
    }
}

//! Where a point is: by PDU address or in the notation of Modicon.
//!
//! A vendor's manual says either `40101` or "address 100", and whoever mixes them up is one
//! register beside. So the file must say which it uses, and each has keys of its own.

use crate::document::{Section, Slot};
use interlock_protocols::modbus::{Address, Table};

/// How addresses are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Addressing {
    /// `table` and `address`, counted from 0, as on the wire.
    Pdu,
    /// `modicon`, counted from 1, with the table as leading digit.
    Modicon,
}

const TABLES: [(&str, Table); 4] = [
    ("coil", Table::Coils),
    ("discrete-input", Table::DiscreteInputs),
    ("holding", Table::HoldingRegisters),
    ("input", Table::InputRegisters),
];

/// What the top of the file says for all its devices.
#[derive(Clone, Copy)]
pub(super) struct OfFile {
    given: bool,
    addressing: Option<Addressing>,
}

impl OfFile {
    pub(super) fn read(root: &mut Section<'_>) -> OfFile {
        OfFile {
            given: root.has("addressing"),
            addressing: addressing(root),
        }
    }

    /// For one device, which may say otherwise; one of the two must be there.
    pub(super) fn or_of_device(self, device: &mut Section<'_>) -> Option<Addressing> {
        let given = device.has("addressing");
        let own = addressing(device);
        if given {
            return own;
        }
        if !self.given {
            device.fault(
                "addressing",
                "`addressing` is missing",
                "write addressing = \"pdu\" (counted from 0) or \"modicon\" (40001 and up), here or at the top of the file; manuals differ, and one beside is another register",
            );
        }
        self.addressing
    }
}

fn addressing(section: &mut Section<'_>) -> Option<Addressing> {
    section
        .optional("addressing")
        .word(&[("pdu", Addressing::Pdu), ("modicon", Addressing::Modicon)])
}

/// Table and first address of a point. The keys of the other notation are refused by name, since
/// reading them quietly is the very mistake to prevent.
pub(super) fn read(
    point: &mut Section<'_>,
    addressing: Option<Addressing>,
) -> Option<(Table, Address)> {
    match addressing {
        Some(Addressing::Pdu) => {
            refuse(
                point,
                &["modicon"],
                "write `table` and `address`, counted from 0: 40101 is table = \"holding\", address = 100",
            );
            let table = point.required("table").word(&TABLES);
            let address = point.required("address").integer(0..=u16::MAX);
            Some((table?, Address::new(address?)))
        }
        Some(Addressing::Modicon) => {
            refuse(
                point,
                &["table", "address"],
                "write `modicon`, counted from 1: holding register 100 is modicon = 40101",
            );
            modicon(point.required("modicon"))
        }
        // Said already, of the device; the keys are taken so as not to be called unknown.
        None => {
            for key in ["table", "address", "modicon"] {
                let _ = point.optional(key);
            }
            None
        }
    }
}

fn refuse(point: &mut Section<'_>, keys: &[&'static str], hint: &str) {
    for key in keys {
        if point.optional(key).is_present() {
            let other = "belongs to the other way of writing addresses";
            point.fault(key, format!("`{key}` {other}"), hint);
        }
    }
}

fn modicon(slot: Slot<'_>) -> Option<(Table, Address)> {
    if slot.is_text() {
        return slot.text_as(|text| parse_modicon(text).map_err(|why| (why.to_owned(), hint())));
    }
    // As a number it has no leading zeros, so a coil's would be lost: 101 could be 00101 or a
    // slip for 40101.
    slot.integer_as(|number| {
        parse_modicon(&number.to_string()).map_err(|why| (why.to_owned(), hint()))
    })
}

fn hint() -> String {
    "write five or six digits: 40101 or 400101 for a holding register, 30101 for an input register, \"10101\" for a discrete input, \"00101\" in quotes for a coil".to_owned()
}

/// Five digits (to address 9,999) or six.
fn parse_modicon(text: &str) -> Result<(Table, Address), &'static str> {
    const WRONG: &str = "that is no Modicon number of a register or coil";
    if !matches!(text.len(), 5 | 6) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(WRONG);
    }
    let (digit, number) = text.split_at_checked(1).ok_or(WRONG)?;
    let table = match digit {
        "0" => Table::Coils,
        "1" => Table::DiscreteInputs,
        "3" => Table::InputRegisters,
        "4" => Table::HoldingRegisters,
        _ => return Err("its leading digit is not 0, 1, 3 or 4"),
    };
    let offset = number
        .parse::<u32>()
        .ok()
        .and_then(|number| number.checked_sub(1))
        .ok_or("Modicon numbers begin at 1")?;
    let address = u16::try_from(offset).map_err(|_| "a table ends at 65536")?;
    Ok((table, Address::new(address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modicon_numbers() {
        for (text, table, address) in [
            ("40001", Table::HoldingRegisters, 0),
            ("40101", Table::HoldingRegisters, 100),
            ("49999", Table::HoldingRegisters, 9_998),
            ("400001", Table::HoldingRegisters, 0),
            ("465536", Table::HoldingRegisters, 65_535),
            ("30101", Table::InputRegisters, 100),
            ("10001", Table::DiscreteInputs, 0),
            ("00101", Table::Coils, 100),
            ("000101", Table::Coils, 100),
        ] {
            let parsed = parse_modicon(text);
            assert_eq!(parsed, Ok((table, Address::new(address))), "{text}");
        }
    }

    #[test]
    fn no_modicon_numbers() {
        for text in [
            "", "101", "4101", "40000", "400000", "465537", "20001", "50001", "60001", "4000001",
            "4x001", "+4001", " 4001",
        ] {
            assert!(parse_modicon(text).is_err(), "{text}");
        }
    }
}

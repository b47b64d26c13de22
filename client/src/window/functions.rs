//! The functions of a window: by the names of policy and of the standard, or shorter ones.

use interlock_broker::document::did_you_mean;
use interlock_protocols::conduit::PointOffer;
use interlock_protocols::grant;
use interlock_protocols::modbus::{FunctionCode, Table};

use crate::failure::{Failure, Kind};
use crate::point::table_of;

/// Those that write, and what people call them for short. A coil and a register of one kind have
/// one function each for one of them, and one for several.
const SHORT: [(&str, FunctionCode); 5] = [
    ("write-coil", FunctionCode::WriteSingleCoil),
    ("write-coils", FunctionCode::WriteMultipleCoils),
    ("write-register", FunctionCode::WriteSingleRegister),
    ("write-registers", FunctionCode::WriteMultipleRegisters),
    ("mask-register", FunctionCode::MaskWriteRegister),
];

/// What a function writes, if it writes points at all.
pub(super) fn writes(function: FunctionCode) -> Option<Table> {
    grant::table_of(function).filter(|_| grant::writes(function))
}

/// The function that reads a table.
pub(super) fn reads(table: Table) -> FunctionCode {
    match table {
        Table::Coils => FunctionCode::ReadCoils,
        Table::DiscreteInputs => FunctionCode::ReadDiscreteInputs,
        Table::HoldingRegisters => FunctionCode::ReadHoldingRegisters,
        Table::InputRegisters => FunctionCode::ReadInputRegisters,
    }
}

/// What people call a function.
pub(crate) fn short(function: FunctionCode) -> &'static str {
    let found = SHORT.iter().find(|(_, code)| *code == function);
    found.map_or(function.name(), |(short, _)| short)
}

/// Reads one name.
pub(crate) fn named(text: &str) -> Result<FunctionCode, Failure> {
    let name = text.trim().to_lowercase().replace([' ', '_'], "-");
    if let Some((_, code)) = SHORT.iter().find(|(short, _)| *short == name) {
        return Ok(*code);
    }
    let mut all = FunctionCode::ALL.into_iter();
    let found = all.find(|code| code.name() == name);
    if let Some(code) = found.filter(|code| grant::table_of(*code).is_some()) {
        return Ok(code);
    }
    let names = SHORT.map(|(short, _)| short);
    let next = match found {
        Some(_) => String::new(),
        None => did_you_mean(&name, names).map_or(String::new(), |meant| meant + " "),
    };
    let next = format!(
        "{next}write {}, or the whole name: write-single-register",
        names.join(", ")
    );
    let what = match found {
        Some(_) => format!("`{text}` reads and writes no points, and no window is for it"),
        None => format!("`{text}` is no function"),
    };
    Err(Failure::new(Kind::Usage, what, next))
}

/// What writes these points, one command each: what `interlock write` and most tools send.
pub(super) fn fitting(points: &[&PointOffer]) -> Vec<FunctionCode> {
    let writable = points.iter().filter(|point| point.writable);
    let fits = |point: &&&PointOffer| match (table_of(point.table)?, point.registers) {
        (Table::Coils, _) => Some(FunctionCode::WriteSingleCoil),
        (Table::HoldingRegisters, 1) => Some(FunctionCode::WriteSingleRegister),
        (Table::HoldingRegisters, _) => Some(FunctionCode::WriteMultipleRegisters),
        _ => None,
    };
    let mut functions: Vec<FunctionCode> = writable.filter_map(|point| fits(&point)).collect();
    functions.sort_unstable();
    functions.dedup();
    functions
}

/// Whether each function is for one of the points at least: one that is for none was a mistake.
pub(super) fn fit(functions: &[FunctionCode], points: &[&PointOffer]) -> Result<(), Failure> {
    let tables: Vec<Table> = points
        .iter()
        .filter_map(|point| table_of(point.table))
        .collect();
    let useless = functions
        .iter()
        .find(|function| writes(**function).is_some_and(|table| !tables.contains(&table)));
    useless.map_or(Ok(()), |function| {
        let fitting: Vec<&str> = fitting(points).into_iter().map(short).collect();
        Err(Failure::new(
            Kind::Usage,
            format!("{} writes none of these points", short(*function)),
            match fitting.as_slice() {
                [] => "none of them is written at all: leave --functions out".to_owned(),
                fitting => format!("leave it out; {} is for them", fitting.join(", ")),
            },
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::tests::{offer, point};

    #[test]
    fn a_function_has_the_names_of_policy_and_short_ones() {
        for (text, code) in [
            ("write-register", 6),
            ("write-single-register", 6),
            ("Write Registers", 16),
            ("WRITE_MULTIPLE_REGISTERS", 16),
            ("write-coil", 5),
            ("write-coils", 15),
            ("mask-register", 22),
            ("mask-write-register", 22),
            ("read-write-multiple-registers", 23),
            ("read-holding-registers", 3),
        ] {
            assert_eq!(named(text).map(FunctionCode::code), Ok(code), "{text}");
        }
        for (text, words) in [
            ("write-registr", "write-register"),
            ("diagnostics", "no window is for it"),
            ("", "is no function"),
            ("6", "is no function"),
        ] {
            let failure = named(text).unwrap_err();
            assert_eq!(failure.kind(), Kind::Usage);
            assert!(failure.to_string().contains(words), "{text}: {failure}");
        }
    }

    #[test]
    fn without_a_word_it_is_what_fits_the_points() {
        let wide = point("flow", 4, 20, "f32");
        let offer = offer();
        let all: Vec<&PointOffer> = offer.points.iter().chain([&wide]).collect();
        let codes = |points: &[&PointOffer]| -> Vec<u8> {
            fitting(points)
                .into_iter()
                .map(FunctionCode::code)
                .collect()
        };
        assert_eq!(codes(&all), [5, 6, 16]);
        assert_eq!(codes(&all[1..2]), [0_u8; 0], "an input is read only");
        let coil = &all[3..4];
        assert!(fit(&[FunctionCode::WriteSingleCoil], coil).is_ok());
        let failure = fit(&[FunctionCode::WriteSingleRegister], coil).unwrap_err();
        assert!(
            failure.next().contains("write-coil is for them"),
            "{failure}"
        );
        assert!(fit(&[FunctionCode::ReadCoils], &all[..1]).is_ok());
    }
}

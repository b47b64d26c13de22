//! What a person wants written, as registers. Whether it may be written is for the edge to say;
//! here it is only made sure that what is sent is what was meant.

use interlock_protocols::modbus::{RegisterWrite, Request, Table, value};

use super::{Form, Target, number};
use crate::failure::{Failure, Kind};

/// Steps by which a wish may miss the raw value that is meant, from dividing by the scale.
const SLACK: f64 = 1e-6;

/// The values of one write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Payload {
    /// One coil.
    Coil(bool),
    /// One register.
    Register(u16),
    /// Several registers, big-endian.
    Registers(Vec<u8>),
}

impl Payload {
    /// The command. A single register goes as function 6, which even the smallest device knows.
    pub(crate) fn request(&self, target: &Target) -> Option<Request<'_>> {
        let address = target.first();
        match self {
            Payload::Coil(on) => Some(Request::WriteSingleCoil { address, on: *on }),
            Payload::Register(value) => Some(Request::WriteSingleRegister {
                address,
                value: *value,
            }),
            Payload::Registers(bytes) => {
                RegisterWrite::new(address, bytes).map(Request::WriteMultipleRegisters)
            }
        }
    }

    /// The registers; none for a coil.
    pub(crate) fn registers(&self) -> Vec<u16> {
        match self {
            Payload::Coil(_) => Vec::new(),
            Payload::Register(value) => vec![*value],
            Payload::Registers(bytes) => bytes
                .as_chunks()
                .0
                .iter()
                .map(|pair| u16::from_be_bytes(*pair))
                .collect(),
        }
    }
}

/// Reads the text after the `=`.
pub(crate) fn payload(target: &Target, text: &str) -> Result<Payload, Failure> {
    match target.table() {
        Table::Coils => coil(target, text),
        Table::HoldingRegisters => match target.form {
            Form::Raw => registers(target, text),
            Form::Number { .. } => point(target, text),
        },
        Table::DiscreteInputs | Table::InputRegisters => Err(unfit(
            target,
            text,
            "inputs can only be read; Modbus has no command that writes them",
        )),
    }
}

fn coil(target: &Target, text: &str) -> Result<Payload, Failure> {
    match (text, target.count) {
        ("on" | "true" | "1", 1) => Ok(Payload::Coil(true)),
        ("off" | "false" | "0", 1) => Ok(Payload::Coil(false)),
        _ => Err(unfit(target, text, "write one coil at a time: on or off")),
    }
}

/// Raw registers side by side: `holding:100=900`, `holding:100=0x384,0`.
fn registers(target: &Target, text: &str) -> Result<Payload, Failure> {
    let hint =
        "write registers as numbers from 0 to 65535, or 0x0 to 0xFFFF, with commas between several";
    let words: Option<Vec<u16>> = text
        .split(',')
        .map(|word| match word.trim().strip_prefix("0x") {
            Some(hex) => u16::from_str_radix(hex, 16).ok(),
            None => word.trim().parse().ok(),
        })
        .collect();
    let words = words.ok_or_else(|| unfit(target, text, hint))?;
    // A count that was given must be the count that is written; without one it is 1.
    if target.count != 1 && usize::from(target.count) != words.len() {
        return Err(unfit(target, text, "give as many values as registers"));
    }
    let payload = match words.as_slice() {
        [word] => Payload::Register(*word),
        words => Payload::Registers(words.iter().flat_map(|word| word.to_be_bytes()).collect()),
    };
    if payload.request(target).is_none() {
        return Err(unfit(target, text, "one write takes at most 123 registers"));
    }
    Ok(payload)
}

fn point(target: &Target, text: &str) -> Result<Payload, Failure> {
    let Form::Number {
        data_type,
        order,
        scale,
        offset,
    } = target.form
    else {
        return registers(target, text);
    };
    let wish: f64 = text
        .parse()
        .ok()
        .filter(|wish: &f64| wish.is_finite())
        .ok_or_else(|| unfit(target, text, "write a number, with a point and not a comma"))?;
    let raw = (wish - offset) / scale;
    let float = data_type == value::DataType::F32;
    let nearest = if float { raw } else { raw.round() };
    // Never a silent rounding: what is written is what was asked for.
    if (raw - nearest).abs() > SLACK.max(raw.abs() * 1e-12) {
        let shown = |raw: f64| number(raw * scale + offset);
        return Err(unfit(
            target,
            text,
            &format!(
                "it moves in steps of {}: write {} or {}",
                number(scale.abs()),
                shown(raw.floor()),
                shown(raw.ceil())
            ),
        ));
    }
    let registers = value::encode(data_type, order, nearest).ok_or_else(|| {
        unfit(
            target,
            text,
            &format!("it does not fit the point's type, {}", data_type.name()),
        )
    })?;
    Ok(match registers.as_slice() {
        [word] => Payload::Register(*word),
        _ => Payload::Registers(registers.as_bytes().to_vec()),
    })
}

fn unfit(target: &Target, text: &str, next: &str) -> Failure {
    let what = format!("`{text}` cannot be written to {}", target.label());
    Failure::new(Kind::Usage, what, next)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{offer, point as offered, target};
    use super::*;
    use interlock_protocols::conduit::PointOffer;
    use interlock_protocols::modbus::Address;

    fn wanted(point: &str, text: &str) -> Result<Payload, Failure> {
        payload(&target(point).unwrap(), text)
    }

    #[test]
    fn a_value_in_engineering_units_becomes_registers() {
        let word = |word| Ok(Payload::Register(word));
        assert_eq!(wanted("speed_setpoint", "900"), word(900));
        assert_eq!(wanted("speed_setpoint", "9e2"), word(900));
        assert_eq!(wanted("temperature", "-40.1"), word(0xFFFF));
        assert_eq!(wanted("temperature", "90.3"), word(1303));
        assert_eq!(wanted("run", "on"), Ok(Payload::Coil(true)));
        assert_eq!(wanted("run", "0"), Ok(Payload::Coil(false)));
    }

    #[test]
    fn words_go_in_the_order_of_the_point() {
        let mut offer = offer();
        offer.points = vec![PointOffer {
            order: "cdab".into(),
            ..offered("flow", 4, 10, "f32")
        }];
        let target = Target::parse("flow", &offer, None).unwrap();
        let payload = payload(&target, "123456").unwrap();
        assert_eq!(payload.registers(), [0x2000, 0x47F1]);
        let request = payload.request(&target).unwrap();
        assert_eq!(
            request.encode().as_bytes(),
            [16, 0, 10, 0, 2, 4, 0x20, 0, 0x47, 0xF1]
        );
    }

    #[test]
    fn what_is_not_exactly_what_was_meant_is_refused() {
        for (point, text, hint) in [
            ("speed_setpoint", "900.4", "write 900 or 901"),
            ("temperature", "90.34", "steps of 0.1: write 90.3 or 90.4"),
            ("speed_setpoint", "70000", "does not fit"),
            ("speed_setpoint", "-1", "does not fit"),
            ("speed_setpoint", "NaN", "write a number"),
            ("speed_setpoint", "inf", "write a number"),
            ("speed_setpoint", "9,5", "write a number"),
            ("speed_setpoint", "", "write a number"),
            ("run", "2", "on or off"),
            ("coil:0:2", "on", "one coil at a time"),
            ("pressure", "1", "only be read"),
            ("discrete-input:0", "1", "only be read"),
            ("holding:1:3", "1,2", "as many values"),
            ("holding:1", "65536", "0 to 65535"),
            ("holding:1", "0x10000", "0 to 65535"),
            ("holding:65535", "1,2", "at most 123"),
        ] {
            let failure = wanted(point, text).unwrap_err();
            assert_eq!(failure.kind(), Kind::Usage, "{point}={text}");
            assert!(failure.next().contains(hint), "{point}={text}: {failure}");
        }
    }

    #[test]
    fn raw_registers_go_as_they_are() {
        assert_eq!(wanted("holding:100", "900"), Ok(Payload::Register(900)));
        assert_eq!(wanted("40101", "0x384"), Ok(Payload::Register(0x384)));
        let two = Payload::Registers(vec![0, 1, 0xFF, 0xFF]);
        assert_eq!(wanted("holding:100", "1,0xFFFF"), Ok(two.clone()));
        assert_eq!(wanted("holding:100:2", "1, 65535"), Ok(two));
        let target = target("holding:100").unwrap();
        assert_eq!(
            Payload::Register(900).request(&target),
            Some(Request::WriteSingleRegister {
                address: Address::new(100),
                value: 900
            })
        );
    }
}

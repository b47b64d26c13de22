//! Narrower limits as people write them: `speed_setpoint=0..800`.

use interlock_protocols::conduit::WindowLimit;

use crate::failure::{Failure, Kind};

/// Reads one.
pub(crate) fn parse(text: &str) -> Result<WindowLimit, Failure> {
    let wrong = || {
        Failure::new(
            Kind::Usage,
            format!("`{text}` is no limit"),
            "write POINT=LEAST..GREATEST in the unit of the point, like speed_setpoint=0..800; for a coil POINT=off or POINT=on",
        )
    };
    let (point, range) = text.split_once('=').ok_or_else(wrong)?;
    let (min, max) = match range.split_once("..") {
        Some((min, max)) => (number(min), number(max)),
        None => (number(range), number(range)),
    };
    let (min, max) = min
        .zip(max)
        .filter(|(min, max)| min <= max)
        .ok_or_else(wrong)?;
    if point.trim().is_empty() {
        return Err(wrong());
    }
    Ok(WindowLimit {
        point: point.trim().to_owned(),
        min,
        max,
    })
}

fn number(text: &str) -> Option<f64> {
    match text.trim() {
        "on" => Some(1.0),
        "off" => Some(0.0),
        text => text.parse().ok().filter(|number: &f64| number.is_finite()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_has_two_ends_in_the_unit_of_its_point() {
        for (text, point, min, max) in [
            ("speed_setpoint=0..800", "speed_setpoint", 0.0, 800.0),
            ("flow=-20..-0.5", "flow", -20.0, -0.5),
            ("run=off", "run", 0.0, 0.0),
            ("run = off..on", "run", 0.0, 1.0),
            ("p=7.5", "p", 7.5, 7.5),
        ] {
            let limit = parse(text).unwrap();
            assert_eq!(
                (limit.point.as_str(), limit.min, limit.max),
                (point, min, max)
            );
        }
        for text in [
            "", "p", "p=", "=1..2", "p=1..", "p=2..1", "p=1...2", "p=NaN", "p=0..inf", "p=a..b",
        ] {
            assert_eq!(parse(text).unwrap_err().kind(), Kind::Usage, "{text}");
        }
    }
}

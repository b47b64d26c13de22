//! What became of a command, in a plant engineer's words.

use interlock_protocols::modbus::{Area, ExceptionCode, Reply, Request, Response, UnitId};
use interlock_protocols::record::CommandResult;

use crate::limits::WRITES_SHOWN_MAX;
use crate::plant::{Device, Point};

/// What became of a command: the values of the named points that were read, or that it was done; or
/// why not.
pub fn became(device: &Device, unit: UnitId, asked: &[u8], result: &CommandResult) -> String {
    match result {
        CommandResult::Answered { pdu } => {
            answered(device, unit, asked, pdu).unwrap_or_else(|| "answered".to_owned())
        }
        CommandResult::Exception { code } => {
            format!("the device refused: {}", ExceptionCode::from_code(*code))
        }
        CommandResult::Withheld { reason } => format!("not sent: {reason}"),
        CommandResult::Unknown { why } => format!("it may have happened: {why}"),
    }
}

fn answered(device: &Device, unit: UnitId, asked: &[u8], reply: &[u8]) -> Option<String> {
    let request = Request::decode(asked).ok()?;
    let Reply::Normal(response) = Reply::decode(&request, reply).ok()? else {
        return None;
    };
    let Some(read) = request.reads() else {
        let done = if request.has_effect() {
            "done"
        } else {
            "answered"
        };
        return Some(done.to_owned());
    };
    let touched = device.touched(unit, &request);
    let shown = touched.reads.iter().take(WRITES_SHOWN_MAX);
    let mut parts: Vec<String> = shown
        .filter_map(|point| {
            Some(format!(
                "{} = {}",
                point.name(),
                value(point, read, &response)?
            ))
        })
        .collect();
    let more = touched.reads.len().saturating_sub(parts.len());
    match (parts.is_empty(), more) {
        (true, _) => return Some(format!("{} read", read.range.count())),
        (false, 0) => {}
        (false, 1) => parts.push("1 more point".to_owned()),
        (false, more) => parts.push(format!("{more} more points")),
    }
    Some(parts.join(", "))
}

/// What an answer says of a point; nothing where it has only a part of it.
fn value(point: &Point, read: Area, response: &Response<'_>) -> Option<String> {
    let first = point.area().range.first().value();
    let at = usize::from(first.checked_sub(read.range.first().value())?);
    let words = match response {
        Response::ReadCoils(bits) | Response::ReadDiscreteInputs(bits) => {
            return Some(point.show(f64::from(u8::from(bits.at(at)?))));
        }
        Response::ReadHoldingRegisters(words)
        | Response::ReadInputRegisters(words)
        | Response::ReadWriteMultipleRegisters(words) => words,
        _ => return None,
    };
    let count = usize::try_from(point.area().range.count()).ok()?;
    let words = (0..count).map(|more| words.at(at.checked_add(more)?));
    let value = point.decode(&words.collect::<Option<Vec<u16>>>()?)?;
    Some(point.show(value))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::plant::Plant;

    fn press() -> Arc<Device> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/site/plant.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let plant = Plant::parse(&file, &text).unwrap();
        Arc::clone(plant.device("press-4").unwrap())
    }

    fn words(asked: &[u8], reply: &[u8]) -> String {
        let result = CommandResult::Answered {
            pdu: reply.to_vec(),
        };
        became(&press(), UnitId::new(1), asked, &result)
    }

    #[test]
    fn what_was_read_is_told_in_names_and_units() {
        let both = words(&[3, 0, 100, 0, 2], &[3, 4, 0x21, 0x34, 0, 20]);
        assert_eq!(both, "speed_setpoint = 850 rpm, ramp = 20 rpm/s");
        assert_eq!(words(&[1, 0, 0, 0, 1], &[1, 1, 1]), "run = on");
        let wide = words(&[3, 0, 110, 0, 2], &[3, 4, 0, 0, 0x41, 0x20]);
        assert_eq!(wide, "pressure_setpoint = 10 bar");
    }

    #[test]
    fn half_a_point_is_not_told_and_nothing_is_made_up() {
        let half = words(&[3, 0, 110, 0, 1], &[3, 2, 0, 0]);
        assert_eq!(half, "1 read");
        let unnamed = words(&[3, 0, 200, 0, 3], &[3, 6, 0, 0, 0, 0, 0, 0]);
        assert_eq!(unnamed, "3 read");
        let more = words(
            &[3, 0, 101, 0, 10],
            &[
                3, 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            ],
        );
        assert_eq!(more, "ramp = 20 rpm/s, 1 more point");
    }

    #[test]
    fn writes_exceptions_and_silence_have_words() {
        let write = [6, 0, 100, 0x21, 0x34];
        assert_eq!(words(&write, &write), "done");
        let press = press();
        let became = |result| became(&press, UnitId::new(1), &write, &result);
        let refused = became(CommandResult::Exception { code: 2 });
        assert!(refused.starts_with("the device refused: "), "{refused}");
        let withheld = CommandResult::Withheld {
            reason: "deadline-passed".into(),
        };
        assert_eq!(became(withheld), "not sent: deadline-passed");
        let why = "no answer within 1000 ms".to_owned();
        let unknown = became(CommandResult::Unknown { why });
        assert_eq!(unknown, "it may have happened: no answer within 1000 ms");
    }
}

//! `interlock write`: change some points or addresses, one command each.

use clap::Args;
use interlock_protocols::modbus::Response;
use serde::Serialize;

use crate::Setting;
use crate::connect::sole;
use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;
use crate::modbus::{Client, ask_through};
use crate::point::{Payload, Target, payload};
use crate::read::raw;
use crate::screen::Row;

/// Write points or addresses of a device, one command each, in the order given.
///
/// A point takes a value in its engineering unit; a coil takes on or off; an address takes raw
/// registers, with commas between several. A command that waits for somebody's yes is asked again
/// for up to a minute. Each command is decided and recorded on its own: after
/// the first that is refused, none of the rest is sent.
#[derive(Debug, Args)]
pub(crate) struct Write {
    /// The device
    device: String,
    /// What to write where
    #[arg(required = true, value_name = "POINT|ADDRESS=VALUE")]
    wishes: Vec<String>,
    /// Have nobody else write to the device meanwhile
    #[arg(long)]
    sole: bool,
    /// Unit id for addresses; points know their own
    #[arg(long, value_name = "ID")]
    unit: Option<u8>,
}

pub(crate) async fn run(asked: &Write, setting: &Setting) -> Result<(), Failure> {
    let mut gateway = Gateway::connect(&setting.profile()?).await?;
    let mut rows = Vec::new();
    let written = write(asked, &mut gateway, &mut rows).await;
    gateway.goodbye().await;
    // What was written before a refusal was written all the same.
    if written.is_ok() || !rows.is_empty() {
        setting.print(&rows)?;
    }
    written
}

async fn write(
    asked: &Write,
    gateway: &mut Gateway,
    rows: &mut Vec<WriteRow>,
) -> Result<(), Failure> {
    let (stream, offer) = gateway.enter(&asked.device, true).await?;
    // All are understood before the first is sent.
    let mut wishes = Vec::new();
    for text in &asked.wishes {
        let (place, value) = split(text)?;
        let target = Target::parse(place, offer, asked.unit)?;
        let payload = payload(&target, value)?;
        wishes.push((target, payload));
    }
    if asked.sole {
        sole::take(gateway, std::slice::from_ref(&asked.device)).await?;
    }
    let mut client = Client::new(stream);
    for (target, payload) in &wishes {
        let request = payload.request(target).ok_or_else(|| {
            Failure::of_program(format!("{} takes no such write", target.label()))
        })?;
        let answer = ask_through(gateway, &mut client, target.unit(), &request).await?;
        let confirmed = answer
            .response(&request)
            .and_then(|response| confirmed(&response))
            .ok_or_else(|| Failure::new(Kind::Failed, "nothing was confirmed", "read it back"))?;
        rows.push(WriteRow::of(&asked.device, target, payload, confirmed));
    }
    Ok(())
}

/// At the first `=`: no point and no address has one.
fn split(text: &str) -> Result<(&str, &str), Failure> {
    text.split_once('=')
        .map(|(place, value)| (place.trim(), value.trim()))
        .ok_or_else(|| {
            Failure::new(
                Kind::Usage,
                format!("`{text}` does not say what to write"),
                "write POINT=VALUE, like speed_setpoint=900, or ADDRESS=VALUE, like holding:100=900",
            )
        })
}

/// What the device itself repeated in its answer: the value for one register or coil, only the
/// range for several.
fn confirmed(response: &Response<'_>) -> Option<String> {
    match response {
        Response::WriteSingleCoil { on, .. } => Some(if *on { "on" } else { "off" }.to_owned()),
        Response::WriteSingleRegister { value, .. } => Some(raw(&[*value])),
        Response::WriteMultipleRegisters(span) => {
            Some(format!("{} registers", span.quantity().value()))
        }
        _ => None,
    }
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct WriteRow {
    device: String,
    point: Option<String>,
    written: String,
    unit: String,
    address: String,
    registers: Vec<u16>,
    confirmed: String,
}

impl WriteRow {
    fn of(device: &str, target: &Target, payload: &Payload, confirmed: String) -> WriteRow {
        WriteRow {
            device: device.to_owned(),
            point: target.name().map(str::to_owned),
            written: target.shown(payload),
            unit: target.engineering_unit().to_owned(),
            address: target.place(),
            registers: payload.registers(),
            confirmed,
        }
    }
}

impl Row for WriteRow {
    const HEADER: &'static [&'static str] = &["POINT", "WRITTEN", "ADDRESS", "PLC CONFIRMED"];

    fn cells(&self) -> Vec<String> {
        let written = format!("{} {}", self.written, self.unit);
        vec![
            self.point.clone().unwrap_or_else(|| "-".to_owned()),
            written.trim_end().to_owned(),
            self.address.clone(),
            self.confirmed.clone(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::tests::target;
    use crate::screen::{Format, render};

    fn row(place: &str, value: &str, confirmed: &str) -> WriteRow {
        let target = target(place).unwrap();
        let payload = payload(&target, value).unwrap();
        WriteRow::of("mixer", &target, &payload, confirmed.to_owned())
    }

    #[test]
    fn what_was_written_and_what_the_plc_confirmed_are_two_columns() {
        let rows = [
            row("temperature", "90.3", "0517"),
            row("run", "on", "on"),
            row("holding:100", "900", "0384"),
            row("holding:100", "1,2", "2 registers"),
        ];
        let golden = "\
POINT        WRITTEN  ADDRESS              PLC CONFIRMED
temperature  90.3 °C  holding 300 (40301)  0517
run          on rpm   coil 5 (00006)       on
-            900      holding 100 (40101)  0384
-            1, 2     holding 100 (40101)  2 registers
";
        assert_eq!(render(Format::Table, &rows, None).unwrap(), golden);
    }

    #[test]
    fn a_wish_has_a_place_and_a_value() {
        assert_eq!(split("a=b"), Ok(("a", "b")));
        assert_eq!(split("holding:100 = 1,2"), Ok(("holding:100", "1,2")));
        assert_eq!(split("speed").unwrap_err().kind(), Kind::Usage);
    }
}

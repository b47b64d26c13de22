//! `interlock read`: one look at some points or addresses.

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use crate::Setting;
use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;
use crate::modbus::{Answer, Client, explain};
use crate::point::{Held, Target, number};
use crate::screen::Row;

/// Read points or addresses of a device, one command each.
///
/// A point is named as the inventory names it (`interlock devices DEVICE` lists them). An address
/// is written holding:100, holding:100:4 for four registers from there, or 40101.
#[derive(Debug, Args)]
pub(crate) struct Read {
    /// The device
    device: String,
    /// Points or addresses
    #[arg(required = true, value_name = "POINT|ADDRESS[:COUNT]")]
    targets: Vec<String>,
    /// Unit id for addresses; points know their own
    #[arg(long, value_name = "ID")]
    unit: Option<u8>,
}

pub(crate) async fn run(asked: &Read, setting: &Setting) -> Result<(), Failure> {
    let mut gateway = Gateway::connect(&setting.profile()?).await?;
    let mut rows = Vec::new();
    let read = read(asked, &mut gateway, &mut rows).await;
    gateway.goodbye().await;
    // What was read before a refusal was read all the same.
    if read.is_ok() || !rows.is_empty() {
        setting.print(&rows)?;
    }
    read
}

async fn read(asked: &Read, gateway: &mut Gateway, rows: &mut Vec<ReadRow>) -> Result<(), Failure> {
    let (stream, offer) = gateway.enter(&asked.device, false).await?;
    // All are understood before the first is asked for.
    let targets: Vec<Target> = asked
        .targets
        .iter()
        .map(|text| Target::parse(text, offer, asked.unit))
        .collect::<Result<_, _>>()?;
    let mut client = Client::new(stream);
    for target in &targets {
        let request = target.read()?;
        let answer = client.ask(target.unit(), &request).await?;
        if let Answer::Exception { transaction, code } = answer {
            return Err(explain(gateway, client.conversation(), transaction, code).await);
        }
        let held = answer
            .response(&request)
            .and_then(|response| target.held(&response))
            .ok_or_else(|| Failure::new(Kind::Failed, "no values in the answer", "try again"))?;
        rows.extend(ReadRow::of(&asked.device, target, &held));
    }
    Ok(())
}

/// One value: a point, or one register or bit of an address.
#[derive(Clone, PartialEq, Debug, Serialize)]
struct ReadRow {
    device: String,
    point: Option<String>,
    value: Value,
    unit: String,
    address: String,
    registers: Vec<u16>,
    #[serde(skip)]
    shown: String,
}

impl ReadRow {
    fn of(device: &str, target: &Target, held: &Held) -> Vec<ReadRow> {
        let row = |offset: usize, value: Value, shown: String, registers: &[u16]| ReadRow {
            device: device.to_owned(),
            point: target.name().map(str::to_owned),
            value,
            unit: target.engineering_unit().to_owned(),
            address: target.place_at(offset),
            registers: registers.to_vec(),
            shown,
        };
        match held {
            Held::Bits(bits) => bits
                .iter()
                .enumerate()
                .map(|(offset, on)| {
                    let shown = if *on { "on" } else { "off" };
                    row(offset, json!(on), shown.to_owned(), &[])
                })
                .collect(),
            Held::Registers(registers, Some(value)) => {
                let shown = format!("{} {}", number(*value), target.engineering_unit());
                // JSON has no NaN; `null` says that there is no number.
                vec![row(0, json!(value), shown.trim_end().to_owned(), registers)]
            }
            Held::Registers(registers, None) => registers
                .iter()
                .enumerate()
                .map(|(offset, word)| row(offset, json!(word), word.to_string(), &[*word]))
                .collect(),
        }
    }
}

/// Registers as they came: `0384 2000`.
pub(crate) fn raw(registers: &[u16]) -> String {
    let words: Vec<String> = registers.iter().map(|word| format!("{word:04X}")).collect();
    words.join(" ")
}

impl Row for ReadRow {
    const HEADER: &'static [&'static str] = &["POINT", "VALUE", "ADDRESS", "RAW"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.point.clone().unwrap_or_else(|| "-".to_owned()),
            self.shown.clone(),
            self.address.clone(),
            raw(&self.registers),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::tests::target;
    use crate::screen::{Format, render};

    fn rows() -> Vec<ReadRow> {
        let of = |text: &str, held: Held| ReadRow::of("mixer", &target(text).unwrap(), &held);
        [
            of(
                "temperature",
                Held::Registers(vec![1303], Some(1303.0 * 0.1 - 40.0)),
            ),
            of("run", Held::Bits(vec![true])),
            of("holding:100:2", Held::Registers(vec![900, 0xFFFF], None)),
            of("10009:2", Held::Bits(vec![false, true])),
        ]
        .concat()
    }

    #[test]
    fn values_are_shown_with_unit_raw_registers_and_both_addresses() {
        let golden = "\
POINT        VALUE    ADDRESS                   RAW
temperature  90.3 °C  holding 300 (40301)       0517
run          on       coil 5 (00006)
-            900      holding 100 (40101)       0384
-            65535    holding 101 (40102)       FFFF
-            off      discrete-input 8 (10009)
-            on       discrete-input 9 (10010)
";
        assert_eq!(render(Format::Table, &rows(), None).unwrap(), golden);
    }

    #[test]
    fn for_programs_a_value_is_a_number_or_a_truth() {
        let json = render(Format::Jsonl, &rows()[1..3], None).unwrap();
        let golden = "\
{\"device\":\"mixer\",\"point\":\"run\",\"value\":true,\"unit\":\"rpm\",\"address\":\"coil 5 (00006)\",\"registers\":[]}
{\"device\":\"mixer\",\"point\":null,\"value\":900,\"unit\":\"\",\"address\":\"holding 100 (40101)\",\"registers\":[900]}
";
        assert_eq!(json, golden);
    }
}

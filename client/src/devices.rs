//! `interlock devices`: what you may see and do.

use std::net::SocketAddr;

use clap::Args;
use interlock_protocols::conduit::{DeviceOffer, PointOffer};
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::Setting;
use crate::failure::Failure;
use crate::gateway::{Gateway, Welcome};
use crate::moment;
use crate::point;
use crate::screen::Row;

/// Show the devices that you may see and what you may do, or the points of one of them.
#[derive(Debug, Args)]
pub(crate) struct Devices {
    /// Show the named points of this device
    #[arg(value_name = "DEVICE")]
    device: Option<String>,
}

pub(crate) async fn run(asked: &Devices, setting: &Setting) -> Result<(), Failure> {
    let gateway = Gateway::connect(&setting.profile()?).await?;
    let printed = show(asked, setting, &gateway);
    gateway.goodbye().await;
    printed
}

fn show(asked: &Devices, setting: &Setting, gateway: &Gateway) -> Result<(), Failure> {
    if let Some(name) = &asked.device {
        let offer = gateway.offer(name)?;
        let rows: Vec<PointRow> = offer.points.iter().map(PointRow::of).collect();
        return setting.print(&rows);
    }
    let zone = TimeZone::system();
    let rows: Vec<DeviceRow> = gateway
        .offers()
        .iter()
        .map(|offer| DeviceRow::of(offer, gateway.welcome(), &zone))
        .collect();
    setting.print(&rows)
}

/// One device, as `devices` and `connect` show it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct DeviceRow {
    device: String,
    zone: String,
    description: String,
    address: String,
    unit: u8,
    may: Vec<String>,
    /// `None` where nothing is served.
    writes_armed: Option<bool>,
    certificate_ends: String,
    #[serde(skip)]
    ends_here: String,
}

impl DeviceRow {
    pub(crate) fn of(offer: &DeviceOffer, welcome: &Welcome, zone: &TimeZone) -> DeviceRow {
        DeviceRow {
            device: offer.name.clone(),
            zone: offer.zone.clone(),
            description: offer.description.clone(),
            address: offer.local_address.clone(),
            unit: offer.unit,
            may: offer.may.clone(),
            writes_armed: None,
            certificate_ends: moment::rfc3339(welcome.certificate_ends_ms),
            ends_here: moment::minute(welcome.certificate_ends_ms, zone),
        }
    }

    /// The same while it is served at this address.
    pub(crate) fn served(mut self, address: SocketAddr, armed: bool) -> DeviceRow {
        self.address = address.to_string();
        self.writes_armed = Some(armed);
        self
    }
}

impl Row for DeviceRow {
    const HEADER: &'static [&'static str] = &[
        "DEVICE",
        "LOCAL ADDRESS",
        "UNIT",
        "YOU MAY",
        "WRITES",
        "CERTIFICATE ENDS",
    ];

    fn cells(&self) -> Vec<String> {
        let writes = match self.writes_armed {
            Some(true) => "armed",
            Some(false) => "off (--write)",
            None => "-",
        };
        vec![
            self.device.clone(),
            self.address.clone(),
            self.unit.to_string(),
            self.may.join("\n"),
            writes.to_owned(),
            self.ends_here.clone(),
        ]
    }
}

/// One point, as `devices DEVICE` shows it.
#[derive(Clone, PartialEq, Debug, Serialize)]
struct PointRow {
    point: String,
    address: String,
    unit_id: u8,
    data_type: String,
    order: String,
    unit: String,
    min: Option<f64>,
    max: Option<f64>,
    writable: bool,
    may_read: bool,
    may_write: bool,
}

impl PointRow {
    fn of(offer: &PointOffer) -> PointRow {
        PointRow {
            point: offer.name.clone(),
            address: point::place(offer),
            unit_id: offer.unit_id,
            data_type: offer.data_type.clone(),
            order: offer.order.clone(),
            unit: offer.unit.clone(),
            min: offer.min,
            max: offer.max,
            writable: offer.writable,
            may_read: offer.may_read,
            may_write: offer.may_write,
        }
    }

    fn range(&self) -> String {
        let end = |value: Option<f64>| value.map_or("…".to_owned(), |value| value.to_string());
        match (self.min, self.max) {
            (None, None) => "-".to_owned(),
            (min, max) => format!("{} to {} {}", end(min), end(max), self.unit)
                .trim_end()
                .to_owned(),
        }
    }
}

impl Row for PointRow {
    const HEADER: &'static [&'static str] = &["POINT", "ADDRESS", "TYPE", "RANGE", "YOU MAY"];

    fn cells(&self) -> Vec<String> {
        let may = match (self.may_read, self.may_write) {
            (true, true) => "read, write",
            (true, false) => "read",
            (false, true) => "write",
            (false, false) => "-",
        };
        // A word order says something only where there are two words.
        let kind = if matches!(self.data_type.as_str(), "bool" | "u16" | "i16") {
            self.data_type.clone()
        } else {
            format!("{} {}", self.data_type, self.order)
        };
        vec![
            self.point.clone(),
            self.address.clone(),
            kind,
            self.range(),
            may.to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::{Format, render};

    fn offer() -> DeviceOffer {
        DeviceOffer {
            name: "mixer".into(),
            zone: "hall".into(),
            description: "Mixing tank".into(),
            local_address: "127.77.0.11:1502".into(),
            unit: 1,
            points: Vec::new(),
            may: vec!["read everything".into(), "write speed_setpoint".into()],
        }
    }

    fn welcome() -> Welcome {
        Welcome {
            gateway: "gate-1".into(),
            site: "waterworks".into(),
            session: 7,
            subject: "spiffe://waterworks/person/olga".into(),
            groups: vec!["operators".into()],
            certificate_ends_ms: 1_700_000_000_000,
        }
    }

    #[test]
    fn the_table_of_connect_says_where_and_what_one_may() {
        let row = DeviceRow::of(&offer(), &welcome(), &TimeZone::UTC);
        let rows = [row.served("127.77.0.11:1502".parse().unwrap(), true)];
        let golden = "\
DEVICE  LOCAL ADDRESS     UNIT  YOU MAY               WRITES  CERTIFICATE ENDS
mixer   127.77.0.11:1502  1     read everything       armed   2023-11-14 22:13
                                write speed_setpoint
";
        assert_eq!(render(Format::Table, &rows, None).unwrap(), golden);
        let json = render(Format::Jsonl, &rows, None).unwrap();
        assert_eq!(
            json,
            "{\"device\":\"mixer\",\"zone\":\"hall\",\"description\":\"Mixing tank\",\"address\":\"127.77.0.11:1502\",\"unit\":1,\"may\":[\"read everything\",\"write speed_setpoint\"],\"writes_armed\":true,\"certificate_ends\":\"2023-11-14T22:13:20.000Z\"}\n"
        );
    }

    #[test]
    fn a_point_is_shown_with_both_addresses_and_its_range() {
        let offer = PointOffer {
            name: "pressure".into(),
            unit_id: 1,
            table: 4,
            first: 200,
            registers: 2,
            data_type: "f32".into(),
            order: "cdab".into(),
            scale: 1.0,
            offset: 0.0,
            unit: "bar".into(),
            min: Some(0.0),
            max: Some(6.5),
            writable: true,
            may_read: true,
            may_write: false,
        };
        let golden = "\
POINT     ADDRESS              TYPE      RANGE         YOU MAY
pressure  holding 200 (40201)  f32 cdab  0 to 6.5 bar  read
";
        let rows = [PointRow::of(&offer)];
        assert_eq!(render(Format::Table, &rows, None).unwrap(), golden);
    }
}

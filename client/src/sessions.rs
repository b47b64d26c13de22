//! `interlock sessions`: who is there.

use clap::Args;
use interlock_broker::digits::hex;
use interlock_broker::subject::path;
use interlock_protocols::conduit::{Answer, Ask, SessionRow};
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::Setting;
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::moment;
use crate::restraint::short;
use crate::screen::Row;

/// List the sessions that are open: who, from which machine, since when, their last command
#[derive(Debug, Args)]
pub(crate) struct Sessions {}

pub(crate) async fn run(setting: &Setting) -> Result<(), Failure> {
    let mut gateway = Gateway::connect(&setting.profile()?).await?;
    let parts = gateway.ask_for_parts(Ask::Sessions).await;
    gateway.goodbye().await;
    let zone = TimeZone::system();
    let rows: Vec<SessionLine> = parts?
        .into_iter()
        .filter_map(|part| match part {
            Answer::Sessions(rows) => Some(rows),
            _ => None,
        })
        .flatten()
        .map(|row| SessionLine::of(row, &zone))
        .collect();
    setting.print(&rows)
}

/// One session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct SessionLine {
    session: u64,
    subject: String,
    machine: String,
    device_key: Option<String>,
    peer: String,
    devices: Vec<String>,
    since: String,
    last_at: Option<String>,
    last: String,
    auth: &'static str,
    auth_at: String,
    ends: String,
    read_only: bool,
    posture: String,
    #[serde(skip)]
    here: Here,
}

/// What the table shows otherwise than programs want it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Here {
    machine: String,
    since: String,
    last: String,
}

impl SessionLine {
    fn of(row: SessionRow, zone: &TimeZone) -> SessionLine {
        let fingerprint = row.device_key.as_ref().map(short).unwrap_or_default();
        let here = Here {
            machine: match row.machine.as_str() {
                "" => format!("{fingerprint}\n{}\n{}", row.peer, row.posture),
                machine => format!("{machine}\n{}\n{}", row.peer, row.posture),
            },
            since: moment::minute(row.since_ms, zone),
            last: match row.last_ms {
                Some(at_ms) => format!("{}\n{}", moment::minute(at_ms, zone), row.last),
                None => "-".to_owned(),
            },
        };
        SessionLine {
            session: row.session,
            subject: row.subject,
            machine: row.machine,
            device_key: row.device_key.map(|key| hex(&key)),
            peer: row.peer,
            devices: row.devices,
            since: moment::rfc3339(row.since_ms),
            last_at: row.last_ms.map(moment::rfc3339),
            last: row.last,
            auth: row.auth.name(),
            auth_at: moment::rfc3339(row.auth_ms),
            ends: moment::rfc3339(row.ends_ms),
            read_only: row.read_only,
            posture: row.posture,
            here,
        }
    }
}

impl Row for SessionLine {
    const HEADER: &'static [&'static str] = &[
        "SESSION",
        "WHO",
        "MACHINE",
        "DEVICES",
        "SINCE",
        "LAST COMMAND",
    ];

    const FIELDS: &'static [&'static str] = &[
        "SESSION",
        "SUBJECT",
        "MACHINE",
        "DEVICE_KEY",
        "PEER",
        "DEVICES",
        "SINCE",
        "LAST_AT",
        "LAST",
        "AUTH",
        "AUTH_AT",
        "ENDS",
        "READ_ONLY",
        "POSTURE",
    ];

    fn cells(&self) -> Vec<String> {
        let mut who = format!("{}\n{}", path(&self.subject), self.auth);
        if self.read_only {
            who.push_str("\nDOWNGRADED");
        }
        let devices = match self.devices.as_slice() {
            [] => "-".to_owned(),
            devices => devices.join("\n"),
        };
        vec![
            self.session.to_string(),
            who,
            self.here.machine.clone(),
            devices,
            self.here.since.clone(),
            self.here.last.clone(),
        ]
    }

    fn fields(&self) -> Vec<String> {
        vec![
            self.session.to_string(),
            self.subject.clone(),
            self.machine.clone(),
            self.device_key.clone().unwrap_or_default(),
            self.peer.clone(),
            self.devices.join(" "),
            self.since.clone(),
            self.last_at.clone().unwrap_or_default(),
            self.last.clone(),
            self.auth.to_owned(),
            self.auth_at.clone(),
            self.ends.clone(),
            self.read_only.to_string(),
            self.posture.clone(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::{Format, render};
    use interlock_protocols::identity::AuthStrength;

    #[test]
    fn the_list_says_who_from_where_since_when_and_what_last() {
        let row = SessionRow {
            session: 1_042,
            subject: "spiffe://waterworks/person/olga".into(),
            machine: "olga-laptop".into(),
            device_key: Some([0xab; 32]),
            peer: "192.0.2.7:5000".into(),
            devices: vec!["press-4".into(), "pump-2".into()],
            since_ms: 1_700_000_000_000,
            last_ms: Some(1_700_000_060_000),
            last: "press-4: read pressure".into(),
            auth: AuthStrength::UserPresent,
            auth_ms: 1_700_000_000_000,
            ends_ms: 1_700_003_600_000,
            read_only: true,
            posture: "no firewall (by itself, 12 s ago)".into(),
        };
        let rows = [SessionLine::of(row, &TimeZone::UTC)];
        let golden = "\
SESSION  WHO           MACHINE                            DEVICES  SINCE             LAST COMMAND
1042     person/olga   olga-laptop                        press-4  2023-11-14 22:13  2023-11-14 22:14
         user-present  192.0.2.7:5000                     pump-2                     press-4: read pressure
         DOWNGRADED    no firewall (by itself, 12 s ago)
";
        assert_eq!(render(Format::Table, &rows, None).unwrap(), golden);
        let csv = render(Format::Csv, &rows, None).unwrap();
        assert!(
            csv.ends_with(",2023-11-14T23:13:20.000Z,true,\"no firewall (by itself, 12 s ago)\"\n"),
            "{csv}"
        );
    }
}

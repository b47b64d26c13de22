//! `interlock identities`: everybody who is enrolled, and what they can do.

use clap::Args;
use interlock_broker::subject::path;
use interlock_protocols::conduit::{Answer, Ask, IdentityRow, IdentityStanding};
use interlock_protocols::identity::KeyProtection;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::Setting;
use crate::failure::Failure;
use crate::gateway::{Answered, Gateway};
use crate::invite::unexpected;
use crate::screen::Row;
use crate::{fingerprint, moment};

/// List people, vendors and programs: who answers for them, what they can do, what they never did
#[derive(Debug, Args)]
pub(crate) struct Identities {
    /// Only those who were not used for long
    #[arg(long)]
    unused: bool,
}

pub(crate) async fn run(asked: &Identities, setting: &Setting) -> Result<(), Failure> {
    let mut gateway = Gateway::connect(&setting.profile()?).await?;
    let answered = gateway.ask(Ask::Identities).await;
    gateway.goodbye().await;
    let Answered::Parts(parts) = answered? else {
        return Err(unexpected());
    };
    let mut rows = Vec::new();
    for part in parts {
        let Answer::Identities(some) = part else {
            return Err(unexpected());
        };
        let some = some.into_iter().filter(|row| row.unused || !asked.unused);
        rows.extend(some.map(|row| IdentityShown::of(row, &TimeZone::system())));
    }
    setting.print(&rows)
}

/// One subject on one machine.
#[derive(Clone, PartialEq, Debug, Serialize)]
struct IdentityShown {
    subject: String,
    owner: String,
    groups: Vec<String>,
    machine: String,
    device_key: String,
    device_protection: &'static str,
    authenticator_protection: &'static str,
    enrolled: String,
    certificate_ends: Option<String>,
    last_used: Option<String>,
    standing: &'static str,
    unused: bool,
    may: Vec<String>,
    never_used: Vec<String>,
    #[serde(skip)]
    ends_here: String,
    #[serde(skip)]
    used_here: String,
}

impl IdentityShown {
    fn of(row: IdentityRow, zone: &TimeZone) -> IdentityShown {
        let here = |ms: Option<i64>, never: &str| {
            ms.map_or_else(|| never.to_owned(), |ms| moment::minute(ms, zone))
        };
        IdentityShown {
            subject: row.subject,
            owner: row.owner,
            groups: row.groups,
            machine: row.machine,
            device_key: fingerprint::grouped(&row.device_key),
            device_protection: KeyProtection::name(row.device_protection),
            authenticator_protection: KeyProtection::name(row.authenticator_protection),
            enrolled: moment::rfc3339(row.enrolled_ms),
            certificate_ends: row.ends_ms.map(moment::rfc3339),
            last_used: row.used_ms.map(moment::rfc3339),
            standing: match row.standing {
                IdentityStanding::Active => "active",
                IdentityStanding::Revoked => "revoked",
                IdentityStanding::Disabled => "disabled",
            },
            unused: row.unused,
            may: row.may,
            never_used: row.never_used,
            ends_here: here(row.ends_ms, "none yet"),
            used_here: here(row.used_ms, "never"),
        }
    }
}

impl Row for IdentityShown {
    const HEADER: &'static [&'static str] = &["WHO", "MACHINE", "STANDING", "MAY"];

    const FIELDS: &'static [&'static str] = &[
        "subject",
        "owner",
        "groups",
        "machine",
        "device_key",
        "device_protection",
        "authenticator_protection",
        "enrolled",
        "certificate_ends",
        "last_used",
        "standing",
        "unused",
        "may",
        "never_used",
    ];

    fn cells(&self) -> Vec<String> {
        let unused = if self.unused { ", UNUSED" } else { "" };
        let may = self.may.iter().map(|may| {
            let never = self.never_used.contains(may);
            if never {
                format!("{may} (never did)")
            } else {
                may.clone()
            }
        });
        vec![
            format!(
                "{}\nby {}\n{}",
                path(&self.subject),
                path(&self.owner),
                self.groups.join(", ")
            ),
            format!(
                "{}\nits key: {}\ntheir key: {}",
                self.machine, self.device_protection, self.authenticator_protection
            ),
            format!(
                "{}{unused}\nends {}\nused {}",
                self.standing, self.ends_here, self.used_here
            ),
            may.collect::<Vec<_>>().join("\n"),
        ]
    }

    fn fields(&self) -> Vec<String> {
        vec![
            self.subject.clone(),
            self.owner.clone(),
            self.groups.join(" "),
            self.machine.clone(),
            self.device_key.clone(),
            self.device_protection.to_owned(),
            self.authenticator_protection.to_owned(),
            self.enrolled.clone(),
            self.certificate_ends.clone().unwrap_or_default(),
            self.last_used.clone().unwrap_or_default(),
            self.standing.to_owned(),
            self.unused.to_string(),
            self.may.join("; "),
            self.never_used.join("; "),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_was_never_there_is_seen_to_be_so() {
        let row = IdentityRow {
            subject: "spiffe://waterworks/workload/historian".to_owned(),
            owner: "spiffe://waterworks/person/olga".to_owned(),
            groups: vec!["readers".to_owned()],
            machine: "server-2".to_owned(),
            device_key: [0xAB; 32],
            device_protection: KeyProtection::Tpm,
            authenticator_protection: KeyProtection::Software,
            enrolled_ms: 1_795_000_000_000,
            ends_ms: None,
            used_ms: None,
            standing: IdentityStanding::Disabled,
            unused: true,
            may: vec!["read mixer".to_owned()],
            never_used: vec!["read mixer".to_owned()],
        };
        let shown = IdentityShown::of(row, &TimeZone::UTC);
        assert_eq!(shown.cells().len(), IdentityShown::HEADER.len());
        assert_eq!(shown.fields().len(), IdentityShown::FIELDS.len());
        let cells = shown.cells();
        assert_eq!(cells[0], "workload/historian\nby person/olga\nreaders");
        assert_eq!(cells[2], "disabled, UNUSED\nends none yet\nused never");
        assert_eq!(cells[3], "read mixer (never did)");
    }
}

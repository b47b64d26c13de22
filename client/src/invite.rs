//! `interlock invite`: letting somebody enrol, and confirming that it is them.

use clap::{Args, Subcommand};
use interlock_broker::join::JoinLine;
use interlock_protocols::conduit::{Answer, Ask, InvitationRow, Invited};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::Setting;
use crate::failure::{Failure, Kind};
use crate::gateway::{Answered, Gateway};
use crate::profile::Profile;
use crate::screen::{self, Row};
use crate::{fingerprint, moment};

/// Let somebody enrol a machine of theirs, and confirm that it is them
///
/// Inviting, confirming and withdrawing are acts of administration: they are decided by the policy
/// in force, and recorded. The sample policy wants you to be there: with your key in a token you
/// are asked for its PIN.
#[derive(Debug, Args)]
pub(crate) struct Invite {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Invite somebody of the plant
    Person(Whom),
    /// Invite somebody of another firm; you confirm their machine before they get in
    Vendor(Whom),
    /// Invite a program
    Workload(Whom),
    /// List invitations that are open, and machines that wait to be confirmed
    List,
    /// Confirm the machine that waits on an invitation
    Confirm {
        /// Number of the invitation
        invitation: u64,
        /// The fingerprint that its owner read out to you: all of it
        #[arg(long, value_name = "FINGERPRINT")]
        fingerprint: String,
    },
    /// Withdraw an invitation, or turn away who waits on it
    Withdraw {
        /// Number of the invitation
        invitation: u64,
        /// Why, for the record
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Args)]
struct Whom {
    /// NAME; for a vendor FIRM/NAME
    name: String,
    /// Groups to put them in, with commas between
    #[arg(long, value_delimiter = ',', value_name = "GROUPS")]
    groups: Vec<String>,
    /// For how long the invitation may be used
    #[arg(long, default_value = "1h", value_parser = seconds)]
    valid: u32,
    /// Where they reach the gateway, if it is not where you do: a name or an address
    #[arg(long, value_name = "HOST")]
    address: Option<String>,
}

pub(crate) async fn run(asked: &Invite, setting: &Setting) -> Result<(), Failure> {
    let profile = setting.profile()?;
    match &asked.act {
        Act::Person(whom) => invite("person", whom, &profile).await,
        Act::Vendor(whom) => invite("vendor", whom, &profile).await,
        Act::Workload(whom) => invite("workload", whom, &profile).await,
        Act::List => list(setting, &profile).await,
        Act::Confirm {
            invitation,
            fingerprint,
        } => {
            let device_key = fingerprint::parse(fingerprint).map_err(|why| {
                Failure::new(
                    Kind::Usage,
                    why,
                    "ask for it once more, and write all of it",
                )
            })?;
            let ask = Ask::ConfirmEnrolment {
                invitation: *invitation,
                device_key,
            };
            word(act(&profile, ask).await?)
        }
        Act::Withdraw { invitation, reason } => {
            let ask = Ask::CloseInvitation {
                invitation: *invitation,
                reason: reason.clone(),
            };
            word(act(&profile, ask).await?)
        }
    }
}

/// One act in a session of its own, in which the person has shown that they are there.
async fn act(profile: &Profile, ask: Ask) -> Result<Answered, Failure> {
    let mut gateway = Gateway::connect(profile).await?;
    let answered = match gateway.show_presence(profile).await {
        Ok(()) => gateway.ask(ask).await,
        Err(failure) => Err(failure),
    };
    gateway.goodbye().await;
    answered
}

fn word(answered: Answered) -> Result<(), Failure> {
    match answered {
        Answered::Word(text) => screen::say(&text),
        Answered::Parts(_) => screen::say("done"),
    }
    Ok(())
}

async fn invite(kind: &str, whom: &Whom, profile: &Profile) -> Result<(), Failure> {
    let ask = Ask::Invite {
        subject: format!("{kind}/{}", whom.name),
        groups: whom.groups.clone(),
        valid_s: whom.valid,
    };
    let host = host(whom.address.as_deref().unwrap_or(profile.gateway()));
    match act(profile, ask).await? {
        Answered::Parts(parts) => match parts.into_iter().next() {
            Some(Answer::Invited(invited)) => hand_over(&invited, host, &whom.name),
            _ => Err(unexpected()),
        },
        Answered::Word(_) => Err(unexpected()),
    }
}

fn hand_over(invited: &Invited, host: &str, name: &str) -> Result<(), Failure> {
    let line = JoinLine {
        host: host.to_owned(),
        port: invited.port,
        server_name: invited.server_name.clone(),
        fingerprint: invited.fingerprint,
        token: invited.token,
    };
    let text = line.to_string();
    JoinLine::parse(&text).map_err(|error| {
        Failure::new(
            Kind::Usage,
            format!("nobody could use the line that this makes: {error}"),
            format!(
                "name the gateway's host with --address, and withdraw invitation {}",
                invited.invitation
            ),
        )
    })?;
    screen::data(&format!("{text}\n"))?;
    let until = moment::minute(invited.until_ms, &TimeZone::system());
    screen::say(&format!(
        "invitation {} for {name}, until {until}. The line is shown here alone and works once: give \
         it to nobody else, by a way that others do not read. On their own machine they run\n\n    \
         interlock enroll JOIN-LINE\n",
        invited.invitation
    ));
    if invited.confirm {
        screen::say(&format!(
            "Their machine then shows a fingerprint, and waits. Have them read it to you, by telephone \
             or face to face, and run\n\n    interlock invite confirm {} --fingerprint FINGERPRINT\n\n\
             The gateway lets them in if it is that of the machine that waits",
            invited.invitation
        ));
    }
    Ok(())
}

async fn list(setting: &Setting, profile: &Profile) -> Result<(), Failure> {
    let mut gateway = Gateway::connect(profile).await?;
    let answered = gateway.ask(Ask::Invitations).await;
    gateway.goodbye().await;
    let Answered::Parts(parts) = answered? else {
        return Err(unexpected());
    };
    let mut rows = Vec::new();
    for part in parts {
        let Answer::Invitations(some) = part else {
            return Err(unexpected());
        };
        rows.extend(some.into_iter().map(InvitationShown::of));
    }
    setting.print(&rows)
}

pub(crate) fn unexpected() -> Failure {
    Failure::new(
        Kind::Failed,
        "the gateway answered another question",
        "check that gateway and client are of the same version",
    )
}

/// The host of `HOST:PORT`, `[HOST]:PORT`, or `HOST`; without brackets.
fn host(address: &str) -> &str {
    if address.parse::<std::net::Ipv6Addr>().is_ok() {
        return address;
    }
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let inner = host.strip_prefix('[');
    inner
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

fn seconds(text: &str) -> Result<u32, String> {
    let length: Result<SignedDuration, _> = text.parse();
    length
        .ok()
        .and_then(|length| u32::try_from(length.as_secs()).ok())
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| "write how long, such as 30m, 1h or 2h 30m".to_owned())
}

/// One invitation, as `invite list` shows it.
#[derive(Clone, PartialEq, Debug, Serialize)]
struct InvitationShown {
    invitation: u64,
    subject: String,
    by: String,
    groups: Vec<String>,
    until: String,
    waiting: Option<String>,
    machine: String,
    peer: String,
    #[serde(skip)]
    until_here: String,
}

impl InvitationShown {
    fn of(row: InvitationRow) -> InvitationShown {
        InvitationShown {
            invitation: row.invitation,
            subject: row.subject,
            by: row.by,
            groups: row.groups,
            until: moment::rfc3339(row.until_ms),
            waiting: row.waiting.as_ref().map(fingerprint::grouped),
            machine: row.machine,
            peer: row.peer,
            until_here: moment::minute(row.until_ms, &TimeZone::system()),
        }
    }
}

impl Row for InvitationShown {
    const HEADER: &'static [&'static str] =
        &["NUMBER", "FOR", "GROUPS", "UNTIL", "INVITED BY", "WAITING"];

    const FIELDS: &'static [&'static str] = &[
        "invitation",
        "subject",
        "groups",
        "until",
        "by",
        "waiting",
        "machine",
        "peer",
    ];

    fn cells(&self) -> Vec<String> {
        let waiting = match &self.waiting {
            Some(key) => format!("{} at {}\n{key}", self.machine, self.peer),
            None => "-".to_owned(),
        };
        vec![
            self.invitation.to_string(),
            self.subject.clone(),
            self.groups.join("\n"),
            self.until_here.clone(),
            self.by.clone(),
            waiting,
        ]
    }

    fn fields(&self) -> Vec<String> {
        vec![
            self.invitation.to_string(),
            self.subject.clone(),
            self.groups.join(" "),
            self.until.clone(),
            self.by.clone(),
            self.waiting.clone().unwrap_or_default(),
            self.machine.clone(),
            self.peer.clone(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_gateway_is_found_in_its_address() {
        for (address, wanted) in [
            ("gateway.example.com:4802", "gateway.example.com"),
            ("gateway.example.com", "gateway.example.com"),
            ("192.0.2.7:4802", "192.0.2.7"),
            ("[2001:db8::7]:4802", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
        ] {
            assert_eq!(host(address), wanted);
        }
    }

    #[test]
    fn a_length_of_time_is_written_as_people_do() {
        for (text, length) in [("1h", 3_600), ("90m", 5_400), ("2h 30m", 9_000)] {
            assert_eq!(seconds(text), Ok(length));
        }
        for text in ["", "1", "-1h", "0s", "soon", "9999999h"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn who_waits_is_shown_with_the_fingerprint_to_compare() {
        let row = InvitationShown::of(InvitationRow {
            invitation: 12,
            subject: "spiffe://waterworks/vendor/acme/victor".to_owned(),
            by: "spiffe://waterworks/person/olga".to_owned(),
            groups: vec!["vendors".to_owned()],
            until_ms: 1_795_000_000_000,
            waiting: Some([0xAB; 32]),
            machine: "victor-7".to_owned(),
            peer: "192.0.2.9:50000".to_owned(),
        });
        assert_eq!(row.cells().len(), InvitationShown::HEADER.len());
        assert_eq!(row.fields().len(), InvitationShown::FIELDS.len());
        let shown = row.cells().join("|");
        assert!(
            shown.contains(&fingerprint::grouped(&[0xAB; 32])),
            "{shown}"
        );
    }
}

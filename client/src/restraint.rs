//! `interlock revoke`, `freeze`, `isolate`, `downgrade`, `reinstate`, `restrictions`: take away at
//! once, and give back.

mod machine;
mod print;
#[cfg(test)]
mod tests;

use clap::{Args, ValueEnum};
use interlock_protocols::conduit::{Answer, Ask};
use interlock_protocols::record::{Measure, Scope};
use jiff::tz::TimeZone;

pub(crate) use self::machine::short;
use self::print::{Acknowledgement, RestrictionLine};
use crate::Setting;
use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;
use crate::screen;

/// Take everything away from somebody, at once
///
/// When this returns, no command of theirs is sent to a device any more: not one that waited in a
/// queue, not one that was permitted already. Their sessions end with the reason said, and new ones
/// are refused until somebody else than you lifts it with `interlock reinstate`. Commands that were
/// on their way to a device are listed: they may still have an effect.
#[derive(Debug, Args)]
#[command(after_long_help = REVOKE_HELP)]
pub(crate) struct Revoke {
    /// What to revoke
    #[arg(
        value_enum,
        required_unless_present = "all_vendors",
        requires = "name",
        value_name = "WHAT"
    )]
    what: Option<Revoked>,
    /// Its name, or number
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Everybody of other firms
    #[arg(long, conflicts_with_all = ["what", "name"])]
    all_vendors: bool,
    /// Why; whoever is stopped by it will read it
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

const REVOKE_HELP: &str = "\
`device` means the machine of a person, not a device of the plant: a PLC is not revoked, it is
frozen or isolated. Name it as `interlock sessions` does, or by the first 8 digits or more of the
fingerprint of its key. Everybody who uses it is revoked on it, and nowhere else.

Examples:
  interlock revoke subject person/olga --reason 'left the company'
  interlock revoke device olga-laptop --reason 'stolen'
  interlock revoke session 1042 --reason 'who is this?'
  interlock revoke --all-vendors --reason 'incident 7'";

/// What can be revoked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Revoked {
    /// A person, vendor or workload, on every machine: person/NAME
    Subject,
    /// A machine of people, for everybody who uses it
    Device,
    /// A maintenance window
    Window,
    /// One session; its subject may open another
    Session,
}

/// Let nothing with effect pass to devices, at once; reading goes on
#[derive(Debug, Args)]
pub(crate) struct Freeze {
    #[command(flatten)]
    place: Place,
}

/// Let nothing at all pass to devices, at once, and close the connections to them
#[derive(Debug, Args)]
pub(crate) struct Isolate {
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Place {
    /// A device of the plant, a zone, or the whole site
    #[arg(value_enum, value_name = "WHAT")]
    what: Barred,
    /// Name of the device or of the zone
    #[arg(
        value_name = "NAME",
        required_if_eq_any = [("what", "device"), ("what", "zone")]
    )]
    name: Option<String>,
    /// Why; whoever is stopped by it will read it
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// What can be frozen or isolated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Barred {
    /// A device of the plant
    Device,
    /// All devices of a zone
    Zone,
    /// All devices
    Site,
}

/// Leave a session nothing but reading, at once
///
/// Its subject may open another; to stop that, revoke the subject or the machine.
#[derive(Debug, Args)]
pub(crate) struct Downgrade {
    /// What to downgrade
    #[arg(value_enum, value_name = "WHAT")]
    what: Downgraded,
    /// Its number, as `interlock sessions` shows it
    #[arg(value_name = "NUMBER")]
    number: u64,
    /// Why; whoever is stopped by it will read it
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// What can be downgraded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Downgraded {
    /// One session
    Session,
}

/// Give back what was taken away
///
/// It takes somebody else than who took it away, who is not in its scope, and who is there: you are
/// asked for the PIN of your token.
#[derive(Debug, Args)]
pub(crate) struct Reinstate {
    /// Number of the restriction, as `interlock restrictions` shows it
    #[arg(value_name = "NUMBER")]
    number: u64,
    /// What makes it safe again; for the record
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// List what was taken away from whom, and not given back
#[derive(Debug, Args)]
pub(crate) struct Restrictions {}

/// What is to be taken away, as far as the command line says it.
enum Wanted {
    Scope(Scope),
    /// A machine, by its name or its fingerprint.
    Machine(String),
}

impl Revoke {
    fn wanted(&self) -> Result<Wanted, Failure> {
        let name = self.name.clone().unwrap_or_default();
        Ok(match self.what {
            None => Wanted::Scope(Scope::AllVendors),
            Some(Revoked::Subject) => Wanted::Scope(Scope::Subject(name)),
            Some(Revoked::Window) => Wanted::Scope(Scope::Window(name)),
            Some(Revoked::Device) => Wanted::Machine(name),
            Some(Revoked::Session) => {
                let number = name.parse().map_err(|_| {
                    Failure::new(
                        Kind::Usage,
                        format!("`{name}` is no number of a session"),
                        "`interlock sessions` lists those that are open",
                    )
                })?;
                Wanted::Scope(Scope::Session(number))
            }
        })
    }
}

impl Place {
    fn scope(&self) -> Result<Scope, Failure> {
        match (self.what, self.name.clone()) {
            (Barred::Device, Some(name)) => Ok(Scope::Device(name)),
            (Barred::Zone, Some(name)) => Ok(Scope::Zone(name)),
            (Barred::Site, None) => Ok(Scope::Site),
            // Whoever names a device here means that alone, and would stop all of them.
            (Barred::Site, Some(name)) => Err(Failure::new(
                Kind::Usage,
                format!("`site` is all devices, and takes no name such as `{name}`"),
                "leave the name out, or say `device` or `zone`",
            )),
            (Barred::Device | Barred::Zone, None) => Err(Failure::new(
                Kind::Usage,
                "it takes a name",
                "`interlock devices` lists those there are",
            )),
        }
    }
}

pub(crate) async fn revoke(asked: &Revoke, setting: &Setting) -> Result<(), Failure> {
    let wanted = asked.wanted()?;
    take(setting, Measure::Revoke, wanted, &asked.reason).await
}

pub(crate) async fn freeze(asked: &Freeze, setting: &Setting) -> Result<(), Failure> {
    let wanted = Wanted::Scope(asked.place.scope()?);
    take(setting, Measure::Freeze, wanted, &asked.place.reason).await
}

pub(crate) async fn isolate(asked: &Isolate, setting: &Setting) -> Result<(), Failure> {
    let wanted = Wanted::Scope(asked.place.scope()?);
    take(setting, Measure::Isolate, wanted, &asked.place.reason).await
}

pub(crate) async fn downgrade(asked: &Downgrade, setting: &Setting) -> Result<(), Failure> {
    let Downgraded::Session = asked.what;
    let wanted = Wanted::Scope(Scope::Session(asked.number));
    take(setting, Measure::Downgrade, wanted, &asked.reason).await
}

async fn take(
    setting: &Setting,
    measure: Measure,
    wanted: Wanted,
    reason: &str,
) -> Result<(), Failure> {
    let mut gateway = Gateway::connect(&setting.profile()?).await?;
    let taken = taken(&mut gateway, measure, wanted, reason).await;
    gateway.goodbye().await;
    let taken = taken?;
    if setting.format == screen::Format::Table {
        screen::data(&screen::clean(&taken.words()))?;
    } else {
        setting.print(std::slice::from_ref(&taken))?;
    }
    match taken.is_durable() {
        true => Ok(()),
        false => Err(Failure::new(
            Kind::Failed,
            "it holds, and is NOT DURABLE: the gateway cannot write its journal",
            "see to the gateway's disk; nothing with effect passes to any device until it is written, and it is forgotten if the gateway stops before",
        )),
    }
}

async fn taken(
    gateway: &mut Gateway,
    measure: Measure,
    wanted: Wanted,
    reason: &str,
) -> Result<Acknowledgement, Failure> {
    let scope = match wanted {
        Wanted::Scope(scope) => scope,
        Wanted::Machine(name) => Scope::Machine(machine::of_name(gateway, &name).await?),
    };
    let ask = Ask::Restrict {
        measure,
        scope: scope.clone(),
        reason: reason.to_owned(),
    };
    let parts = gateway.ask_for_parts(ask).await?;
    Acknowledgement::of(measure, &scope, parts)
}

/// `interlock revoke` in a session that is open already, for a page of the caller's: the demo's.
/// Gives what they see who type these words behind it.
#[cfg(unix)]
pub(crate) async fn played(line: &[&str], gateway: &mut Gateway) -> Result<String, Failure> {
    #[derive(clap::Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        revoke: Revoke,
    }
    let line = <Line as clap::Parser>::try_parse_from(line);
    let revoke = line.map_err(Failure::of_program)?.revoke;
    let wanted = revoke.wanted()?;
    let taken = taken(gateway, Measure::Revoke, wanted, &revoke.reason).await?;
    Ok(taken.words())
}

pub(crate) async fn reinstate(asked: &Reinstate, setting: &Setting) -> Result<(), Failure> {
    let profile = setting.profile()?;
    let mut gateway = Gateway::connect(&profile).await?;
    let ask = Ask::Reinstate {
        restriction: asked.number,
        reason: asked.reason.clone(),
    };
    let done = match gateway.show_presence(&profile).await {
        Ok(()) => gateway.ask_for_word(ask).await,
        Err(failure) => Err(failure),
    };
    gateway.goodbye().await;
    screen::data(&(screen::clean(&done?) + "\n"))
}

pub(crate) async fn restrictions(setting: &Setting) -> Result<(), Failure> {
    let mut gateway = Gateway::connect(&setting.profile()?).await?;
    let parts = gateway.ask_for_parts(Ask::Restrictions).await;
    gateway.goodbye().await;
    let zone = TimeZone::system();
    let rows: Vec<RestrictionLine> = parts?
        .into_iter()
        .filter_map(|part| match part {
            Answer::Restrictions(rows) => Some(rows),
            _ => None,
        })
        .flatten()
        .map(|row| RestrictionLine::of(row, &zone))
        .collect();
    setting.print(&rows)
}

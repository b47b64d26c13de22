//! `interlock posture`: what this machine tells gateways of its health, and what a management
//! server signs of others.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use interlock_broker::clock::Clock;
use interlock_broker::posture::{ManagementSecret, NotAManagementKey};
use interlock_broker::proof::sha256;
use interlock_protocols::identity::{Posture, PostureReport};
use serde::Serialize;

use super::{Reporter, facts, statement};
use crate::Setting;
use crate::failure::{Failure, Kind};
use crate::screen::{self, Row};

/// Tell gateways how this machine is, or sign how another one is
///
/// The rules of a plant may want to know of the machine a command comes from: whether its disk is
/// encrypted, how old its patches are. What a machine says of itself is a claim, and policy is told
/// so; what a management server of the plant has signed is more.
#[derive(Debug, Args)]
pub(crate) struct PostureCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Show what gateways are told of this machine, and the fingerprint of its key
    Show,
    /// Sign what was found on a machine; run it on the management server
    Sign(Sign),
    /// Make the key of a management server, and print what gateways put into edge.toml
    Key {
        /// File for the secret key; it must not be there yet
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Name of the server, such as mdm-1
        #[arg(long)]
        name: String,
    },
}

#[derive(Debug, Args)]
struct Sign {
    /// File of the secret key, as `interlock posture key` made it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Fingerprint of the machine's key, as `interlock posture show` prints it there
    #[arg(long, value_name = "FINGERPRINT")]
    device_key: String,
    /// What was found, in TOML: os, and any of os_version, patch_age_days, disk_encrypted,
    /// screen_lock, firewall and agent; what is left out is unknown
    #[arg(long, value_name = "FILE")]
    facts: PathBuf,
    /// File for the statement; the machine names it in its profile under `[posture]`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(crate) fn run(asked: &PostureCommand, setting: &Setting) -> Result<(), Failure> {
    match &asked.act {
        Act::Show => show(setting),
        Act::Sign(sign) => sign.run(),
        Act::Key { out, name } => make_key(out, name),
    }
}

fn show(setting: &Setting) -> Result<(), Failure> {
    let profile = setting.profile()?;
    let device_key = sha256(profile.device().open()?.spki());
    let now_ms = Clock::start().now().wall_ms();
    let report = Reporter::new(&profile, device_key).report(now_ms)?;
    let posture = Posture::decode(&report.statement).map_err(|_| {
        let what = "the statement about this machine cannot be read";
        Failure::new(Kind::Configuration, what, "have it signed again")
    })?;
    setting.print(&rows(&report, &posture, &device_key, now_ms))?;
    if posture.device_key != device_key {
        screen::say_loud(
            "posture",
            "the statement is about another machine; gateways will not believe it",
        );
    }
    Ok(())
}

impl Sign {
    fn run(&self) -> Result<(), Failure> {
        let text = fs::read_to_string(&self.key)
            .map_err(|error| misused(format!("{} cannot be read: {error}", self.key.display())))?;
        let secret = ManagementSecret::parse(&text)
            .map_err(|error| misused(format!("{}: {error}", self.key.display())))?;
        let device_key = fingerprint(&self.device_key).ok_or_else(|| {
            misused(format!(
                "`{}` is no fingerprint: it has 64 hex digits",
                self.device_key
            ))
        })?;
        let now_ms = Clock::start().now().wall_ms();
        let posture = facts::read(&self.facts, device_key, now_ms)?;
        statement::write(&self.out, &secret.sign(&posture))
    }
}

fn misused(what: String) -> Failure {
    let next = "`interlock posture key` makes the key, `interlock posture show` on the machine \
                prints its fingerprint";
    Failure::new(Kind::Usage, what, next)
}

fn make_key(out: &Path, name: &str) -> Result<(), Failure> {
    let secret = ManagementSecret::generate(name).map_err(|error| match error {
        NotAManagementKey::Name => Failure::new(Kind::Usage, error.to_string(), "choose a --name"),
        other => Failure::of_program(other),
    })?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let written = options.open(out).and_then(|mut file| {
        file.write_all(secret.secret_text().as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| {
        Failure::new(
            Kind::Usage,
            format!("{} cannot be written: {error}", out.display()),
            "name a new file with --out; nothing is overwritten",
        )
    })?;
    screen::data(&format!(
        "[[posture.management]]\nkey = \"{}\"\n",
        secret.public().text()
    ))
}

/// Hex digits, in groups or not.
fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|letter| !matches!(letter, ' ' | ':' | '-'))
        .map(|letter| letter.to_digit(16))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes = pairs
        .iter()
        .map(|[high, low]| u8::try_from(high * 16 + low).ok())
        .collect::<Option<Vec<u8>>>()?;
    bytes.try_into().ok().filter(|_| rest.is_empty())
}

/// One fact, as `show` prints it.
#[derive(Debug, Serialize)]
struct FactRow {
    fact: &'static str,
    value: String,
}

impl Row for FactRow {
    const HEADER: &'static [&'static str] = &["FACT", "VALUE"];

    fn cells(&self) -> Vec<String> {
        vec![self.fact.to_owned(), self.value.clone()]
    }
}

fn rows(
    report: &PostureReport,
    posture: &Posture,
    device_key: &[u8; 32],
    now_ms: i64,
) -> Vec<FactRow> {
    let known = |fact: Option<bool>| match fact {
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
        None => "unknown".to_owned(),
    };
    let hex: String = device_key
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let source = match report.signer.as_str() {
        "" => report.source.name().to_owned(),
        signer => format!("{} ({signer})", report.source.name()),
    };
    let days = posture.patch_age_days;
    [
        ("device_key", hex),
        ("source", source),
        (
            "age_s",
            (now_ms.saturating_sub(posture.taken_ms) / 1_000).to_string(),
        ),
        ("os", posture.os.name().to_owned()),
        ("os_version", posture.os_version.clone()),
        (
            "patch_age_days",
            days.map_or("unknown".to_owned(), |days| days.to_string()),
        ),
        ("disk_encrypted", known(posture.disk_encrypted)),
        ("screen_lock", known(posture.screen_lock)),
        ("firewall", known(posture.firewall)),
        ("agent", known(posture.agent)),
    ]
    .into_iter()
    .map(|(fact, value)| FactRow { fact, value })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_64_hex_digits_however_they_are_grouped() {
        let plain = "a7".repeat(32);
        assert_eq!(fingerprint(&plain), Some([0xA7; 32]));
        let grouped = vec!["A7A7"; 16].join(" ");
        assert_eq!(fingerprint(&grouped), Some([0xA7; 32]));
        let half = "a7".repeat(31) + "a";
        for text in [
            "",
            "a7",
            &half,
            &(plain.clone() + "a7"),
            &plain.replace('a', "g"),
        ] {
            assert_eq!(fingerprint(text), None, "{text}");
        }
    }
}

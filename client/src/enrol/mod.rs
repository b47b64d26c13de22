//! `interlock enroll`: from a join line to a profile.

mod ask;
mod kept;

use std::path::{Path, PathBuf};

use clap::Args;
use interlock_broker::join::JoinLine;
use interlock_broker::limits::MACHINE_NAME_MAX_BYTES;
use interlock_broker::token::{NotATokenKey, TokenKey};
use jiff::tz::TimeZone;

use self::kept::Kept;
use crate::failure::{Failure, Kind};
use crate::keys::{PinFrom, Place};

use crate::profile::{NewProfile, Profile};
use crate::{Setting, moment, screen};

/// Get your first certificate, with the line that somebody who invited you gave you
///
/// The keys are made on this machine, or in its token, and never leave it. If the answer is lost,
/// or the program is ended while somebody has yet to confirm, run the same command again.
#[derive(Debug, Args)]
pub(crate) struct Enroll {
    /// The whole line, which begins with interlock-join: (`-` reads it from standard input)
    #[arg(value_name = "JOIN-LINE")]
    join: String,
    /// Where your own key is kept: `file`, `token`, or a pkcs11: URI. Only a token can show that
    /// you are there
    #[arg(long, value_name = "PLACE", default_value = "file")]
    authenticator: String,
    /// Where the key of this machine is kept: `file`, `token`, or a pkcs11: URI
    #[arg(long, value_name = "PLACE", default_value = "file")]
    device_key: String,
    /// The PKCS#11 module of the token: a library of its maker
    #[arg(long, value_name = "FILE")]
    module: Option<PathBuf>,
    /// The label of the token
    #[arg(long, value_name = "LABEL")]
    token_label: Option<String>,
    /// What this machine is called in lists and records [default: its host name]
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
}

pub(crate) async fn run(asked: &Enroll, setting: &Setting) -> Result<(), Failure> {
    let line = join_line(&asked.join)?;
    let machine = machine(asked.machine.as_deref())?;
    let folder = setting.folder()?;
    let kept = Kept::beside(&folder)?;
    if let Some(profile) = kept.finished(&folder)? {
        kept.remove();
        return welcome(&profile);
    }
    let pin = setting
        .pin_file
        .clone()
        .map_or(PinFrom::Person, PinFrom::Given);
    let keys = kept.keys(
        &place(asked, &asked.device_key, "device", &kept, &pin)?,
        &place(asked, &asked.authenticator, "authenticator", &kept, &pin)?,
    )?;
    let interrupted = crate::interrupted();
    let issued = tokio::select! {
        issued = ask::issued(&line, &keys, &machine) => issued?,
        _ = interrupted => {
            return Err(Failure::new(
                Kind::Failed,
                "ended before there was a certificate",
                "run the same command again: the same keys are used, and nothing is lost",
            ));
        }
    };
    let profile = Profile::create(
        &folder,
        &NewProfile {
            gateway: &line.address(issued.conduit_port),
            server_name: &line.server_name,
            subject: &issued.subject,
            identity_port: Some(line.port),
            gateway_ca: &issued.gateway_ca,
            certificate: &issued.certificate,
            session: &keys.session,
            device: &keys.device,
            authenticator: &keys.authenticator,
        },
    )?;
    kept.remove();
    welcome(&profile)
}

fn welcome(profile: &Profile) -> Result<(), Failure> {
    let identity = crate::login::identity(profile)?;
    screen::say(&format!(
        "enrolled as {}; the profile is in {}; the certificate ends {}",
        identity.subject(),
        profile.folder().display(),
        moment::minute(identity.ends_ms(), &TimeZone::system()),
    ));
    let default = crate::default_folder();
    let named = match default.as_deref() == Some(profile.folder()) {
        true => String::new(),
        false => format!(" --profile {}", profile.folder().display()),
    };
    let login = match profile.authenticator().is_token() {
        true => "shows that you are there, which writing may need, and renews",
        false => "renews",
    };
    screen::say(&format!(
        "next: `interlock{named} devices` shows what you may see; `interlock{named} login` {login}"
    ));
    Ok(())
}

fn join_line(text: &str) -> Result<JoinLine, Failure> {
    let read = match text {
        "-" => {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).map_err(|error| {
                Failure::new(
                    Kind::Usage,
                    format!("standard input cannot be read: {error}"),
                    "",
                )
            })?;
            JoinLine::parse(&line)
        }
        text => JoinLine::parse(text),
    };
    read.map_err(|error| {
        Failure::new(
            Kind::Usage,
            error.to_string(),
            "copy the whole line that `interlock invite` printed, or ask for a new one",
        )
    })
}

fn machine(named: Option<&str>) -> Result<String, Failure> {
    let name = named.map(str::to_owned).or_else(host_name);
    let name = name.ok_or_else(|| {
        Failure::new(
            Kind::Usage,
            "this machine does not say what it is called",
            "give it a name with --machine",
        )
    })?;
    if name.len() > MACHINE_NAME_MAX_BYTES || name.is_empty() || name.contains(char::is_control) {
        return Err(Failure::new(
            Kind::Usage,
            format!(
                "a machine's name has 1 to {MACHINE_NAME_MAX_BYTES} bytes and no control characters"
            ),
            "give it another one with --machine",
        ));
    }
    Ok(name)
}

fn host_name() -> Option<String> {
    let kernel = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let variable = || {
        ["COMPUTERNAME", "HOSTNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok())
    };
    let name = kernel().or_else(variable)?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Where a key is to be, from what was written on the command line.
fn place(
    asked: &Enroll,
    written: &str,
    name: &str,
    kept: &Kept,
    pin: &PinFrom,
) -> Result<Place, Failure> {
    let unclear = |why: &dyn std::fmt::Display, next: &str| {
        Failure::new(
            Kind::Usage,
            format!("it is not clear where the {name} key is to be: {why}"),
            next,
        )
    };
    let refused = |error: NotATokenKey| unclear(&error, "");
    let key = match written {
        "file" => return Ok(Place::File(kept.file(name))),
        "token" => {
            let (Some(module), Some(label)) = (&asked.module, &asked.token_label) else {
                return Err(unclear(
                    &"a token is found by its module and its label",
                    "add --module FILE --token-label LABEL; `pkcs11-tool --module FILE -T` lists tokens",
                ));
            };
            TokenKey::labelled(&absolute(module), label, &format!("interlock-{name}"))
        }
        uri if uri.starts_with("pkcs11:") => {
            TokenKey::parse(uri, asked.module.as_deref().map(absolute).as_deref())
        }
        other => {
            let what = format!("`{}` is no place", screen::one_line(other));
            return Err(unclear(&what, "write file, token, or a pkcs11: URI"));
        }
    };
    Ok(Place::Token {
        key: key.map_err(refused)?,
        pin: pin.clone(),
    })
}

/// A profile is used from anywhere. A bare name is looked for where the system keeps libraries.
fn absolute(module: &Path) -> PathBuf {
    match module.components().count() {
        0 | 1 => module.to_owned(),
        _ => std::path::absolute(module).unwrap_or_else(|_| module.to_owned()),
    }
}

#[cfg(test)]
mod tests;

//! `interlock root`: the site root, on a machine that is no gateway, and what it signs.

mod seal;
#[cfg(test)]
mod tests;

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use interlock_broker::clock::Clock;
use interlock_broker::finding::Finding;
use interlock_broker::plant::Plant;
use interlock_broker::root::{RootKey, RootSecret, SignFailure, read_list};
use interlock_protocols::root::{ApproverList, Envelope, Kind as Document, PlantBundle};
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::failure::{Failure, Kind};
use crate::limits::ROOT_FILE_MAX_BYTES;
use crate::screen::{self, Row};
use crate::{Setting, keys, moment};

/// The secret key's name in the folder of a root.
const SECRET: &str = "site-root.key";

/// Make the site root, and sign with it who may approve and what the plant is
///
/// The root belongs on a machine that is no gateway and is off most of the time: whoever has it
/// decides who may approve. Gateways pin its public half in edge.toml, and take nothing of this kind
/// that it has not signed, however many of their own keys somebody holds.
#[derive(Debug, Args)]
pub(crate) struct RootCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make the key of a new site root, and print what gateways put into edge.toml
    Init {
        /// Folder for the secret key; no key in it is overwritten
        dir: PathBuf,
        /// The site's name, as in plant.toml
        #[arg(long)]
        site: String,
    },
    /// Sign a document; gateways take only numbers that grow
    Sign {
        #[command(subcommand)]
        what: Sign,
    },
    Seal(seal::Seal),
    /// Show what a signed document, or a sealed grant, says
    ///
    /// With --root its signature is verified first; without, it is only read.
    Show {
        /// The document
        file: PathBuf,
        /// The root's public key, as `interlock root init` printed it
        #[arg(long, value_name = "KEY")]
        root: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
enum Sign {
    /// Who may approve: a file with [[approver]] subject, name, firm, since, key
    Approvers(Signing),
    /// The plant, as it stands in plant.toml
    Plant(Signing),
}

#[derive(Debug, Args)]
struct Signing {
    /// What is to be signed
    file: PathBuf,
    /// The secret key that `interlock root init` made
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Number of this version: more than that of every one before
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    serial: u64,
    /// Where to write it: approvers.signed, plant.signed
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(crate) fn run(asked: &RootCommand, setting: &Setting) -> Result<(), Failure> {
    match &asked.act {
        Act::Init { dir, site } => init(dir, site),
        Act::Sign { what } => sign(what),
        Act::Seal(asked) => seal::run(asked),
        Act::Show { file, root } => show(file, root.as_deref(), setting),
    }
}

fn init(dir: &Path, site: &str) -> Result<(), Failure> {
    let secret = RootSecret::generate(site)
        .map_err(|error| Failure::new(Kind::Usage, error.to_string(), "choose another --site"))?;
    make_folder(dir).map_err(|error| unwritten(dir, &error))?;
    write_secret(&dir.join(SECRET), &secret.to_secret_text())?;
    screen::data(&format!("[root]\nkey = \"{}\"\n", secret.public()))?;
    screen::say(
        "put these lines into edge.toml of each gateway of the site; keep the key off every one",
    );
    Ok(())
}

fn sign(what: &Sign) -> Result<(), Failure> {
    let (asked, signed) = match what {
        Sign::Approvers(asked) => (asked, asked.approvers()?),
        Sign::Plant(asked) => (asked, asked.plant()?),
    };
    fs::write(&asked.out, signed).map_err(|error| unwritten(&asked.out, &error))?;
    let (out, serial) = (asked.out.display(), asked.serial);
    screen::say(&format!(
        "{out} is number {serial}; copy it into the site directory and restart the edge"
    ));
    Ok(())
}

impl Signing {
    fn secret(&self) -> Result<RootSecret, Failure> {
        keys::private(&self.key)?;
        let text = text(&self.key)?;
        RootSecret::parse(&text).map_err(|error| {
            let what = format!("{}: {error}", self.key.display());
            misset(what, "name the file that `interlock root init` made")
        })
    }

    fn approvers(&self) -> Result<Vec<u8>, Failure> {
        let secret = self.secret()?;
        let list = read_list(&self.file, &text(&self.file)?, secret.public().site());
        let list = list.map_err(|found| faulty(&found))?;
        let signed = secret.sign_approvers(&list, self.serial, Clock::start().now());
        signed.map_err(|error| self.unsigned(&error))
    }

    /// Only a plant that a gateway could serve is signed.
    fn plant(&self) -> Result<Vec<u8>, Failure> {
        let secret = self.secret()?;
        let text = text(&self.file)?;
        let plant = Plant::parse(&self.file, &text).map_err(|found| faulty(&found))?;
        let site = secret.public().site();
        if plant.site() != site {
            let what = format!(
                "it is the plant of `{}`, and the root is of `{site}`",
                plant.site()
            );
            return Err(misset(what, "sign it with the root of its own site"));
        }
        let signed = secret.sign_plant(text.as_bytes(), self.serial);
        signed.map_err(|error| self.unsigned(&error))
    }

    fn unsigned(&self, error: &SignFailure) -> Failure {
        let what = format!("{} cannot be signed: {error}", self.file.display());
        misset(what, "correct it, then sign it again")
    }
}

/// One line of what a document says.
#[derive(Serialize)]
struct Said {
    what: &'static str,
    says: String,
}

impl Row for Said {
    const HEADER: &'static [&'static str] = &["WHAT", "SAYS"];

    fn cells(&self) -> Vec<String> {
        vec![self.what.to_owned(), self.says.clone()]
    }
}

fn show(file: &Path, root: Option<&str>, setting: &Setting) -> Result<(), Failure> {
    let bytes = bytes(file)?;
    let rows = rows(&bytes, root).map_err(|why| {
        let what = format!("{}: {why}", file.display());
        Failure::new(
            Kind::Failed,
            what,
            "have it signed again by the site's root",
        )
    })?;
    setting.print(&rows)?;
    if root.is_none() {
        screen::say("read, and not verified: name the root with --root");
    }
    Ok(())
}

fn rows(bytes: &[u8], root: Option<&str>) -> Result<Vec<Said>, String> {
    if seal::is_grant(bytes) {
        return seal::rows(bytes, root);
    }
    let envelope = Envelope::read(bytes).map_err(|error| error.to_string())?;
    if let Some(root) = root {
        let root = RootKey::parse(root).map_err(|error| error.to_string())?;
        root.verify(&envelope).map_err(|error| error.to_string())?;
    }
    let said = |what, says| Said { what, says };
    let mut rows = vec![
        said("kind", envelope.kind.name().to_owned()),
        said("site", envelope.site.to_owned()),
        said("number", envelope.serial.to_string()),
    ];
    match envelope.kind {
        Document::Plant => {
            let plant = PlantBundle::decode(envelope.body).map_err(|error| error.to_string())?;
            let digest = plant.digest.iter().map(|byte| format!("{byte:02x}"));
            rows.push(said("SHA-256 of plant.toml", digest.collect()));
        }
        Document::Approvers => {
            let list = ApproverList::decode(envelope.body).map_err(|error| error.to_string())?;
            rows.extend(list.approvers.iter().map(|approver| {
                let firm = approver.firm.as_deref();
                let firm = firm.map_or(String::new(), |firm| format!(", {firm}"));
                said(
                    "approver",
                    format!(
                        "{} ({}{firm}), since {}",
                        approver.subject,
                        approver.name,
                        moment::minute(approver.since_ms, &TimeZone::UTC),
                    ),
                )
            }));
        }
    }
    Ok(rows)
}

pub(crate) fn bytes(file: &Path) -> Result<Vec<u8>, Failure> {
    let unread = |error: io::Error| {
        let what = format!("{} cannot be read: {error}", file.display());
        misset(what, "name another file")
    };
    let length = fs::metadata(file).map_err(unread)?.len();
    if length > ROOT_FILE_MAX_BYTES {
        return Err(misset(
            format!("{} is too long for what it should be", file.display()),
            "name another file",
        ));
    }
    fs::read(file).map_err(unread)
}

pub(crate) fn text(file: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes(file)?).map_err(|_| {
        misset(
            format!("{} is no text", file.display()),
            "name another file",
        )
    })
}

pub(crate) fn write_secret(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| unwritten(path, &error))
}

fn make_folder(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let next = if error.kind() == io::ErrorKind::AlreadyExists {
        "nothing is overwritten: name another place"
    } else {
        "see that it may be written, then try again"
    };
    let what = format!("{} cannot be written: {error}", path.display());
    misset(what, next)
}

pub(crate) fn faulty(found: &[Finding]) -> Failure {
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    misset(lines.join("\n"), "correct it, then sign it again")
}

pub(crate) fn misset(what: impl Into<String>, next: &str) -> Failure {
    Failure::new(Kind::Configuration, what, next)
}

//! `interlock approver`: the key by which an approver signs grants, and the plant that they read
//! grants with. Both are on the approver's own machine, and no gateway has a say in them.

#[cfg(test)]
pub(crate) mod tests;
mod trusted;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use interlock_broker::root::{ApproverKey, RootKey};

pub(crate) use self::trusted::Trusted;
use crate::failure::{Failure, Kind};
use crate::profile::{make_folder, replace};
use crate::root::{bytes, misset, text, write_secret};
use crate::{Setting, keys, screen};

/// The grant key's name in the folder of a profile.
const GRANT_KEY: &str = "grant.key";

/// Make the key by which an approver signs grants, and keep the plant to read them with
#[derive(Debug, Args)]
pub(crate) struct ApproverCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make a key on the approver's own machine, and print the line for the list of approvers
    Key {
        /// File for the secret key, which must not be there yet [default: grant.key in the folder
        /// of the profile]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Whose it is; no spaces
        #[arg(long)]
        name: String,
    },
    /// Keep the signed plant in the profile, to read with it what you are asked to approve
    ///
    /// Get these files from whoever keeps the site root, and not from a gateway: what you approve
    /// is shown from them and from nothing that a gateway says.
    Trust(Trust),
}

#[derive(Debug, Args)]
struct Trust {
    /// The root's public key, as `interlock root init` printed it
    #[arg(long, value_name = "KEY")]
    root: String,
    /// The plant
    #[arg(long, value_name = "FILE")]
    plant: PathBuf,
    /// The root's signature for it, as `interlock root sign plant` wrote it
    #[arg(long, value_name = "FILE")]
    signed: PathBuf,
}

pub(crate) fn run(asked: &ApproverCommand, setting: &Setting) -> Result<(), Failure> {
    match &asked.act {
        Act::Key { out, name } => make(out.as_deref(), name, setting),
        Act::Trust(asked) => trust(asked, &setting.folder()?),
    }
}

fn make(out: Option<&Path>, name: &str, setting: &Setting) -> Result<(), Failure> {
    let key = ApproverKey::generate(name)
        .map_err(|error| Failure::new(Kind::Usage, error.to_string(), "choose another --name"))?;
    let out = match out {
        Some(out) => out.to_owned(),
        None => {
            let folder = setting.folder()?;
            make_folder(&folder).map_err(|error| unwritten(&folder, &error))?;
            folder.join(GRANT_KEY)
        }
    };
    write_secret(&out, &key.to_secret_text())?;
    screen::data(&format!("{}\n", key.public_text()))?;
    screen::say(&format!(
        "give this line to whoever keeps the site root; the key stays in {}",
        out.display()
    ));
    Ok(())
}

/// The approver's secret key: in this file, or in the profile's.
pub(crate) fn key(file: Option<&Path>, folder: &Path) -> Result<ApproverKey, Failure> {
    let file = file.map_or_else(|| folder.join(GRANT_KEY), Path::to_owned);
    if !file.exists() {
        return Err(misset(
            format!("there is no grant key {}", file.display()),
            "name it with --key; if you are to approve, `interlock approver key` makes one, whose line goes to whoever keeps the site root",
        ));
    }
    keys::private(&file)?;
    ApproverKey::parse(&text(&file)?).map_err(|error| {
        let what = format!("{}: {error}", file.display());
        misset(what, "name the file that `interlock approver key` made")
    })
}

fn trust(asked: &Trust, folder: &Path) -> Result<(), Failure> {
    let new = keep(asked, folder)?;
    screen::say(&format!(
        "{} is kept as number {}: {} devices; what you are asked to approve is read with it",
        new.plant().site(),
        new.serial(),
        new.plant().devices().len()
    ));
    Ok(())
}

fn keep(asked: &Trust, folder: &Path) -> Result<Trusted, Failure> {
    let (plant, signed) = (bytes(&asked.plant)?, bytes(&asked.signed)?);
    let new = Trusted::judge(&asked.root, &asked.plant, &plant, &signed)?;
    // What is there and not believed any more may be half of an earlier one, or somebody's work.
    let kept = Trusted::kept(folder).map_err(|failure| {
        let next = "see who changed it; then remove root.pub, plant.toml and plant.signed there, and try again";
        Failure::new(failure.kind(), failure.what(), next)
    })?;
    if let Some(before) = kept {
        new.may_follow(&before)?;
    }
    make_folder(folder).map_err(|error| unwritten(folder, &error))?;
    let root = format!("{}\n", new.root());
    let files = trusted::Files::of(folder);
    // The signature comes last: until it is there, the two before it are not believed.
    for (file, content) in [
        (&files.root, root.as_bytes()),
        (&files.plant, &plant),
        (&files.signed, &signed),
    ] {
        replace(file, content, 0o644).map_err(|error| unwritten(file, &error))?;
    }
    Ok(new)
}

/// Gives the profile of an approver a key, and a plant to read grants with: the demo's.
#[cfg(unix)]
pub(crate) fn equip(
    folder: &Path,
    key: &ApproverKey,
    root: &str,
    plant: &Path,
    signed: &Path,
) -> Result<(), Failure> {
    write_secret(&folder.join(GRANT_KEY), &key.to_secret_text())?;
    let trust = Trust {
        root: root.to_owned(),
        plant: plant.to_owned(),
        signed: signed.to_owned(),
    };
    keep(&trust, folder).map(drop)
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    let what = format!("{} cannot be written: {error}", path.display());
    misset(
        what,
        "check the folder, its permissions, and the room on the disk",
    )
}

/// The root's key of a text, which people copy by hand.
fn root_key(text: &str) -> Result<RootKey, Failure> {
    RootKey::parse(text.trim()).map_err(|error| {
        let what = format!("the key of the root: {error}");
        misset(
            what,
            "give the text that `interlock root init` printed behind `key =`",
        )
    })
}

/// A file of the profile, `None` where it is not there.
fn found(file: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::exists(file) {
        Ok(false) => Ok(None),
        _ => bytes(file).map(Some),
    }
}

//! The plant as the site root signed it, kept on the approver's own machine. What somebody is asked
//! to approve is read with it, and with nothing that a gateway says.

use std::path::{Path, PathBuf};

use interlock_broker::plant::Plant;
use interlock_broker::root::{NotTrusted, RootKey, Signed};
use interlock_protocols::root::PlantBundle;

use super::{found, root_key};
use crate::failure::{Failure, Kind};
use crate::root::{faulty, misset};

/// Where it is kept.
pub(super) struct Files {
    pub(super) root: PathBuf,
    pub(super) plant: PathBuf,
    pub(super) signed: PathBuf,
}

impl Files {
    pub(super) fn of(folder: &Path) -> Files {
        Files {
            root: folder.join("root.pub"),
            plant: folder.join("plant.toml"),
            signed: folder.join("plant.signed"),
        }
    }
}

const NEXT: &str = "get root key, plant.toml and plant.signed from whoever keeps the site root, and keep them with `interlock approver trust`";

/// A plant whose signature was good, and whose content can be used. It can only be made here, out
/// of files that were verified.
#[derive(Clone, Debug)]
pub(crate) struct Trusted {
    root: RootKey,
    signed: Signed<PlantBundle>,
    plant: Plant,
}

impl Trusted {
    /// Verifies what is kept in a profile.
    pub(crate) fn open(folder: &Path) -> Result<Trusted, Failure> {
        let none = || {
            let what = format!("there is no signed plant in {}", folder.display());
            misset(what, NEXT)
        };
        Trusted::kept(folder)?.ok_or_else(none)
    }

    /// The same; `None` where none of it is there. A part of it is refused.
    pub(super) fn kept(folder: &Path) -> Result<Option<Trusted>, Failure> {
        let files = Files::of(folder);
        let all = (
            found(&files.root)?,
            found(&files.plant)?,
            found(&files.signed)?,
        );
        let (root, plant, signed) = match all {
            (None, None, None) => return Ok(None),
            (Some(root), Some(plant), Some(signed)) => (root, plant, signed),
            _ => {
                let what = format!(
                    "of the signed plant in {} a part is missing",
                    folder.display()
                );
                return Err(misset(
                    what,
                    "remove root.pub, plant.toml and plant.signed there, then keep them anew with `interlock approver trust`",
                ));
            }
        };
        let root = String::from_utf8_lossy(&root);
        Trusted::judge(&root, &files.plant, &plant, &signed).map(Some)
    }

    /// Verifies a plant.
    pub(super) fn judge(
        root: &str,
        file: &Path,
        plant: &[u8],
        signed: &[u8],
    ) -> Result<Trusted, Failure> {
        let root = root_key(root)?;
        let signed = root
            .plant(signed, plant)
            .map_err(|error| refused(file, &error))?;
        let no_text = || misset(format!("{} is no text", file.display()), NEXT);
        let text = str::from_utf8(plant).map_err(|_| no_text())?;
        let plant = Plant::parse(file, text).map_err(|found| faulty(&found))?;
        if plant.site() != root.site() {
            let what = format!(
                "{} is the plant of `{}`, and the root is of `{}`",
                file.display(),
                plant.site(),
                root.site()
            );
            return Err(misset(what, NEXT));
        }
        Ok(Trusted {
            root,
            signed,
            plant,
        })
    }

    /// Whether it may take the place of what was kept before: another root is another site, or
    /// somebody's trick, and an older plant was replaced for a reason.
    pub(super) fn may_follow(&self, before: &Trusted) -> Result<(), Failure> {
        if self.root != before.root {
            return Err(misset(
                format!(
                    "this profile trusts the root `{}` already, and this is another",
                    before.root
                ),
                "ask whoever keeps the site root; if it was made anew, remove root.pub, plant.toml and plant.signed from the profile first",
            ));
        }
        let (serial, last) = (self.signed.serial(), before.signed.serial());
        if serial < last || serial == last && self.signed.digest() != before.signed.digest() {
            return Err(misset(
                format!("it is number {serial}, and number {last} is kept already"),
                "ask whoever keeps the site root for the one that holds now",
            ));
        }
        Ok(())
    }

    /// The root that signed it.
    pub(super) fn root(&self) -> &RootKey {
        &self.root
    }

    /// The number under which it was signed.
    pub(crate) fn serial(&self) -> u64 {
        self.signed.serial()
    }

    /// SHA-256 of its file, by which grants name it.
    pub(crate) fn digest(&self) -> &[u8; 32] {
        &self.signed.document().digest
    }

    /// The plant.
    pub(crate) fn plant(&self) -> &Plant {
        &self.plant
    }
}

fn refused(file: &Path, error: &NotTrusted) -> Failure {
    // The texts of a gateway speak of its own file.
    let why = match error {
        NotTrusted::BadSignature => "this root has not signed it, or not like this".to_owned(),
        NotTrusted::OtherPlant => "it is not the plant.toml that was signed".to_owned(),
        error => error.to_string(),
    };
    Failure::new(
        Kind::Configuration,
        format!("{} is not believed: {why}", file.display()),
        NEXT,
    )
}

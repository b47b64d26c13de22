//! The site root of the demo: made, used and forgotten, since no gateway may have it. It signs the
//! plant, and the list with the one approver.

use std::fs;
use std::path::Path;

use interlock_broker::clock::Now;
use interlock_broker::root::{ApproverKey, RootSecret};
use interlock_edge::site;
use interlock_protocols::root::{Approver, ApproverList};

use super::cast::Person;
use crate::approver;
use crate::failure::Failure;
use crate::profile::Profile;

/// Whoever approves has been an approver for longer than a day; so has ours.
const SINCE_MS: i64 = 21 * 24 * 3_600_000;

const SITE: &str = "waterworks";

/// The root, and the key of the approver whom it lists.
pub(super) struct Root {
    secret: RootSecret,
    approver: ApproverKey,
}

impl Root {
    /// A new one.
    pub(super) fn new() -> Result<Root, Failure> {
        Ok(Root {
            secret: RootSecret::generate(SITE).map_err(Failure::of_program)?,
            approver: ApproverKey::generate(Person::Arno.name()).map_err(Failure::of_program)?,
        })
    }

    /// What `edge.toml` says of it.
    pub(super) fn configuration(&self) -> String {
        format!("\n[root]\nkey = \"{}\"\n", self.secret.public())
    }

    /// Signs the site's plant as it stands, and who may approve.
    pub(super) fn sign(&self, site: &Path, now: Now) -> Result<(), Failure> {
        let plant = fs::read(site.join(site::PLANT)).map_err(Failure::of_program)?;
        let plant = self
            .secret
            .sign_plant(&plant, 1)
            .map_err(Failure::of_program)?;
        let list = ApproverList {
            approvers: vec![Approver {
                subject: format!("spiffe://{SITE}/{}", Person::Arno.subject()),
                name: Person::Arno.name().to_owned(),
                firm: None,
                key: self.approver.public(),
                since_ms: now.wall_ms().saturating_sub(SINCE_MS),
            }],
        };
        let list = self
            .secret
            .sign_approvers(&list, 1, now)
            .map_err(Failure::of_program)?;
        let written = fs::write(site.join("plant.signed"), plant)
            .and_then(|()| fs::write(site.join("approvers.signed"), list));
        written.map_err(Failure::of_program)
    }

    /// Gives the approver their key and what they read grants with.
    pub(super) fn equip(&self, site: &Path, profile: &Profile) -> Result<(), Failure> {
        let plant = site.join(site::PLANT);
        let signed = site.join("plant.signed");
        approver::equip(
            profile.folder(),
            &self.approver,
            &self.secret.public().to_string(),
            &plant,
            &signed,
        )
    }
}

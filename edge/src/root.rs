//! What the site root signed, beside the files of the site: the list of approvers, and the hash
//! of the plant. Where edge.toml pins a root, both must be there and good.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use interlock_broker::clock::Clock;
use interlock_broker::finding::Finding;
use interlock_broker::journal::{Journal, Unrecordable};
use interlock_broker::register::{Register, Trust};
use interlock_broker::root::{NotTrusted, RootKey, Signed};
use interlock_broker::window::Reliance;
use interlock_protocols::record::{Event, TrustTakenUp};
use interlock_protocols::root::{ApproverList, Kind, PlantBundle};

use crate::limits::ROOT_FILE_MAX_BYTES;

/// The list of approvers, inside the site directory.
pub const APPROVERS: &str = "approvers.signed";
/// The plant's hash, inside the site directory.
pub const PLANT: &str = "plant.signed";

/// Both documents of a site.
pub struct Documents {
    approvers: Signed<ApproverList>,
    plant: Signed<PlantBundle>,
}

impl Documents {
    /// Reads and verifies both, against the bytes of the plant that is to be served.
    pub fn load(dir: &Path, root: &RootKey, plant: &[u8]) -> Result<Documents, Vec<Finding>> {
        let read = |name: &str| read(&dir.join(name)).map_err(|error| absent(dir, name, &error));
        let refused = |name: &'static str| {
            move |why: NotTrusted| Finding::of_file(&dir.join(name), why.to_string(), why.next())
        };
        let approvers =
            read(APPROVERS).and_then(|bytes| root.approvers(&bytes).map_err(refused(APPROVERS)));
        let plant = read(PLANT).and_then(|bytes| root.plant(&bytes, plant).map_err(refused(PLANT)));
        match (approvers, plant) {
            (Ok(approvers), Ok(plant)) => Ok(Documents { approvers, plant }),
            (approvers, plant) => Err([approvers.err(), plant.err()]
                .into_iter()
                .flatten()
                .collect()),
        }
    }

    /// Who may approve.
    pub fn approvers(&self) -> &Signed<ApproverList> {
        &self.approvers
    }

    /// What maintenance windows rest on at the gateway of this name. `root` is the key that signed
    /// both.
    pub(crate) fn reliance(&self, gateway: &str, root: &RootKey) -> Reliance {
        let (approvers, plant) = (self.approvers.clone(), self.plant.clone());
        Reliance::new(gateway, root.clone(), approvers, plant)
    }

    /// Their numbers: of the plant, and of the list of approvers.
    pub(crate) fn serials(&self) -> [Option<u64>; 2] {
        [Some(self.plant.serial()), Some(self.approvers.serial())]
    }

    /// Whether both may follow what was taken up before.
    pub(crate) fn judge(&self, dir: &Path, before: &Trust) -> Result<(), Vec<Finding>> {
        let approvers = self.approvers.may_follow(last(before, Kind::Approvers));
        let plant = self.plant.may_follow(last(before, Kind::Plant));
        let findings: Vec<Finding> = [(APPROVERS, approvers), (PLANT, plant)]
            .into_iter()
            .filter_map(|(name, judged)| Some((name, judged.err()?)))
            .map(|(name, why)| Finding::of_file(&dir.join(name), why.to_string(), why.next()))
            .collect();
        if findings.is_empty() {
            Ok(())
        } else {
            Err(findings)
        }
    }

    /// Records which of them are new, and has the register know. A journal that takes nothing
    /// lets nothing with effect pass either, so the edge comes up all the same.
    pub(crate) async fn take_up(&self, journal: &Journal, register: &mut Register, clock: Clock) {
        let approvers = self
            .approvers
            .is_new(last(&register.trust, Kind::Approvers));
        let plant = self.plant.is_new(last(&register.trust, Kind::Plant));
        let taken = |kind: Kind, serial, digest: &[u8; 32]| TrustTakenUp {
            what: kind.name().to_owned(),
            serial,
            digest: *digest,
        };
        let approvers = approvers.then(|| {
            let list = &self.approvers;
            taken(Kind::Approvers, list.serial(), list.digest())
        });
        let plant = plant.then(|| taken(Kind::Plant, self.plant.serial(), self.plant.digest()));
        for taken in [approvers, plant].into_iter().flatten() {
            let (what, serial) = (taken.what.clone(), taken.serial);
            match record(journal, register, Event::TrustTakenUp(taken), clock).await {
                Ok(()) => tracing::info!(what, serial, "signed by the site root, taken up"),
                Err(error) => {
                    tracing::error!(what, serial, %error, "that it was taken up could not be recorded")
                }
            }
        }
    }
}

async fn record(
    journal: &Journal,
    register: &mut Register,
    event: Event,
    clock: Clock,
) -> Result<(), Unrecordable> {
    let now_ms = clock.now().wall_ms();
    let pending = journal.commit(now_ms, event.clone())?;
    let sequence = pending.sequence();
    pending.await?;
    register.apply(sequence, now_ms, &event);
    Ok(())
}

fn last(trust: &Trust, kind: Kind) -> Option<&interlock_broker::register::TakenUp> {
    trust.last(kind.name())
}

/// No more than a document may have: whoever can write here must not fill our memory.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path)?;
    file.take(ROOT_FILE_MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn absent(dir: &Path, name: &str, error: &io::Error) -> Finding {
    Finding::of_file(
        &dir.join(name),
        format!("edge.toml pins a site root, and this cannot be read: {error}"),
        "have it signed on the machine of the root, with `interlock root sign`, and copy it here",
    )
}

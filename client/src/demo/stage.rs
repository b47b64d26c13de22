//! What the demo plays on: the sample site in a temporary folder, a real edge serving it, and a
//! profile for each of the people.

use std::fmt::Display;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use interlock_broker::clock::Clock;
use interlock_broker::finding::Finding;
use interlock_edge::service::{self, Running};
use interlock_edge::site::Site;
use interlock_edge::{config, init, site};

use super::cast::Person;
use super::folder::Folder;
use super::hand_out::hand_out;
use super::management::Management;
use super::plant::Plant;
use super::root::Root;
use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;
use crate::profile::Profile;

/// What of the sample's files does not fit a gateway that lives for minutes beside others: ports
/// that may be taken, and a log made for years.
const SERVES: &str = "quic = \"127.0.0.1:4802\"";
const ENROLS: &str = "identity = \"127.0.0.1:4803\"";
const SEGMENT: &str = "segment_mib = 64";
const PRESS: &str = "address = \"127.0.0.1:5021\"";
const PUMP: &str = "address = \"127.0.0.1:5022\"";

/// How long what is said of a machine holds, in seconds.
const LEASE_S: u32 = 600;

/// All of it, standing.
pub(super) struct Stage {
    folder: Folder,
    plant: Plant,
    edge: Running,
    journal: PathBuf,
}

impl Stage {
    /// Writes the site, starts the edge in front of the plant, and hands out the certificates.
    pub(super) async fn set_up(plant: Plant) -> Result<Stage, Failure> {
        let folder = Folder::make().map_err(|error| {
            let next = "make room where temporary files go, or name another place with TMPDIR";
            let what = format!("the demo's folder could not be made: {error}");
            Failure::new(Kind::Configuration, what, next)
        })?;
        let dir = folder.path().join("site");
        let clock = Clock::start();
        init::init(&dir, clock.now()).map_err(Failure::of_program)?;
        fit(&dir, &plant)?;
        let management = Management::new()?;
        append(&dir.join(config::FILE), &management.configuration(LEASE_S))?;
        let root = Root::new()?;
        append(&dir.join(config::FILE), &root.configuration())?;
        root.sign(&dir, clock.now())?;
        let site = Site::load(&dir).map_err(unsound)?;
        let journal = site.config.journal().directory.clone();
        let storage = service::storage(&site).map_err(Failure::of_program)?;
        let edge = service::start(site, storage, clock, None)
            .await
            .map_err(not_started)?;
        let stage = Stage {
            folder,
            plant,
            edge,
            journal,
        };
        stage.hand_out(&dir, &management, clock)?;
        root.equip(&dir, &stage.profile(Person::Arno)?)?;
        Ok(stage)
    }

    /// Gives each of the people a profile, on a machine that is in order.
    fn hand_out(&self, dir: &Path, management: &Management, clock: Clock) -> Result<(), Failure> {
        let site = Site::load(dir).map_err(unsound)?;
        let address = self.edge.address().to_string();
        for person in Person::ALL {
            let folder = self.profile_folder(person);
            let profile = hand_out(&site, person.subject(), &address, &folder, clock.now())?;
            management.vouch(&profile, clock.now())?;
        }
        Ok(())
    }

    /// Connects as this person, by QUIC and with the person's own certificate.
    pub(super) async fn enter(&self, person: Person) -> Result<Gateway, Failure> {
        Gateway::connect(&self.profile(person)?).await
    }

    /// The profile of this person.
    pub(super) fn profile(&self, person: Person) -> Result<Profile, Failure> {
        Profile::open(&self.profile_folder(person))
    }

    /// The simulated plant.
    pub(super) fn plant(&self) -> &Plant {
        &self.plant
    }

    /// Where the edge serves.
    pub(super) fn address(&self) -> SocketAddr {
        self.edge.address()
    }

    /// The folder of the command log.
    pub(super) fn journal(&self) -> &Path {
        &self.journal
    }

    /// The folder with everything.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops the edge in order, then the plant, and removes the folder.
    pub(super) async fn take_down(self) {
        self.edge.stop().await;
        drop(self.plant);
        drop(self.folder);
    }

    fn profile_folder(&self, person: Person) -> PathBuf {
        self.folder.path().join(person.name())
    }
}

/// Fits the sample to this machine: any free port for the edge, the simulated PLCs' addresses,
/// and a log of a size for a demo.
fn fit(dir: &Path, plant: &Plant) -> Result<(), Failure> {
    let press = format!("address = \"{}\"", plant.press().address());
    let pump = format!("address = \"{}\"", plant.pump().address());
    let small = [
        (SERVES, "quic = \"127.0.0.1:0\""),
        (ENROLS, "identity = \"127.0.0.1:0\""),
        (SEGMENT, "segment_mib = 1"),
    ];
    edit(&dir.join(config::FILE), &small)?;
    edit(
        &dir.join(site::PLANT),
        &[(PRESS, press.as_str()), (PUMP, pump.as_str())],
    )
}

/// Replaces each text by the other. One that is not there exactly once is another sample than the
/// one this was written for.
fn edit(file: &Path, changes: &[(&str, &str)]) -> Result<(), Failure> {
    let failed = |error: &dyn Display| Failure::of_program(format!("{}: {error}", file.display()));
    let mut text = fs::read_to_string(file).map_err(|error| failed(&error))?;
    for (from, to) in changes {
        if text.matches(from).count() != 1 {
            return Err(failed(&format!("`{from}` is not there exactly once")));
        }
        text = text.replace(from, to);
    }
    fs::write(file, text).map_err(|error| failed(&error))
}

fn append(file: &Path, more: &str) -> Result<(), Failure> {
    let text = fs::read_to_string(file).map_err(Failure::of_program)?;
    fs::write(file, text + more).map_err(Failure::of_program)
}

fn unsound(findings: Vec<Finding>) -> Failure {
    let all: Vec<String> = findings.iter().map(ToString::to_string).collect();
    Failure::of_program(all.join("\n"))
}

fn not_started(error: service::RunError) -> Failure {
    match error {
        service::RunError::Site(findings) => unsound(findings),
        other => Failure::of_program(other),
    }
}

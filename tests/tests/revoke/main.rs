//! Stopping people and devices, through real processes (I7): what the PLC received, what those who
//! are stopped are told, and what holds after a restart.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bars;
mod disk;
mod people;
mod storm;

use std::path::PathBuf;

use interlock_tests::harness::{Gateway, Plc, Rig, Site};

/// A gateway before one PLC, with more engineers and a second administrator.
pub(crate) struct Yard {
    pub(crate) gateway: Gateway,
    pub(crate) plc: Plc,
    folder: Site,
}

/// Engineers, who may write every register of the rig.
pub(crate) const ENGINEERS: [&str; 4] =
    ["person/emil", "person/ella", "person/enno", "person/edda"];

impl Yard {
    /// Not started yet; `link` is what stands below `[device.link]`.
    pub(crate) fn new(link: &str) -> Yard {
        let folder = Site::new();
        let plc = Plc::start(&folder.join("plc.log"), &[]);
        let gateway = Rig::gateway(&[plc.address()], link);
        let quoted = ENGINEERS.map(|who| format!("\"{who}\"")).join(", ");
        for (before, after) in [
            (
                "engineers = [\"person/emil\"]",
                format!("engineers = [{quoted}]"),
            ),
            (
                "administrators = [\"person/adam\"]",
                "administrators = [\"person/adam\", \"person/ada\"]".to_owned(),
            ),
        ] {
            gateway.edit("policy/groups.toml", before, &after);
        }
        Yard {
            gateway,
            plc,
            folder,
        }
    }

    pub(crate) fn started(link: &str) -> Yard {
        let mut yard = Yard::new(link);
        yard.gateway.start();
        yard
    }

    /// What the PLC writes down as it happens.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("plc.log")
    }
}

/// The number in what `revoke` and the like print with `-o jsonl`.
pub(crate) fn number(printed: &str) -> u64 {
    let row: serde_json::Value = serde_json::from_str(printed).unwrap();
    row["restriction"].as_u64().unwrap()
}

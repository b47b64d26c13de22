//! The plant: its devices, their named points, and which values are ever sane.
//!
//! All of it comes from `plant.toml`. Limits belong to the point and hold for everybody; limit
//! sets narrow them for a group; nothing widens them.

mod asking;
mod device;
mod judge;
mod limit_broken;
mod limit_set;
mod outline;
mod point;
mod read;
mod scaling;
#[cfg(test)]
mod tests;
mod touched;

use crate::finding::Finding;
use std::path::Path;
use std::sync::Arc;

pub use device::{Device, LinkSettings, Peer};
pub use limit_broken::{Allowed, LimitBroken, Place};
pub use limit_set::{LimitSet, Narrowing};
pub use outline::Outline;
pub use point::{Access, Bounds, Kind, Point};
pub use touched::{Touched, Write};

/// A site with its zones and devices.
#[derive(Clone, PartialEq, Debug)]
pub struct Plant {
    site: String,
    zones: Vec<Zone>,
    devices: Vec<Arc<Device>>,
    limit_sets: Vec<Arc<LimitSet>>,
}

/// A part of the site whose devices are trusted alike (IEC 62443).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zone {
    name: String,
    description: String,
}

impl Plant {
    /// Reads `text`, the content of `file`. All that is wrong with it is found at once.
    pub fn parse(file: &Path, text: &str) -> Result<Plant, Vec<Finding>> {
        read::plant(file, text)
    }

    /// The site, which is also the trust domain of its subjects.
    pub fn site(&self) -> &str {
        &self.site
    }

    /// The zones in the order of the file.
    pub fn zones(&self) -> &[Zone] {
        &self.zones
    }

    /// The devices in the order of the file.
    pub fn devices(&self) -> &[Arc<Device>] {
        &self.devices
    }

    /// The device of this name.
    pub fn device(&self, name: &str) -> Option<&Arc<Device>> {
        self.devices.iter().find(|device| device.name() == name)
    }

    /// The place of this device in [`Plant::devices`].
    pub fn device_index(&self, name: &str) -> Option<usize> {
        self.devices.iter().position(|device| device.name() == name)
    }

    /// The limit sets in the order of the file.
    pub fn limit_sets(&self) -> &[Arc<LimitSet>] {
        &self.limit_sets
    }
}

impl Zone {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is; may be empty.
    pub fn description(&self) -> &str {
        &self.description
    }
}

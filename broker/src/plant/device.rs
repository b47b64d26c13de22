//! A device: how it is reached, and its points.

use super::point::Point;
use interlock_protocols::modbus::{Area, UnitId};
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

/// What stands behind the address of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// The device itself.
    Direct,
    /// A gateway to a serial line, with several units behind it.
    Gateway,
}

/// Which unit ids are routed, and as what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Units {
    /// Every one of `north`, and 0 and 255, means the device, which is sent `south`.
    Direct { north: Vec<UnitId>, south: UnitId },
    /// Pairs of the unit id that clients use and the one on the line. Both are unique: a second
    /// name for a unit would be a way around the limits of its points.
    Gateway(Vec<(UnitId, UnitId)>),
}

/// The unit id that points of a direct device carry, and the one sent to it unless the plant says
/// otherwise: not significant, by Messaging on TCP/IP V1.0b §4.4.2.
pub(super) const DIRECT: UnitId = UnitId::new(255);

/// How gently the device is to be treated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkSettings {
    /// Longest wait for a reply.
    pub timeout: Duration,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Close the connection when it was idle for so long; `None` keeps it.
    pub idle_close: Option<Duration>,
    /// Rest between a reply and the next request.
    pub pause: Duration,
    /// Most requests waiting for the device.
    pub queue: usize,
    /// First wait before connecting again.
    pub backoff_min: Duration,
    /// Longest wait before connecting again.
    pub backoff_max: Duration,
}

impl Default for LinkSettings {
    /// One patient connection, as old devices like it.
    fn default() -> LinkSettings {
        LinkSettings {
            timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(3),
            idle_close: None,
            pause: Duration::ZERO,
            queue: 32,
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
        }
    }
}

/// A device of the plant.
#[derive(Clone, PartialEq, Debug)]
pub struct Device {
    pub(super) name: String,
    pub(super) zone: String,
    pub(super) description: String,
    pub(super) address: String,
    pub(super) units: Units,
    pub(super) link: LinkSettings,
    pub(super) local_address: SocketAddr,
    pub(super) unnamed_writes: bool,
    /// By unit id, table and address. No two overlap, so this is the order of first and of last
    /// addresses alike, and a search may bisect it.
    pub(super) points: Vec<Point>,
}

impl Device {
    /// The name, unique in the plant.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The zone it belongs to.
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// What it is; may be empty.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Where the gateway reaches it: `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What stands behind the address.
    pub fn peer(&self) -> Peer {
        match self.units {
            Units::Direct { .. } => Peer::Direct,
            Units::Gateway(_) => Peer::Gateway,
        }
    }

    /// The unit id to send for one that a client used; `None` where it is not routed. Broadcasts
    /// (0 on a gateway) and the reserved 248 to 255 of a gateway never are.
    pub fn south_unit(&self, north: UnitId) -> Option<UnitId> {
        match &self.units {
            Units::Direct {
                north: listed,
                south,
            } => {
                let itself = north == UnitId::BROADCAST || north == DIRECT;
                (itself || listed.contains(&north)).then_some(*south)
            }
            Units::Gateway(routes) => routes
                .iter()
                .find(|(listed, _)| *listed == north)
                .map(|(_, south)| *south),
        }
    }

    /// The listed unit ids, as clients use them.
    pub fn unit_ids(&self) -> Vec<UnitId> {
        match &self.units {
            Units::Direct { north, .. } => north.clone(),
            Units::Gateway(routes) => routes.iter().map(|(north, _)| *north).collect(),
        }
    }

    /// How gently it is to be treated.
    pub fn link(&self) -> &LinkSettings {
        &self.link
    }

    /// Where the client listens for it on the machine of its user; port 0 is any free one.
    pub fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// Its points, by unit id, table and address.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The point of this name.
    pub fn point(&self, name: &str) -> Option<&Point> {
        self.points.iter().find(|point| point.name == name)
    }

    /// Whether registers that belong to no point may be written.
    pub fn unnamed_writes(&self) -> bool {
        self.unnamed_writes
    }

    /// The points that share an address with the area, lowest first. None where the unit id is
    /// not routed.
    pub(super) fn points_in(&self, unit: UnitId, area: Area) -> &[Point] {
        self.points
            .get(self.places_in(unit, area))
            .unwrap_or_default()
    }

    /// The places of the same points in [`Device::points`].
    pub(crate) fn places_in(&self, unit: UnitId, area: Area) -> Range<usize> {
        if self.south_unit(unit).is_none() {
            return 0..0;
        }
        let unit = match self.units {
            Units::Direct { .. } => DIRECT,
            Units::Gateway(_) => unit,
        };
        let sort_key = |point: &Point| (point.unit_id, point.area.table);
        let start = self.points.partition_point(|point| {
            let last = point.area.range.last();
            (sort_key(point), last) < ((unit, area.table), area.range.first())
        });
        let end = self.points.partition_point(|point| {
            let first = point.area.range.first();
            (sort_key(point), first) <= ((unit, area.table), area.range.last())
        });
        start..end
    }
}

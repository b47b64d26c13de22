//! `[[device]]`.

use super::location::OfFile;
use super::point::{self, PointDraft};
use super::{Named, check_unique, description_of, name_of, units};
use crate::document::{Place, Report, Section};
use crate::plant::device::{DIRECT, Device, LinkSettings, Units};
use std::net::SocketAddr;

/// A device as far as it could be read.
pub(super) struct DeviceDraft {
    pub(super) name: Option<Named>,
    pub(super) zone: Option<Named>,
    pub(super) points: Vec<PointDraft>,
    description: String,
    address: Option<Named>,
    units: Option<Units>,
    link: Option<LinkSettings>,
    local_address: Option<(SocketAddr, Place)>,
    unnamed_writes: bool,
}

pub(super) fn read(device: &mut Section<'_>, of_file: OfFile) -> DeviceDraft {
    let name = name_of(device);
    let zone = device.required("zone");
    let zone_place = zone.place();
    let address = device.required("address");
    let address_place = address.place();
    let units = units::read(device);
    let addressing = of_file.or_of_device(device);
    DeviceDraft {
        name,
        zone: zone.name().map(|name| Named {
            name,
            place: zone_place,
        }),
        description: description_of(device),
        address: address.host_and_port().map(|name| Named {
            name,
            place: address_place,
        }),
        local_address: local_address(device),
        unnamed_writes: device.optional("unnamed_writes").boolean().unwrap_or(false),
        link: link(device),
        points: device
            .optional("point")
            .tables(|point| Some(point::read(point, addressing, units.as_ref()))),
        units,
    }
}

fn local_address(device: &mut Section<'_>) -> Option<(SocketAddr, Place)> {
    let slot = device.required("local_address");
    let place = slot.place();
    let address = slot.socket_address()?;
    if !address.ip().is_loopback() {
        device.fault(
            "local_address",
            format!("`local_address` is {address}, which other machines could reach"),
            "it is where the client listens on its user's own machine: take one from 127.0.0.0/8, such as 127.77.0.11:1502",
        );
        return None;
    }
    Some((address, place))
}

fn link(device: &mut Section<'_>) -> Option<LinkSettings> {
    let default = LinkSettings::default();
    let slot = device.optional("link");
    if !slot.is_present() {
        return Some(default);
    }
    slot.table(|link| {
        let mut millis = |key, range| link.optional(key).millis(range);
        let settings = LinkSettings {
            timeout: millis("timeout_ms", 10..=60_000).unwrap_or(default.timeout),
            connect_timeout: millis("connect_timeout_ms", 10..=60_000)
                .unwrap_or(default.connect_timeout),
            idle_close: millis("idle_close_ms", 100..=86_400_000),
            pause: millis("pause_ms", 0..=10_000).unwrap_or(default.pause),
            backoff_min: millis("backoff_min_ms", 10..=600_000).unwrap_or(default.backoff_min),
            backoff_max: millis("backoff_max_ms", 10..=600_000).unwrap_or(default.backoff_max),
            queue: link
                .optional("queue")
                .integer(1..=1024)
                .unwrap_or(default.queue),
        };
        if settings.backoff_min > settings.backoff_max {
            link.fault(
                "backoff_min_ms",
                format!(
                    "the first wait, {} ms, is longer than the longest, {} ms",
                    settings.backoff_min.as_millis(),
                    settings.backoff_max.as_millis()
                ),
                "lower `backoff_min_ms` or raise `backoff_max_ms`",
            );
        }
        Some(settings)
    })
}

impl DeviceDraft {
    /// `None` where something was missing or wrong, which has been reported.
    pub(super) fn finish(self) -> Option<Device> {
        let mut points: Vec<_> = self
            .points
            .into_iter()
            .filter_map(|draft| draft.point)
            .collect();
        points.sort_by_key(|point| (point.unit_id, point.area.table, point.area.range.first()));
        Some(Device {
            name: self.name?.name,
            zone: self.zone?.name,
            description: self.description,
            address: self.address?.name,
            units: self.units?,
            link: self.link?,
            local_address: self.local_address?.0,
            unnamed_writes: self.unnamed_writes,
            points,
        })
    }
}

/// What two devices, or two points of one device, may not share.
pub(super) fn check_across(report: &Report<'_>, drafts: &[DeviceDraft]) {
    check_unique(
        report,
        "device",
        drafts.iter().filter_map(|draft| draft.name.as_ref()),
    );
    for (index, draft) in drafts.iter().enumerate() {
        let earlier = drafts.iter().take(index);
        check_addresses(report, draft, earlier);
        let names = draft.points.iter().filter_map(|point| point.name.as_ref());
        check_unique(report, "point", names);
        check_overlaps(report, &draft.points);
    }
}

fn check_addresses<'d>(
    report: &Report<'_>,
    draft: &DeviceDraft,
    earlier: impl Iterator<Item = &'d DeviceDraft>,
) {
    for other in earlier {
        if let (Some(one), Some(two)) = (&other.address, &draft.address)
            && one.name.eq_ignore_ascii_case(&two.name)
        {
            report.fault(
                &two.place,
                format!("two devices have the address {}", two.name),
                format!(
                    "the first is on line {}; what is behind one address is one device: for several units make it a gateway and list them in `unit_ids`",
                    report.line(&one.place)
                ),
            );
        }
        if let (Some((one, first)), Some((two, place))) =
            (&other.local_address, &draft.local_address)
            && one == two
            && two.port() != 0
        {
            report.fault(
                place,
                format!("two devices have the local address {two}"),
                format!(
                    "give one of them another, such as the next IP address; the first is on line {}",
                    report.line(first)
                ),
            );
        }
    }
}

/// Points never overlap, not even to read the same register in two ways: with two names for one
/// register, the limits of the one would be a way around those of the other.
fn check_overlaps(report: &Report<'_>, points: &[PointDraft]) {
    for (index, point) in points.iter().enumerate() {
        let Some((unit, area)) = point.area else {
            continue;
        };
        let overlapped = points.iter().take(index).find(|other| {
            other.area.is_some_and(|(other_unit, other)| {
                unit == other_unit && area.table == other.table && area.range.overlaps(other.range)
            })
        });
        if let Some(other) = overlapped {
            let unit = if unit == DIRECT {
                String::new()
            } else {
                format!(" of unit {unit}")
            };
            report.fault(
                &point.place,
                format!(
                    "`{}` shares {}{unit} with `{}`",
                    point.shown(),
                    area.range
                        .first()
                        .max(other.area.map_or(area.range.first(), |(_, area)| area.range.first()))
                        .in_table(area.table),
                    other.shown()
                ),
                format!(
                    "a register belongs to one point; the other is on line {}, and a 32-bit number takes two registers",
                    report.line(&other.place)
                ),
            );
        }
    }
}

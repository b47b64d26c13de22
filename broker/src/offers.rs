//! What a subject is shown of the plant: the devices it may see, their points, and what policy
//! lets it do with them today.

use std::sync::Arc;

use interlock_protocols::conduit::{DeviceOffer, PointOffer};
use interlock_protocols::modbus::Pdu;

use crate::clock::Now;
use crate::mediation::{Decision, Holding, Session, decide, decide_holding};
use crate::plant::{Access, Device, Kind, Point};
use crate::policy::{Action, Circumstances, Facts, InvitedFacts, Matter, Resource, View};
use crate::register::Use;
use crate::subject::SubjectKind;

impl Session {
    /// The devices this session may open conversations with.
    pub fn visible_devices(&self, now: Now) -> Vec<Arc<Device>> {
        let devices = self.broker().plant().devices().iter();
        let held = devices.map(|device| (device, self.holding(device, now)));
        let held: Vec<(&Arc<Device>, Holding)> = held.collect();
        self.with_view(now, |view, circumstances| {
            let seen = held
                .iter()
                .filter(|(device, holding)| sees(view, circumstances, device, holding));
            seen.map(|(device, _)| Arc::clone(device)).collect()
        })
    }

    /// What is shown of one of them; nothing where the clock is broken. It takes some decisions a
    /// point: whoever serves others on the same thread lets them have their turn between devices.
    pub fn offer(&self, device: &Device, now: Now) -> Option<DeviceOffer> {
        let holding = self.holding(device, now);
        self.with_view(now, |view, circumstances| {
            Some(offer(view, circumstances, device, &holding))
        })
    }
}

/// Whether somebody may open a conversation with a device, by a window of theirs, by break-glass or
/// without.
fn sees(view: &mut View, circumstances: Circumstances, device: &Device, holding: &Holding) -> bool {
    if holding.has_broken() {
        return true;
    }
    let facts = Facts {
        circumstances,
        matter: holding.open().map_or(Matter::Plain, Matter::Connection),
    };
    let resource = Resource::Device(device.name());
    view.decide(Action::Connect, resource, &facts).allow
}

fn offer(
    view: &mut View,
    circumstances: Circumstances,
    device: &Device,
    holding: &Holding,
) -> DeviceOffer {
    let points: Vec<PointOffer> = device
        .points()
        .iter()
        .map(|point| point_offer(view, circumstances, device, point, holding))
        .collect();
    DeviceOffer {
        name: device.name().to_owned(),
        zone: device.zone().to_owned(),
        description: device.description().to_owned(),
        local_address: device.local_address().to_string(),
        unit: device.unit_ids().first().map_or(1, |unit| unit.value()),
        may: may(&points),
        points,
    }
}

/// What a subject may do with a device, with one point of it or another.
pub(crate) fn possible(view: &mut View, circumstances: Circumstances, device: &Device) -> Vec<Use> {
    // What their windows add is for the time of those, and for the list of windows to tell.
    let none = Holding::default();
    if !sees(view, circumstances, device, &none) {
        return Vec::new();
    }
    let (mut reads, mut writes) = (false, false);
    for point in device.points() {
        let offer = point_offer(view, circumstances, device, point, &none);
        reads |= offer.may_read;
        writes |= offer.may_write;
        if reads && writes {
            break;
        }
    }
    let diagnoses = may_diagnose(view, circumstances, device);
    let may = |what: &Use| match what {
        Use::Read => reads,
        Use::Write => writes,
        Use::Diagnose => diagnoses,
    };
    Use::ALL.into_iter().filter(may).collect()
}

/// A request of each function that diagnoses.
const DIAGNOSES: [&[u8]; 6] = [
    &[0x07],
    &[0x08, 0, 0, 0, 0],
    &[0x0B],
    &[0x0C],
    &[0x11],
    &[0x2B, 0x0E, 1, 0],
];

fn may_diagnose(view: &mut View, circumstances: Circumstances, device: &Device) -> bool {
    let Some(unit) = device.unit_ids().first().copied() else {
        return false;
    };
    DIAGNOSES.iter().any(|pdu| {
        let decision = decide(view, device, circumstances, true, unit, pdu, None);
        matches!(decision, Decision::Allow(_))
    })
}

/// The acts on the broker itself that a subject may do, by their names.
pub(crate) fn acts(view: &mut View, circumstances: Circumstances) -> Vec<String> {
    let mut may = |action: &Action| {
        let kinds = [
            SubjectKind::Person,
            SubjectKind::Vendor,
            SubjectKind::Workload,
        ];
        let invited = kinds.map(|kind| Matter::Invitation(InvitedFacts { kind, groups: &[] }));
        let matters = match action {
            Action::Invite => &invited[..],
            _ => &[Matter::Plain][..],
        };
        matters.iter().any(|matter| {
            let facts = Facts {
                circumstances,
                matter: *matter,
            };
            view.decide(*action, Resource::Site, &facts).allow
        })
    };
    let acts = Action::all().filter(|action| !action.is_on_device());
    let acts = acts.filter(|action| may(action));
    acts.map(|action| action.name().to_owned()).collect()
}

fn point_offer(
    view: &mut View,
    circumstances: Circumstances,
    device: &Device,
    point: &Point,
    holding: &Holding,
) -> PointOffer {
    let range = point.area().range;
    let (data_type, order, scale, offset) = match point.kind() {
        Kind::Bit => ("bool", "", 1.0, 0.0),
        Kind::Number {
            data_type,
            order,
            scale,
            offset,
        } => (data_type.name(), order.name(), scale, offset),
    };
    let writable = point.access() == Access::ReadWrite;
    let unit = point.unit_id();
    // As if writing were armed: what somebody may do, not what one connection does.
    let mut passes = |pdu: Pdu| {
        let pdu = pdu.as_bytes();
        let decision = decide_holding(view, device, circumstances, true, unit, pdu, holding);
        matches!(decision, Decision::Allow(_))
    };
    let may_read = point.read_request().is_ok_and(&mut passes);
    let may_write = writable
        && tried(point)
            .into_iter()
            .any(|value| point.write_request(value).is_ok_and(&mut passes));
    PointOffer {
        name: point.name().to_owned(),
        unit_id: point.unit_id().value(),
        table: point.area().table.modicon_digit(),
        first: range.first().value(),
        registers: u16::try_from(range.count()).unwrap_or(u16::MAX),
        data_type: data_type.to_owned(),
        order: order.to_owned(),
        scale,
        offset,
        unit: point.engineering_unit().to_owned(),
        min: point.min(),
        max: point.max(),
        writable,
        may_read,
        may_write,
    }
}

/// Values to ask with: somebody may write a point who may write one of them. The ends alone would
/// not do: a coil may be narrowed to one state, and a limit set may cut both ends off.
fn tried(point: &Point) -> Vec<f64> {
    match (point.kind(), point.min(), point.max()) {
        (Kind::Bit, ..) => vec![0.0, 1.0],
        (Kind::Number { .. }, Some(min), Some(max)) => vec![min, min.midpoint(max), max],
        (Kind::Number { .. }, ..) => vec![0.0],
    }
}

/// What may be done with the named points, a line each.
fn may(points: &[PointOffer]) -> Vec<String> {
    let named = |verb: &str, chosen: Vec<&str>, of: usize| match chosen.len() {
        0 => None,
        all if all == of => Some(format!("{verb} all {of} points")),
        _ => Some(format!("{verb} {}", chosen.join(", "))),
    };
    let readable = points.iter().filter(|point| point.may_read);
    let writable = points.iter().filter(|point| point.may_write);
    let lines: Vec<String> = [
        named(
            "read",
            readable.map(|point| point.name.as_str()).collect(),
            points.len(),
        ),
        named(
            "write",
            writable.map(|point| point.name.as_str()).collect(),
            points.len(),
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    if lines.is_empty() {
        return vec!["see it, and nothing more".to_owned()];
    }
    lines
}

//! Which unit ids of a device are routed, and as what.

use crate::document::{Place, Section, Slot};
use crate::plant::device::{DIRECT, Peer, Units};
use interlock_protocols::modbus::UnitId;

/// Unit ids of the standard: 0 is broadcast, 248 to 255 are reserved (Serial Line V1.02 §2.2).
const UNIT_IDS: std::ops::RangeInclusive<u8> = 1..=247;

pub(super) fn read(device: &mut Section<'_>) -> Option<Units> {
    let peer = device
        .required("peer")
        .word(&[("direct", Peer::Direct), ("gateway", Peer::Gateway)]);
    match peer {
        Some(Peer::Direct) => direct(device),
        Some(Peer::Gateway) => gateway(device),
        None => {
            let _ = device.optional("unit_ids");
            let _ = device.optional("south_unit_id");
            None
        }
    }
}

fn direct(device: &mut Section<'_>) -> Option<Units> {
    let listed = device.optional("unit_ids");
    let north = if listed.is_present() {
        listed.list(|slot| slot.integer(UNIT_IDS).map(UnitId::new))
    } else {
        Some(vec![UnitId::new(1)])
    };
    let sent = device.optional("south_unit_id");
    let south = if sent.is_present() {
        // Not 0: should a gateway be behind the address after all, 0 would be a broadcast.
        sent.integer_as(|number| match u8::try_from(number) {
            Ok(unit) if unit == DIRECT.value() || UNIT_IDS.contains(&unit) => Ok(UnitId::new(unit)),
            _ => Err((
                "that unit id is not sent to a device".to_owned(),
                "it is 255, which most devices take for themselves, or one from 1 to 247"
                    .to_owned(),
            )),
        })
    } else {
        Some(DIRECT)
    };
    Some(Units::Direct {
        north: north?,
        south: south?,
    })
}

fn gateway(device: &mut Section<'_>) -> Option<Units> {
    if device.optional("south_unit_id").is_present() {
        device.fault(
            "south_unit_id",
            "`south_unit_id` is for direct devices",
            "on a gateway write it per unit: unit_ids = [{ north = 3, south = 17 }]",
        );
    }
    let slot = device.required("unit_ids");
    let place = slot.place();
    let report = device.report();
    let routes: Vec<(UnitId, UnitId, Place)> = slot.list(route)?;
    if routes.is_empty() {
        report.fault(
            &place,
            "`unit_ids` is empty, so nothing behind the gateway can be reached",
            "list the unit ids of the devices behind it: unit_ids = [3]",
        );
    }
    for (index, (north, south, place)) in routes.iter().enumerate() {
        let earlier = routes.iter().take(index);
        let same_north = earlier.clone().any(|(other, _, _)| other == north);
        let same_south = earlier.clone().any(|(_, other, _)| other == south);
        if same_north {
            report.fault(
                place,
                format!("unit id {north} is listed twice"),
                "keep one of the two",
            );
        } else if same_south {
            report.fault(
                place,
                format!("two unit ids lead to unit {south} behind the gateway"),
                "keep one: a second way to a device would go round the limits of its points",
            );
        }
    }
    let pairs = routes.into_iter().map(|(north, south, _)| (north, south));
    Some(Units::Gateway(pairs.collect()))
}

/// `3`, or `{ north = 3, south = 17 }`.
fn route(slot: Slot<'_>) -> Option<(UnitId, UnitId, Place)> {
    let place = slot.place();
    let (north, south) = if slot.is_table() {
        slot.table(|route| {
            let north = route.required("north").integer(UNIT_IDS);
            let south = route.required("south").integer(UNIT_IDS);
            Some((north?, south?))
        })?
    } else {
        let unit = slot.integer(UNIT_IDS)?;
        (unit, unit)
    };
    Some((UnitId::new(north), UnitId::new(south), place))
}

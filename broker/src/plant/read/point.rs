//! `[[device.point]]`.

use super::location::{self, Addressing};
use super::{Named, bounds, description_of, holds, line, name_of, safe_value};
use crate::document::{Place, Section};
use crate::plant::device::{DIRECT, Units};
use crate::plant::point::{Access, Holds, Point};
use interlock_protocols::modbus::{Address, AddressRange, Area, Table, UnitId};

/// A point as far as it could be read.
pub(super) struct PointDraft {
    pub(super) name: Option<Named>,
    pub(super) area: Option<(UnitId, Area)>,
    pub(super) place: Place,
    pub(super) point: Option<Point>,
}

impl PointDraft {
    pub(super) fn shown(&self) -> &str {
        self.name.as_ref().map_or("a point", |named| &named.name)
    }
}

pub(super) fn read(
    section: &mut Section<'_>,
    addressing: Option<Addressing>,
    units: Option<&Units>,
) -> PointDraft {
    let name = name_of(section);
    let location = location::read(section, addressing);
    let unit_id = unit_id(section, units);
    let holds = holds::read(section, location.map(|(table, _)| table));
    let access = access(section, location.map(|(table, _)| table));
    let bounds = bounds::of_point(section, holds.as_ref(), access);
    let description = description_of(section);
    let engineering_unit = line(section.optional("unit")).unwrap_or_default();
    let read_effect = section.optional("read_effect").boolean().unwrap_or(false);

    let area = area(section, location, holds.as_ref());
    let point = || {
        Some(Point {
            name: name.as_ref()?.name.clone(),
            description,
            unit_id: unit_id?,
            area: area?,
            holds: holds?,
            engineering_unit,
            access: access?,
            bounds: bounds?,
            narrowings: Vec::new(),
            read_effect,
            safe_value: None,
        })
    };
    let point = point();
    PointDraft {
        point: safe_value::read(section, point),
        area: unit_id.zip(area),
        place: name
            .as_ref()
            .map_or(section.place(), |named| named.place.clone()),
        name,
    }
}

/// Behind a gateway a point must say whose it is; at a direct device there is nothing to say.
fn unit_id(section: &mut Section<'_>, units: Option<&Units>) -> Option<UnitId> {
    match units {
        Some(Units::Direct { .. }) => {
            if section.optional("unit_id").is_present() {
                section.fault(
                    "unit_id",
                    "`unit_id` is for points behind a gateway",
                    "take it out: a direct device is one unit",
                );
            }
            Some(DIRECT)
        }
        Some(Units::Gateway(routes)) => {
            let unit = section
                .required("unit_id")
                .integer(1..=247)
                .map(UnitId::new)?;
            if routes.iter().any(|(north, _)| *north == unit) {
                return Some(unit);
            }
            section.fault(
                "unit_id",
                format!("unit id {unit} is not listed for this gateway"),
                "add it to the `unit_ids` of the device, or use one of them",
            );
            None
        }
        None => {
            let _ = section.optional("unit_id");
            None
        }
    }
}

fn access(section: &mut Section<'_>, table: Option<Table>) -> Option<Access> {
    let slot = section.optional("access");
    if !slot.is_present() {
        return Some(Access::Read);
    }
    let access = slot.word(&[("read", Access::Read), ("read-write", Access::ReadWrite)])?;
    let writable = !matches!(table, Some(Table::DiscreteInputs | Table::InputRegisters));
    if access == Access::ReadWrite && !writable {
        section.fault(
            "access",
            "inputs cannot be written",
            "Modbus has no function for it: take `access` out, or check the table",
        );
        return None;
    }
    Some(access)
}

fn area(
    section: &Section<'_>,
    location: Option<(Table, Address)>,
    holds: Option<&Holds>,
) -> Option<Area> {
    let (table, first) = location?;
    let quantity = match holds {
        Some(Holds::Number { data_type, .. }) => data_type.registers(),
        // Of an unknown type at least one: enough to find what it overlaps.
        Some(Holds::Bit) | None => 1,
    };
    let Some(range) = AddressRange::starting(first, quantity) else {
        section.report().fault(
            &section.place(),
            format!(
                "the point begins at {} and ends outside the table",
                first.in_table(table)
            ),
            "the last address of a table is 65535, and a 32-bit number takes two",
        );
        return None;
    };
    Some(Area { table, range })
}

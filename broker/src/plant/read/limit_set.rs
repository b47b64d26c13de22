//! `[[limit_set]]`.

use super::bounds;
use super::device::DeviceDraft;
use super::{Named, check_unique, name_of};
use crate::document::{Place, Report, Section, Slot, did_you_mean};
use crate::plant::limit_set::{LimitSet, Narrowing};
use crate::plant::point::{Access, Bounds, Point};
use std::sync::Arc;

/// Reads all limit sets and hands each point what they say about it.
pub(super) fn read_all(root: &mut Section<'_>, drafts: &mut [DeviceDraft]) -> Vec<Arc<LimitSet>> {
    let report = root.report();
    let mut names = Vec::new();
    let sets = root
        .optional("limit_set")
        .tables(|section| read(section, drafts, &mut names));
    check_unique(report, "limit set", names.iter());
    sets
}

fn read(
    section: &mut Section<'_>,
    drafts: &mut [DeviceDraft],
    names: &mut Vec<Named>,
) -> Option<Arc<LimitSet>> {
    let named = name_of(section);
    let groups = section.required("groups").list(Slot::name);
    if groups.as_ref().is_some_and(Vec::is_empty) {
        section.fault(
            "groups",
            "`groups` is empty, so the set holds for nobody",
            "name the groups it holds for",
        );
    }
    let set = named.as_ref().zip(groups).map(|(named, groups)| {
        Arc::new(LimitSet {
            name: named.name.clone(),
            groups,
        })
    });
    names.extend(named);
    section.required("points").table(|points| {
        for (path, place, slot) in points.rest() {
            narrow(points.report(), drafts, set.as_ref(), &path, &place, slot);
        }
        Some(())
    });
    set
}

/// One line of the table: `"press-4.speed_setpoint" = { max = 800 }`.
fn narrow(
    report: &Report<'_>,
    drafts: &mut [DeviceDraft],
    set: Option<&Arc<LimitSet>>,
    path: &str,
    place: &Place,
    slot: Slot<'_>,
) {
    let Some(found) = find(report, drafts, path, place) else {
        // Whether the limits themselves are right cannot be said of a point that is not there.
        return;
    };
    // A point with a fault of its own: reported there.
    let Some(point) = found else { return };
    if point.access != Access::ReadWrite {
        report.fault(
            place,
            format!("`{path}` is read only, so there is nothing to narrow"),
            "take the line out, or give the point access = \"read-write\" and limits",
        );
        return;
    }
    let Some(bounds) = slot.table(|limits| narrower(limits, point)) else {
        return;
    };
    if let Some(set) = set {
        let set = Arc::clone(set);
        point.narrowings.push(Narrowing { set, bounds });
    }
}

/// `None` where there is no such point, `Some(None)` where it is one that could not be read.
fn find<'d>(
    report: &Report<'_>,
    drafts: &'d mut [DeviceDraft],
    path: &str,
    place: &Place,
) -> Option<Option<&'d mut Point>> {
    let is =
        |named: &Option<Named>, name: &str| named.as_ref().is_some_and(|named| named.name == name);
    let known: Vec<String> = drafts
        .iter()
        .flat_map(|draft| {
            let device = draft.name.as_ref().map_or("", |named| &named.name);
            let points = draft.points.iter().filter_map(|point| point.name.as_ref());
            points.map(move |point| format!("{device}.{}", point.name))
        })
        .collect();
    if let Some((device, name)) = path.split_once('.')
        && let Some(draft) = drafts.iter_mut().find(|draft| is(&draft.name, device))
        && let Some(point) = draft.points.iter_mut().find(|point| is(&point.name, name))
    {
        return Some(point.point.as_mut());
    }
    report.fault(
        place,
        format!("there is no point `{path}`"),
        did_you_mean(path, known.iter().map(String::as_str)).unwrap_or_else(|| {
            "write it as \"device.point\", in quotes, with the names used above".to_owned()
        }),
    );
    None
}

/// Limits that must be inside those of the point; an end left out stays that of the point.
fn narrower(limits: &mut Section<'_>, point: &Point) -> Option<Bounds> {
    if !["min", "max", "allowed"].iter().any(|key| limits.has(key)) {
        limits.report().fault(
            &limits.place(),
            "no limit is given here",
            "write `min`, `max` or both; for a coil, allowed = [\"off\"] or [\"on\"]",
        );
    }
    let own = point.bounds;
    let bounds = match (bounds::read(limits, Some(&point.holds))?, own) {
        (
            Bounds::Interval { min, max },
            Bounds::Interval {
                min: own_min,
                max: own_max,
            },
        ) => Bounds::Interval {
            min: min.or(own_min),
            max: max.or(own_max),
        },
        (bounds, _) => bounds,
    };
    // An end beyond the far end of the point leaves nothing inside either.
    if own.contain(&bounds) && !bounds.is_empty() {
        return Some(bounds);
    }
    limits.report().fault(
        &limits.place(),
        format!(
            "these limits are not inside those of the point, {}",
            point.show_bounds(&own)
        ),
        "a limit set can only narrow: widen the point itself, for everybody, or correct the set",
    );
    None
}

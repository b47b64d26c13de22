//! Reads `plant.toml`.
//!
//! A device or point with a fault is left out of the result, but its name and address still count
//! for the checks across the file, so that one fault is reported once and no fault hides another.

mod bounds;
mod device;
mod holds;
mod limit_set;
mod location;
mod point;
mod safe_value;
mod units;

use super::{Plant, Zone};
use crate::document::{self, Place, Report, Section, Slot};
use crate::finding::Finding;
use device::DeviceDraft;
use std::path::Path;
use std::sync::Arc;

/// Something that was named in the file, and where.
struct Named {
    name: String,
    place: Place,
}

pub(super) fn plant(file: &Path, text: &str) -> Result<Plant, Vec<Finding>> {
    document::read(file, text, |root| {
        let site = root.required("site").text_as(site_name);
        let addressing = location::OfFile::read(root);
        let zones = root.required_tables("zone", |zone| {
            let name = name_of(zone);
            let description = description_of(zone);
            Some((name?, description))
        });
        let mut drafts =
            root.required_tables("device", |device| Some(device::read(device, addressing)));
        check_zones(root.report(), &zones, &drafts);
        device::check_across(root.report(), &drafts);
        let limit_sets = limit_set::read_all(root, &mut drafts);

        let devices = drafts.into_iter().filter_map(DeviceDraft::finish);
        Some(Plant {
            site: site?,
            zones: zones
                .into_iter()
                .map(|(named, description)| Zone {
                    name: named.name,
                    description,
                })
                .collect(),
            devices: devices.map(Arc::new).collect(),
            limit_sets,
        })
    })
}

/// The site is the trust domain of subject ids, so it may have dots besides.
fn site_name(text: &str) -> Result<String, (String, String)> {
    if document::is_name(&text.replace('.', "-")) {
        Ok(text.to_owned())
    } else {
        Err((
            "that is not a site name".to_owned(),
            "a site name is 1 to 64 of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or digit"
                .to_owned(),
        ))
    }
}

fn check_zones(report: &Report<'_>, zones: &[(Named, String)], drafts: &[DeviceDraft]) {
    check_unique(report, "zone", zones.iter().map(|(named, _)| named));
    for zone in drafts.iter().filter_map(|draft| draft.zone.as_ref()) {
        if zones.iter().any(|(named, _)| named.name == zone.name) {
            continue;
        }
        let known = zones.iter().map(|(named, _)| named.name.as_str());
        report.fault(
            &zone.place,
            format!("there is no zone `{}`", zone.name),
            document::did_you_mean(&zone.name, known)
                .unwrap_or_else(|| "add it as a [[zone]] with this name".to_owned()),
        );
    }
}

/// Complains about each name that was there before.
fn check_unique<'n>(report: &Report<'_>, what: &str, names: impl Iterator<Item = &'n Named>) {
    let mut seen: Vec<&Named> = Vec::new();
    for named in names {
        match seen.iter().find(|earlier| earlier.name == named.name) {
            Some(earlier) => report.fault(
                &named.place,
                format!("there are two {what}s named `{}`", named.name),
                format!(
                    "give one of them another name; the first is on line {}",
                    report.line(&earlier.place)
                ),
            ),
            None => seen.push(named),
        }
    }
}

/// The required key `name`.
fn name_of(section: &mut Section<'_>) -> Option<Named> {
    let slot = section.required("name");
    let place = slot.place();
    slot.name().map(|name| Named { name, place })
}

/// The optional key `description`.
fn description_of(section: &mut Section<'_>) -> String {
    line(section.optional("description")).unwrap_or_default()
}

/// Text of one line: it goes into tables and records as it is.
fn line(slot: Slot<'_>) -> Option<String> {
    slot.text_as(|text| {
        if text.chars().any(char::is_control) {
            Err((
                "it has a line break or another control character".to_owned(),
                "keep it to one line".to_owned(),
            ))
        } else {
            Ok(text.to_owned())
        }
    })
}

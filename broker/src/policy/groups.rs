//! `groups.toml`: who is in which group.

use super::bundle::{Bundle, GROUPS};
use crate::document::{self, Section, Slot, is_name};
use crate::finding::Finding;
use crate::subject::SubjectId;
use std::collections::{BTreeMap, BTreeSet};

/// The groups of a site and their members.
#[derive(Debug, Default)]
pub(super) struct Groups {
    names: BTreeSet<String>,
    /// The groups of each subject, in alphabetical order.
    by_subject: BTreeMap<SubjectId, Vec<String>>,
}

impl Groups {
    pub(super) fn read(bundle: &Bundle, site: &str) -> Result<Groups, Vec<Finding>> {
        let path = bundle.path(GROUPS);
        document::read(&path, bundle.text(GROUPS), |root| {
            root.required("groups").table(|groups| {
                let mut read = Groups::default();
                for (name, place, members) in groups.rest() {
                    if !is_name(&name) {
                        groups.report().fault(
                            &place,
                            format!("`{name}` is no name for a group"),
                            "a name is 1 to 64 of a-z, 0-9, `_` and `-`, and begins with a letter or digit",
                        );
                    }
                    read.add(site, name, members, groups);
                }
                read.by_subject.values_mut().for_each(|groups| groups.sort());
                Some(read)
            })
        })
    }

    fn add(&mut self, site: &str, group: String, members: Slot<'_>, section: &Section<'_>) {
        let mut here = BTreeSet::new();
        let _ = members.list(|member| {
            let place = member.place();
            let subject = member.text_as(|text| subject_of(site, text))?;
            if here.insert(subject.clone()) {
                self.by_subject
                    .entry(subject)
                    .or_default()
                    .push(group.clone());
            } else {
                section.report().fault(
                    &place,
                    format!("`{}` is in the group `{group}` twice", subject.path()),
                    "take one of the two out",
                );
            }
            Some(())
        });
        self.names.insert(group);
    }

    /// Every group, with members or without.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Everybody who is in a group.
    pub(super) fn subjects(&self) -> impl Iterator<Item = (&SubjectId, &[String])> {
        let subjects = self.by_subject.iter();
        subjects.map(|(subject, groups)| (subject, groups.as_slice()))
    }

    /// The groups of one subject.
    pub(super) fn of(&self, subject: &SubjectId) -> &[String] {
        self.by_subject.get(subject).map_or(&[], Vec::as_slice)
    }
}

/// A subject of this site, and of no other: certificates of another site are not ours to sort.
pub(super) fn subject_of(site: &str, text: &str) -> Result<SubjectId, (String, String)> {
    let hint = "write person/NAME, vendor/FIRM/NAME or workload/NAME".to_owned();
    match SubjectId::parse_at(site, text) {
        Ok(subject) if subject.site() == site => Ok(subject),
        Ok(subject) => Err((format!("`{}` is another site", subject.site()), hint)),
        Err(error) => Err((error.to_string(), hint)),
    }
}

//! How subjects, devices and acts are called in Cedar.

use super::action::Action;
use crate::subject::{SubjectId, SubjectKind};
use cedar_policy::{Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression};
use std::collections::{HashMap, HashSet};
use std::str::FromStr;

/// The entity types of the schema's namespace, parsed once.
#[derive(Clone, Debug)]
pub(super) struct Names {
    action: EntityTypeName,
    group: EntityTypeName,
    person: EntityTypeName,
    vendor: EntityTypeName,
    workload: EntityTypeName,
    site: EntityTypeName,
    zone: EntityTypeName,
    device: EntityTypeName,
}

impl Names {
    pub(super) fn new() -> Result<Names, String> {
        let name = |name: &str| {
            EntityTypeName::from_str(&format!("Interlock::{name}")).map_err(|e| e.to_string())
        };
        Ok(Names {
            action: name("Action")?,
            group: name("Group")?,
            person: name("Person")?,
            vendor: name("Vendor")?,
            workload: name("Workload")?,
            site: name("Site")?,
            zone: name("Zone")?,
            device: name("Device")?,
        })
    }

    pub(super) fn action(&self, action: Action) -> EntityUid {
        uid(&self.action, action.name())
    }

    pub(super) fn action_group(&self, group: &str) -> EntityUid {
        uid(&self.action, group)
    }

    /// The kind is the type, so what is left of the path is the name.
    pub(super) fn subject(&self, subject: &SubjectId) -> EntityUid {
        let kind = match subject.kind() {
            SubjectKind::Person => &self.person,
            SubjectKind::Vendor => &self.vendor,
            SubjectKind::Workload => &self.workload,
        };
        uid(kind, below_kind(subject))
    }

    pub(super) fn group(&self, name: &str) -> EntityUid {
        uid(&self.group, name)
    }

    pub(super) fn site(&self, name: &str) -> EntityUid {
        uid(&self.site, name)
    }

    pub(super) fn zone(&self, name: &str) -> EntityUid {
        uid(&self.zone, name)
    }

    pub(super) fn device(&self, name: &str) -> EntityUid {
        uid(&self.device, name)
    }

    /// The kinds that are listed in files of the site, with the file.
    pub(super) fn listed_kinds(&self) -> [(&EntityTypeName, &'static str); 4] {
        [
            (&self.group, "groups.toml"),
            (&self.site, "plant.toml"),
            (&self.zone, "plant.toml"),
            (&self.device, "plant.toml"),
        ]
    }

    /// A subject of each kind, to try what may be asked.
    pub(super) fn one_of_each_kind(&self) -> [EntityUid; 3] {
        [
            uid(&self.person, "any"),
            uid(&self.vendor, "any/any"),
            uid(&self.workload, "any"),
        ]
    }

    pub(super) fn subject_entity<'g>(
        &self,
        subject: &SubjectId,
        groups: impl IntoIterator<Item = &'g String>,
    ) -> Result<Entity, String> {
        let path = below_kind(subject);
        let mut attributes = HashMap::new();
        let name = match (subject.kind(), path.split_once('/')) {
            (SubjectKind::Vendor, Some((firm, name))) => {
                attributes.insert("firm".to_owned(), string(firm));
                name
            }
            _ => path,
        };
        attributes.insert("name".to_owned(), string(name));
        let groups: HashSet<EntityUid> =
            groups.into_iter().map(|group| self.group(group)).collect();
        Entity::new(self.subject(subject), attributes, groups).map_err(|e| e.to_string())
    }

    pub(super) fn device_entity(&self, name: &str, zone: &str) -> Result<Entity, String> {
        let attributes = HashMap::from([("name".to_owned(), string(name))]);
        let parents = HashSet::from([self.zone(zone)]);
        Entity::new(self.device(name), attributes, parents).map_err(|e| e.to_string())
    }
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn below_kind(subject: &SubjectId) -> &str {
    let path = subject.path();
    path.split_once('/').map_or(path, |(_, rest)| rest)
}

fn string(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

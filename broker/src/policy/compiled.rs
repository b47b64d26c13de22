//! A policy that was found good and is ready to decide.

use super::bundle::Bundle;
use super::groups::Groups;
use super::index::Index;
use super::names::Names;
use super::obligations::Obligations;
use super::rules::{self, Rule};
use super::schema;
use crate::digits::hex;
use crate::finding::Finding;
use crate::plant::{Outline, Plant};
use crate::subject::SubjectId;
use cedar_policy::{Entities, Entity, EntityUid, Policy as CedarPolicy, PolicyId, Schema};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

/// What policy must know of the plant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Estate<'a> {
    /// The name of the site, which is also the trust domain of its subjects.
    pub site: &'a str,
    /// Its devices.
    pub devices: Vec<EstateDevice<'a>>,
}

/// One device of the plant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EstateDevice<'a> {
    /// Its name.
    pub name: &'a str,
    /// The zone it is in.
    pub zone: &'a str,
}

impl<'a> From<&'a Plant> for Estate<'a> {
    fn from(plant: &'a Plant) -> Estate<'a> {
        let devices = plant.devices().iter().map(|device| EstateDevice {
            name: device.name(),
            zone: device.zone(),
        });
        Estate {
            site: plant.site(),
            devices: devices.collect(),
        }
    }
}

impl<'a> From<&'a Outline> for Estate<'a> {
    fn from(outline: &'a Outline) -> Estate<'a> {
        Estate {
            site: outline.site(),
            devices: outline
                .devices()
                .map(|(name, zone)| EstateDevice { name, zone })
                .collect(),
        }
    }
}

/// A policy in force, or ready to be. It never changes; activating another one means compiling
/// it and handing it to every [`View`](super::View).
pub struct Policy {
    pub(super) digest: [u8; 32],
    pub(super) site_name: String,
    pub(super) names: Names,
    pub(super) schema: Schema,
    pub(super) groups: Groups,
    pub(super) entities: Arc<Entities>,
    pub(super) index: Index,
    pub(super) rules: Vec<CedarPolicy>,
    /// Of the rules that have any.
    pub(super) obligations: HashMap<PolicyId, Obligations>,
    pub(super) site: EntityUid,
    pub(super) devices: HashMap<String, EntityUid>,
}

impl Policy {
    /// Checks a bundle wholly and makes it ready to decide. All that is wrong with it is
    /// reported at once.
    pub fn compile(bundle: &Bundle, estate: &Estate<'_>) -> Result<Policy, Vec<Finding>> {
        let mut findings = Vec::new();
        match Draft::read(bundle, estate, &mut findings) {
            Some(draft) => {
                draft.check(bundle, &mut findings);
                if findings.is_empty() {
                    return Ok(draft.finish(bundle.digest(), estate));
                }
            }
            None if findings.is_empty() => findings.push(Finding::of_file(
                bundle.dir(),
                "the policy could not be read, and nothing says why",
                "this is a fault of the program: please report it together with the policy",
            )),
            None => {}
        }
        Err(findings)
    }

    /// The same without the checks, for tests of what happens when a rule fails all the same.
    #[cfg(test)]
    pub(super) fn unchecked(bundle: &Bundle, estate: &Estate<'_>) -> Policy {
        let mut findings = Vec::new();
        let draft = Draft::read(bundle, estate, &mut findings);
        assert_eq!(findings, []);
        draft.expect("no findings").finish(bundle.digest(), estate)
    }

    /// SHA-256 of the bundle it was made from.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The site it is for.
    pub fn site(&self) -> &str {
        &self.site_name
    }

    /// How many rules it has.
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// Every group, with members or without, in alphabetical order: limit sets name them too.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.names()
    }

    /// The groups that a subject is in, in alphabetical order.
    pub fn groups_of(&self, subject: &SubjectId) -> &[String] {
        self.groups.of(subject)
    }

    /// Whether a group or a rule names this subject.
    pub fn knows(&self, subject: &SubjectId) -> bool {
        let uid = self.names.subject(subject);
        subject.site() == self.site_name
            && (self.entities.get(&uid).is_some() || self.index.names(&uid))
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("digest", &hex(&self.digest))
            .field("site", &self.site_name)
            .field("rules", &self.rules.len())
            .finish_non_exhaustive()
    }
}

/// What was read of a bundle, before it is known to be good.
struct Draft {
    names: Names,
    schema: Schema,
    /// `None` where groups.toml is faulty: then nothing is known about groups.
    groups: Option<Groups>,
    entities: Entities,
    rules: Vec<Rule>,
}

impl Draft {
    fn read(bundle: &Bundle, estate: &Estate<'_>, findings: &mut Vec<Finding>) -> Option<Draft> {
        let schema = schema::read(bundle, findings);
        let groups = match Groups::read(bundle, estate.site) {
            Ok(groups) => Some(groups),
            Err(found) => {
                findings.extend(found);
                None
            }
        };
        let names = Names::new();
        let names = names.map_err(|why| findings.push(schema::unfit(bundle, &why)));
        let names = names.ok()?;
        let rules = rules::read(bundle, &names, findings);
        // Without a schema there is nothing to hold the rules against.
        let schema = schema?;
        let mut unfit = |why: String| findings.push(schema::unfit(bundle, &why));
        let none = Groups::default();
        let entities = entities(&names, &schema, estate, groups.as_ref().unwrap_or(&none));
        let entities = entities.map_err(&mut unfit).ok()?;
        Some(Draft {
            names,
            schema,
            groups,
            entities,
            rules,
        })
    }

    fn check(&self, bundle: &Bundle, findings: &mut Vec<Finding>) {
        schema::check(bundle, &self.schema, &self.names, &self.entities, findings);
        rules::validate(bundle, &self.schema, &self.rules, findings);
        let known: HashSet<EntityUid> = self.entities.iter().map(Entity::uid).collect();
        let groups_known = self.groups.is_some();
        rules::check_names(
            bundle,
            &self.names,
            &known,
            groups_known,
            &self.rules,
            findings,
        );
    }

    fn finish(self, digest: [u8; 32], estate: &Estate<'_>) -> Policy {
        let obligations = self.rules.iter().filter_map(|rule| {
            let obligations = rule.obligations?;
            Some((rule.policy.id().clone(), obligations))
        });
        let obligations = obligations.collect();
        let rules: Vec<CedarPolicy> = self.rules.into_iter().map(|rule| rule.policy).collect();
        let mut index = Index::default();
        for (number, rule) in rules.iter().enumerate() {
            index.add(number, rule);
        }
        let devices = estate.devices.iter().map(|device| device.name);
        Policy {
            digest,
            site_name: estate.site.to_owned(),
            site: self.names.site(estate.site),
            devices: devices
                .map(|name| (name.to_owned(), self.names.device(name)))
                .collect(),
            names: self.names,
            schema: self.schema,
            groups: self.groups.unwrap_or_default(),
            entities: Arc::new(self.entities),
            index,
            rules,
            obligations,
        }
    }
}

/// Everybody in a group, every group, the whole plant and, by the schema, every act.
fn entities(
    names: &Names,
    schema: &Schema,
    estate: &Estate<'_>,
    groups: &Groups,
) -> Result<Entities, String> {
    let mut all = Vec::new();
    for (subject, groups) in groups.subjects() {
        all.push(names.subject_entity(subject, groups)?);
    }
    for group in groups.names() {
        all.push(Entity::new_no_attrs(names.group(group), HashSet::new()));
    }
    let site = names.site(estate.site);
    let zones: BTreeSet<&str> = estate.devices.iter().map(|device| device.zone).collect();
    for zone in zones {
        let parents = HashSet::from([site.clone()]);
        all.push(Entity::new_no_attrs(names.zone(zone), parents));
    }
    all.push(Entity::new_no_attrs(site, HashSet::new()));
    for device in &estate.devices {
        all.push(names.device_entity(device.name, device.zone)?);
    }
    Entities::from_entities(all, Some(schema)).map_err(|error| causes(&error))
}

/// What went wrong and why, in one line: Cedar tells the entity and the attribute in the causes.
fn causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !words.contains(&more) {
            words.push_str(": ");
            words.push_str(&more);
        }
        next = cause.source();
    }
    words
}

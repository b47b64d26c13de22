//! Deciding, as one session sees the policy.

use super::action::Action;
use super::compiled::Policy;
use super::facts::{Contexts, Facts, contexts};
use super::index::Met;
use super::verdict::Verdict;
use crate::subject::SubjectId;
use cedar_policy::{Authorizer, Context, Entities, EntityUid, PolicySet, Request};
use interlock_protocols::modbus::FunctionCode;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What an act is done to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Resource<'a> {
    /// A device, by its name.
    Device(&'a str),
    /// The site: acts on the broker itself.
    Site,
}

/// The policy as one subject sees it. A session owns one: it keeps the slice of rules for each
/// act and resource once it was asked for, and the entities with it.
pub struct View {
    policy: Arc<Policy>,
    subject: SubjectId,
    /// Those of the policy, and those that an invitation added.
    groups: Vec<String>,
    /// What was known of invitations when the groups were put together.
    generation: u64,
    standing: Result<Standing, String>,
    /// By act, then by device; the site is the empty name, which no device has.
    slices: HashMap<Action, HashMap<String, Slice>>,
}

/// The subject in terms of the policy.
struct Standing {
    principal: EntityUid,
    met: Met,
    entities: Arc<Entities>,
}

/// The rules that can have a say, and the request but for its context.
struct Slice {
    rules: PolicySet,
    action: EntityUid,
    resource: EntityUid,
}

impl View {
    /// The view of a subject. A subject of another site is denied everything: its names mean
    /// somebody else there.
    pub fn new(policy: Arc<Policy>, subject: &SubjectId) -> View {
        View::with_groups(policy, subject, &[], 0)
    }

    /// The view of a subject that is in more groups than the policy itself says. A group that the
    /// policy does not know gives nothing. `generation` tells these groups from later ones.
    pub fn with_groups(
        policy: Arc<Policy>,
        subject: &SubjectId,
        more: &[String],
        generation: u64,
    ) -> View {
        let groups = groups(&policy, subject, more);
        View {
            standing: Standing::of(&policy, subject, &groups),
            policy,
            subject: subject.clone(),
            groups,
            generation,
            slices: HashMap::new(),
        }
    }

    /// The groups of the subject, in alphabetical order.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// The subject.
    pub fn subject(&self) -> &SubjectId {
        &self.subject
    }

    /// The policy that decides.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Goes over to `policy` if it is another one, and to other groups if `generation` is: slices
    /// of the old ones are never used again. Call it before each decision; while nothing changed
    /// it costs two comparisons. `more` gives the groups that invitations put the subject in.
    pub fn renew(
        &mut self,
        policy: &Arc<Policy>,
        generation: u64,
        more: impl FnOnce(&SubjectId) -> Vec<String>,
    ) {
        if Arc::ptr_eq(&self.policy, policy) {
            if self.generation == generation {
                return;
            }
            let more = more(&self.subject);
            if groups(policy, &self.subject, &more) == self.groups {
                self.generation = generation;
                return;
            }
            *self = View::with_groups(Arc::clone(policy), &self.subject, &more, generation);
        } else {
            *self = View::with_groups(
                Arc::clone(policy),
                &self.subject,
                &more(&self.subject),
                generation,
            );
        }
    }

    /// Decides one act. I8: whatever goes wrong on the way denies.
    ///
    /// Function 23 is two things at once and always denied here; [`View::decide_command`] knows
    /// how to ask for it, and for every other Modbus command.
    pub fn decide(&mut self, action: Action, resource: Resource<'_>, facts: &Facts<'_>) -> Verdict {
        if action == READ_WRITE {
            return Verdict::failed(format!(
                "`{action}` must be decided for what it reads and for what it writes"
            ));
        }
        self.decide_part(action, resource, facts)
    }

    /// How many rules are looked at for an act.
    #[cfg(test)]
    pub(super) fn slice_size(&mut self, action: Action, resource: Resource<'_>) -> usize {
        let standing = self.standing.as_ref().expect("somebody of this site");
        find(&mut self.slices, &self.policy, standing, action, resource)
            .expect("a slice")
            .rules
            .num_of_policies()
    }

    pub(super) fn decide_part(
        &mut self,
        action: Action,
        resource: Resource<'_>,
        facts: &Facts<'_>,
    ) -> Verdict {
        match self.judge(action, resource, facts) {
            Ok(verdict) => verdict,
            Err(why) => Verdict::failed(why),
        }
    }

    fn judge(
        &mut self,
        action: Action,
        resource: Resource<'_>,
        facts: &Facts<'_>,
    ) -> Result<Verdict, String> {
        let standing = self.standing.as_ref().map_err(String::clone)?;
        let Contexts { first, second } = contexts(action, facts)?;
        let slice = find(&mut self.slices, &self.policy, standing, action, resource)?;
        let verdict = slice.decide(&self.policy, standing, first)?;
        match second {
            Some(second) => Ok(verdict.and(slice.decide(&self.policy, standing, second)?)),
            None => Ok(verdict),
        }
    }
}

const READ_WRITE: Action = Action::Function(FunctionCode::ReadWriteMultipleRegisters);

/// The groups that the policy puts a subject in, and those of `more` that it knows.
fn groups(policy: &Policy, subject: &SubjectId, more: &[String]) -> Vec<String> {
    let known = |group: &&String| policy.group_names().any(|known| known == group.as_str());
    let more = more.iter().filter(known);
    let all: BTreeSet<&String> = policy.groups_of(subject).iter().chain(more).collect();
    all.into_iter().cloned().collect()
}

impl Standing {
    fn of(policy: &Policy, subject: &SubjectId, groups: &[String]) -> Result<Standing, String> {
        if subject.site() != policy.site_name {
            return Err(format!(
                "`{subject}` is of another site than `{}`",
                policy.site_name
            ));
        }
        let principal = policy.names.subject(subject);
        let mut entities = Arc::clone(&policy.entities);
        // Only those that groups.toml puts in a group are known beforehand. A rule may still name
        // somebody in none, and an invitation may have put somebody in more.
        if entities.get(&principal).is_none() || policy.groups_of(subject) != groups {
            let entity = policy.names.subject_entity(subject, groups)?;
            let known = Entities::clone(&entities);
            let all = known
                .remove_entities([principal.clone()])
                .and_then(|known| known.add_entities([entity], Some(&policy.schema)));
            entities = Arc::new(all.map_err(|error| error.to_string())?);
        }
        let met = met(policy, &entities, &principal);
        Ok(Standing {
            principal,
            met,
            entities,
        })
    }
}

fn met(policy: &Policy, entities: &Entities, uid: &EntityUid) -> Met {
    let ancestors = entities.ancestors(uid).into_iter().flatten();
    policy.index.met(uid, ancestors)
}

fn find<'s>(
    slices: &'s mut HashMap<Action, HashMap<String, Slice>>,
    policy: &Policy,
    standing: &Standing,
    action: Action,
    resource: Resource<'_>,
) -> Result<&'s Slice, String> {
    let (name, uid) = match (resource, action.is_on_device()) {
        (Resource::Device(name), true) => (
            name,
            // Names come from clients; only those of the plant may take memory here.
            policy
                .devices
                .get(name)
                .ok_or_else(|| format!("the policy knows no device `{name}`"))?,
        ),
        (Resource::Site, false) => ("", &policy.site),
        (Resource::Device(_), false) => return Err(format!("`{action}` is not done to a device")),
        (Resource::Site, true) => return Err(format!("`{action}` is not done to a site")),
    };
    let of_action = slices.entry(action).or_default();
    if !of_action.contains_key(name) {
        let slice = Slice::of(policy, standing, action, uid)?;
        of_action.insert(name.to_owned(), slice);
    }
    of_action
        .get(name)
        .ok_or_else(|| "the slice just made is gone".to_owned())
}

impl Slice {
    fn of(
        policy: &Policy,
        standing: &Standing,
        action: Action,
        resource: &EntityUid,
    ) -> Result<Slice, String> {
        let action = policy.names.action(action);
        let act = met(policy, &standing.entities, &action);
        let what = met(policy, &standing.entities, resource);
        let numbers = policy.index.rules(&standing.met, &act, &what);
        let rules = numbers
            .into_iter()
            .filter_map(|number| policy.rules.get(number).cloned());
        Ok(Slice {
            rules: PolicySet::from_policies(rules).map_err(|error| error.to_string())?,
            action,
            resource: resource.clone(),
        })
    }

    fn decide(
        &self,
        policy: &Policy,
        standing: &Standing,
        context: Context,
    ) -> Result<Verdict, String> {
        // The context is made by typed code, and the schema was tried against it when the policy
        // was compiled. Checking each request again costs 3 µs and is left to tests.
        let schema = cfg!(debug_assertions).then_some(&policy.schema);
        let request = Request::new(
            standing.principal.clone(),
            self.action.clone(),
            self.resource.clone(),
            context,
            schema,
        )
        .map_err(|error| error.to_string())?;
        let response = Authorizer::new().is_authorized(&request, &self.rules, &standing.entities);
        Ok(Verdict::of(&response, &policy.obligations))
    }
}

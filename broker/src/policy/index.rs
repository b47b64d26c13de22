//! Finds the rules that can have a say about one subject, act and resource, without looking at
//! the others: deciding costs about a microsecond for every rule looked at.

use cedar_policy::{
    ActionConstraint, EntityTypeName, EntityUid, Policy, PrincipalConstraint, ResourceConstraint,
};
use std::collections::HashMap;

/// What one of the three parts of a rule's scope asks for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Scope {
    Any,
    Eq(EntityUid),
    In(EntityUid),
    Is(EntityTypeName),
    IsIn(EntityTypeName, EntityUid),
}

/// A scope that some rule has, numbered.
type ScopeId = usize;

/// The scopes of all rules together that one entity meets.
#[derive(Clone, Debug)]
pub(super) struct Met(Vec<ScopeId>);

/// Rules by the three parts of their scope. A rule whose scope is not met by a request neither
/// decides it nor fails on it, since its conditions are never reached: leaving it out changes
/// nothing.
#[derive(Default, Debug)]
pub(super) struct Index {
    ids: HashMap<Scope, ScopeId>,
    rules: HashMap<[ScopeId; 3], Vec<usize>>,
}

impl Index {
    /// Adds the rule that the caller knows by `number`.
    pub(super) fn add(&mut self, number: usize, rule: &Policy) {
        let principal = self.id(match rule.principal_constraint() {
            PrincipalConstraint::Any => Scope::Any,
            PrincipalConstraint::Eq(uid) => Scope::Eq(uid),
            PrincipalConstraint::In(uid) => Scope::In(uid),
            PrincipalConstraint::Is(kind) => Scope::Is(kind),
            PrincipalConstraint::IsIn(kind, uid) => Scope::IsIn(kind, uid),
        });
        let resource = self.id(match rule.resource_constraint() {
            ResourceConstraint::Any => Scope::Any,
            ResourceConstraint::Eq(uid) => Scope::Eq(uid),
            ResourceConstraint::In(uid) => Scope::In(uid),
            ResourceConstraint::Is(kind) => Scope::Is(kind),
            ResourceConstraint::IsIn(kind, uid) => Scope::IsIn(kind, uid),
        });
        let actions = match rule.action_constraint() {
            ActionConstraint::Any => vec![Scope::Any],
            ActionConstraint::Eq(uid) => vec![Scope::Eq(uid)],
            // A list asks for any one of its members.
            ActionConstraint::In(uids) => uids.into_iter().map(Scope::In).collect(),
        };
        for action in actions {
            let key = [principal, self.id(action), resource];
            self.rules.entry(key).or_default().push(number);
        }
    }

    /// Whether the scope of a rule names this entity.
    pub(super) fn names(&self, entity: &EntityUid) -> bool {
        let scopes = [Scope::Eq(entity.clone()), Scope::In(entity.clone())];
        scopes.iter().any(|scope| self.ids.contains_key(scope))
    }

    fn id(&mut self, scope: Scope) -> ScopeId {
        let next = self.ids.len();
        *self.ids.entry(scope).or_insert(next)
    }

    /// Which scopes an entity with these ancestors meets. Scopes that no rule has are left out,
    /// so there are few even for somebody in many groups.
    pub(super) fn met<'a>(
        &self,
        entity: &'a EntityUid,
        ancestors: impl IntoIterator<Item = &'a EntityUid>,
    ) -> Met {
        let kind = entity.type_name();
        let mut scopes = vec![
            Scope::Any,
            Scope::Eq(entity.clone()),
            Scope::Is(kind.clone()),
        ];
        // Cedar: an entity is `in` itself.
        for above in std::iter::once(entity).chain(ancestors) {
            scopes.push(Scope::In(above.clone()));
            scopes.push(Scope::IsIn(kind.clone(), above.clone()));
        }
        let known = scopes.iter().filter_map(|scope| self.ids.get(scope));
        Met(known.copied().collect())
    }

    /// The rules whose scope is met, in their order.
    pub(super) fn rules(&self, principal: &Met, action: &Met, resource: &Met) -> Vec<usize> {
        let mut found = Vec::new();
        for who in &principal.0 {
            for act in &action.0 {
                for what in &resource.0 {
                    found.extend(self.rules.get(&[*who, *act, *what]).into_iter().flatten());
                }
            }
        }
        found.sort_unstable();
        // A list of actions may name a group and its member.
        found.dedup();
        found
    }
}

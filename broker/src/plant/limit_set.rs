//! Named limit sets: what narrows points further for some groups.

use super::point::Bounds;
use std::sync::Arc;

/// A named set of narrower limits and the groups it holds for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LimitSet {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
}

impl LimitSet {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The groups it holds for: whoever is in any of them.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }
}

/// What one limit set says about one point. It is never wider than the point's own limits.
#[derive(Clone, PartialEq, Debug)]
pub struct Narrowing {
    pub(super) set: Arc<LimitSet>,
    pub(super) bounds: Bounds,
}

impl Narrowing {
    /// The limit set that says so.
    pub fn set(&self) -> &LimitSet {
        &self.set
    }

    /// What it allows.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Whether it holds for somebody in these groups.
    pub fn applies_to(&self, groups: &[String]) -> bool {
        self.set.groups.iter().any(|group| groups.contains(group))
    }
}

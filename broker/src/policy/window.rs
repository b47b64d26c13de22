//! Maintenance windows, as policy is told of them: one that is asked for, and one in force.

use super::action::Action;
use super::facts::{Pairs, push_bool, push_long, push_string};
use crate::subject::SubjectId;
use cedar_policy::RestrictedExpression;
use interlock_protocols::grant::Functions;

/// A window that covers what is asked, at this moment. A rule may want one; it gives nothing by
/// itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WindowInForce {
    /// Its number: the sequence of the record of its request.
    pub number: u64,
    /// Whether nothing passes under it unless somebody of another organisation watches.
    pub supervised: bool,
    /// Whether each write under it waits for the yes of whoever watches.
    pub hold: bool,
    /// Whether it is one that the site root made for emergencies.
    pub break_glass: bool,
    /// Seconds until it is over, or until this one of its times is.
    pub ends_s: u32,
}

/// A window that somebody asks for, or is to approve.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WindowFacts<'a> {
    /// The points that it is to open.
    pub points: &'a [String],
    /// The functions that it is to open them for.
    pub functions: Functions,
    /// The longest of its times, in seconds.
    pub length_s: u32,
    /// How many times it has.
    pub spans: u32,
    /// Most commands with effect, in each of its times.
    pub max_writes: u32,
    /// Who is to hold it.
    pub holder: &'a SubjectId,
    /// Whether it is asked for as one that somebody watches.
    pub supervised: bool,
    /// Whether it is asked for as one whose writes wait for a yes.
    pub hold: bool,
}

impl WindowFacts<'_> {
    /// Whether a function of it writes.
    pub fn writes(&self) -> bool {
        let group = |function| Action::Function(function).group();
        self.functions
            .iter()
            .any(|function| group(function) == Some("write"))
    }
}

/// Adds `window`, as commands and connections have it.
pub(super) fn push_in_force(pairs: &mut Pairs, window: &WindowInForce) -> Result<(), String> {
    let mut record = Pairs::with_capacity(5);
    // A journal with more records than this holds is beyond any disk.
    let number = i64::try_from(window.number).unwrap_or(i64::MAX);
    push_long(&mut record, "number", number);
    push_bool(&mut record, "supervised", window.supervised);
    push_bool(&mut record, "hold", window.hold);
    push_bool(&mut record, "break_glass", window.break_glass);
    push_long(&mut record, "ends_s", i64::from(window.ends_s));
    let record = RestrictedExpression::new_record(record)
        .map_err(|error| format!("the window cannot be told: {error}"))?;
    pairs.push(("window".to_owned(), record));
    Ok(())
}

/// Adds what a window is asked for.
pub(super) fn push_asked(pairs: &mut Pairs, window: &WindowFacts<'_>) {
    let set = |names: &mut dyn Iterator<Item = &str>| {
        let texts = names.map(|name| RestrictedExpression::new_string(name.to_owned()));
        RestrictedExpression::new_set(texts)
    };
    let points = set(&mut window.points.iter().map(String::as_str));
    pairs.push(("points".to_owned(), points));
    let functions = set(&mut window.functions.iter().map(|function| function.name()));
    pairs.push(("functions".to_owned(), functions));
    push_bool(pairs, "writes", window.writes());
    push_long(pairs, "length_s", i64::from(window.length_s));
    push_long(pairs, "spans", i64::from(window.spans));
    push_long(pairs, "max_writes", i64::from(window.max_writes));
    push_string(pairs, "holder_kind", &window.holder.kind().to_string());
    let firm = window.holder.firm().unwrap_or_default();
    push_string(pairs, "holder_firm", firm);
    push_bool(pairs, "supervised", window.supervised);
    push_bool(pairs, "hold", window.hold);
}

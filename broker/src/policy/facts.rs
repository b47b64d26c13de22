//! What policy is told about one act: the context of the decision.

use super::action::Action;
use super::circumstances::{self, Circumstances};
use super::decimal::Decimals;
use super::window::{self, WindowFacts, WindowInForce};
use crate::subject::SubjectKind;
use cedar_policy::{Context, RestrictedExpression};
use interlock_protocols::modbus::{Area, UnitId};

/// The facts of one act.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Facts<'a> {
    /// What surrounds it.
    pub circumstances: Circumstances,
    /// What is acted on, as far as policy is told.
    pub matter: Matter<'a>,
}

/// What is acted on, as far as policy is told.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Matter<'a> {
    /// Nothing but the resource.
    Plain,
    /// What a Modbus command touches.
    Command(CommandFacts<'a>),
    /// Whom an invitation is for.
    Invitation(InvitedFacts<'a>),
    /// The window that lets somebody connect. Without one it is [`Matter::Plain`].
    Connection(WindowInForce),
    /// The window that is asked for, or to be approved.
    Window(WindowFacts<'a>),
}

/// The facts of one Modbus command.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CommandFacts<'a> {
    /// The unit id that the client asked for.
    pub unit: UnitId,
    /// The table and the addresses; `None` for a function that touches none.
    pub area: Option<Area>,
    /// The named points touched, each of them, even where only a part is.
    pub points: &'a [&'a str],
    /// Whether all that is touched belongs to named points. Policy is told so only if there is
    /// a point at all: a function that touches no register has no name to show.
    pub all_named: bool,
    /// The value in engineering units where exactly one point is written, and wholly.
    pub value: Option<f64>,
    /// Whether all it does is to write its declared safe value to one point.
    pub safe_value: bool,
    /// The window that covers it.
    pub window: Option<WindowInForce>,
}

/// Whom somebody wants to invite.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvitedFacts<'a> {
    /// What the invited subject is.
    pub kind: SubjectKind,
    /// The groups that it is to be in.
    pub groups: &'a [String],
}

/// The contexts to decide on, all of which must allow: two where a value lies between the
/// decimals that policy knows, one otherwise.
#[derive(Debug)]
pub(super) struct Contexts {
    pub(super) first: Context,
    pub(super) second: Option<Context>,
}

/// Builds the context of `action`. What does not fit the action is an error of the caller or a
/// value nobody can judge; either way the answer must be no.
pub(super) fn contexts(action: Action, facts: &Facts<'_>) -> Result<Contexts, String> {
    match (action, &facts.matter) {
        (_, Matter::Command(command)) if action.is_command() => of_values(facts, command),
        (_, _) if action.is_command() => Err(format!("`{action}` was asked without its command")),
        (_, Matter::Command(_)) => Err(format!("`{action}` is no Modbus command")),
        (Action::Invite, Matter::Invitation(invited)) => {
            one(context(of_invitation(facts, invited)?, None))
        }
        (Action::Invite, _) => Err(format!("`{action}` was asked without whom")),
        (_, Matter::Invitation(_)) => Err(format!("`{action}` invites nobody")),
        (Action::RequestWindow | Action::ApproveWindow, Matter::Window(asked)) => {
            let mut pairs = circumstances::pairs(&facts.circumstances)?;
            window::push_asked(&mut pairs, asked);
            one(context(pairs, None))
        }
        (Action::RequestWindow | Action::ApproveWindow, _) => {
            Err(format!("`{action}` was asked without its window"))
        }
        (_, Matter::Window(_)) => Err(format!("`{action}` is about no window")),
        (Action::Connect, Matter::Connection(in_force)) => {
            let mut pairs = circumstances::pairs(&facts.circumstances)?;
            window::push_in_force(&mut pairs, in_force)?;
            one(context(pairs, None))
        }
        (_, Matter::Connection(_)) => Err(format!("`{action}` connects to nothing")),
        (_, Matter::Plain) => one(context(circumstances::pairs(&facts.circumstances)?, None)),
    }
}

/// A command, on the decimals of its value.
fn of_values(facts: &Facts<'_>, command: &CommandFacts<'_>) -> Result<Contexts, String> {
    let Some(value) = command.value else {
        return one(context(of_command(facts, command)?, None));
    };
    if command.points.len() != 1 {
        return Err(format!(
            "a value was given for {} points; it belongs to exactly one",
            command.points.len()
        ));
    }
    let decimals = Decimals::of(value)
        .ok_or_else(|| format!("the value {value} is beyond what a rule can judge"))?;
    let (first, second) = match decimals {
        Decimals::One(value) => (value, None),
        Decimals::Between(below, above) => (below, Some(above)),
    };
    Ok(Contexts {
        first: context(of_command(facts, command)?, Some(first))?,
        second: second
            .map(|value| context(of_command(facts, command)?, Some(value)))
            .transpose()?,
    })
}

fn one(context: Result<Context, String>) -> Result<Contexts, String> {
    Ok(Contexts {
        first: context?,
        second: None,
    })
}

pub(super) type Pairs = Vec<(String, RestrictedExpression)>;

fn of_invitation(facts: &Facts<'_>, invited: &InvitedFacts<'_>) -> Result<Pairs, String> {
    let mut pairs = circumstances::pairs(&facts.circumstances)?;
    push_string(&mut pairs, "invited_kind", &invited.kind.to_string());
    let groups = invited.groups.iter();
    let groups = groups.map(|group| RestrictedExpression::new_string(group.clone()));
    let groups = RestrictedExpression::new_set(groups);
    pairs.push(("invited_groups".to_owned(), groups));
    Ok(pairs)
}

fn of_command(facts: &Facts<'_>, command: &CommandFacts<'_>) -> Result<Pairs, String> {
    let mut pairs = circumstances::pairs(&facts.circumstances)?;
    push_long(&mut pairs, "unit", i64::from(command.unit.value()));
    if let Some(Area { table, range }) = command.area {
        push_string(&mut pairs, "table", table.name());
        push_long(&mut pairs, "first", i64::from(range.first().value()));
        push_long(&mut pairs, "last", i64::from(range.last().value()));
    }
    let points = command.points.iter();
    let points = points.map(|point| RestrictedExpression::new_string((*point).to_owned()));
    pairs.push(("points".to_owned(), RestrictedExpression::new_set(points)));
    // "All of nothing" is true in logic and a hole in a rule: a file record has no points.
    let all_named = command.all_named && !command.points.is_empty();
    push_bool(&mut pairs, "all_named", all_named);
    push_bool(&mut pairs, "safe_value", command.safe_value);
    if let Some(in_force) = &command.window {
        window::push_in_force(&mut pairs, in_force)?;
    }
    Ok(pairs)
}

fn context(mut pairs: Pairs, value: Option<String>) -> Result<Context, String> {
    if let Some(value) = value {
        pairs.push(("value".to_owned(), RestrictedExpression::new_decimal(value)));
    }
    Context::from_pairs(pairs).map_err(|error| format!("the context cannot be built: {error}"))
}

pub(super) fn push_long(pairs: &mut Pairs, name: &str, value: i64) {
    pairs.push((name.to_owned(), RestrictedExpression::new_long(value)));
}

pub(super) fn push_string(pairs: &mut Pairs, name: &str, value: &str) {
    let value = RestrictedExpression::new_string(value.to_owned());
    pairs.push((name.to_owned(), value));
}

pub(super) fn push_bool(pairs: &mut Pairs, name: &str, value: bool) {
    pairs.push((name.to_owned(), RestrictedExpression::new_bool(value)));
}

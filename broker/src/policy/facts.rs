//! What policy is told about one act: the context of the decision.

use super::action::Action;
use super::decimal::Decimals;
use cedar_policy::{Context, RestrictedExpression};
use interlock_protocols::modbus::{Area, UnitId};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The facts of one act.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Facts<'a> {
    /// What surrounds it.
    pub circumstances: Circumstances,
    /// What the Modbus command touches; `None` for an act that is no command.
    pub command: Option<CommandFacts<'a>>,
}

/// What surrounds an act, whatever it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Circumstances {
    /// When.
    pub time: LocalTime,
    /// How the subject reached the gateway.
    pub transport: Transport,
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
}

/// How a subject reached the gateway.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Transport {
    /// QUIC with mutual TLS.
    Quic,
}

impl Transport {
    /// The word that policy uses.
    pub const fn name(self) -> &'static str {
        match self {
            Transport::Quic => "quic",
        }
    }
}

/// The time of day and the weekday where the site is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LocalTime {
    minute_of_day: i64,
    weekday: i64,
}

impl LocalTime {
    /// The local time of a moment, given in milliseconds since 1970 UTC. `None` outside the
    /// years that a calendar has: such a clock is broken, and the caller must deny.
    pub fn at(wall_ms: i64, zone: &TimeZone) -> Option<LocalTime> {
        let moment = Timestamp::from_millisecond(wall_ms).ok()?;
        Some(LocalTime::of(zone.to_datetime(moment)))
    }

    /// The local time that a clock on the wall of the site shows.
    pub fn of(local: DateTime) -> LocalTime {
        LocalTime {
            minute_of_day: i64::from(local.hour()) * 60 + i64::from(local.minute()),
            weekday: i64::from(local.weekday().to_monday_one_offset()),
        }
    }

    /// 0 at midnight to 1439.
    pub const fn minute_of_day(self) -> i64 {
        self.minute_of_day
    }

    /// Monday is 1, Sunday is 7.
    pub const fn weekday(self) -> i64 {
        self.weekday
    }
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
    let command = match (action.is_command(), &facts.command) {
        (true, Some(command)) => command,
        (true, None) => return Err(format!("`{action}` was asked without its command")),
        (false, Some(_)) => return Err(format!("`{action}` is no Modbus command")),
        (false, None) => {
            return Ok(Contexts {
                first: context(circumstances(facts), None)?,
                second: None,
            });
        }
    };
    let Some(value) = command.value else {
        return Ok(Contexts {
            first: context(of_command(facts, command), None)?,
            second: None,
        });
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
        first: context(of_command(facts, command), Some(first))?,
        second: second
            .map(|value| context(of_command(facts, command), Some(value)))
            .transpose()?,
    })
}

type Pairs = Vec<(String, RestrictedExpression)>;

fn circumstances(facts: &Facts<'_>) -> Pairs {
    let Circumstances { time, transport } = facts.circumstances;
    let mut pairs = Pairs::with_capacity(10);
    push_long(&mut pairs, "minute_of_day", time.minute_of_day);
    push_long(&mut pairs, "weekday", time.weekday);
    push_string(&mut pairs, "transport", transport.name());
    pairs
}

fn of_command(facts: &Facts<'_>, command: &CommandFacts<'_>) -> Pairs {
    let mut pairs = circumstances(facts);
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
    pairs.push((
        "all_named".to_owned(),
        RestrictedExpression::new_bool(all_named),
    ));
    pairs
}

fn context(mut pairs: Pairs, value: Option<String>) -> Result<Context, String> {
    if let Some(value) = value {
        pairs.push(("value".to_owned(), RestrictedExpression::new_decimal(value)));
    }
    Context::from_pairs(pairs).map_err(|error| format!("the context cannot be built: {error}"))
}

fn push_long(pairs: &mut Pairs, name: &str, value: i64) {
    pairs.push((name.to_owned(), RestrictedExpression::new_long(value)));
}

fn push_string(pairs: &mut Pairs, name: &str, value: &str) {
    let value = RestrictedExpression::new_string(value.to_owned());
    pairs.push((name.to_owned(), value));
}

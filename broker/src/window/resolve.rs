//! What somebody asks for, made into what can be signed: addresses, raw values and times. Names are
//! the plant's of this moment; what is signed knows none of them.

use interlock_protocols::conduit::{WindowLimit, WindowRequest};
use interlock_protocols::grant::{self, Functions, Grant, Span, table_of, writes};
use interlock_protocols::limits::{GRANT_POINTS_MAX, GRANT_SPAN_MAX_S, GRANT_SPANS_MAX};
use interlock_protocols::modbus::{FunctionCode, Table};

use super::range::{self, NoRange};
use crate::clock::Now;
use crate::limits::{ACT_REASON_MAX_BYTES, NAME_MAX_BYTES, WINDOW_AHEAD_MAX, WINDOW_WAITS_MAX_S};
use crate::plant::{Access, Device, Kind, Point};
use crate::policy::WindowFacts;
use crate::subject::SubjectId;

/// What is wrong with a request. All of it is for whoever asked to put right.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum Wrong {
    /// No point, or too many.
    #[error("a window names 1 to {GRANT_POINTS_MAX} points: what needs more is several windows")]
    Points,
    /// The same point again.
    #[error("`{0}` is named twice")]
    Twice(String),
    /// No such point.
    #[error("`{device}` has no point `{point}`; `interlock devices` lists those it has")]
    NoPoint {
        /// The device.
        device: String,
        /// What was asked for, shortened.
        point: String,
    },
    /// A function that nobody knows.
    #[error("function {0} is none that this gateway judges")]
    UnknownFunction(u8),
    /// A function whose effect no point describes.
    #[error(
        "`{}` is not for points: a window opens named points alone", .0.name()
    )]
    NotForPoints(FunctionCode),
    /// A function for which no point is asked.
    #[error("none of the points that you name can be touched with `{}`: leave it out, or name a point that fits it", .0.name())]
    FitsNoPoint(FunctionCode),
    /// The plant lets nobody write it.
    #[error(
        "`{0}` is read only in plant.toml, and a function is asked for that would write it: ask for it in a window for reading alone"
    )]
    ReadOnly(String),
    /// No time, or too many.
    #[error("a window has 1 to {GRANT_SPANS_MAX} times: a weekly one for a year")]
    Spans,
    /// A time of no length, or too long.
    #[error("a window lasts 1 second to {} days at a time", GRANT_SPAN_MAX_S / 86_400)]
    Length,
    /// Two times that meet.
    #[error("two of its times overlap, or one begins where another ends: make one of them")]
    Overlap,
    /// Over already.
    #[error("one of its times is over already: it cannot be asked for afterwards")]
    Past,
    /// Too far ahead.
    #[error("it reaches more than {} days ahead: ask again when it is nearer", WINDOW_AHEAD_MAX.as_secs() / 86_400)]
    Far,
    /// No time to wait, or too long.
    #[error("a request waits 1 second to {} days to be approved", WINDOW_WAITS_MAX_S / 86_400)]
    Waits,
    /// Writing, and no writes.
    #[error(
        "it asks for a function that writes, and for no writes: say how many with --max-writes"
    )]
    NoWrites,
    /// Writes, and no function that writes.
    #[error(
        "it asks for {0} writes, and for no function that writes: name one with --functions, or leave --max-writes out"
    )]
    OnlyReads(u32),
    /// No reason, or a long one.
    #[error("a reason has 1 to {ACT_REASON_MAX_BYTES} bytes of text: approvers read it")]
    Reason,
    /// A limit for a point that is not asked for, or for one twice.
    #[error("there is a limit for `{0}`, which is not among the points, or has one already")]
    StrayLimit(String),
    /// A limit for a point that is not written.
    #[error(
        "there is a limit for `{0}`, and none of the functions writes it: limits are for writing"
    )]
    IdleLimit(String),
    /// A limit that is none.
    #[error("the limit of `{point}` cannot be used: {why}")]
    Limit {
        /// The point.
        point: String,
        /// Why.
        why: NoRange,
    },
    /// No unit id leads to a point.
    #[error("no unit of `{device}` is routed to `{point}`: plant.toml must list it")]
    NotRouted {
        /// The device.
        device: String,
        /// The point.
        point: String,
    },
}

/// A request, as far as it can be judged without the plant.
pub(super) struct Asked<'r> {
    pub(super) request: &'r WindowRequest,
    wanted: Wanted<'r>,
    pub(super) spans: Vec<Span>,
    pub(super) reason: &'r str,
    pub(super) waits_until_ms: i64,
}

/// Points by their names, what is to be done with them, and how far.
pub(crate) struct Wanted<'r> {
    /// In alphabetical order.
    names: Vec<String>,
    functions: Functions,
    limits: &'r [WindowLimit],
}

/// What may be touched, with the names of its points in the same order.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Scope {
    pub(crate) points: Vec<grant::Point>,
    pub(crate) names: Vec<String>,
}

impl<'r> Asked<'r> {
    pub(super) fn read(request: &'r WindowRequest, now: Now) -> Result<Asked<'r>, Wrong> {
        let wanted = Wanted::read(&request.points, &request.functions, &request.limits)?;
        wanted.judge_writes(request.max_writes)?;
        let reason = request.reason.trim();
        if !is_text(reason) {
            return Err(Wrong::Reason);
        }
        let spans = spans(request, now)?;
        if !(1..=WINDOW_WAITS_MAX_S).contains(&request.waits_s) {
            return Err(Wrong::Waits);
        }
        let waits_ms = i64::from(request.waits_s).saturating_mul(1_000);
        // Behind its end there is nothing left to approve.
        let end_ms = spans.last().map_or(0, Span::end_ms);
        let end_ms = i64::try_from(end_ms).unwrap_or(i64::MAX);
        Ok(Asked {
            request,
            wanted,
            spans,
            reason,
            waits_until_ms: now.wall_ms().saturating_add(waits_ms).min(end_ms),
        })
    }

    /// What policy is told.
    pub(super) fn facts<'a>(&'a self, holder: &'a SubjectId) -> WindowFacts<'a> {
        let lengths = self.spans.iter().map(|span| span.length_s);
        WindowFacts {
            points: &self.wanted.names,
            functions: self.wanted.functions,
            length_s: lengths.max().unwrap_or_default(),
            spans: u32::try_from(self.spans.len()).unwrap_or(u32::MAX),
            max_writes: self.request.max_writes,
            holder,
            supervised: self.request.supervised,
            hold: self.request.hold,
        }
    }

    /// Looks the points up, for somebody in these groups.
    pub(super) fn resolve(&self, device: &Device, groups: &[String]) -> Result<Scope, Wrong> {
        self.wanted.resolve(device, groups)
    }
}

impl<'r> Wanted<'r> {
    pub(crate) fn read(
        points: &[String],
        functions: &[u8],
        limits: &'r [WindowLimit],
    ) -> Result<Wanted<'r>, Wrong> {
        Ok(Wanted {
            names: names(points)?,
            functions: self::functions(functions)?,
            limits,
        })
    }

    /// Whether so many commands with effect are what its functions are for.
    pub(crate) fn judge_writes(&self, max_writes: u32) -> Result<(), Wrong> {
        match max_writes {
            0 if self.writes() => Err(Wrong::NoWrites),
            some if some > 0 && !self.writes() => Err(Wrong::OnlyReads(some)),
            _ => Ok(()),
        }
    }

    /// Whether one of its functions writes.
    pub(crate) fn writes(&self) -> bool {
        self.functions.iter().any(writes)
    }

    /// Looks the points up, for somebody in these groups.
    pub(crate) fn resolve(&self, device: &Device, groups: &[String]) -> Result<Scope, Wrong> {
        let mut found = Vec::new();
        for name in &self.names {
            let point = device.point(name).ok_or_else(|| Wrong::NoPoint {
                device: device.name().to_owned(),
                point: name.clone(),
            })?;
            found.push((self.point(device, point, groups)?, name.clone()));
        }
        self.every_function_fits(&found)?;
        let limits = self.limits;
        for (at, limit) in limits.iter().enumerate() {
            let earlier = limits.iter().take(at).any(|it| it.point == limit.point);
            if earlier || !self.names.contains(&limit.point) {
                return Err(Wrong::StrayLimit(shortened(&limit.point)));
            }
        }
        found.sort_unstable_by_key(|(point, _)| place(point));
        let (points, names) = found.into_iter().unzip();
        Ok(Scope { points, names })
    }

    fn point(
        &self,
        device: &Device,
        point: &Point,
        groups: &[String],
    ) -> Result<grant::Point, Wrong> {
        let name = || point.name().to_owned();
        let unit = device.south_unit(point.unit_id());
        let unit = unit.ok_or_else(|| Wrong::NotRouted {
            device: device.name().to_owned(),
            point: name(),
        })?;
        let asked = self.functions.iter().filter(|it| fits(*it, point));
        let mut functions = Functions::NONE.with(reading(point.area().table));
        for function in asked {
            if writes(function) && point.access() != Access::ReadWrite {
                return Err(Wrong::ReadOnly(name()));
            }
            functions = functions.with(function);
        }
        let mut granted = grant::Point {
            unit,
            table: point.area().table,
            first: point.area().range.first(),
            functions,
            raw_min: 0,
            raw_max: 0,
            ..range::shape(point)
        };
        let limit = self.limit(point);
        if functions.iter().any(writes) {
            let range = range::raw(point, groups, limit, &granted);
            let why = |why| Wrong::Limit { point: name(), why };
            (granted.raw_min, granted.raw_max) = range.map_err(why)?;
        } else if limit.is_some() {
            return Err(Wrong::IdleLimit(name()));
        }
        Ok(granted)
    }

    fn limit(&self, point: &Point) -> Option<&WindowLimit> {
        let mut limits = self.limits.iter();
        limits.find(|limit| limit.point == point.name())
    }

    /// What was asked for and does nothing is a mistake, and not to be passed over.
    fn every_function_fits(&self, found: &[(grant::Point, String)]) -> Result<(), Wrong> {
        let fits =
            |function: &FunctionCode| found.iter().any(|(it, _)| it.functions.has(*function));
        match self.functions.iter().find(|function| !fits(function)) {
            Some(function) => Err(Wrong::FitsNoPoint(function)),
            None => Ok(()),
        }
    }
}

/// A text of a person, in one paragraph.
pub(super) fn is_text(text: &str) -> bool {
    let length = 1..=ACT_REASON_MAX_BYTES;
    length.contains(&text.len()) && !text.contains(char::is_control)
}

fn names(asked: &[String]) -> Result<Vec<String>, Wrong> {
    if !(1..=GRANT_POINTS_MAX).contains(&asked.len()) {
        return Err(Wrong::Points);
    }
    let mut names = asked.to_vec();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair.first() == pair.last());
    if let Some(name) = twice.and_then(<[String]>::first) {
        return Err(Wrong::Twice(shortened(name)));
    }
    // No name of ours is longer, and policy is told of these before the plant is asked.
    names.iter_mut().for_each(|name| *name = shortened(name));
    Ok(names)
}

fn functions(codes: &[u8]) -> Result<Functions, Wrong> {
    let mut functions = Functions::NONE;
    for code in codes {
        let function = FunctionCode::from_code(*code).ok_or(Wrong::UnknownFunction(*code))?;
        if table_of(function).is_none() {
            return Err(Wrong::NotForPoints(function));
        }
        functions = functions.with(function);
    }
    Ok(functions)
}

fn spans(request: &WindowRequest, now: Now) -> Result<Vec<Span>, Wrong> {
    if !(1..=GRANT_SPANS_MAX).contains(&request.spans.len()) {
        return Err(Wrong::Spans);
    }
    let mut spans: Vec<Span> = (request.spans.iter())
        .map(|span| Span {
            start_ms: span.start_ms,
            length_s: span.length_s,
        })
        .collect();
    spans.sort_unstable_by_key(|span| span.start_ms);
    let length = 1..=GRANT_SPAN_MAX_S;
    if !spans.iter().all(|span| length.contains(&span.length_s)) {
        return Err(Wrong::Length);
    }
    let now_ms = u64::try_from(now.wall_ms()).unwrap_or(0);
    if spans.iter().any(|span| span.end_ms() <= now_ms) {
        return Err(Wrong::Past);
    }
    let ahead_ms = u64::try_from(WINDOW_AHEAD_MAX.as_millis()).unwrap_or(u64::MAX);
    let latest_ms = now_ms.saturating_add(ahead_ms);
    if spans.iter().any(|span| span.end_ms() > latest_ms) {
        return Err(Wrong::Far);
    }
    let apart = |one: &Span, next: &Span| one.end_ms() < next.start_ms;
    if !spans.is_sorted_by(apart) {
        return Err(Wrong::Overlap);
    }
    Ok(spans)
}

/// All functions of a grant.
pub(super) fn functions_of(grant: &Grant<'_>) -> Functions {
    let functions = grant
        .points()
        .flat_map(|point| point.functions.iter().collect::<Vec<_>>());
    functions.fold(Functions::NONE, Functions::with)
}

/// Whether a function can do to a point what it is for: what writes one register writes a part of
/// one that has two.
fn fits(function: FunctionCode, point: &Point) -> bool {
    use FunctionCode as F;
    let one = matches!(function, F::WriteSingleRegister | F::MaskWriteRegister);
    let area = point.area();
    table_of(function) == Some(area.table) && (!one || area.range.count() == 1)
}

/// The function that reads a table.
const fn reading(table: Table) -> FunctionCode {
    match table {
        Table::Coils => FunctionCode::ReadCoils,
        Table::DiscreteInputs => FunctionCode::ReadDiscreteInputs,
        Table::HoldingRegisters => FunctionCode::ReadHoldingRegisters,
        Table::InputRegisters => FunctionCode::ReadInputRegisters,
    }
}

/// As a grant orders its points.
fn place(point: &grant::Point) -> (u8, u8, u16) {
    let table = point.table.modicon_digit();
    (point.unit.value(), table, point.first.value())
}

/// A text of a client in a sentence of ours.
fn shortened(name: &str) -> String {
    name.chars().take(NAME_MAX_BYTES).collect()
}

/// Whether a point holds a bit.
pub(super) fn is_bit(point: &Point) -> bool {
    matches!(point.kind(), Kind::Bit)
}

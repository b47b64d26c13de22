//! What an approver is asked to sign, read from the bytes of the grant and from the plant that they
//! keep themselves. Nothing of it comes from what a gateway says; where a gateway says otherwise,
//! nothing is signed.

use std::sync::Arc;

use interlock_broker::plant::{Access, Bounds, Device, Kind as Holds, Point};
use interlock_broker::subject::SubjectId;
use interlock_protocols::conduit::{WindowRow, WindowState};
use interlock_protocols::grant::{self, Grant, Kind};
use interlock_protocols::modbus::{FunctionCode, value};
use jiff::Timestamp;

use super::functions;
use crate::approver::Trusted;
use crate::gateway::Welcome;

/// Whom a grant is judged for, and with what.
pub(super) struct Desk<'a> {
    /// The approver's own plant.
    pub(super) trusted: &'a Trusted,
    /// Their own grant key.
    pub(super) key: &'a [u8; 32],
    /// The session in which they are asked.
    pub(super) welcome: &'a Welcome,
    /// The window that they named.
    pub(super) window: u64,
    /// When they look at it.
    pub(super) now_ms: i64,
}

/// A grant that is what it should be, in the words of the approver's own plant.
pub(super) struct Consent<'a> {
    pub(super) grant: Grant<'a>,
    pub(super) device: Arc<Device>,
    pub(super) points: Vec<Consented>,
}

/// One point of it.
#[derive(Clone, Debug)]
pub(super) struct Consented {
    pub(super) name: String,
    /// Where it is, and what it is for.
    pub(super) place: String,
    pub(super) description: String,
    pub(super) unit: String,
    pub(super) bounds: Bounds,
    /// The least and the greatest value that may be written; `None` for reading alone.
    pub(super) range: Option<(f64, f64)>,
    pub(super) writing: Vec<FunctionCode>,
}

impl<'a> Consent<'a> {
    /// Reads a grant; all that keeps it from being signed, where something does.
    pub(super) fn read(row: &'a WindowRow, desk: &Desk<'_>) -> Result<Consent<'a>, Vec<String>> {
        let grant = Grant::read_unsigned(&row.grant).map_err(|error| {
            vec![format!(
                "what the gateway sent is no grant to be signed: {error}"
            )]
        })?;
        let mut wrong = differences(&grant, row, desk);
        let found = desk.trusted.plant().device(grant.device).cloned();
        let Some(device) = found else {
            wrong.push(format!("your plant has no device `{}`", grant.device));
            return Err(wrong);
        };
        let mut points = Vec::new();
        for granted in grant.points() {
            match consented(&device, &granted) {
                Ok(point) => points.push(point),
                Err(why) => wrong.push(why),
            }
        }
        let names: Vec<&str> = points.iter().map(|point| point.name.as_str()).collect();
        if wrong.is_empty() && names != row.points {
            wrong.push(format!(
                "the gateway calls its points {}, and your plant {}",
                row.points.join(", "),
                names.join(", ")
            ));
        }
        if wrong.is_empty() {
            Ok(Consent {
                grant,
                device,
                points,
            })
        } else {
            Err(wrong)
        }
    }
}

/// What is other than it should be, the points apart.
fn differences(grant: &Grant<'_>, row: &WindowRow, desk: &Desk<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expect = |holds: bool, why: String| {
        if !holds {
            wrong.push(why);
        }
    };
    let (site, welcome) = (desk.trusted.plant().site(), desk.welcome);
    expect(
        row.window == desk.window,
        format!("the gateway sent window {} instead", row.window),
    );
    expect(
        grant.kind == Kind::Window,
        "it is no grant of a window".to_owned(),
    );
    expect(
        grant.site == site,
        format!(
            "it is for the site `{}`, and your plant is that of `{site}`",
            grant.site
        ),
    );
    expect(
        grant.gateway == welcome.gateway && grant.site == welcome.site,
        format!(
            "it is for the gateway {} of {}, and you are connected to {} of {}",
            grant.gateway, grant.site, welcome.gateway, welcome.site
        ),
    );
    expect(
        grant.plant == desk.trusted.digest(),
        format!(
            "it was made for another plant than yours, which is number {}; if the plant changed, get the new one with `interlock approver trust`",
            desk.trusted.serial()
        ),
    );
    expect(
        grant.approvers().contains(desk.key),
        "your grant key is not among those that may sign it".to_owned(),
    );
    let holder = SubjectId::parse(grant.holder);
    let here = holder.as_ref().is_ok_and(|holder| holder.site() == site);
    expect(
        here,
        format!("its holder `{}` is nobody of this site", grant.holder),
    );
    expect(
        grant.holder != welcome.subject,
        "it is your own: somebody else has to approve it".to_owned(),
    );
    expect(
        row.by == grant.holder,
        format!(
            "the gateway says that {} asked, and it is for {}",
            row.by, grant.holder
        ),
    );
    expect(
        grant.holder_key != &[0; 32],
        "it is for no machine".to_owned(),
    );
    let ends_ms = i64::try_from(grant.reach_ms().1).unwrap_or(i64::MAX);
    expect(
        Timestamp::from_millisecond(ends_ms).is_ok(),
        "it has times that no calendar shows".to_owned(),
    );
    expect(ends_ms > desk.now_ms, "it is over already".to_owned());
    let open = matches!(
        row.state,
        WindowState::Pending
            | WindowState::Short
            | WindowState::Approved
            | WindowState::Open
            | WindowState::Exhausted
    );
    expect(
        open,
        format!("window {} is {}", row.window, row.state.name()),
    );
    wrong
}

/// The point of the approver's plant that a granted one is, if it is one and stays within it.
fn consented(device: &Device, granted: &grant::Point) -> Result<Consented, String> {
    let at = || {
        let place = granted.first.in_table(granted.table);
        format!(
            "{place} of unit {} at {}",
            granted.unit.value(),
            device.name()
        )
    };
    let is_it = |point: &&Point| {
        device.south_unit(point.unit_id()) == Some(granted.unit)
            && Some(point.area()) == granted.area()
            && holds(point, granted)
    };
    let found = device.points().iter().find(is_it);
    let point = found
        .ok_or_else(|| format!("{} is no point of your plant, or one of another type", at()))?;
    let writing: Vec<FunctionCode> = granted
        .functions
        .iter()
        .filter(|function| functions::writes(*function).is_some())
        .collect();
    let name = point.name();
    // Reading is always among them; what is for another table would be a mistake, or a trick.
    let reading = functions::reads(granted.table);
    let of_it = |function: FunctionCode| {
        function == reading || functions::writes(function) == Some(granted.table)
    };
    if !granted.functions.has(reading) || !granted.functions.iter().all(of_it) {
        let all: Vec<&str> = granted.functions.iter().map(functions::short).collect();
        return Err(format!("{name} is no point for {}", all.join(", ")));
    }
    if !writing.is_empty() && point.access() != Access::ReadWrite {
        return Err(format!(
            "{name} may be written by it, and your plant has it for reading alone"
        ));
    }
    let range = match writing.as_slice() {
        [] => None,
        _ => Some(
            range(point, granted).ok_or_else(|| format!("the range of {name} cannot be read"))?,
        ),
    };
    let bounds = point.bounds();
    if let Some((min, max)) = range
        && !(bounds.allow(min) && bounds.allow(max))
    {
        return Err(format!(
            "{name} may be {} to {} by it, and by your plant {}",
            point.show(min),
            point.show(max),
            point.show_bounds(&bounds)
        ));
    }
    Ok(Consented {
        name: name.to_owned(),
        place: point.describe(),
        description: point.description().to_owned(),
        unit: point.engineering_unit().to_owned(),
        bounds,
        range,
        writing,
    })
}

/// Whether both read the same registers as the same number.
fn holds(point: &Point, granted: &grant::Point) -> bool {
    match point.kind() {
        Holds::Bit => granted.data_type.is_none(),
        Holds::Number {
            data_type, order, ..
        } => granted.data_type == Some(data_type) && granted.order == order,
    }
}

/// A range in the unit of the point, as its registers will be read.
fn range(point: &Point, granted: &grant::Point) -> Option<(f64, f64)> {
    let value = |raw: u32| {
        let number = granted.number(raw);
        match granted.data_type {
            None => Some(number),
            Some(data_type) => {
                let registers = value::encode(data_type, granted.order, number)?;
                point.decode(registers.as_slice())
            }
        }
    };
    let (one, other) = (value(granted.raw_min)?, value(granted.raw_max)?);
    // A negative scale turns them round.
    (one.is_finite() && other.is_finite()).then(|| (one.min(other), one.max(other)))
}

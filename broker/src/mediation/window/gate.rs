//! One window, as commands find it.

use std::sync::RwLock;

use interlock_protocols::grant::{Grant, NotAGrant, NotCovered, Span};
use interlock_protocols::modbus::{Request, UnitId, value};
use interlock_protocols::record::KeptWindow;

use super::shut::{NotInForce, Shut};
use crate::mediation::refusal::Reason;
use crate::plant::{Bounds, Device};
use crate::root::Sealed;

/// One window. Sending holds its read lock across one non-blocking write; whoever takes the window
/// away takes the write lock, so that once they are told nothing of it is handed to a socket (I7).
///
/// The end of its time and the last of its writes are no such taking: they are judged when a command
/// is decided, and never cut it off between its INTENT and its result.
#[derive(Debug)]
pub(in crate::mediation) struct Pane {
    number: u64,
    /// The grant without a signature. It was read once already.
    grant: Box<[u8]>,
    /// Of its points, in its order, as they were called when it was asked for.
    names: Vec<String>,
    bar: RwLock<Option<Shut>>,
    /// Whether it is break-glass, and no window at all.
    glass: bool,
}

impl Pane {
    /// Opens nothing, for this reason, until it is told that it does.
    pub(super) fn of(kept: &KeptWindow, why: Shut) -> Result<Pane, NotAGrant> {
        Grant::read_unsigned(&kept.requested.grant)?;
        Ok(Pane {
            number: kept.number,
            grant: kept.requested.grant.clone().into_boxed_slice(),
            names: kept.requested.points.clone(),
            bar: RwLock::new(Some(why)),
            glass: false,
        })
    }

    /// One of break-glass, which is open. The root's signature under it was judged.
    pub(in crate::mediation) fn of_glass(
        number: u64,
        sealed: &Sealed,
        names: &[String],
    ) -> Result<Pane, NotAGrant> {
        let unsigned = [sealed.grant()?.body, &[0]].concat();
        Grant::read_unsigned(&unsigned)?;
        Ok(Pane {
            number,
            grant: unsigned.into_boxed_slice(),
            names: names.to_vec(),
            bar: RwLock::new(None),
            glass: true,
        })
    }

    pub(in crate::mediation) fn number(&self) -> u64 {
        self.number
    }

    /// What it allows. It was read when this was made, so that no error is left.
    pub(in crate::mediation) fn grant(&self) -> Result<Grant<'_>, NotAGrant> {
        Grant::read_unsigned(&self.grant)
    }

    /// Whether it is for somebody on this machine.
    pub(super) fn is_held_on(&self, machine: &[u8; 32]) -> bool {
        let grant = self.grant();
        grant.is_ok_and(|grant| grant.holder_key == machine)
    }

    /// Whether it is for this device, and for somebody on this machine.
    pub(super) fn is_for(&self, machine: &[u8; 32], device: &str) -> bool {
        let grant = self.grant();
        grant.is_ok_and(|grant| grant.holder_key == machine && grant.device == device)
    }

    /// Says what holds from now on; true where it was open and is no longer.
    pub(in crate::mediation) fn follow(&self, now: Option<Shut>) -> bool {
        // A poisoned lock reads as shut.
        let Ok(mut bar) = self.bar.write() else {
            return false;
        };
        let is_shut = bar.is_none() && now.is_some();
        *bar = now;
        is_shut
    }

    /// What was taken away, if anything was; nothing of time.
    pub(in crate::mediation) fn barred(&self) -> Option<Shut> {
        match self.bar.read() {
            Ok(bar) => bar.clone(),
            Err(_) => Some(Shut::Broken),
        }
    }

    /// Runs `send` while nobody can take the window away.
    pub(in crate::mediation) fn hold<R>(&self, send: impl FnOnce() -> R) -> Result<R, Reason> {
        let Ok(bar) = self.bar.read() else {
            return Err(self.reason(Shut::Broken));
        };
        match &*bar {
            None => Ok(send()),
            Some(why) => Err(self.reason(why.clone())),
        }
    }

    pub(in crate::mediation) fn reason(&self, why: Shut) -> Reason {
        Reason::Window(self.because(why))
    }

    pub(super) fn because(&self, why: Shut) -> NotInForce {
        NotInForce {
            window: self.number,
            glass: self.glass,
            why,
        }
    }

    /// The span that is now, with its place; else why there is none.
    pub(super) fn span(&self, wall_ms: i64) -> Result<(usize, Span), Shut> {
        let grant = self.grant().map_err(|_| Shut::Broken)?;
        if let Some(found) = grant.span_at(wall_ms) {
            return Ok(found);
        }
        let (_, end_ms) = grant.reach_ms();
        let is_over = u64::try_from(wall_ms).is_ok_and(|now_ms| now_ms >= end_ms);
        Err(if is_over { Shut::Over } else { Shut::NotYet })
    }

    /// Whether a request to this unit of the device stays within it.
    pub(super) fn covers(
        &self,
        device: &Device,
        south: UnitId,
        request: &Request<'_>,
    ) -> Result<(), Shut> {
        let grant = self.grant().map_err(|_| Shut::Broken)?;
        let covered = grant.covers(south, request);
        covered.map_err(|why| Shut::Outside(self.words(&grant, device, why)))
    }

    /// In the words of the plant, as far as it still has the point.
    fn words(&self, grant: &Grant<'_>, device: &Device, why: NotCovered) -> String {
        let name = |place: usize| self.names.get(place).map_or("a point", String::as_str);
        match why {
            NotCovered::NoAddresses(_) | NotCovered::Address { .. } => why.to_string(),
            NotCovered::Function { point, function } => {
                format!("{} is not for {}", name(point), function.name())
            }
            NotCovered::Part { point } => format!("only a part of {} is written", name(point)),
            NotCovered::Value { point, .. } => {
                let range = range(grant, device, name(point), point);
                let range = range.map_or_else(String::new, |range| format!(", {range}"));
                format!("the value of {} is outside its range{range}", name(point))
            }
        }
    }
}

/// The range of a point of a grant as people are shown limits: `0 to 800 rpm`.
fn range(grant: &Grant<'_>, device: &Device, name: &str, place: usize) -> Option<String> {
    let (granted, point) = (grant.points().nth(place)?, device.point(name)?);
    let ends = [granted.raw_min, granted.raw_max].map(|raw| granted.number(raw));
    let Some(data_type) = granted.data_type else {
        let [off, on] = [ends.contains(&0.0), ends.contains(&1.0)];
        return Some(point.show_bounds(&Bounds::States { on, off }));
    };
    let value = |number| {
        let registers = value::encode(data_type, granted.order, number)?;
        point.decode(registers.as_slice())
    };
    let [one, other] = ends.map(value);
    let (one, other) = one.zip(other)?;
    // A negative scale turns them round.
    Some(point.show_bounds(&Bounds::Interval {
        min: Some(one.min(other)),
        max: Some(one.max(other)),
    }))
}

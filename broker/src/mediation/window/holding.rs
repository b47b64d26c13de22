//! The windows that somebody holds for one device, at one moment, and which of them opens what.

use std::cmp::Reverse;
use std::sync::Arc;

use interlock_protocols::modbus::{Request, UnitId};

use super::gate::Pane;
use super::shut::{NotInForce, Shut};
use crate::clock::Now;
use crate::mediation::break_glass::{self, Shard};
use crate::mediation::broker::Broker;
use crate::mediation::roll::Whose;
use crate::mediation::session::Inner;
use crate::plant::Device;
use crate::policy::WindowInForce;
use crate::register::Register;
use crate::subject::SubjectId;
use crate::window::Valid;

/// See the module. A window is for one holder on one machine, and for one device; so is what they
/// have open of break-glass.
#[derive(Default, Debug)]
pub struct Holding {
    windows: Vec<Held>,
    glass: Vec<break_glass::Held>,
}

#[derive(Debug)]
struct Held {
    pane: Arc<Pane>,
    stands: Result<Open, Shut>,
}

/// A window that is open.
#[derive(Clone, Debug)]
struct Open {
    valid: Valid,
    in_force: WindowInForce,
    used: u32,
    most: u32,
}

/// The window, or the break-glass, that a command is allowed under.
#[derive(Clone, Debug)]
pub(in crate::mediation) struct Under {
    pub(in crate::mediation) pane: Arc<Pane>,
    pub(in crate::mediation) proof: Proof,
    pub(in crate::mediation) in_force: WindowInForce,
}

/// Why something is believed to open a command.
#[derive(Clone, Debug)]
pub(in crate::mediation) enum Proof {
    /// Enough approvers signed it.
    Signed(Valid),
    /// The site root sealed it, and it was opened.
    Sealed(Arc<Shard>),
}

impl Proof {
    /// What it is a proof of.
    pub(in crate::mediation) fn number(&self) -> u64 {
        match self {
            Proof::Signed(valid) => valid.number(),
            Proof::Sealed(shard) => shard.number(),
        }
    }
}

/// A window that opens a command not, but might if it stood otherwise with it.
#[derive(Debug)]
pub(in crate::mediation) struct Near {
    pub(in crate::mediation) why: NotInForce,
    /// What policy would be told of it.
    pub(in crate::mediation) supposed: WindowInForce,
}

/// How near a window comes: the greatest is the nearest.
type Rank = (bool, Reverse<u8>, u64);

impl Holding {
    /// Those that open this request, the least demanding first.
    pub(in crate::mediation) fn covering(
        &self,
        device: &Device,
        south: UnitId,
        request: &Request<'_>,
    ) -> Vec<Under> {
        let opens = |held: &Held| {
            let Open {
                valid, in_force, ..
            } = held.opens(device, south, request).ok()?;
            let pane = Arc::clone(&held.pane);
            Some(Under {
                pane,
                proof: Proof::Signed(valid),
                in_force,
            })
        };
        let mut covering: Vec<Under> = self.windows.iter().filter_map(opens).collect();
        covering.sort_by_key(|Under { in_force, .. }| {
            (in_force.hold, in_force.supervised, in_force.number)
        });
        covering
    }

    /// Of those that do not open it, the one that comes nearest: one that would cover it before one
    /// that would not, then the one that somebody can do most about, then the latest.
    pub(in crate::mediation) fn nearest(
        &self,
        device: &Device,
        south: UnitId,
        request: &Request<'_>,
    ) -> Option<Near> {
        let mut nearest: Option<(Rank, &Held, Shut)> = None;
        for held in &self.windows {
            let Err(why) = held.opens(device, south, request) else {
                continue;
            };
            let covers = held.pane.covers(device, south, request).is_ok();
            let rank = (covers, Reverse(distance(&why)), held.pane.number());
            if nearest.as_ref().is_none_or(|(best, ..)| *best < rank) {
                nearest = Some((rank, held, why));
            }
        }
        let (_, held, why) = nearest?;
        Some(Near {
            supposed: held.supposed()?,
            why: held.pane.because(why),
        })
    }
}

impl Holding {
    /// One that is open, whatever it covers: to connect by, the least demanding of several.
    pub(crate) fn open(&self) -> Option<WindowInForce> {
        let open = self
            .windows
            .iter()
            .filter_map(|held| held.stands.as_ref().ok());
        let open = open.map(|open| open.in_force);
        open.min_by_key(|it| (it.hold, it.supervised, it.number))
    }

    /// Whether one that is open lets something be written still.
    pub(in crate::mediation) fn opens_writes(&self) -> bool {
        let mut open = self
            .windows
            .iter()
            .filter_map(|held| held.stands.as_ref().ok());
        open.any(|open| open.used < open.most)
    }
}

impl Holding {
    /// Whether they have break-glass open here, whatever it covers: to connect by, whatever rules
    /// say.
    pub(crate) fn has_broken(&self) -> bool {
        self.glass.iter().any(|held| held.stands.is_ok())
    }

    /// The break-glass that opens this request.
    pub(in crate::mediation) fn breaking(
        &self,
        device: &Device,
        south: UnitId,
        request: &Request<'_>,
    ) -> Option<Under> {
        let opens = |held: &&break_glass::Held| held.opens(device, south, request).is_ok();
        let held = self.glass.iter().find(opens)?;
        Some(Under {
            pane: Arc::clone(held.shard.pane()),
            proof: Proof::Sealed(Arc::clone(&held.shard)),
            in_force: WindowInForce {
                number: held.shard.number(),
                supervised: false,
                hold: false,
                break_glass: true,
                ends_s: held.left_s,
            },
        })
    }

    /// Why what they have, or had, open of break-glass does not open it.
    pub(in crate::mediation) fn unbroken(
        &self,
        device: &Device,
        south: UnitId,
        request: &Request<'_>,
    ) -> Option<NotInForce> {
        let held = self.glass.last()?;
        let why = held.opens(device, south, request).err()?;
        Some(held.shard.pane().because(why))
    }
}

impl break_glass::Held {
    fn opens(&self, device: &Device, south: UnitId, request: &Request<'_>) -> Result<(), Shut> {
        self.stands.clone()?;
        self.shard.pane().covers(device, south, request)?;
        let most = self.shard.most();
        if request.has_effect() && self.used >= most {
            return Err(Shut::Exhausted { most });
        }
        Ok(())
    }
}

impl Held {
    fn opens(&self, device: &Device, south: UnitId, request: &Request<'_>) -> Result<Open, Shut> {
        let open = self.stands.clone()?;
        self.pane.covers(device, south, request)?;
        // What is left is judged once more where it is taken; reading takes none.
        if request.has_effect() && open.used >= open.most {
            return Err(Shut::Exhausted { most: open.most });
        }
        Ok(open)
    }

    /// As policy would see it, were it open for as long as it ever is.
    fn supposed(&self) -> Option<WindowInForce> {
        let grant = self.pane.grant().ok()?;
        let longest = grant.spans().map(|span| span.length_s).max();
        Some(match &self.stands {
            Ok(open) => open.in_force,
            Err(_) => in_force(&self.pane, longest.unwrap_or_default())?,
        })
    }
}

fn in_force(pane: &Pane, ends_s: u32) -> Option<WindowInForce> {
    let grant = pane.grant().ok()?;
    Some(WindowInForce {
        number: pane.number(),
        supervised: grant.supervised,
        hold: grant.hold,
        break_glass: false,
        ends_s,
    })
}

/// How far somebody is from working under it.
fn distance(why: &Shut) -> u8 {
    match why {
        Shut::Exhausted { .. } => 0,
        Shut::Outside(_) => 1,
        Shut::Short => 2,
        Shut::Pending => 3,
        Shut::Outdated => 4,
        Shut::Revoked(_) => 5,
        Shut::NotYet => 6,
        Shut::Over => 7,
        Shut::Withdrawn => 8,
        Shut::Refused => 9,
        Shut::Lapsed => 10,
        Shut::Unjudged(_) => 11,
        Shut::Glass(_) | Shut::Broken => 12,
    }
}

impl Broker {
    /// What somebody holds for a device, now.
    pub(in crate::mediation) fn holding(
        &self,
        whose: &Whose,
        device: &Device,
        now: Now,
    ) -> Holding {
        let Some(machine) = &whose.machine else {
            return Holding::default();
        };
        let glass = self.broken(whose, device.name(), now);
        let mut panes = self.windows.of_holder(whose.subject.as_str());
        panes.retain(|pane| pane.is_for(machine, device.name()));
        if panes.is_empty() {
            let windows = Vec::new();
            return Holding { windows, glass };
        }
        let register = self.register();
        let held = |pane: Arc<Pane>| Held {
            stands: self.stands(&register, &pane, now),
            pane,
        };
        Holding {
            windows: panes.into_iter().map(held).collect(),
            glass,
        }
    }

    /// Until when somebody has a window that is open now, on any device: the latest of several, in
    /// ms since 1970 UTC.
    pub(crate) fn window_open_until(
        &self,
        subject: &SubjectId,
        machine: &[u8; 32],
        now: Now,
    ) -> Option<i64> {
        let register = self.register();
        let held = self.windows.of_holder(subject.as_str()).into_iter();
        let held = held.filter(|pane| pane.is_held_on(machine));
        let open = held.filter(|pane| self.stands(&register, pane, now).is_ok());
        let ends = open.filter_map(|pane| Some(pane.span(now.wall_ms()).ok()?.1.end_ms()));
        i64::try_from(ends.max()?).ok()
    }

    /// Whether a window is open now: nothing was taken from it, its signatures are good at this
    /// moment, and one of its spans is now.
    fn stands(&self, register: &Register, pane: &Pane, now: Now) -> Result<Open, Shut> {
        if let Some(why) = pane.barred() {
            return Err(why);
        }
        let (place, span) = pane.span(now.wall_ms())?;
        let kept = register.windows.numbered(pane.number()).ok_or(Shut::Over)?;
        let valid = self.valid(register, kept)?;
        let grant = pane.grant().map_err(|_| Shut::Broken)?;
        // What was signed, and what is looked at here, are the same bytes.
        if valid.grant().map_err(|_| Shut::Broken)?.body != grant.body {
            return Err(Shut::Broken);
        }
        let wall_ms = u64::try_from(now.wall_ms()).unwrap_or_default();
        let left_s = span.end_ms().saturating_sub(wall_ms) / 1_000;
        let left_s = u32::try_from(left_s).unwrap_or(u32::MAX);
        Ok(Open {
            valid,
            in_force: in_force(pane, left_s).ok_or(Shut::Broken)?,
            used: register.windows.used(pane.number(), place),
            most: grant.max_writes,
        })
    }
}

impl Inner {
    /// What its subject holds on its machine for a device, now.
    pub(in crate::mediation) fn holding(&self, device: &Device, now: Now) -> Holding {
        self.broker.holding(&self.whose, device, now)
    }
}

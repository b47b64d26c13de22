//! What is shown of a command that is held.

use std::sync::Arc;

use interlock_protocols::conduit::{HeldPoint, Seen, SeenHold};
use interlock_protocols::grant::Grant;
use interlock_protocols::modbus::{Request, UnitId, value};
use interlock_protocols::record::PointValue;

use super::hold::{Held, Hold};
use crate::clock::Now;
use crate::limits::{BEFORE_POINTS_MAX, HOLD_SERVES};
use crate::mediation::broker::Broker;
use crate::mediation::decide::point_values;
use crate::plant::{Bounds, Device, Kind, Point};
use crate::wording;

impl Broker {
    /// Tells those who watch that a command waits, as it stands now.
    pub(super) fn tell_hold(&self, number: u64, now: Now) {
        let found = {
            let holds = self.overseer.holds();
            let mut waiting = holds.waiting_ones(now.mono());
            waiting.find(|hold| hold.number == number).cloned()
        };
        if let Some(hold) = found {
            let seen = || self.seen_hold(&hold, now).map(Seen::Held);
            let held = &hold.held;
            self.overseer.feed.tell(held.session, &held.device, seen);
        }
    }

    /// The holds that wait, for one who begins to watch.
    pub(super) fn seen_holds(&self, follows: impl Fn(&Held) -> bool, now: Now) -> Vec<Seen> {
        let waiting: Vec<Hold> = {
            let holds = self.overseer.holds();
            let waiting = holds.waiting_ones(now.mono());
            waiting
                .filter(|hold| follows(&hold.held))
                .cloned()
                .collect()
        };
        let seen = |hold: &Hold| self.seen_hold(hold, now).map(Seen::Held);
        waiting.iter().filter_map(seen).collect()
    }

    fn seen_hold(&self, hold: &Hold, now: Now) -> Option<SeenHold> {
        let held = &hold.held;
        let (device, _) = self.hearing.of_device(&held.device)?;
        let left = HOLD_SERVES.saturating_sub(now.mono().since(hold.since()));
        let points = self.held_points(held, now);
        Some(SeenHold {
            hold: hold.number,
            session: held.session,
            subject: held.subject.to_string(),
            device: held.device.clone(),
            asked: wording::named(device, held.unit, held.pdu.as_bytes()),
            points: points
                .iter()
                .filter_map(|told| self.shown(held, device, told))
                .collect(),
            asked_times: hold.asked,
            window: held.window,
            until_ms: now.after(left).wall_ms(),
        })
    }

    /// What a held command writes, and what was there before, as far as that was heard. What no
    /// screen shows anyway is left out, so that it fits a message and a record.
    pub(super) fn held_points(&self, held: &Held, now: Now) -> Vec<PointValue> {
        let known = self.hearing.of_device(&held.device);
        let request = Request::decode(held.pdu.as_bytes());
        let (Some((device, heard)), Ok(request)) = (known, request) else {
            return Vec::new();
        };
        let touched = device.touched(held.unit, &request);
        let mut points = point_values(&touched);
        heard.tell(held.unit, &request, &mut points, now);
        points.truncate(touched.writes.len().min(BEFORE_POINTS_MAX));
        points
    }

    fn shown(&self, held: &Held, device: &Arc<Device>, told: &PointValue) -> Option<HeldPoint> {
        let point = device
            .points()
            .iter()
            .find(|point| point.name() == told.name)?;
        let show = |value: Option<f64>| value.map_or_else(String::new, |value| point.show(value));
        Some(HeldPoint {
            name: told.name.clone(),
            value: show(told.value),
            before: show(told.before),
            before_age_ms: told.before_age_ms,
            limits: point.show_bounds(&self.bounds(held, device, point)),
        })
    }

    /// What may be written: the window's range, which lies inside of all others, where the window is
    /// known.
    fn bounds(&self, held: &Held, device: &Device, point: &Point) -> Bounds {
        let register = self.register();
        let kept = register.windows.numbered(held.window);
        let grant = kept.and_then(|kept| Grant::read_unsigned(&kept.requested.grant).ok());
        let south = device.south_unit(held.unit);
        let granted = grant
            .zip(south)
            .and_then(|(grant, south)| granted(&grant, south, point));
        granted.unwrap_or_else(|| point.bounds())
    }
}

/// The range that a grant gives a point.
fn granted(grant: &Grant<'_>, south: UnitId, point: &Point) -> Option<Bounds> {
    let area = point.area();
    let mut points = grant.points();
    let found = points.find(|granted| {
        (granted.unit, granted.table, granted.first) == (south, area.table, area.range.first())
    })?;
    let Kind::Number {
        data_type, order, ..
    } = point.kind()
    else {
        return Some(Bounds::States {
            on: found.raw_max >= 1,
            off: found.raw_min == 0,
        });
    };
    let value = |raw: u32| {
        let words = value::encode(data_type, order, found.number(raw))?;
        point.decode(words.as_slice())
    };
    let (one, other) = (value(found.raw_min)?, value(found.raw_max)?);
    // A negative scale turns them round.
    Some(Bounds::Interval {
        min: Some(one.min(other)),
        max: Some(one.max(other)),
    })
}

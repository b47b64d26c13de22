//! The pure decision about one command.

use interlock_protocols::modbus::{Area, Diagnostics, Malformed, Request, UnitId};
use interlock_protocols::record::PointValue;

use super::refusal::Reason;
use super::window::{Holding, Under, Windows};
use crate::limits::SERIAL_LOOPBACK_MAX_BYTES;
use crate::plant::{Device, Peer, Touched};
use crate::policy::{Cause, Circumstances, Verdict, View, WindowInForce};

/// What was decided about one command.
#[derive(Debug)]
pub enum Decision<'p, 'd> {
    /// It may pass, as this request and no other.
    Allow(Allowed<'p, 'd>),
    /// It may not.
    Deny(Denied),
}

impl<'p, 'd> From<Result<Allowed<'p, 'd>, Denied>> for Decision<'p, 'd> {
    fn from(decided: Result<Allowed<'p, 'd>, Denied>) -> Decision<'p, 'd> {
        match decided {
            Ok(allowed) => Decision::Allow(allowed),
            Err(denied) => Decision::Deny(denied),
        }
    }
}

/// An allowed command. Not yet a permit: it may still have to be recorded.
#[derive(Debug)]
pub struct Allowed<'p, 'd> {
    /// The typed request.
    pub request: Request<'p>,
    /// The unit id towards the device.
    pub unit: UnitId,
    /// What it touches.
    pub touched: Touched<'d>,
    /// The rules that permitted it.
    pub policies: Vec<String>,
    /// The window that it passes under.
    pub(super) under: Option<Under>,
}

/// A denied command.
#[derive(Debug)]
pub struct Denied {
    /// Why.
    pub reason: Reason,
    /// The rules that determined it.
    pub policies: Vec<String>,
    /// The points it would have touched.
    pub points: Vec<PointValue>,
    /// The addresses it would have touched.
    pub area: Option<Area>,
}

impl From<Reason> for Denied {
    fn from(reason: Reason) -> Denied {
        Denied {
            reason,
            policies: Vec::new(),
            points: Vec::new(),
            area: None,
        }
    }
}

/// Decides one command: function (01), structure (03) and addresses (02), in the order that the
/// codec keeps; then routing (0A), policy (01), and last the limits, which are explained only to
/// those whom policy allows the action. `armed` says whether the conversation was opened for
/// writing, `window` which window covers the command now: policy may want one.
pub fn decide<'p, 'd>(
    view: &mut View,
    device: &'d Device,
    circumstances: Circumstances,
    armed: bool,
    unit: UnitId,
    pdu: &'p [u8],
    window: Option<WindowInForce>,
) -> Decision<'p, 'd> {
    let windows = Windows::Supposed(window);
    allowed(view, device, circumstances, armed, unit, pdu, windows).into()
}

/// The same for somebody who holds windows: the one that covers the command is found here.
pub(crate) fn decide_holding<'p, 'd>(
    view: &mut View,
    device: &'d Device,
    circumstances: Circumstances,
    armed: bool,
    unit: UnitId,
    pdu: &'p [u8],
    holding: &Holding,
) -> Decision<'p, 'd> {
    let windows = Windows::Held(holding);
    allowed(view, device, circumstances, armed, unit, pdu, windows).into()
}

/// A command that is one: everything about it that rules are asked about.
pub(super) struct Asked<'a, 'p, 'd> {
    pub(super) device: &'d Device,
    pub(super) circumstances: Circumstances,
    /// As the client named it, and as it is sent.
    pub(super) units: (UnitId, UnitId),
    pub(super) request: &'a Request<'p>,
    pub(super) touched: &'a Touched<'d>,
}

fn allowed<'p, 'd>(
    view: &mut View,
    device: &'d Device,
    circumstances: Circumstances,
    armed: bool,
    unit: UnitId,
    pdu: &'p [u8],
    windows: Windows<'_>,
) -> Result<Allowed<'p, 'd>, Denied> {
    let request = Request::decode(pdu).map_err(Reason::Malformed)?;
    let south = device.south_unit(unit).ok_or(Reason::NotRouted(unit))?;
    if device.peer() == Peer::Gateway && holds_a_frame(&request) {
        let why = "on a serial line a loopback carries 4 bytes at the most: more could be a frame";
        return Err(Reason::Malformed(Malformed::Structure(why)).into());
    }
    let touched = device.touched(unit, &request);
    let denied = |reason, policies| Denied {
        reason,
        policies,
        points: point_values(&touched),
        area: touched.area,
    };
    let asked = Asked {
        device,
        circumstances,
        units: (unit, south),
        request: &request,
        touched: &touched,
    };
    let (verdict, under) = windows
        .rule(view, &asked)
        .map_err(|(reason, policies)| denied(reason, policies))?;
    if request.has_effect() && !armed {
        return Err(denied(Reason::NotArmed, verdict.policies));
    }
    if let Err(limit) = device.judge(&touched, &request, view.groups()) {
        return Err(denied(Reason::Limit(limit), verdict.policies));
    }
    Ok(Allowed {
        request,
        unit: south,
        touched,
        policies: verdict.policies,
        under,
    })
}

/// Whether the bytes of a loopback are enough for a whole serial frame of another command: a
/// device that loses its place on the line would carry it out, though nobody decided it.
fn holds_a_frame(request: &Request<'_>) -> bool {
    match request {
        Request::Diagnostics(Diagnostics::Loopback(bytes)) => {
            bytes.as_bytes().len() > SERIAL_LOOPBACK_MAX_BYTES
        }
        _ => false,
    }
}

/// Why a verdict denies. An error in any rule denies, a `forbid` that errors included (I8).
pub(crate) fn reason_of(verdict: &Verdict) -> Reason {
    match verdict.cause() {
        Cause::NoRule => Reason::NoRule,
        Cause::Forbidden => Reason::Forbidden,
        // An allowed verdict has no reason to deny: asking for one is a fault, and denies.
        Cause::Failed | Cause::Permitted => {
            Reason::PolicyFailed(verdict.errors.first().cloned().unwrap_or_default())
        }
    }
}

/// The points of a command as the journal keeps them.
pub(super) fn point_values(touched: &Touched<'_>) -> Vec<PointValue> {
    let reads = touched.reads.iter().map(|point| PointValue {
        name: point.name().to_owned(),
        value: None,
        unit: point.engineering_unit().to_owned(),
        before: None,
        before_age_ms: None,
    });
    let writes = touched.writes.iter().map(|write| PointValue {
        name: write.point.name().to_owned(),
        value: write.value,
        unit: write.point.engineering_unit().to_owned(),
        before: None,
        before_age_ms: None,
    });
    writes.chain(reads).collect()
}

//! Asking rules about a command with the windows of whoever asks.

use super::holding::{Holding, Under};
use crate::mediation::break_glass;
use crate::mediation::decide::{Asked, reason_of};
use crate::mediation::refusal::Reason;
use crate::policy::{Cause, Verdict, View, WindowInForce};

/// The windows to decide a command with.
#[derive(Clone, Copy, Debug)]
pub(in crate::mediation) enum Windows<'h> {
    /// One that is supposed to cover it, or none: nothing passes by this, it is only asked.
    Supposed(Option<WindowInForce>),
    /// Those that somebody holds for the device.
    Held(&'h Holding),
}

type Ruled = Result<(Verdict, Option<Under>), (Reason, Vec<String>)>;

impl Windows<'_> {
    /// Has rules decide, with the window that covers the command where one does. A window that does
    /// not is no fact for them: what they permit without, passes without.
    pub(in crate::mediation) fn rule(self, view: &mut View, asked: &Asked<'_, '_, '_>) -> Ruled {
        match self {
            Windows::Supposed(window) => {
                let verdict = verdict(view, asked, window);
                if verdict.allow {
                    return Ok((verdict, None));
                }
                Err((reason_of(&verdict), verdict.policies))
            }
            Windows::Held(holding) => rule(view, asked, holding),
        }
    }
}

fn rule(view: &mut View, asked: &Asked<'_, '_, '_>, holding: &Holding) -> Ruled {
    let (device, south, request) = (asked.device, asked.units.1, asked.request);
    // It stands in for rules: none is asked.
    if let Some(under) = holding.breaking(device, south, request) {
        return Ok((Verdict::without_rules(break_glass::RULE), Some(under)));
    }
    ruled(view, asked, holding).map_err(|(reason, rules)| {
        match holding.unbroken(device, south, request) {
            Some(why) => (Reason::Window(why), rules),
            None => (reason, rules),
        }
    })
}

fn ruled(view: &mut View, asked: &Asked<'_, '_, '_>, holding: &Holding) -> Ruled {
    let mut denied = None;
    for under in holding.covering(asked.device, asked.units.1, asked.request) {
        let verdict = verdict(view, asked, Some(under.in_force));
        if verdict.allow {
            return Ok((verdict, Some(under)));
        }
        denied.get_or_insert(verdict);
    }
    if let Some(verdict) = denied {
        return Err((reason_of(&verdict), verdict.policies));
    }
    let without = verdict(view, asked, None);
    if without.allow {
        return Ok((without, None));
    }
    let reason = missed(view, asked, holding, &without);
    Err((
        reason.unwrap_or_else(|| reason_of(&without)),
        without.policies,
    ))
}

/// Whether all that is missing is a window, and which of theirs comes nearest.
fn missed(
    view: &mut View,
    asked: &Asked<'_, '_, '_>,
    holding: &Holding,
    without: &Verdict,
) -> Option<Reason> {
    if without.cause() == Cause::Failed {
        return None;
    }
    let near = holding.nearest(asked.device, asked.units.1, asked.request)?;
    let would = verdict(view, asked, Some(near.supposed)).allow;
    would.then_some(Reason::Window(near.why))
}

fn verdict(view: &mut View, asked: &Asked<'_, '_, '_>, window: Option<WindowInForce>) -> Verdict {
    view.decide_command(
        asked.device,
        asked.circumstances,
        asked.units.0,
        asked.request,
        asked.touched,
        window,
    )
}

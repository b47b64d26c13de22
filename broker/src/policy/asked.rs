//! Windows in the cases of a policy: one that a case supposes to be in force, one that is asked
//! for, and what the rules must oblige it to.

use super::action::Action;
use super::groups::subject_of;
use super::obligations::Obligations;
use super::supposed::or;
use super::window::{WindowFacts, WindowInForce};
use crate::document::{Section, Slot, did_you_mean};
use crate::subject::SubjectId;
use interlock_protocols::grant::Functions;
use interlock_protocols::limits::{GRANT_APPROVERS_MAX, GRANT_SPAN_MAX_S, GRANT_SPANS_MAX};
use interlock_protocols::modbus::FunctionCode;

/// A window that is asked for. [`WindowFacts`] are what policy is told of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WindowAsked {
    /// The points.
    pub points: Vec<String>,
    /// The functions.
    pub functions: Functions,
    /// The longest of its times, in seconds.
    pub length_s: u32,
    /// How many times it has.
    pub spans: u32,
    /// Most commands with effect, in each of its times.
    pub max_writes: u32,
    /// Who is to hold it.
    pub holder: SubjectId,
    /// Whether somebody is to watch.
    pub supervised: bool,
    /// Whether each write is to wait for a yes.
    pub hold: bool,
}

impl WindowAsked {
    /// As policy is told.
    pub fn facts(&self) -> WindowFacts<'_> {
        WindowFacts {
            points: &self.points,
            functions: self.functions,
            length_s: self.length_s,
            spans: self.spans,
            max_writes: self.max_writes,
            holder: &self.holder,
            supervised: self.supervised,
            hold: self.hold,
        }
    }
}

/// One that a case supposes and says no more of.
pub(super) const IN_FORCE: WindowInForce = WindowInForce {
    number: 1,
    supervised: false,
    hold: false,
    break_glass: false,
    ends_s: 3_600,
};

/// The key of a window in force; `Some(None)` where the case supposes none.
pub(super) fn in_force(section: &mut Section<'_>) -> Option<Option<WindowInForce>> {
    or(section, "window", None, |slot| {
        slot.table(|section| {
            let number = or(section, "number", IN_FORCE.number, |slot| {
                slot.integer(1..=u64::from(u32::MAX))
            });
            let ends_s = or(section, "ends_s", IN_FORCE.ends_s, |slot| {
                slot.integer(0..=GRANT_SPAN_MAX_S)
            });
            let mut yes = |key| or(section, key, false, Slot::boolean);
            let (supervised, hold) = (yes("supervised"), yes("hold"));
            let break_glass = yes("break_glass");
            Some(Some(WindowInForce {
                number: number?,
                supervised: supervised?,
                hold: hold?,
                break_glass: break_glass?,
                ends_s: ends_s?,
            }))
        })
    })
}

/// The window that `request-window` asks for, or that `approve-window` is about. Who asks holds it,
/// where the case does not say otherwise.
pub(super) fn asked(
    section: &mut Section<'_>,
    site: &str,
    asker: Option<&SubjectId>,
) -> Option<WindowAsked> {
    section.required("asked").table(|section| {
        let points = or(section, "points", Vec::new(), |slot| slot.list(Slot::text));
        let functions = or(section, "functions", Functions::NONE, |slot| {
            let functions = slot.list(|slot| slot.text_as(function))?;
            Some(functions.into_iter().fold(Functions::NONE, Functions::with))
        });
        let length_s = or(section, "length_s", IN_FORCE.ends_s, |slot| {
            slot.integer(1..=GRANT_SPAN_MAX_S)
        });
        let spans_max = u32::try_from(GRANT_SPANS_MAX).unwrap_or(u32::MAX);
        let spans = or(section, "spans", 1, |slot| slot.integer(1..=spans_max));
        let max_writes = or(section, "max_writes", 10, |slot| slot.integer(0..=u32::MAX));
        let holder = or(section, "holder", asker.cloned(), |slot| {
            slot.text_as(|text| subject_of(site, text)).map(Some)
        });
        let mut yes = |key| or(section, key, false, Slot::boolean);
        let (supervised, hold) = (yes("supervised"), yes("hold"));
        Some(WindowAsked {
            points: points?,
            functions: functions?,
            length_s: length_s?,
            spans: spans?,
            max_writes: max_writes?,
            holder: holder??,
            supervised: supervised?,
            hold: hold?,
        })
    })
}

/// What the rules must oblige a request to; what it does not name must not be asked.
pub(super) fn obliges(section: &mut Section<'_>) -> Option<Option<Obligations>> {
    or(section, "obliges", None, |slot| {
        slot.table(|section| {
            let none = Obligations::default();
            let most = u8::try_from(GRANT_APPROVERS_MAX).unwrap_or(u8::MAX);
            let quorum = or(section, "quorum", none.quorum, |slot| {
                slot.integer(1..=most)
            });
            let mut yes = |key| or(section, key, false, Slot::boolean);
            let (supervised, hold) = (yes("supervised"), yes("hold"));
            Some(Some(Obligations {
                quorum: quorum?,
                supervised: supervised?,
                hold: hold?,
            }))
        })
    })
}

fn function(text: &str) -> Result<FunctionCode, (String, String)> {
    if let Some(Action::Function(function)) = Action::from_name(text) {
        return Ok(function);
    }
    let names = FunctionCode::ALL.map(FunctionCode::name);
    let hint = did_you_mean(text, names)
        .unwrap_or_else(|| "use its name in policy, like \"write-single-register\"".to_owned());
    Err((format!("`{text}` is no Modbus function"), hint))
}

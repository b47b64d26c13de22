//! `min`, `max` and `allowed`, of a point and in a limit set.

use crate::document::Section;
use crate::plant::point::{Access, Bounds, Holds};

/// The limits of a point itself. A number that may be written must have both.
pub(super) fn of_point(
    section: &mut Section<'_>,
    holds: Option<&Holds>,
    access: Option<Access>,
) -> Option<Bounds> {
    let bounds = read(section, holds)?;
    let missing = match bounds {
        _ if access != Some(Access::ReadWrite) => return Some(bounds),
        Bounds::Interval {
            min: None,
            max: None,
        } => "`min` and `max` are missing",
        Bounds::Interval { min: None, .. } => "`min` is missing",
        Bounds::Interval { max: None, .. } => "`max` is missing",
        Bounds::Interval { .. } | Bounds::States { .. } => return Some(bounds),
    };
    section.report().fault(
        &section.place(),
        format!("{missing}, and this point may be written"),
        "write the lowest and highest value that is ever sane, in engineering units; where the process truly takes anything, write the ends of the type",
    );
    None
}

/// The keys that fit the type; those of another type are refused. What is left out is open.
pub(super) fn read(section: &mut Section<'_>, holds: Option<&Holds>) -> Option<Bounds> {
    let misplaced: &[&'static str] = match holds {
        Some(Holds::Bit) => &["min", "max"],
        Some(Holds::Number { .. }) => &["allowed"],
        None => &[],
    };
    for key in misplaced {
        if section.optional(key).is_present() {
            let (what, hint) = match holds {
                Some(Holds::Bit) => ("numbers", "write allowed = [\"on\"] or [\"off\"]"),
                _ => ("coils", "write `min` and `max`"),
            };
            section.fault(key, format!("`{key}` is for {what}"), hint);
        }
    }
    match holds {
        Some(Holds::Bit) => states(section),
        Some(holds) => interval(section, holds),
        None => {
            // The type was wrong, and that was said; these keys are known nonetheless.
            for key in ["min", "max", "allowed"] {
                let _ = section.optional(key);
            }
            None
        }
    }
}

fn states(section: &mut Section<'_>) -> Option<Bounds> {
    let slot = section.optional("allowed");
    if !slot.is_present() {
        return Some(Bounds::States {
            on: true,
            off: true,
        });
    }
    let allowed = slot.list(|state| state.word(&[("on", true), ("off", false)]))?;
    if allowed.is_empty() {
        section.fault(
            "allowed",
            "`allowed` is empty",
            "name \"on\", \"off\" or both; a coil that may not be written has access = \"read\"",
        );
        return None;
    }
    Some(Bounds::States {
        on: allowed.contains(&true),
        off: allowed.contains(&false),
    })
}

/// Checks `min` and `max` against each other and against what the registers can hold.
fn interval(section: &mut Section<'_>, holds: &Holds) -> Option<Bounds> {
    let min = end(section, holds, "min");
    let max = end(section, holds, "max");
    let (min, max) = (min?, max?);
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        section.fault(
            "min",
            format!("`min` is {min}, above `max`, which is {max}"),
            "no value is inside: exchange them, or correct one",
        );
        return None;
    }
    Some(Bounds::Interval { min, max })
}

/// `Some(None)` where the key is left out, `None` where it is wrong.
fn end(section: &mut Section<'_>, holds: &Holds, key: &'static str) -> Option<Option<f64>> {
    let slot = section.optional(key);
    if !slot.is_present() {
        return Some(None);
    }
    let value = slot.number(f64::MIN..=f64::MAX)?;
    let (lowest, highest) = holds.reach();
    if value < lowest || value > highest {
        // Not pedantry: a limit out of reach is the usual sign of a wrong type or scale.
        section.fault(
            key,
            format!("`{key}` is {value}, which the registers of this point cannot hold"),
            format!(
                "by its type, scale and offset they hold {lowest} to {highest}: one of these is not what the device uses"
            ),
        );
        return None;
    }
    Some(Some(holds.as_held(value)))
}

//! Why a write is refused, in the words of the plant.

use super::point::{Bounds, Point};
use interlock_protocols::modbus::{Address, Table, UnitId, WordOrder};
use std::fmt;

/// A write that does not stay inside the limits of the plant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LimitBroken {
    /// The unit id leads to nothing.
    UnitNotRouted {
        /// The device.
        device: String,
        /// The unit id as the client wrote it.
        unit: UnitId,
    },
    /// A register or coil that is no point.
    RegisterNotNamed {
        /// The device.
        device: String,
        /// The table.
        table: Table,
        /// The lowest such address of the request.
        address: u16,
    },
    /// A point that nobody may write.
    PointReadOnly {
        /// The point.
        place: Place,
    },
    /// Some registers of a point that has several.
    PartOfPoint {
        /// The point.
        place: Place,
        /// How many registers it has.
        registers: u32,
    },
    /// A mask on a point that has several registers.
    MaskOnWidePoint {
        /// The point.
        place: Place,
    },
    /// NaN or infinite.
    ValueNotFinite {
        /// The point.
        place: Place,
        /// The one word order in which the value would be allowed.
        meant: Option<WordOrder>,
    },
    /// A value below or above what is allowed.
    ValueOutsideLimits {
        /// The point.
        place: Place,
        /// The value with its unit.
        asked: String,
        /// What is allowed.
        allowed: Allowed,
        /// The one word order in which the value would be allowed.
        meant: Option<WordOrder>,
    },
    /// A mask that may leave a value below or above what is allowed.
    MaskOutsideLimits {
        /// The point.
        place: Place,
        /// The lowest value it can leave, with its unit.
        lowest: String,
        /// The highest value it can leave, with its unit.
        highest: String,
        /// What is allowed.
        allowed: Allowed,
    },
    /// A coil state that is not allowed.
    StateNotAllowed {
        /// The point.
        place: Place,
        /// `on` or `off`.
        asked: String,
        /// What is allowed.
        allowed: Allowed,
    },
}

/// A point by name and address in both forms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    point: Box<str>,
    address: Box<str>,
}

/// What is allowed, and which limit set says so, unless it is the point itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Allowed {
    text: Box<str>,
    set: Option<Box<str>>,
}

impl LimitBroken {
    /// The reason as a word that never changes, for records and rules.
    pub fn code(&self) -> &'static str {
        match self {
            LimitBroken::UnitNotRouted { .. } => "unit-not-routed",
            LimitBroken::RegisterNotNamed { .. } => "register-not-named",
            LimitBroken::PointReadOnly { .. } => "point-read-only",
            LimitBroken::PartOfPoint { .. } => "part-of-point",
            LimitBroken::MaskOnWidePoint { .. } => "mask-on-wide-point",
            LimitBroken::ValueNotFinite { .. } => "value-not-finite",
            LimitBroken::ValueOutsideLimits { .. } => "value-outside-limits",
            LimitBroken::MaskOutsideLimits { .. } => "mask-outside-limits",
            LimitBroken::StateNotAllowed { .. } => "state-not-allowed",
        }
    }

    /// What the person can do now.
    pub fn next_step(&self) -> String {
        match self {
            LimitBroken::UnitNotRouted { device, .. } => format!(
                "use a unit id that plant.toml lists for `{device}`, or have this one listed"
            ),
            LimitBroken::RegisterNotNamed { .. } => {
                "check the address; if it is right, have it named as a point in plant.toml, with its limits".to_owned()
            }
            LimitBroken::PointReadOnly { .. } => {
                "if it has to be written, its access in plant.toml must say read-write, with limits".to_owned()
            }
            LimitBroken::PartOfPoint { registers, .. } => {
                format!("write all {registers} registers of the point in one request")
            }
            LimitBroken::MaskOnWidePoint { .. } => {
                "write the whole value with function 16 instead of masking one of its registers"
                    .to_owned()
            }
            LimitBroken::ValueNotFinite { meant, .. } => match meant {
                Some(order) => other_order(*order),
                None => "check the data type and word order your tool writes with".to_owned(),
            },
            LimitBroken::ValueOutsideLimits { allowed, meant, .. } => match meant {
                Some(order) => other_order(*order),
                None => allowed.next_step(),
            },
            LimitBroken::MaskOutsideLimits { allowed, .. } => format!(
                "a mask passes only where every current value would end inside the limits; write the whole register, {}",
                allowed.text
            ),
            LimitBroken::StateNotAllowed { allowed, .. } => allowed.next_step(),
        }
    }
}

fn other_order(order: WordOrder) -> String {
    format!(
        "as {} the same bytes are an allowed value: check the word order your tool writes with",
        order.name()
    )
}

impl Place {
    pub(super) fn of(point: &Point) -> Place {
        Place {
            point: point.name.as_str().into(),
            address: point.describe().into(),
        }
    }

    /// The name of the point.
    pub fn point(&self) -> &str {
        &self.point
    }
}

impl Allowed {
    pub(super) fn of(point: &Point, bounds: &Bounds, set: Option<&str>) -> Allowed {
        Allowed {
            text: point.show_bounds(bounds).into(),
            set: set.map(Box::from),
        }
    }

    /// The limit set that says so; `None` where it is the point itself, for everybody.
    pub fn set(&self) -> Option<&str> {
        self.set.as_deref()
    }

    fn next_step(&self) -> String {
        match &self.set {
            Some(set) => format!(
                "stay inside {}; limit set `{set}` holds for your group, so ask somebody whom it does not bind",
                self.text
            ),
            None => format!(
                "stay inside {}; these limits hold for everybody and are kept in plant.toml",
                self.text
            ),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`, {}", self.point, self.address)
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.set {
            Some(set) => write!(f, "limit set `{set}` allows {}", self.text),
            None => write!(f, "allowed is {}", self.text),
        }
    }
}

impl fmt::Display for LimitBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LimitBroken::UnitNotRouted { device, unit } => {
                write!(f, "unit id {unit} of `{device}` is not routed")
            }
            LimitBroken::RegisterNotNamed {
                device,
                table,
                address,
            } => write!(
                f,
                "{} of `{device}` is no named point, and only named points may be written",
                Address::new(*address).in_table(*table)
            ),
            LimitBroken::PointReadOnly { place } => write!(f, "{place}: the point is read only"),
            LimitBroken::PartOfPoint { place, registers } => write!(
                f,
                "{place}: only a part of its {registers} registers would be written"
            ),
            LimitBroken::MaskOnWidePoint { place } => write!(
                f,
                "{place}: a mask would change one register of a value that takes several"
            ),
            LimitBroken::ValueNotFinite { place, .. } => {
                write!(f, "{place}: the bytes to write are no finite number")
            }
            LimitBroken::ValueOutsideLimits {
                place,
                asked,
                allowed,
                ..
            }
            | LimitBroken::StateNotAllowed {
                place,
                asked,
                allowed,
            } => write!(f, "{place}: {asked} was asked, {allowed}"),
            LimitBroken::MaskOutsideLimits {
                place,
                lowest,
                highest,
                allowed,
            } => write!(
                f,
                "{place}: the mask could leave anything from {lowest} to {highest}, {allowed}"
            ),
        }
    }
}

impl std::error::Error for LimitBroken {}

//! A named register or coil.

use super::limit_set::Narrowing;
use super::scaling::Scaling;
use interlock_protocols::modbus::value::{self, DataType, RegistersBuf, WordOrder};
use interlock_protocols::modbus::{Area, UnitId};

/// What a point holds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    /// One coil or discrete input.
    Bit,
    /// A number in one or two registers; `value = raw * scale + offset`.
    Number {
        /// How the registers hold the raw number.
        data_type: DataType,
        /// The order of the four bytes of a 32-bit number; ABCD for 16 bits.
        order: WordOrder,
        /// Engineering units per raw step; never zero.
        scale: f64,
        /// The engineering value of raw zero.
        offset: f64,
    },
}

/// Whether a point may ever be written through the broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Read only, whatever the device itself would do.
    Read,
    /// Read and write.
    ReadWrite,
}

/// Which values are sane.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Bounds {
    /// A closed interval in engineering units; an end that is `None` is open.
    Interval {
        /// The lowest value, which is allowed.
        min: Option<f64>,
        /// The highest value, which is allowed.
        max: Option<f64>,
    },
    /// The states a bit may be written to.
    States {
        /// Whether it may be switched on.
        on: bool,
        /// Whether it may be switched off.
        off: bool,
    },
}

/// One named register, pair of registers, coil or input of a device.
#[derive(Clone, PartialEq, Debug)]
pub struct Point {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) unit_id: UnitId,
    pub(super) area: Area,
    pub(super) holds: Holds,
    pub(super) engineering_unit: String,
    pub(super) access: Access,
    pub(super) bounds: Bounds,
    pub(super) narrowings: Vec<Narrowing>,
    pub(super) read_effect: bool,
    pub(super) safe_value: Option<f64>,
}

/// [`Kind`] with the scale in the form it is computed in.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Holds {
    Bit,
    Number {
        data_type: DataType,
        order: WordOrder,
        scaling: Scaling,
    },
}

impl Point {
    /// The name, unique in its device.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is for; may be empty.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The unit id that clients address it by. 255 on a direct device, where every routed unit
    /// id means the device itself.
    pub fn unit_id(&self) -> UnitId {
        self.unit_id
    }

    /// Its table and addresses.
    pub fn area(&self) -> Area {
        self.area
    }

    /// What it holds.
    pub fn kind(&self) -> Kind {
        match self.holds {
            Holds::Bit => Kind::Bit,
            Holds::Number {
                data_type,
                order,
                scaling,
            } => Kind::Number {
                data_type,
                order,
                scale: scaling.scale(),
                offset: scaling.offset(),
            },
        }
    }

    /// The unit of its value, such as `rpm`; may be empty.
    pub fn engineering_unit(&self) -> &str {
        &self.engineering_unit
    }

    /// Whether it may be written.
    pub fn access(&self) -> Access {
        self.access
    }

    /// Which values are sane, for everybody.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// The lowest value allowed. That of a float32 point is what a float32 can hold of it.
    pub fn min(&self) -> Option<f64> {
        match self.bounds {
            Bounds::Interval { min, .. } => min,
            Bounds::States { .. } => None,
        }
    }

    /// The highest value allowed. That of a float32 point is what a float32 can hold of it.
    pub fn max(&self) -> Option<f64> {
        match self.bounds {
            Bounds::Interval { max, .. } => max,
            Bounds::States { .. } => None,
        }
    }

    /// What limit sets say about it, beyond its own limits.
    pub fn narrowings(&self) -> &[Narrowing] {
        &self.narrowings
    }

    /// Whether reading it does something in the device, such as clearing a latch. The broker
    /// never reads such a point on its own account.
    pub fn read_effect(&self) -> bool {
        self.read_effect
    }

    /// The value that brings the plant to rest, as the registers hold it; 1 and 0 for a coil. Whoever
    /// writes it takes no risk that waiting would spare.
    pub fn safe_value(&self) -> Option<f64> {
        self.safe_value
    }

    /// Its address in both forms: `holding 100 (40101)`.
    pub fn describe(&self) -> String {
        let first = self.area.range.first();
        first.in_table(self.area.table).to_string()
    }

    /// The value in engineering units of exactly the registers of this point, in the order of
    /// their addresses. It may be NaN or infinite where the registers hold a float32. `None` for
    /// a bit and for another number of registers.
    pub fn decode(&self, registers: &[u16]) -> Option<f64> {
        match self.holds {
            Holds::Bit => None,
            Holds::Number { order, .. } => self.decode_as(order, registers),
        }
    }

    pub(super) fn decode_as(&self, order: WordOrder, registers: &[u16]) -> Option<f64> {
        let Holds::Number {
            data_type, scaling, ..
        } = self.holds
        else {
            return None;
        };
        let raw = value::decode(data_type, order, registers)?;
        Some(match data_type {
            DataType::F32 => scaling.value_of_float(raw),
            // At most 32 bits: the float64 holds it exactly.
            _ => scaling.value(raw as i64),
        })
    }

    /// The registers that hold a value. It is rounded to the nearest step of the register (the
    /// nearest float32); `decode` of the result says what will be written. `None` for a bit, and
    /// where no register value is within half a step: the value is out of the type's range, NaN
    /// or infinite. Limits are not looked at here.
    pub fn encode(&self, value: f64) -> Option<RegistersBuf> {
        let Holds::Number {
            data_type,
            order,
            scaling,
        } = self.holds
        else {
            return None;
        };
        let raw = match data_type {
            DataType::F32 => scaling.raw_float(value)?,
            _ => scaling.raw(value)? as f64,
        };
        value::encode(data_type, order, raw)
    }

    /// A value with its unit, as people are shown it: `850 rpm`, `on`.
    pub fn show(&self, value: f64) -> String {
        let number = self.show_bare(value);
        if self.engineering_unit.is_empty() {
            number
        } else {
            format!("{number} {}", self.engineering_unit)
        }
    }

    /// Limits as people are shown them: `0 to 1200 rpm`, `only off`.
    pub fn show_bounds(&self, bounds: &Bounds) -> String {
        match *bounds {
            Bounds::Interval { min, max } => match (min, max) {
                (Some(min), Some(max)) => format!("{} to {}", self.show_bare(min), self.show(max)),
                (Some(min), None) => format!("{} or more", self.show(min)),
                (None, Some(max)) => format!("{} or less", self.show(max)),
                (None, None) => "any finite value".to_owned(),
            },
            Bounds::States {
                on: true,
                off: true,
            } => "on and off".to_owned(),
            Bounds::States { on: true, .. } => "only on".to_owned(),
            Bounds::States { off: true, .. } => "only off".to_owned(),
            Bounds::States { .. } => "neither on nor off".to_owned(),
        }
    }

    /// A value without its unit.
    pub(super) fn show_bare(&self, value: f64) -> String {
        match self.holds {
            Holds::Bit if value == 0.0 => "off".to_owned(),
            Holds::Bit => "on".to_owned(),
            // A float32 of 10.1 is 10.1000003… as a float64; its own shortest text is 10.1.
            Holds::Number {
                data_type: DataType::F32,
                scaling,
                ..
            } if scaling.is_identity() => short(value, format!("{}", value as f32)),
            Holds::Number { .. } => short(value, format!("{value}")),
        }
    }
}

impl Holds {
    /// The lowest and highest engineering value the registers can hold.
    pub(super) fn reach(&self) -> (f64, f64) {
        let Holds::Number {
            data_type, scaling, ..
        } = *self
        else {
            return (0.0, 1.0);
        };
        let (one, other) = match data_type {
            DataType::U16 => (scaling.value(0), scaling.value(u16::MAX.into())),
            DataType::I16 => (
                scaling.value(i16::MIN.into()),
                scaling.value(i16::MAX.into()),
            ),
            DataType::U32 => (scaling.value(0), scaling.value(u32::MAX.into())),
            DataType::I32 => (
                scaling.value(i32::MIN.into()),
                scaling.value(i32::MAX.into()),
            ),
            DataType::F32 => (
                scaling.value_of_float(f32::MIN.into()),
                scaling.value_of_float(f32::MAX.into()),
            ),
        };
        // A negative scale turns them round.
        (one.min(other), one.max(other))
    }

    /// A limit as the registers hold it. A float32 holds 10.1 as 10.1000003…: were the limit not
    /// rounded as the value is, 10.1 would be refused where 10.1 is the highest allowed.
    pub(super) fn as_held(&self, limit: f64) -> f64 {
        match self {
            Holds::Number {
                data_type: DataType::F32,
                scaling,
                ..
            } => scaling
                .raw_float(limit)
                .map_or(limit, |raw| scaling.value_of_float(raw)),
            Holds::Number { .. } | Holds::Bit => limit,
        }
    }
}

/// Very large and very small numbers would be rows of zeros.
fn short(value: f64, text: String) -> String {
    let magnitude = value.abs();
    if value.is_finite() && value != 0.0 && !(1e-6..1e12).contains(&magnitude) {
        format!("{value:.3e}")
    } else {
        text
    }
}

impl Bounds {
    /// Whether a value is inside, ends included. NaN and infinities never are, not even where
    /// there is no end. A bit's value is 1 or 0.
    pub fn allow(&self, value: f64) -> bool {
        match *self {
            Bounds::Interval { min, max } => {
                value.is_finite()
                    && min.is_none_or(|min| value >= min)
                    && max.is_none_or(|max| value <= max)
            }
            Bounds::States { on, off } => (value == 1.0 && on) || (value == 0.0 && off),
        }
    }

    /// Whether it allows nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        match *self {
            Bounds::Interval { min, max } => min.zip(max).is_some_and(|(min, max)| min > max),
            Bounds::States { on, off } => !on && !off,
        }
    }

    /// Whether everything that `inner` allows is allowed here.
    pub(crate) fn contain(&self, inner: &Bounds) -> bool {
        match (*self, *inner) {
            (
                Bounds::Interval { min, max },
                Bounds::Interval {
                    min: inner_min,
                    max: inner_max,
                },
            ) => {
                min.is_none_or(|min| inner_min.is_some_and(|inner| inner >= min))
                    && max.is_none_or(|max| inner_max.is_some_and(|inner| inner <= max))
            }
            (
                Bounds::States { on, off },
                Bounds::States {
                    on: inner_on,
                    off: inner_off,
                },
            ) => (on || !inner_on) && (off || !inner_off),
            _ => false,
        }
    }
}

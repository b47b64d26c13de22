//! From the raw number of a register to engineering units and back.

/// `value = raw * scale + offset`, computed in decimal. In binary 3 * 0.1 is a little more than
/// 0.3, so a limit of 0.3 would refuse the value 0.3; computed in decimal, the value is the same
/// binary number that anybody gets who writes `0.3`, and comparing it with a limit is exact.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Scaling {
    scale: f64,
    offset: f64,
    scale_digits: i128,
    offset_digits: i128,
    decimals: u32,
}

/// Largest scale and offset, either sign. With [`DECIMALS_MAX`] it keeps every product with a
/// 32-bit register below 2^127: 2^32 * 10^9 * 10^18 = 4.3e36.
pub(super) const MAGNITUDE_MAX: f64 = 1e9;
/// Most decimals of a scale or offset.
pub(super) const DECIMALS_MAX: u32 = 18;

/// Largest whole number below which a float64 holds every other one.
const EXACT_MAX: u128 = 1 << 53;

impl Scaling {
    /// `None` for a scale of zero and for what is too large or has too many decimals.
    pub(super) fn new(scale: f64, offset: f64) -> Option<Scaling> {
        if scale == 0.0 || scale.abs() > MAGNITUDE_MAX || offset.abs() > MAGNITUDE_MAX {
            return None;
        }
        let (scale_digits, scale_decimals) = decimal(scale)?;
        let (offset_digits, offset_decimals) = decimal(offset)?;
        let decimals = scale_decimals.max(offset_decimals);
        Some(Scaling {
            scale,
            offset,
            scale_digits: scale_digits.checked_mul(power_of_ten(decimals - scale_decimals))?,
            offset_digits: offset_digits.checked_mul(power_of_ten(decimals - offset_decimals))?,
            decimals,
        })
    }

    pub(super) fn scale(self) -> f64 {
        self.scale
    }

    pub(super) fn offset(self) -> f64 {
        self.offset
    }

    pub(super) fn is_identity(self) -> bool {
        self.scale == 1.0 && self.offset == 0.0
    }

    /// The value of a whole raw number: the float64 nearest to the exact decimal.
    pub(super) fn value(self, raw: i64) -> f64 {
        let digits = i128::from(raw)
            .checked_mul(self.scale_digits)
            .and_then(|product| product.checked_add(self.offset_digits));
        match digits {
            // Both operands are exact, so the one division rounds once, to nearest.
            Some(digits) if digits.unsigned_abs() <= EXACT_MAX => {
                digits as f64 / power_of_ten(self.decimals) as f64
            }
            // Reading a decimal text rounds once, too. A text of digits is always read.
            Some(digits) => format!("{digits}e-{}", self.decimals)
                .parse()
                .unwrap_or(f64::NAN),
            // Out of reach of 32-bit registers; not a number is outside every limit.
            None => f64::NAN,
        }
    }

    /// The whole raw number whose value is nearest. Binary arithmetic will do: at 32 bits it is off
    /// by a millionth of a step at most, so only a value exactly between two may go to either.
    pub(super) fn raw(self, value: f64) -> Option<i64> {
        let near = ((value - self.offset) / self.scale).round();
        // Far outside every type this saturates, and is refused there.
        near.is_finite().then_some(near as i64)
    }

    /// The value of a float32, whose raw number is no decimal. Binary arithmetic will do: it is
    /// monotone, and limits of such points are put through it as well.
    pub(super) fn value_of_float(self, raw: f64) -> f64 {
        if self.is_identity() {
            raw
        } else {
            raw * self.scale + self.offset
        }
    }

    /// The float32 nearest to what gives the value; `None` where it would be infinite.
    pub(super) fn raw_float(self, value: f64) -> Option<f64> {
        let raw = if self.is_identity() {
            value
        } else {
            (value - self.offset) / self.scale
        };
        let nearest = f64::from(raw as f32);
        nearest.is_finite().then_some(nearest)
    }
}

/// The digits and the number of decimals of the shortest text that means this number, which is
/// what the person wrote.
fn decimal(value: f64) -> Option<(i128, u32)> {
    let text = format!("{value}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let decimals = u32::try_from(fraction.len()).ok()?;
    if decimals > DECIMALS_MAX {
        return None;
    }
    let digits = format!("{whole}{fraction}").parse().ok()?;
    Some((digits, decimals))
}

fn power_of_ten(exponent: u32) -> i128 {
    // 10^18 is far below the end of the type.
    10i128.saturating_pow(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_what_a_person_would_write() {
        for (scale, offset, raw, value) in [
            (0.1, 0.0, 3, 0.3),
            (0.1, 0.0, 12_000, 1200.0),
            (0.1, 0.05, 3, 0.35),
            (0.7, 0.0, 3, 2.1),
            (0.01, -40.0, 6_013, 20.13),
            (-0.1, 100.0, 1, 99.9),
            (1.0, 0.0, -32_768, -32_768.0),
            (0.001, 0.0, 4_294_967_295, 4_294_967.295),
            (0.003616898148148148, 0.0, 27_648, 100.0),
        ] {
            let scaling = Scaling::new(scale, offset).expect("in range");
            assert_eq!(scaling.value(raw), value, "{raw} * {scale} + {offset}");
            assert_eq!(scaling.raw(value), Some(raw), "back from {value}");
        }
    }

    #[test]
    fn refuses_what_cannot_be_exact() {
        for (scale, offset) in [
            (0.0, 0.0),
            (-0.0, 0.0),
            (1.1e9, 0.0),
            (1.0, -1.1e9),
            (1e-19, 0.0),
            (f64::NAN, 0.0),
            (1.0, f64::NAN),
            (f64::INFINITY, 0.0),
        ] {
            assert_eq!(Scaling::new(scale, offset), None, "{scale} {offset}");
        }
    }

    proptest! {
        /// The decimal result is the number nearest to the true one, whichever way it is taken.
        #[test]
        fn both_ways_of_rounding_agree(raw: i32, digits in 1i64..1_000_000_000, decimals in 0u32..=18) {
            let scale: f64 = format!("{digits}e-{decimals}").parse().expect("a number");
            let scaling = Scaling::new(scale, 0.0).expect("in range");
            let exact: f64 = format!("{}e-{decimals}", i128::from(raw) * i128::from(digits))
                .parse()
                .expect("a number");
            prop_assert_eq!(scaling.value(raw.into()), exact);
        }

        #[test]
        fn the_nearest_step_is_found(raw: i32, part in -0.49f64..0.49, decimals in 0u32..6) {
            let scale: f64 = format!("1e-{decimals}").parse().expect("a number");
            let scaling = Scaling::new(scale, 0.0).expect("in range");
            let value = scaling.value(raw.into()) + part * scale;
            prop_assert_eq!(scaling.raw(value), Some(raw.into()));
        }
    }
}

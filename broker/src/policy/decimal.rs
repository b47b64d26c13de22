//! Engineering values as policy sees them: decimals with four places.

/// A value between two decimals cannot be shown to a rule without rounding, and whichever way it
/// is rounded, some `forbid` is dodged: `> 10` misses 10.00001 rounded down, `< 10` misses
/// 9.99999 rounded up. So both neighbours are shown, and both decisions must allow.
///
/// Every comparison with a decimal then denies at least as often as it would on the value itself;
/// only a rule about the inside of one single step of 0.0001 cannot see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Decimals {
    /// The value is a decimal, or as close to one as registers can hold it.
    One(String),
    /// The decimals below and above the value.
    Between(String, String),
}

/// Steps of one unit.
const STEPS: f64 = 10_000.0;

/// What binary fractions may be off by: a person who writes 3.1 to a 32-bit float means 3.1 and
/// puts 3.0999999 into the register. Half a unit of its last place is at most 6e-8 of the value.
const NOISE: f64 = 6e-8;

/// The largest value shown to policy, in steps: 900,719,925,474.0992. Cedar could hold more, but
/// a double holds every whole number only up to here, and below it the arithmetic is exact.
const STEPS_MAX: f64 = 9_007_199_254_740_992.0;

impl Decimals {
    /// `None` where the value is no number that policy could judge: it must then be denied.
    pub(super) fn of(value: f64) -> Option<Decimals> {
        let steps = value * STEPS;
        if steps.is_nan() || steps.abs() >= STEPS_MAX {
            return None;
        }
        let nearest = steps.round();
        if (steps - nearest).abs() <= NOISE * steps.abs() {
            return Some(Decimals::One(text(nearest)));
        }
        Some(Decimals::Between(text(steps.floor()), text(steps.ceil())))
    }
}

fn text(steps: f64) -> String {
    // Whole and below 2^53 by the checks above, so the conversion changes nothing.
    let steps = steps as i64;
    let sign = if steps < 0 { "-" } else { "" };
    let steps = steps.unsigned_abs();
    format!("{sign}{}.{:04}", steps / 10_000, steps % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str) -> Option<Decimals> {
        Some(Decimals::One(text.to_owned()))
    }

    fn between(below: &str, above: &str) -> Option<Decimals> {
        Some(Decimals::Between(below.to_owned(), above.to_owned()))
    }

    #[test]
    fn values_that_people_write_are_one_decimal() {
        assert_eq!(Decimals::of(0.0), one("0.0000"));
        assert_eq!(Decimals::of(-0.0), one("0.0000"));
        assert_eq!(Decimals::of(900.0), one("900.0000"));
        assert_eq!(Decimals::of(-0.5), one("-0.5000"));
        // Three tenths as a scale of 0.1 makes it, and 3.1 as a 32-bit float holds it.
        assert_eq!(Decimals::of(3.0 * 0.1), one("0.3000"));
        assert_eq!(Decimals::of(f64::from(3.1_f32)), one("3.1000"));
        assert_eq!(Decimals::of(f64::from(u32::MAX)), one("4294967295.0000"));
    }

    #[test]
    fn values_between_decimals_have_two() {
        assert_eq!(Decimals::of(10.00003), between("10.0000", "10.0001"));
        assert_eq!(Decimals::of(9.99997), between("9.9999", "10.0000"));
        assert_eq!(Decimals::of(-0.00002), between("-0.0001", "0.0000"));
        assert_eq!(Decimals::of(1e-7), between("0.0000", "0.0001"));
    }

    #[test]
    fn what_policy_cannot_judge_has_none() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e12, -1e300] {
            assert_eq!(Decimals::of(value), None, "{value}");
        }
    }

    proptest! {
        /// The decimals enclose the value but for the noise of its last place.
        #[test]
        fn the_value_lies_between(value in prop_oneof![-1e3..1e3_f64, -1e11..1e11, -1e-3..1e-3]) {
            let noise = NOISE * value.abs();
            match Decimals::of(value).expect("in range") {
                Decimals::One(text) => {
                    let shown: f64 = text.parse().expect("a number");
                    prop_assert!((shown - value).abs() <= 2.0 * noise);
                }
                Decimals::Between(below, above) => {
                    let (below, above): (f64, f64) = (below.parse().unwrap(), above.parse().unwrap());
                    prop_assert!(below <= value && value <= above, "{below} {value} {above}");
                    prop_assert!(above - below < 1.0001e-4);
                }
            }
        }
    }
}

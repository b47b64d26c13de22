//! Numbers as people write them.

/// Digits that are sure after a conversion by scale and offset.
const DIGITS: usize = 12;

/// The shortest text that says this number. Scaling leaves `90.30000000000001`, and 32 bits turn
/// `6.1` into `6.099999904632568`: neither was meant.
pub(crate) fn number(value: f64) -> String {
    let whole = value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
    if whole || !value.is_finite() {
        // Minus nought is nought to everybody.
        return (value + 0.0).to_string();
    }
    let single = value as f32;
    if f64::from(single) == value {
        return single.to_string();
    }
    let rounded = format!("{value:.*e}", DIGITS - 1);
    rounded
        .parse::<f64>()
        .map_or(rounded, |rounded| rounded.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_were_meant() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (900.0, "900"),
            (903.0 * 0.1, "90.3"),
            (f64::from(6.1_f32), "6.1"),
            (f64::from(-0.25_f32), "-0.25"),
            (f64::from(u32::MAX), "4294967295"),
            (4_294_967_296.0, "4294967296"),
            (f64::from(u32::MAX) * 0.01, "42949672.95"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}

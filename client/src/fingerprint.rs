//! The hash of a key as two people compare it: hexadecimal in groups of four, one word for a
//! shell, the same wherever it is shown.

/// The hash, to be read out.
pub(crate) fn grouped(hash: &[u8; 32]) -> String {
    let groups = hash
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[high, low]| format!("{high:02x}{low:02x}"));
    groups.collect::<Vec<String>>().join("-")
}

/// The hash as somebody wrote it down: with other signs between the groups, or none. All of it is
/// wanted: who could choose the rest could make a key that fits a part.
pub(crate) fn parse(text: &str) -> Result<[u8; 32], String> {
    let mut digits = Vec::new();
    for c in text.chars() {
        match c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) {
            Some(digit) => digits.push(digit),
            None if matches!(c, '-' | ':' | ' ' | '.') => {}
            None => return Err(format!("`{c}` is no hexadecimal digit")),
        }
    }
    let wanted = "a fingerprint has 64 hexadecimal digits, in 16 groups of 4";
    let bytes: Vec<u8> = digits
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[high, low]| high << 4 | low)
        .collect();
    match (bytes.try_into(), digits.len()) {
        (Ok(hash), 64) => Ok(hash),
        (_, length) => Err(format!("{wanted}; this one has {length} digits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_out_is_understood_however_it_is_written_down() {
        let hash = std::array::from_fn(|place| u8::try_from(place * 8).unwrap());
        let shown = grouped(&hash);
        assert!(shown.starts_with("0008-1018-"), "{shown}");
        assert_eq!(shown.len(), 79);
        for written in [
            shown.clone(),
            shown.to_uppercase(),
            shown.replace('-', " "),
            shown.replace('-', ""),
        ] {
            assert_eq!(parse(&written), Ok(hash));
        }
    }

    #[test]
    fn a_part_of_it_is_not_enough() {
        let shown = grouped(&[7; 32]);
        for wrong in [
            "",
            "0707",
            &shown[..74],
            &format!("{shown}-07"),
            &format!("{shown}0"),
        ] {
            assert!(parse(wrong).unwrap_err().contains("64"), "{wrong}");
        }
        assert!(parse("xyz").unwrap_err().contains('x'));
    }
}

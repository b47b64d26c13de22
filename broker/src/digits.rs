//! Hashes in hexadecimal digits, as people, file names and certificates have them.

use std::fmt::Write as _;

/// Two digits a byte, in small letters.
pub fn hex(bytes: &[u8]) -> String {
    let room = String::with_capacity(bytes.len() * 2);
    bytes.iter().fold(room, |mut text, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// The reverse for a hash of 32 bytes; capital letters count as well.
pub fn hash_of_hex(text: &str) -> Option<[u8; 32]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes = pairs
        .iter()
        .map(|&[high, low]| u8::try_from(digit(high)? * 16 + digit(low)?).ok())
        .collect::<Option<Vec<u8>>>()?;
    bytes.try_into().ok().filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_comes_back_and_nothing_else_is_one() {
        let hash: [u8; 32] = std::array::from_fn(|at| at as u8 * 7);
        let text = hex(&hash);
        assert_eq!(hash_of_hex(&text), Some(hash));
        assert_eq!(hash_of_hex(&text.to_uppercase()), Some(hash));
        for other in [
            &text[1..],
            &text[2..],
            &format!("{text}0"),
            &format!("g{}", &text[1..]),
        ] {
            assert_eq!(hash_of_hex(other), None, "{other}");
        }
    }
}

//! JSON that is ASCII and printable throughout, and texts of bounded length in it.
//!
//! What a record says comes in part from strangers. A line of a collector's file ends up on
//! terminals, where a raw escape, the 8-bit controls U+0080 to U+009F or a direction mark do harm; as
//! `\uXXXX` they harm nobody and every JSON parser gives them back.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // What JSON itself demands to be escaped is no part of a fragment. DEL it lets pass.
        let plain = |c: char| c.is_ascii() && c != '\u{7f}';
        if fragment.chars().all(plain) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut units = [0; 2];
        for c in fragment.chars() {
            if plain(c) {
                write!(writer, "{c}")?;
            } else {
                for unit in c.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

/// The value as one line of ASCII.
pub(crate) fn to_vec(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut line, Ascii))?;
    Ok(line)
}

/// How much of texts and lists is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Extent {
    /// Most bytes of a text, before it is escaped.
    pub(crate) text: usize,
    /// Most entries of a list.
    pub(crate) list: usize,
}

impl Extent {
    /// As much as anybody reads.
    pub(crate) const FULL: Extent = Extent {
        text: 2_048,
        list: 64,
    };
    /// For a record whose full telling passes the bound of a message.
    pub(crate) const LEAST: Extent = Extent { text: 96, list: 0 };

    /// The text, or as much of it as there is room for and how many bytes are left out.
    pub(crate) fn clip(self, text: &str) -> String {
        if text.len() <= self.text {
            return text.to_owned();
        }
        let end = text.floor_char_boundary(self.text);
        let head = text.get(..end).unwrap_or_default();
        format!("{head} [{} bytes more]", text.len() - end)
    }
}

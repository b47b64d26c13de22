//! Reads a TOML file that a person wrote, and reports everything wrong with it at once.
//!
//! [`read`] hands the file's top table to a closure. The closure asks a [`Section`] for each key it
//! knows; what it asks for and does not find, finds with the wrong type or out of range, and every
//! key it never asked for, becomes a [`Finding`] with its place. A reader
//! therefore asks for all its keys first and gives up (returns `None`) last.
//!
//! ```
//! use interlock_broker::document;
//! use std::path::Path;
//!
//! let text = "listen = '127.0.0.1:4433'\n[limits]\nsessions = 8\n";
//! let read = document::read(Path::new("edge.toml"), text, |root| {
//!     let listen = root.required("listen").socket_address();
//!     let sessions = root
//!         .optional("limits")
//!         .table(|limits| limits.optional("sessions").integer(1..=64))
//!         .unwrap_or(16);
//!     Some((listen?, sessions))
//! });
//! assert_eq!(read.map(|(_, sessions)| sessions), Ok(8));
//! ```

mod report;
mod section;
mod similar;
mod slot;
#[cfg(test)]
mod tests;

use crate::finding::Finding;
use std::borrow::Cow;
use std::path::Path;
use toml_span::{Error, ErrorKind};

pub use report::{Place, Report};
pub use section::Section;
pub use similar::did_you_mean;
pub use slot::{Slot, is_name};

/// Reads `text`, the content of `file`. `Ok` only where nothing at all was wrong with it.
pub fn read<T>(
    file: &Path,
    text: &str,
    reader: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Result<T, Vec<Finding>> {
    let report = Report::new(file, text);
    let cleaned = without_duplicates(&report);
    let parsed = match toml_span::parse(&cleaned) {
        Ok(parsed) => parsed,
        Err(error) => {
            // What follows a blanked duplicate may be its own rest: only the duplicate is sure.
            if report.is_clean() {
                syntax_fault(&report, &error);
            }
            return Err(report.into_findings());
        }
    };
    let value = Section::read_root(&report, parsed, reader);
    match value {
        Some(value) if report.is_clean() => Ok(value),
        _ => {
            if report.is_clean() {
                report.fault(
                    &Place::whole_file(),
                    "the file could not be understood, and the reader did not say why",
                    "this is a fault of the program: please report it together with the file",
                );
            }
            Err(report.into_findings())
        }
    }
}

/// The parser stops at the first key that appears twice. To go on and find the rest, the second
/// one is reported and its line blanked, so that every other place in the file stays where it is.
fn without_duplicates<'t>(report: &Report<'t>) -> Cow<'t, str> {
    let mut text = Cow::Borrowed(report.text());
    loop {
        let Err(error) = toml_span::parse(&text) else {
            return text;
        };
        let ErrorKind::DuplicateKey { .. } = error.kind else {
            return text;
        };
        let Some(blanked) = blank_line(&text, error.span.start) else {
            return text;
        };
        syntax_fault(report, &error);
        text = Cow::Owned(blanked);
    }
}

/// `None` where the line holds more than this one key: a table header, an inline table.
fn blank_line(text: &str, at: usize) -> Option<String> {
    let before = text.get(..at)?;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let end = text
        .get(at..)?
        .find('\n')
        .map_or(text.len(), |newline| at + newline);
    if !text.get(start..at)?.trim().is_empty() {
        return None;
    }
    let spaces = " ".repeat(end - start);
    Some([text.get(..start)?, &spaces, text.get(end..)?].concat())
}

fn syntax_fault(report: &Report<'_>, error: &Error) {
    let span = error.span.start..error.span.end.max(error.span.start);
    let (what, hint) = match &error.kind {
        ErrorKind::DuplicateKey { key, first } => (
            format!("`{key}` is given twice"),
            format!(
                "keep one of the two; the first is on line {}",
                report.line_of(first.start)
            ),
        ),
        ErrorKind::DuplicateTable { name, first } => (
            format!("the table `{name}` is given twice"),
            format!(
                "merge it with the one on line {}, or write [[{name}]] where there may be several",
                report.line_of(first.start)
            ),
        ),
        ErrorKind::UnquotedString => (
            "this value is neither a number, true, false nor text in quotes".to_owned(),
            "put text in quotes: key = \"text\"".to_owned(),
        ),
        ErrorKind::InvalidNumber => (
            "this is not a number that TOML knows".to_owned(),
            "a number has no leading zero and a point, not a comma; what must keep its zeros goes in quotes: \"00101\"".to_owned(),
        ),
        _ => (
            format!("this is not TOML: {error}"),
            "the rest of the file was not read; correct this first".to_owned(),
        ),
    };
    report.fault(&Place::at(span), what, hint);
}

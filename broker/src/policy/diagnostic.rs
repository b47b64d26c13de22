//! Turns what Cedar says about a text into findings.

use crate::finding::Finding;
use miette::Diagnostic;
use std::ops::Range;
use std::path::Path;

/// A finding about the part of `text` at `place`, which Cedar was given alone: the spans of
/// `diagnostic` count from there. `hint` is for diagnostics that bring none.
pub(super) fn of_cedar(
    file: &Path,
    text: &str,
    place: &Range<usize>,
    diagnostic: &dyn Diagnostic,
    hint: &str,
) -> Finding {
    let label = diagnostic.labels().and_then(|mut labels| labels.next());
    let span = label.map_or_else(
        || place.clone(),
        |label| {
            let start = (place.start + label.offset()).min(place.end);
            start..(start + label.len()).min(place.end)
        },
    );
    let mut what = diagnostic.to_string();
    // The file and the line say it already.
    if let Some((_, after)) = what
        .strip_prefix("for policy `")
        .and_then(|rest| rest.split_once("`, "))
    {
        what = after.to_owned();
    }
    let hint = match diagnostic.help() {
        Some(help) => help.to_string(),
        None => hint.to_owned(),
    };
    Finding::at(file, text, span, what, hint)
}

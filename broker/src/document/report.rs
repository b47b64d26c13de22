//! Where findings are gathered while a file is read.

use crate::finding::Finding;
use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;

/// A place in the file being read, kept to complain about it later: when another part of the
/// file turns out not to fit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place(Option<Range<usize>>);

impl Place {
    /// The file as a whole.
    pub const fn whole_file() -> Place {
        Place(None)
    }

    /// These bytes of the file.
    pub const fn at(span: Range<usize>) -> Place {
        Place(Some(span))
    }

    /// The bytes, unless it is the file as a whole.
    pub fn span(&self) -> Option<Range<usize>> {
        self.0.clone()
    }
}

/// The findings about one file so far.
#[derive(Debug)]
pub struct Report<'t> {
    file: &'t Path,
    text: &'t str,
    findings: RefCell<Vec<Finding>>,
}

impl<'t> Report<'t> {
    pub(super) fn new(file: &'t Path, text: &'t str) -> Report<'t> {
        Report {
            file,
            text,
            findings: RefCell::default(),
        }
    }

    /// Adds a finding. Reading goes on.
    pub fn fault(&self, place: &Place, what: impl Into<String>, hint: impl Into<String>) {
        let finding = match place.span() {
            Some(span) => Finding::at(self.file, self.text, span, what, hint),
            None => Finding::of_file(self.file, what, hint),
        };
        self.findings.borrow_mut().push(finding);
    }

    /// Whether nothing has been found wrong yet.
    pub fn is_clean(&self) -> bool {
        self.findings.borrow().is_empty()
    }

    /// The line of a place, from 1; the file as a whole begins on line 1.
    pub fn line(&self, place: &Place) -> usize {
        self.line_of(place.0.as_ref().map_or(0, |span| span.start))
    }

    pub(super) fn line_of(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or(self.text);
        before.bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// In the order of the file, so that a person can work through it from top to bottom.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        let mut findings = self.findings.into_inner();
        findings.sort_by_key(|finding| finding.span.as_ref().map_or(0, |span| span.start));
        findings
    }
}

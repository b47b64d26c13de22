//! What is wrong with a file that a person wrote: where, what, and what to do about it.
//! Readers collect findings and report all of them at once.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One problem in one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The file as the person named it.
    pub file: PathBuf,
    /// The bytes of the file that are at fault; `None` where it is the file as a whole.
    pub span: Option<Range<usize>>,
    /// Line of the start of `span`, from 1.
    pub line: Option<usize>,
    /// What is wrong, in one sentence.
    pub what: String,
    /// What to do next.
    pub hint: String,
}

impl Finding {
    /// A problem of the file as a whole.
    pub fn of_file(file: &Path, what: impl Into<String>, hint: impl Into<String>) -> Finding {
        Finding {
            file: file.to_owned(),
            span: None,
            line: None,
            what: what.into(),
            hint: hint.into(),
        }
    }

    /// A problem at `span` of `text`, which is the content of `file`.
    pub fn at(
        file: &Path,
        text: &str,
        span: Range<usize>,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Finding {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        Finding {
            file: file.to_owned(),
            span: Some(span),
            line: Some(line),
            what: what.into(),
            hint: hint.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.what)?;
        if !self.hint.is_empty() {
            write!(f, "\n    {}", self.hint)?;
        }
        Ok(())
    }
}

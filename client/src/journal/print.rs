//! Prints lines: at once where the format allows it, else all at the end.

use super::line::Line;
use crate::failure::{Failure, Kind};
use crate::screen::{self, Format, Row as _};

/// Widths of the columns but the last of a table whose later lines nobody knows yet: they fit six
/// digits, a time, and a subject.
const LIVE_WIDTHS: [u16; 3] = [6, 12, 20];

/// Takes data; false where whoever reads has enough.
pub(super) type Out = Box<dyn FnMut(&str) -> Result<bool, Failure>>;

pub(super) struct Printer {
    format: Format,
    /// Whether lines come one by one, and there may be no end of them.
    live: bool,
    /// Whether a table shows housekeeping too.
    all: bool,
    limit: Option<u64>,
    printed: u64,
    more: bool,
    gone: bool,
    out: Out,
    pub(super) held: Vec<Line>,
}

impl Printer {
    pub(super) fn new(
        format: Format,
        live: bool,
        all: bool,
        limit: Option<u64>,
        out: Out,
    ) -> Result<Printer, Failure> {
        if live && format == Format::Json {
            return Err(Failure::new(
                Kind::Usage,
                "a journal that is followed never ends, and a JSON array must",
                "use -o jsonl with --follow",
            ));
        }
        Ok(Printer {
            format,
            live,
            all,
            limit,
            printed: 0,
            more: false,
            gone: false,
            out,
            held: Vec::new(),
        })
    }

    /// From here on there is no limit: what came before is shown.
    pub(super) fn lift(&mut self) {
        self.limit = None;
        self.more = false;
    }

    /// Whether it shows whatever it is given.
    pub(super) fn shows_all(&self) -> bool {
        self.all || self.format != Format::Table
    }

    /// Whether it has room for another line, and somebody who reads it.
    pub(super) fn wants(&self) -> bool {
        !self.more && !self.gone
    }

    /// Prints what is to be shown of these.
    pub(super) fn take(&mut self, lines: Vec<Line>) -> Result<(), Failure> {
        for line in lines {
            if !self.wants() {
                break;
            }
            if line.housekeeping && !self.shows_all() {
                continue;
            }
            if self.limit == Some(self.printed) {
                self.more = true;
                break;
            }
            self.one(line)?;
            self.printed += 1;
        }
        Ok(())
    }

    fn one(&mut self, line: Line) -> Result<(), Failure> {
        let first = self.printed == 0;
        let text = match self.format {
            Format::Table if !self.live => {
                self.held.push(line);
                return Ok(());
            }
            Format::Table => {
                let header = Line::HEADER.iter().map(|name| (*name).to_owned());
                let header = first.then(|| row(&header.collect::<Vec<_>>()));
                header.unwrap_or_default() + &row(&line.cells())
            }
            Format::Jsonl => screen::line(&line)?,
            Format::Json => {
                let text = serde_json::to_string_pretty(&line).map_err(Failure::of_program)?;
                let begun = if first { "[\n  " } else { ",\n  " };
                let text = screen::escaped(&text);
                begun.to_owned() + &text.replace('\n', "\n  ")
            }
            Format::Csv => {
                let header = if first { csv_header()? } else { String::new() };
                header + &screen::csv_line(line.fields())?
            }
        };
        self.gone = !(self.out)(&text)?;
        Ok(())
    }

    /// Whether no line was taken yet.
    pub(super) fn has_nothing(&self) -> bool {
        self.printed == 0 && self.held.is_empty()
    }

    /// Prints what is held, and what closes it. Gives whether there is more than was asked for.
    pub(super) fn end(&mut self) -> Result<bool, Failure> {
        let none = self.printed == 0;
        let text = match self.format {
            Format::Table if !self.live => {
                let lines = std::mem::take(&mut self.held);
                screen::render(self.format, &lines, screen::width())?
            }
            Format::Json => if none { "[]\n" } else { "\n]\n" }.to_owned(),
            // A header over nothing: a program finds its columns all the same.
            Format::Csv if none => csv_header()?,
            Format::Table | Format::Jsonl | Format::Csv => return Ok(self.more),
        };
        (self.out)(&text)?;
        Ok(self.more)
    }
}

fn row(cells: &[String]) -> String {
    screen::row(cells, &LIVE_WIDTHS, screen::width())
}

fn csv_header() -> Result<String, Failure> {
    screen::csv_line(Line::FIELDS.iter().map(|name| (*name).to_owned()).collect())
}

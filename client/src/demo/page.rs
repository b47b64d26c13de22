//! The text of the tour: 80 columns, and colours only for a terminal that wants them.

use std::io::{self, IsTerminal as _};

use crate::failure::Failure;
use crate::screen;

/// Columns that every terminal has.
const WIDTH: usize = 80;
/// Text of a step stands under its title, what was seen stands further in.
const INDENT: &str = "   ";
const SEEN: &str = "     ";

const BOLD: &str = "1";
const GREEN: &str = "1;32";
const RED: &str = "1;31";

/// Where the tour is told.
pub(super) struct Page {
    colour: bool,
    /// Whether the last line is one of air.
    airy: bool,
    /// What was told, where nobody should hear it on stdout.
    kept: Option<String>,
}

impl Page {
    /// On stdout.
    pub(super) fn on_stdout() -> Page {
        Page {
            colour: screen::colour(io::stdout().is_terminal()),
            airy: true,
            kept: None,
        }
    }

    /// Kept, to be looked at.
    #[cfg(test)]
    pub(super) fn kept() -> Page {
        Page {
            colour: false,
            airy: true,
            kept: Some(String::new()),
        }
    }

    /// All that was kept.
    #[cfg(test)]
    pub(super) fn text(&self) -> &str {
        self.kept.as_deref().unwrap_or_default()
    }

    /// The title of a part, with a line of air before it.
    pub(super) fn title(&mut self, text: &str) -> Result<(), Failure> {
        let text = self.painted(BOLD, text);
        self.gap()?;
        self.put(&format!("{text}\n"))
    }

    /// A paragraph from the first column.
    pub(super) fn opening(&mut self, text: &str) -> Result<(), Failure> {
        self.put(&filled("", "", text))
    }

    /// A paragraph under a title.
    pub(super) fn words(&mut self, text: &str) -> Result<(), Failure> {
        self.put(&filled(INDENT, INDENT, text))
    }

    /// A step or a part of it went as it should.
    pub(super) fn passed(&mut self, text: &str) -> Result<(), Failure> {
        self.marked(GREEN, "as expected: ", text)
    }

    /// The gateway refused, as it should; `rows` say why, by which rule, and what to do.
    pub(super) fn refused(&mut self, rows: &[(&str, String)]) -> Result<(), Failure> {
        self.gap()?;
        for (at, (word, text)) in rows.iter().enumerate() {
            let word = format!("{word:<9}");
            let hanging = format!("{SEEN}{}", " ".repeat(word.chars().count()));
            let text = filled(&format!("{SEEN}{word}"), &hanging, text);
            let painted = self.painted(RED, &word);
            // Painted after it was laid out: colours take no columns.
            let text = if at == 0 {
                text.replacen(&word, &painted, 1)
            } else {
                text
            };
            self.put(&text)?;
        }
        self.gap()
    }

    /// What was seen, in columns without a header.
    pub(super) fn seen(&mut self, rows: &[Vec<String>]) -> Result<(), Failure> {
        self.gap()?;
        for line in aligned(rows) {
            self.put(&format!("{SEEN}{line}\n"))?;
        }
        self.gap()
    }

    /// A table with a header, as wide as the page.
    pub(super) fn table(&mut self, header: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
        let width = u16::try_from(WIDTH - INDENT.len()).unwrap_or(u16::MAX);
        self.gap()?;
        for line in screen::columns(header, rows.into_iter(), Some(width)).lines() {
            let mut line = format!("{INDENT}{line}");
            for (word, paint) in [("deny:", RED), ("allow ", GREEN)] {
                line = line.replacen(word, &self.painted(paint, word), 1);
            }
            self.put(&format!("{}\n", line.trim_end()))?;
        }
        self.gap()
    }

    /// What somebody types, and what they see: lines of a screen that stands within the page.
    pub(super) fn screen(
        &mut self,
        who: &str,
        typed: &[&str],
        seen: &[String],
    ) -> Result<(), Failure> {
        self.gap()?;
        if !typed.is_empty() {
            for (at, line) in prompted(&format!("{who}$ "), typed).iter().enumerate() {
                let line = if at == 0 {
                    line.replacen(who, &self.painted(BOLD, who), 1)
                } else {
                    line.clone()
                };
                self.put(&format!("{SEEN}{line}\n"))?;
            }
        }
        for line in seen.iter().flat_map(|line| line.split('\n')) {
            for part in folded(&screen::clean(line)) {
                let part = format!("{SEEN}{part}");
                self.put(&format!("{}\n", part.trim_end()))?;
            }
        }
        self.gap()
    }

    /// Columns of a screen that stands within the page.
    pub(super) const SCREEN: usize = WIDTH - SEEN.len();

    /// Commands for another terminal: never wrapped, since they are to be copied.
    pub(super) fn commands(&mut self, lines: &[String]) -> Result<(), Failure> {
        for line in lines {
            self.put(&format!("{INDENT}{line}\n"))?;
        }
        Ok(())
    }

    /// A line of air, unless there is one.
    pub(super) fn gap(&mut self) -> Result<(), Failure> {
        if self.airy { Ok(()) } else { self.put("\n") }
    }

    fn marked(&mut self, paint: &str, word: &str, text: &str) -> Result<(), Failure> {
        let text = filled(INDENT, INDENT, &format!("{word}{text}"));
        let painted = self.painted(paint, word.trim_end());
        self.put(&text.replacen(word.trim_end(), &painted, 1))
    }

    fn painted(&self, paint: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{paint}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn put(&mut self, text: &str) -> Result<(), Failure> {
        self.airy = text == "\n";
        match &mut self.kept {
            Some(kept) => {
                kept.push_str(text);
                Ok(())
            }
            None => screen::data(text),
        }
    }
}

/// Words in lines of the page's width: the first behind `first`, the rest behind `then`.
fn filled(first: &str, then: &str, text: &str) -> String {
    let mut lines = String::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for word in screen::clean(text).split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push_str(&line);
            lines.push('\n');
            line = then.to_owned();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines + &line + "\n"
}

/// A line of a screen in lines that fit: broken at a space, and what goes on stands further in.
fn folded(line: &str) -> Vec<String> {
    let begins = line.chars().take_while(|c| *c == ' ').count();
    let mut parts = Vec::new();
    let mut rest = line.to_owned();
    while let Some((end, _)) = rest.char_indices().nth(Page::SCREEN) {
        let fits = rest.get(..=end).unwrap_or(&rest);
        let space = fits.rfind(' ').filter(|at| *at > begins + 2);
        let (part, more) = rest.split_at(space.unwrap_or(end));
        parts.push(part.to_owned());
        rest = format!("{}{}", " ".repeat(begins + 2), more.trim_start());
    }
    parts.push(rest);
    parts
}

/// A command behind a prompt, over as many lines as it takes; a shell takes it as it stands.
fn prompted(prompt: &str, typed: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = prompt.to_owned();
    let mut words = typed.iter().peekable();
    let mut empty = true;
    while let Some(word) = words.next() {
        let mut word = quoted(word);
        // An option and its value stay together.
        if let Some(value) = words.next_if(|next| word.starts_with("--") && !next.starts_with("--"))
        {
            word = format!("{word} {}", quoted(value));
        }
        if !empty && line.chars().count() + word.chars().count() + 3 > Page::SCREEN {
            lines.push(line + " \\");
            line = " ".repeat(prompt.chars().count() + 2);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(&word);
        empty = false;
    }
    lines.push(line);
    lines
}

/// As a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let word = screen::clean(word);
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=,:".contains(c);
    if word.chars().all(plain) {
        word
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Cells side by side, each column as wide as its widest cell.
fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths);
            let padded = cells.map(|(cell, width)| format!("{:width$}", screen::clean(cell)));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_to_the_page_and_loses_no_word() {
        let mut page = Page::kept();
        let text = "word ".repeat(60) + &"x".repeat(90) + " end";
        page.words(&text).unwrap();
        page.refused(&[("REFUSED", text.clone())]).unwrap();
        let long = page.text().lines().filter(|line| line.len() > WIDTH);
        // A word longer than a line stands alone.
        assert!(long.clone().count() == 2 && long.clone().all(|line| line.trim().len() == 90));
        assert_eq!(page.text().matches("word").count(), 120);
        assert_eq!(page.text().matches("end").count(), 2);
    }

    #[test]
    fn colours_take_no_columns() {
        let mut plain = Page::kept();
        let mut painted = Page::kept();
        painted.colour = true;
        for page in [&mut plain, &mut painted] {
            page.title("title").unwrap();
            page.passed(&"word ".repeat(40)).unwrap();
            page.refused(&[("REFUSED", "why ".repeat(40)), ("rule", "r".into())])
                .unwrap();
        }
        let mut bare = painted.text().to_owned();
        assert_ne!(bare, plain.text());
        for paint in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[1;31m", "\u{1b}[1;32m"] {
            bare = bare.replace(paint, "");
        }
        assert_eq!(bare, plain.text());
    }

    #[test]
    fn what_was_seen_stands_in_columns() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        assert_eq!(
            aligned(&[row(["a", "20 °C"]), row(["long", ""])]),
            ["a     20 °C", "long"]
        );
    }
}

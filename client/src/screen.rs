//! What people and scripts see: data on stdout in one of four formats, words on stderr.

use std::io::{self, IsTerminal as _, Write as _};

use clap::ValueEnum;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use serde::Serialize;

use crate::failure::Failure;

/// How data is printed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values under a header, for spreadsheets.
    Csv,
}

/// One row of data, for people and for programs.
pub(crate) trait Row: Serialize {
    /// Names of the columns.
    const HEADER: &'static [&'static str];

    /// Names of the fields in CSV.
    const FIELDS: &'static [&'static str] = Self::HEADER;

    /// The row's cells, as many as there are names.
    fn cells(&self) -> Vec<String>;

    /// The row's fields in CSV, as many as there are names for them.
    fn fields(&self) -> Vec<String> {
        self.cells()
    }
}

/// The rows in this format, ending in a line break. `width` is that of the terminal, if it is one.
pub(crate) fn render<R: Row>(
    format: Format,
    rows: &[R],
    width: Option<u16>,
) -> Result<String, Failure> {
    match format {
        Format::Table => Ok(columns(R::HEADER, rows.iter().map(Row::cells), width)),
        Format::Json => {
            let text = serde_json::to_string_pretty(rows).map_err(Failure::of_program)?;
            Ok(escaped(&text) + "\n")
        }
        Format::Jsonl => rows.iter().map(line).collect(),
        Format::Csv => {
            let header = R::FIELDS.iter().map(|name| name.to_lowercase());
            let rows = rows.iter().map(Row::fields);
            std::iter::once(header.collect())
                .chain(rows)
                .map(csv_line)
                .collect()
        }
    }
}

/// One line of CSV (RFC 4180).
pub(crate) fn csv_line(fields: Vec<String>) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(fields.iter().map(|field| inert(field)));
    written.map_err(Failure::of_program)?;
    let bytes = writer.into_inner().map_err(Failure::of_program)?;
    String::from_utf8(bytes).map_err(Failure::of_program)
}

/// A spreadsheet runs a cell that begins like a formula, and texts come from outside. Such a cell
/// gets an apostrophe in front, and so does one that begins with an apostrophe: taking one off
/// always gives the text back. A plain number needs none.
fn inert(text: &str) -> String {
    const BEGINNINGS: [char; 9] = ['=', '+', '-', '@', '\'', '＝', '＋', '－', '＠'];
    let text = clean(text).replace('\n', " ");
    let number = text.parse::<f64>().is_ok_and(f64::is_finite);
    if text.trim_start().starts_with(BEGINNINGS) && !number {
        format!("'{text}")
    } else {
        text
    }
}

/// One row as one line of JSON.
pub(crate) fn line<R: Serialize>(row: &R) -> Result<String, Failure> {
    let text = serde_json::to_string(row).map_err(Failure::of_program)?;
    Ok(escaped(&text) + "\n")
}

/// JSON that harms no terminal: what would steer one stands in strings alone, where an escape
/// means the same. JSON itself escapes no control character beyond the first thirty-two.
pub(crate) fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !steers(c) {
            escaped.push(c);
        } else {
            // All of them are below U+10000, and so need one escape.
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
    }
    escaped
}

/// Columns without borders: they can be read, and cut by other programs.
pub(crate) fn columns(
    header: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
    width: Option<u16>,
) -> String {
    let mut table = plain(width);
    table.set_header(header.iter().copied());
    for cells in rows {
        table.add_row(cells.iter().map(|cell| clean(cell)));
    }
    printed(table)
}

/// One row of a table whose later rows nobody knows yet. All columns but the last are this wide.
pub(crate) fn row(cells: &[String], widths: &[u16], width: Option<u16>) -> String {
    let mut table = plain(width);
    table.add_row(cells.iter().map(|cell| clean(cell)));
    for (column, width) in table.column_iter_mut().zip(widths) {
        let fixed = Width::Fixed(width.saturating_add(2));
        column.set_constraint(ColumnConstraint::Absolute(fixed));
    }
    printed(table)
}

fn plain(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).force_no_tty();
    if let Some(width) = width {
        table
            .set_width(width)
            .set_content_arrangement(ContentArrangement::Dynamic);
    }
    table
}

fn printed(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt() + "\n"
}

/// Texts come from the gateway and from the journal: none of them may steer a terminal, nor turn
/// round the order in which it shows what follows.
pub(crate) fn clean(text: &str) -> String {
    let shown = |c| match c {
        c if c != '\n' && steers(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}

/// The same for a text that is to be one line, whatever stands in it: another could be taken for
/// one that the program wrote itself.
pub(crate) fn one_line(text: &str) -> String {
    clean(text).replace('\n', &char::REPLACEMENT_CHARACTER.to_string())
}

/// Controls, marks that turn the direction of what follows, and ends of lines that are none in
/// ASCII.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Prints data.
pub(crate) fn data(text: &str) -> Result<(), Failure> {
    offer(text).map(drop)
}

/// Prints data; false where whoever reads has enough: `| head`.
pub(crate) fn offer(text: &str) -> Result<bool, Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written
            .map(|()| true)
            .map_err(|error| Failure::of_stdout(&error)),
    }
}

/// Prints words. That nobody can read them is no reason to stop.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", clean(text));
}

/// As [`say`], with the first word set off where the terminal can do that.
pub(crate) fn say_loud(word: &str, text: &str) {
    let word = clean(word);
    let text = clean(text);
    let mut stderr = io::stderr().lock();
    let _ = if colour(stderr.is_terminal()) {
        writeln!(stderr, "\u{1b}[1;31m{word}\u{1b}[0m {text}")
    } else {
        writeln!(stderr, "{word} {text}")
    };
}

/// Whether to colour what goes to a terminal: <https://no-color.org>.
pub(crate) fn colour(is_terminal: bool) -> bool {
    is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Columns of the terminal that stdout is; `None` where it is none.
pub(crate) fn width() -> Option<u16> {
    if io::stdout().is_terminal() {
        Table::new().width()
    } else {
        None
    }
}

/// Where a line goes on that is longer than the screen.
const GO_ON_INDENT: usize = 10;

/// A line that goes on indented where the screen ends, at a space if there is one.
pub(crate) fn wrapped(line: &str, width: Option<u16>) -> String {
    let Some(width) = width
        .map(usize::from)
        .filter(|width| *width > 2 * GO_ON_INDENT)
    else {
        return format!("{line}\n");
    };
    let mut rest = line;
    let mut text = String::new();
    let mut indent = 0;
    loop {
        let room = width - indent;
        text.extend(std::iter::repeat_n(' ', indent));
        let Some((end, _)) = rest.char_indices().nth(room) else {
            text.push_str(rest);
            text.push('\n');
            return text;
        };
        let (fits, _) = rest.split_at(end);
        // A space right behind what fits is a good place as well.
        let space = match rest.get(end..).is_some_and(|more| more.starts_with(' ')) {
            true => Some(end),
            false => fits.rfind(' ').filter(|at| !fits[..*at].trim().is_empty()),
        };
        let (now, later) = rest.split_at(space.unwrap_or(end));
        text.push_str(now.trim_end());
        text.push('\n');
        rest = later.trim_start();
        indent = GO_ON_INDENT;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Pump {
        name: &'static str,
        speed_rpm: u16,
    }

    impl Row for Pump {
        const HEADER: &'static [&'static str] = &["PUMP", "SPEED"];

        fn cells(&self) -> Vec<String> {
            vec![self.name.into(), format!("{} rpm", self.speed_rpm)]
        }
    }

    const PUMPS: [Pump; 2] = [
        Pump {
            name: "intake",
            speed_rpm: 900,
        },
        Pump {
            name: "p2",
            speed_rpm: 1450,
        },
    ];

    #[test]
    fn a_table_is_plain_columns() {
        let text = render(Format::Table, &PUMPS, None).unwrap();
        let golden = "PUMP    SPEED\nintake  900 rpm\np2      1450 rpm\n";
        assert_eq!(text, golden);
    }

    #[test]
    fn a_narrow_terminal_wraps_and_loses_nothing() {
        let text = render(Format::Table, &PUMPS, Some(12)).unwrap();
        assert!(text.lines().count() > 3, "{text}");
        assert!(text.contains("1450"), "{text}");
    }

    #[test]
    fn json_is_one_array_and_jsonl_one_object_a_line() {
        let json = render(Format::Json, &PUMPS, None).unwrap();
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read[1]["speed_rpm"], 1450);
        let lines = render(Format::Jsonl, &PUMPS, None).unwrap();
        assert_eq!(
            lines,
            "{\"name\":\"intake\",\"speed_rpm\":900}\n{\"name\":\"p2\",\"speed_rpm\":1450}\n"
        );
        assert_eq!(render::<Pump>(Format::Json, &[], None).unwrap(), "[]\n");
        assert_eq!(render::<Pump>(Format::Jsonl, &[], None).unwrap(), "");
    }

    #[test]
    fn nothing_from_outside_steers_the_terminal() {
        let rows = [vec!["a\u{1b}[2Jb\rc\u{9b}".to_owned()]];
        let text = columns(&["X"], rows.into_iter(), None);
        assert!(!text.contains(['\u{1b}', '\r', '\u{9b}']), "{text:?}");
        assert_eq!(clean("two\nlines"), "two\nlines");
        assert_eq!(clean("a\u{202e}b"), "a\u{fffd}b");
        assert_eq!(one_line("a\nb"), "a\u{fffd}b");
    }

    #[test]
    fn json_steers_no_terminal_and_says_the_same() {
        #[derive(Serialize)]
        struct Said {
            text: &'static str,
        }
        let text = "a\u{9b}2J\u{7f}\u{202e}\u{2028}\n\u{1b}\u{e9}\u{1f600}";
        let line = line(&Said { text }).unwrap();
        assert_eq!(line.chars().filter(|c| steers(*c)).count(), 1, "{line:?}");
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["text"], text);
    }

    #[test]
    fn csv_comes_back_as_it_was_and_no_cell_is_a_formula() {
        let texts = [
            "=1+1",
            "+1-1",
            "-cmd|' /C calc'!A0",
            "@SUM(A1)",
            " =1",
            "'quoted",
            "＝1",
            "-5.5",
            "+7",
            "a,b",
            "say \"so\"",
            "two\nlines",
            "-inf",
            "",
        ];
        let line = csv_line(texts.map(str::to_owned).to_vec()).unwrap();
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(line.as_bytes());
        let read = reader.records().next().unwrap().unwrap();
        for (cell, text) in read.iter().zip(texts) {
            let number = cell.parse::<f64>().is_ok_and(f64::is_finite);
            let formula = cell.trim_start().starts_with(['=', '+', '-', '@', '＝']);
            assert!(!formula || number, "{cell}");
            let back = cell.strip_prefix('\'').unwrap_or(cell);
            assert_eq!(back, text.replace('\n', " "));
        }
        let csv = render(Format::Csv, &PUMPS, None).unwrap();
        assert_eq!(csv, "pump,speed\nintake,900 rpm\np2,1450 rpm\n");
    }
}

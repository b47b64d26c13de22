//! One table of the file.

use super::report::{Place, Report};
use super::similar::closest;
use super::slot::Slot;
use std::fmt::Write as _;
use toml_span::value::{Table, Value, ValueInner};

/// A table, from which a reader takes its keys one by one. Whatever is left when the reader is
/// done is reported as unknown.
pub struct Section<'r> {
    report: &'r Report<'r>,
    name: String,
    place: Place,
    table: Table<'r>,
    asked: Vec<(&'static str, Option<Place>)>,
    missing: Vec<(&'static str, String)>,
}

impl<'r> Section<'r> {
    pub(super) fn read_root<T>(
        report: &'r Report<'r>,
        mut parsed: Value<'r>,
        reader: impl FnOnce(&mut Section<'r>) -> Option<T>,
    ) -> Option<T> {
        let ValueInner::Table(table) = parsed.take() else {
            return None;
        };
        Section::read(report, String::new(), Place::whole_file(), table, reader)
    }

    pub(super) fn read<T>(
        report: &'r Report<'r>,
        name: String,
        place: Place,
        table: Table<'r>,
        reader: impl FnOnce(&mut Section<'r>) -> Option<T>,
    ) -> Option<T> {
        let mut section = Section {
            report,
            name,
            place,
            table,
            asked: Vec::new(),
            missing: Vec::new(),
        };
        let value = reader(&mut section);
        section.report_unknown_and_missing();
        value
    }

    /// A key that must be there; it is reported where it is not.
    #[must_use = "a slot does nothing until it is read as some type"]
    pub fn required(&mut self, key: &'static str) -> Slot<'r> {
        let slot = self.optional(key);
        if !slot.is_present() {
            self.missing
                .push((key, format!("add a line `{key} = ...`")));
        }
        slot
    }

    /// An array of tables, `[[key]]`, of which there must be at least one. See [`Slot::tables`].
    pub fn required_tables<T>(
        &mut self,
        key: &'static str,
        reader: impl FnMut(&mut Section<'r>) -> Option<T>,
    ) -> Vec<T> {
        let slot = self.optional(key);
        if !slot.is_present() {
            self.missing
                .push((key, format!("add at least one [[{key}]]")));
        }
        slot.tables(reader)
    }

    /// A key that may be left out.
    #[must_use = "a slot does nothing until it is read as some type"]
    pub fn optional(&mut self, key: &'static str) -> Slot<'r> {
        let value = self.table.remove(key);
        let place = value.as_ref().map(|value| Place::at(value.span.into()));
        self.asked.push((key, place.clone()));
        let place = place.unwrap_or_else(|| self.place.clone());
        Slot::new(self.report, key.to_owned(), place, value)
    }

    /// All keys not asked for yet, for tables whose keys are names of the plant and not ours, in
    /// the order of the file. The place is that of the key.
    pub fn rest(&mut self) -> Vec<(String, Place, Slot<'r>)> {
        let mut rest: Vec<_> = std::mem::take(&mut self.table).into_iter().collect();
        rest.sort_by_key(|(key, _)| key.span.start);
        rest.into_iter()
            .map(|(key, value)| {
                let name = key.name.into_owned();
                let place = Place::at(value.span.into());
                let slot = Slot::new(self.report, name.clone(), place, Some(value));
                (name, Place::at(key.span.into()), slot)
            })
            .collect()
    }

    /// Whether the key is there, without taking it.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Where the value of a key stands, or the table where it is left out.
    pub fn place_of(&self, key: &str) -> Place {
        self.asked
            .iter()
            .find(|(asked, _)| *asked == key)
            .and_then(|(_, place)| place.clone())
            .unwrap_or_else(|| self.place.clone())
    }

    /// Where the table begins.
    pub fn place(&self) -> Place {
        self.place.clone()
    }

    /// Complains about the value of a key.
    pub fn fault(&self, key: &str, what: impl Into<String>, hint: impl Into<String>) {
        self.report.fault(&self.place_of(key), what, hint);
    }

    /// Where findings go.
    pub fn report(&self) -> &'r Report<'r> {
        self.report
    }

    fn report_unknown_and_missing(self) {
        let known: Vec<&str> = self.asked.iter().map(|(key, _)| *key).collect();
        // A misspelt key is one fault, not two: where it stands for a missing one, say it once.
        let mut meant = Vec::new();
        for key in self.table.keys() {
            let absent = self.asked.iter().filter(|(_, place)| place.is_none());
            let close = closest(&key.name, absent.map(|(name, _)| *name));
            meant.extend(close);
            let hint = match close {
                Some(close) => format!("did you mean `{close}`?"),
                None if known.is_empty() => "take it out".to_owned(),
                None => format!("take it out, or use one of {}", list(&known)),
            };
            self.report.fault(
                &Place::at(key.span.into()),
                format!("`{}` is not a key of {}", key.name, self.described()),
                hint,
            );
        }
        for (key, hint) in &self.missing {
            if !meant.contains(key) {
                let what = format!("`{key}` is missing in {}", self.described());
                self.report.fault(&self.place, what, hint.as_str());
            }
        }
    }

    fn described(&self) -> String {
        if self.name.is_empty() {
            "the file".to_owned()
        } else {
            format!("`{}`", self.name)
        }
    }
}

/// `a`, `b` and `c`, for a hint.
pub(super) fn list(words: &[&str]) -> String {
    let mut text = String::new();
    for (index, word) in words.iter().enumerate() {
        let separator = match index {
            0 => "",
            _ if index + 1 == words.len() => " and ",
            _ => ", ",
        };
        // Writing to a String cannot fail.
        let _ = write!(text, "{separator}`{word}`");
    }
    text
}

//! One value of the file, waiting to be read as some type.

use super::report::{Place, Report};
use super::section::{Section, list};
use super::similar::did_you_mean;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;
use toml_span::value::{Value, ValueInner};

/// The value of one key, or of one place in an array; it may be absent. Reading it as some type
/// gives `None` where it is absent, and reports and gives `None` where it does not fit.
#[must_use = "a slot does nothing until it is read as some type"]
pub struct Slot<'r> {
    report: &'r Report<'r>,
    key: String,
    place: Place,
    value: Option<ValueInner<'r>>,
}

impl<'r> Slot<'r> {
    pub(super) fn new(
        report: &'r Report<'r>,
        key: String,
        place: Place,
        value: Option<Value<'r>>,
    ) -> Slot<'r> {
        Slot {
            report,
            key,
            place,
            value: value.map(|mut value| value.take()),
        }
    }

    /// Whether there is a value.
    pub fn is_present(&self) -> bool {
        self.value.is_some()
    }

    /// Whether the value is there and text: for keys that take either text or something else.
    pub fn is_text(&self) -> bool {
        matches!(self.value, Some(ValueInner::String(_)))
    }

    /// Whether the value is there and a table.
    pub fn is_table(&self) -> bool {
        matches!(self.value, Some(ValueInner::Table(_)))
    }

    /// Where the value stands.
    pub fn place(&self) -> Place {
        self.place.clone()
    }

    /// Any text.
    pub fn text(self) -> Option<String> {
        match self.value {
            Some(ValueInner::String(text)) => Some(text.into_owned()),
            _ => self.wrong_type("text in quotes"),
        }
    }

    /// Text that passes `check`; what `check` says is reported as the reason and the hint.
    pub fn text_as<T>(self, check: impl FnOnce(&str) -> Result<T, (String, String)>) -> Option<T> {
        let (report, place, key) = (self.report, self.place.clone(), self.key.clone());
        let text = self.text()?;
        match check(&text) {
            Ok(value) => Some(value),
            Err((why, hint)) => {
                report.fault(&place, format!("`{key}` is `{text}`: {why}"), hint);
                None
            }
        }
    }

    /// One of these words.
    pub fn word<T: Copy>(self, words: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        self.text_as(|text| {
            let found = words.iter().find(|(name, _)| *name == text);
            found.map(|(_, value)| *value).ok_or_else(|| {
                let hint = did_you_mean(text, names.iter().copied())
                    .unwrap_or_else(|| format!("the words are {}", list(&names)));
                ("that word is not known here".to_owned(), hint)
            })
        })
    }

    /// A name of the plant: `a-z`, `0-9`, `_` and `-`, at most 64, beginning with a letter or
    /// digit.
    pub fn name(self) -> Option<String> {
        self.text_as(|text| {
            if is_name(text) {
                Ok(text.to_owned())
            } else {
                Err((
                    "that is not a name".to_owned(),
                    "a name is 1 to 64 of a-z, 0-9, `_` and `-`, and begins with a letter or digit"
                        .to_owned(),
                ))
            }
        })
    }

    /// `true` or `false`.
    pub fn boolean(self) -> Option<bool> {
        match self.value {
            Some(ValueInner::Boolean(value)) => Some(value),
            _ => self.wrong_type("true or false"),
        }
    }

    /// A whole number in this range, ends included.
    pub fn integer<N>(self, range: RangeInclusive<N>) -> Option<N>
    where
        N: TryFrom<i64> + PartialOrd + std::fmt::Display,
    {
        let Some(ValueInner::Integer(value)) = self.value else {
            return self.wrong_type("a whole number");
        };
        match N::try_from(value) {
            Ok(fitting) if range.contains(&fitting) => Some(fitting),
            _ => {
                self.report.fault(
                    &self.place,
                    format!("`{}` is {value}, which is out of range", self.key),
                    format!("it goes from {} to {}", range.start(), range.end()),
                );
                None
            }
        }
    }

    /// A whole number that passes `check`; what `check` says is reported as the reason and hint.
    pub fn integer_as<T>(
        self,
        check: impl FnOnce(i64) -> Result<T, (String, String)>,
    ) -> Option<T> {
        let Some(ValueInner::Integer(value)) = self.value else {
            return self.wrong_type("a whole number");
        };
        match check(value) {
            Ok(fitting) => Some(fitting),
            Err((why, hint)) => {
                let what = format!("`{}` is {value}: {why}", self.key);
                self.report.fault(&self.place, what, hint);
                None
            }
        }
    }

    /// A number, with or without a point, in this range, ends included; never NaN or infinite.
    pub fn number(self, range: RangeInclusive<f64>) -> Option<f64> {
        let value = match self.value {
            Some(ValueInner::Float(value)) => value,
            // Beyond 2^53 a whole number would be changed silently; such a one is never meant.
            Some(ValueInner::Integer(value)) if value.unsigned_abs() <= 1 << 53 => value as f64,
            _ => return self.wrong_type("a number"),
        };
        if value.is_finite() && range.contains(&value) {
            return Some(value);
        }
        let hint = if *range.end() < f64::MAX {
            format!("it goes from {} to {}", range.start(), range.end())
        } else {
            "write a finite number".to_owned()
        };
        self.report.fault(
            &self.place,
            format!("`{}` is {value}, which is out of range", self.key),
            hint,
        );
        None
    }

    /// A time in whole milliseconds. The key should end in `_ms`.
    pub fn millis(self, range: RangeInclusive<u64>) -> Option<Duration> {
        self.integer(range).map(Duration::from_millis)
    }

    /// An IP address and a port: `127.0.0.1:502`, `[::1]:502`.
    pub fn socket_address(self) -> Option<SocketAddr> {
        self.text_as(|text| {
            text.parse().map_err(|_| {
                (
                    "that is not an IP address with a port".to_owned(),
                    "write it like 192.0.2.10:502 or [2001:db8::10]:502; a host name is not taken here"
                        .to_owned(),
                )
            })
        })
    }

    /// A host name or IP address with a port other than 0: `plc-4.plant.example:502`.
    pub fn host_and_port(self) -> Option<String> {
        self.text_as(|text| {
            if is_host_and_port(text) {
                Ok(text.to_owned())
            } else {
                Err((
                    "that is not a host with a port".to_owned(),
                    "write it like plc-4.plant.example:502, 192.0.2.10:502 or [2001:db8::10]:502"
                        .to_owned(),
                ))
            }
        })
    }

    /// An array; each element is read by `reader`. `None` where it is absent, no array, or where
    /// an element did not fit.
    pub fn list<T>(self, mut reader: impl FnMut(Slot<'r>) -> Option<T>) -> Option<Vec<T>> {
        let report = self.report;
        let key = self.key.clone();
        let Some(ValueInner::Array(elements)) = self.value else {
            return self.wrong_type("an array in [ ]");
        };
        let read: Vec<Option<T>> = elements
            .into_iter()
            .map(|element| {
                let place = Place::at(element.span.into());
                reader(Slot::new(report, key.clone(), place, Some(element)))
            })
            .collect();
        // Only now, so that every element was looked at.
        read.into_iter().collect()
    }

    /// A table, inline or with a header of its own.
    pub fn table<T>(self, reader: impl FnOnce(&mut Section<'r>) -> Option<T>) -> Option<T> {
        let Some(ValueInner::Table(table)) = self.value else {
            return self.wrong_type("a table");
        };
        let place = first_line(self.report, &self.place);
        Section::read(self.report, self.key, place, table, reader)
    }

    /// An array of tables, `[[key]]`. Tables that could not be read are left out, after their
    /// faults were reported; an absent array is empty.
    pub fn tables<T>(self, mut reader: impl FnMut(&mut Section<'r>) -> Option<T>) -> Vec<T> {
        if matches!(self.value, Some(ValueInner::Table(_))) {
            self.report.fault(
                &first_line(self.report, &self.place),
                format!(
                    "`{}` may be there several times, but is written as one table",
                    self.key
                ),
                format!("write its header with two brackets: [[{}]]", self.key),
            );
            return Vec::new();
        }
        let mut read = Vec::new();
        // Not through the Option of `list`: one bad table must not hide the good ones, which
        // are still needed to check the references to them.
        let _ = self.list(|slot| {
            read.extend(slot.table(&mut reader));
            Some(())
        });
        read
    }

    fn wrong_type<T>(self, wanted: &str) -> Option<T> {
        let found = match &self.value {
            None => return None,
            Some(ValueInner::String(_)) => "text",
            Some(ValueInner::Integer(_)) => "a whole number",
            Some(ValueInner::Float(_)) => "a number with a point",
            Some(ValueInner::Boolean(_)) => "true or false",
            Some(ValueInner::Array(_)) => "an array",
            Some(ValueInner::Table(_)) => "a table",
        };
        self.report.fault(
            &first_line(self.report, &self.place),
            format!("`{}` is {found}", self.key),
            format!("it must be {wanted}"),
        );
        None
    }
}

/// A table's place runs to its last value; the person is shown where it begins.
fn first_line(report: &Report<'_>, place: &Place) -> Place {
    let Some(span) = place.span() else {
        return Place::whole_file();
    };
    let text = report.text().get(span.clone()).unwrap_or_default();
    let length = text.find('\n').unwrap_or(text.len());
    Place::at(span.start..span.start + length)
}

/// Whether the text is a name of the plant; see [`Slot::name`].
pub fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    text.len() <= crate::limits::NAME_MAX_BYTES
        && text.bytes().all(allowed)
        && text
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
}

fn is_host_and_port(text: &str) -> bool {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return address.port() != 0;
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(allowed)
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok_and(|port| port != 0)
}

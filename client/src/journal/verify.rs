//! `interlock journal verify`.

use std::path::Path;

use interlock_broker::journal::{Verification, verify};
use serde::Serialize;

use super::unreadable;
use crate::failure::{Failure, Kind};
use crate::limits::VALUES_SHOWN_MAX;
use crate::screen::{self, Format};

pub(super) fn run(folder: &Path, format: Format) -> Result<(), Failure> {
    let found = verify(folder).map_err(|error| unreadable(folder, &error))?;
    if found.segments == 0 {
        // "Nothing is wrong with nothing" would read as a clean bill.
        return Err(Failure::new(
            Kind::Failed,
            format!("there is no journal in {}", folder.display()),
            "name the folder that edge.toml calls `directory`, usually `journal`",
        ));
    }
    let report = Report::of(&found);
    let text = match format {
        Format::Table => report.words(),
        Format::Json | Format::Jsonl => screen::line(&report)?,
        Format::Csv => {
            return Err(Failure::new(
                Kind::Usage,
                "what was found is one report, and CSV is for rows",
                "use -o json",
            ));
        }
    };
    screen::data(&text)?;
    judge(&found)
}

fn judge(found: &Verification) -> Result<(), Failure> {
    if found.is_sound() {
        return Ok(());
    }
    let stray = found.stray_outcomes.iter().min();
    let what = match (&found.damage, stray) {
        (Some(damage), _) => damage.to_string(),
        (None, Some(stray)) => format!(
            "the outcome in record {stray} belongs to no command that is open; the journal was put together by somebody else than the edge"
        ),
        (None, None) => "the journal is not sound".to_owned(),
    };
    Err(Failure::new(
        Kind::Failed,
        what,
        "keep the folder as it is, take a copy, and tell the administrator",
    ))
}

/// What was found, for people and for programs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Report {
    sound: bool,
    records: u64,
    segments: u64,
    next_sequence: u64,
    torn_bytes: u64,
    open_intents: Vec<u64>,
    stray_outcomes: Vec<u64>,
    first_bad_sequence: Option<u64>,
}

impl Report {
    fn of(found: &Verification) -> Report {
        let damaged = found.damage.as_ref().map(|damage| damage.sequence);
        let stray = found.stray_outcomes.iter().min().copied();
        Report {
            sound: found.is_sound(),
            records: found.records,
            segments: found.segments,
            next_sequence: found.next_sequence,
            torn_bytes: found.torn_bytes,
            open_intents: found.open_intents.clone(),
            stray_outcomes: found.stray_outcomes.clone(),
            first_bad_sequence: damaged.into_iter().chain(stray).min(),
        }
    }

    fn words(&self) -> String {
        let mut lines = vec![format!(
            "{} in {}; the next would be number {}",
            many(self.records, "record"),
            many(self.segments, "segment"),
            self.next_sequence
        )];
        if !self.open_intents.is_empty() {
            lines.push(format!(
                "open, without an outcome yet: {} (in flight, or the edge has not been started since it was cut off)",
                some_of(&self.open_intents)
            ));
        }
        if self.torn_bytes > 0 {
            lines.push(format!(
                "{} behind the last record: being written just now, or cut off by a power cut",
                many(self.torn_bytes, "byte")
            ));
        }
        if !self.stray_outcomes.is_empty() {
            lines.push(format!(
                "outcomes of no open command: {}",
                some_of(&self.stray_outcomes)
            ));
        }
        lines.push(match self.first_bad_sequence {
            Some(bad) => format!("NOT SOUND: the first bad record is number {bad}"),
            None => "sound: every record reads, is in its place, and every command has at most one outcome".to_owned(),
        });
        lines.join("\n") + "\n"
    }
}

fn many(count: u64, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

fn some_of(sequences: &[u64]) -> String {
    let shown: Vec<String> = sequences
        .iter()
        .take(VALUES_SHOWN_MAX)
        .map(u64::to_string)
        .collect();
    match sequences.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use interlock_broker::journal::Damage;

    fn sound() -> Verification {
        Verification {
            segments: 1,
            records: 7,
            next_sequence: 8,
            ..Verification::default()
        }
    }

    #[test]
    fn a_sound_journal_is_said_to_be_sound() {
        let golden = "\
7 records in 1 segment; the next would be number 8
sound: every record reads, is in its place, and every command has at most one outcome
";
        assert_eq!(Report::of(&sound()).words(), golden);
        assert_eq!(judge(&sound()), Ok(()));
    }

    #[test]
    fn open_commands_and_a_torn_tail_are_told_and_are_no_damage() {
        let found = Verification {
            open_intents: (1..=10).collect(),
            torn_bytes: 1,
            ..sound()
        };
        let words = Report::of(&found).words();
        assert!(words.contains("7, 8 and 2 more"), "{words}");
        assert!(words.contains("1 byte behind"), "{words}");
        assert_eq!(judge(&found), Ok(()));
    }

    #[test]
    fn the_first_bad_sequence_is_named_and_the_exit_code_is_1() {
        let damaged = Verification {
            damage: Some(Damage {
                segment: 1,
                offset: 512,
                sequence: 5,
                what: "the checksum is wrong".into(),
            }),
            ..sound()
        };
        let words = Report::of(&damaged).words();
        assert!(words.ends_with("NOT SOUND: the first bad record is number 5\n"));
        let failure = judge(&damaged).unwrap_err();
        assert_eq!(failure.kind(), Kind::Failed);
        assert!(failure.what().contains("record 5"), "{failure}");
        let stray = Verification {
            stray_outcomes: vec![6, 3],
            ..sound()
        };
        assert!(judge(&stray).unwrap_err().what().contains("record 3"));
        assert_eq!(Report::of(&stray).first_bad_sequence, Some(3));
    }
}

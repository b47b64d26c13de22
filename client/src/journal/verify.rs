//! `interlock journal verify`.

use std::path::{Path, PathBuf};

use clap::Args;
use interlock_broker::journal::Verification;
use interlock_broker::journal::tree::{Against, SignedCheckpoint, VerifierKey, verify_against};
use serde::Serialize;

use super::progress;
use super::unreadable;
use crate::failure::{Failure, Kind};
use crate::limits::VALUES_SHOWN_MAX;
use crate::screen::{self, Format};

/// Check that a whole journal is what the gateway wrote: nothing changed, removed or added
///
/// Works on a copy of the folder and on any machine. Every record is read and hashed; the tree over
/// them, its files and every signed checkpoint in the journal are held against the records, and
/// each signing key against the one before it. Ends with exit code 1 where the journal is not what
/// was written, and names the first record that is bad.
///
/// What this cannot show: records behind the last checkpoint can be cut off without a trace, and a
/// gateway that was taken over can sign whatever it likes from then on. A checkpoint kept elsewhere
/// (--checkpoint), a witness and the copies of the sinks are for that.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Folder of the journal
    #[arg(value_name = "DIR")]
    pub(super) folder: PathBuf,
    /// The gateway's public key: its text, or a file with it (keys/journal.vkey of the site). Take
    /// it from a place that whoever could change the journal cannot reach
    #[arg(long)]
    pub(super) key: Option<String>,
    /// A checkpoint of this journal that was kept elsewhere: the journal must be a continuation of it
    #[arg(long, value_name = "FILE")]
    pub(super) checkpoint: Option<PathBuf>,
}

pub(super) fn run(asked: &Verify, format: Format) -> Result<(), Failure> {
    let folder = &asked.folder;
    let against = Against {
        key: asked.key.as_deref().map(key).transpose()?,
        checkpoint: asked.checkpoint.as_deref().map(checkpoint).transpose()?,
    };
    let bar = progress::bytes("reading");
    let found = verify_against(folder, against, &mut |done, all| {
        progress::show(&bar, done, all)
    });
    bar.finish_and_clear();
    let found = found.map_err(|error| unreadable(folder, &error))?;
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
        Format::Csv => return Err(no_rows()),
    };
    screen::data(&text)?;
    judge(&found)
}

/// One report has no rows.
pub(super) fn no_rows() -> Failure {
    Failure::new(
        Kind::Usage,
        "what was found is one report, and CSV is for rows",
        "use -o json",
    )
}

/// The key that is meant: its text, or that in a file.
pub(super) fn key(text: &str) -> Result<VerifierKey, Failure> {
    let path = Path::new(text);
    let text = if path.is_file() {
        read(path)?
    } else {
        text.to_owned()
    };
    VerifierKey::parse(&text).map_err(|error| {
        Failure::new(
            Kind::Configuration,
            error.to_string(),
            "give the text of keys/journal.vkey from the gateway's site, or the path of that file",
        )
    })
}

/// The signed checkpoint in a file.
pub(super) fn checkpoint(path: &Path) -> Result<SignedCheckpoint, Failure> {
    SignedCheckpoint::parse(&read(path)?).map_err(|error| {
        Failure::new(
            Kind::Configuration,
            format!("{}: {error}", path.display()),
            "name a copy of the file `checkpoint` from a journal's folder",
        )
    })
}

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::new(
            Kind::Configuration,
            format!("{} cannot be read: {error}", path.display()),
            "",
        )
    })
}

fn judge(found: &Verification) -> Result<(), Failure> {
    let Some(bad) = found.first_bad() else {
        return Ok(());
    };
    let fault = found.faults.iter().find(|fault| fault.sequence == bad);
    let damage = found
        .damage
        .as_ref()
        .filter(|damage| damage.sequence == bad);
    let what = match (damage, fault) {
        (Some(damage), _) => damage.to_string(),
        (None, Some(fault)) => format!("record {bad}: {}", screen::clean(&fault.what)),
        (None, None) => format!(
            "the outcome in record {bad} belongs to no command that is open; the journal was put together by somebody else than the edge"
        ),
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
    faults: Vec<FaultLine>,
    /// Whether signatures were held against a key that was given.
    key_known: bool,
    removed_through: u64,
    checkpoints: u64,
    /// Records under the last checkpoint that holds.
    checkpoint_size: Option<u64>,
    root: Option<String>,
    /// Records behind it.
    exposed: u64,
    epochs: u64,
    silent_epochs: Vec<u64>,
    keyless_checkpoints: u64,
    accepted: Vec<u64>,
}

/// One thing that is not as it must be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct FaultLine {
    sequence: u64,
    what: String,
}

impl Report {
    fn of(found: &Verification) -> Report {
        let faults = found.faults.iter().map(|fault| FaultLine {
            sequence: fault.sequence,
            what: fault.what.clone(),
        });
        let last = found.last_checkpoint.as_ref();
        Report {
            sound: found.is_sound(),
            records: found.records,
            segments: found.segments,
            next_sequence: found.next_sequence,
            torn_bytes: found.torn_bytes,
            open_intents: found.open_intents.clone(),
            stray_outcomes: found.stray_outcomes.clone(),
            first_bad_sequence: found.first_bad(),
            faults: faults.collect(),
            key_known: found.key_known,
            removed_through: found.removed_through,
            checkpoints: found.checkpoints,
            checkpoint_size: last.map(|last| last.size),
            root: found.root.map(|root| root.to_string()),
            exposed: found.exposed,
            epochs: found.epochs,
            silent_epochs: found.silent_epochs.clone(),
            keyless_checkpoints: found.keyless_checkpoints,
            accepted: found.accepted.clone(),
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
        self.signatures(&mut lines);
        lines.extend(
            self.faults
                .iter()
                .take(VALUES_SHOWN_MAX)
                .map(|fault| format!("record {}: {}", fault.sequence, screen::clean(&fault.what))),
        );
        lines.push(match self.first_bad_sequence {
            Some(bad) => format!("NOT SOUND: the first bad record is number {bad}"),
            None => "sound: every record is whole and in its place, and every command has at most one outcome".to_owned(),
        });
        lines.join("\n") + "\n"
    }

    /// What signatures show, and what they do not.
    fn signatures(&self, lines: &mut Vec<String>) {
        if self.removed_through > 0 {
            lines.push(format!(
                "records through {} were removed, as a record says; their hashes count on",
                self.removed_through
            ));
        }
        match self.checkpoint_size {
            Some(size) => lines.push(format!(
                "{} {}; the last covers {size} records, {} behind it could be cut off without a trace",
                many(self.checkpoints, "recorded checkpoint"),
                if self.checkpoints == 1 { "holds" } else { "hold" },
                many(self.exposed, "record")
            )),
            None => lines.push(
                "nothing is signed: the journal is held against itself alone".to_owned(),
            ),
        }
        if self.checkpoint_size.is_some() && !self.key_known {
            lines.push(
                "signatures not checked against a known key: whoever wrote this journal may have signed it too (--key)".to_owned(),
            );
        }
        if self.epochs > 0 {
            lines.push(format!(
                "{}, each named by the one before it",
                many(self.epochs, "signing key")
            ));
        }
        if !self.silent_epochs.is_empty() {
            lines.push(format!(
                "no checkpoint by the keys of epochs {}: the gateway stopped at once, or they were taken out; compare with the sinks",
                some_of(&self.silent_epochs)
            ));
        }
        if self.keyless_checkpoints > 0 {
            lines.push(format!(
                "{} by a key whose record was removed: the gateway's signature alone was checked",
                many(self.keyless_checkpoints, "checkpoint")
            ));
        }
        if !self.accepted.is_empty() {
            lines.push(format!(
                "an administrator accepted that the journal was behind: records {}",
                some_of(&self.accepted)
            ));
        }
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
    use interlock_broker::journal::tree::{Checkpoint, Fault, Hash};

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
nothing is signed: the journal is held against itself alone
sound: every record is whole and in its place, and every command has at most one outcome
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

    #[test]
    fn what_signatures_show_is_told_with_what_they_do_not() {
        let found = Verification {
            epochs: 2,
            silent_epochs: vec![1],
            checkpoints: 3,
            exposed: 1,
            accepted: vec![4],
            last_checkpoint: Some(Checkpoint {
                origin: "riverside/gateway/gateway-1".into(),
                size: 6,
                root: Hash::empty(),
            }),
            ..sound()
        };
        let golden = "\
7 records in 1 segment; the next would be number 8
3 recorded checkpoints hold; the last covers 6 records, 1 record behind it could be cut off without a trace
signatures not checked against a known key: whoever wrote this journal may have signed it too (--key)
2 signing keys, each named by the one before it
no checkpoint by the keys of epochs 1: the gateway stopped at once, or they were taken out; compare with the sinks
an administrator accepted that the journal was behind: records 4
sound: every record is whole and in its place, and every command has at most one outcome
";
        assert_eq!(Report::of(&found).words(), golden);
        let known = Verification {
            key_known: true,
            ..found
        };
        assert!(!Report::of(&known).words().contains("known key"));
    }

    #[test]
    fn a_fault_is_told_with_its_record() {
        let found = Verification {
            faults: vec![Fault {
                sequence: 3,
                what: "the file tile/0/000 does not match the records".into(),
            }],
            ..sound()
        };
        let failure = judge(&found).unwrap_err();
        assert_eq!(failure.kind(), Kind::Failed);
        assert!(failure.what().starts_with("record 3: the file tile/0/000"));
        let words = Report::of(&found).words();
        assert!(
            words.ends_with("NOT SOUND: the first bad record is number 3\n"),
            "{words}"
        );
    }

    #[test]
    fn a_key_is_its_text_or_a_file_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let key = VerifierKey::new("riverside/gateway/gateway-1", [3; 32]);
        let path = folder.path().join("journal.vkey");
        std::fs::write(&path, format!("{key}\n")).unwrap();
        assert_eq!(super::key(&key.to_string()), Ok(key.clone()));
        assert_eq!(super::key(path.to_str().unwrap()), Ok(key));
        let failure = super::key("nowhere").unwrap_err();
        assert_eq!(failure.kind(), Kind::Configuration);
        let failure = checkpoint(&path).unwrap_err();
        assert!(failure.what().contains("no signed checkpoint"), "{failure}");
    }
}

//! A folder, read in both directions, filtered, and followed while it is written.

use std::path::Path;
use std::sync::{Arc, Mutex};

use interlock_broker::index::matches;
use interlock_broker::journal::Unrecordable;
use interlock_protocols::conduit::JournalQuery;
use tokio::sync::oneshot;

use super::super::show::{Show, Verdict};
use super::super::verify::Verify;
use super::*;

/// What was printed so far.
#[derive(Clone, Default)]
pub(super) struct Paper(Arc<Mutex<String>>);

impl Paper {
    pub(super) fn out(&self) -> super::super::print::Out {
        let paper = self.clone();
        Box::new(move |text| {
            paper.0.lock().unwrap().push_str(text);
            Ok(true)
        })
    }

    pub(super) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    /// The sequences of JSON lines, as they were printed.
    pub(super) fn sequences(&self) -> Vec<u64> {
        let line = |line: &str| -> serde_json::Value { serde_json::from_str(line).unwrap() };
        let text = self.text();
        let sequences = text.lines().map(|text| line(text)["sequence"].as_u64());
        sequences.map(Option::unwrap).collect()
    }
}

fn written(folder: &Path, events: Vec<Event>) -> Journal {
    let storage = Box::new(Directory::open(folder).unwrap());
    let (journal, _) = Journal::open(storage, Options::default(), START_MS).unwrap();
    for event in events {
        // The queue is short, and a journal takes its time.
        while let Err(error) = journal.append(START_MS, event.clone()) {
            assert!(matches!(error, Unrecordable::Full), "{error}");
            std::thread::yield_now();
        }
    }
    journal
}

/// The sequences shown, and whether there are more.
fn shown(folder: &Path, show: &Show) -> (Vec<u64>, bool) {
    let paper = Paper::default();
    let mut listing = show.listing(Format::Jsonl, START_MS, paper.out()).unwrap();
    listing.of_folder(folder).unwrap();
    let more = listing.end().unwrap();
    (paper.sequences(), more)
}

#[test]
fn a_folder_is_shown_newest_first_filtered_and_limited() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), events()).close();
    let all = Show::default();
    let (sequences, more) = shown(folder.path(), &all);
    // 6, 7 and 12 are in the lines of their commands.
    let expected: Vec<u64> = (1..=22).filter(|n| ![6, 7, 12].contains(n)).collect();
    let newest_first: Vec<u64> = expected.iter().rev().copied().collect();
    assert_eq!((sequences, more), (newest_first, false));
    let oldest_first = Show {
        oldest_first: true,
        ..all.clone()
    };
    assert_eq!(shown(folder.path(), &oldest_first).0, expected);
    let from = Show {
        from: 6,
        ..oldest_first.clone()
    };
    assert_eq!(shown(folder.path(), &from).0[..4], [8, 9, 10, 11]);
    let from = Show {
        from: 6,
        ..all.clone()
    };
    let (sequences, _) = shown(folder.path(), &from);
    assert_eq!(sequences[sequences.len() - 4..], [11, 10, 9, 8]);
    let limited = Show {
        limit: Some(2),
        device: Some("mixer".into()),
        ..all
    };
    assert_eq!(shown(folder.path(), &limited), (vec![14, 11], true));
    let limited = Show {
        oldest_first: true,
        ..limited
    };
    assert_eq!(shown(folder.path(), &limited), (vec![4, 5], true));
}

#[test]
fn each_filter_chooses_its_records() {
    let text = |text: &str| Some(text.to_owned());
    let none = Show::default();
    let commands = vec![4, 5, 11, 14];
    let of_mixer = vec![4, 5, 8, 9, 10, 11, 14];
    let of_olga = vec![3, 4, 5, 8, 9, 10, 11, 13, 14, 15, 20];
    for (show, expected) in [
        (
            Show {
                device: text("mixer"),
                ..none.clone()
            },
            of_mixer,
        ),
        (
            Show {
                device: text("mix"),
                ..none.clone()
            },
            vec![],
        ),
        (
            Show {
                subject: text("person/olga"),
                ..none.clone()
            },
            of_olga.clone(),
        ),
        (
            Show {
                subject: text(SUBJECT),
                ..none.clone()
            },
            of_olga.clone(),
        ),
        (
            Show {
                subject: text("person/ol"),
                ..none.clone()
            },
            vec![],
        ),
        (
            Show {
                subject: text("edge"),
                ..none.clone()
            },
            vec![2],
        ),
        (
            Show {
                session: Some(2),
                ..none.clone()
            },
            of_olga,
        ),
        (
            Show {
                session: Some(3),
                ..none.clone()
            },
            vec![],
        ),
        (
            Show {
                point: text("speed_setpoint"),
                ..none.clone()
            },
            vec![4, 5, 8, 11, 14],
        ),
        (
            Show {
                point: text("speed"),
                ..none.clone()
            },
            vec![],
        ),
        (
            Show {
                function: text("6"),
                ..none.clone()
            },
            vec![4, 5, 8, 9, 11, 14],
        ),
        (
            Show {
                function: text("read-holding-registers"),
                ..none.clone()
            },
            vec![10],
        ),
        (
            Show {
                decision: Some(Verdict::Deny),
                ..none.clone()
            },
            vec![8, 9],
        ),
        (
            Show {
                decision: Some(Verdict::Allow),
                ..none.clone()
            },
            vec![4, 5, 10, 11, 14],
        ),
        (
            Show {
                decision: Some(Verdict::Allow),
                function: text("6"),
                ..none.clone()
            },
            commands,
        ),
        (
            Show {
                since: text("2023-11-14T22:13:20.021Z"),
                ..none.clone()
            },
            vec![21, 22],
        ),
        (
            Show {
                since: text("2023-11-14T22:13:20.002Z"),
                until: text("2023-11-14T22:13:20.004Z"),
                ..none.clone()
            },
            vec![2, 3],
        ),
    ] {
        let query = show.query(START_MS, &TimeZone::UTC).unwrap();
        let records = records();
        let chosen = records.iter().filter(|record| matches(record, &query));
        let chosen: Vec<u64> = chosen.map(|record| record.sequence).collect();
        assert_eq!(chosen, expected, "{show:?}");
    }
    let wrong = Show {
        since: text("soon"),
        ..none
    };
    assert_eq!(
        wrong.query(0, &TimeZone::UTC).unwrap_err().kind(),
        Kind::Usage
    );
    assert!(matches(&records()[0], &JournalQuery::default()));
}

/// Commands whose outcome is in a later window than they are.
#[test]
fn a_long_journal_is_shown_from_its_end_window_by_window() {
    let folder = tempfile::tempdir().unwrap();
    let window = crate::limits::WINDOW_RECORDS;
    let count = 2 * window + 100;
    let mut events = Vec::new();
    for sequence in 1..=count {
        // The second record from the end of each window is a command, whose outcome is five later.
        let place = (count - sequence) % window;
        events.push(if place == window - 3 {
            outcome(
                sequence - 5,
                CommandResult::Withheld {
                    reason: "late".into(),
                },
            )
        } else if place == 2 {
            intent(1, 900)
        } else {
            Event::EdgeStopped(EdgeStopped {
                gateway: "g".into(),
            })
        });
    }
    let open = count - 2;
    written(folder.path(), events).close();
    let paper = Paper::default();
    let show = Show {
        device: Some("mixer".into()),
        ..Show::default()
    };
    let mut listing = show.listing(Format::Jsonl, START_MS, paper.out()).unwrap();
    listing.of_folder(folder.path()).unwrap();
    assert_eq!(paper.sequences(), [open, open - window, open - 2 * window]);
    let text = paper.text();
    let outcomes: Vec<bool> = text.lines().map(|line| line.contains("WITHHELD")).collect();
    assert_eq!(outcomes, [false, true, true]);
    let all = Show::default();
    let (sequences, _) = shown(folder.path(), &all);
    assert_eq!(u64::try_from(sequences.len()).unwrap(), count - 2);
    assert!(sequences.is_sorted_by(|a, b| a > b));
}

#[test]
fn a_damaged_journal_is_shown_up_to_the_damage_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let journal = written(folder.path(), events());
    journal.close();
    let files = std::fs::read_dir(folder.path())
        .unwrap()
        .map(Result::unwrap);
    let file = files.map(|entry| entry.path()).min().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    let name = b"goodbye";
    let at = bytes
        .windows(name.len())
        .position(|part| part == name)
        .unwrap();
    bytes[at] = b'G';
    std::fs::write(&file, bytes).unwrap();
    for oldest_first in [true, false] {
        let paper = Paper::default();
        let show = Show {
            oldest_first,
            ..Show::default()
        };
        let mut listing = show.listing(Format::Jsonl, START_MS, paper.out()).unwrap();
        let failure = listing.of_folder(folder.path()).unwrap_err();
        assert_eq!(failure.kind(), Kind::Failed);
        assert!(failure.what().contains("record 15"), "{failure}");
        let mut sequences = paper.sequences();
        sequences.sort_unstable();
        assert_eq!(sequences, [1, 2, 3, 4, 5, 8, 9, 10, 11, 13, 14]);
    }
}

#[test]
fn a_table_hides_housekeeping_and_counts_what_it_shows() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), events()).close();
    for (all, limit, lines) in [(false, 3, 3), (true, 4, 4)] {
        let paper = Paper::default();
        let show = Show {
            all,
            limit: Some(limit),
            ..Show::default()
        };
        let mut listing = show.listing(Format::Table, START_MS, paper.out()).unwrap();
        listing.of_folder(folder.path()).unwrap();
        assert!(listing.end().unwrap(), "there are more");
        let text = paper.text();
        assert_eq!(text.contains("sink fleet has acknowledged"), all, "{text}");
        let begun = text.lines().filter(|line| !line.starts_with(' ')).count();
        assert_eq!(begun, lines + 1, "{text}");
    }
}

/// Follows; writes; ends. What is open when it is first shown gets its outcome later.
#[tokio::test]
async fn a_folder_is_followed_until_ctrl_c() {
    let folder = tempfile::tempdir().unwrap();
    let journal = written(folder.path(), events());
    journal.commit(START_MS, denial()).unwrap().await.unwrap();
    let paper = Paper::default();
    let show = Show {
        follow: true,
        limit: Some(3),
        device: Some("mixer".into()),
        ..Show::default()
    };
    let mut listing = show.listing(Format::Jsonl, START_MS, paper.out()).unwrap();
    let (press, pressed) = oneshot::channel();
    let follow = listing.follow_folder(folder.path(), || pressed);
    let write = async {
        let until = async |count: usize| {
            while paper.sequences().len() < count {
                tokio::task::yield_now().await;
            }
        };
        until(3).await;
        let done = CommandResult::Answered { pdu: vec![6] };
        journal.append(START_MS, outcome(14, done)).unwrap();
        journal.commit(START_MS, denial()).unwrap().await.unwrap();
        until(5).await;
        press.send(()).unwrap();
    };
    let (ended, ()) = tokio::join!(follow, write);
    ended.unwrap();
    assert_eq!(listing.end(), Ok(false));
    assert_eq!(paper.sequences(), [11, 14, 23, 24, 25]);
    assert!(paper.text().contains("outcome of 14"), "{}", paper.text());
}

#[test]
fn what_is_followed_is_no_json_array() {
    let show = Show {
        follow: true,
        ..Show::default()
    };
    let Err(failure) = show.listing(Format::Json, 0, Paper::default().out()) else {
        panic!("it was accepted");
    };
    assert_eq!(failure.kind(), Kind::Usage);
}

#[test]
fn an_array_comes_piece_by_piece_and_is_one() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), events()).close();
    for (device, count) in [(None, 19), (Some("pump".to_owned()), 0)] {
        let paper = Paper::default();
        let show = Show {
            device,
            ..Show::default()
        };
        let mut listing = show.listing(Format::Json, START_MS, paper.out()).unwrap();
        listing.of_folder(folder.path()).unwrap();
        listing.end().unwrap();
        let array: Vec<serde_json::Value> = serde_json::from_str(&paper.text()).unwrap();
        assert_eq!(array.len(), count);
    }
    let nowhere = folder.path().join("none");
    let failure = verify::run(&whole(&nowhere), Format::Table).unwrap_err();
    assert_eq!(failure.kind(), Kind::Configuration);
    // Among the samples is a checkpoint that nobody signed.
    let failure = verify::run(&whole(folder.path()), Format::Json).unwrap_err();
    assert!(failure.what().contains("no signed checkpoint"), "{failure}");
}

/// A verification of all of it, held against nothing from elsewhere.
fn whole(folder: &Path) -> Verify {
    Verify {
        folder: folder.to_owned(),
        key: None,
        checkpoint: None,
    }
}

//! A journal to forward, written as an edge writes it.

use interlock_broker::journal::{Directory, Follower, Journal, Line, Options, Pending};
use interlock_protocols::record::{Ahead, Event, JournalAccepted, SessionEnded};
use std::path::{Path, PathBuf};

/// A journal in a folder.
pub(crate) struct Log {
    pub(crate) dir: PathBuf,
    pub(crate) journal: Journal,
}

impl Log {
    /// Opens the journal in `dir`, which need not be there yet.
    pub(crate) fn open(dir: &Path) -> Log {
        #[allow(clippy::needless_update, reason = "what else there is stays as it is")]
        let options = Options {
            // Small, so that a drain goes through several.
            segment_bytes: 1 << 20,
            ..Options::default()
        };
        let storage = Directory::open(dir).unwrap();
        let (journal, _) = Journal::open(Box::new(storage), options, 1).unwrap();
        Log {
            dir: dir.to_owned(),
            journal,
        }
    }

    /// Records `count` more, each with `mark` in it; the last sequence.
    pub(crate) async fn write(&self, count: u64, mark: &str) -> u64 {
        let mut last = *self.journal.durable().borrow();
        for number in 1..=count {
            // Every so often one that is waited for: the queue has its bounds.
            if number % 500 == 0 || number == count {
                let pending = self.commit(number, mark);
                last = pending.sequence();
                pending.await.unwrap();
            } else {
                self.journal.append(2, event(number, mark)).unwrap();
            }
        }
        last
    }

    /// Records one that can be waited for.
    pub(crate) fn commit(&self, number: u64, mark: &str) -> Pending {
        self.journal.commit(2, event(number, mark)).unwrap()
    }

    /// An administrator accepts that the journal is behind.
    pub(crate) async fn accept(&self, sink: &str, through: u64, lineage: [u8; 8]) {
        let accepted = Event::JournalAccepted(JournalAccepted {
            session: 1,
            subject: "interlock://site/person/admin".to_owned(),
            reason: "restored from a copy".to_owned(),
            ahead: vec![Ahead {
                what: format!("sink {sink}"),
                through,
            }],
            lineage,
        });
        self.journal.commit(3, accepted).unwrap().await.unwrap();
    }

    /// All records up to `through`.
    pub(crate) fn lines(&self, through: u64) -> Vec<Line> {
        let mut follower = Follower::new(&self.dir, 1).unwrap();
        let mut lines = Vec::new();
        loop {
            let more = follower.read(through, 1_000).unwrap();
            if more.is_empty() {
                return lines;
            }
            lines.extend(more);
        }
    }

    /// Copies the folder as it is, as a backup would.
    pub(crate) fn copy_to(&self, dir: &Path) {
        std::fs::create_dir_all(dir).unwrap();
        for entry in std::fs::read_dir(&self.dir).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                std::fs::copy(entry.path(), dir.join(entry.file_name())).unwrap();
            }
        }
    }
}

/// Copies a folder with all that is in it.
pub(crate) fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}

fn event(number: u64, mark: &str) -> Event {
    Event::SessionEnded(SessionEnded {
        session: number,
        subject: "interlock://site/person/somebody".to_owned(),
        reason: format!(
            "{mark}: a text about as long as that of a command with its points and rule"
        ),
    })
}

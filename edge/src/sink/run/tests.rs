//! The life of a sink with another side that does as it is told.

use std::path::Path;
use std::sync::{Arc, Mutex};

use interlock_broker::clock::Clock;
use interlock_broker::journal::{Directory, Journal, Memory, Options, Storage};
use interlock_protocols::record::{
    Ahead, Checkpointed, Event, JournalAccepted, Record, SessionEnded,
};
use tokio::task::JoinHandle;

use super::*;
use crate::config::{SinkKind, SinkTls};
use crate::sink::{Cursors, MemoryCursors, Transport};

const SINK: &str = "siem";
const PATIENCE: Duration = Duration::from_secs(20);

/// The other side.
#[derive(Clone, Default)]
struct Other {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// What it says that it has.
    has: Option<Has>,
    /// Records that it takes at once.
    step: Option<usize>,
    /// Deliveries after which it breaks the connection, each time.
    breaks_after: Option<usize>,
    deliveries: usize,
    connections: usize,
    /// It takes records and says nothing.
    is_mute: bool,
    /// First and last of all that was sent, acknowledged or not.
    offered: Vec<(u64, u64)>,
    acknowledged: Vec<u64>,
    lineages: Vec<[u8; 8]>,
}

impl Transport for Other {
    async fn connect(&mut self, _shelf: &Shelf) -> Result<Has, SinkError> {
        let mut seen = self.seen.lock().unwrap();
        seen.connections += 1;
        Ok(seen.has.unwrap_or(Has::Unsaid))
    }

    fn accepted(&mut self, lineage: [u8; 8]) {
        self.seen.lock().unwrap().lineages.push(lineage);
    }

    async fn deliver(&mut self, lines: &[Line]) -> Result<u64, SinkError> {
        let is_mute = {
            let mut seen = self.seen.lock().unwrap();
            let ends = (lines.first().unwrap(), lines.last().unwrap());
            seen.offered.push((ends.0.sequence, ends.1.sequence));
            seen.deliveries += 1;
            if seen.breaks_after.is_some_and(|most| seen.deliveries > most) {
                seen.deliveries = 0;
                return Err(SinkError::Unreachable("it broke".to_owned()));
            }
            seen.is_mute
        };
        if is_mute {
            std::future::pending::<()>().await;
        }
        let mut seen = self.seen.lock().unwrap();
        let taken = &lines[..seen.step.unwrap_or(lines.len()).min(lines.len())];
        seen.acknowledged
            .extend(taken.iter().map(|line| line.sequence));
        Ok(taken.last().unwrap().sequence)
    }
}

/// A journal and what forwards it.
struct Plant {
    journal: Journal,
    cursors: Arc<MemoryCursors>,
    other: Other,
}

/// A task under way.
struct Started {
    standing: watch::Receiver<SinkStanding>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Plant {
    fn on(storage: Box<dyn Storage>) -> Plant {
        #[allow(clippy::needless_update, reason = "what else there is stays as it is")]
        let options = Options {
            segment_bytes: 128 << 10,
            ..Options::default()
        };
        Plant {
            journal: Journal::open(storage, options, 1).unwrap().0,
            cursors: Arc::default(),
            other: Other::default(),
        }
    }

    fn new() -> Plant {
        Plant::on(Memory::new().storage())
    }

    fn other(&self, how: impl FnOnce(&mut Seen)) {
        how(&mut self.other.seen.lock().unwrap());
    }

    async fn record(&self, event: Event) -> u64 {
        let pending = self.journal.commit(1, event).unwrap();
        let sequence = pending.sequence();
        pending.await.unwrap();
        sequence
    }

    async fn write(&self, count: u64) -> u64 {
        let mut last = 0;
        for session in 1..=count {
            let ended = SessionEnded {
                session,
                subject: "interlock://site/person/somebody".to_owned(),
                reason: "x".repeat(200),
            };
            last = self.record(Event::SessionEnded(ended)).await;
        }
        last
    }

    async fn accept(&self, what: &str, through: u64, lineage: [u8; 8]) -> u64 {
        let what = what.to_owned();
        let accepted = JournalAccepted {
            session: 1,
            subject: "interlock://site/person/admin".to_owned(),
            reason: "restored".to_owned(),
            ahead: vec![Ahead { what, through }],
            lineage,
        };
        self.record(Event::JournalAccepted(accepted)).await
    }

    fn start(&self) -> Started {
        let nowhere = Path::new("/nowhere");
        let config = SinkConfig {
            name: SINK.to_owned(),
            kind: SinkKind::SyslogOcsf,
            address: String::new(),
            tls: SinkTls {
                server_name: String::new(),
                ca: nowhere.to_owned(),
                certificate: nowhere.to_owned(),
                key: nowhere.to_owned(),
            },
            required: true,
        };
        let source = Source {
            site: "site".to_owned(),
            gateway: "gateway".to_owned(),
            devices: std::collections::BTreeMap::new(),
            journal: self.journal.clone(),
            cursors: self.cursors.clone(),
            clock: Clock::start(),
        };
        let standing = watch::Sender::new(SinkStanding::default());
        let seen = standing.subscribe();
        let mut task = Task::new(&config, &source, self.other.clone(), standing);
        // Whatever is due is recorded at once: a loop would show.
        task.progress_every = Duration::ZERO;
        let stop = watch::Sender::new(false);
        Started {
            standing: seen,
            task: tokio::spawn(task.run(stop.subscribe())),
            stop,
        }
    }

    fn last(&self) -> u64 {
        *self.journal.durable().borrow()
    }

    /// All records of the journal, once nothing more is written.
    fn events(&self) -> Vec<Event> {
        self.journal.close();
        let lines = self
            .journal
            .follow(1)
            .unwrap()
            .read(u64::MAX, 10_000)
            .unwrap();
        let records = lines
            .iter()
            .map(|line| Record::decode(&line.bytes).unwrap());
        records.map(|record| record.event).collect()
    }
}

impl Started {
    async fn until(&mut self, wanted: impl FnMut(&SinkStanding) -> bool) -> SinkStanding {
        let waited = timeout(PATIENCE, self.standing.wait_for(wanted)).await;
        waited.expect("in time").expect("the task runs").clone()
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        let ended = timeout(PATIENCE, self.task).await;
        ended.expect("it stops whatever it waits for").unwrap();
    }
}

#[tokio::test]
async fn after_each_break_it_goes_on_behind_what_was_acknowledged() {
    let plant = Plant::new();
    plant.other(|other| {
        other.step = Some(7);
        other.breaks_after = Some(4);
    });
    let last = plant.write(100).await;
    let mut started = plant.start();
    started
        .until(|standing| standing.acknowledged >= last)
        .await;
    started.stop().await;
    let seen = plant.other.seen.lock().unwrap();
    let wanted: Vec<u64> = (1..=last).collect();
    assert_eq!(seen.acknowledged[..wanted.len()], wanted);
    assert!(seen.connections >= 3, "{} connections", seen.connections);
    assert!(plant.cursors.load(SINK).unwrap() >= last);
}

#[tokio::test]
async fn a_mute_sink_moves_no_cursor_and_holds_nobody_up() {
    let plant = Plant::new();
    plant.other(|other| other.is_mute = true);
    let before = plant.write(3).await;
    let started = plant.start();
    let offered = async {
        while plant.other.seen.lock().unwrap().offered.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, offered)
        .await
        .expect("it is sent something");
    // Commands go on, each of them waited for.
    assert!(plant.write(50).await > before);
    assert_eq!(started.standing.borrow().acknowledged, 0);
    started.stop().await;
    assert_eq!(plant.cursors.load(SINK).unwrap_or(0), 0);
    let progress = |event: &Event| matches!(event, Event::SinkProgress(_));
    assert!(!plant.events().iter().any(progress));
}

#[tokio::test]
async fn progress_is_recorded_and_is_none_itself() {
    let plant = Plant::new();
    let last = plant.write(5).await;
    let mut started = plant.start();
    started
        .until(|standing| standing.acknowledged >= last)
        .await;
    started.stop().await;
    plant
        .journal
        .durable()
        .wait_for(|durable| *durable > last)
        .await
        .unwrap();
    // A checkpoint follows what is recorded; forwarding it must not be what is recorded next.
    for _ in 0..5 {
        let note = "a note".to_owned();
        let checkpoint = plant
            .record(Event::Checkpointed(Checkpointed { note }))
            .await;
        let mut started = plant.start();
        started
            .until(|standing| standing.acknowledged >= checkpoint)
            .await;
        started.stop().await;
    }
    let last = plant.last();
    let events = plant.events();
    let of_work = events
        .iter()
        .filter(|event| matches!(event, Event::SessionEnded(_)));
    let of_progress = events.iter().filter_map(|event| match event {
        Event::SinkProgress(progress) => Some((progress.sink.as_str(), progress.through)),
        _ => None,
    });
    let of_progress: Vec<_> = of_progress.collect();
    assert!(of_progress.len() <= of_work.count(), "{of_progress:?}");
    assert!(of_progress.contains(&(SINK, 5)), "{of_progress:?}");
    assert_eq!(last as usize, 5 + 5 + of_progress.len());
}

#[tokio::test]
async fn a_cursor_ahead_of_the_journal_sends_nothing_until_that_is_accepted() {
    let plant = Plant::new();
    plant.write(10).await;
    plant.record(tail::progress(SINK, 7)).await;
    plant.record(tail::progress("another", 9)).await;
    plant.cursors.store(SINK, 50);
    let mut started = plant.start();
    let told = started.until(|standing| standing.ahead.is_some()).await;
    assert_eq!(told.ahead, Some(50));
    assert!(told.error.unwrap().contains("up to 50"));
    // Neither of these is about this sink as it stands.
    plant.accept("sink another", 50, [1; 8]).await;
    plant.accept("sink siem", 49, [2; 8]).await;
    plant.write(60).await;
    assert_eq!(plant.other.seen.lock().unwrap().offered, []);
    let last = plant.accept("sink siem", 50, [3; 8]).await;
    let told = started
        .until(|standing| standing.acknowledged >= last)
        .await;
    assert_eq!((told.ahead, told.error), (None, None));
    started.stop().await;
    let seen = plant.other.seen.lock().unwrap();
    // What it had when the journal last said so is sure, and nothing behind it.
    assert_eq!(seen.acknowledged.first(), Some(&8));
    assert_eq!(seen.lineages, [[3; 8]]);
}

#[tokio::test]
async fn another_history_is_explained_by_an_acceptance_behind_the_parting_alone() {
    let plant = Plant::new();
    let early = plant.accept("view", 99, [1; 8]).await;
    let common = plant.write(10).await;
    plant.write(10).await;
    plant.other(|other| {
        other.has = Some(Has::Other {
            through: 15,
            common,
        });
    });
    let mut started = plant.start();
    let told = started.until(|standing| standing.ahead.is_some()).await;
    assert!(early < common);
    assert_eq!(told.ahead, Some(15));
    let last = plant.accept("view", 99, [2; 8]).await;
    started
        .until(|standing| standing.acknowledged >= last)
        .await;
    started.stop().await;
    let seen = plant.other.seen.lock().unwrap();
    assert_eq!(seen.acknowledged.first(), Some(&(common + 1)));
    assert_eq!(seen.lineages, [[2; 8]]);
}

#[tokio::test]
async fn what_was_removed_before_it_came_is_counted_and_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::on(Box::new(Directory::open(dir.path()).unwrap()));
    let last = plant.write(1_500).await;
    let mut segments: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    segments.sort();
    assert!(segments.len() > 2, "{segments:?}");
    std::fs::remove_file(&segments[0]).unwrap();
    // Each new connection comes upon the same gap.
    plant.other(|other| other.breaks_after = Some(0));
    let mut started = plant.start();
    let connections = || plant.other.seen.lock().unwrap().connections;
    started.until(|_| connections() >= 3).await;
    plant.other(|other| other.breaks_after = None);
    let told = started
        .until(|standing| standing.acknowledged >= last)
        .await;
    started.stop().await;
    let seen = plant.other.seen.lock().unwrap();
    let first = seen.acknowledged[0];
    assert!(first > 1);
    assert_eq!(told.missed_records, first - 1);
    assert!(
        seen.acknowledged
            .windows(2)
            .all(|pair| pair[0] + 1 == pair[1])
    );
}

#[test]
fn the_journals_own_records_are_no_progress() {
    let line = |event: Event| Line {
        sequence: 1,
        kind: event.kind(),
        time_ms: 1,
        place: (1, 512),
        bytes: Vec::new(),
    };
    let note = "a note".to_owned();
    assert!(!tail::is_progress(&line(tail::progress(SINK, 1))));
    assert!(!tail::is_progress(&line(Event::Checkpointed(
        Checkpointed { note }
    ))));
    let ended = SessionEnded {
        session: 1,
        subject: String::new(),
        reason: String::new(),
    };
    assert!(tail::is_progress(&line(Event::SessionEnded(ended))));
}

/// A view that was lost knows of no cursor, and the sink asks before it is built again.
#[tokio::test]
async fn a_lost_cursor_is_what_the_journal_was_told_last() {
    let plant = Plant::new();
    plant.write(10).await;
    for (sink, through) in [(SINK, 4), ("other", 9), (SINK, 7)] {
        plant.record(tail::progress(sink, through)).await;
    }
    let last = plant.last();
    let mut started = plant.start();
    started
        .until(|standing| standing.acknowledged >= last)
        .await;
    assert_eq!(plant.other.seen.lock().unwrap().offered[0].0, 8);
    started.stop().await;
}

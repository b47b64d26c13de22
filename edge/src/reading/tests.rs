//! Answers, with the view, with one that lacks records, and without.

use interlock_broker::index::matches;
use interlock_broker::journal::{Memory, Options, read_storage};
use interlock_broker::state::Standing;
use interlock_protocols::conduit::next_frame;
use interlock_protocols::record::{
    CommandResult, EdgeStopped, Intent, Outcome, Record, SessionOpened,
};
use tempfile::TempDir;
use tokio::sync::watch;

use super::*;

struct World {
    memory: Memory,
    journal: Journal,
    folder: TempDir,
}

impl World {
    fn new() -> World {
        let memory = Memory::new();
        let (journal, _) = Journal::open(memory.storage(), Options::default(), 1).unwrap();
        World {
            memory,
            journal,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn view(&self) -> Arc<View> {
        let found = View::open(&self.path(), &self.journal, &mut |_, _| {});
        assert!(found.thrown_away.is_none());
        found.view
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("view")
    }

    /// Records it and waits for the disk.
    async fn write(&self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.journal.commit(7, event).unwrap().await.unwrap();
        }
    }

    fn through(&self) -> u64 {
        *self.journal.durable().borrow()
    }

    fn all(&self) -> Vec<Record> {
        let records = read_storage(self.memory.storage()).unwrap();
        records.map(Result::unwrap).collect()
    }

    async fn ask(&self, view: &Arc<View>, query: &JournalQuery) -> Result<Vec<Told>, Failed> {
        let (frames, mut told) = mpsc::channel(READ_AHEAD);
        let teller = Teller::new(&self.journal, Arc::clone(view), query.clone(), frames)?;
        let through = self.through();
        let history = tokio::task::spawn_blocking(move || teller.history(through));
        let mut answer = Vec::new();
        while let Some(frame) = told.recv().await {
            let (body, _) = next_frame(&frame).unwrap().unwrap();
            answer.push(Told::decode(body).unwrap());
        }
        history.await.unwrap().map(|_| answer)
    }
}

fn opened(session: u64) -> Event {
    Event::SessionOpened(SessionOpened {
        session,
        subject: format!("spiffe://site/person/p{session}"),
        groups: Vec::new(),
        peer: "192.0.2.7:5000".into(),
        certificate: [0; 32],
        certificate_ends_ms: 0,
        device_key: None,
        device_protection: None,
        auth: None,
        auth_ms: None,
        authority: None,
    })
}

fn intent(session: u64, device: &str) -> Event {
    Event::Intent(Intent {
        session,
        subject: format!("spiffe://site/person/p{session}"),
        transaction: 1,
        device: device.into(),
        unit: 1,
        pdu: vec![6, 0, 1, 0, 2],
        points: Vec::new(),
        policies: Vec::new(),
        policy: [0; 32],
        window: None,
    })
}

fn outcome(intent: u64) -> Event {
    Event::Outcome(Outcome {
        intent,
        result: CommandResult::Exception { code: 4 },
        latency_us: 1,
    })
}

fn sequence(bytes: &[u8]) -> u64 {
    Record::decode(bytes).unwrap().sequence
}

/// `m`atches, `o`utcomes and `s`essions with their sequences.
fn spelled(told: &[Told]) -> Vec<String> {
    let spelled = |told: &Told| match told {
        Told::Match(bytes) => format!("m{}", sequence(bytes)),
        Told::Outcome(bytes) => format!("o{}", sequence(bytes)),
        Told::Session(bytes) => format!("s{}", sequence(bytes)),
    };
    told.iter().map(spelled).collect()
}

fn on(device: &str, newest_first: bool) -> JournalQuery {
    JournalQuery {
        device: Some(device.into()),
        newest_first,
        ..JournalQuery::default()
    }
}

/// Two sessions, whose commands are interleaved.
fn story() -> Vec<Event> {
    vec![
        opened(1),
        opened(2),
        intent(1, "a"),
        intent(2, "b"),
        outcome(4),
        outcome(3),
        intent(2, "a"),
        intent(1, "b"),
        outcome(8),
        outcome(7),
    ]
}

#[tokio::test]
async fn what_belongs_to_a_match_comes_directly_before_it_however_it_was_found() {
    let world = World::new();
    world.write(story()).await;
    // Without the view, with all but the last of it, and with all of it.
    let view = world.view();
    let (_stop, stopped) = watch::channel(false);
    let oldest = ["s1", "o6", "m3", "s2", "o10", "m7"];
    let newest = ["s2", "o10", "m7", "s1", "o6", "m3"];
    for taken in [0, 5, 9, 10] {
        let mut follower = world.journal.follow(view.applied() + 1).unwrap();
        view.batch(&mut follower, taken).unwrap();
        assert_eq!(view.applied(), taken);
        let told = world.ask(&view, &on("a", false)).await.unwrap();
        assert_eq!(spelled(&told), oldest, "{taken}");
        let told = world.ask(&view, &on("a", true)).await.unwrap();
        assert_eq!(spelled(&told), newest, "{taken}");
        for newest_first in [false, true] {
            let mut query = on("a", newest_first);
            query.limit = Some(1);
            let told = world.ask(&view, &query).await.unwrap();
            let first = if newest_first {
                &newest[..3]
            } else {
                &oldest[..3]
            };
            assert_eq!(spelled(&told), first, "{taken}");
        }
    }
    view.begin_again();
    let told = world.ask(&view, &on("a", true)).await.unwrap();
    assert_eq!(spelled(&told), newest);
    let mut told = Vec::new();
    let mut progress = |done, all| told.push((done, all));
    view.step(&world.journal, &stopped, &mut progress).unwrap();
    assert_eq!(view.applied(), 10);
    assert_eq!(told, [(10, 10)], "how far the building is");
}

#[tokio::test]
async fn a_query_for_all_tells_all_and_each_outcome_once() {
    let world = World::new();
    world.write(story()).await;
    let view = world.view();
    let told = world.ask(&view, &JournalQuery::default()).await.unwrap();
    let matched: Vec<u64> = told
        .iter()
        .filter_map(|told| match told {
            Told::Match(bytes) => Some(sequence(bytes)),
            _ => None,
        })
        .collect();
    let records = world.all();
    let wanted = records
        .iter()
        .filter(|record| matches(record, &JournalQuery::default()));
    let wanted: Vec<u64> = wanted.map(|record| record.sequence).collect();
    assert_eq!(matched, wanted);
    let outcomes = told.iter().filter(|told| matches!(told, Told::Outcome(_)));
    assert_eq!(outcomes.count(), 4);
}

/// What is left of a damaged journal must not be taken for all of it, with the view or without.
#[tokio::test]
async fn damage_is_an_error_and_no_end() {
    for taken in [0, 10] {
        let world = World::new();
        world.write(story()).await;
        let view = world.view();
        let mut follower = world.journal.follow(1).unwrap();
        view.batch(&mut follower, taken).unwrap();
        let lines = world.journal.follow(7).unwrap().read(7, 1).unwrap();
        let (segment, byte) = lines[0].place;
        world.memory.flip(segment, byte + 20);
        let error = world.ask(&view, &on("a", false)).await.unwrap_err();
        assert!(error.to_string().contains("damaged at record 7"), "{error}");
    }
}

/// A followed answer goes on with outcomes and with later matches, once each, and ends at its limit.
#[tokio::test]
async fn following_tells_later_outcomes_and_matches_and_nothing_of_itself() {
    let world = World::new();
    world.write([opened(1), intent(1, "a")]).await;
    let view = world.view();
    let (frames, mut told) = mpsc::channel(READ_AHEAD);
    let mut query = on("a", false);
    (query.follow, query.limit) = (true, Some(3));
    let teller = Teller::new(&world.journal, view, query, frames).unwrap();
    let through = world.through();
    let history = tokio::task::spawn_blocking(move || teller.history(through));
    while told.recv().await.is_some() {}
    let teller = history.await.unwrap().unwrap();
    assert_eq!((teller.gone, teller.left), (false, 2));
    let mut piece = follow::Piece::new(&world.journal, teller, through).unwrap();
    let steps: [(Vec<Event>, &[&str]); 5] = [
        (vec![], &[]),
        (vec![outcome(2)], &["o3"]),
        (
            vec![opened(2), intent(2, "b"), intent(2, "a")],
            &["s4", "m6"],
        ),
        (vec![outcome(5), outcome(6)], &["o8"]),
        (vec![intent(1, "a"), intent(1, "a")], &["m9"]),
    ];
    for (events, expected) in steps {
        world.write(events).await;
        let through = world.through();
        let (frames, mut told) = mpsc::channel(READ_AHEAD);
        piece.teller.frames = frames;
        let reading = tokio::task::spawn_blocking(move || piece.read(through));
        let mut answer = Vec::new();
        while let Some(frame) = told.recv().await {
            let (body, _) = next_frame(&frame).unwrap().unwrap();
            answer.push(Told::decode(body).unwrap());
        }
        piece = reading.await.unwrap().unwrap();
        assert_eq!(spelled(&answer), expected);
    }
    assert_eq!(piece.teller.left, 0);
}

/// The view keeps cursors of sinks over a stop, and is brought up and closed by its keeper.
#[tokio::test]
async fn the_keeper_takes_up_what_is_written_and_closes_at_the_stop() {
    let world = World::new();
    world.write(story()).await;
    let view = world.view();
    let (stop, stopped) = watch::channel(false);
    stop.send_replace(true);
    let events = (0..5).map(|_| {
        Event::EdgeStopped(EdgeStopped {
            gateway: "g".into(),
        })
    });
    world.write(events).await;
    crate::sink::Cursors::store(view.as_ref(), "siem", 9);
    keep(view, world.journal.clone(), stopped).await;
    let found = View::open(&world.path(), &world.journal, &mut |_, _| {});
    assert!(found.thrown_away.is_none());
    // What came together at the stop is in it: it remembers the end of the run.
    assert_eq!(found.standing, Standing::Fits);
    assert_eq!(
        crate::sink::Cursors::load(found.view.as_ref(), "siem"),
        Some(9)
    );
}

/// The thread that serves the plant asks how far the view is, for `status` and metrics. It must get
/// its answer while the view is being written, however long a disk takes for that.
#[tokio::test]
async fn how_far_the_view_is_can_be_asked_while_it_is_being_written() {
    let world = World::new();
    world.write(story()).await;
    let view = world.view();
    let mut follower = world.journal.follow(1).unwrap();
    view.batch(&mut follower, 10).unwrap();
    let (writing, begun) = std::sync::mpsc::channel();
    let (written, wait) = std::sync::mpsc::channel::<()>();
    let slow = Arc::clone(&view);
    let slow = std::thread::spawn(move || {
        let disk = slow.guard(|_| {
            writing.send(()).unwrap();
            // The other end goes when the test is over, passed or not.
            let _ = wait.recv();
            Ok(())
        });
        disk.unwrap();
    });
    begun.recv().unwrap();
    let (answer, answered) = std::sync::mpsc::channel();
    let asked = Arc::clone(&view);
    std::thread::spawn(move || answer.send(asked.applied()));
    let answered = answered.recv_timeout(std::time::Duration::from_secs(5));
    drop(written);
    slow.join().unwrap();
    assert_eq!(answered, Ok(10));
}

/// A slow reader's view may break and be begun anew under him: what it does not have yet must not
/// be left out as if it were not there.
#[tokio::test]
async fn a_view_that_is_begun_anew_in_mid_answer_is_an_error_and_no_end() {
    let world = World::new();
    world.write(story()).await;
    let view = world.view();
    let (_stop, stopped) = watch::channel(false);
    view.step(&world.journal, &stopped, &mut |_, _| {}).unwrap();
    let (frames, _told) = mpsc::channel(READ_AHEAD);
    let query = on("a", true);
    let mut teller = Teller::new(&world.journal, Arc::clone(&view), query, frames).unwrap();
    view.begin_again();
    let anew = interlock_broker::state::State::begin(&world.path(), 1 << 20);
    view.put(Some(anew.unwrap()));
    let searched = teller.search(10, &scan::Scan::default());
    assert!(matches!(searched, Err(Failed::View(_))), "{searched:?}");
}

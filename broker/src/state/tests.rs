//! The view beside a journal: lost, old, torn, damaged, and of another journal. Whatever was done
//! to it, after a restart the answers are those of the journal.

use std::fs;
use std::path::Path;

use interlock_protocols::conduit::{Decided, JournalQuery};
use interlock_protocols::record::{
    CommandResult, EdgeStopped, Event, Intent, Outcome, PointValue, Record, SessionOpened,
};
use tempfile::TempDir;

use super::*;
use crate::index::{leaf_hash, matches};
use crate::journal::{Follower, Journal, Memory, Options, PointReader, Unrecordable};
use crate::limits::{JOURNAL_SEGMENT_MIN_BYTES, VIEW_CACHE_BYTES, VIEW_READ_RECORDS};

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (number ^ (number >> 31)) % end
    }
}

struct World {
    memory: Memory,
    folder: TempDir,
    records: u64,
    /// Added to each time: what tells one journal from another that is like it.
    late_ms: i64,
}

const PEOPLE: [&str; 3] = ["person/olga", "person/emil", "vendor/acme/victor"];
const POINTS: [&str; 3] = ["speed", "mode", "valve"];

impl World {
    fn new(records: u64) -> World {
        let mut world = World {
            memory: Memory::new(),
            folder: tempfile::tempdir().unwrap(),
            records: 0,
            late_ms: 0,
        };
        world.write(records);
        world
    }

    /// Writes more records, and closes the journal.
    fn write(&mut self, records: u64) {
        #[allow(clippy::needless_update, reason = "there may be other options")]
        let options = Options {
            segment_bytes: JOURNAL_SEGMENT_MIN_BYTES,
            ..Options::default()
        };
        let (journal, _) = Journal::open(self.memory.storage(), options, 0).unwrap();
        for _ in 0..records {
            self.records += 1;
            let time_ms = i64::try_from(self.records).unwrap() * 100 + self.late_ms;
            let event = event(self.records);
            // Faster than the disk in memory, now and then.
            while let Err(full) = journal.append(time_ms, event.clone()) {
                assert_eq!(full, Unrecordable::Full);
                std::thread::yield_now();
            }
        }
        journal.close();
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("view")
    }

    fn open(&self) -> (State, Option<Broken>) {
        State::open_or_begin(&self.path(), VIEW_CACHE_BYTES, &mut |_, _| {}).unwrap()
    }

    fn standing(&self, state: &State) -> Standing {
        let record = |sequence| {
            let mut follower = Follower::of(self.memory.storage(), sequence).unwrap();
            let lines = follower.read(u64::MAX, 1).unwrap();
            lines.into_iter().next().map(|line| line.bytes)
        };
        state.standing(self.records, record)
    }

    fn catch_up(&self, state: &mut State) {
        let mut follower = Follower::of(self.memory.storage(), state.applied() + 1).unwrap();
        loop {
            let lines = follower.read(self.records, VIEW_READ_RECORDS).unwrap();
            if lines.is_empty() {
                break;
            }
            state.advance(&lines).unwrap();
        }
        assert_eq!(state.applied(), self.records);
        assert_eq!(self.standing(state), Standing::Fits);
    }

    /// Builds the view as far as the journal goes, and closes it.
    fn build(&self) {
        let (mut state, _) = self.open();
        self.catch_up(&mut state);
        state.close().unwrap();
    }

    /// Opens what is there, brings it up to the journal and asks it; gives why it was thrown
    /// away, if it was.
    fn restart(&self) -> Option<Broken> {
        let (mut state, why) = self.open();
        self.catch_up(&mut state);
        self.check(&state);
        state.close().unwrap();
        why
    }

    /// The same; true where the damage met something that was in use. The library itself may have
    /// gone back to a state from before it.
    fn restart_hurt(&self) -> bool {
        let (state, why) = self.open();
        let hurt = why.is_some() || state.applied() < self.records;
        state.close().unwrap();
        assert_eq!(self.restart(), None);
        hurt
    }

    fn check(&self, state: &State) {
        let mut follower = Follower::of(self.memory.storage(), 1).unwrap();
        let lines = follower.read(self.records, usize::MAX).unwrap();
        let all: Vec<Record> = lines
            .iter()
            .map(|line| Record::decode(&line.bytes).unwrap())
            .collect();
        for query in queries() {
            let mut expected: Vec<&Record> = all
                .iter()
                .filter(|record| matches(record, &query))
                .collect();
            if query.newest_first {
                expected.reverse();
            }
            let found = self.ask(state, &query);
            let found: Vec<&Record> = found.iter().collect();
            assert!(found == expected, "{query:?}");
        }
        let opened = state.opened(3).unwrap().map(|(sequence, _)| sequence);
        let there = all
            .iter()
            .find(|record| matches!(&record.event, Event::SessionOpened(it) if it.session == 3));
        assert_eq!(opened, there.map(|record| record.sequence));
    }

    fn ask(&self, state: &State, query: &JournalQuery) -> Vec<Record> {
        let mut search = Search::new(query.clone(), self.records);
        let mut reader = PointReader::of(self.memory.storage());
        let mut records = Vec::new();
        while !search.is_over() {
            for found in state.search(&mut search, 50).unwrap() {
                let bytes = reader.read(found.sequence, found.place).unwrap().unwrap();
                let record = Record::decode(&bytes).unwrap();
                if let Event::Intent(_) = record.event
                    && let Some((sequence, place)) = found.outcome
                {
                    let bytes = reader.read(sequence, place).unwrap().unwrap();
                    let outcome = Record::decode(&bytes).unwrap();
                    assert!(matches!(outcome.event,
                        Event::Outcome(outcome) if outcome.intent == record.sequence));
                }
                records.extend(matches(&record, query).then_some(record));
            }
        }
        records
    }
}

/// Every intent is followed by its outcome, so that recovery adds no record.
fn event(sequence: u64) -> Event {
    let pick = usize::try_from(sequence).unwrap();
    let subject = format!("spiffe://site/{}", PEOPLE[pick / 50 % 3]);
    if sequence % 50 == 1 {
        return Event::SessionOpened(SessionOpened {
            session: sequence / 50,
            subject,
            groups: Vec::new(),
            peer: "192.0.2.7:5000".into(),
            certificate: [0; 32],
            certificate_ends_ms: 0,
            device_key: None,
            device_protection: None,
            auth: None,
            auth_ms: None,
            authority: None,
        });
    }
    if sequence % 50 == 2 {
        return Event::EdgeStopped(EdgeStopped {
            gateway: "gw".into(),
        });
    }
    if sequence % 2 == 1 {
        return Event::Intent(Intent {
            session: sequence / 50,
            subject,
            transaction: 1,
            device: format!("d{}", pick / 2 % 7),
            unit: 1,
            pdu: vec![[6, 16][pick / 2 % 2], 0, 1, 0, 2],
            points: vec![PointValue {
                name: POINTS[pick / 2 % 3].into(),
                value: None,
                unit: String::new(),
                before: None,
                before_age_ms: None,
            }],
            policies: Vec::new(),
            policy: [0; 32],
            window: None,
        });
    }
    Event::Outcome(Outcome {
        intent: sequence - 1,
        result: CommandResult::Exception { code: 4 },
        latency_us: 1,
    })
}

fn queries() -> Vec<JournalQuery> {
    let none = JournalQuery::default;
    vec![
        none(),
        JournalQuery {
            subject: Some("vendor/acme/victor".into()),
            device: Some("d3".into()),
            newest_first: true,
            ..none()
        },
        JournalQuery {
            point: Some("mode".into()),
            function: Some(16),
            since_ms: Some(40_000),
            until_ms: Some(90_000),
            ..none()
        },
        JournalQuery {
            session: Some(7),
            decision: Some(Decided::Allow),
            ..none()
        },
        JournalQuery {
            from: 600,
            newest_first: true,
            ..none()
        },
    ]
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn put_back(from: &Path, to: &Path) {
    fs::remove_dir_all(to).unwrap();
    copy(from, to);
}

fn files(path: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if fs::metadata(&path).unwrap().len() > 0 {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn a_view_that_is_deleted_is_built_again_and_one_that_is_there_is_taken_up() {
    let world = World::new(1_500);
    assert_eq!(world.restart(), None);
    let (state, why) = world.open();
    assert_eq!((why, world.standing(&state)), (None, Standing::Fits));
    world.check(&state);
    assert!(matches!(
        State::open(&world.path(), VIEW_CACHE_BYTES, &mut |_, _| {}),
        Err(Broken::InUse)
    ));
    state.close().unwrap();
    fs::remove_dir_all(world.path()).unwrap();
    assert_eq!(world.restart(), None);
}

#[test]
fn what_is_held_in_memory_is_found_and_a_kill_loses_only_that() {
    let world = World::new(1_000);
    let (mut state, _) = world.open();
    world.catch_up(&mut state);
    world.check(&state);
    state.settle().unwrap();
    world.check(&state);
    // As it is on disk at this moment, without a close.
    let copied = world.folder.path().join("copy");
    copy(&world.path(), &copied);
    drop(state);
    let (state, why) = State::open_or_begin(&copied, VIEW_CACHE_BYTES, &mut |_, _| {}).unwrap();
    assert_eq!((why, state.applied()), (None, 1_000));
    world.check(&state);
}

#[test]
fn an_older_copy_of_the_view_catches_up() {
    let mut world = World::new(700);
    world.build();
    let old = world.folder.path().join("old");
    copy(&world.path(), &old);
    world.write(900);
    world.build();
    put_back(&old, &world.path());
    let (state, why) = world.open();
    assert_eq!(why, None);
    assert_eq!(world.standing(&state), Standing::Behind { records: 900 });
    state.close().unwrap();
    assert_eq!(world.restart(), None);
}

/// Journals that do not have what the view has seen.
#[test]
fn a_view_of_a_journal_that_was_cut_restored_or_replaced_says_so() {
    let mut world = World::new(500);
    let old = Memory::holding(
        (1..=9)
            .map(|number| (number, world.memory.contents(number)))
            .filter(|(_, bytes)| !bytes.is_empty()),
    );
    world.write(300);
    world.build();
    let new = std::mem::replace(&mut world.memory, old);
    world.records = 500;
    let (state, _) = world.open();
    assert_eq!(world.standing(&state), Standing::Ahead { through: 800 });
    state.close().unwrap();
    // The restored journal is written on, past where the view was.
    world.late_ms = 7;
    world.write(400);
    let (state, _) = world.open();
    assert_eq!(world.standing(&state), Standing::Other { at: 800 });
    state.close().unwrap();
    world.memory = new;
    world.records = 800;
    assert_eq!(world.restart(), None);
}

/// A mark is enough to know that the journal had more.
#[test]
fn what_was_seen_counts_and_not_only_what_was_written() {
    let mut world = World::new(300);
    world.build();
    world.write(40);
    let (mut state, _) = world.open();
    world.catch_up(&mut state);
    state.mark().unwrap();
    let marked = world.folder.path().join("marked");
    copy(&world.path(), &marked);
    drop(state);
    let (state, _) = State::open_or_begin(&marked, VIEW_CACHE_BYTES, &mut |_, _| {}).unwrap();
    assert_eq!((state.applied(), state.tip().through()), (300, 340));
    let last = Follower::of(world.memory.storage(), 340)
        .unwrap()
        .read(340, 1)
        .unwrap();
    assert!(state.tip().knows(&last[0].bytes));
    assert_ne!(leaf_hash(&last[0].bytes), [0; 32]);
    assert_eq!(
        state.standing(320, |_| None),
        Standing::Ahead { through: 340 }
    );
    assert_eq!(world.standing(&state), Standing::Behind { records: 40 });
}

#[test]
fn an_opening_that_came_to_no_end_is_not_tried_again() {
    let world = World::new(100);
    world.build();
    File::create(opening(&world.path())).unwrap();
    let why = world.restart().unwrap();
    assert!(why.to_string().contains("did not come to an end"), "{why}");
    assert_eq!(world.restart(), None);
}

/// At least a hundred places, each in a copy of its own. The library may panic, and must not get
/// the process down, nor keep it waiting, nor give a wrong answer.
#[test]
fn damage_anywhere_is_survived() {
    let world = World::new(1_200);
    world.build();
    let sound = world.folder.path().join("sound");
    copy(&world.path(), &sound);
    let mut dice = Dice(7);
    let (mut hurt, mut tried) = (0, 0);
    for file in files(&tree(&sound)) {
        let name = file.strip_prefix(&sound).unwrap();
        let bytes = fs::read(&file).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) as u64 + 1;
        let times = if used > 4096 { 110 } else { 12 };
        for times in 0..times {
            put_back(&sound, &world.path());
            let mut bytes = bytes.clone();
            // One byte, or so many that some of them meet what is still in use.
            for _ in 0..[1, 60][times % 2] {
                let at = usize::try_from(dice.below(used)).unwrap();
                bytes[at] = bytes[at].wrapping_add(1 + u8::try_from(dice.below(255)).unwrap());
            }
            fs::write(world.path().join(name), bytes).unwrap();
            hurt += u32::from(world.restart_hurt());
            tried += 1;
        }
    }
    println!("{hurt} of {tried} were hurt");
    assert!(tried >= 110 && hurt > 30, "{hurt} of {tried}");
}

#[test]
fn a_view_cut_short_is_survived() {
    let world = World::new(1_200);
    world.build();
    let sound = world.folder.path().join("sound");
    copy(&world.path(), &sound);
    let mut dice = Dice(8);
    let mut hurt = 0;
    for file in files(&tree(&sound)) {
        let name = file.strip_prefix(&sound).unwrap();
        let len = fs::metadata(&file).unwrap().len();
        for _ in 0..8 {
            put_back(&sound, &world.path());
            let cut = OpenOptions::new().write(true).open(world.path().join(name));
            cut.unwrap().set_len(dice.below(len)).unwrap();
            hurt += u32::from(world.restart_hurt());
        }
        put_back(&sound, &world.path());
        fs::remove_file(world.path().join(name)).unwrap();
        hurt += u32::from(world.restart_hurt());
    }
    assert!(hurt > 4, "{hurt}");
}

/// After a power cut some blocks of a file are new and some old: whole pages, each sound in
/// itself.
#[test]
fn a_view_of_which_some_blocks_are_of_before_is_survived() {
    let mut world = World::new(900);
    world.build();
    let before = world.folder.path().join("before");
    copy(&world.path(), &before);
    for _ in 0..3 {
        world.write(200);
        world.build();
    }
    let after = world.folder.path().join("after");
    copy(&world.path(), &after);
    let mut dice = Dice(9);
    let mut hurt = 0;
    for _ in 0..40 {
        put_back(&after, &world.path());
        for file in files(&tree(&after)) {
            let name = file.strip_prefix(&after).unwrap();
            let old = fs::read(before.join(name)).unwrap_or_default();
            let mut bytes = fs::read(&file).unwrap();
            for (block, new) in bytes.chunks_mut(512).enumerate() {
                if dice.below(8) == 0 {
                    for (at, byte) in new.iter_mut().enumerate() {
                        *byte = old.get(block * 512 + at).copied().unwrap_or(0);
                    }
                }
            }
            fs::write(world.path().join(name), bytes).unwrap();
        }
        hurt += u32::from(world.restart_hurt());
    }
    assert!(hurt > 10, "{hurt}");
}

#[test]
fn a_panic_of_the_library_is_an_error_that_says_what_it_said() {
    let broken = guarded::<()>(|| panic!("no such page")).unwrap_err();
    assert!(matches!(&broken, Broken::Damaged(why) if why.contains("no such page")));
}

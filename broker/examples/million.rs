//! Builds a journal and its view in a folder, and asks it: `cargo run --release -p
//! interlock-broker --example million -- FOLDER [RECORDS]`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement that cannot be set up has nothing to measure"
)]

use std::path::PathBuf;

use interlock_broker::clock::Clock;
use interlock_broker::index::{Search, matches};
use interlock_broker::journal::{Directory, Follower, Journal, Options, PointReader, Storage};
use interlock_broker::limits::VIEW_READ_RECORDS;
use interlock_broker::state::State;
use interlock_protocols::conduit::JournalQuery;
use interlock_protocols::record::{CommandResult, Event, Intent, Outcome, PointValue, Record};

fn intent(number: u64) -> Event {
    Event::Intent(Intent {
        session: number / 500,
        subject: format!("spiffe://waterworks/person/p{}", number / 500 % 40),
        transaction: 1,
        device: format!("press-{}", number % 60),
        unit: 1,
        pdu: vec![6, 0, 1, 0, 2],
        points: vec![PointValue {
            name: format!("point-{}", number % 700),
            value: Some(1.0),
            unit: "rpm".into(),
            before: None,
            before_age_ms: None,
        }],
        policies: vec!["operators-write".into()],
        policy: [7; 32],
        window: None,
    })
}

fn write(dir: &std::path::Path, records: u64) {
    let storage = Box::new(Directory::open(dir).unwrap());
    let (journal, recovered) = Journal::open(storage, Options::default(), 1).unwrap();
    let mut next = recovered.next_sequence;
    while next <= records {
        let time_ms = i64::try_from(next).unwrap() * 1_000;
        let event = match next % 2 {
            1 => intent(next),
            _ => Event::Outcome(Outcome {
                intent: next - 1,
                result: CommandResult::Answered {
                    pdu: vec![6, 0, 1, 0, 2],
                },
                latency_us: 900,
            }),
        };
        match journal.append(time_ms, event) {
            Ok(_) => next += 1,
            Err(_full) => std::thread::yield_now(),
        }
    }
    journal.close();
}

fn main() {
    let clock = Clock::start();
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap());
    let records = arguments.next().map_or(1_000_000, |it| it.parse().unwrap());
    let log = folder.join("journal");
    write(&log, records);
    let mut state = {
        let (state, why) =
            State::open_or_begin(&folder.join("view"), 16 << 20, &mut |_, _| {}).unwrap();
        println!("thrown away: {why:?}; applied {}", state.applied());
        state
    };
    let begun = clock.now().mono();
    let mut follower = Follower::new(&log, state.applied() + 1).unwrap();
    loop {
        let lines = follower.read(records, VIEW_READ_RECORDS).unwrap();
        if lines.is_empty() {
            break;
        }
        state.advance(&lines).unwrap();
    }
    state.settle().unwrap();
    println!(
        "caught up with {records} records in {:?}",
        clock.now().mono().since(begun)
    );
    let none = JournalQuery::default;
    let asked = [
        (
            "device and subject, newest 50",
            JournalQuery {
                device: Some("press-7".into()),
                subject: Some("person/p3".into()),
                newest_first: true,
                limit: Some(50),
                ..none()
            },
        ),
        (
            "one session",
            JournalQuery {
                session: Some(1_200),
                ..none()
            },
        ),
        (
            "one point, all of it",
            JournalQuery {
                point: Some("point-41".into()),
                ..none()
            },
        ),
        (
            "an hour of one device",
            JournalQuery {
                device: Some("press-7".into()),
                since_ms: Some(500_000_000),
                until_ms: Some(503_600_000),
                ..none()
            },
        ),
        (
            "nobody",
            JournalQuery {
                subject: Some("person/nobody".into()),
                ..none()
            },
        ),
    ];
    for (what, query) in asked {
        for warm in ["cold", "warm"] {
            let begun = clock.now().mono();
            let read = state.values_read();
            let mut reader = PointReader::of(Directory::read_only(&log).reader());
            let mut search = Search::new(query.clone(), records);
            let mut left = query.limit.unwrap_or(u64::MAX);
            let mut found = 0;
            while !search.is_over() && left > 0 {
                for one in state.search(&mut search, 256).unwrap() {
                    let bytes = reader.read(one.sequence, one.place).unwrap().unwrap();
                    if left > 0 && matches(&Record::decode(&bytes).unwrap(), &query) {
                        if let Some((sequence, place)) = one.outcome {
                            reader.read(sequence, place).unwrap().unwrap();
                        }
                        left -= 1;
                        found += 1;
                    }
                }
            }
            println!(
                "{what} ({warm}): {found} in {:?}, {} values read",
                clock.now().mono().since(begun),
                state.values_read() - read
            );
        }
    }
    let begun = clock.now().mono();
    state.close().unwrap();
    println!("closed in {:?}", clock.now().mono().since(begun));
    let begun = clock.now().mono();
    let (state, why) =
        State::open_or_begin(&folder.join("view"), 16 << 20, &mut |_, _| {}).unwrap();
    println!(
        "opened and added up in {:?}; {why:?}",
        clock.now().mono().since(begun)
    );
    state.close().unwrap();
}

//! Whatever the records and the question: the index finds what a scan finds, in its order.

use proptest::prelude::*;

use super::*;

const PEOPLE: [&str; 3] = ["person/a", "vendor/acme/b", "workload/c"];
const DEVICES: [&str; 3] = ["d1", "d2", "d3"];
const POINTS: [&str; 4] = ["p", "q", "r", "s"];
const FUNCTIONS: [u8; 3] = [3, 6, 16];

#[derive(Clone, Debug)]
struct Made {
    sort: u8,
    who: usize,
    device: usize,
    function: usize,
    session: u64,
    points: Vec<usize>,
    back: u64,
    time_ms: i64,
    write: bool,
}

fn made() -> impl Strategy<Value = Made> {
    let what = (0..20_u8, 0..3_usize, 0..3_usize, 0..3_usize, 1..5_u64);
    let rest = (
        prop::collection::vec(0..4_usize, 0..3),
        1..40_u64,
        0..600_i64,
        prop::bool::weighted(0.02),
    );
    (what, rest).prop_map(
        |((sort, who, device, function, session), (points, back, time_ms, write))| Made {
            sort,
            who,
            device,
            function,
            session,
            points,
            back,
            time_ms,
            write,
        },
    )
}

fn event(made: &Made, sequence: u64) -> Event {
    let points: Vec<&str> = made.points.iter().map(|at| POINTS[*at]).collect();
    let (who, device) = (PEOPLE[made.who], DEVICES[made.device]);
    let function = FUNCTIONS[made.function];
    match made.sort {
        0..=6 => intent(made.session, who, device, function, &points),
        7..=11 => outcome(sequence.saturating_sub(made.back)),
        12..=16 => denial(made.session, who, device, function, &points),
        17 => opened(made.session, who),
        18 => ended(made.session, who),
        _ => started(),
    }
}

fn asked() -> impl Strategy<Value = JournalQuery> {
    let of = |texts: &'static [&'static str]| {
        prop::option::weighted(0.3, prop::sample::select(texts).prop_map(str::to_owned))
    };
    let texts = (of(&PEOPLE), of(&DEVICES), of(&POINTS));
    let function = prop::option::weighted(0.3, prop::sample::select(&FUNCTIONS));
    let decided = prop::sample::select(&[Decided::Allow, Decided::Deny]);
    let numbers = (
        function,
        prop::option::weighted(0.3, decided),
        prop::option::weighted(0.3, 1..5_u64),
    );
    // The clock of the records goes by some 10 ms a record, and is set back now and then.
    let bound = || prop::option::weighted(0.3, 0..8_000_i64);
    let rest = (bound(), bound(), 0..800_u64, any::<bool>());
    (texts, numbers, rest).prop_map(
        |((subject, device, point), (function, decision, session), rest)| {
            let (since_ms, until_ms, from, newest_first) = rest;
            JournalQuery {
                from,
                subject,
                device,
                point,
                function,
                decision,
                session,
                since_ms,
                until_ms,
                newest_first,
                limit: None,
                follow: false,
            }
        },
    )
}

proptest! {
    #[test]
    fn the_index_finds_what_a_scan_finds(
        all in prop::collection::vec(made(), 1..700),
        queries in prop::collection::vec(asked(), 12),
        begin in prop::sample::select(vec![1, 65_536 - 300, 3 * 65_536 - 200]),
    ) {
        let (mut index, mut board) = (Index::default(), Board::default());
        let mut records: Vec<Record> = Vec::new();
        for (at, made) in (0_u64..).zip(&all) {
            let sequence = begin + at;
            let time_ms = i64::try_from(at).unwrap() * 10 + made.time_ms;
            let record = record(sequence, time_ms, event(made, sequence));
            index.add(&board, &line(&record)).unwrap();
            records.push(record);
            if made.write {
                board.write(&mut index);
                index = board.load().unwrap();
            }
        }
        for mut query in queries {
            if query.from > 0 {
                query.from += begin;
            }
            let mut expected: Vec<u64> = records
                .iter()
                .filter(|record| matches(record, &query))
                .map(|record| record.sequence)
                .collect();
            if query.newest_first {
                expected.reverse();
            }
            let found = answers(&index, &board, &query, &records);
            prop_assert_eq!(sequences(&found), expected, "{:?}", query);
            for one in found {
                prop_assert_eq!(one.place, place(one.sequence));
                let last = records.iter().rev().find(|record| matches!(&record.event,
                    Event::Outcome(outcome) if outcome.intent == one.sequence));
                let outcome = last.map(|record| (record.sequence, place(record.sequence)));
                prop_assert_eq!(one.outcome, outcome);
            }
        }
    }
}

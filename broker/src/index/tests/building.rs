//! What is kept beside the postings, and that an index is whole or is none.

use super::*;

fn built(events: Vec<Event>) -> (Index, Board) {
    let (mut index, board) = (Index::default(), Board::default());
    for (sequence, event) in (1..).zip(events) {
        index
            .add(&board, &line(&record(sequence, 0, event)))
            .unwrap();
    }
    (index, board)
}

#[test]
fn an_outcome_is_found_with_its_intent_and_never_alone() {
    let write = || intent(1, "person/a", "d", 6, &[]);
    let events = vec![write(), write(), outcome(2), outcome(1), outcome(9)];
    let (mut index, mut board) = built(events);
    for _ in 0..2 {
        let mut search = Search::new(JournalQuery::default(), u64::MAX);
        let found = index.search(&board, &mut search, 10).unwrap();
        let outcomes: Vec<_> = found.iter().map(|it| (it.sequence, it.outcome)).collect();
        let (first, second) = ((4, place(4)), (3, place(3)));
        assert_eq!(outcomes, [(1, Some(first)), (2, Some(second))]);
        assert_eq!(found[0].place, place(1));
        // Once from memory, once from what was written.
        board.write(&mut index);
        index = board.load().unwrap();
    }
}

#[test]
fn sessions_are_known_by_their_opening_and_live_until_their_end_or_the_next_start() {
    let (mut index, mut board) = built(vec![
        started(),
        opened(7, "person/a"),
        opened(8, "person/b"),
        ended(7, "person/a"),
    ]);
    assert_eq!(index.opened(&board, 7).unwrap(), Some((2, place(2))));
    assert_eq!(index.opened(&board, 9).unwrap(), None);
    assert_eq!(index.live_sessions(&board).unwrap(), [8]);
    board.write(&mut index);
    let mut index = board.load().unwrap();
    assert_eq!(index.live_sessions(&board).unwrap(), [8]);
    index
        .add(&board, &line(&record(5, 0, opened(9, "person/c"))))
        .unwrap();
    assert_eq!(index.live_sessions(&board).unwrap(), [8, 9]);
    index.add(&board, &line(&record(6, 0, started()))).unwrap();
    assert!(index.live_sessions(&board).unwrap().is_empty());
    board.write(&mut index);
    let index = board.load().unwrap();
    assert!(index.live_sessions(&board).unwrap().is_empty());
    assert_eq!(index.opened(&board, 8).unwrap(), Some((3, place(3))));
}

#[test]
fn cursors_and_the_last_record_seen_survive_a_mark_alone() {
    let progress = |through| {
        Event::SinkProgress(SinkProgress {
            sink: "siem".into(),
            through,
        })
    };
    let (mut index, mut board) = built(vec![started(), progress(1)]);
    board.write(&mut index);
    let last = record(3, 0, progress(2));
    index.add(&board, &line(&last)).unwrap();
    index.note_cursor("fleet", 3);
    for (key, value) in index.mark() {
        board.entries.insert(key, value.unwrap());
    }
    let again = board.load().unwrap();
    assert_eq!((again.applied(), again.tip().through()), (2, 3));
    assert_eq!(again.tip().cursor("siem"), Some(2));
    assert_eq!(again.tip().cursor("fleet"), Some(3));
    assert_eq!(again.tip().cursor("other"), None);
    assert!(again.tip().knows(&last.encode()));
    assert!(!again.tip().knows(&record(3, 1, progress(2)).encode()));
}

#[test]
fn an_index_that_was_only_marked_is_taken_up_as_empty() {
    let (mut index, mut board) = built(vec![started(), started()]);
    for (key, value) in index.mark() {
        board.entries.insert(key, value.unwrap());
    }
    let again = board.load().unwrap();
    assert_eq!((again.applied(), again.tip().through()), (0, 2));
    board.write(&mut index);
    assert_eq!(board.load().unwrap().applied(), 2);
}

#[test]
fn a_record_of_a_newer_program_is_there_with_its_time_and_place() {
    let (mut index, board) = (Index::default(), Board::default());
    let mut newer = line(&record(1, 5, started()));
    newer.kind = 999;
    newer.bytes = vec![0];
    index.add(&board, &newer).unwrap();
    let mut search = Search::new(JournalQuery::default(), 1);
    let found = index.search(&board, &mut search, 10).unwrap();
    assert_eq!(sequences(&found), [1]);
    assert_eq!(index.applied(), 1);
}

/// A page of the library may be whole and of yesterday.
#[test]
fn an_entry_that_is_lost_stale_or_changed_is_noticed_whichever_it_is() {
    let write = || intent(1, "person/a", "d", 6, &["p"]);
    let (mut index, mut board) = built(vec![opened(1, "person/a"), write(), outcome(2)]);
    board.write(&mut index);
    let before = board.entries.clone();
    index.add(&board, &line(&record(4, 9, write()))).unwrap();
    board.write(&mut index);
    let whole = board.entries.clone();
    assert!(board.load().is_ok());
    let mut stale = 0;
    for key in whole.keys() {
        board.entries = whole.clone();
        board.entries.remove(key);
        assert!(board.load().is_err(), "without {key:02x?}");
        if let Some(old) = before.get(key).filter(|old| whole.get(key) != Some(*old)) {
            stale += 1;
            board.entries.insert(key.clone(), old.clone());
            assert!(board.load().is_err(), "with the {key:02x?} of before");
        }
        for at in 0..whole[key].len() {
            board.entries = whole.clone();
            board.entries.get_mut(key).unwrap()[at] ^= 0x10;
            assert!(board.load().is_err(), "{key:02x?} changed at {at}");
        }
    }
    assert!(stale > 8, "{stale}");
    board.entries = before;
    assert_eq!(board.load().unwrap().applied(), 3);
    board.entries.clear();
    assert_eq!(board.load().unwrap().applied(), 0);
}

#[test]
fn another_schema_is_told_as_such() {
    let (mut index, mut board) = built(vec![started()]);
    board.write(&mut index);
    let meta = board.entries.get_mut(key::META).unwrap();
    meta[0] += 1;
    let body = meta.len() - 4;
    let seal = crc32c::crc32c(&meta[..body]).to_be_bytes();
    meta[body..].copy_from_slice(&seal);
    assert!(matches!(board.load(), Err(Broken::Schema { .. })));
}

#[test]
fn what_was_removed_from_the_journal_is_not_found_and_goes_from_the_index() {
    let (mut index, mut board) = (Index::default(), Board::default());
    let chunk = key::CHUNK;
    let add = |index: &mut Index, board: &Board, sequence, event| {
        index
            .add(board, &line(&record(sequence, 0, event)))
            .unwrap();
    };
    // Records of three chunks; the index begins where the journal does.
    for sequence in chunk - 50..chunk * 2 + 50 {
        let event = if sequence % 10 == 0 {
            opened(sequence, "person/a")
        } else {
            denial(sequence / 10 * 10, "person/a", "d", 6, &[])
        };
        add(&mut index, &board, sequence, event);
    }
    assert_eq!(index.first(), chunk - 50);
    board.write(&mut index);
    let all = board.entries.len();
    let gone = chunk * 2 - 1;
    let after = chunk * 2 + 50;
    add(&mut index, &board, after, removed(chunk - 50, gone));
    let mut search = Search::new(JournalQuery::default(), u64::MAX);
    let found = index.search(&board, &mut search, 1).unwrap();
    assert_eq!(sequences(&found), [chunk * 2]);
    let old = (chunk + 10).next_multiple_of(10);
    assert_eq!(index.opened(&board, old).unwrap(), None);
    for sequence in after + 1..after + 4 {
        add(&mut index, &board, sequence, started());
        board.write(&mut index);
    }
    assert!(board.entries.len() < all / 100, "{}", board.entries.len());
    let index = board.load().unwrap();
    assert_eq!(index.first(), chunk * 2);
    let young = (chunk * 2 + 1).next_multiple_of(10);
    assert!(index.opened(&board, young).unwrap().is_some());
}

#[test]
fn no_value_is_longer_than_what_the_shelf_takes() {
    let (mut index, mut board) = (Index::default(), Board::default());
    // The worst for a bitmap is no run and no short list: every other record.
    for sequence in 0..key::CHUNK {
        let device = if sequence % 2 == 0 { "even" } else { "odd" };
        let event = denial(1, "person/a", device, 6, &["p"]);
        let mut line = line(&record(sequence + 1, i64::MAX, event));
        line.place = (u64::MAX - sequence, u64::MAX / 2);
        index.add(&board, &line).unwrap();
    }
    board.write(&mut index);
    let longest = board.entries.values().map(Vec::len).max().unwrap();
    assert!((8_000..12_000).contains(&longest), "{longest}");
}

/// Work is counted, not time: a question costs what its answer and the chunks cost, and not what
/// the journal holds.
#[test]
fn a_narrow_question_reads_a_few_values_of_a_hundred_thousand_records() {
    let (mut index, mut board) = (Index::default(), Board::default());
    let mut records = Vec::new();
    for sequence in 1..=100_000 {
        let device = if sequence % 1_000 == 7 { "rare" } else { "d" };
        let event = denial(sequence / 100, "person/a", device, 6, &[]);
        let record = record(sequence, i64::try_from(sequence).unwrap(), event);
        index.add(&board, &line(&record)).unwrap();
        if index.is_due() {
            board.write(&mut index);
        }
        records.push(record);
    }
    board.write(&mut index);
    let index = board.load().unwrap();
    let cost = |query: JournalQuery, expected: usize| {
        board.reads.set(0);
        assert_eq!(answers(&index, &board, &query, &records).len(), expected);
        board.reads.get()
    };
    let rare = || JournalQuery {
        device: Some("rare".into()),
        ..JournalQuery::default()
    };
    // Places and outcomes for each answer, and the postings for each page of seven.
    let reads = cost(rare(), 100);
    assert!(reads <= 2 * 100 + 2 * 16, "{reads}");
    let hour = JournalQuery {
        since_ms: Some(50_000),
        until_ms: Some(50_100),
        ..JournalQuery::default()
    };
    // Two blocks of 256 of which nothing else is known, in pages of seven again.
    let reads = cost(hour, 100);
    assert!(reads < 200, "{reads}");
    let session = JournalQuery {
        session: Some(900),
        ..rare()
    };
    assert!(cost(session, 1) < 10);
}

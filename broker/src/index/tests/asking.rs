//! What a question means.

use super::*;

fn asked(change: impl FnOnce(&mut JournalQuery)) -> JournalQuery {
    let mut query = JournalQuery::default();
    change(&mut query);
    query
}

#[test]
fn each_filter_narrows_by_its_own_field() {
    let write = record(
        10,
        1_000,
        intent(3, "person/olga", "press-4", 6, &["speed", "mode"]),
    );
    let yes: [JournalQuery; 11] = [
        JournalQuery::default(),
        asked(|query| query.from = 10),
        asked(|query| query.subject = Some("person/olga".into())),
        asked(|query| query.subject = Some("spiffe://site/person/olga".into())),
        asked(|query| query.device = Some("press-4".into())),
        asked(|query| query.point = Some("mode".into())),
        asked(|query| query.function = Some(6)),
        asked(|query| query.decision = Some(Decided::Allow)),
        asked(|query| query.session = Some(3)),
        asked(|query| query.since_ms = Some(1_000)),
        asked(|query| query.until_ms = Some(1_001)),
    ];
    let no: [JournalQuery; 12] = [
        asked(|query| query.from = 11),
        asked(|query| query.subject = Some("person/olg".into())),
        asked(|query| query.subject = Some("olga".into())),
        asked(|query| query.subject = Some("spiffe://other/person/olga".into())),
        asked(|query| query.device = Some("press".into())),
        asked(|query| query.device = Some(String::new())),
        asked(|query| query.point = Some("spee".into())),
        asked(|query| query.function = Some(16)),
        asked(|query| query.decision = Some(Decided::Deny)),
        asked(|query| query.session = Some(4)),
        asked(|query| query.since_ms = Some(1_001)),
        asked(|query| query.until_ms = Some(1_000)),
    ];
    let records = [write];
    let (mut index, board) = (Index::default(), Board::default());
    index.add(&board, &line(&records[0])).unwrap();
    for query in &yes {
        assert!(matches(&records[0], query), "{query:?}");
        assert_eq!(sequences(&answers(&index, &board, query, &records)), [10]);
    }
    for query in &no {
        assert!(!matches(&records[0], query), "{query:?}");
        assert_eq!(answers(&index, &board, query, &records), []);
    }
}

#[test]
fn a_filter_on_who_or_where_finds_denials_summaries_sessions_and_activations() {
    let subject = "spiffe://site/person/olga".to_owned();
    let events = [
        denial(3, "person/olga", "press-4", 6, &["speed"]),
        Event::DenialSummary(DenialSummary {
            session: 3,
            subject: subject.clone(),
            device: "press-4".into(),
            function: 6,
            table: None,
            first: 0,
            last: 0,
            reason: "policy".into(),
            count: 2,
            first_ms: 0,
            last_ms: 0,
        }),
        Event::ReadSummary(ReadSummary {
            session: 3,
            subject: subject.clone(),
            device: "press-4".into(),
            unit: 1,
            function: 3,
            table: None,
            first: 0,
            last: 0,
            count: 2,
            failed: 0,
            first_ms: 0,
            last_ms: 0,
        }),
        opened(3, "person/olga"),
        ended(3, "person/olga"),
        Event::PolicyActivated(interlock_protocols::record::PolicyActivated {
            digest: [0; 32],
            by: subject,
            session: Some(3),
            cases: 0,
        }),
        started(),
    ];
    let records: Vec<Record> = (1..)
        .zip(events)
        .map(|(at, it)| record(at, 0, it))
        .collect();
    let (mut index, board) = (Index::default(), Board::default());
    for record in &records {
        index.add(&board, &line(record)).unwrap();
    }
    let found = |query: &JournalQuery| sequences(&answers(&index, &board, query, &records));
    let olga = asked(|query| query.subject = Some("person/olga".into()));
    assert_eq!(found(&olga), [1, 2, 3, 4, 5, 6]);
    assert_eq!(found(&asked(|it| it.session = Some(3))), [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        found(&asked(|it| it.device = Some("press-4".into()))),
        [1, 2, 3]
    );
    assert_eq!(
        found(&asked(|it| it.decision = Some(Decided::Deny))),
        [1, 2]
    );
    assert_eq!(found(&asked(|it| it.decision = Some(Decided::Allow))), [3]);
    assert_eq!(found(&asked(|it| it.point = Some("speed".into()))), [1]);
    let all = asked(|query| query.newest_first = true);
    assert_eq!(found(&all), [7, 6, 5, 4, 3, 2, 1]);
}

#[test]
fn a_long_name_is_told_from_one_that_is_hashed_alike_or_cut_alike() {
    let long = "d".repeat(200);
    let other = format!("{long}x");
    let records = [
        record(1, 0, denial(1, "person/a", &long, 3, &[])),
        record(2, 0, denial(1, "person/a", &other, 3, &[])),
    ];
    let (mut index, board) = (Index::default(), Board::default());
    for record in &records {
        index.add(&board, &line(record)).unwrap();
    }
    let query = asked(|query| query.device = Some(long));
    assert_eq!(sequences(&answers(&index, &board, &query, &records)), [1]);
}

#[test]
fn a_question_is_told_in_words_that_are_quoted_and_bounded() {
    assert_eq!(words(&JournalQuery::default(), 100), None);
    assert_eq!(words(&asked(|query| query.from = 5), 100), None);
    let query = asked(|query| {
        query.device = Some("press-4\" decision=allow \n".into());
        query.decision = Some(Decided::Deny);
        query.limit = Some(5);
    });
    assert_eq!(
        words(&query, 100).unwrap(),
        r#"device="press-4\" decision=allow \n" decision=deny limit=5"#
    );
    let long = asked(|query| query.point = Some("ü".repeat(500)));
    for most in 90..100 {
        let words = words(&long, most).unwrap();
        assert!(words.len() <= most && words.ends_with('…'), "{words}");
    }
}

//! A listing as people see it, from records as the edge writes them.

use interlock_broker::journal::{Directory, Journal, Options};
use interlock_protocols::record::{
    CommandResult, Denial, DenialSummary, EdgeStarted, Event, Intent, JournalRead, Outcome,
    PointValue, PolicyActivated, ReadSummary, Record, SessionEnded, SessionOpened,
};

use super::*;
use crate::screen::render;

const SUBJECT: &str = "spiffe://waterworks/person/olga";
const START_MS: i64 = 1_700_000_000_000;

fn setpoint(value: f64) -> Vec<PointValue> {
    vec![PointValue {
        name: "speed_setpoint".into(),
        value: Some(value),
        unit: "rpm".into(),
        before: None,
        before_age_ms: None,
    }]
}

fn intent(transaction: u16, value: u16) -> Event {
    let [high, low] = value.to_be_bytes();
    Event::Intent(Intent {
        session: 2,
        subject: SUBJECT.into(),
        transaction,
        device: "mixer".into(),
        unit: 1,
        pdu: vec![6, 0, 100, high, low],
        points: setpoint(f64::from(value)),
        policies: vec!["staff.cedar/write".into()],
        policy: [7; 32],
    })
}

fn outcome(intent: u64, result: CommandResult) -> Event {
    Event::Outcome(Outcome {
        intent,
        result,
        latency_us: 1_234,
    })
}

fn denial() -> Event {
    Event::Denial(Denial {
        session: 2,
        subject: SUBJECT.into(),
        transaction: 9,
        device: "mixer".into(),
        unit: 1,
        pdu: vec![6, 0, 100, 7, 8],
        points: setpoint(1_800.0),
        reason: "above-max".into(),
        detail: "1800 rpm is above 1500 rpm".into(),
        policies: vec!["staff.cedar/write".into()],
        exception: Some(1),
    })
}

fn summaries() -> [Event; 2] {
    let denials = Event::DenialSummary(DenialSummary {
        session: 2,
        subject: SUBJECT.into(),
        device: "mixer".into(),
        function: 6,
        table: Some(4),
        first: 100,
        last: 100,
        reason: "above-max".into(),
        count: 14,
        first_ms: START_MS,
        last_ms: START_MS + 900,
    });
    let reads = Event::ReadSummary(ReadSummary {
        session: 2,
        subject: SUBJECT.into(),
        device: "mixer".into(),
        unit: 1,
        function: 3,
        table: Some(4),
        first: 0,
        last: 9,
        count: 120,
        failed: 2,
        first_ms: START_MS,
        last_ms: START_MS + 60_000,
    });
    [denials, reads]
}

fn events() -> Vec<Event> {
    let mut events = vec![
        Event::EdgeStarted(EdgeStarted {
            gateway: "gate-1".into(),
            version: "0.1.0".into(),
        }),
        Event::PolicyActivated(PolicyActivated {
            digest: [0xAB; 32],
            by: "edge".into(),
            session: None,
            cases: 12,
        }),
        Event::SessionOpened(SessionOpened {
            session: 2,
            subject: SUBJECT.into(),
            groups: vec!["operators".into()],
            peer: "127.0.0.1:5".into(),
            certificate: [1; 32],
            certificate_ends_ms: START_MS,
        }),
        intent(1, 900),
        intent(2, 901),
        outcome(5, CommandResult::Answered { pdu: vec![6] }),
        outcome(4, CommandResult::Exception { code: 2 }),
        denial(),
    ];
    events.extend(summaries());
    events.extend([
        intent(3, 902),
        outcome(
            11,
            CommandResult::Unknown {
                why: "the edge was restarted".into(),
            },
        ),
        Event::JournalRead(JournalRead {
            session: 2,
            subject: SUBJECT.into(),
            from: 1,
            filter: None,
        }),
        intent(4, 903),
        Event::SessionEnded(SessionEnded {
            session: 2,
            subject: SUBJECT.into(),
            reason: "goodbye".into(),
        }),
    ]);
    events
}

fn records() -> Vec<Record> {
    let numbered = (1..).zip(events());
    numbered
        .map(|(sequence, event)| Record {
            sequence,
            time_ms: START_MS + i64::try_from(sequence).unwrap(),
            event,
        })
        .collect()
}

fn lines(records: &[Record]) -> Vec<Line> {
    let mut join = Join::new(TimeZone::UTC);
    let mut lines: Vec<Line> = records.iter().flat_map(|r| join.take(r)).collect();
    lines.extend(join.rest());
    lines
}

#[test]
fn the_command_log_as_a_table() {
    let table = render(Format::Table, &lines(&records()), None).unwrap();
    assert_eq!(table, include_str!("golden.txt"));
}

#[test]
fn intent_and_outcome_are_one_object_for_programs() {
    let lines = lines(&records());
    let text = render(Format::Jsonl, &lines[3..4], None).unwrap();
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["sequence"], 4);
    assert_eq!(line["kind"], "command");
    assert_eq!(line["subject"], SUBJECT);
    assert_eq!(line["result"], "device refused: illegal data address (02)");
    assert_eq!(line["latency_us"], 1_234);
}

#[test]
fn a_line_waits_for_its_outcome_and_the_order_stays() {
    let records = records();
    let mut join = Join::new(TimeZone::UTC);
    let sequences =
        |lines: Vec<Line>| -> Vec<u64> { lines.into_iter().map(|line| line.sequence).collect() };
    let given: Vec<Vec<u64>> = records[3..8]
        .iter()
        .map(|record| sequences(join.take(record)))
        .collect();
    // The second intent has its outcome first, and still comes second.
    assert_eq!(given, [vec![], vec![], vec![], vec![4, 5], vec![8]]);
    // An outcome whose intent was before the start has a line of its own.
    assert_eq!(sequences(join.take(&records[5])), [6]);
}

#[test]
fn filters_choose_by_device_and_by_subject_in_both_forms() {
    let show = |device: Option<&str>, subject: Option<&str>| Show {
        folder: None,
        device: device.map(str::to_owned),
        subject: subject.map(str::to_owned),
        from: 1,
        follow: false,
    };
    let lines = lines(&records());
    let count = |show: Show| lines.iter().filter(|line| show.wants(line)).count();
    assert_eq!(count(show(None, None)), lines.len());
    assert_eq!(count(show(Some("mixer"), None)), 7);
    assert_eq!(count(show(Some("pump"), None)), 0);
    assert_eq!(count(show(None, Some("person/olga"))), 10);
    assert_eq!(count(show(None, Some(SUBJECT))), 10);
    assert_eq!(count(show(None, Some("person/ol"))), 0);
}

#[test]
fn a_real_folder_is_shown_from_where_one_left_off_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Box::new(Directory::open(folder.path()).unwrap());
    let (journal, _) = Journal::open(storage, Options::default(), START_MS).unwrap();
    for event in events() {
        journal.append(START_MS, event).unwrap();
    }
    journal.close();
    let show = Show {
        folder: Some(folder.path().to_owned()),
        device: None,
        subject: None,
        from: 8,
        follow: false,
    };
    let mut join = Join::new(TimeZone::UTC);
    let mut printer = Printer::new(&show, Format::Table).unwrap();
    let next = show
        .once(folder.path(), 8, &mut join, &mut printer)
        .unwrap();
    assert_eq!(next, 16);
    printer.take(join.rest(), &show).unwrap();
    let shown: Vec<u64> = printer.held.iter().map(|line| line.sequence).collect();
    assert_eq!(shown, [8, 9, 10, 11, 13, 14, 15]);
    assert_eq!(verify::run(folder.path(), Format::Json), Ok(()));

    let nowhere = folder.path().join("none");
    let failure = verify::run(&nowhere, Format::Table).unwrap_err();
    assert_eq!(failure.kind(), Kind::Configuration);
}

#[test]
fn what_is_followed_is_no_json_array() {
    let show = Show {
        folder: Some("x".into()),
        device: None,
        subject: None,
        from: 1,
        follow: true,
    };
    let Err(failure) = Printer::new(&show, Format::Json) else {
        panic!("it was accepted");
    };
    assert_eq!(failure.kind(), Kind::Usage);
}

/// What is denied before there is a command has no bytes, and is no malformed command either.
#[test]
fn a_denial_without_a_command_says_what_was_asked() {
    let what = |device: &str, reason: &str| {
        let Event::Denial(mut denial) = denial() else {
            panic!("it is one");
        };
        denial.pdu = Vec::new();
        denial.points = Vec::new();
        denial.device = device.into();
        denial.reason = reason.into();
        let record = Record {
            sequence: 1,
            time_ms: START_MS,
            event: Event::Denial(denial),
        };
        Line::of(&record, &TimeZone::UTC).cells()[4].clone()
    };
    assert_eq!(what("mixer", "not-yours"), "open a conversation");
    assert_eq!(what("", "no-rule-permits"), "an act on the site");
    assert_eq!(what("mixer", "not-modbus"), "bytes that are no Modbus/TCP");
}

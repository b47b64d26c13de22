//! A listing as people see it, from records as the edge writes them.

use interlock_broker::journal::{Directory, Journal, Options};
use interlock_protocols::record::{
    Ahead, Checkpointed, CommandResult, Denial, DenialSummary, EdgeStarted, EdgeStopped,
    EpochStarted, Event, Intent, JournalAccepted, JournalRead, JournalRecovered, Outcome,
    PointValue, PolicyActivated, ReadSummary, Record, RecordsRemoved, SessionEnded, SessionOpened,
    SinkProgress, kind,
};
use jiff::tz::TimeZone;

use super::*;
use crate::gateway::Shown;
use crate::screen::{Format, Row as _, render};

mod edge;
mod folder;
mod identity;
mod windows;

const SUBJECT: &str = "spiffe://waterworks/person/olga";
const START_MS: i64 = 1_700_000_000_000;

fn setpoint(value: f64) -> Vec<PointValue> {
    vec![PointValue {
        name: "speed_setpoint".into(),
        value: Some(value),
        unit: "rpm".into(),
        before: Some(800.0),
        before_age_ms: Some(12_345),
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
        window: None,
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
            device_key: None,
            device_protection: None,
            auth: None,
            auth_ms: None,
            authority: None,
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
            filter: Some("device mixer".into()),
        }),
        intent(4, 903),
        Event::SessionEnded(SessionEnded {
            session: 2,
            subject: SUBJECT.into(),
            reason: "goodbye".into(),
        }),
    ]);
    events.extend(of_the_journal());
    events
}

fn of_the_journal() -> Vec<Event> {
    vec![
        Event::EpochStarted(EpochStarted {
            epoch: 3,
            key: [0xAA; 32],
            next_key: [0xBB; 32],
            by_key: [1; 64],
            by_gateway: [2; 64],
        }),
        Event::Checkpointed(Checkpointed {
            note: "waterworks/gateway/gate-1\n16\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
                   \u{2014} waterworks/gateway/gate-1 Az3grl\n\u{2014} other Az3grl\n"
                .into(),
        }),
        Event::RecordsRemoved(RecordsRemoved {
            first: 1,
            last: 500,
            why: "retention".into(),
        }),
        Event::JournalRecovered(JournalRecovered {
            why: "No space left on device".into(),
            since_ms: START_MS - 60_000,
            refused: 7,
        }),
        Event::JournalAccepted(JournalAccepted {
            session: 2,
            subject: SUBJECT.into(),
            reason: "restored from backup".into(),
            ahead: vec![
                Ahead {
                    what: "checkpoint".into(),
                    through: 512,
                },
                Ahead {
                    what: "sink fleet".into(),
                    through: 500,
                },
            ],
            lineage: [0xCD; 8],
        }),
        Event::SinkProgress(SinkProgress {
            sink: "fleet".into(),
            through: 12,
        }),
        Event::EdgeStopped(EdgeStopped {
            gateway: "gate-1".into(),
        }),
    ]
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

/// Lines of events numbered from 1, a millisecond apart.
fn told(events: Vec<Event>) -> Vec<Line> {
    let numbered = (1..).zip(events);
    let records: Vec<Record> = numbered
        .map(|(sequence, event)| Record {
            sequence,
            time_ms: START_MS + i64::try_from(sequence).unwrap(),
            event,
        })
        .collect();
    lines(&records)
}

fn take(join: &mut Join, record: &Record) -> Vec<Line> {
    join.take(Shown::Match(record.clone()))
}

fn lines(records: &[Record]) -> Vec<Line> {
    let mut join = Join::new(TimeZone::UTC);
    let mut lines: Vec<Line> = records.iter().flat_map(|r| take(&mut join, r)).collect();
    lines.extend(join.rest());
    lines
}

#[test]
fn the_command_log_as_a_table() {
    let lines = lines(&records());
    for (width, golden) in [
        (80, include_str!("golden-80.txt")),
        (120, include_str!("golden-120.txt")),
    ] {
        let table = render(Format::Table, &lines, Some(width)).unwrap();
        let widest = table.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(usize::from(width)), "{table}");
        assert_eq!(table, golden, "{table}");
    }
}

/// Every key of every kind of record: programs depend on them.
#[test]
fn the_command_log_for_programs() {
    let lines = lines(&records());
    let text = render(Format::Jsonl, &lines, None).unwrap();
    assert_eq!(text, include_str!("golden.jsonl"), "{text}");
    let text = render(Format::Csv, &lines, None).unwrap();
    assert_eq!(text, include_str!("golden.csv"), "{text}");
}

/// CSV holds what JSON does, whatever is in the texts.
#[test]
fn csv_says_what_json_says() {
    let mut records = records();
    if let Event::Denial(denial) = &mut records[7].event {
        denial.detail = "=HYPERLINK(\"http://x\"), and\u{1b}[2J \"more\"".into();
    }
    let lines = lines(&records);
    let csv = render(Format::Csv, &lines, None).unwrap();
    assert!(!csv.contains('\u{1b}'));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    assert_eq!(header.iter().collect::<Vec<_>>(), Line::FIELDS);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), lines.len());
    for (row, line) in rows.iter().zip(&lines) {
        let json = serde_json::to_value(line).unwrap();
        for (name, cell) in header.iter().zip(row) {
            let expected = match &json[name] {
                serde_json::Value::String(text) => crate::screen::clean(text).replace('\n', " "),
                serde_json::Value::Number(number) => number.to_string(),
                serde_json::Value::Null => String::new(),
                // What has many in JSON is named or joined otherwise here.
                serde_json::Value::Array(_) => continue,
                other => panic!("{other}"),
            };
            let said = cell.strip_prefix('\'').unwrap_or(cell);
            if !["values", "units", "before", "before_age_ms"].contains(&name) {
                assert_eq!(said, expected, "{name}");
            }
        }
    }
    let at = |name: &str| header.iter().position(|field| field == name).unwrap();
    let denial = rows
        .iter()
        .find(|row| &row[at("kind")] == "denial")
        .unwrap();
    assert!(denial[at("detail")].starts_with("'=HYPERLINK"));
    assert_eq!(&denial[at("points")], "speed_setpoint");
    assert_eq!(
        (&denial[at("values")], &denial[at("units")]),
        ("1800", "rpm")
    );
    assert_eq!(&denial[at("before")], "800");
}

#[test]
fn a_line_waits_for_its_outcome_and_the_order_stays() {
    let records = records();
    let mut join = Join::new(TimeZone::UTC);
    let sequences =
        |lines: Vec<Line>| -> Vec<u64> { lines.into_iter().map(|line| line.sequence).collect() };
    let given: Vec<Vec<u64>> = records[3..8]
        .iter()
        .map(|record| sequences(take(&mut join, record)))
        .collect();
    // The second intent has its outcome first, and still comes second.
    assert_eq!(given, [vec![], vec![], vec![], vec![4, 5], vec![8]]);
    // An outcome whose intent was before the start has a line of its own.
    assert_eq!(sequences(take(&mut join, &records[5])), [6]);
}

#[test]
fn what_belongs_to_a_match_may_come_before_it() {
    let records = records();
    let mut join = Join::new(TimeZone::UTC);
    join.wait(false);
    assert_eq!(join.take(Shown::Session(records[2].clone())), []);
    assert_eq!(join.take(Shown::Outcome(records[11].clone())), []);
    let lines = take(&mut join, &records[10]);
    assert_eq!(lines[0].outcome, Some("unknown"));
    assert_eq!(lines[0].peer.as_deref(), Some("127.0.0.1:5"));
    // One without is open, and says so; its outcome is told when it comes, filter or not.
    let lines = take(&mut join, &records[4]);
    assert_eq!(lines[0].outcome, Some("open"));
    let lines = join.take(Shown::Outcome(records[5].clone()));
    assert_eq!(lines[0].what, "outcome of 5");
    assert_eq!(join.rest(), []);
}

/// A name in a record that would steer the terminal.
#[test]
fn a_table_lets_nothing_steer_the_terminal() {
    let mut records = records();
    if let Event::Denial(denial) = &mut records[7].event {
        denial.device = "\u{1b}]0;x\u{7}mixer\u{202e}".into();
    }
    let table = render(Format::Table, &lines(&records), Some(100)).unwrap();
    assert!(!table.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{table}");
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
        Line::of(&record, &TimeZone::UTC).what
    };
    assert_eq!(what("mixer", "not-yours"), "open a conversation");
    assert_eq!(what("", "no-rule-permits"), "an act on the site");
    assert_eq!(what("mixer", "not-modbus"), "bytes that are no Modbus/TCP");
}

/// Whoever is denied may name a device as he likes: not so that it looks like a line of the log.
#[test]
fn a_name_from_outside_makes_no_line_of_its_own() {
    use crate::screen::Row as _;

    let Event::Denial(denial) = denial() else {
        unreachable!()
    };
    let forged = Denial {
        device: "mixer\nallowed by staff.cedar/write: done".into(),
        pdu: Vec::new(),
        points: Vec::new(),
        reason: "not-yours".into(),
        ..denial
    };
    let record = Record {
        sequence: 1,
        time_ms: 0,
        event: Event::Denial(forged),
    };
    let line = Line::of(&record, &TimeZone::UTC);
    let cells = line.cells();
    let begun = |words: &str| cells[3].lines().any(|line| line.starts_with(words));
    assert!(begun("DENIED") && !begun("allowed"), "{}", cells[3]);
}

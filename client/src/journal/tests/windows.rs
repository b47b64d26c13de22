//! What a listing tells of windows, watching and break-glass: a line of each kind.

use interlock_protocols::grant::{Draft, Functions, Kind, Point, Span};
use interlock_protocols::modbus::{Address, DataType, FunctionCode, Table, UnitId, WordOrder};
use interlock_protocols::record::{
    BreakGlassEnded, BreakGlassOpened, HoldAnswered, WatchEnded, WatchOpened, WindowApproved,
    WindowEnd, WindowEnded, WindowRefused, WindowRequested, WriterTaken,
};

use super::*;

const BOB: &str = "spiffe://waterworks/vendor/acme/bob";

pub(crate) fn grant(kind: Kind, spans: u64) -> Vec<u8> {
    let window = kind == Kind::Window;
    let draft = Draft {
        kind,
        supervised: window,
        hold: false,
        quorum: u8::from(window) * 2,
        id: [7; 16],
        site: "waterworks".into(),
        gateway: "gate-1".into(),
        device: "mixer".into(),
        guard: String::new(),
        holder: if window { BOB.into() } else { String::new() },
        holder_key: if window { [0xB0; 32] } else { [0; 32] },
        plant: [0x9A; 32],
        max_writes: 20,
        open_s: if window { 0 } else { 1_800 },
        approvers: if window {
            vec![[1; 32], [2; 32]]
        } else {
            Vec::new()
        },
        points: vec![Point {
            unit: UnitId::new(1),
            table: Table::HoldingRegisters,
            first: Address::new(100),
            data_type: Some(DataType::U16),
            order: WordOrder::Abcd,
            functions: Functions::NONE.with(FunctionCode::WriteSingleRegister),
            raw_min: 0,
            raw_max: 800,
        }],
        spans: (0..spans)
            .map(|week| Span {
                start_ms: START_MS.cast_unsigned() + week * 7 * 86_400_000,
                length_s: 7_200,
            })
            .collect(),
    };
    draft.encode().unwrap()
}

fn requested(spans: u64, extends: Option<u64>) -> Event {
    Event::WindowRequested(WindowRequested {
        session: 4,
        by: BOB.into(),
        grant: grant(Kind::Window, spans),
        points: vec!["speed_setpoint".into()],
        reason: "WO-1234\nSEQ".into(),
        waits_until_ms: START_MS + 86_400_000,
        extends,
        policies: vec!["vendors.cedar/request".into()],
    })
}

fn watching() -> Vec<Event> {
    vec![
        Event::WatchOpened(WatchOpened {
            session: 2,
            subject: SUBJECT.into(),
            watch: 1,
            watched: None,
            device: "mixer".into(),
            supervises: true,
        }),
        Event::WatchEnded(WatchEnded {
            session: 2,
            subject: SUBJECT.into(),
            watch: 1,
            reason: "the client closed it".into(),
        }),
        Event::HoldAnswered(HoldAnswered {
            session: 2,
            by: SUBJECT.into(),
            held: 4,
            window: 1,
            device: "mixer".into(),
            unit: 1,
            pdu: vec![6, 0, 100, 3, 0x84],
            points: setpoint(900.0),
            asked: 3,
            yes: true,
        }),
        Event::WriterTaken(WriterTaken {
            session: 2,
            subject: SUBJECT.into(),
            device: "mixer".into(),
            from: Some(4),
            from_subject: BOB.into(),
        }),
    ]
}

fn events() -> Vec<Event> {
    let mut all = vec![
        requested(1, None),
        requested(3, Some(1)),
        Event::WindowApproved(WindowApproved {
            window: 1,
            session: 2,
            by: SUBJECT.into(),
            key: [1; 32],
            signature: [3; 64],
            comment: "go ahead".into(),
            policies: vec!["staff.cedar/approve".into()],
        }),
        Event::WindowRefused(WindowRefused {
            window: 2,
            session: 2,
            by: SUBJECT.into(),
            comment: "not each week".into(),
        }),
    ];
    all.extend(watching());
    let mut counted = intent(7, 900);
    if let Event::Intent(intent) = &mut counted {
        intent.window = Some(1);
    }
    all.push(counted);
    all.push(outcome(9, CommandResult::Answered { pdu: vec![6] }));
    all.extend([
        Event::WindowEnded(WindowEnded {
            window: 1,
            end: WindowEnd::Over,
            session: None,
            by: String::new(),
        }),
        Event::BreakGlassOpened(BreakGlassOpened {
            session: 2,
            by: SUBJECT.into(),
            grant: grant(Kind::BreakGlass, 1),
            points: vec!["speed_setpoint".into()],
            reason: "flood".into(),
        }),
        Event::BreakGlassEnded(BreakGlassEnded {
            opened: 12,
            reason: "the key switch was released".into(),
            writes: 2,
        }),
    ]);
    all
}

fn told() -> Vec<Line> {
    let numbered = (1..).zip(events());
    let records: Vec<Record> = numbered
        .map(|(sequence, event)| Record {
            sequence,
            time_ms: START_MS + i64::try_from(sequence).unwrap(),
            event,
        })
        .collect();
    lines(&records)
}

#[test]
fn windows_watching_and_break_glass_are_told_a_line_for_each_kind() {
    let kinds: std::collections::BTreeSet<u64> = events().iter().map(Event::kind).collect();
    let wanted = (kind::WINDOW_REQUESTED..=kind::LAST).chain([kind::INTENT, kind::OUTCOME]);
    assert_eq!(kinds, wanted.collect());
    let table = render(Format::Table, &told(), Some(80)).unwrap();
    assert_eq!(table, include_str!("../golden-windows.txt"), "{table}");
    let text = render(Format::Jsonl, &told(), None).unwrap();
    assert_eq!(text, include_str!("../golden-windows.jsonl"), "{text}");
}

#[test]
fn every_line_says_which_window_it_is_about() {
    let windows: Vec<Option<u64>> = told().iter().map(|line| line.window).collect();
    let (one, two, glass) = (Some(1), Some(2), Some(12));
    let wanted = [
        one, two, one, two, None, None, one, None, one, one, glass, glass,
    ];
    assert_eq!(windows, wanted);
}

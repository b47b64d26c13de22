//! A window that is taken away while something of it is being sent (I7).

use std::sync::{Arc, mpsc};
use std::thread;

use interlock_protocols::grant::{Draft, Functions, Kind, Point, Span};
use interlock_protocols::modbus::value::{DataType, WordOrder};
use interlock_protocols::modbus::{Address, FunctionCode, Table, UnitId};
use interlock_protocols::record::{Event, WindowRequested};

use super::*;
use crate::limits::WINDOWS_PER_SUBJECT_MAX;
use crate::mediation::refusal::Reason;
use crate::register::Register;

const VICTOR: &str = "spiffe://waterworks/vendor/acme/victor";

fn draft(id: u8) -> Draft {
    Draft {
        kind: Kind::Window,
        supervised: false,
        hold: false,
        quorum: 1,
        id: [id; 16],
        site: "waterworks".into(),
        gateway: "gateway".into(),
        device: "press-4".into(),
        guard: String::new(),
        holder: VICTOR.into(),
        holder_key: [7; 32],
        plant: [9; 32],
        max_writes: 1,
        open_s: 0,
        approvers: vec![[1; 32]],
        points: vec![Point {
            unit: UnitId::new(255),
            table: Table::HoldingRegisters,
            first: Address::new(100),
            data_type: Some(DataType::U16),
            order: WordOrder::Abcd,
            functions: Functions::NONE.with(FunctionCode::WriteSingleRegister),
            raw_min: 0,
            raw_max: 100,
        }],
        spans: vec![Span {
            start_ms: 1_000,
            length_s: 60,
        }],
    }
}

fn requested(draft: &Draft) -> Event {
    Event::WindowRequested(WindowRequested {
        session: 1,
        by: VICTOR.into(),
        grant: draft.encode().unwrap(),
        points: vec!["speed_setpoint".into()],
        reason: "WO-1".into(),
        waits_until_ms: 0,
        extends: None,
        policies: Vec::new(),
    })
}

/// A register with as many windows, and a board that follows it.
fn board(windows: u8) -> (Register, Board) {
    let mut register = Register::default();
    for number in 1..=windows {
        register.apply(number.into(), 0, &requested(&draft(number)));
    }
    (register, Board::default())
}

#[test]
fn i7_taking_a_window_away_waits_for_a_send_under_way_and_stops_the_next() {
    let (register, board) = board(1);
    assert!(board.follow(&register, |_| Ok(())).is_empty());
    let pane = board.of_holder(VICTOR).remove(0);
    let (entered, in_send) = mpsc::channel();
    let (let_go, released) = mpsc::channel::<()>();
    let sender = {
        let pane = Arc::clone(&pane);
        thread::spawn(move || {
            pane.hold(|| {
                entered.send(()).unwrap();
                released.recv().unwrap();
            })
        })
    };
    in_send.recv().unwrap();
    let (shut, shut_returned) = mpsc::channel();
    let taker = thread::spawn(move || {
        let found = board.follow(&register, |_| Err(Shut::Short));
        shut.send(()).unwrap();
        found
    });
    // The send has not been let go, so nobody can have been told, whatever the scheduler does.
    assert!(shut_returned.try_recv().is_err());
    let_go.send(()).unwrap();
    assert_eq!(sender.join().unwrap(), Ok(()));
    assert_eq!(taker.join().unwrap(), [1]);
    let reason = pane.hold(|| ()).unwrap_err();
    assert!(matches!(reason, Reason::Window(it) if it.why == Shut::Short));
}

/// Permits hold a window without asking the board: one that broke must shut them all the same.
#[test]
fn i7_a_window_is_taken_away_though_somebody_panicked_over_it() {
    let (register, board) = board(1);
    board.follow(&register, |_| Ok(()));
    let pane = board.of_holder(VICTOR).remove(0);
    let broken = || board.follow(&register, |_| panic!("somebody's mistake"));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(broken)).is_err());
    assert_eq!(board.follow(&register, |_| Err(Shut::Short)), [1]);
    assert!(pane.hold(|| ()).is_err());
    assert!(
        board.of_holder(VICTOR).is_empty(),
        "and it opens nothing new"
    );
}

#[test]
fn a_window_opens_nothing_before_it_was_judged() {
    let (register, board) = board(1);
    board.follow(&register, |_| Err(Shut::Pending));
    let pane = board.of_holder(VICTOR).remove(0);
    assert!(pane.hold(|| ()).is_err());
    assert!(board.follow(&register, |_| Ok(())).is_empty());
    assert!(pane.hold(|| ()).is_ok());
}

#[test]
fn one_that_the_register_forgot_is_shut_for_those_who_have_it_still() {
    let (register, board) = board(2);
    board.follow(&register, |_| Ok(()));
    let panes = board.of_holder(VICTOR);
    let forgotten = board.follow(&Register::default(), |_| Ok(()));
    assert_eq!(forgotten, [1, 2]);
    assert!(board.of_holder(VICTOR).is_empty());
    assert!(panes.iter().all(|pane| pane.hold(|| ()).is_err()));
}

#[test]
fn of_those_that_are_decided_the_last_are_looked_at_and_all_others_always() {
    let most = u8::try_from(WINDOWS_PER_SUBJECT_MAX).unwrap();
    let (mut register, board) = board(most + 3);
    for window in 2..=most + 3 {
        let refused = Event::WindowRefused(interlock_protocols::record::WindowRefused {
            window: window.into(),
            session: 1,
            by: String::new(),
            comment: String::new(),
        });
        register.apply(200 + u64::from(window), 0, &refused);
    }
    board.follow(&register, |_| Ok(()));
    let numbers: Vec<u64> = board
        .of_holder(VICTOR)
        .iter()
        .map(|it| it.number())
        .collect();
    let expected: Vec<u64> = [1].into_iter().chain(4..=u64::from(most) + 3).collect();
    assert_eq!(numbers, expected, "2 and 3 are refused and old");
}

#[test]
fn every_reason_has_a_code_of_its_own_and_says_what_to_do() {
    let all = [
        Shut::Pending,
        Shut::Refused,
        Shut::Lapsed,
        Shut::Withdrawn,
        Shut::Short,
        Shut::Outdated,
        Shut::Unjudged("why".into()),
        Shut::NotYet,
        Shut::Over,
        Shut::Outside("how".into()),
        Shut::Exhausted { most: 2 },
        Shut::Broken,
    ];
    let mut codes: Vec<&str> = Vec::new();
    for why in all {
        let window = NotInForce {
            window: 12,
            glass: false,
            why,
        };
        assert!(window.what().contains("window 12"), "{window:?}");
        assert!(!window.next().is_empty());
        codes.push(window.code());
    }
    let count = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), count);
}

//! The messages that speak of maintenance windows, watching and break-glass, in a fixed form.

use super::*;
use crate::record::{KeptApproval, WindowApproved};

fn request() -> WindowRequest {
    WindowRequest {
        device: "mixer".into(),
        points: vec!["setpoint".into()],
        functions: vec![3, 6],
        spans: vec![WindowSpan {
            start_ms: 1_700_000_000_000,
            length_s: 7_200,
        }],
        max_writes: 20,
        limits: vec![WindowLimit {
            point: "setpoint".into(),
            min: 0.0,
            max: 800.0,
        }],
        reason: "WO-1".into(),
        waits_s: 3_600,
        extends: None,
        supervised: true,
        hold: false,
    }
}

pub(super) fn from_client() -> Vec<FromClient> {
    let extending = WindowRequest {
        spans: vec![],
        limits: vec![],
        extends: Some(300),
        supervised: false,
        hold: true,
        ..request()
    };
    let device = || String::from("mixer");
    let asks = [
        Ask::RequestWindow(request()),
        Ask::RequestWindow(extending),
        Ask::Windows { pending: true },
        Ask::Window { window: 300 },
        Ask::ApproveWindow {
            window: 300,
            key: [1; 32],
            signature: [2; 64],
            comment: "fine".into(),
        },
        Ask::RefuseWindow {
            window: 300,
            comment: "not today".into(),
        },
        Ask::WithdrawWindow { window: 300 },
        Ask::TakeWriter { device: device() },
        Ask::ReturnWriter { device: device() },
        Ask::BreakGlass {
            grant: vec![3, 4],
            reason: "fire".into(),
        },
    ];
    asks.map(|ask| FromClient::Ask { call: 9, ask }).into()
}

fn row() -> WindowRow {
    WindowRow {
        window: 300,
        state: WindowState::Pending,
        by: "s".into(),
        asked_ms: 1_699_000_000_000,
        waits_until_ms: 1_700_000_000_000,
        grant: vec![1, 2],
        points: vec!["setpoint".into()],
        reason: "WO-1".into(),
        extends: None,
        approvals: vec![],
        refusal: String::new(),
        used: 0,
        restriction: None,
    }
}

pub(super) fn to_client() -> Vec<ToClient> {
    let approval = KeptApproval {
        number: 302,
        time_ms: 6,
        approved: WindowApproved {
            window: 300,
            session: 8,
            by: "b".into(),
            key: [1; 32],
            signature: [2; 64],
            comment: "fine".into(),
            policies: vec!["a.cedar/y".into()],
        },
    };
    let revoked = WindowRow {
        state: WindowState::Revoked,
        extends: Some(200),
        approvals: vec![approval],
        refusal: "no".into(),
        used: 3,
        restriction: Some(23),
        ..row()
    };
    vec![
        ToClient::Answer {
            call: 9,
            answer: Answer::Windows(vec![row(), revoked]),
            more: false,
        },
        ToClient::Window(WindowStep {
            window: 300,
            text: "t".into(),
        }),
        ToClient::Announcement { text: "t".into() },
    ]
}

fn openings() -> [Opening; 2] {
    [
        Opening::Watch(Watched::Session(7)),
        Opening::Watch(Watched::Device("mixer".into())),
    ]
}

fn from_watcher() -> [FromWatcher; 2] {
    [
        FromWatcher::Seen { through: 5 },
        FromWatcher::Answer { hold: 4, yes: true },
    ]
}

fn seen() -> [Seen; 6] {
    let command = SeenCommand {
        time_ms: 1_700_000_000_000,
        session: 7,
        subject: "s".into(),
        device: "mixer".into(),
        asked: "a".into(),
        decision: "allowed".into(),
        result: "ok".into(),
        rules: vec!["a.cedar/x".into()],
        latency_us: Some(1_200),
        window: Some(300),
        record: Some(301),
    };
    let denied = SeenCommand {
        decision: "policy".into(),
        rules: vec![],
        latency_us: None,
        window: None,
        record: None,
        ..command.clone()
    };
    let point = |before_age_ms| HeldPoint {
        name: "setpoint".into(),
        value: "61.5 bar".into(),
        before: "60 bar".into(),
        before_age_ms,
        limits: "0 to 80 bar".into(),
    };
    [
        Seen::Quiet,
        Seen::Command(command),
        Seen::Command(denied),
        Seen::Held(SeenHold {
            hold: 4,
            session: 7,
            subject: "s".into(),
            device: "mixer".into(),
            asked: "a".into(),
            points: vec![point(Some(1_500)), point(None)],
            asked_times: 3,
            window: 300,
            until_ms: 1_700_000_060_000,
        }),
        Seen::Settled {
            hold: 4,
            what: "used".into(),
        },
        Seen::Missed { commands: 12 },
    ]
}

fn to_watcher() -> Vec<ToWatcher> {
    let numbered = (1..).zip(seen());
    numbered
        .map(|(number, seen)| ToWatcher { number, seen })
        .collect()
}

pub(super) fn golden() -> Vec<Vec<u8>> {
    let opened = [true, false].map(|supervises| Opened::Watch { supervises });
    let mut all: Vec<Vec<u8>> = from_client().iter().map(Message::encode).collect();
    all.extend(to_client().iter().map(Message::encode));
    all.extend(openings().iter().map(Message::encode));
    all.extend(opened.iter().map(Message::encode));
    all.extend(from_watcher().iter().map(Message::encode));
    all.extend(to_watcher().iter().map(Message::encode));
    all
}

#[test]
fn each_comes_back() {
    for message in from_client() {
        assert_eq!(FromClient::decode(&message.encode()), Ok(message));
    }
    for message in to_client() {
        assert_eq!(ToClient::decode(&message.encode()), Ok(message));
    }
    for message in openings() {
        assert_eq!(Opening::decode(&message.encode()), Ok(message));
    }
    for message in from_watcher() {
        assert_eq!(FromWatcher::decode(&message.encode()), Ok(message));
    }
    for message in to_watcher() {
        assert_eq!(ToWatcher::decode(&message.encode()), Ok(message));
    }
}

/// The number of each state on the wire: one that moved would tell people something else.
#[test]
fn states_keep_their_numbers() {
    use WindowState::{
        Approved, Exhausted, Lapsed, Open, Outdated, Over, Pending, Refused, Revoked, Short,
        Withdrawn,
    };
    let states = [
        Pending, Approved, Open, Exhausted, Short, Outdated, Refused, Lapsed, Withdrawn, Revoked,
        Over,
    ];
    for (number, state) in (0_u8..).zip(states) {
        assert_eq!(crate::strict::to_bytes(&state), [number], "{state:?}");
        assert!(!state.name().is_empty());
    }
}

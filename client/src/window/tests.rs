//! Windows against a gateway that plays a script, and what people read of them.

mod approving;
mod asking;
pub(crate) mod past;
mod showing;

use interlock_protocols::conduit::{
    Answer, DeviceOffer, FromClient, PointOffer, ToClient, WindowRow, WindowState,
};
use interlock_protocols::grant::{Draft, Functions, Kind as GrantKind, Point, Span};
use interlock_protocols::modbus::{Address, DataType, FunctionCode, Table, UnitId, WordOrder};
use interlock_protocols::record::{KeptApproval, WindowApproved};

use super::*;
use crate::gateway::scripted::{Scripted, Side};
use crate::point::tests::{offer, point};

/// 2026-11-22 13:30 UTC.
pub(crate) const START_MS: i64 = 1_795_354_200_000;
pub(crate) const BOB: &str = "spiffe://waterworks/vendor/acme/bob";
pub(crate) const ANN: &str = "spiffe://waterworks/person/ann";

/// `speed_setpoint` 0 to 800 rpm, of the plant of the sample: 0.1 rpm a step.
pub(crate) fn speed() -> Point {
    Point {
        unit: UnitId::new(255),
        table: Table::HoldingRegisters,
        first: Address::new(100),
        data_type: Some(DataType::U16),
        order: WordOrder::Abcd,
        functions: Functions::NONE
            .with(FunctionCode::ReadHoldingRegisters)
            .with(FunctionCode::WriteSingleRegister),
        raw_min: 0,
        raw_max: 8_000,
    }
}

pub(crate) fn ramp() -> Point {
    Point {
        first: Address::new(101),
        raw_min: 5,
        raw_max: 100,
        ..speed()
    }
}

pub(crate) fn draft() -> Draft {
    Draft {
        kind: GrantKind::Window,
        supervised: false,
        hold: false,
        quorum: 1,
        id: [7; 16],
        site: "waterworks".into(),
        gateway: "gate-1".into(),
        device: "press-4".into(),
        guard: String::new(),
        holder: BOB.into(),
        holder_key: [0xB0; 32],
        plant: [0x9A; 32],
        max_writes: 20,
        open_s: 0,
        approvers: vec![[0xA1; 32], [0xA2; 32]],
        points: vec![speed(), ramp()],
        spans: vec![Span {
            start_ms: START_MS.cast_unsigned(),
            length_s: 7_200,
        }],
    }
}

pub(crate) fn row(state: WindowState) -> WindowRow {
    row_of(&draft(), state)
}

pub(crate) fn row_of(draft: &Draft, state: WindowState) -> WindowRow {
    WindowRow {
        window: 12,
        state,
        by: BOB.into(),
        asked_ms: START_MS - 86_400_000,
        waits_until_ms: START_MS,
        grant: draft.encode().unwrap(),
        points: vec!["speed_setpoint".into(), "ramp".into()],
        reason: "WO-1234".into(),
        extends: None,
        approvals: Vec::new(),
        refusal: String::new(),
        used: 0,
        restriction: None,
    }
}

pub(crate) fn approval(comment: &str) -> KeptApproval {
    KeptApproval {
        number: 15,
        time_ms: START_MS - 3_600_000,
        approved: WindowApproved {
            window: 12,
            session: 9,
            by: ANN.into(),
            key: [0xA1; 32],
            signature: [0; 64],
            comment: comment.into(),
            policies: Vec::new(),
        },
    }
}

/// The device of the grant, as its holder is offered it.
pub(crate) fn press() -> DeviceOffer {
    DeviceOffer {
        name: "press-4".into(),
        points: vec![
            PointOffer {
                scale: 0.1,
                min: Some(0.0),
                max: Some(1_200.0),
                ..point("speed_setpoint", 4, 100, "u16")
            },
            PointOffer {
                unit: "rpm/s".into(),
                min: Some(5.0),
                max: Some(100.0),
                ..point("ramp", 4, 101, "u16")
            },
            PointOffer {
                unit: "h".into(),
                writable: false,
                may_write: false,
                ..point("operating_hours", 4, 120, "u32")
            },
        ],
        ..offer()
    }
}

/// The gateway's side: hears the next thing that is asked.
pub(crate) async fn asked(side: &mut Side) -> (u32, Ask) {
    match side.heard().await {
        FromClient::Ask { call, ask } => (call, ask),
        other => panic!("another message: {other:?}"),
    }
}

pub(crate) async fn answer(side: &mut Side, call: u32, rows: Vec<WindowRow>) {
    let answer = Answer::Windows(rows);
    let more = false;
    side.tell(&ToClient::Answer { call, answer, more }).await;
}

/// A session that is offered the device, and both its sides.
pub(crate) async fn connected(scripted: &Scripted) -> (Gateway, Side) {
    let profile = scripted.profile();
    let (gateway, side) = tokio::join!(Gateway::connect(&profile), scripted.welcome(vec![press()]));
    (gateway.unwrap(), side)
}

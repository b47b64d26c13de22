//! Commands under maintenance windows: what one opens, how it is counted, and how it ends. The
//! vendor of the sample site may do nothing without one.

mod counting;
mod deciding;
mod ending;
mod oversight;
mod taking;

use std::path::Path;
use std::time::Duration;

use interlock_broker::clock::Now;
use interlock_broker::mediation::{
    Authorized, Awaiting, Conversation, Handed, Permit, Reason, Redeemed, Refusal, Session, Wire,
};
use interlock_broker::root::{ApproverKey, RootSecret, read_list};
use interlock_broker::window::Reliance;
use interlock_protocols::grant::{Draft, Functions, Grant, Kind, Point, Span};
use interlock_protocols::modbus::value::{DataType, WordOrder};
use interlock_protocols::modbus::{Address, FunctionCode, Table, UnitId};
use interlock_protocols::record::{Denial, Event, Intent, WindowApproved, WindowRequested};

use crate::world::{NOON_MS, World, adu, noon};

const VICTOR: &str = "vendor/acme/victor";
const HOUR: Duration = Duration::from_secs(3_600);

fn at(later: Duration) -> Now {
    noon().after(later)
}

/// A gateway with a site root and two approvers.
struct Hall {
    world: World,
    root: RootSecret,
    keys: [(&'static str, ApproverKey); 2],
    plant: String,
}

impl Hall {
    fn new() -> Hall {
        Hall::over(World::new())
    }

    fn over(world: World) -> Hall {
        let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/site");
        let hall = Hall {
            world,
            root: RootSecret::generate("waterworks").unwrap(),
            keys: ["person/arno", "person/bea"]
                .map(|who| (who, ApproverKey::generate("key").unwrap())),
            plant: std::fs::read_to_string(site.join("plant.toml")).unwrap(),
        };
        hall.rely();
        hall
    }

    fn rely(&self) {
        let entry = |(who, key): &(&str, ApproverKey)| {
            format!(
                "[[approver]]\nsubject = \"{who}\"\nname = \"N\"\nsince = \"2025-11-01\"\nkey = \"{}\"\n",
                key.public_text()
            )
        };
        let text: String = self.keys.iter().map(entry).collect();
        let list = read_list(Path::new("approvers.toml"), &text, "waterworks").unwrap();
        let root = self.root.public();
        let list = self.root.sign_approvers(&list, 1, noon()).unwrap();
        let plant = self.root.sign_plant(self.plant.as_bytes(), 1).unwrap();
        self.world.broker.rely_on(Reliance::new(
            "gateway",
            root.clone(),
            root.approvers(&list).unwrap(),
            root.plant(&plant, self.plant.as_bytes()).unwrap(),
        ));
    }

    fn restarted(self) -> Hall {
        let hall = Hall {
            world: self.world.restarted(),
            ..self
        };
        hall.rely();
        hall
    }

    /// A window for whoever has this session, on its machine, over the speed of the press from now
    /// on: up to 700 rpm, 20 writes.
    fn draft(&self, session: &Session) -> Draft {
        let reliance = self.world.broker.reliance().unwrap();
        Draft {
            kind: Kind::Window,
            supervised: false,
            hold: false,
            quorum: 1,
            // Two of the same would be one.
            id: rand_id(),
            site: "waterworks".to_owned(),
            gateway: "gateway".to_owned(),
            device: "press-4".to_owned(),
            guard: String::new(),
            holder: session.subject().to_string(),
            holder_key: *session.device_key().unwrap(),
            plant: *reliance.plant(),
            max_writes: 20,
            open_s: 0,
            approvers: self.keys.iter().map(|(_, key)| key.public()).collect(),
            points: vec![speed()],
            spans: vec![span(noon(), HOUR * 2)],
        }
    }

    /// Asks for a window.
    fn requested(&self, draft: &Draft) -> u64 {
        let names = draft.points.iter().map(|point| name(point).to_owned());
        let requested = WindowRequested {
            session: 1,
            by: draft.holder.clone(),
            grant: draft.encode().unwrap(),
            points: names.collect(),
            reason: "WO-1234".to_owned(),
            waits_until_ms: NOON_MS + 86_400_000,
            extends: None,
            policies: Vec::new(),
        };
        let event = Event::WindowRequested(requested);
        self.world.broker.tell_register(event, noon()).unwrap()
    }

    /// Has the first approvers sign it.
    fn approved(&self, window: u64, draft: &Draft, approvers: usize) {
        let bytes = draft.encode().unwrap();
        let grant = Grant::read_unsigned(&bytes).unwrap();
        for (who, key) in self.keys.iter().take(approvers) {
            let approved = WindowApproved {
                window,
                session: 2,
                by: format!("spiffe://waterworks/{who}"),
                key: key.public(),
                signature: key.sign(grant.body),
                comment: String::new(),
                policies: Vec::new(),
            };
            let event = Event::WindowApproved(approved);
            self.world.broker.tell_register(event, noon()).unwrap();
        }
    }

    /// A window that is asked for and signed by one.
    fn window(&self, draft: &Draft) -> u64 {
        let window = self.requested(draft);
        self.approved(window, draft, 1);
        window
    }

    fn victor(&self) -> Session {
        self.world.session(VICTOR)
    }
}

/// Another one each time, and the same in each run.
fn rand_id() -> [u8; 16] {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    id
}

fn span(from: Now, length: Duration) -> Span {
    Span {
        start_ms: from.wall_ms().cast_unsigned(),
        length_s: u32::try_from(length.as_secs()).unwrap(),
    }
}

const READS: [FunctionCode; 1] = [FunctionCode::ReadHoldingRegisters];
const WRITES: [FunctionCode; 4] = [
    FunctionCode::WriteSingleRegister,
    FunctionCode::WriteMultipleRegisters,
    FunctionCode::MaskWriteRegister,
    FunctionCode::ReadWriteMultipleRegisters,
];

fn holding(first: u16, raw_max: u32) -> Point {
    let functions = READS.into_iter().chain(WRITES);
    Point {
        unit: UnitId::new(255),
        table: Table::HoldingRegisters,
        first: Address::new(first),
        data_type: Some(DataType::U16),
        order: WordOrder::Abcd,
        functions: functions.fold(Functions::NONE, Functions::with),
        raw_min: 0,
        raw_max,
    }
}

/// 0.1 rpm a step: up to 700 rpm.
fn speed() -> Point {
    holding(100, 7_000)
}

/// In rpm/s: 5 to 50.
fn ramp() -> Point {
    Point {
        raw_min: 5,
        ..holding(101, 50)
    }
}

fn name(point: &Point) -> &'static str {
    match point.first.value() {
        100 => "speed_setpoint",
        101 => "ramp",
        110 => "pressure_setpoint",
        other => panic!("no name for {other}"),
    }
}

/// Function 6 to the speed, in steps of 0.1 rpm.
fn write(raw: u16) -> Vec<u8> {
    [&[6, 0, 100][..], &raw.to_be_bytes()].concat()
}

/// Function 16 over both points.
fn block(speed: u16, ramp: u16) -> Vec<u8> {
    let words = [speed.to_be_bytes(), ramp.to_be_bytes()].concat();
    [&[16, 0, 100, 0, 2, 4][..], &words].concat()
}

const READ: [u8; 5] = [3, 0, 100, 0, 1];

async fn ask(
    talk: &mut Conversation,
    transaction: u16,
    pdu: &[u8],
    now: Now,
) -> Result<Permit, Refusal> {
    match talk.authorize(adu(transaction, 1, pdu), now).await {
        Ok(Authorized::Permit(permit)) => Ok(permit),
        Ok(Authorized::Repeat) => panic!("no transaction is used twice here"),
        Err(refusal) => Err(refusal),
    }
}

/// The code of a refusal that the wire shows as 01.
#[track_caller]
fn code(asked: Result<Permit, Refusal>) -> &'static str {
    let refusal = asked.expect_err("it was permitted");
    assert!(matches!(refusal.wire(), Wire::Exception(code) if code.code() == 1));
    refusal.reason().code()
}

#[track_caller]
fn words(asked: Result<Permit, Refusal>) -> String {
    let refusal = asked.expect_err("it was permitted");
    format!("{}; {}", refusal.reason().what(), refusal.next())
}

#[track_caller]
fn sent(permit: Permit, now: Now) -> Awaiting {
    match permit.redeem(now, |_, _| Ok(Handed::Whole)) {
        Redeemed::Sent(awaiting) => awaiting,
        other => panic!("it was not sent: {other:?}"),
    }
}

/// Why it was withheld; no byte may be handed to the socket.
#[track_caller]
fn withheld(permit: Permit, now: Now) -> Reason {
    match permit.redeem(now, |_, _| panic!("a byte was handed to the socket")) {
        Redeemed::Withheld(refusal) => refusal.reason().clone(),
        other => panic!("it was not withheld: {other:?}"),
    }
}

/// Sends a write and has the PLC say yes.
async fn done(talk: &mut Conversation, transaction: u16, pdu: &[u8], now: Now) {
    let permit = ask(talk, transaction, pdu, now).await.unwrap();
    let mut said = pdu.to_vec();
    let awaiting = sent(permit, now);
    if pdu[0] == 16 {
        said.truncate(5);
    }
    awaiting.answer(&said, now).unwrap();
    talk.settled(adu(transaction, 1, &[]).transaction);
}

fn intents(hall: &Hall) -> Vec<Intent> {
    let intent = |event| match event {
        Event::Intent(intent) => Some(intent),
        _ => None,
    };
    let records = hall.world.records().into_iter();
    records.filter_map(|record| intent(record.event)).collect()
}

fn denials(hall: &Hall) -> Vec<Denial> {
    let denial = |event| match event {
        Event::Denial(denial) => Some(denial),
        _ => None,
    };
    let records = hall.world.records().into_iter();
    records.filter_map(|record| denial(record.event)).collect()
}

//! Break-glass in memory: what opens it, what passes by it, and how it is over. The vendor of the
//! sample site may do nothing without a window, and asks here for none.

mod opening;
mod over;
mod passing;

use std::path::Path;
use std::time::Duration;

use interlock_broker::clock::Now;
use interlock_broker::journal::Health;
use interlock_broker::mediation::{
    Authorized, Awaiting, Broken, Conversation, Handed, NotBroken, Permit, Reason, Redeemed,
    Refusal, Session,
};
use interlock_broker::plant::Plant;
use interlock_broker::root::{RootSecret, Sealing};
use interlock_broker::window::Reliance;
use interlock_protocols::conduit::WindowLimit;
use interlock_protocols::grant::Span;
use interlock_protocols::record::{BreakGlassEnded, BreakGlassOpened, Event, Record};
use interlock_protocols::root::ApproverList;

use crate::world::{World, adu, noon};

const VICTOR: &str = "vendor/acme/victor";
const WHY: &str = "the identity provider is down";
const MOST: u32 = 3;
const OPEN: Duration = Duration::from_secs(7_200);

fn at(later: Duration) -> Now {
    noon().after(later)
}

/// A gateway with a site root and a key switch, which is on.
struct Case {
    world: World,
    root: RootSecret,
    plant: String,
}

impl Case {
    fn new() -> Case {
        let case = Case::without_switch();
        case.world.broker.fit_key_switch();
        case.turn(true, noon());
        case
    }

    fn without_switch() -> Case {
        let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/site");
        let case = Case {
            world: World::new(),
            root: RootSecret::generate("waterworks").unwrap(),
            plant: std::fs::read_to_string(site.join("plant.toml")).unwrap(),
        };
        case.rely();
        case
    }

    fn rely(&self) {
        let root = self.root.public();
        let list = ApproverList::default();
        let list = self.root.sign_approvers(&list, 1, noon()).unwrap();
        let plant = self.root.sign_plant(self.plant.as_bytes(), 1).unwrap();
        self.world.broker.rely_on(Reliance::new(
            "gateway",
            root.clone(),
            root.approvers(&list).unwrap(),
            root.plant(&plant, self.plant.as_bytes()).unwrap(),
        ));
    }

    fn restarted(self) -> Case {
        let case = Case {
            world: self.world.restarted(),
            ..self
        };
        case.rely();
        case.world.broker.fit_key_switch();
        case.turn(true, noon());
        case
    }

    fn turn(&self, is_on: bool, now: Now) {
        self.world.broker.key_switch(is_on, now);
    }

    /// The speed of the press, up to 700 rpm, for two hours, three times, from an hour ago.
    fn sealed(&self) -> Vec<u8> {
        self.sealed_by(&self.root, &self.plant, |_| ())
    }

    fn sealed_with(&self, change: impl FnOnce(&mut Sealing<'_>)) -> Vec<u8> {
        self.sealed_by(&self.root, &self.plant, change)
    }

    fn sealed_by(
        &self,
        root: &RootSecret,
        text: &str,
        change: impl FnOnce(&mut Sealing<'_>),
    ) -> Vec<u8> {
        let plant = Plant::parse(Path::new("plant.toml"), text).unwrap();
        let points = ["speed_setpoint".to_owned()];
        let limits = [WindowLimit {
            point: "speed_setpoint".to_owned(),
            min: 0.0,
            max: 700.0,
        }];
        let mut asked = Sealing {
            plant: (&plant, text.as_bytes()),
            gateway: "gateway",
            device: "press-4",
            points: &points,
            functions: &[6],
            limits: &limits,
            max_writes: MOST,
            open_s: OPEN.as_secs().try_into().unwrap(),
            span: Span {
                start_ms: (noon().wall_ms() - 3_600_000).try_into().unwrap(),
                length_s: 7_200,
            },
        };
        change(&mut asked);
        // Long before.
        let made = Now::new(noon().wall_ms() - 8_000_000, noon().mono());
        root.seal(&asked, made).unwrap()
    }

    fn victor(&self) -> Session {
        self.world.session(VICTOR)
    }

    /// The disk takes writes again, and the journal has noticed.
    async fn healed(&self) {
        self.world.memory.heal();
        while self.world.broker.journal().health() != Health::Good {
            tokio::task::yield_now().await;
        }
    }

    fn records(&self) -> Vec<Record> {
        self.world.records()
    }
}

async fn broken(session: &Session, sealed: &[u8], now: Now) -> Result<Broken, Refusal> {
    let mut breaking = session.break_glass(sealed, WHY, now)?;
    breaking.recorded().await;
    breaking.open(now)
}

#[track_caller]
fn why(result: Result<Broken, Refusal>) -> NotBroken {
    match result.unwrap_err().reason() {
        Reason::BreakGlass(why) => why.clone(),
        other => panic!("{other:?}"),
    }
}

/// Function 6 to the speed, in steps of 0.1 rpm.
fn write(raw: u16) -> Vec<u8> {
    [&[6, 0, 100][..], &raw.to_be_bytes()].concat()
}

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

#[track_caller]
fn code(asked: Result<Permit, Refusal>) -> &'static str {
    asked.expect_err("it was permitted").reason().code()
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
fn withheld(permit: Permit, now: Now) -> &'static str {
    match permit.redeem(now, |_, _| panic!("a byte was handed to the socket")) {
        Redeemed::Withheld(refusal) => refusal.reason().code(),
        other => panic!("it was not withheld: {other:?}"),
    }
}

/// Sends a write and has the PLC say yes.
async fn done(talk: &mut Conversation, transaction: u16, raw: u16, now: Now) {
    let permit = ask(talk, transaction, &write(raw), now).await.unwrap();
    sent(permit, now).answer(&write(raw), now).unwrap();
    talk.settled(adu(transaction, 1, &[]).transaction);
}

fn opened(records: &[Record]) -> Vec<(u64, BreakGlassOpened)> {
    let opened = |record: &Record| match &record.event {
        Event::BreakGlassOpened(opened) => Some((record.sequence, opened.clone())),
        _ => None,
    };
    records.iter().filter_map(opened).collect()
}

fn ended(records: &[Record]) -> Vec<BreakGlassEnded> {
    let ended = |record: &Record| match &record.event {
        Event::BreakGlassEnded(ended) => Some(ended.clone()),
        _ => None,
    };
    records.iter().filter_map(ended).collect()
}

fn denials(records: &[Record]) -> Vec<String> {
    let denial = |record: &Record| match &record.event {
        Event::Denial(denial) => Some(denial.reason.clone()),
        _ => None,
    };
    records.iter().filter_map(denial).collect()
}

//! Windows asked for, approved by others, refused, taken back and over: by people on machines of
//! their own, under rules that let everybody ask and approve. What stops them here, no policy lets
//! pass.

mod approving;
mod asking;
mod ending;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use interlock_broker::clock::Now;
use interlock_broker::mediation::Session;
use interlock_broker::root::{ApproverKey, RootSecret};
use interlock_broker::window::{Approval, Approved, NotDone, Reliance};
use interlock_protocols::conduit::{WindowRequest, WindowRow, WindowSpan, WindowState};
use interlock_protocols::grant::Grant;
use interlock_protocols::record::{Event, Measure, Scope};
use interlock_protocols::root::{Approver, ApproverList};
use rcgen::KeyPair;

use crate::enrolment::{at, key};
use crate::world::{NOON_MS, World, noon};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

const VICTOR: &str = "vendor/acme/victor";
const EMIL: &str = "person/emil";
const EVA: &str = "person/eva";

/// Beside the sample's: everybody asks and approves; the pump takes two approvers and somebody who
/// watches.
const RULES: &str = r#"
@id("press-windows")
permit (
    principal,
    action == Interlock::Action::"request-window",
    resource == Interlock::Device::"press-4"
)
when { principal != Interlock::Person::"olga" };

@id("pump-windows")
@quorum("2")
@supervised("true")
permit (
    principal,
    action == Interlock::Action::"request-window",
    resource == Interlock::Device::"pump-2"
);

@id("approvals")
permit (
    principal,
    action == Interlock::Action::"approve-window",
    resource
)
when { principal != Interlock::Person::"olga" };

"#;

/// Somebody of the list: who, for which firm, since when.
type Listed = (&'static str, Option<&'static str>, i64);

/// A gateway with a site root.
struct Hall {
    world: World,
    root: RootSecret,
    plant: Vec<u8>,
    keys: Vec<(Listed, ApproverKey)>,
    machines: RefCell<HashMap<String, KeyPair>>,
}

fn long_ago() -> i64 {
    NOON_MS - 30 * 86_400_000
}

impl Hall {
    fn new() -> Hall {
        Hall::of(&[
            (EMIL, None, long_ago()),
            (EVA, None, long_ago()),
            (VICTOR, Some("acme"), long_ago()),
        ])
    }

    fn of(listed: &[Listed]) -> Hall {
        let hall = Hall::without_root(listed);
        hall.rely(&hall.plant);
        hall
    }

    fn without_root(listed: &[Listed]) -> Hall {
        let mark = "// ---- the broker itself";
        let rules = format!("{RULES}{mark}");
        let world = World::with_policy(&[("staff.cedar", mark, &rules)]);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/site/plant.toml");
        let key = |listed: &Listed| (*listed, ApproverKey::generate("n").unwrap());
        Hall {
            world,
            root: RootSecret::generate("waterworks").unwrap(),
            plant: std::fs::read(file).unwrap(),
            keys: listed.iter().map(key).collect(),
            machines: RefCell::default(),
        }
    }

    /// Has the gateway rely on the list, and on this plant.
    fn rely(&self, plant: &[u8]) {
        let listed = self.keys.iter();
        let mut approvers: Vec<Approver> = listed
            .map(|((who, firm, since_ms), key)| Approver {
                subject: format!("spiffe://waterworks/{who}"),
                name: "N".into(),
                firm: firm.map(str::to_owned),
                key: key.public(),
                since_ms: *since_ms,
            })
            .collect();
        approvers.sort_by(|one, other| (&one.subject, one.key).cmp(&(&other.subject, other.key)));
        let list = ApproverList { approvers };
        let list = self.root.sign_approvers(&list, 1, noon()).unwrap();
        let signed = self.root.sign_plant(plant, 1).unwrap();
        let root = self.root.public().clone();
        let (list, plant) = (root.approvers(&list), root.plant(&signed, plant));
        let reliance = Reliance::new("gateway-1", root, list.unwrap(), plant.unwrap());
        self.world.broker.rely_on(reliance);
    }

    /// The gateway after a restart, with another plant.
    fn restarted_with(self, plant: &[u8]) -> Hall {
        let hall = Hall {
            world: self.world.restarted(),
            ..self
        };
        hall.rely(plant);
        hall
    }

    fn restarted(self) -> Hall {
        let plant = self.plant.clone();
        self.restarted_with(&plant)
    }

    /// Somebody on their own machine, who has just shown that they are there.
    fn session(&self, who: &str) -> Session {
        self.session_at(who, noon())
    }

    fn session_at(&self, who: &str, now: Now) -> Session {
        let mut machines = self.machines.borrow_mut();
        let machine = machines.entry(who.to_owned()).or_insert_with(key);
        self.world.session_on(who, machine, now)
    }

    /// Somebody at the machine of somebody else.
    fn session_at_machine_of(&self, who: &str, owner: &str) -> Session {
        let mut machines = self.machines.borrow_mut();
        let machine = machines.entry(owner.to_owned()).or_insert_with(key);
        self.world.session_on(who, machine, noon())
    }

    /// The first key of somebody on the list.
    fn key_of(&self, who: &str) -> &ApproverKey {
        let mut keys = self.keys.iter();
        &keys.find(|((listed, _, _), _)| *listed == who).unwrap().1
    }

    /// Victor's request, as it is written down.
    async fn asked(&self) -> WindowRow {
        let victor = self.session(VICTOR);
        victor.request_window(&request(), noon()).await.unwrap()
    }

    async fn approve(&self, who: &str, row: &WindowRow, now: Now) -> Result<Approved, NotDone> {
        let session = self.session_at(who, now);
        approve_with(&session, self.key_of(who), row, now).await
    }

    fn state(&self, window: u64, now: Now) -> WindowState {
        let aida = self.session_at("person/aida", now);
        aida.window(window, now).unwrap().state
    }

    async fn revoke(&self, who: &str) {
        let scope = Scope::Subject(format!("spiffe://waterworks/{who}"));
        let adam = self.session("person/adam");
        let mut taken = adam
            .restrict(Measure::Revoke, scope, "left", noon())
            .unwrap();
        taken.recorded().await;
        let _acknowledged = taken.acknowledge();
    }

    /// Codes of the denials in the journal.
    fn denials(&self) -> Vec<String> {
        let denial = |event| match event {
            Event::Denial(denial) => Some(denial.reason),
            _ => None,
        };
        let records = self.world.records().into_iter();
        records.filter_map(|record| denial(record.event)).collect()
    }
}

async fn approve_with(
    session: &Session,
    key: &ApproverKey,
    row: &WindowRow,
    now: Now,
) -> Result<Approved, NotDone> {
    let body = Grant::read_unsigned(&row.grant).unwrap().body;
    let approval = Approval {
        key: &key.public(),
        signature: &key.sign(body),
        comment: "go",
    };
    session.approve_window(row.window, approval, now).await
}

/// Half an hour, ten minutes from noon; to be approved in twenty minutes.
fn request() -> WindowRequest {
    WindowRequest {
        device: "press-4".into(),
        points: vec!["speed_setpoint".into(), "ramp".into()],
        functions: vec![6],
        spans: vec![span(10 * MINUTE, 30 * MINUTE)],
        max_writes: 20,
        limits: Vec::new(),
        reason: "WO-1234".into(),
        waits_s: 1_200,
        extends: None,
        supervised: false,
        hold: false,
    }
}

fn span(from: Duration, length: Duration) -> WindowSpan {
    WindowSpan {
        start_ms: at(from).wall_ms().try_into().unwrap(),
        length_s: length.as_secs().try_into().unwrap(),
    }
}

#[track_caller]
fn denied<T: std::fmt::Debug>(result: Result<T, NotDone>) -> &'static str {
    match result.unwrap_err() {
        NotDone::Refused(refusal) => refusal.reason().code(),
        other => panic!("{other}"),
    }
}

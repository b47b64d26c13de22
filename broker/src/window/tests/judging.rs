//! With the register, the journal and every file of the gateway in hand: what makes a grant count,
//! and what does not.

use std::time::Duration;

use interlock_protocols::grant::{Draft, Functions, Grant, Kind, Point, Span};
use interlock_protocols::modbus::value::{DataType, WordOrder};
use interlock_protocols::modbus::{Address, FunctionCode, Table, UnitId};
use interlock_protocols::record::{
    Event, KeptWindow, Measure, Restricted, Scope, WindowApproved, WindowEnd, WindowEnded,
    WindowRefused, WindowRequested,
};
use interlock_protocols::root::{Approver, ApproverList};

use crate::clock::{Mono, Now};
use crate::limits::WINDOWS_KEPT_MAX;
use crate::register::{Parts, Register};
use crate::root::{ApproverKey, RootSecret};
use crate::window::{Invalid, Reliance, Valid};

const NOW: Now = Now::new(1_795_000_000_000, Mono::at(Duration::ZERO));
const PLANT: &[u8] = b"site = \"harbour\"\n";
const HOLDER: &str = "vendor/acme/victor";

fn id(path: &str) -> String {
    format!("spiffe://harbour/{path}")
}

/// People and their keys; some have two.
struct Site {
    root: RootSecret,
    keys: Vec<(&'static str, Option<&'static str>, ApproverKey)>,
}

impl Site {
    fn new() -> Site {
        let people = [
            ("person/emil", None),
            ("person/emil", None),
            ("person/eva", None),
            ("person/mole", Some("acme")),
            ("vendor/acme/anna", Some("acme")),
            ("vendor/acme/victor", Some("acme")),
        ];
        let key = |(who, firm): (&'static str, Option<&'static str>)| {
            (who, firm, ApproverKey::generate("n").unwrap())
        };
        Site {
            root: RootSecret::generate("harbour").unwrap(),
            keys: people.into_iter().map(key).collect(),
        }
    }

    /// Without those of these places.
    fn reliance_but(&self, gateway: &str, plant: &[u8], but: &[usize]) -> Reliance {
        let keys = self.keys.iter().enumerate();
        let keys = keys.filter(|(at, _)| !but.contains(at));
        let mut approvers: Vec<Approver> = keys
            .map(|(_, (who, firm, key))| Approver {
                subject: id(who),
                name: "N".into(),
                firm: firm.map(str::to_owned),
                key: key.public(),
                since_ms: 0,
            })
            .collect();
        approvers.sort_by(|one, other| (&one.subject, one.key).cmp(&(&other.subject, other.key)));
        let list = ApproverList { approvers };
        let list = self.root.sign_approvers(&list, 1, NOW).unwrap();
        let signed = self.root.sign_plant(plant, 1).unwrap();
        let root = self.root.public().clone();
        let (list, plant) = (root.approvers(&list), root.plant(&signed, plant));
        Reliance::new(gateway, root, list.unwrap(), plant.unwrap())
    }

    fn reliance(&self) -> Reliance {
        self.reliance_but("gw-1", PLANT, &[])
    }

    fn draft(&self, quorum: u8) -> Draft {
        Draft {
            kind: Kind::Window,
            supervised: false,
            hold: false,
            quorum,
            id: [7; 16],
            site: "harbour".into(),
            gateway: "gw-1".into(),
            device: "press-4".into(),
            guard: String::new(),
            holder: id(HOLDER),
            holder_key: [8; 32],
            plant: crate::proof::sha256(PLANT),
            max_writes: 20,
            open_s: 0,
            approvers: self.keys.iter().map(|(_, _, key)| key.public()).collect(),
            points: vec![Point {
                unit: UnitId::new(255),
                table: Table::HoldingRegisters,
                first: Address::new(100),
                data_type: Some(DataType::U16),
                order: WordOrder::Abcd,
                functions: Functions::NONE.with(FunctionCode::WriteSingleRegister),
                raw_min: 0,
                raw_max: 800,
            }],
            spans: vec![Span {
                start_ms: 1_795_000_000_000,
                length_s: 7_200,
            }],
        }
    }

    fn approval(&self, window: u64, signer: usize, grant: &[u8]) -> WindowApproved {
        let (who, _, key) = &self.keys[signer];
        let body = Grant::read_unsigned(grant).unwrap().body.to_vec();
        WindowApproved {
            window,
            session: 3,
            by: id(who),
            key: key.public(),
            signature: key.sign(&body),
            comment: String::new(),
            policies: Vec::new(),
        }
    }
}

fn requested(grant: Vec<u8>) -> Event {
    Event::WindowRequested(WindowRequested {
        session: 2,
        by: id(HOLDER),
        grant,
        points: vec!["speed_setpoint".into()],
        reason: "WO-1234".into(),
        waits_until_ms: 1_795_000_100_000,
        extends: None,
        policies: Vec::new(),
    })
}

fn register(events: impl IntoIterator<Item = Event>) -> Register {
    let mut register = Register::default();
    for (sequence, event) in (10..).zip(events) {
        register.apply(sequence, NOW.wall_ms(), &event);
    }
    register
}

/// Window 10 of this draft, signed by these.
fn window(site: &Site, draft: &Draft, signers: &[usize]) -> Register {
    let grant = draft.encode().unwrap();
    let approvals = signers.iter().map(|at| site.approval(10, *at, &grant));
    let approvals: Vec<Event> = approvals.map(Event::WindowApproved).collect();
    register([requested(grant)].into_iter().chain(approvals))
}

fn judged(reliance: &Reliance, register: &Register) -> Result<Valid, Invalid> {
    reliance.judge(register, register.windows.numbered(10).unwrap())
}

fn short(has: usize, quorum: u8, given: usize) -> Invalid {
    Invalid::Short { has, quorum, given }
}

fn revoke(who: &str) -> Event {
    Event::Restricted(Restricted {
        session: Some(1),
        by: id("person/adam"),
        measure: Measure::Revoke,
        scope: Scope::Subject(id(who)),
        reason: "left".into(),
        sessions: Vec::new(),
        open: Vec::new(),
    })
}

#[test]
fn what_an_approver_signed_counts_and_says_who() {
    let site = Site::new();
    let valid = judged(&site.reliance(), &window(&site, &site.draft(1), &[0])).unwrap();
    assert_eq!(
        (valid.number(), valid.signers()),
        (10, &[id("person/emil")][..])
    );
    assert_eq!(valid.grant().unwrap().device, "press-4");
    assert_eq!(valid.points(), ["speed_setpoint"]);
}

#[test]
fn a_grant_that_nobody_signed_counts_for_nothing() {
    let site = Site::new();
    let register = window(&site, &site.draft(1), &[]);
    assert_eq!(
        judged(&site.reliance(), &register).unwrap_err(),
        short(0, 1, 0)
    );
}

#[test]
fn a_grant_of_which_any_byte_was_altered_counts_for_nothing() {
    let site = Site::new();
    let (reliance, register) = (site.reliance(), window(&site, &site.draft(1), &[0]));
    let kept = register.windows.numbered(10).unwrap().clone();
    assert!(reliance.judge(&register, &kept).is_ok());
    for at in 0..kept.requested.grant.len() {
        for bit in 0..8 {
            let mut altered = kept.clone();
            altered.requested.grant[at] ^= 1 << bit;
            assert!(
                reliance.judge(&register, &altered).is_err(),
                "byte {at}, bit {bit}"
            );
        }
    }
    let alter = |change: &dyn Fn(&mut WindowApproved, usize), at: usize| {
        let mut altered = kept.clone();
        change(&mut altered.approvals[0].approved, at);
        reliance.judge(&register, &altered)
    };
    for at in 0..64 {
        let judged = alter(&|approved, at| approved.signature[at] ^= 1, at);
        assert_eq!(judged.unwrap_err(), short(0, 1, 1), "byte {at}");
    }
    for at in 0..32 {
        let judged = alter(&|approved, at| approved.key[at] ^= 1, at);
        assert_eq!(judged.unwrap_err(), short(0, 1, 1), "byte {at}");
    }
}

#[test]
fn a_signature_under_another_grant_is_none_under_this() {
    let site = Site::new();
    for change in [
        |draft: &mut Draft| draft.holder = id("vendor/acme/anna"),
        |draft: &mut Draft| draft.holder_key = [9; 32],
        |draft: &mut Draft| draft.max_writes = 21,
        |draft: &mut Draft| draft.points[0].raw_max = 801,
        |draft: &mut Draft| draft.spans[0].length_s = 7_201,
        |draft: &mut Draft| draft.id = [6; 16],
    ] {
        let signed = site.draft(1).encode().unwrap();
        let mut wanted = site.draft(1);
        change(&mut wanted);
        let approved = Event::WindowApproved(site.approval(10, 0, &signed));
        let register = register([requested(wanted.encode().unwrap()), approved]);
        let judged = judged(&site.reliance(), &register);
        assert_eq!(judged.unwrap_err(), short(0, 1, 1));
    }
}

#[test]
fn a_grant_of_another_site_or_gateway_counts_for_nothing_though_it_is_signed() {
    let site = Site::new();
    for change in [
        |draft: &mut Draft| draft.site = "quay".into(),
        |draft: &mut Draft| draft.gateway = "gw-2".into(),
        |draft: &mut Draft| {
            draft.kind = Kind::BreakGlass;
            draft.quorum = 0;
            draft.open_s = 60;
            draft.approvers.clear();
            draft.holder.clear();
            draft.holder_key = [0; 32];
        },
    ] {
        let mut draft = site.draft(1);
        change(&mut draft);
        let register = window(&site, &draft, &[0]);
        assert_eq!(
            judged(&site.reliance(), &register).unwrap_err(),
            Invalid::Elsewhere
        );
    }
    // The same grant at the other gateway of the site.
    let other = site.reliance_but("gw-2", PLANT, &[]);
    let register = window(&site, &site.draft(1), &[0]);
    assert_eq!(judged(&other, &register).unwrap_err(), Invalid::Elsewhere);
}

#[test]
fn a_key_counts_while_it_is_on_the_list_and_in_the_grant() {
    let site = Site::new();
    let register = window(&site, &site.draft(1), &[0]);
    let struck = site.reliance_but("gw-1", PLANT, &[0]);
    assert_eq!(judged(&struck, &register).unwrap_err(), short(0, 1, 1));
    let mut without = site.draft(1);
    without
        .approvers
        .retain(|key| *key != site.keys[0].2.public());
    let register = window(&site, &without, &[0]);
    assert_eq!(
        judged(&site.reliance(), &register).unwrap_err(),
        short(0, 1, 1)
    );
}

#[test]
fn two_keys_of_one_person_are_one_approval() {
    let site = Site::new();
    let grant = site.draft(2).encode().unwrap();
    // The register keeps one approval of each; whoever writes the journal writes what they like.
    let mut second = site.approval(10, 1, &grant);
    second.by = id("person/eva");
    let first = site.approval(10, 0, &grant);
    let approvals = [first, second].map(Event::WindowApproved);
    let both = register([requested(grant)].into_iter().chain(approvals));
    assert_eq!(both.windows.numbered(10).unwrap().approvals.len(), 2);
    assert_eq!(judged(&site.reliance(), &both).unwrap_err(), short(1, 2, 2));
    let two = window(&site, &site.draft(2), &[0, 2]);
    let valid = judged(&site.reliance(), &two).unwrap();
    assert_eq!(valid.signers(), [id("person/emil"), id("person/eva")]);
}

#[test]
fn neither_the_holder_nor_their_firm_counts_whatever_was_recorded() {
    let site = Site::new();
    for signer in [3, 4, 5] {
        let register = window(&site, &site.draft(1), &[signer]);
        let judged = judged(&site.reliance(), &register);
        assert_eq!(
            judged.unwrap_err(),
            short(0, 1, 1),
            "{}",
            site.keys[signer].0
        );
    }
}

#[test]
fn another_plant_ends_what_was_resolved_against_the_one_before() {
    let site = Site::new();
    let register = window(&site, &site.draft(1), &[0]);
    let changed = site.reliance_but("gw-1", b"site = \"harbour\" # changed\n", &[]);
    assert_eq!(judged(&changed, &register).unwrap_err(), Invalid::Outdated);
}

#[test]
fn a_grant_counts_once_however_often_it_is_recorded() {
    let site = Site::new();
    let grant = site.draft(1).encode().unwrap();
    let approved = Event::WindowApproved(site.approval(10, 0, &grant));
    let again = Event::WindowApproved(site.approval(12, 0, &grant));
    let register = register([requested(grant.clone()), approved, requested(grant), again]);
    let reliance = site.reliance();
    let judged = |number| reliance.judge(&register, register.windows.numbered(number).unwrap());
    assert!(judged(10).is_ok());
    assert_eq!(judged(12).unwrap_err(), Invalid::Replayed(10));
}

#[test]
fn a_revoked_approver_counts_no_longer_until_somebody_else_approves() {
    let site = Site::new();
    let (grant, reliance) = (site.draft(1).encode().unwrap(), site.reliance());
    let mut register = window(&site, &site.draft(1), &[0]);
    assert!(judged(&reliance, &register).is_ok());
    register.apply(20, NOW.wall_ms(), &revoke("person/emil"));
    assert_eq!(judged(&reliance, &register).unwrap_err(), short(0, 1, 1));
    let other = Event::WindowApproved(site.approval(10, 2, &grant));
    register.apply(21, NOW.wall_ms(), &other);
    assert_eq!(
        judged(&reliance, &register).unwrap().signers(),
        [id("person/eva")]
    );
}

#[test]
fn what_was_refused_ended_or_revoked_opens_nothing() {
    let site = Site::new();
    let refused = Event::WindowRefused(WindowRefused {
        window: 10,
        session: 4,
        by: id("person/eva"),
        comment: "no".into(),
    });
    let ended = |end| {
        Event::WindowEnded(WindowEnded {
            window: 10,
            end,
            session: None,
            by: String::new(),
        })
    };
    let revoked = Event::Restricted(Restricted {
        session: Some(1),
        by: id("person/adam"),
        measure: Measure::Revoke,
        scope: Scope::Window("10".into()),
        reason: "smoke".into(),
        sessions: Vec::new(),
        open: Vec::new(),
    });
    for (event, why) in [
        (refused, Invalid::Refused),
        (ended(WindowEnd::Over), Invalid::Ended(WindowEnd::Over)),
        (
            ended(WindowEnd::Withdrawn),
            Invalid::Ended(WindowEnd::Withdrawn),
        ),
        (revoked, Invalid::Revoked(Some(20))),
    ] {
        let mut register = window(&site, &site.draft(1), &[0]);
        register.apply(20, NOW.wall_ms(), &event);
        assert_eq!(judged(&site.reliance(), &register).unwrap_err(), why);
    }
}

#[test]
fn a_register_that_was_kept_says_the_same() {
    let site = Site::new();
    let register = window(&site, &site.draft(2), &[0, 2]);
    let (mut parts, mut again) = (Parts::default(), None);
    for (sequence, event) in (30..).zip(register.to_records()) {
        let Event::RegisterKept(kept) = event else {
            panic!("{event:?}");
        };
        again = parts.take(sequence, kept).unwrap();
    }
    let (_, again) = again.unwrap();
    assert_eq!(again, register);
    let valid = judged(&site.reliance(), &again).unwrap();
    assert_eq!(valid.signers().len(), 2);
}

#[test]
fn signatures_are_verified_once_for_the_same_bytes_and_again_for_others() {
    let site = Site::new();
    let (reliance, register) = (site.reliance(), window(&site, &site.draft(1), &[0]));
    let kept = register.windows.numbered(10).unwrap();
    let judge = |kept: &KeptWindow| reliance.judge(&register, kept).is_ok();
    assert!(judge(kept) && judge(kept));
    assert_eq!(reliance.cached(), 1);
    let mut altered = kept.clone();
    altered.approvals[0].approved.signature[0] ^= 1;
    assert!(!judge(&altered));
    assert_eq!(reliance.cached(), 2);
    assert!(judge(kept));
    assert_eq!(reliance.cached(), 2);
}

#[test]
fn where_the_first_of_two_alike_is_forgotten_the_next_is_the_first() {
    let site = Site::new();
    let alike = site.draft(1).encode().unwrap();
    let mut other = site.draft(1);
    other.id = [9; 16];
    let other = other.encode().unwrap();
    let mut register = register([requested(alike.clone()), requested(alike.clone())]);
    assert_eq!(register.windows.first_of(&alike), Some(10));
    let withdrawn = Event::WindowEnded(WindowEnded {
        window: 10,
        end: WindowEnd::Withdrawn,
        session: Some(2),
        by: id(HOLDER),
    });
    register.apply(12, NOW.wall_ms(), &withdrawn);
    for sequence in (13..).take(WINDOWS_KEPT_MAX - 1) {
        register.apply(sequence, NOW.wall_ms(), &requested(other.clone()));
    }
    assert!(register.windows.numbered(10).is_none());
    assert_eq!(register.windows.first_of(&alike), Some(11));
    assert_eq!(register.windows.first_of(&other), Some(13));
}
